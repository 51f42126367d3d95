#!/usr/bin/env python3
"""Every command of the OpenAPI description is called, and what really comes fits the schema that the description gives."""
import json
import urllib.parse
import urllib.request

from _common import branch, branch_json, city_json, enrol, init, run, Server

NOW = {"TAIZHANG_NOW": "2025-11-06T18:00:00+08:00"}
state, operations, parts, called = {}, {}, {}, set()


# ---------------------------------------------------------------- schemas

def faults(schema, value, where="$"):
    """Why the value does not fit: nothing may be missing, of another type, or there and not described."""
    if not schema or (value is None and schema.get("nullable")):
        return []
    if "$ref" in schema:
        return faults(parts[schema["$ref"].rsplit("/", 1)[1]], value, where)
    for one in schema.get("allOf", []):
        return faults(one, value, where)
    if "anyOf" in schema:
        tried = [faults(one, value, where) for one in schema["anyOf"]]
        return [] if [] in tried else min(tried, key=len) if value is not None else [f"{where}: null"]
    kinds = {"string": str, "boolean": bool, "number": (int, float), "integer": int, "array": list, "object": dict}
    kind = kinds[schema["type"]]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        return [f"{where}: {value!r} is no {schema['type']}"]
    if kind is list:
        return [f for n, x in enumerate(value) for f in faults(schema["items"], x, f"{where}[{n}]")]
    if kind is not dict:
        return []
    out = [f"{where}.{k}: missing" for k in schema.get("required", []) if k not in value]
    for k, x in value.items():
        described = schema.get("properties", {}).get(k, schema.get("additionalProperties"))
        out += [f"{where}.{k}: not described"] if described is None else faults(described, x, f"{where}.{k}")
    return out


def fits(name, document):
    schema = operations[name]["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema, name
    wrong = faults(schema, document)
    assert not wrong, (name, wrong[:5])
    called.add(name)
    return document


# ---------------------------------------------------------------- calls

def call(server, name, args, options):
    op = operations[name]
    if "requestBody" in op:
        known = op["requestBody"]["content"]["application/json"]["schema"]["properties"]["options"]["properties"]
        options = {"person": "王秀英", **options} if "person" in known else options
        q = urllib.request.Request(server.url + "/api/" + name, json.dumps({"args": args, "options": options}).encode(),
                                   {"content-type": "application/json"})
    else:
        q = server.url + "/api/" + "/".join(urllib.parse.quote(a, safe="") for a in (name, *args))
        q += "?" + urllib.parse.urlencode(options) if options else ""
    with urllib.request.urlopen(q) as r:
        return fits(name, json.loads(r.read()))


def at_city(name, /, *args, **options):
    return call(state["city"], name, args, options)


def at_branch(name, /, *args, **options):
    return call(state["b1"], name, args, options)


def at_terminal(name, *args, **kw):
    return fits(name, city_json("city", "catalog" if name == "publish" else name, *args, env=NOW, **kw))


def setup():
    init()
    state["city"] = Server("city", env=NOW)
    for unit, data in (("B01", "b1"), ("B01", "b1-too"), ("B03", "b3"), ("B02", "b2-lost")):
        enrol(state["city"], unit, data, env=NOW)
    state["b1"] = Server("b1", name="taizhang", env=NOW)
    api = json.loads(urllib.request.urlopen(state["city"].url + "/api/openapi").read())
    parts.update(api["components"]["schemas"])
    for item in api["paths"].values():
        (_, op), = item.items()
        operations[op["operationId"]] = op
    fits("openapi", api)


def a_misfit_is_noticed():
    """The check itself: what it must not let through."""
    parts["Probe"] = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string", "nullable": True}},
                      "required": ["a"]}
    probe = {"type": "array", "items": {"$ref": "#/components/schemas/Probe"}}
    assert not faults(probe, [{"a": 1}, {"a": 2, "b": None}])
    for bad in ([{}], [{"a": "1"}], [{"a": True}], [{"a": 1.5}], [{"a": None}], [{"a": 1, "c": 1}], {"a": 1}, [None]):
        assert faults(probe, bad), bad
    either = {"anyOf": [{"type": "integer"}, {"$ref": "#/components/schemas/Probe"}]}
    assert not faults(either, 1) and not faults(either, {"a": 1}) and faults(either, "x") and faults(either, None)


# ---------------------------------------------------------------- the commands

