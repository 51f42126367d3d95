#!/usr/bin/env python3
"""Clocks that lie, folders that run twice, disks that come back old: nothing lost, equal digests, and a clear word to
the person concerned."""
# time limit: 600 s
import json
import os
import shutil
import time

from _common import CITY, branch, branch_json, city, city_json, enrol, init, run, same_state, Server, wait_for

state = {}
NOW = "2026-01-20T08:00:00+08:00"


def at(when):
    return {"TAIZHANG_NOW": when}


def words(data, env=None):
    run_as = city_json if data.startswith("city") else branch_json
    return run_as(data, "status", env=env)["notices"]


def told(lines, *says):
    both = [line for line in lines if all(s in line for s in says)]
    assert both, f"nobody was told {says}: {lines}"
    assert " / " in both[0] and any("\u4e00" <= c <= "\u9fff" for c in both[0]), both
    return both[0]


def start_city(port=0):
    state["city"] = Server("city", env=at(NOW), port=port)


def setup():
    init()
    start_city()
    for unit, data in (("B03", "b3"), ("B03", "b3-office"), ("B01", "b1"), ("B02", "b2")):
        enrol(state["city"], unit, data, env=at(NOW))
    assert words("b3", at(NOW)) == [] and words("city") == []


def settle(*devices, rounds=3):
    for _ in range(rounds):
        for d in devices:
            assert branch_json(d, "sync", env=at(NOW))["unsent"] == 0


def history(data, row, says):
    shown = (city_json if data.startswith("city") else branch_json)(data, "show", row)
    return [h for h in shown["history"] if says in json.dumps(h["what"], ensure_ascii=False)]


def a_battery_that_is_empty():
    """X09: 1970, 2019, and a day that jumps back."""
    for when in ("1970-01-01T08:10:00+08:00", "2019-06-01T08:00:00+08:00"):
        branch("b3", "set", "A0019", f"remark=时钟停在 {when[:4]}", env=at(when))
        out, _ = branch("b3", "report", "A0019", "--value", "3", "--text", f"{when[:4]} 年的填报", env=at(when))
        assert "待核" in out and "unverified" in out, out
        told(words("b3", at(when)), "时钟", "not overdue")
        assert branch_json("b3", "status", env=at(when))["clock"] == "low"
        assert "clock not trusted" in branch("b3", "status", env=at(when))[0]
        assert branch_json("b3", "sync", env=at(when))["unsent"] == 0
        for data in ("b3", "city"):
            entries = history(data, "A0019", when[:4] + " 年的填报")
            assert len(entries) == 1 and entries[0].get("time_unverified"), entries
            # Bounded by the syncs around it: the hub's time that this PC had heard last.
            assert entries[0]["time"] >= "2026-01-20", entries
        row = [a for a in branch_json("b3", "list", "assignments", env=at(when)) if a["id"] == "A0019"][0]
        same = [a for a in city_json("city", "list", "assignments", env=at(NOW)) if a["id"] == "A0019"][0]
        assert row["light"] == same["light"], "the light follows the wrong clock"
    assert not [n for n in words("b3", at(NOW)) if "时钟" in n], "the clock is right again, and it still says so"
    # The day jumps back between two edits of one PC: the second had the first in front of it, and stands.
    branch("b3", "set", "A0019", "remark=先写", env=at("2026-01-21T10:00:00+08:00"))
    branch("b3", "set", "A0019", "remark=后写", env=at("2026-01-20T06:00:00+08:00"))
    settle("b3", "b3-office")
    for data in ("b3", "b3-office", "city"):
        show = city_json if data == "city" else branch_json
        assert show(data, "show", "A0019")["fields"]["remark"] == "后写", data
    same_state("b3", "b3-office", "city")


def the_year_2099():
    """What comes from the far future is kept, and an honest PC that has seen it goes on over it."""
    future = at("2099-12-31T08:00:00+08:00")
    branch("b3", "set", "A0019", "remark=未来", env=future)
    told(words("b3", future), "时钟")
    branch("b3", "sync", env=future)
    settle("b3-office")
    assert branch_json("b3-office", "show", "A0019")["fields"]["remark"] == "未来"
    branch("b3-office", "set", "A0019", "remark=看过未来", env=at(NOW))
    settle("b3-office", "b3")
    entry = [h for h in history("city", "A0019", "未来") if h["what"].get("remark") == "未来"][0]
    assert entry.get("time_unverified") and entry["time"] < "2027", entry
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "看过未来"
    same_state("b3", "b3-office", "city")


