#!/usr/bin/env python3
"""The ledger's rules from the command line: levels of review, meetings, forms in Excel, asking once, pages of figures."""
import json
import re

from _common import branch, branch_json, city, city_json, enrol, init, one_line, run, Server
from _xlsx import set_cell, sheet_of

NOW = {"TAIZHANG_NOW": "2025-11-06T18:00:00+08:00"}
# Each process begins at its own time: a report of the same second might stand behind the one before.
LATER = {"TAIZHANG_NOW": "2025-11-06T18:10:00+08:00"}
state = {}


def city_j(*args):
    return city_json("city", *args, env=NOW)


def branch_j(data, *args):
    return branch_json(data, *args, env=NOW)


def fails(data, *args, program=city):
    return one_line(program(data, *args, env=NOW, check=2)[1])


def setup():
    init()
    state["city"] = Server("city", env=NOW)
    code = city_j("enrol", "--unit", "K1-01")["code"]
    city("town", "join", "--upstream", state["city"].url, "--code", code, env=NOW)
    state["town"] = Server("town", env=NOW)
    enrol(state["town"], "B01", "b1", env=NOW)


def town_j(*args):
    return city_json("town", *args, env=NOW)


def sync_all():
    for _ in range(2):
        branch_j("b1", "sync")
        town_j("sync")
    branch_j("b1", "sync")


def one_level_of_review_closes():
    made = {}
    for depth in ("1", "3"):
        task = city_j("new", "task", f"title=审核 {depth} 级", "deadline=2025-12-20", f"review_depth={depth}")["record"]
        city_j("do", "issue", task)
        made[depth] = city_j("decompose", task, "B01")["made"][0]["record"]
    assert "review_depth" in fails("city", "new", "task", "title=四级", "review_depth=4")
    sync_all()
    for a in made.values():
        branch_j("b1", "do", "acknowledge", a)
        branch_j("b1", "do", "apply_close_out", a, "--text", "已完成")
    sync_all()
    may = [t["transition"] for t in town_j("show", made["1"])["allowed"]]
    assert "close_first" in may and "pass_first" not in may, may
    done = town_j("do", "pass_first", made["1"], made["3"])["done"]
    assert {d["record"]: d["state"] for d in done} == {made["1"]: "已办结", made["3"]: "待复审"}, done
    sync_all()
    assert city_j("show", made["1"])["state"] == "已办结"
    assert "3" in fails("city", "do", "close_out", made["3"])
    city_j("do", "pass_second", made["3"])
    city_j("do", "close_out", made["3"])
    assert branch_j("b1", "list", "todo") is not None
    assert city_j("show", made["3"])["state"] == "已办结"


def a_meeting_from_call_to_tasks():
    m = city_j("new", "meeting", "title=冬训调度会", "host_unit_id=C-DJB", "convener=市委常委、组织部部长")["record"]
    called = city_j("convene", m)
    assert called["required_rank"] == "县处级副职" and called["required_by"] == "precedent", called
    assert {x["unit"] for x in called["made"]} == {"K1", "K2", "K3", "K4", "K5"}, called
    rows = {x["unit"]: x["record"] for x in called["made"]}
    city_j("set", rows["K1"], "status=本人到会", "actual_user_id=u-K1-m")
    city_j("set", rows["K2"], "status=本人到会", "actual_user_id=u-K2-s", "late_min=15")
    city_j("set", rows["K3"], "status=委托代会", "actual_user_id=u-K3-s", "leave_approved=true")
    city_j("set", rows["K4"], "status=缺席")
    assert "late_min" in fails("city", "set", rows["K5"], "late_min=-5")
    meeting, = city_j("meetings", m)
    assert {f["unit_id"]: f["why"] for f in meeting["failed"]} == {"K2": ["below_rank", "late"], "K4": ["absent"]}, meeting["failed"]
    assert [x["unit_id"] for x in meeting["not_recorded"]] == ["K5"], meeting["not_recorded"]
    assert "meeting_id" in fails("city", "issue", "title=甲", "deadline=2025-12-20", "meeting_id=M-none", "--dry-run")
    task = city_j("issue", "title=补齐冬训台账", "deadline=2025-12-20", f"meeting_id={m}", "--under", "K1")["record"]
    meeting, = city_j("meetings", m)
    assert [d["id"] for d in meeting["decisions"]] == [task] and meeting["decisions"][0]["assigned"] > 0, meeting["decisions"]
    said = city("city", "meetings", "--failed", env=NOW)[0]
    assert "低于要求职级" in said and "冬训调度会" in said, said
    assert {x["id"] for x in city_j("meetings", "--unit", "K4", "--failed")} == {"M1", "M2", m}


