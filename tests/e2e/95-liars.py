#!/usr/bin/env python3
"""Liars with genuine keys against the real programs: a device that forges, oversteps, claims a level and floods; a relay
that alters, leaves out, exchanges, repeats, acknowledges for the city and answers in its place; a city with two faces.
They may delay. Nothing false is taken, nothing is lost, and everybody else goes on."""
# time limit: 600 s
import json
import os
import shutil
import subprocess
import time

from _common import BIN, branch, branch_json, city, city_json, enrol, init, one_line, run, same_state, Server, servers, wait_for

state = {}


class SecureServer(Server):
    def __init__(self, data, **kw):
        super().__init__(data, extra=("--tls",), **kw)
        self.url = self.url.replace("http://", "https://")


def liar(*args):
    out = subprocess.run([os.path.join(BIN, "badactor"), "device", *map(str, args)], capture_output=True, text=True,
                         check=True, timeout=200).stdout
    return json.loads(out)


class Relay:
    """Stands at a port with the key of `data`, and does to what passes what the file HOW says."""

    def __init__(self, data, port, upstream):
        self.how_file = data + ".how"
        self.how("")
        port_file = data + ".relay-port"
        if os.path.exists(port_file):
            os.unlink(port_file)
        self.process = subprocess.Popen([os.path.join(BIN, "badactor"), "relay", data, str(port), upstream, self.how_file,
                                         port_file], stdin=subprocess.DEVNULL)
        servers.append(self)
        wait_for(lambda: os.path.exists(port_file) and open(port_file).read().strip())

    def how(self, words):
        with open(self.how_file + ".new", "w") as f:
            f.write(words)
        os.rename(self.how_file + ".new", self.how_file)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)


def copy_of(data, to):
    shutil.copytree(data, to, ignore=shutil.ignore_patterns("*.sock", "lock"))
    return to


def tried(data, *args):
    """A sync that may be refused, then in one line."""
    out, err = branch(data, "sync", *args, check=None)
    if err:
        one_line(err)
    return err


def goes_on(*devices):
    for d in devices:
        assert branch_json(d, "sync")["unsent"] == 0, d
    for d in devices:
        branch(d, "sync")
        assert branch_json(d, "verify")["ok"], d
        assert branch_json(d, "status")["contradictions"] == [], d
        same_state(d, "city")


def setup():
    init()
    state["city"] = Server("city")
    enrol(state["city"], "B03", "b3")
    enrol(state["city"], "B03", "office")
    enrol(state["city"], "B01", "b1")
    branch("office", "set", "A0019", "remark=办公室写的")
    branch("office", "sync")
    branch("b3", "sync")


def refused(out, kind):
    assert out["status"] == 200 and not out["took"] and out["acks"] == 0 and out["verdicts"] == [kind], out


def a_device_that_forges_and_oversteps():
    before, devices = city_json("city", "digest"), city_json("city", "devices")
    office = branch_json("office", "status")["replica"]
    refused(liar("b3", state["city"].url, "forge", office, "A0019"), 3)  # unproved
    row = branch_json("b1", "list", "assignments")[0]["id"]
    refused(liar("b3", state["city"].url, "scope", "B01/ledger", row), 2)  # denied
    refused(liar("b3", state["city"].url, "claim", "A0019"), 3)
    assert city_json("city", "digest") == before and city_json("city", "devices") == devices
    for says in ("冒名写的", "越界写的", "2039-01-01"):
        assert says not in json.dumps(city_json("city", "show", "A0019"), ensure_ascii=False)
    # Both of them, and the one who was to be robbed of a place in his chain, write on.
    branch("office", "set", "A0019", "remark=接着写")
    branch("b3", "set", "A0019", "next_steps=也接着写")
    goes_on("office", "b3", "b1")
    shown = city_json("city", "show", "A0019")["fields"]
    assert shown["remark"] == "接着写" and shown["next_steps"] == "也接着写", shown


def a_device_that_floods():
    out = liar("b3", state["city"].url, "flood", 500)
    assert out["503"] == 500 and out["other"] == 0 and out["200"] >= 500, out
    # The others are served at once; it too, when it has waited, and has lost nothing.
    branch("office", "set", "A0019", "remark=洪水时写的")
    assert branch_json("office", "sync")["unsent"] == 0
    branch("b3", "set", "A0019", "next_steps=洪水之后")
    wait_for(lambda: not tried("b3"))
    time.sleep(5)  # its purse fills up by ten requests a second, and what follows asks more than once
    goes_on("b3", "office", "b1")


def a_relay_with_its_own_key():
    code = city_json("city", "enrol", "--unit", "K1-02")["code"]
    city("town", "join", "--upstream", state["city"].url, "--code", code)
    town = SecureServer("town")
    for pc in ("r3", "r3-office"):
        code = city_json("town", "enrol", "--unit", "B03")["code"]
        branch(pc, "enrol", "--server", town.url, "--code", code)
    wait_for(lambda: city_json("town", "status")["unsent"] == 0)
    town.stop()
    state["city"].stop()  # whatever is said of the city from now on, it did not say
    copy_of("town", "town-copy")
    state["town"] = Server("town")
    state["relay"] = Relay("town-copy", town.port, state["town"].url)
    for pc in ("r3", "r3-office"):
        assert branch_json(pc, "sync")["unsent"] == 0


