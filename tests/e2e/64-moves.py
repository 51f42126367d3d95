#!/usr/bin/env python3
"""Units renamed, moved, merged, split and closed (X08): records unwritten, people told, nothing lost."""
from _common import branch, branch_json, city, city_json, enrol, init, one_line, run, same_state, Server

state = {}


def setup():
    init()
    state["city"] = Server("city")
    enrol(state["city"], "B03", "b3")
    enrol(state["city"], "K1-02", "old-office")
    enrol(state["city"], "K1-01", "new-office")


def commits():
    return city_json("city", "status")["holds"]["B03/ledger"]


def a_unit_is_renamed_and_moved_with_its_records():
    before = commits()
    city("city", "unit", "B03", "--name", "新名社区", "--parent", "K1-01")
    assert commits() == before, "records were written again"
    one_line(city("city", "unit", "B03", "--parent", "B99", check=2)[1])
    one_line(branch("b3", "unit", "B03", "--name", "x", check=2)[1])
    for node in ("b3", "old-office", "new-office"):
        branch(node, "sync")
    assert branch_json("b3", "status")["unit_name"] == "新名社区"
    assert branch_json("new-office", "show", "A0019")["unit"] == "B03"
    one_line(branch("old-office", "show", "A0019", check=2)[1])  # it is gone from there
    assert "B03/ledger" not in branch_json("old-office", "status")["holds"]
    same_state("b3", "new-office", "city")
    branch("old-office", "verify")


def a_merged_unit_keeps_what_was_written_before_and_then_only_reads():
    branch("b3", "set", "A0019", "result_text=并入之前写的")  # without a link
    city("city", "unit", "B03", "--merge-into", "B01")
    one_line(city("city", "enrol", "--unit", "B03", check=2)[1])
    branch("b3", "sync")
    assert city_json("city", "show", "A0019")["fields"]["result_text"] == "并入之前写的"
    status = branch_json("b3", "status")
    assert status["enrol_again"] and status["merged_into"] == "B01" and status["unsent"] == 0, status
    assert "B01" in branch("b3", "status")[0]
    assert "B01" in one_line(branch("b3", "set", "A0019", "remark=旧身份", check=2)[1])
    # The same PC, all its data, the new unit.
    code = city_json("city", "enrol", "--unit", "B01")["code"]
    branch("b3", "enrol", "--server", state["city"].url, "--code", code)
    status = branch_json("b3", "status")
    assert status["unit"] == "B01" and not status["enrol_again"], status
    branch("b3", "set", "A0019", "remark=新身份")
    branch("b3", "sync")
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "新身份"
    same_state("b3", "city")


def a_split_opens_continuations():
    row = city_json("city", "sql", "SELECT id FROM assignment WHERE unit_id = 'B02' AND status <> '已办结' LIMIT 1")["rows"][0][0]
    out = city_json("city", "unit", "B02-1", row, "--name", "分出的支部", "--split-from", "B02")
    assert out["continued"] == [{"from": row, "to": row + "@B02-1"}], out
    shown = city_json("city", "show", row + "@B02-1")
    assert shown["unit"] == "B02-1" and shown["fields"]["unit_id"] == "B02-1", shown
    assert city_json("city", "show", row)["state"] == "已撤回"
    enrol(state["city"], "B02-1", "new")
    assert branch_json("new", "show", row + "@B02-1")["state"] == shown["state"]


def a_closed_unit_is_refused_while_others_stand_below_it():
    one_line(city("city", "unit", "K1-01", "--abolish", check=2)[1])
    one_line(city("city", "unit", "C", "--abolish", check=2)[1])
    city("city", "verify")


run(setup, a_unit_is_renamed_and_moved_with_its_records, a_merged_unit_keeps_what_was_written_before_and_then_only_reads,
    a_split_opens_continuations, a_closed_unit_is_refused_while_others_stand_below_it)
