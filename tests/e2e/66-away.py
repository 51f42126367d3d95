#!/usr/bin/env python3
# time limit: 600 s
"""A PC that was switched off for 300 days while the city signed and others dropped their history: nothing is lost."""
import datetime

from _common import branch, branch_json, city, city_json, enrol, init, run, same_state, Server

state = {}
FIRST = datetime.date(2026, 1, 20)
ROW = "A0019"


def on_day(n):
    return {"TAIZHANG_NOW": (FIRST + datetime.timedelta(days=n)).isoformat() + "T08:00:00+08:00"}


def city_on_day(n):
    if "city" in state:
        assert state["city"].stop() == 0
    state["city"] = Server("city", env=on_day(n), port=state["city"].port if "city" in state else 0)


def setup():
    init()
    city_on_day(0)
    for pc in ("b3", "away"):
        enrol(state["city"], "B03", pc, env=on_day(0))
    branch("away", "set", ROW, "remark=出门之前改的", env=on_day(0))
    branch("away", "report", ROW, "--value", "3", "--text", "出门之前报的", env=on_day(0))
    assert branch_json("away", "status", env=on_day(0))["unsent"] == 2


def dropped(data):
    return int(branch_json(data, "sql", "SELECT count(*) FROM log WHERE length(body) = 0")["rows"][0][0])


def the_others_go_on():
    """Every few months an edit of the village and one of the city, a backup, a checkpoint, and history goes."""
    for day in (30, 120, 210, 290):
        city_on_day(day)
        env = on_day(day)
        branch("b3", "set", ROW, f"result_text=第 {day} 天", env=env)
        branch("b3", "report", ROW, "--value", str(day), "--text", f"第 {day} 天报的", env=env)
        assert branch_json("b3", "sync", env=env)["unsent"] == 0
        city("city", "set", ROW, f"guidance=第 {day} 天", check=None, env=env)
        city("city", "backup", f"day-{day}.tzbak", env=env)
        assert city_json("city", "checkpoint", env=env)["backed_up"] > 0
        branch("b3", "sync", env=env)
        branch("b3", "compact", "--keep-days", "0", env=env)
        assert branch_json("b3", "status", env=env)["clock"] == "trusted"
    assert dropped("b3") > 50, dropped("b3")
    same_state("b3", "city")


def history(data, says):
    shown = (city_json if data == "city" else branch_json)(data, "show", ROW)
    return [h for h in shown["history"] if says in str(h["what"])]


def it_comes_back_after_300_days():
    city_on_day(300)
    env = on_day(300)
    branch("away", "set", ROW, "next_steps=回来之后写的", env=env)
    for pc in ("away", "b3", "away"):
        assert branch_json(pc, "sync", env=env)["unsent"] == 0
    status = branch_json("away", "status", env=env)
    assert status["waiting"] == 0 and status["quarantined"] == 0 and status["clock"] == "trusted", status
    for says in ("出门之前改的", "出门之前报的", "回来之后写的", "第 30 天报的", "第 290 天报的"):
        for data in ("city", "away"):
            assert len(history(data, says)) == 1, (says, data)
    for says in ("出门之前改的", "出门之前报的"):  # the record says how late it came
        assert history("city", says)[0]["late_days"] == 300, history("city", says)
    assert "late_days" not in history("city", "第 290 天报的")[0]
    # What was written first is no news that beats the newer: nobody edited the remark meanwhile, many reported.
    for data in ("city", "away", "b3"):
        fields = (city_json if data == "city" else branch_json)(data, "show", ROW)["fields"]
        assert fields["remark"] == "出门之前改的" and fields["next_steps"] == "回来之后写的", (data, fields)
        assert fields["value"] == 290 and fields["result_text"] == "第 290 天", (data, fields)
    same_state("away", "b3", "city")
    # It goes on as any other, and may drop its history as well.
    branch("away", "compact", "--keep-days", "0", env=env)
    branch("away", "set", ROW, "remark=照常", env=env)
    for pc in ("away", "b3"):
        assert branch_json(pc, "sync", env=env)["unsent"] == 0
    assert city_json("city", "show", ROW)["fields"]["remark"] == "照常"
    same_state("away", "b3", "city")
    for pc in ("away", "b3"):
        branch(pc, "verify")
    city("city", "verify")


run(setup, the_others_go_on, it_comes_back_after_300_days)
