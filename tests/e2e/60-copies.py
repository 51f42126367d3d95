#!/usr/bin/env python3
"""Backups, restores, copied data folders and wrong clocks, with the real programs: nothing lost, equal digests."""
import os
import shutil
import time

from _common import branch, branch_json, city, city_json, enrol, init, one_line, program, ROOT, run, same_state, Server

state = {}


def setup():
    init()
    state["city"] = Server("city")
    enrol(state["city"], "B03", "b3")
    enrol(state["city"], "B01", "b1")


def the_city_comes_back_from_yesterday():
    branch("b3", "set", "A0019", "remark=备份之前")
    branch("b3", "sync")
    out = city_json("city", "backup", "yesterday.tzbak")  # while it serves
    assert out["bytes"] > 0 and out["commits"] > 0, out
    one_line(city("city", "backup", "yesterday.tzbak", check=2)[1])
    branch("b3", "report", "A0019", "--value", "7", "--text", "备份之后")
    city("city", "set", "A0019", "deadline=2026-01-15")
    out = branch_json("b3", "sync")
    assert out["unsent"] == 0 and out["acks"]["city"] > 1, out
    branch("b1", "sync")
    lost = city_json("city", "digest")
    state["city"].stop()
    one_line(city("city", "restore", "yesterday.tzbak", check=2)[1])  # there is data: left as it is
    os.rename("city", "city-burnt")
    out = city_json("city", "restore", "yesterday.tzbak")
    assert out["unit"] == "C", out
    state["city"] = Server("city", port=state["city"].port)
    # The devices bring back what it lacks, its own decisions too.
    out = branch_json("b3", "sync")
    assert out["unsent"] == 0 and out["sent"] >= 2, out
    branch("b1", "sync")
    assert city_json("city", "show", "A0019")["fields"]["value"] == 7
    assert city_json("city", "show", "A0019")["fields"]["deadline"] == "2026-01-15"
    now = city_json("city", "digest")
    assert now["B03/ledger"] == lost["B03/ledger"], "the restored city differs"
    # It goes on under a new name; nothing is issued twice.
    city("city", "set", "A0019", "guidance=恢复之后", check=None)
    branch("b3", "sync")
    same_state("b3", "city")


def what_the_city_changed_after_its_backup_comes_back():
    """A unit renamed, a field more in the catalog, a PC enrolled: in the city's control log or by it, and lost with it."""
    branch("b3", "sync")
    branch("b1", "sync")
    city("city", "backup", "noon.tzbak")
    city("city", "unit", "B01", "--name", "改了名的支部")
    text = open(os.path.join(ROOT, "schema/ledger.toml"), encoding="utf-8").read()
    old = 'remark               = { label = ["备注", "remark"], max = 4000 }\n'
    assert text.count(old) == 1 and text.count("\nversion = 2\n") == 1
    with open("more.toml", "w", encoding="utf-8") as f:
        f.write(text.replace("\nversion = 2\n", "\nversion = 3\n").replace(
            old, old + 'helpers = { type = "integer", label = ["帮办人数", "helpers"] }\n'))
    city("city", "catalog", "more.toml")
    enrol(state["city"], "B03", "b3-new")
    branch("b3-new", "set", "A0019", "helpers=3")
    assert branch_json("b3-new", "sync")["unsent"] == 0
    for pc in ("b3", "b1"):
        branch(pc, "sync")
    lost, control = city_json("city", "digest"), city_json("city", "status")["control"]
    state["city"].stop()
    os.rename("city", "city-drowned")
    city("city", "restore", "noon.tzbak")
    state["city"] = Server("city", port=state["city"].port)
    assert city_json("city", "status")["control"] == control - 2
    # Whatever it wrote into its log now would be a second one beside what others have.
    refused = [one_line(city("city", *c, check=2)[1]) for c in (("unit", "B02", "--name", "另起一行"), ("catalog", "more.toml"))]
    assert all("--alone" in line for line in refused), refused
    assert city_json("city", "status")["control"] == control - 2
    # A PC that it never enrolled, as far as it knows, is told what to do, and keeps what it writes.
    branch("b3-new", "set", "A0019", "next_steps=没有网时接着写")
    assert "enrol" in one_line(branch("b3-new", "sync", check=1)[1])
    assert branch_json("b3-new", "status")["unsent"] == 1
    assert [n for n in city_json("city", "status")["notices"] if "0/1" in n], city_json("city", "status")["notices"]
    # The others bring back what the city itself had signed.
    for pc in ("b1", "b3"):
        out = branch_json(pc, "sync")
        assert out["unsent"] == 0, out
        assert [n for n in branch_json(pc, "status")["notices"] if "put back" in n], pc
    now = city_json("city", "digest")
    assert city_json("city", "status")["control"] == control and now["control"] == lost["control"]
    assert now["B03/ledger"] == lost["B03/ledger"], "the PC's record did not come back"
    assert city_json("city", "show", "A0019")["fields"]["helpers"] == 3
    shown = [r for r in city_json("city", "sql", "SELECT count(*) FROM assignment WHERE helpers = 3")["rows"]]
    assert shown == [["1"]] or shown == [[1]], shown
    # With a new code it goes on, with all that it has.
    code = city_json("city", "enrol", "--unit", "B03")["code"]
    branch("b3-new", "enrol", "--server", state["city"].url, "--code", code)
    assert branch_json("b3-new", "sync")["unsent"] == 0
    assert city_json("city", "show", "A0019")["fields"]["next_steps"] == "没有网时接着写"
    # So does the city: the next entry follows on what came back.
    city("city", "unit", "B01", "--name", "又改了名的支部")
    for pc in ("b3-new", "b3", "b1"):
        branch(pc, "sync")
        assert branch_json(pc, "status")["control"] == control + 1, pc
    assert branch_json("b1", "status")["unit_name"] == "又改了名的支部"
    same_state("b3", "b3-new", "city")
    same_state("b1", "city")
    for pc in ("b3", "b3-new", "b1"):
        branch(pc, "verify")
    city("city", "verify")


