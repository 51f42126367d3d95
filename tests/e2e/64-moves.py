#!/usr/bin/env python3
"""Units renamed, moved, merged, split and closed (X08): records unwritten, people told, nothing lost."""
from _common import branch, branch_json, city, city_json, enrol, init, one_line, run, same_state, Server, sign_now

state = {}


def setup():
    init()
    state["city"] = Server("city")
    enrol(state["city"], "B03", "b3")
    enrol(state["city"], "K1-02", "old-office")
    enrol(state["city"], "K1-01", "new-office")
    sign_now()  # commits are counted here


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
    enrol(state["city"], "B02", "old")
    branch("old", "report", row, "--value", "8", "--text", "分开之前报的")  # without a link
    branch("old", "set", row, "remark=分开之前写的")
    out = city_json("city", "unit", "B02-1", row, "--name", "分出的支部", "--split-from", "B02")
    assert out["continued"] == [{"from": row, "to": row + "@B02-1"}], out
    shown = city_json("city", "show", row + "@B02-1")
    assert shown["unit"] == "B02-1" and shown["fields"]["unit_id"] == "B02-1", shown
    assert city_json("city", "show", row)["state"] == "已撤回"
    enrol(state["city"], "B02-1", "new")
    assert branch_json("new", "show", row + "@B02-1")["state"] == shown["state"]
    # The old unit's PC had not heard: what it wrote is on the record that it wrote on, once, and goes on as before.
    out = branch_json("old", "sync")
    assert out["unsent"] == 0 and out["sent"] == 2, out
    for node in ("old", "city"):
        show = city_json if node == "city" else branch_json
        history = show(node, "show", row)["history"]
        for key, text in (("text", "分开之前报的"), ("remark", "分开之前写的")):
            assert len([h for h in history if h["what"].get(key) == text]) == 1, (node, text, history)
        assert show(node, "show", row)["state"] == "已撤回", node
    assert branch_json("old", "status")["quarantined"] == 0 and branch_json("old", "status")["waiting"] == 0
    other = rows_of("B02")[0]
    branch("old", "set", other, "remark=老支部照常")
    branch("new", "set", row + "@B02-1", "remark=新支部接着办")
    for data in ("old", "new"):
        assert branch_json(data, "sync")["unsent"] == 0
    assert city_json("city", "show", other)["fields"]["remark"] == "老支部照常"
    assert city_json("city", "show", row + "@B02-1")["fields"]["remark"] == "新支部接着办"
    same_state("old", "city")
    same_state("new", "city")
    branch("old", "verify")
    branch("new", "verify")


def rows_of(unit):
    return [a["id"] for a in city_json("city", "list", "assignments") if a["unit_id"] == unit and a["status"] == "办理中"]


def unsent_work_of_a_unit_that_was_closed():
    """X08: closed for good, nobody follows it; the PC had written without a link."""
    row = rows_of("B05")[0]
    enrol(state["city"], "B05", "b5")
    enrol(state["city"], "K2-01", "town-office")
    branch("b5", "set", row, "remark=撤销之前写的")
    branch("b5", "report", row, "--value", "5", "--text", "撤销之前报的")
    city("city", "unit", "B05", "--abolish")
    one_line(city("city", "enrol", "--unit", "B05", check=2)[1])
    # Until it syncs it works as ever; the sync that tells it takes its edits up.
    branch("b5", "set", row, "result_text=还不知道")
    assert branch_json("b5", "status")["unsent"] == 3
    out = branch_json("b5", "sync")
    assert out["unsent"] == 0 and out["sent"] == 3, out
    shown = city_json("city", "show", row)
    assert shown["fields"]["remark"] == "撤销之前写的" and shown["fields"]["value"] == 5, shown
    assert shown["fields"]["result_text"] == "还不知道", shown
    status = branch_json("b5", "status")
    assert status["enrol_again"] and status["closed"] and status["merged_into"] is None and status["unsent"] == 0, status
    words = branch("b5", "status")[0]
    assert "本单位已撤销" in words and "was closed" in words and "ask for a new code" in words, words
    assert "closed" in one_line(branch("b5", "set", row, "remark=旧身份", check=2)[1])
    # Its records stand with whoever is above, and nothing was written again.
    branch("town-office", "sync")
    assert branch_json("town-office", "show", row)["fields"]["remark"] == "撤销之前写的"
    same_state("b5", "town-office", "city")
    branch("b5", "verify")