def a_task_and_its_reports():
    form = [{"name": "参会人数", "type": "number", "required": True}, {"name": "形式", "type": "choice", "choices": ["集中", "分散"]},
            {"name": "备考", "type": "text"}, {"name": "何日", "type": "date"}]
    task = at_city("new", "task", "title=冬训全覆盖", "indicator=冬训场次", "indicator_unit=场", "target_value=4",
                   "deadline=2025-12-20", "requirement=每个支部完成冬训", "report_frequency=每月",
                   "extra_fields=" + json.dumps(form, ensure_ascii=False))["record"]
    at_city("do", "issue", task)
    made = at_city("decompose", task, "B01", "B02", guidance="分三批走")
    assert at_city("decompose", task, "B01", "没有的单位")["refused"]
    at_city("expected", task)
    at_city("expected", task, unit="K1")
    at_branch("sync")
    assert at_branch("list", "todo")
    a = state["a"] = made["made"][0]["record"]
    at_branch("do", "acknowledge", a)
    at_branch("report", a, value="1", extra="参会人数=30\n形式=集中", text="已开")
    at_branch("report", a, **{"no-change": "1"})
    at_branch("set", a, "remark=甲")
    at_branch("set", a, "remark=乙")
    at_branch("undo", a)
    assert at_branch("set", a, "deadline=2026-01-01")["notes"]
    assert at_branch("list", "unsent") and at_branch("status")["unsent"] and at_branch("pulse")["unsent"]
    at_branch("sync")
    at_branch("status")
    at_city("set", a, "verified_value=1", 'extra={"参会人数":20,"形式":"分散"}')
    assert at_city("form", task)["checks"] == 1
    at_city("do", "push", a)
    assert at_city("do", "suspend", a, "nobody", reason="合并安排")["refused"]
    other = ("target_value=3", 'applies_to_fields=["农村"]', "indicator=学习次数", "indicator_unit=次", "deadline=2025-12-20")
    at_city("issue", "title=另一件", *other, level="branch", **{"dry-run": "1"})
    first = at_city("issue", "title=另一件", *other, level="branch")["record"]
    second = at_city("issue", "title=第三件", *other, f"same_as_task_id={first}", level="branch")["record"]
    assert at_city("form", second)["answered_by"] == first and at_city("expected", second)["answered_by"] == first
    for what in ("tasks", "assignments", "rectifications", "conflicts", "todo", "unsent", "help_request", "meeting", "circular"):
        at_city("list", what)
    for id in ("A0019", a, task):
        assert at_city("show", id)["history"] and at_city("story", id)


def two_versions():
    row = at_branch("list", "assignments")[0]["id"]
    branch("b1-too", "sync", env=NOW)
    at_branch("set", row, "result_text=甲稿")
    branch("b1-too", "set", row, "result_text=乙稿", env=NOW)
    at_branch("sync")
    branch("b1-too", "sync", env=NOW)
    at_branch("sync")
    conflict = [c for c in at_branch("list", "conflicts") if c["open"]][0]["id"]
    at_branch("list", "todo")
    assert at_branch("show", row)["conflict_details"]
    at_branch("resolve", conflict, pick="mine")
    at_branch("list", "conflicts")
    at_branch("show", row)


def problems_meetings_help():
    words = ("responsible_unit_id=B01", "problem=冬训签到表代签,登记与实际不符")
    a = state["problem"] = at_city("new", "rectification", *words, "source_type=巡察")["record"]
    b = at_city("new", "rectification", *words, "source_type=调研")["record"]
    assert at_city("duplicates")
    at_city("merge", b, a)
    at_city("list", "rectifications")
    at_city("new", "supervision_order", f"assignment_id={state['a']}", "unit_id=B01", "text=限期答复", "reply_by=2025-11-10")
    at_city("show", state["a"])
    at_city("meetings")
    meeting = state["meeting"] = at_city("new", "meeting", "title=第四次调度会", "at=2025-11-06T09:00:00+08:00")["record"]
    assert at_city("convene", meeting, "K1", "K2", expected="部长")["made"]
    at_city("convene", meeting, "没有的单位")
    at_city("new", "task", "title=会上定的", "target_value=1", f"meeting_id={meeting}")
    assert [m for m in at_city("meetings") if m["decisions"]]
    at_city("meetings", failed="1")
    at_branch("new", "help_request", "text=缺场地", f"assignment_id={state['a']}", "to_unit_id=K1-01")
    at_branch("new", "appeal", f"about={state['a']}", "text=不服", "to_unit_id=C")
    at_branch("sync")
    assert at_city("unanswered")
    for what in ("help_requests", "appeals", "assignments", "rectifications"):
        assert at_city("page", what)["rows"]
    at_city("page", "assignments", sample="3")


def figures():
    at_city("review")
    at_city("review", unit="K1")
    at_city("overview")
    first = at_city("stocktake", "三季度盘点")["record"]
    second = at_city("stocktake", "其二", unit="K1")["record"]
    at_city("compare", first)
    at_city("compare", second)
    at_city("trend", months="2")
    for by in ("unit", "level", "field", "task", "source"):
        at_city("breakdown", by)
    for figure in "G1 G1under G2 G3 G4 G5 level D1 D2 D2help D3 D4 D4unmoved green yellow red blue grey".split():
        at_city("behind", figure)
    at_city("burden", month="2025-10")
    at_city("search", "流动")
    at_city("search", "没有这样的词")
    at_city("units")
    at_city("catalog")
    at_city("publish")
    at_terminal("publish", "--show")


