#!/usr/bin/env python3
"""What an ordinary sync costs on the wire, every byte of the sockets counted, with the real programs."""
from _common import branch, branch_json, city, city_json, enrol, init, run, same_state, Server, sign_now

state = {}
TEXTS = ["已开展三次", "材料已补齐", "正在整改", "已完成自查", "待上级核实", "人员已到位", "场地已协调", "台账已更新",
         "进度正常", "已上报乡镇"]


def setup():
    init()
    state["city"] = Server("city")
    enrol(state["city"], "B03", "b3")
    sign_now()  # what comes from above is counted here
    branch("b3", "sync")


def says(what, out):
    print(f"    {what}: {out['bytes_up']} B up, {out['bytes_down']} B down, {out['round_trips']} request(s)")
    return out


def nothing_new():
    out = says("nothing new", branch_json("b3", "sync"))
    assert out["round_trips"] == 1, out
    assert out["bytes_up"] <= 300 and out["bytes_down"] <= 300, out
    assert out["bytes_up"] + out["bytes_down"] <= 250, out


def ten_edits():
    rows = [a["id"] for a in branch_json("b3", "list", "assignments")]
    for i, text in enumerate(TEXTS):
        branch("b3", "set", rows[i % len(rows)], "remark=" + text)
    out = says("ten one-field edits", branch_json("b3", "sync"))
    assert out["round_trips"] == 1 and out["sent"] == 10 and out["unsent"] == 0, out
    assert out["bytes_up"] <= 700, out
    for row, text in list(zip(rows, TEXTS))[1:]:
        assert city_json("city", "show", row)["fields"]["remark"] == text
    nothing_new()


def an_edit_of_the_city():
    row = branch_json("b3", "list", "assignments")[0]["id"]
    city("city", "set", row, "deadline=2026-01-15")
    out = says("one edit from the city", branch_json("b3", "sync"))
    assert out["round_trips"] == 1 and out["received"] == 1, out
    assert out["bytes_down"] <= 400, out
    assert branch_json("b3", "show", row)["fields"]["deadline"] == "2026-01-15"
    same_state("b3", "city")
    city("city", "verify")
    branch("b3", "verify")


def through_a_relay():
    code = city_json("city", "enrol", "--unit", "K1-02")["code"]
    city("city-town", "join", "--upstream", state["city"].url, "--code", code)
    town = Server("city-town")
    code = city_json("city-town", "enrol", "--unit", "B03")["code"]
    branch("b3", "enrol", "--server", town.url, "--code", code)
    nothing_new()
    row = branch_json("b3", "list", "assignments")[0]["id"]
    branch("b3", "set", row, "remark=经乡镇上报")
    branch("b3", "sync")
    out = says("the relay's turn", city_json("city-town", "sync"))
    assert out["round_trips"] == 1 and out["unsent"] == 0 and out["bytes_up"] <= 700, out
    assert city_json("city", "show", row)["fields"]["remark"] == "经乡镇上报"
    same_state("b3", "city-town", "city")


run(setup, nothing_new, ten_edits, an_edit_of_the_city, through_a_relay)
