#!/usr/bin/env python3
"""Who did what, and whether the log still is what it was: audit, checkpoint files, tampering with a closed database."""
import csv
import json
import os
import shutil
import socket
import stat
import zipfile

from _common import CITY, branch, branch_json, by_hand, city, city_json, enrol, init, one_line, run, Server

state = {}


def entries(run_json, data, *args):
    return run_json(data, "audit", *args)["entries"]


def ask(data, command, **options):
    """One command of the control socket, as the terminal gives it."""
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(f"{data}/control.sock")
        s.sendall(json.dumps({"command": command, "args": [], "options": options}).encode() + b"\n")
        got = b""
        while not got.endswith(b"\n"):
            got += s.recv(1 << 20)
    return json.loads(got)["document"]


def setup():
    init()
    state["city"] = Server("city")
    enrol(state["city"], "B03", "b3")
    enrol(state["city"], "B01", "b1")
    for n in range(3):
        branch("b3", "set", "A0019", f"remark=第{n}稿", "--person", "王秀英")
    branch("b3", "report", "A0019", "--value", "3", "--text", "完成三项", "--person", "=王秀英")
    assert branch_json("b3", "sync")["unsent"] == 0
    city("city", "checkpoint")  # or it would sign some by itself a minute after its start, in the middle of what is counted


def the_audit_says_who_what_when_and_where():
    all_ = entries(city_json, "city")
    commits = [e for e in all_ if e["kind"] in ("commit", "checkpoint")]
    assert len(commits) == city_json("city", "verify")["commits"], "every commit is told"
    kinds = {e["kind"] for e in all_}
    assert {"city", "catalog", "unit", "certificate", "commit"} <= kinds, kinds
    mine = [e for e in commits if e["person"] == "王秀英"]
    assert len(mine) == 3, mine
    e = mine[0]
    assert e["unit"] == "B03" and e["level"] == "branch" and e["stream"] == "B03/ledger" and e["outcome"] == "taken", e
    assert e["records"] == [{"entity": "assignment", "id": "A0019"}] and "第0稿" in e["zh"] and "备注" in e["zh"], e
    assert e["replica"] == branch_json("b3", "status")["replica"] and e["received"], e
    assert any(x["kind"] == "certificate" and x["unit"] == "B03" and x["time"] for x in all_)
    # A PC tells of its own part of the city.
    assert {x["unit"] for x in entries(branch_json, "b3") if x["kind"] == "commit"} >= {"B03"}


def filters_and_pages():
    hers = [e for e in entries(city_json, "city") if "王秀英" in e.get("person", "")]
    assert len(hers) >= 4 and entries(city_json, "city", "--person", "王秀英") == hers
    assert {e["unit"] for e in entries(city_json, "city", "--unit", "B03") if e["kind"] == "commit"} >= {"B03"}
    replica = branch_json("b3", "status")["replica"]
    assert {e["replica"] for e in entries(city_json, "city", "--device", replica[:8])} == {replica}
    assert entries(city_json, "city", "--until", "1999-12-31") == []
    day = entries(city_json, "city", "--person", "王秀英")[0]["time"][:10]
    assert entries(city_json, "city", "--person", "王秀英", "--since", day, "--until", day) == hers
    one_line(city("city", "audit", "--since", "gestern", check=2)[1])
    one_line(city("city", "audit", "--unit", "B99", check=2)[1])
    # Page by page it is the same, with nothing twice and nothing left out.
    whole, paged, after = entries(city_json, "city"), [], None
    while True:
        page = ask("city", "audit", limit="97", **({"after": after} if after else {}))
        assert len(page["entries"]) < 200, len(page["entries"])
        paged += page["entries"]
        after = page["next"]
        if after is None:
            break
    assert [e["hash"] for e in paged] == [e["hash"] for e in whole], (len(paged), len(whole))


def tables():
    for name in ("a.csv", "a.xlsx", "a.jsonl"):
        out = city_json("city", "audit", "--out", name)
        assert out["file"] == name and out["entries"] == len(entries(city_json, "city")), out
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600
        assert not os.path.exists(name + ".new")
    rows = list(csv.reader(open("a.csv", encoding="utf-8-sig")))
    assert rows[0][0] == "时间" and len(rows) == len(entries(city_json, "city")) + 1
    assert any(r[5] == "'=王秀英" for r in rows), "a formula in a name stays text"
    assert len([json.loads(line) for line in open("a.jsonl")]) == len(rows) - 1
    assert zipfile.ZipFile("a.xlsx").testzip() is None
    one_line(city("city", "audit", "--out", "a.csv", check=2)[1])  # never over a file
    one_line(city("city", "audit", "--out", "a.pdf", check=2)[1])
    text = city("city", "audit", "--person", "王秀英")[0]
    assert "王秀英" in text and text.count("\n") == len(entries(city_json, "city", "--person", "王秀英")) + 1, text