def what_cannot_be_sent_as_ones_own_any_more_is_listed_and_handed_up():
    """An office wrote on a record of a branch that goes to another township meanwhile; it hears of it by stick."""
    row = rows_of("B08")[0]
    enrol(state["city"], "K2-01", "office")
    branch("office", "set", row, "guidance=调走之前写的", check=None)
    branch("office", "set", row, "deadline=2026-01-19")
    unsent = branch_json("office", "status")["unsent"]
    assert unsent > 0
    city("city", "unit", "B08", "--parent", "K2-02")
    city("city", "export", "office.tzb", "--to", "K2-01")
    branch("office", "import", "office.tzb")
    status = branch_json("office", "status")
    assert status["out_of_scope"] == [{"stream": "B08/ledger", "commits": unsent}], status
    words = branch("office", "status")[0]
    line = [w for w in words.splitlines() if "B08/ledger" in w]
    assert len(line) == 1 and "已不归本单位" in line[0] and "not this office's any more" in line[0], words
    assert branch_json("office", "sync")["unsent"] == 0
    assert city_json("city", "show", row)["fields"]["deadline"] == "2026-01-19"
    branch("office", "sync")
    status = branch_json("office", "status")
    assert status["out_of_scope"] == [] and "B08/ledger" not in status["holds"], status
    assert "B08/ledger" not in branch("office", "status")[0]
    same_state("office", "city")
    branch("office", "verify")


def join(data, unit):
    code = city_json("city", "enrol", "--unit", unit)["code"]
    city(data, "join", "--upstream", state["city"].url, "--code", code)
    state[data] = Server(data)


def counts(*units):
    holds = city_json("city", "status")["holds"]
    return {f"{u}/{a}": holds[f"{u}/{a}"] for u in units for a in ("ledger", "notice") if f"{u}/{a}" in holds}


def a_township_moves_to_another_county_with_all_that_is_below_it():
    """One act at the city; a village goes on through a relay of the new county, a second one takes its time."""
    join("city-county", "K3")
    join("city-new-county", "K4")
    for unit, data in (("B09", "b9"), ("B10", "b10")):
        enrol(state["city-county"], unit, data)
    mine = {"b9": rows_of("B09")[0], "b10": rows_of("B10")[0]}
    for data, row in mine.items():
        branch(data, "report", row, "--value", "6", "--text", data + " 没有网时报的")
    before, acts = counts("K3-01", "B09", "B10", "B12"), city_json("city", "status")["control"]
    city("city", "unit", "K3-01", "--parent", "K4")
    assert counts("K3-01", "B09", "B10", "B12") == before, "records were written again"
    assert city_json("city", "status")["control"] == acts + 1, "one act"
    for node in ("city-county", "city-new-county"):
        city(node, "sync")
    for unit in ("K3-01", "B09", "B10", "B12"):
        assert f"{unit}/ledger" in city_json("city-new-county", "status")["holds"], unit
    # The old county's server still takes what those below bring that have not heard, and tells them.
    out = branch_json("b9", "sync")
    assert out["unsent"] == 0, out
    branch("b9", "sync")
    assert branch_json("b9", "status")["enrol_again"]
    assert "enrol again" in branch("b9", "status")[0]
    city("city-county", "sync")
    assert city_json("city", "show", mine["b9"])["fields"]["value"] == 6
    # Both go on below the new county; the second one never spoke to the old one again.
    for data, unit in (("b9", "B09"), ("b10", "B10")):
        code = city_json("city-new-county", "enrol", "--unit", unit)["code"]
        branch(data, "enrol", "--server", state["city-new-county"].url, "--code", code)
        branch(data, "set", mine[data], "remark=在新的区县")
        assert branch_json(data, "sync")["unsent"] == 0
        status = branch_json(data, "status")
        assert status["unit"] == unit and not status["enrol_again"], status
    city("city-new-county", "sync")
    for data, row in mine.items():
        fields = city_json("city", "show", row)["fields"]
        assert fields["remark"] == "在新的区县" and fields["value"] == 6, (data, fields)
        reports = [h for h in city_json("city", "show", row)["history"] if h["what"].get("text") == data + " 没有网时报的"]
        assert len(reports) == 1, (data, reports)
    city("city", "set", mine["b10"], "deadline=2026-01-21")
    city("city-new-county", "sync")
    for data, row in mine.items():
        branch(data, "sync")
        assert branch_json(data, "show", row)["acks"]["city"], data
    assert branch_json("b10", "show", mine["b10"])["fields"]["deadline"] == "2026-01-21"
    same_state("b9", "b10", "city-new-county", "city")
    for node in ("city", "city-county", "city-new-county"):
        city(node, "verify")
    for node in mine:
        branch(node, "verify")


def a_closed_unit_is_refused_while_others_stand_below_it():
    one_line(city("city", "unit", "K1-01", "--abolish", check=2)[1])
    one_line(city("city", "unit", "C", "--abolish", check=2)[1])
    city("city", "verify")


run(setup, a_unit_is_renamed_and_moved_with_its_records, a_merged_unit_keeps_what_was_written_before_and_then_only_reads,
    a_split_opens_continuations, unsent_work_of_a_unit_that_was_closed,
    what_cannot_be_sent_as_ones_own_any_more_is_listed_and_handed_up,
    a_township_moves_to_another_county_with_all_that_is_below_it, a_closed_unit_is_refused_while_others_stand_below_it)
