#!/usr/bin/env python3
"""The agent of a node that serves: pokes over a live connection, a link that comes back, no work for nothing."""
import json
import os
import re
import signal
import socket
import threading
import time

from _common import branch, branch_json, city, city_json, enrol, init, one_line, run, same_state, Server
from _link import get, Link, post

state = {}


# A schedule rests for three minutes and more while pokes come: whatever is there before was poked.
PATIENCE = 120


def until(what, describe=lambda: "", seconds=PATIENCE):
    """Waits for it; gives the seconds that it took."""
    started = time.monotonic()
    while not what():
        if time.monotonic() - started > seconds:
            raise AssertionError(f"not within {seconds} s: {describe()}")
        time.sleep(0.02)
    return time.monotonic() - started


def agent(server):
    return get(server.port, "progress")


def setup():
    init()
    state["city"] = Server("city")
    code = city_json("city", "enrol", "--unit", "K1-02")["code"]
    city_json("city-town", "join", "--upstream", state["city"].url, "--code", code)
    state["town"] = Server("city-town")
    enrol(state["town"], "B03", "pc")
    state["pc"] = Server("pc", name="taizhang")
    for n in ("town", "pc"):
        until(lambda: agent(state[n])["live"], lambda: agent(state[n]))
    city("city-town", "sync")  # the rest after a sync is that long only if pokes came by then
    branch("pc", "sync")


def an_edit_at_the_city_shows_at_the_branch():
    """Through the relay, while both schedules rest for minutes."""
    times = []
    for day in range(1, 6):
        deadline = f"2026-02-{day:02}"
        post(state["city"].port, "set", ["A0019", "deadline=" + deadline])
        seen = lambda: get(state["pc"].port, "show/A0019")["fields"]["deadline"] == deadline
        times.append(until(seen, lambda: (agent(state["town"]), agent(state["pc"]))))
    print("    city to branch over a relay: " + ", ".join(f"{t:.2f}" for t in times) + " s")
    assert sorted(times)[2] < 15, times  # of minutes; a busy machine makes seconds of what is half a one
    assert agent(state["pc"])["live"] and agent(state["town"])["live"]


def an_edit_at_the_branch_shows_at_the_city():
    post(state["pc"].port, "report", ["A0019"], value=4, text="第四次走访")
    took = until(lambda: get(state["city"].port, "show/A0019")["fields"]["value"] == 4, lambda: agent(state["town"]))
    print(f"    branch to city over a relay: {took:.2f} s")
    # And the city's receipt comes back down without anybody asking.
    until(lambda: get(state["pc"].port, "show/A0019")["history"][-1]["acks"]["city"], lambda: agent(state["pc"]))


def what_status_tells():
    doc = branch_json("pc", "status")
    a = doc["agent"]
    assert a["state"] in ("resting", "syncing") and a["live"] is True and a["last_error"] is None, a
    assert set(a["progress"]) >= {"sent", "to_send", "received", "bytes_up", "bytes_down", "round_trips"}, a
    assert "agent" in city_json("city", "status") and city_json("city", "status")["agent"] is None


