#!/usr/bin/env python3
"""The year from the command line: a task handed down, forms, batches, duplicates, figures that open; the OpenAPI description."""
import json
import os
import re
import subprocess
import time
import urllib.parse
import urllib.request

from _common import BIN, branch, branch_json, city, city_json, enrol, init, one_line, run, Server

NOW = {"TAIZHANG_NOW": "2025-11-06T18:00:00+08:00"}
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
    enrol(state["city"], "B01", "b1", env=NOW)


def a_task_goes_down_and_comes_back():
    form = json.dumps([{"name": "参会人数", "type": "number", "required": True}], ensure_ascii=False)
    task = city_j("new", "task", "title=冬训全覆盖", "indicator=冬训场次", "indicator_unit=场", "target_value=4",
                  "deadline=2025-12-20", "requirement=每个支部完成冬训", "report_frequency=每月", f"extra_fields={form}")["record"]
    city_j("do", "issue", task)
    assert task in fails("city", "new", "task", "title=再要一遍", "indicator=冬训场次", "indicator_unit=场")
    assert "target_value" in fails("city", "new", "task", "title=零", "target_value=0")
    made = city_j("decompose", task, "B01", "B02", "--guidance", "分三批走,先党员后群众")
    assert len(made["made"]) == 2 and not made["refused"], made
    reached = city_j("expected", task)
    assert reached["assigned"] == 2 and reached["expected"] == len(reached["not_reached"]) + 2, reached
    branch_j("b1", "sync")
    a = made["made"][0]["record"]
    assert any(t["id"] == a for t in branch_j("b1", "list", "todo"))
    branch_j("b1", "do", "acknowledge", a)
    assert "参会人数" in fails("b1", "report", a, "--value", "1", program=branch)
    branch_j("b1", "report", a, "--value", "1", "--extra", "参会人数=30")
    branch_j("b1", "sync")
    sums = city_j("form", task)
    assert sums["fields"][0]["sum"] == 30 and sums["answers"] == 1, sums
    told = branch_j("b1", "story", a)
    assert any("签收" in t["zh"] for t in told), told
    branch_j("b1", "set", a, "remark=甲")
    branch_j("b1", "set", a, "remark=乙")
    branch_j("b1", "undo", a)
    assert branch_j("b1", "show", a)["fields"]["remark"] == "甲"
    burden = city_j("burden", "--month", "2025-11")
    assert burden["forms"] > 0 and burden["by_issuer"], burden


def many_at_once():
    rows = [r["id"] for r in city_j("list", "assignments") if r["status"] == "办理中"][:199]
    assert len(rows) > 50, len(rows)
    out = city_j("do", "suspend", *rows, "nobody", "--reason", "统一暂停")
    assert len(out["done"]) == len(rows) and [r["record"] for r in out["refused"]] == ["nobody"], out["refused"]
    assert any(h["what"].get("transition") == "suspend" for h in city_j("show", rows[0])["history"])


def the_same_problem_twice():
    a = city_j("new", "rectification", "responsible_unit_id=B01", "problem=冬训签到表代签,登记与实际不符", "source_type=巡察")["record"]
    b = city_j("new", "rectification", "responsible_unit_id=B01", "problem=冬训签到表代签、登记与实际不符", "source_type=调研")["record"]
    pairs = city_j("duplicates", "--unit", "B01")
    assert {a, b} in [{p["record"], p["of"]} for p in pairs], pairs
    city_j("merge", b, a)
    assert {a, b} not in [{p["record"], p["of"]} for p in city_j("duplicates")]
    assert a in fails("city", "merge", a, b) or b in fails("city", "merge", a, b)


def figures_open():
    review = city_j("review")
    whole = review["metrics"]["by_scope"]["云岫市"]
    behind = city_j("behind", "D1")
    assert (behind["hits"], behind["of"]) == (whole["D1_false_completion"]["overturned"],
                                              whole["D1_false_completion"]["verified_claims"]), behind["hits"]
    for by in ("unit", "level", "field", "task", "source"):
        assert city_j("breakdown", by), by
    first = city_j("stocktake", "三季度盘点")["record"]
    city_j("compare", first)
    assert len(city_j("trend", "--months", "3")["months"]) == 3
    assert city_j("unanswered") is not None
    assert any(r["id"] == "A0019" for r in city_j("search", "A0019")["rows"])
    took = []
    for _ in range(3):  # the best: the machine may have other work just now
        start = time.monotonic()
        assert city_j("search", "流动")["rows"]
        took.append(time.monotonic() - start)
    assert min(took) < 2, took
    said = city("city", "story", "A0019", env=NOW)[0]
    assert ":" in said and "2025" in said, said


def flags_of(help_text):
    return set(re.findall(r"--([a-z][a-z_-]*)", help_text)) - {"help", "data", "json"}


def the_description_fits_the_programs():
    base = state["city"].url
    get = lambda path: json.loads(urllib.request.urlopen(base + path).read())
    api = get("/api/openapi")
    assert api["openapi"].startswith("3."), api["openapi"]
    terminal = {"catalog": None}  # the terminal's `catalog` is `publish`
    # Cells that were pasted, page by page; the terminal has files.
    only_from_screens = {"import-xlsx": {"kind", "cells"}, "audit": {"after", "limit"}}
    only_at_the_terminal = {"audit": {"out"}}
    checked = 0
    for path, item in api["paths"].items():
        (method, op), = item.items()
        name = op["operationId"]
        options = {p["name"] for p in op.get("parameters", []) if p["in"] == "query"}
        if method == "post":
            options = set(op["requestBody"]["content"]["application/json"]["schema"]["properties"]["options"]["properties"])
        command = "catalog" if name == "publish" else terminal.get(name, name)
        program = "taizhangd" if name in ("enrol", "unit", "checkpoint", "publish", "review", "devices", "revoke", "release") else "taizhang"
        if command:
            p = subprocess.run([os.path.join(BIN, program), command, "--help"], capture_output=True, text=True)
            if p.returncode == 0 and "--version" not in p.stdout:  # the general help: not for the terminal
                options -= only_from_screens.get(name, set())
                assert flags_of(p.stdout) - only_at_the_terminal.get(name, set()) == options, (name, flags_of(p.stdout), options)
                checked += 1
        if method == "get" and not any(p["in"] == "path" for p in op.get("parameters", [])):
            get(path)
    assert checked > 35, checked
    # A wrong call answers with the error that it describes.
    try:
        get("/api/behind/" + urllib.parse.quote("没有"))
        raise AssertionError("no error")
    except urllib.error.HTTPError as e:
        assert e.code == 400 and "error" in json.loads(e.read())


run(setup, a_task_goes_down_and_comes_back, many_at_once, the_same_problem_twice, figures_open, the_description_fits_the_programs)
