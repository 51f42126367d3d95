#!/usr/bin/env python3
"""Checkpoints, PCs that begin from a state, dropped history, a city that falls back after PCs have dropped."""
import os

from _common import branch, branch_json, city, city_json, enrol, init, one_line, run, same_state, Server

state = {}


def setup():
    init()
    state["city"] = Server("city")
    enrol(state["city"], "B03", "b3")
    branch("b3", "set", "A0019", "remark=检查点之前")
    branch("b3", "sync")


def the_city_signs_and_states_do_not_change():
    before = city_json("city", "digest")
    out = city_json("city", "checkpoint")
    assert out["covered"] > 20 and out["backed_up"] == 0, out  # a slow machine's city has signed them by itself by now
    assert city_json("city", "digest") == before
    assert city_json("city", "checkpoint")["streams"] == []  # no news
    one_line(branch("b3", "compact", "--keep-days", "x", check=2)[1])
    one_line(city("city", "compact", check=2)[1])  # a server keeps all


def a_new_pc_begins_from_the_state():
    enrol(state["city"], "K1-02", "office")
    enrol(state["city"], "B03", "late")
    same_state("late", "b3", "city")
    same_state("office", "city")
    shown = branch_json("late", "show", "A0019")
    assert shown["fields"]["remark"] == "检查点之前"
    assert not shown["history_complete"] or len(shown["history"]) > 1
    whole = int(branch_json("b3", "sql", "SELECT count(*) FROM log WHERE length(body) > 0")["rows"][0][0])
    here = int(branch_json("late", "sql", "SELECT count(*) FROM log WHERE length(body) > 0")["rows"][0][0])
    assert here < whole, (here, whole)
    branch("late", "set", "A0019", "remark=新电脑")
    branch("late", "verify")
    branch("late", "sync")
    branch("b3", "sync")
    assert branch_json("b3", "show", "A0019")["fields"]["remark"] == "新电脑"
    same_state("late", "b3", "city")


def a_pc_drops_what_the_backup_holds_and_fetches_what_it_needs():
    assert branch_json("b3", "compact", "--keep-days", "0")["bytes"] == 0  # in no backup yet
    city("city", "backup", "yesterday.tzbak")
    city("city", "checkpoint")
    branch("b3", "sync")
    branch("late", "sync")
    out = branch_json("b3", "compact", "--keep-days", "0")
    assert out["bytes"] > 1000, out
    same_state("b3", "city")
    branch("b3", "verify")
    # Two PCs write the same field without a link, on a base whose history one of them dropped.
    branch("late", "set", "A0019", "result_text=乙稿")
    branch("b3", "set", "A0019", "result_text=甲稿")
    branch("late", "sync")
    out = branch_json("b3", "sync")
    assert branch_json("b3", "status")["waiting"] == 0
    branch("late", "sync")
    same_state("b3", "late", "city")
    assert len(branch_json("b3", "list", "conflicts")) == len(branch_json("late", "list", "conflicts"))


def the_city_falls_back_after_pcs_have_dropped():
    after = city_json("city", "digest")
    state["city"].stop()
    os.rename("city", "city-burnt")
    city("city", "restore", "yesterday.tzbak")
    state["city"] = Server("city", port=state["city"].port)
    for _ in range(2):
        for pc in ("b3", "late"):
            branch(pc, "sync")
    now = city_json("city", "digest")
    assert now["B03/ledger"] == after["B03/ledger"], "the restored city lacks something"
    same_state("b3", "late", "city")
    city("city", "verify")
    branch("b3", "verify")
    assert branch_json("b3", "status")["unsent"] == 0


run(setup, the_city_signs_and_states_do_not_change, a_new_pc_begins_from_the_state,
    a_pc_drops_what_the_backup_holds_and_fetches_what_it_needs, the_city_falls_back_after_pcs_have_dropped)
