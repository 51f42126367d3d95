#!/usr/bin/env python3
"""The ledger's rules from the command line: levels of review, meetings, forms in Excel, asking once, pages of figures."""
# time limit: 200 s
import json

from _common import branch, branch_json, city, city_json, enrol, init, one_line, run, Server

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


run(setup, one_level_of_review_closes)