def nobody_spins():
    def cpu(server):
        fields = open(f"/proc/{server.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    # What was written is on its way still, and the city signs its checkpoints a minute after its start: whoever spins
    # does so every time.
    best = {}
    for _ in range(4):
        before = {n: cpu(state[n]) for n in ("city", "town", "pc")}
        time.sleep(3)
        for n in before:
            best[n] = min(best.get(n, 3), cpu(state[n]) - before[n])
        if max(best.values()) < 0.3:
            return
    raise AssertionError(f"seconds of CPU in 3 s of rest, at best: {best}")


class Ear:
    """Between a PC and its hub: passes everything on and keeps what the PC says."""

    def __init__(self, port):
        self.hub, self.heard = port, b""
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                below, _ = self.socket.accept()
            except OSError:
                return
            above = socket.create_connection(("127.0.0.1", self.hub))
            for a, b, keeps in ((below, above, True), (above, below, False)):
                threading.Thread(target=self.pass_on, args=(a, b, keeps), daemon=True).start()

    def pass_on(self, a, b, keeps):
        try:
            while data := a.recv(65536):
                if keeps:
                    self.heard += data
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            s.close()

    def token(self):
        found = re.search(rb"authorization: Bearer ([0-9a-f]{16,})", self.heard, re.IGNORECASE)
        return found and found[1].decode()


def a_token_that_was_heard(town):
    """The PC itself keeps it sealed; over plain loopback it can be heard."""
    ear = Ear(town)
    code = city_json("city-town", "enrol", "--unit", "B03")["code"]
    branch("heard", "enrol", "--server", f"http://127.0.0.1:{ear.port}", "--code", code)
    pc = Server("heard", name="taizhang")
    until(ear.token, describe=lambda: agent(pc))
    assert pc.stop() == 0
    ear.socket.close()
    kept = branch_json("heard", "sql", "SELECT hex(value) FROM fact WHERE key = 'upstream/token'")["rows"][0][0].lower()
    assert kept and ear.token() not in kept
    return ear.token()


def strangers_are_turned_away():
    def ask(*headers):
        with socket.create_connection(("127.0.0.1", state["town"].port), timeout=60) as s:
            s.sendall((f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{state['town'].port}\r\n" + "".join(h + "\r\n" for h in headers) + "\r\n").encode())
            return s.recv(4096).decode("latin-1")

    shake = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    assert ask(*shake).startswith("HTTP/1.1 403 "), ask(*shake)
    assert ask(*shake, "Authorization: Bearer 00112233445566778899aabbccddeeff").startswith("HTTP/1.1 403 ")
    assert ask().startswith("HTTP/1.1 404 ")
    token = a_token_that_was_heard(state["town"].port)
    said = ask(*shake[:3], "Authorization: Bearer " + token)
    assert said == "" or said.startswith("HTTP/1.1 400 "), "no key: refused, but it said " + repr(said)
    assert ask(*shake, "Authorization: Bearer " + token).startswith("HTTP/1.1 101 ")


def when_the_link_is_back_it_syncs_by_itself():
    port = state["town"].port
    state["town"].stop()
    post(state["pc"].port, "report", ["A0019"], value=5, text="断网时写的")
    seen = lambda: [agent(state["pc"])[k] for k in ("state", "live")]
    until(lambda: seen() == ["offline", False], seen)
    _, err = branch("pc", "sync", check=1)
    assert "1" in one_line(err), err
    state["town"] = Server("city-town", port=port)
    took = until(lambda: get(state["pc"].port, "status")["unsent"] == 0, lambda: agent(state["pc"]))
    print(f"    a link that came back: everything sent after {took:.2f} s")
    until(lambda: agent(state["pc"])["live"], lambda: agent(state["pc"]))
    until(lambda: get(state["city"].port, "show/A0019")["fields"]["value"] == 5, lambda: agent(state["town"]))


def a_pc_that_slept():
    """Stopped in the middle of everything; meanwhile its hub was started anew, and there is news both ways."""
    port = state["town"].port
    post(state["pc"].port, "set", ["A0019", "next_steps=睡前写的"])
    state["pc"].process.send_signal(signal.SIGSTOP)
    assert state["town"].stop() == 0
    state["town"] = Server("city-town", port=port)
    post(state["city"].port, "set", ["A0019", "deadline=2026-03-03"])
    until(lambda: get(state["town"].port, "show/A0019")["fields"]["deadline"] == "2026-03-03", lambda: agent(state["town"]))
    state["pc"].process.send_signal(signal.SIGCONT)
    until(lambda: get(state["pc"].port, "show/A0019")["fields"]["deadline"] == "2026-03-03", lambda: agent(state["pc"]))
    until(lambda: get(state["pc"].port, "status")["unsent"] == 0, lambda: agent(state["pc"]))
    until(lambda: get(state["city"].port, "show/A0019")["fields"]["next_steps"] == "睡前写的", lambda: agent(state["town"]))
    until(lambda: agent(state["pc"])["live"], lambda: agent(state["pc"]))


def a_live_connection_that_breaks_is_no_matter():
    """Behind a link that cuts every second the schedule and the edits go on."""
    with Link(state["city"].port) as link:  # a cut while it enrols is a person's matter, not the agent's
        code = city_json("city", "enrol", "--unit", "B01")["code"]
        branch("far", "enrol", "--server", link.url, "--code", code)
        link.stop()
    with Link(state["city"].port, "--cut-every", 1, port=link.port) as link:
        far = Server("far", name="taizhang")
        record = [a["id"] for a in get(far.port, "list/assignments") if a["unit_id"] == "B01"][0]
        for i in range(3):
            post(far.port, "set", [record, f"problems=第{i}处"])
            until(lambda: get(far.port, "status")["unsent"] == 0, lambda: agent(far))
            time.sleep(0.7)
        assert far.stop() == 0
        link.stop()


def all_agree():
    for n in ("pc", "town", "city"):
        assert state[n].stop() == 0, state[n].output
        assert "error" not in state[n].output.lower(), state[n].output
    city("city-town", "verify")
    same_state("city", "city-town")


run(setup, an_edit_at_the_city_shows_at_the_branch, an_edit_at_the_branch_shows_at_the_city, what_status_tells,
    nobody_spins, strangers_are_turned_away, when_the_link_is_back_it_syncs_by_itself, a_pc_that_slept,
    a_live_connection_that_breaks_is_no_matter, all_agree)