def two_pcs_from_one_folder():
    """A data folder copied to a second PC; both count on."""
    shutil.copytree("b3", "b3-copy")
    branch("b3", "set", "A0019", "remark=原机")
    time.sleep(1.1)  # the newest report counts, and reports know the second
    branch("b3-copy", "report", "A0019", "--value", "9", "--text", "副本")
    branch("b3", "sync")
    branch("b3-copy", "sync")
    branch("b3", "sync")
    for _ in range(2):
        for pc in ("b3", "b3-copy"):
            branch(pc, "set", "A0019", f"remark={pc} {_}")
            branch(pc, "sync")
    branch("b3", "sync")
    branch("b3-copy", "sync")
    assert branch_json("b3", "status")["replica"] != branch_json("b3-copy", "status")["replica"]
    same_state("b3", "b3-copy", "city")
    values = [h["what"] for h in city_json("city", "show", "A0019")["history"]]
    assert any("原机" in str(v) for v in values), "the original's edit is gone"
    assert branch_json("b3", "show", "A0019")["fields"]["value"] == 9


def a_month_old_copy_of_a_device():
    branch("b1", "backup", "b1.tzbak")
    row = branch_json("b1", "list", "assignments")[0]["id"]
    for n in range(3):
        branch("b1", "set", row, f"remark=之后 {n}")
    branch("b1", "sync")
    shutil.rmtree("b1")
    branch("b1", "restore", "b1.tzbak")
    branch("b1", "set", row, "remark=恢复的电脑上写的")
    out = branch_json("b1", "sync")
    assert out["unsent"] == 0 and out["received"] >= 3, out
    same_state("b1", "city")
    history = str(branch_json("b1", "show", row)["history"])
    assert "之后 2" in history and "恢复的电脑上写的" in history


def years_1970_and_2099():
    for year in ("1970-01-02", "2099-12-31"):
        env = {"TAIZHANG_NOW": year + "T08:00:00+08:00"}
        branch("b3", "set", "A0019", "remark=时钟 " + year, env=env)
        assert branch_json("b3", "status", env=env)["clock"] == "low"
        out = branch_json("b3", "sync", env=env)
        assert out["unsent"] == 0, out
        assert city_json("city", "show", "A0019")["fields"]["remark"] == "时钟 " + year
        # An honest PC that has seen it is not beaten by it.
        branch("b3-copy", "sync")
        branch("b3-copy", "set", "A0019", "remark=看过 " + year)
        branch("b3-copy", "sync")
        assert city_json("city", "show", "A0019")["fields"]["remark"] == "看过 " + year
        branch("b3", "sync")
    same_state("b3", "b3-copy", "city")


def not_a_backup():
    with open("bad.tzbak", "wb") as f:
        f.write(b"SQLite format 3\0" + bytes(5000))
    one_line(city("city-bad", "restore", "bad.tzbak", check=None)[1])
    assert not os.path.exists("city-bad")
    data = bytearray(open("yesterday.tzbak", "rb").read())
    for at in range(len(data) // 3, len(data), 4096):
        data[at] ^= 1
    with open("flipped.tzbak", "wb") as f:
        f.write(data)
    one_line(city("city-bad", "restore", "flipped.tzbak", check=None)[1])
    assert not os.path.exists("city-bad")
    one_line(city("city-bad", "restore", "nothing.tzbak", check=2)[1])
    state["city"].stop()
    for n in ("city",):
        city(n, "verify")
    for n in ("b1", "b3", "b3-copy"):
        branch(n, "verify")


run(setup, the_city_comes_back_from_yesterday, what_the_city_changed_after_its_backup_comes_back, two_pcs_from_one_folder, a_month_old_copy_of_a_device,
    years_1970_and_2099, not_a_backup)
