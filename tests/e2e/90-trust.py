#!/usr/bin/env python3
"""Enrolment, keys, forged and stolen things, with the real programs."""
import os
import shutil
import stat

from _common import branch, branch_json, city, city_json, enrol, init, one_line, run, same_state, Server

state = {}


def setup():
    init()
    state["city"] = Server("city")
    for name in ("key", "root.key"):
        mode = os.stat("city/" + name).st_mode
        assert stat.S_IMODE(mode) == 0o600, oct(mode)


def both_sides_show_the_same_fingerprint():
    made = city_json("city", "enrol", "--unit", "B03")
    wrong = made["fingerprint"][:-1] + ("2" if made["fingerprint"][-1] != "2" else "3")
    err = one_line(branch("b3", "enrol", "--server", state["city"].url, "--code", made["code"], "--fingerprint", wrong,
                          check=1)[1])
    assert made["fingerprint"] in err, err
    assert not os.path.exists("b3"), "a refused server leaves a folder"
    # No code was told: it is still good.
    out = branch_json("b3", "enrol", "--server", state["city"].url, "--code", made["code"].lower(), "--fingerprint",
                      made["fingerprint"].replace("-", " "))
    assert out["fingerprint"] == made["fingerprint"] and out["unit"] == "B03", out
    assert stat.S_IMODE(os.stat("b3/key").st_mode) == 0o600


def codes():
    code = city_json("city", "enrol", "--unit", "B01")["code"]
    one_line(branch("b1", "enrol", "--server", state["city"].url, "--code", "2222-3333-4444", check=1)[1])
    assert not os.path.exists("b1")
    branch("b1", "enrol", "--server", state["city"].url, "--code", code)
    one_line(branch("b1-again", "enrol", "--server", state["city"].url, "--code", code, check=1)[1])
    assert not os.path.exists("b1-again")


def work_is_signed_and_stands():
    branch("b3", "set", "A0019", "remark=签名的")
    out = branch_json("b3", "sync")
    assert out["unsent"] == 0 and out["acks"]["city"] > 0, out
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "签名的"
    assert city_json("city", "status")["waiting"] == 0
    same_state("b3", "city")
    for n in ("b1", "b3"):
        branch(n, "verify")


