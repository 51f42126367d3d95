#!/usr/bin/env python3
"""The conflicts that people expect to be decided well: two clients and a city server over real sockets."""
import time

from _common import branch, branch_json, city, city_json, enrol, init, one_line, run, same_state, Server

state = {}


def setup():
    init()
    state["server"] = Server("city")
    for name in ("b2", "b2-second"):
        enrol(state["server"], "B02", name)
    enrol(state["server"], "B03", "b3")
    enrol(state["server"], "K1-01", "township")  # above B02
    enrol(state["server"], "K1-02", "township-2")  # above B03


def sync(*names):
    for n in names:
        branch(n, "sync")


def entry(doc, **what):
    found = [h for h in doc["history"] if all(h["what"].get(k) == v for k, v in what.items())]
    assert found, f"no history entry {what} in {doc['history']}"
    return found[-1]


def x01_both_stand():
    branch("b2", "report", "A0018", "--value", "14", "--text", "已走访")
    city("city", "set", "A0018", "deadline=2025-12-10")
    sync("b2", "b2-second", "township")
    for n in ("b2", "b2-second", "township"):
        doc = branch_json(n, "show", "A0018")
        assert doc["fields"]["value"] == 14 and doc["fields"]["deadline"] == "2025-12-10", doc["fields"]
        assert doc["conflicts"] == [], doc["conflicts"]
        assert doc["acks"]["city"], doc["acks"]
    same_state("b2", "b2-second", "township", "city")


def x02_a_field_that_is_not_theirs():
    branch("b2", "set", "A0034", "deadline=2026-06-30", check=2)
    # A0034 is another unit's: not here at all. B02's own:
    mine = [a for a in branch_json("b2", "list", "assignments") if a["status"] == "办理中"][1]["id"]
    before = branch_json("b2", "show", mine)["fields"]["deadline"]
    out, _ = branch("b2", "set", mine, "deadline=2026-06-30", "remark=需要更多时间")
    assert "延期申请" in out, out
    for when in ("offline", "synced"):
        doc = branch_json("b2", "show", mine)
        assert doc["fields"]["deadline"] == before, doc["fields"]
        assert doc["fields"]["remark"] == "需要更多时间", doc["fields"]
        refused = entry(doc, deadline="2026-06-30")
        assert refused["accepted"] is False and "延期申请" in refused["why"], refused
        assert entry(doc, remark="需要更多时间")["accepted"] is True
        line = [c for c in branch_json("b2", "list", "conflicts") if c["row"] == mine]
        assert len(line) == 1 and line[0]["group"] == "deadline" and line[0]["kind"] == "suggestion", line
        assert line[0]["losers"][0]["value"] == "2026-06-30" and line[0]["winner"]["value"] == before, line
        sync("b2")
    assert [c for c in city_json("city", "list", "conflicts") if c["row"] == mine]
    same_state("b2", "city")


def x03_added_after_close_out():
    city("city", "do", "close_out", "ZG2025-02", "--reason", "现场核实")
    branch("b3", "set", "ZG2025-02", "result_text=补充:已完成公示")
    sync("b3")
    for doc in (branch_json("b3", "show", "ZG2025-02"), city_json("city", "show", "ZG2025-02")):
        assert doc["state"] == "已销号", doc["state"]
        assert doc["fields"]["result_text"] != "补充:已完成公示"
        added = entry(doc, result_text="补充:已完成公示")
        assert "补充" in added["why"] and "after close-out" in added["why"], added
        line = [c for c in doc["conflict_details"] if c["kind"] == "after_close"]
        assert len(line) == 1 and line[0]["winner"]["unit"] == "C" and line[0]["rule"], line
    city("city", "do", "reopen", "ZG2025-02", "--reason", "回头看")
    assert city_json("city", "show", "ZG2025-02")["fields"]["result_text"] == "补充:已完成公示"
    sync("b3")
    same_state("b3", "city")


def x04_an_application_meets_a_return():
    mine = [a for a in branch_json("b3", "list", "assignments") if a["status"] == "办理中"][0]["id"]
    branch("b3", "set", mine, "result_text=全部完成")
    branch("b3", "do", "apply_close_out", mine, "--text", "申请办结,附说明")
    assert branch_json("b3", "show", mine)["state"] == "待初审"
    sync("township-2")
    branch("township-2", "do", "return", mine, "--reason", "佐证不全")
    sync("township-2", "b3", "township-2")
    for n in ("b3", "township-2"):
        doc = branch_json(n, "show", mine)
        assert doc["state"] == "退回", doc["state"]
        application = entry(doc, transition="apply_close_out")
        assert application["accepted"] is False and "旧版本" in application["why"] and "佐证不全" in application["why"], application
        assert application["what"]["text"] == "申请办结,附说明"
        assert doc["fields"]["result_text"] == "全部完成"
        line = [c for c in doc["conflict_details"] if c["kind"] == "void"]
        assert len(line) == 1 and line[0]["rule"] == "workflow" and line[0]["winner"]["value"]["transition"] == "return", line
    todo = branch_json("b3", "list", "todo")
    assert todo[0]["id"] == mine or "退回" in todo[0].get("status", ""), todo[:2]
    same_state("b3", "township-2", "city")


