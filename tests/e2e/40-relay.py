#!/usr/bin/env python3
"""A township's relay between two PCs of a village and the city, with the real programs."""
from _common import branch, branch_json, city, city_json, enrol, init, one_line, run, same_state, Server, sign_now

state = {}


def setup():
    init()
    state["city"] = Server("city")
    code = city_json("city", "enrol", "--unit", "K1-02")["code"]
    out = city_json("city-town", "join", "--upstream", state["city"].url, "--code", code)
    assert out["unit"] == "K1-02" and out["received"] > 0, out
    state["town"] = Server("city-town")
    for pc in ("b3", "b3-second"):
        enrol(state["town"], "B03", pc)
    sign_now()  # what comes from above is counted here
    city("city-town", "sync")
    for pc in ("b3", "b3-second"):
        branch(pc, "sync")


def weeks_without_the_city():
    state["city"].stop()
    branch("b3", "report", "A0019", "--value", "3", "--text", "已开展三次")
    out = branch_json("b3", "sync")
    assert out["unsent"] == 0 and out["acks"]["township"] > 0 and out["acks"]["city"] == 0, out
    branch("b3-second", "sync")
    assert branch_json("b3-second", "show", "A0019")["fields"]["value"] == 3
    report = branch_json("b3", "show", "A0019")
    assert report["acks"] == {"township": True, "city": False}, report["acks"]
    _, err = city("city-town", "sync", check=1)
    assert "1" in one_line(err), err
    same_state("b3", "city-town", "b3-second")


def the_link_is_back():
    state["city"] = Server("city", port=state["city"].port)
    sent = city_json("city-town", "sync")
    assert sent["unsent"] == 0, sent
    assert city_json("city", "show", "A0019")["fields"]["value"] == 3
    back = branch_json("b3", "sync")
    assert back["round_trips"] == 1 and back["acks"]["city"] == back["acks"]["township"], back
    assert branch_json("b3", "show", "A0019")["acks"] == {"township": True, "city": True}
    city("city", "set", "A0019", "deadline=2026-01-15")
    city("city-town", "sync")
    branch("b3", "sync")
    assert branch_json("b3", "show", "A0019")["fields"]["deadline"] == "2026-01-15"
    same_state("b3", "city-town", "city")


def over_to_the_city_and_back():
    for server in ("city", "town", "city"):
        code = city_json(state[server].data, "enrol", "--unit", "B03")["code"]
        out = branch_json("b3", "enrol", "--server", state[server].url, "--code", code)
        assert out["received"] == 0 and out["sent"] == 0, out
    branch("b3", "set", "A0019", "remark=直接报市里")
    out = branch_json("b3", "sync")
    assert out["sent"] == 1 and out["acks"]["city"] == 2, out
    city("city-town", "sync")
    branch("b3-second", "sync")
    assert branch_json("b3-second", "show", "A0019")["fields"]["remark"] == "直接报市里"


def refused_in_one_line():
    code = city_json("city-town", "enrol", "--unit", "B03")["code"]
    _, err = branch("b3", "enrol", "--server", state["town"].url, "--code", "AAAA-BBBB-CCCC", check=1)
    one_line(err)
    state["city"].stop()
    _, err = city("city", "join", "--upstream", state["town"].url, "--code", code, check=2)
    one_line(err)
    assert city_json("city", "show", "A0019")["fields"]["value"] == 3
    _, err = city("city-town", "enrol", "--unit", "B01", check=2)
    one_line(err)
    for n in ("city-town", "city"):
        city(n, "verify")
    branch("b3", "verify")


run(setup, weeks_without_the_city, the_link_is_back, over_to_the_city_and_back, refused_in_one_line)