def a_stolen_bundle_is_unreadable():
    branch("b3", "set", "A0019", "remark=只给上级看的字")
    branch("b3", "export", "up.tzb")
    data = open("up.tzb", "rb").read()
    for secret in ("只给上级看的字", "B03", "A0019"):
        assert secret.encode() not in data, secret
    assert open("b3/key", "rb").read()[6:38] not in data
    one_line(branch("b1", "import", "up.tzb", check=2)[1])
    out = city_json("city", "import", "up.tzb")
    assert out["files"][0]["taken"] == 1, out
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "只给上级看的字"
    damaged = bytearray(data)
    damaged[len(data) // 2] ^= 1
    open("bad.tzb", "wb").write(damaged)
    one_line(city("city", "import", "bad.tzb", check=2)[1])


def without_a_network():
    branch("far", "enrol", "--request", "far.req")
    made = city_json("city", "enrol", "--unit", "B02", "--answer", "far.req", "far.ans")
    one_line(branch("b1", "enrol", "--take", "far.ans", check=2)[1])  # sealed to the other PC
    one_line(branch("far", "enrol", "--take", "far.ans", "--fingerprint", "2222-2222-2222-2222", check=1)[1])
    out = branch_json("far", "enrol", "--take", "far.ans", "--fingerprint", made["fingerprint"])
    assert (out["unit"], out["fingerprint"], out["device"]) == ("B02", made["fingerprint"], made["device"]), out
    city("city", "export", "down.tzb", "--to", "B02")
    branch("far", "import", "down.tzb")
    row = branch_json("far", "list", "assignments")[0]["id"]
    branch("far", "set", row, "remark=没有网络")
    branch("far", "export", "far-up.tzb")
    city("city", "import", "far-up.tzb")
    assert city_json("city", "show", row)["fields"]["remark"] == "没有网络"
    one_line(city("city", "enrol", "--unit", "B02", "--answer", "down.tzb", "x.ans", check=2)[1])
    same_state("far", "city")


def a_damaged_key_file():
    good = open("b3/key", "rb").read()
    open("b3/key", "wb").write(good[:20] + bytes([good[20] ^ 1]) + good[21:])
    err = one_line(branch("b3", "status", check=1)[1])
    assert "b3/key" in err, err
    assert open("b3/key", "rb").read() != good, "the damaged file was overwritten"
    open("b3/key", "wb").write(good)
    branch("b3", "status")


def a_key_under_a_passphrase():
    open("word", "w").write("正确的口令\n")
    open("wrong", "w").write("不对\n")
    plain = open("b3/key", "rb").read()
    branch("b3", "passphrase", "--file", "word")
    wrapped = open("b3/key", "rb").read()
    assert plain[6:38] not in wrapped
    one_line(branch("b3", "status", check=1)[1])
    one_line(branch("b3", "status", check=1, env={"TAIZHANG_PASSPHRASE_FILE": "wrong"})[1])
    assert open("b3/key", "rb").read() == wrapped
    env = {"TAIZHANG_PASSPHRASE_FILE": "word"}
    branch("b3", "set", "A0019", "remark=有口令", env=env)
    branch("b3", "sync", env=env)
    branch("b3", "passphrase", "--file", "", env=env)
    branch("b3", "sync")
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "有口令"


def a_database_without_its_key():
    branch("b1", "set", branch_json("b1", "list", "assignments")[0]["id"], "remark=没发出的")
    row = branch_json("b1", "list", "assignments")[0]["id"]
    branch("b1", "backup", "b1.tzbak")
    data = open("b1.tzbak", "rb").read()
    assert open("b1/key", "rb").read()[6:38] not in data, "the key is in the backup"
    os.unlink("b1.tzbak.keys")
    shutil.rmtree("b1")
    out = branch_json("b1", "restore", "b1.tzbak")
    assert not out["has_key"], out
    one_line(branch("b1", "set", row, "remark=没有钥匙", check=2)[1])
    one_line(branch("b1", "sync", check=2)[1])
    assert branch_json("b1", "show", row)["fields"]["remark"] == "没发出的"
    enrol(state["city"], "B01", "b1")
    # What it had saved was signed then: it counts.
    assert city_json("city", "show", row)["fields"]["remark"] == "没发出的"
    branch("b1", "set", row, "remark=新钥匙")
    out = branch_json("b1", "sync")
    assert out["unsent"] == 0, out
    assert city_json("city", "show", row)["fields"]["remark"] == "新钥匙"
    same_state("b1", "city")


def a_revoked_device():
    row = branch_json("b1", "list", "assignments")[0]["id"]
    branch("b1", "set", row, "remark=吊销之前")
    branch("b1", "sync")
    replica = branch_json("b1", "status")["replica"]
    assert any(d["replica"] == replica and d["unit"] == "B01" for d in city_json("city", "devices"))
    city("city", "revoke", replica)
    branch("b1", "set", row, "remark=吊销之后")
    one_line(branch("b1", "sync", check=1)[1])
    branch("b1", "export", "late.tzb")
    one_line(city("city", "import", "late.tzb", check=2)[1])
    assert city_json("city", "show", row)["fields"]["remark"] == "吊销之前"
    assert [d["revoked"] for d in city_json("city", "devices") if d["replica"] == replica] == [True]
    city("city", "revoke", replica, "--none")
    assert city_json("city", "show", row)["fields"]["remark"] != "吊销之前"
    assert city_json("city", "status")["quarantined"] > 0
    one_line(city("city", "revoke", "1234", check=2)[1])
    one_line(city("city", "revoke", "00" * 16, check=2)[1])


def released_by_somebody_entitled():
    """What a revoked PC wrote is set aside and listed; the city lets one commit count, and it stands everywhere."""
    enrol(state["city"], "B02", "b2")
    enrol(state["city"], "B02", "b2-lost")
    row = branch_json("b2", "list", "assignments")[0]["id"]
    branch("b2-lost", "set", row, "remark=丢失之前的真话")
    branch("b2-lost", "sync")
    branch("b2", "sync")
    replica = branch_json("b2-lost", "status")["replica"]
    city("city", "revoke", replica, "--none")
    branch("b2", "sync")
    for data, show, listing in (("city", city_json, city_json), ("b2", branch_json, branch_json)):
        assert show(data, "show", row)["fields"]["remark"] != "丢失之前的真话", data
        lines = [c for c in listing(data, "list", "conflicts") if c["kind"] == "quarantined"]
        assert any("丢失之前的真话" in str(c) for c in lines), (data, lines)
    # Which commit it is says the audit. A branch may not release it, nor a server without the root key.
    entry = [e for e in city_json("city", "audit", "--unit", "B02")["entries"]
             if e["kind"] == "commit" and e["replica"] == replica and "丢失之前的真话" in e["zh"]][0]
    assert entry["outcome"] == "quarantined", entry
    where = (entry["stream"], replica, str(entry["seq"]))
    one_line(city("city", "release", entry["stream"], replica, "99", check=2)[1])
    os.rename("city/root.key", "root.key.away")
    state["city"].stop()
    line = one_line(city("city", "release", *where, check=2)[1])
    assert "root key" in line, line
    os.rename("root.key.away", "city/root.key")
    state["city"] = Server("city", port=state["city"].port)
    assert city_json("city", "release", *where)["released"].startswith(entry["stream"])
    branch("b2", "sync")
    for data, show in (("city", city_json), ("b2", branch_json)):
        assert show(data, "show", row)["fields"]["remark"] == "丢失之前的真话", data
        lines = [c for c in show(data, "list", "conflicts") if c["kind"] == "quarantined"]
        assert not any("丢失之前的真话" in str(c) for c in lines), (data, lines)
    same_state("b2", "city")
    told = [e for e in branch_json("b2", "audit")["entries"] if e["kind"] == "release"]
    assert told, "a release leaves a line"
    # The PC itself stays out, and what is built on the released work goes on.
    one_line(branch("b2-lost", "sync", check=1)[1])
    branch("b2", "set", row, "remark=接着写")
    assert branch_json("b2", "sync")["unsent"] == 0
    assert city_json("city", "show", row)["fields"]["remark"] == "接着写"
    city("city", "verify")
    branch("b2", "verify")


def guesses_end():
    for _ in range(20):
        branch("guess", "enrol", "--server", state["city"].url, "--code", "2222-3333-4444", check=1)
    err = one_line(branch("guess", "enrol", "--server", state["city"].url, "--code", "2222-3333-4444", check=1)[1])
    assert "hour" in err, err
    # One code whose beginning somebody knows: a few tries, then it is void.
    known, good = (city_json("city", "enrol", "--unit", "B01")["code"] for _ in range(2))
    for _ in range(10):
        branch("guess", "enrol", "--server", state["city"].url, "--code", known[:4] + "-2222-3333", check=1)
    err = one_line(branch("guess", "enrol", "--server", state["city"].url, "--code", known, check=1)[1])
    assert "void" in err, err
    assert not os.path.exists("guess")
    # Nobody else is kept out by it, not at the same address either.
    branch("right", "enrol", "--server", state["city"].url, "--code", good)
    state["city"].stop()
    city("city", "verify")


run(setup, both_sides_show_the_same_fingerprint, codes, work_is_signed_and_stands, a_stolen_bundle_is_unreadable,
    without_a_network, a_damaged_key_file, a_key_under_a_passphrase, a_database_without_its_key,
    a_revoked_device, released_by_somebody_entitled, guesses_end)