def the_city_in_2099_for_an_hour():
    """It does not poison the PCs that sync or are enrolled then, nor what it signs."""
    # A city believes its clock once its upkeep has run, a minute after its start.
    wait_for(lambda: city_json("city", "sql", "SELECT value FROM fact WHERE key = 'trusted_ms'")["rows"])
    future = at("2099-12-31T08:00:00+08:00")
    before = city_json("city", "digest")
    state["city"].stop()
    state["city"] = Server("city", env=future, port=state["city"].port)
    told(city_json("city", "status", env=future)["notices"], "时钟")
    branch("b1", "sync", env=at(NOW))
    enrol(state["city"], "B01", "b1-hour", env=at(NOW))
    row = branch_json("b1", "list", "assignments")[0]["id"]
    branch("b1-hour", "set", row, "remark=在那一小时", env=at(NOW))
    assert branch_json("b1-hour", "sync", env=at(NOW))["unsent"] == 0
    assert city_json("city", "checkpoint", env=future)["covered"] > 0
    assert city_json("city", "digest")["B03/ledger"] == before["B03/ledger"], "a checkpoint changed an outcome"
    state["city"].stop()
    start_city(state["city"].port)
    branch("b1", "set", row, "remark=之后照常", env=at(NOW))
    settle("b1", "b1-hour", "b1", "b3")
    for data in ("b1", "b1-hour", "b3"):
        status = branch_json(data, "status", env=at(NOW))
        assert status["clock"] == "trusted" and not [n for n in status["notices"] if "时钟" in n], (data, status)
    entry = history("city", row, "在那一小时")
    assert len(entry) == 1 and entry[0]["time"] < "2027", entry
    branch("b1-hour", "set", row, "remark=新电脑照常", env=at(NOW))
    settle("b1-hour", "b1")
    entry = history("b1", row, "新电脑照常")
    assert len(entry) == 1 and entry[0]["time"] < "2027" and not entry[0].get("time_unverified"), entry
    for data in ("b1", "b1-hour"):
        assert branch_json(data, "show", row)["fields"]["remark"] == "新电脑照常", data
    # What was signed in that hour and after it is a state that a new PC begins from, and its rows are the same.
    assert city_json("city", "checkpoint", env=at(NOW))["covered"] > 0
    enrol(state["city"], "B01", "b1-late", env=at(NOW))
    rows = [a["id"] for a in branch_json("b1-late", "list", "assignments") if a["unit_id"] == "B01"]
    assert not all(branch_json("b1-late", "show", r)["history_complete"] for r in rows), rows
    bodies = "SELECT count(*) FROM log WHERE length(body) > 0"
    here, whole = (int(branch_json(n, "sql", bodies)["rows"][0][0]) for n in ("b1-late", "b1"))
    assert here < whole / 2, (here, whole)
    assert branch_json("b1-late", "status", env=at(NOW))["clock"] == "trusted"
    same_state("b1", "b1-hour", "b1-late", "city")
    same_state("b3", "b3-office", "city")
    branch("b1-late", "verify")


def a_city_set_right_after_its_first_minute():
    """A clock twenty years ahead when the city began: who enrolled in that minute finds back, and so does the city."""
    future, far = at("2046-01-20T08:00:00+08:00"), at("2099-12-31T08:00:00+08:00")
    city("young", "init", "--city", CITY, env=future)
    young = Server("young", env=future)
    enrol(young, "B03", "young-b3", env=at(NOW))
    assert branch_json("young-b3", "status", env=at(NOW))["clock"] == "low"
    branch("young-b3", "set", "A0019", "remark=第一分钟", env=at(NOW))
    young.stop()
    young = Server("young", env=at(NOW), port=young.port)
    assert branch_json("young-b3", "sync", env=at(NOW))["unsent"] == 0
    assert branch_json("young-b3", "status", env=at(NOW))["clock"] == "trusted"
    branch("young-b3", "set", "A0019", "remark=之后", env=at(NOW))
    assert branch_json("young-b3", "sync", env=at(NOW))["unsent"] == 0
    entry = [h for h in history("young-b3", "A0019", "之后") if h["what"].get("remark") == "之后"][0]
    assert entry["time"] < "2027" and not entry.get("time_unverified"), entry
    young.stop()
    # And 2099 nobody believes, not for the first time either.
    young = Server("young", env=far, port=young.port)
    enrol(young, "B01", "young-b1", env=at(NOW))
    assert branch_json("young-b1", "status", env=at(NOW))["clock"] == "trusted"
    young.stop()