def what_was_refused_is_told():
    branch("b3", "set", "A0019", "deadline=2026-12-31", "--person", "越权的人")
    branch("b3", "sync")
    e = entries(city_json, "city", "--person", "越权的人")[0]
    assert e["outcome"] != "taken" and "〔" in e["zh"], e


def a_revoked_device_is_told():
    shutil.copytree("b1", "b1-thief")
    replica = branch_json("b1", "status")["replica"]
    city("city", "revoke", replica)
    told = [e for e in entries(city_json, "city") if e["kind"] == "revoke"]
    assert len(told) == 1 and replica[:8] in told[0]["zh"], told
    assert any(e["outcome"] == "revoked" for e in entries(city_json, "city") if e["kind"] == "certificate")


def checkpoint_files():
    out = city_json("city", "checkpoint", "--out", "city.tzc")
    assert out["file"] == os.path.abspath("city.tzc") and out["streams"], out
    assert [e for e in entries(city_json, "city") if e["kind"] == "checkpoint"]
    one_line(city("city", "checkpoint", "--out", "city.tzc", check=2)[1])
    out = city_json("city", "verify", "--checkpoint", "city.tzc")
    assert out["ok"] and out["checkpoint"]["level"] == "city" and out["checkpoint"]["commits"] > 1000, out
    branch("b3", "sync")
    out = branch_json("b3", "verify", "--checkpoint", "city.tzc")
    assert out["checkpoint"]["not_held"] > 0 and out["checkpoint"]["chains"] > 0, out
    # Kept by a PC: it speaks of that PC's part, and the city has all of it.
    branch("b3", "checkpoint", "--out", "b3.tzc")
    assert city_json("city", "verify", "--checkpoint", "b3.tzc")["checkpoint"]["signed_by"] == "B03"
    one_line(branch("b3", "checkpoint", check=2)[1])
    data = bytearray(open("city.tzc", "rb").read())
    data[len(data) // 2] ^= 1
    open("bad.tzc", "wb").write(data)
    assert "damaged" in one_line(city("city", "verify", "--checkpoint", "bad.tzc", check=2)[1])
    one_line(city("city", "verify", "--checkpoint", "a.csv", check=2)[1])
    one_line(city("city", "verify", "--checkpoint", "none.tzc", check=2)[1])
    # Later work changes nothing of it.
    branch("b3", "set", "A0019", "remark=检查点之后", "--person", "王秀英")
    branch("b3", "sync")
    assert city_json("city", "verify", "--checkpoint", "city.tzc")["ok"]
    # A stranger's city signs well, but for itself.
    city("city2", "init", "--city", CITY)
    assert "another city" in one_line(city("city2", "verify", "--checkpoint", "city.tzc", check=1)[1])


def altered(name, change):
    """A copy of the city's closed folder in which somebody was at work who knows of the checksums of its pages."""
    shutil.copytree("closed", name)
    with by_hand(f"{name}/taizhang.db") as db:
        change(db)
    return name


def last_of_b3(db):
    return db.execute("SELECT l.lsn, l.stream, l.replica, l.seq FROM log l JOIN stream s ON s.no = l.stream JOIN "
                      "replica r ON r.no = l.replica WHERE s.unit = 'B03' AND s.audience = 0 AND r.id = ? "
                      "ORDER BY l.seq DESC LIMIT 1", (state["b3"],)).fetchone()


def a_changed_bit_is_told_before_anything_of_it_is_shown():
    state["city"].stop()
    shutil.copytree("city", "rotten")
    with open("rotten/taizhang.db", "r+b") as f:
        pages = f.read()
        where = pages.index("检查点之后".encode())
        f.seek(where)
        f.write(bytes([pages[where] ^ 4]))
    page = where // 4096 + 1
    for args in (("verify",), ("show", "A0019")):
        out, err = city("rotten", *args, check=1)
        line = one_line(err)
        assert f"第 {page} 页" in line and "taizhang.db" in line and out == "", (out, err)
    assert city_json("city", "verify")["page_checksums"] is True
    state["city"] = Server("city", port=state["city"].port)


def a_closed_database_that_was_altered_is_noticed():
    state["b3"] = bytes.fromhex(branch_json("b3", "status")["replica"])
    city("city", "checkpoint", "--out", "later.tzc")
    state["city"].stop()
    shutil.copytree("city", "closed")

    def noticed(name, *words):
        line = one_line(city(name, "verify", "--checkpoint", "later.tzc", check=1)[1])
        assert all(w in line for w in words), line
        return line

    def change_a_byte(db):
        lsn = last_of_b3(db)[0]
        body = bytearray(db.execute("SELECT body FROM log WHERE lsn = ?", (lsn,)).fetchone()[0])
        body[-1] ^= 1
        db.execute("UPDATE log SET body = ? WHERE lsn = ?", (bytes(body), lsn))

    name = altered("changed", change_a_byte)
    one_line(city(name, "verify", check=1)[1])

    def remove_the_last(db):
        lsn = last_of_b3(db)[0]
        db.execute("DELETE FROM log WHERE lsn = ?", (lsn,))

    noticed(altered("removed", remove_the_last), "B03/ledger", "not here")

    def remove_in_between(db):
        lsn, stream, replica, seq = last_of_b3(db)
        db.execute("DELETE FROM log WHERE stream = ? AND replica = ? AND seq = ?", (stream, replica, seq - 1))

    one_line(city(altered("hole", remove_in_between), "verify", check=1)[1])

    def another_entry(db):
        db.execute("UPDATE control SET body = (SELECT body FROM control WHERE pos = 3) WHERE pos = 4")

    city(altered("tree", another_entry), "verify", check=1)


def what_was_noticed_is_kept():
    # Another hash at the tip that the checkpoint names: the log was altered there, or its signer shows two faces.
    def another_tip(db):
        lsn = last_of_b3(db)[0]
        db.execute("UPDATE log SET hash = ? WHERE lsn = ?", (os.urandom(32), lsn))

    name = altered("two-faces", another_tip)
    line = one_line(city(name, "verify", "--checkpoint", "later.tzc", check=1)[1])
    assert "two faces" in line and "evidence" in line, line
    kept = os.listdir(f"{name}/evidence")
    assert len(kept) == 1 and open(f"{name}/evidence/{kept[0]}", "rb").read() == open("later.tzc", "rb").read()
    status = city_json(name, "status")
    assert status["contradictions"][0]["kind"] == "file" and status["notices"], status
    assert [e for e in entries(city_json, name) if e["kind"] == "contradiction"]
    # Nothing else stops.
    assert city_json(name, "list", "tasks")


def a_restored_city_is_not_called_a_liar():
    city("closed", "backup", "old.tzdb")
    state["city"] = Server("city", port=state["city"].port)
    branch("b3", "set", "A0019", "remark=备份之后")
    branch("b3", "sync")
    city("city", "checkpoint", "--out", "newest.tzc")
    branch("b3", "sync")  # it has the checkpoint, too
    port = state["city"].port
    state["city"].stop()
    city("again", "restore", "old.tzdb")
    line = one_line(city("again", "verify", "--checkpoint", "newest.tzc", check=1)[1])
    assert "put back from a backup" in line and "two faces" not in line, line
    state["city"] = Server("again", port=port)
    city("again", "checkpoint")
    branch("b3", "sync")
    branch("b3", "sync")
    for status in (city_json("again", "status"), branch_json("b3", "status")):
        assert status["contradictions"] == [], status["contradictions"]
    assert city_json("again", "show", "A0019")["fields"]["remark"] == "备份之后"
    state["city"].stop()


def a_city_whose_disk_was_rolled_back_says_so_itself():
    # The whole machine was put back, keys, numbers and all: it signs again where it has signed before.
    shutil.rmtree("city")
    shutil.copytree("closed", "city")
    state["city"] = Server("city", port=state["city"].port)
    city("city", "set", "A0019", "remark=另一段历史")
    city("city", "checkpoint", "--out", "other-face.tzc")
    out = branch_json("b3", "sync")
    out = branch_json("b3", "sync")
    status = branch_json("b3", "status")
    found = status["contradictions"]
    assert [(c["kind"], c["explained"]) for c in found] == [("checkpoint", True)], found
    assert "two faces" not in found[0]["line"] and found[0]["line"] in status["notices"], found
    branch("b3", "set", "A0019", "remark=照常工作")
    assert branch_json("b3", "sync")["unsent"] == 0
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "照常工作"
    assert city_json("city", "status")["contradictions"][0]["explained"]
    assert city_json("city", "verify")["ok"]


run(setup, the_audit_says_who_what_when_and_where, filters_and_pages, tables, what_was_refused_is_told,
    a_revoked_device_is_told, checkpoint_files, a_changed_bit_is_told_before_anything_of_it_is_shown,
    a_closed_database_that_was_altered_is_noticed,
    what_was_noticed_is_kept, a_restored_city_is_not_called_a_liar,
    a_city_whose_disk_was_rolled_back_says_so_itself)