def x05_two_pcs_of_one_branch():
    mine = [a for a in branch_json("b2", "list", "assignments") if a["status"] == "办理中"][2]["id"]
    branch("b2", "set", mine, "result_text=A稿", "--person", "甲")
    branch("b2-second", "set", mine, "result_text=B稿", "--person", "乙")
    sync("b2", "b2-second", "b2")
    same_state("b2", "b2-second", "city")
    ids = set()
    for n in ("b2", "b2-second"):
        lines = [c for c in branch_json(n, "list", "conflicts") if c["row"] == mine]
        assert len(lines) == 1 and lines[0]["open"] and lines[0]["rule"] == "keep_both", lines
        ids.add(lines[0]["id"])
        both = {lines[0]["winner"]["value"], *(l["value"] for l in lines[0]["losers"])}
        assert both == {"A稿", "B稿"}, both
        assert branch_json(n, "list", "todo")[0]["kind"] == "conflict"
    assert len(ids) == 1, "one conflict, one name: " + str(ids)
    text, _ = branch("b2", "list", "conflicts")
    assert "A稿" in text and "B稿" in text and "keep_both" in text, text
    branch("b2-second", "resolve", ids.pop(), "--pick", "mine")
    sync("b2-second", "b2")
    for n in ("b2", "b2-second"):
        assert branch_json(n, "show", mine)["fields"]["result_text"] == "B稿"
        lines = [c for c in branch_json(n, "list", "conflicts") if c["row"] == mine]
        assert len(lines) == 1 and not lines[0]["open"] and lines[0]["losers"][0]["value"] == "A稿", lines
    same_state("b2", "b2-second", "city")


def x07_reported_on_a_withdrawn_task():
    doc = [a for a in branch_json("b2", "list", "assignments") if a["status"] == "办理中"][3]
    branch("b2", "report", doc["id"], "--value", "3", "--text", "离线填报")
    city("city", "do", "withdraw", doc["task_id"], "--reason", "减负")
    sync("b2")
    after = branch_json("b2", "show", doc["id"])
    assert after["state"] == "已撤回", after["state"]
    assert entry(after, text="离线填报")["accepted"] is True
    assert after["fields"]["value"] == 3
    assert not [t for t in branch_json("b2", "list", "todo") if t["id"] == doc["id"]]
    _, err = branch("b2", "report", doc["id"], "--value", "4", check=2)
    assert "已撤回" in one_line(err)
    same_state("b2", "city")


def x09_a_clock_of_2019():
    mine = [a for a in branch_json("b3", "list", "assignments") if a["status"] == "办理中"][1]["id"]
    wrong = {"TAIZHANG_NOW": "2019-01-01T08:00:00+08:00"}
    out, _ = branch("b3", "report", mine, "--value", "2", env=wrong)
    assert "待核" in out, out
    assert branch_json("b3", "status", env=wrong)["clock"] == "low"
    branch("b3", "sync", env=wrong)
    for doc in (branch_json("b3", "show", mine), city_json("city", "show", mine)):
        e = entry(doc, value=2)
        assert e["time_unverified"] and not e["time"].startswith("2019"), e
        assert not e["what"]["occurred_at"].startswith("2019"), e
    todo = branch_json("b3", "list", "todo", env=wrong)
    assert {t["id"]: t.get("light") for t in todo} == {t["id"]: t.get("light") for t in branch_json("b3", "list", "todo")}
    same_state("b3", "city")


def x11_reported_beside_verified():
    mine = [a for a in branch_json("b3", "list", "assignments") if a["status"] == "办理中"][2]["id"]
    before = city_json("city", "review")["metrics"]["by_scope"]["云岫市"]["n_verified"]
    branch("b3", "report", mine, "--value", "30.0")
    sync("b3", "township-2")
    branch("township-2", "set", mine, "verified_value=15.5")
    sync("township-2", "b3")
    doc = branch_json("b3", "show", mine)
    assert doc["fields"]["value"] == 30 and doc["fields"]["verified_value"] == 15.5, doc["fields"]
    assert doc["conflicts"] == []
    assert city_json("city", "review")["metrics"]["by_scope"]["云岫市"]["n_verified"] == before + 1
    same_state("b3", "city")


def x12_reported_before_the_reminder():
    mine = [a for a in branch_json("b3", "list", "assignments") if a["status"] == "办理中"][3]["id"]
    before = city_json("city", "review", "--unit", "B03")["metrics"]["by_scope"]
    before = next(iter(before.values()))
    branch("b3", "report", mine, "--value", "5")
    time.sleep(1.1)  # records carry whole seconds
    city("city", "do", "push", mine, "--reason", "请尽快填报")
    sync("b3")
    after = next(iter(city_json("city", "review", "--unit", "B03")["metrics"]["by_scope"].values()))
    key = [k for k in after if k.startswith("D4") and isinstance(after[k], dict)]
    b, a = before[key[0]], after[key[0]]
    assert a["updates"] == b["updates"] + 1 and a["driven"] == b["driven"], (b, a)
    doc = city_json("city", "show", mine)
    report, push = entry(doc, value=5), entry(doc, kind="催办")
    assert report["time"] <= push["time"], (report, push)


def every_node_verifies():
    for n in ("b2", "b2-second", "b3", "township", "township-2"):
        branch(n, "verify")
    city("city", "verify")
    assert state["server"].stop() == 0
    city("city", "verify")


run(setup, x01_both_stand, x02_a_field_that_is_not_theirs, x03_added_after_close_out, x04_an_application_meets_a_return,
    x05_two_pcs_of_one_branch, x07_reported_on_a_withdrawn_task, x09_a_clock_of_2019, x11_reported_beside_verified,
    x12_reported_before_the_reminder, every_node_verifies)
