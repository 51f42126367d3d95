#!/usr/bin/env python3
"""The city changes what may be recorded: it reaches running programs by sync and works without a restart."""
import json
import os
import time

from _common import branch, branch_json, city, city_json, enrol, init, one_line, ROOT, run, same_state, Server

state = {}
CATALOG = open(os.path.join(ROOT, "schema/ledger.toml"), encoding="utf-8").read()


def write(name, text):
    with open(name, "w", encoding="utf-8") as f:
        f.write(text)
    return name


def version(n, *replacements, end=""):
    text = CATALOG.replace("\nversion = 2\n", f"\nversion = {n}\n")
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text + end


REMARK = 'remark               = { label = ["备注", "remark"], max = 4000 }'
HELPERS = 'helpers = { type = "integer", label = ["帮办人数", "helpers"] }\n'
WELL = """
[entity.well]
label = ["水井", "well"]
home = "unit_id"
[entity.well.fields]
unit_id = { type = "ref", ref = "unit", label = ["单位", "unit"], max = 64, required = true }
depth   = { type = "number", label = ["深度", "depth"] }
[entity.well.workflow]
states = ["在用", "停用"]
[entity.well.workflow.transitions]
close = { from = ["在用"], to = "停用", by = ["unit"], label = ["停用", "close"] }
"""


def setup():
    init()
    state["city"] = Server("city")
    code = city_json("city", "enrol", "--unit", "K1-02")["code"]
    city("city-town", "join", "--upstream", state["city"].url, "--code", code)
    state["town"] = Server("city-town")
    enrol(state["town"], "B03", "b3")
    enrol(state["city"], "B03", "b3-away")
    state["b3"] = Server("b3", name="taizhang")


def refused(text, *says):
    before = city_json("city", "digest")["control"]
    for extra in (["--dry-run"], []):
        _, err = city("city", "catalog", write("bad.toml", text), *extra, check=2)
        for s in says:
            assert s in one_line(err), f"{s!r} not in {err!r}"
    assert city_json("city", "digest")["control"] == before


def what_would_orphan_is_refused():
    refused(CATALOG, "version = 3")
    refused(version(4), "version = 3")
    refused(version(3, (REMARK + "\n", "")), "assignment.remark")
    refused(version(3, (REMARK, 'remark = { type = "number" }')), "assignment.remark")
    refused(version(3, ('"延期待批", "已办结"', '"已办结", "延期待批"')), "assignment.status", "延期待批")
    refused(version(3, ("start            = {", "begin            = {")), "assignment.start")
    refused(version(3, ("[entity.assignment]\n", '[entity.assignment]\naudience = "notice"\n')), "assignment")
    refused(version(3, ('key = ["task_id", "unit_id"]', 'key = ["unit_id"]')), "assignment")
    refused(version(3, ('[entity.push]\n', '[entity.push]\nneeds = 99\n')), "99")
    refused(version(3, (REMARK, 'remark = { lenght = 4 }')), "bad.toml:", "lenght")
    refused("version = 3\n= nonsense", "bad.toml:2")
    refused("", "bad.toml")
    _, err = city("city", "catalog", "no-such-file.toml", check=2)
    one_line(err)
    # Only the city publishes; everybody may look.
    _, err = city("city-town", "catalog", write("v2.toml", version(3)), check=2)
    assert "city" in one_line(err)
    assert city_json("city", "catalog", "--show")["version"] == 2
    assert city_json("city-town", "catalog")["version"] == 2
    assert "[entity.assignment]" in city("city", "catalog", "--show")[0]


def wait_for(what, get, wanted):
    for _ in range(1200):
        if get() == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(f"{what}: {get()!r}, wanted {wanted!r}")


def a_new_field_and_entity_reach_running_programs():
    # Written by the old catalog and not sent before the new one is there.
    branch("b3-away", "set", "A0019", "remark=旧目录下写的")
    text = version(3, (REMARK, HELPERS + REMARK), end=WELL)
    out = city_json("city", "catalog", write("v2.toml", text), "--dry-run")
    assert out["published"] is False and out["version"] == 3, out
    assert any("assignment.helpers" in c for c in out["changes"]) and any("well" in c for c in out["changes"]), out
    assert city_json("city", "catalog")["version"] == 2
    out = city_json("city", "catalog", "v2.toml")
    assert out["published"] is True, out
    _, err = city("city", "catalog", "v2.toml", check=2)
    assert "version = 4" in one_line(err), err
    # The relay and the branch's program run on; a sync brings it.
    city("city-town", "sync")
    branch("b3", "sync")
    assert branch_json("b3", "show", "A0019")["fields"]["helpers"] is None
    branch("b3", "set", "A0019", "helpers=4")
    _, err = branch("b3", "set", "A0019", "helpers=vier", check=2)
    assert "helpers" in one_line(err)
    well = branch_json("b3", "new", "well", "unit_id=B03", "depth=12.5")["record"]
    _, err = branch("b3", "new", "spaceship", "x=1", check=2)
    assert "spaceship" in one_line(err)
    branch("b3", "do", "close", well)
    listed = branch_json("b3", "list", "well")
    assert [w["id"] for w in listed] == [well] and listed[0]["status"] == "停用" and listed[0]["depth"] == 12.5, listed
    assert well in branch("b3", "list", "well")[0]
    branch("b3", "sync")
    city("city-town", "sync")
    wait_for("the city shows it", lambda: city_json("city", "show", "A0019")["fields"]["helpers"], 4)
    assert city_json("city", "show", well)["state"] == "停用"
    # Whoever was away writes under the version that he knew, and it counts.
    branch("b3-away", "sync")
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "旧目录下写的"
    assert branch_json("b3-away", "show", well)["fields"]["depth"] == 12.5
    city("city-town", "sync")
    branch("b3", "sync")
    same_state("city", "city-town")
    same_state("b3", "city")


def a_changed_rule_decides_from_then_on():
    # Two texts at once: by version 2 the later stands and nobody is asked; by version 3 both stay open.
    def both_write(text):
        branch("b3", "sync")
        branch("b3-away", "sync")
        branch("b3", "set", "A0019", f"remark={text} 甲")
        branch("b3-away", "set", "A0019", f"remark={text} 乙")
        branch("b3", "sync")
        city("city-town", "sync")
        branch("b3-away", "sync")
        city("city-town", "sync")
        branch("b3", "sync")
        return [c for c in branch_json("b3", "list", "conflicts") if c["row"] == "A0019" and c["group"] == "remark" and c["open"]]

    assert both_write("二版") == []
    text = version(4, (REMARK, HELPERS + REMARK.replace("max = 4000", 'max = 4000, rule = "keep_both"')), end=WELL)
    out = city_json("city", "catalog", write("v3.toml", text))
    assert any("remark" in c for c in out["changes"]), out
    city("city-town", "sync")
    lines = both_write("三版")
    assert len(lines) == 1 and lines[0]["rule"] == "keep_both", lines
    branch("b3", "resolve", lines[0]["id"], "--pick", "mine")
    branch("b3", "sync")
    city("city-town", "sync")
    branch("b3-away", "sync")
    same_state("city", "city-town")
    same_state("b3-away", "city")
    # A device that comes new has all versions and the same state.
    enrol(state["city"], "B03", "b3-new")
    same_state("b3-new", "city")
    for s in state.values():
        s.stop()
    for n in ("city", "city-town"):
        city(n, "verify")
    for n in ("b3", "b3-away", "b3-new"):
        branch(n, "verify")


run(setup, what_would_orphan_is_refused, a_new_field_and_entity_reach_running_programs, a_changed_rule_decides_from_then_on)