def two_clones_that_both_counted_on():
    shutil.copytree("b2", "b2-twin")
    row = branch_json("b2", "list", "assignments")[0]["id"]
    for pc in ("b2", "b2-twin"):
        for n in range(4):
            branch(pc, "set", row, f"remark={pc} {n}", env=at(NOW))
            branch(pc, "report", row, "--value", str(n), "--text", f"{pc} 第 {n} 次", env=at(NOW))
    # Both synced before either knows of the other.
    settle("b2")
    out = branch_json("b2-twin", "sync", env=at(NOW))
    assert out["unsent"] == 0, out
    # Whoever finds commits under its own name that it did not write is told, in the sync that finds them.
    found = out["notices"] + branch_json("b2", "sync", env=at(NOW))["notices"]
    told(found, "复制", "copied")
    settle("b2", "b2-twin")
    told(words("b2-twin", at(NOW)), "复制", "copied", "enrol it by itself")
    out, _ = branch("b2-twin", "status", env=at(NOW))
    assert "  ! " in out and "copied" in out, out
    told(words("city"), "柳浪社区", "two PCs")
    assert branch_json("b2", "status")["replica"] != branch_json("b2-twin", "status")["replica"]
    for pc in ("b2", "b2-twin"):
        for n in range(4):
            for data in ("b2", "b2-twin", "city"):
                assert len(history(data, row, f"{pc} 第 {n} 次")) == 1, (pc, n, data)
    # They go on side by side.
    for n in range(2):
        for pc in ("b2", "b2-twin"):
            branch(pc, "set", row, f"next_steps={pc} 继续 {n}", env=at(NOW))
            settle(pc, rounds=1)
    settle("b2", "b2-twin")
    same_state("b2", "b2-twin", "city")


def a_disk_image_a_month_old():
    """The whole folder as it was, the file with the incarnation too: nothing on the PC can know."""
    shutil.copytree("b1", "b1-image")
    row = branch_json("b1", "list", "assignments")[0]["id"]
    for n in range(3):
        branch("b1", "report", row, "--value", str(10 + n), "--text", f"这个月第 {n} 次", env=at(NOW))
    settle("b1")
    shutil.rmtree("b1")
    os.rename("b1-image", "b1")
    branch("b1", "report", row, "--value", "20", "--text", "旧镜像上写的", env=at(NOW))
    branch("b1", "set", row, "remark=旧镜像上改的", env=at(NOW))
    out = branch_json("b1", "sync", env=at(NOW))
    assert out["unsent"] == 0 and out["received"] >= 3, out
    settle("b1")
    told(words("b1", at(NOW)), "old backup")
    for says in ("这个月第 0 次", "这个月第 2 次", "旧镜像上写的"):
        for data in ("b1", "city"):
            assert len(history(data, row, says)) == 1, (says, data)
    same_state("b1", "city")


def the_city_from_yesterday():
    assert city_json("city", "backup", "yesterday.tzbak")["commits"] > 0  # while it serves
    branch("b3", "report", "A0019", "--value", "9", "--text", "备份之后", env=at(NOW))
    settle("b3", "b3-office")
    before = city_json("city", "digest")
    port = state["city"].port
    state["city"].stop()
    os.rename("city", "city-burnt")
    out, _ = city("city", "restore", "yesterday.tzbak", env=at(NOW))
    start_city(port)
    told(words("city"), "由备份恢复", "put back from a backup")
    assert not history("city", "A0019", "备份之后"), "the backup is not from before"
    out = branch_json("b3", "sync", env=at(NOW))
    assert out["unsent"] == 0, out
    told(out["notices"], "上级服务器", "put back")
    assert len(history("city", "A0019", "备份之后")) == 1
    settle("b3", "b3-office", "b1", "b2", "b2-twin")
    told(words("b1", at(NOW)), "server above")
    now = city_json("city", "digest")
    assert now["B03/ledger"] == before["B03/ledger"]
    same_state("b3", "b3-office", "city")
    same_state("b1", "city")
    same_state("b2", "b2-twin", "city")
    state["city"].stop()
    city("city", "verify")
    for n in ("b1", "b2", "b2-twin", "b3", "b3-office"):
        branch(n, "verify")


run(setup, a_battery_that_is_empty, the_year_2099, the_city_in_2099_for_an_hour,
    a_city_set_right_after_its_first_minute, two_clones_that_both_counted_on, a_disk_image_a_month_old,
    the_city_from_yesterday)
