#!/usr/bin/env python3
"""City, county, township and a village's PC, each with a program of its own: up, down, and weeks without what is above."""
from _common import branch, branch_json, city, city_json, enrol, init, one_line, run, same_state, Server, sign_now

state = {}
BELOW_CITY = ("city-county", "city-town")  # same_state() tells hubs by their name


def join(data, unit, above):
    code = city_json(above.data, "enrol", "--unit", unit)["code"]
    out = city_json(data, "join", "--upstream", above.url, "--code", code)
    assert out["unit"] == unit and out["received"] > 0, out
    state[data] = Server(data)


def go_below(above):
    """The township's program stops for a moment to stand below another one."""
    town = state["city-town"]
    town.stop()
    code = city_json(above.data, "enrol", "--unit", "K1-02")["code"]
    out = city_json("city-town", "join", "--upstream", above.url, "--code", code)
    state["city-town"] = Server("city-town", port=town.port)
    return out


def up_the_tree():
    """What the PC has given to its township goes to the county, and from there to the city."""
    for node in reversed(BELOW_CITY):
        out = city_json(node, "sync")
        assert out["unsent"] == 0, (node, out)


def down_the_tree():
    for node in BELOW_CITY:
        city(node, "sync")
    return branch_json("b3", "sync")


def acks():
    return branch_json("b3", "show", "A0019")["acks"]


def setup():
    init()
    state["city"] = Server("city")
    join("city-county", "K1", state["city"])
    join("city-town", "K1-02", state["city-county"])
    enrol(state["city-town"], "B03", "b3")
    sign_now()  # what comes from above is counted here
    down_the_tree()
    same_state("city", "city-county", "city-town", "b3")


def up_and_the_acks_back():
    # Programs pass on by themselves, within a second: while the city is away the county keeps it.
    state["city"].stop()
    branch("b3", "report", "A0019", "--value", "4", "--text", "已开展四次")
    branch("b3", "sync")
    assert acks() == {"township": True, "city": False}, acks()
    city("city-town", "sync")  # the county has it; the city does not
    assert city_json("city-county", "show", "A0019")["fields"]["value"] == 4
    branch("b3", "sync")
    assert acks() == {"township": True, "city": False}, acks()
    state["city"] = Server("city", port=state["city"].port)
    city("city-county", "sync")
    assert city_json("city", "show", "A0019")["fields"]["value"] == 4
    down_the_tree()
    assert acks() == {"township": True, "city": True}, acks()
    same_state("city", "city-county", "city-town", "b3")


def weeks_without_the_city():
    state["city"].stop()
    branch("b3", "set", "A0019", "remark=没有市里也照样办")
    branch("b3", "sync")
    city("city-town", "sync")
    assert city_json("city-county", "show", "A0019")["fields"]["remark"] == "没有市里也照样办"
    _, err = city("city-county", "sync", check=1)
    one_line(err)
    # The county goes on with its own work meanwhile, and it comes down.
    city("city-county", "set", "A0019", "deadline=2026-01-18")
    city("city-town", "sync")
    branch("b3", "sync")
    assert branch_json("b3", "show", "A0019")["fields"]["deadline"] == "2026-01-18"
    state["city"] = Server("city", port=state["city"].port)
    up_the_tree()
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "没有市里也照样办"
    city("city", "set", "A0019", "deadline=2026-01-20")
    down_the_tree()
    assert branch_json("b3", "show", "A0019")["fields"]["deadline"] == "2026-01-20"
    same_state("city", "city-county", "city-town", "b3")


def past_a_level_that_is_down():
    """The county's server is gone for good: the township goes over to the city, and nothing is sent twice or lost."""
    state["city-county"].stop()
    branch("b3", "set", "A0019", "remark=县里的服务器坏了")
    branch("b3", "sync")
    _, err = city("city-town", "sync", check=1)
    one_line(err)
    out = go_below(state["city"])
    assert out["sent"] == 1 and out["received"] == 0, out
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "县里的服务器坏了"
    branch("b3", "sync")
    assert acks() == {"township": True, "city": True}, acks()


def back_below_the_county():
    state["city-county"] = Server("city-county", port=state["city-county"].port)
    city("city-county", "sync")
    assert city_json("city-county", "show", "A0019")["fields"]["remark"] == "县里的服务器坏了"
    out = go_below(state["city-county"])
    assert out["sent"] == 0 and out["received"] == 0, out
    same_state("city", "city-county", "city-town", "b3")
    for node in ("city", "city-county", "city-town"):
        city(node, "verify")
    branch("b3", "verify")


run(setup, up_and_the_acks_back, weeks_without_the_city, past_a_level_that_is_down, back_below_the_county)
