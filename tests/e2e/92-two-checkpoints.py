#!/usr/bin/env python3
"""A city whose folder was copied signs two checkpoints for one place; one stick upwards is enough for it to be noticed."""
import shutil

from _common import branch, branch_json, city, city_json, enrol, init, run, same_state, Server, sign_now

state = {}


def setup():
    init()
    state["city"] = Server("city")
    for pc in ("b3", "office"):
        enrol(state["city"], "B03", pc)
    sign_now()  # of the other streams there is nothing new from here on
    for pc in ("b3", "office"):
        branch(pc, "sync")
    assert state["city"].stop() == 0
    shutil.copytree("city", "city-other", ignore=shutil.ignore_patterns("*.sock", "lock"))


def contradictions(status):
    return [c for c in status["contradictions"] if c["kind"] == "checkpoint"]


def signs_what_it_heard_of(data, pc):
    """Whoever asks one face hears nothing of the other: both answer at the same address."""
    face = Server(data, port=state["city"].port)
    branch(pc, "set", "A0019", f"remark=交给 {data} 的")
    assert branch_json(pc, "sync")["unsent"] == 0
    assert city_json(data, "checkpoint")["covered"] > 0
    branch(pc, "sync")
    assert face.stop() == 0
    assert contradictions(branch_json(pc, "status")) == []


def two_faces():
    signs_what_it_heard_of("city", "office")
    signs_what_it_heard_of("city-other", "b3")
    assert contradictions(city_json("city", "status")) == []


def one_stick_upwards():
    out = branch_json("b3", "export", "b3.tzb")
    # Its own work is with the other face already, and the city's word is no news of the PC's.
    assert out["commits"] == 0, out
    took = city_json("city", "import", "b3.tzb")["files"][0]
    assert took["taken"] == 1 and took["known"] == 0, took  # the other word, and none of what both faces have
    told = contradictions(city_json("city", "status"))
    assert len(told) == 1 and "B03/ledger" in told[0]["where"], told
    assert contradictions(branch_json("b3", "status")) == []  # it has heard nothing yet


def work_goes_on():
    state["city"] = Server("city", port=state["city"].port)
    for _ in range(2):
        for pc in ("b3", "office"):
            assert branch_json(pc, "sync")["unsent"] == 0
    for pc in ("b3", "office"):
        assert len(contradictions(branch_json(pc, "status"))) == 1, pc
        branch(pc, "verify")
    assert len(contradictions(city_json("city", "status"))) == 1
    same_state("b3", "office", "city")
    texts = [h["what"].get("remark") for h in city_json("city", "show", "A0019")["history"]]
    assert texts.count("交给 city 的") == 1 and texts.count("交给 city-other 的") == 1, texts
    branch("office", "set", "A0019", "remark=照常")
    assert branch_json("office", "sync")["unsent"] == 0
    assert state["city"].stop() == 0
    city("city", "verify")


run(setup, two_faces, one_stick_upwards, work_goes_on)