def nobody_is_asked_twice():
    fields = ["title=摸底", "deadline=2025-12-20", "indicator=走访户数", "indicator_unit=户", "target_value=10"]
    trial = city_j("issue", *fields, "--dry-run")
    assert trial["reached"] > 0 and trial["same"] == [] and "record" not in trial, trial
    first = city_j("issue", *fields)
    assert first["made"] == trial["reached"], first
    for extra in (["--dry-run"], []):
        line = fails("city", "issue", *fields, *extra)
        assert "indicator" in line and first["record"] in line and "摸底" in line, line
    assert "target_value" in fails("city", "issue", "title=零", "deadline=2025-12-20", "target_value=0", "--dry-run")
    reads = city_j("issue", *fields, f"same_as_task_id={first['record']}")
    assert reads["made"] == 0 and reads["answered_by"] == first["record"], reads
    assert city("city", "issue", "title=乙", "deadline=2025-12-20", "--under", "K1", env=NOW)[0].startswith("reached")


def forms_come_and_go_by_excel():
    form = json.dumps([{"name": "参会人数", "type": "number", "required": True}, {"name": "日期", "type": "date"}], ensure_ascii=False)
    task = city_j("new", "task", "title=冬训全覆盖", "deadline=2025-12-20", "target_value=4", f"extra_fields={form}")["record"]
    city_j("do", "issue", task)
    a = city_j("decompose", task, "B01")["made"][0]["record"]
    sync_all()
    branch_j("b1", "do", "acknowledge", a)
    branch_j("b1", "report", a, "--value", "1", "--extra", "参会人数=30")
    branch_j("b1", "export-xlsx", "assignments", "out.xlsx")
    sheet, texts = sheet_of("out.xlsx")
    assert "附加:参会人数" in texts and "附加:日期" in texts, texts[:2000]
    row = re.search(r'<c r="R(\d+)"(?: s="\d+")?><v>30</v>', sheet).group(1)
    set_cell("out.xlsx", "half.xlsx", f"R{row}", "42")
    set_cell("half.xlsx", "back.xlsx", f"S{row}", "2025.11.3")
    trial = branch_j("b1", "import-xlsx", "back.xlsx", "--dry-run")
    assert trial["changed"] == 1 and {c["title"] for r in trial["rows"] for c in r["cells"]} == {"附加:参会人数", "附加:日期"}, trial["rows"]
    branch_json("b1", "import-xlsx", "back.xlsx", env=LATER)
    assert branch_j("b1", "show", a)["fields"]["extra"] == {"参会人数": 42, "日期": "2025-11-03"}
    assert branch_json("b1", "import-xlsx", "back.xlsx", env=LATER)["changed"] == 0
    sync_all()
    city_j("set", a, "verified_value=1", "extra=参会人数=25")
    field = city_j("form", task)["fields"][0]
    assert (field["sum"], field["verified_sum"]) == (42, 25), field


def long_lists_come_in_parts():
    whole = city_j("behind", "D4")
    part = city_j("behind", "D4", "--offset", "100", "--limit", "7")
    assert part["rows"] == whole["rows"][100:107] and part["of"] == whole["of"] and part["more"], part["of"]
    burden = city_j("burden", "--limit", "2")
    assert len(burden["by_branch"]) == 2 and burden["more"] and burden["branches"] > 2, burden["branches"]
    assert "--limit" in fails("city", "behind", "D4", "--limit", "viele")
    short, full = branch_j("b1", "status", "--short"), branch_j("b1", "status")
    assert "holds" in full and "holds" not in short and short["unit"] == "B01", short
    line = branch("b1", "status", "--short", env=NOW)[0]
    assert line.count("\n") == 1 and "B01" in line, line


def figures_stand_beside():
    scopes = city_j("review")["metrics"]["by_scope"]
    whole = scopes["云岫市"]
    for key, figure, hits, of in (("D2help", "D2_help_unanswered", "late", "open"), ("D4unmoved", "D4_unmoved", "unmoved", "pushed_twice")):
        b = city_j("behind", key)
        assert (b["hits"], b["of"]) == (whole[figure][hits], whole[figure][of]), (key, b["hits"], b["of"], whole[figure])
    assert whole["D4_unmoved"]["pushed_twice"] > 0
    assert all("G4_among_peers" in m for name, m in scopes.items() if name != "云岫市"), scopes.keys()


run(setup, one_level_of_review_closes, a_meeting_from_call_to_tasks, nobody_is_asked_twice, forms_come_and_go_by_excel,
    long_lists_come_in_parts, figures_stand_beside)