def what_it_alters_leaves_out_or_exchanges():
    relay = state["relay"]
    for n, how in enumerate(("alter 真话 假话", "drop", "reorder", "drop", "reorder")):
        for k in range(3):
            branch("r3-office", "set", "A0019", f"remark=真话 {n} {k}")
        assert branch_json("r3-office", "sync")["unsent"] == 0
        before = branch_json("r3", "digest")
        relay.how(how)
        err = tried("r3")
        shown = branch_json("r3", "show", "A0019")["fields"]["remark"]
        assert "假话" not in shown, shown
        # Taken as it was written, or nothing of it.
        assert shown == f"真话 {n} 2" or branch_json("r3", "digest") == before, (how, err, shown)
        relay.how("")
        assert branch_json("r3", "sync")["unsent"] == 0
        assert branch_json("r3", "show", "A0019")["fields"]["remark"] == f"真话 {n} 2", how
        assert branch_json("r3", "verify")["ok"]
    same_state("r3", "r3-office")


def what_it_acknowledges_is_its_own_word_only():
    relay = state["relay"]

    def acks():
        return branch_json("r3", "status")["acks"]

    # An answer of before, to what is new.
    relay.how("old")
    branch("r3", "set", "A0019", "next_steps=第一")
    assert branch_json("r3", "sync")["unsent"] == 0
    branch("r3", "set", "A0019", "next_steps=第二")
    tried("r3")
    assert branch_json("r3", "status")["unsent"] == 1
    relay.how("")
    assert branch_json("r3", "sync")["unsent"] == 0
    at_city = acks()["city"]
    assert acks()["township"] > at_city, acks()
    # That it is the city.
    relay.how("level city")
    branch("r3", "set", "A0019", "next_steps=第三")
    assert "level" in tried("r3")
    assert branch_json("r3", "status")["unsent"] == 1 and acks()["city"] == at_city
    # That the city has it, in the city's name.
    rows = branch_json("r3", "sql", "SELECT r.id, l.seq, l.hash FROM log l JOIN replica r ON r.no = l.replica "
                       "JOIN stream s ON s.no = l.stream JOIN fact f ON f.key = 'replica' AND f.value = r.id "
                       "WHERE s.unit = 'B03' AND s.audience = 0 ORDER BY l.seq DESC LIMIT 1")["rows"]
    relay.how("ack B03/ledger %s %s %s" % tuple(rows[0]))
    tried("r3")
    tried("r3")
    assert acks()["city"] == at_city, acks()
    relay.how("")
    assert branch_json("r3", "sync")["unsent"] == 0
    assert acks()["city"] == at_city, acks()
    relay.stop()
    state["town"].stop()


def a_relay_that_answers_where_the_city_is_expected():
    secure = SecureServer("city", port=state["city"].port)
    made = city_json("city", "enrol", "--unit", "B03")
    branch("c3", "enrol", "--server", secure.url, "--code", made["code"], "--fingerprint", made["fingerprint"])
    # It knows the township's certificate, so its server may answer; what it says is not the city's word for that.
    secure.stop()
    plain = Server("city")
    relay = Relay("town-copy", secure.port, plain.url)
    branch("c3", "set", "A0019", "remark=交给市级的")
    assert "level" in tried("c3")
    status = branch_json("c3", "status")
    assert status["unsent"] == 1 and status["acks"]["city"] == 0, status
    relay.how("level township")
    tried("c3")
    assert branch_json("c3", "status")["acks"]["city"] == 0
    relay.stop()
    plain.stop()
    secure = SecureServer("city", port=secure.port)
    branch("c3", "set", "A0019", "next_steps=再交一次")
    out = branch_json("c3", "sync")
    assert out["unsent"] == 0 and out["acks"]["city"] == 2, out
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "交给市级的"
    secure.stop()
    state["city"] = Server("city", port=state["city"].port)
    goes_on("b3", "office", "b1")


def a_city_with_two_faces():
    """Whoever holds the root key says one thing to one and another to the other, at one place of the city's log."""
    port = state["city"].port
    state["city"].stop()
    copy_of("city", "city-other")
    state["city"] = Server("city", port=port)
    city("city", "unit", "B01", "--name", "对这边说的")
    branch("b1", "sync")
    assert branch_json("b1", "status")["unit_name"] == "对这边说的"
    state["city"].stop()
    other = Server("city-other", port=port)
    city("city-other", "unit", "B01", "--name", "对那边说的")
    branch("b3", "sync")
    assert branch_json("b1", "status")["contradictions"] == branch_json("b3", "status")["contradictions"] == []
    other.stop()
    state["city"] = Server("city", port=port)

    def told(status):
        return [c for c in status["contradictions"] if c["kind"] == "control"]

    # Both logs end at one place: the next sync compares them, on both sides.
    branch("b3", "set", "A0019", "remark=照常送到")
    assert branch_json("b3", "sync")["unsent"] == 0
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "照常送到"
    assert len(told(branch_json("b3", "status"))) == 1 and len(told(city_json("city", "status"))) == 1
    assert told(branch_json("b1", "status")) == []
    one = branch_json("b3", "sync")
    assert one["round_trips"] == 1, one  # it costs nothing more from then on
    for d in ("b3", "b1"):
        assert branch_json(d, "verify")["ok"], d
    state["city"].stop()
    city("city", "verify")


run(setup, a_device_that_forges_and_oversteps, a_device_that_floods, a_relay_with_its_own_key,
    what_it_alters_leaves_out_or_exchanges, what_it_acknowledges_is_its_own_word_only,
    a_relay_that_answers_where_the_city_is_expected, a_city_with_two_faces)