def papers_and_files():
    with open("photo.txt", "w", encoding="utf-8") as f:
        f.write("x" * 5000)
    content = at_terminal("attach", "A0019", "photo.txt")["hash"]
    at_terminal("file", content, "--out", "out.txt")
    at_city("fetch", "A0019")
    at_city("files")
    assert at_city("show", "A0019")["attachments"]
    at_terminal("export-xlsx", "assignments", "as.xlsx")
    at_city("export-xlsx", "rectifications")
    at_city("export-xlsx", "attendance", meeting=state["meeting"])
    at_terminal("import-xlsx", "as.xlsx")
    cells = [["编号", "任务", "责任单位", "完成时限", "备注"], ["A0019", "", "", "", "改了"], ["A0020", "", "", "2025-02-30", ""]]
    assert at_city("import-xlsx", kind="assignments", cells=json.dumps(cells), **{"dry-run": "1"})["faults"]
    assert at_city("import-xlsx", kind="assignments", cells=json.dumps(cells[:2]))["changed"] == 1
    at_city("circular", state["problem"], "A0019", title="试", **{"dry-run": "1"})
    paper = at_city("circular", state["problem"], "A0019", title="关于冬训的通报")["record"]
    at_city("circular-docx", paper)
    at_terminal("circular-docx", paper, "paper.docx")
    at_city("show", paper)
    at_branch("sync")
    assert {"circular", "supervision_order"} <= {t.get("kind") for t in at_branch("list", "todo")}
    at_terminal("export-city", "out.json")


def carrying():
    row = branch_json("b3", "list", "assignments", env=NOW)[0]["id"]
    branch("b3", "set", row, "remark=离线写的", env=NOW)
    fits("export", branch_json("b3", "export", "b3.tzb", env=NOW))
    at_terminal("import", "b3.tzb")
    at_branch("bundle")
    at_city("bundle", to="B01", all="1")
    at_branch("draft", "report/A1", value="没写完的")
    assert at_branch("drafts") == {"report/A1": "没写完的"}
    at_terminal("backup", "city.tzbak")
    at_city("checkpoint")
    at_terminal("checkpoint", "--out", "city.mark")
    at_city("verify")
    at_terminal("verify", "--checkpoint", "city.mark")
    at_city("digest")
    at_city("audit", limit="20")
    at_city("audit")
    at_terminal("audit", "--out", "audit.jsonl")
    at_terminal("sql", "SELECT 1, 'x', NULL, x'00', 1.5")
    at_branch("compact")
    at_city("pulse")
    at_city("status")
    at_city("status", short="1")


def devices_and_people():
    at_city("enrol", unit="B02")
    there = at_branch("enrol-here", server=state["city"].url)
    assert there["fingerprint"] and "enrolled" not in there, there
    assert at_branch("enrol-here", server=state["city"].url, code=at_city("enrol", unit="B01")["code"],
                     fingerprint=there["fingerprint"])["enrolled"]
    at_city("unit", "B99", name="新支部", parent="K1-01", level="branch")
    at_city("unit", "B99", name="改名支部")
    at_city("units")
    row = branch_json("b2-lost", "list", "assignments", env=NOW)[0]["id"]
    branch("b2-lost", "set", row, "remark=丢失之前的真话", env=NOW)
    branch("b2-lost", "sync", env=NOW)
    lost = branch_json("b2-lost", "status", env=NOW)["replica"]
    assert lost in [d["replica"] for d in at_city("devices")]
    assert at_city("revoke", lost, none="1")["quarantined"] > 0
    at_city("show", row)
    at_city("list", "conflicts")
    entry = [e for e in at_city("audit", unit="B02")["entries"] if e["kind"] == "commit" and e["replica"] == lost][0]
    at_city("release", entry["stream"], lost, str(entry["seq"]))
    at_city("audit")
    at_city("person", "list")
    # From the first account on the screens ask who it is: the terminal goes on.
    at_terminal("person", "add", "zhang", "--role", "city_officer,administrator", "--name", "张", stdin="correct horse battery\n")
    at_terminal("person", "list")
    at_terminal("person", "name", "zhang", "--name", "张三")
    at_terminal("person", "remove", "zhang")


def nothing_is_left_out():
    assert called == set(operations), set(operations) - called


run(setup, a_misfit_is_noticed, a_task_and_its_reports, two_versions, problems_meetings_help, figures, papers_and_files,
    carrying, devices_and_people, nothing_is_left_out)
