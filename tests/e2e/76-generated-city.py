#!/usr/bin/env python3
"""Cities that nobody has seen before: the review gives the figures that another computation gives, and Excel changes none."""
import json
import os
import subprocess
import time

from _common import city, CITY, city_json, one_line, ROOT, run

NOW = {"TAIZHANG_NOW": "2025-11-06T18:00:00+08:00"}


def made(seed, scale, profile="small"):
    name = f"{profile}-{seed}.json"
    subprocess.run([os.path.join(ROOT, "tools/makecity"), "--profile", profile, "--seed", str(seed), "--scale", str(scale),
                    "--out", name], check=True, capture_output=True)
    return name


def compare(data, file):
    """Every expected figure, equal to four decimals; gives how many were compared."""
    review = city_json(data, "review", env=NOW)["metrics"]
    expected = json.load(open(file, encoding="utf-8"))["expected_metrics"]
    n = 0
    for part in ("by_scope", "D3_attendance"):
        assert expected[part]
        for scope, figures in expected[part].items():
            for key, wanted in figures.items():
                ours = review[part][scope][key]
                pairs = [(wanted, ours)] if not isinstance(wanted, dict) else [(v, ours[k]) for k, v in wanted.items()]
                for w, o in pairs:
                    n += 1
                    assert (w is None) == (o is None) and (w is None or abs(w - o) < 0.00005), f"{file} {scope} {key}: {o}, wanted {w}"
    return n


def the_same_arguments_give_the_same_city():
    first = open(made(5, 0.01), "rb").read()
    assert first == open(made(5, 0.01), "rb").read()
    assert first != open(made(6, 0.01), "rb").read()


def figures_of_cities_not_seen_before():
    for seed in (1, 2):
        file = made(seed, 0.006)
        start = time.monotonic()
        data = f"city{seed}"
        city(data, "init", "--city", file, env=NOW)
        took = time.monotonic() - start
        print(f"    seed {seed}: {os.path.getsize(file)} bytes in {took:.1f} s, {compare(data, file)} figures equal")


def figures_stay_after_excel():
    for kind in ("assignments", "rectifications"):
        rows = city_json("city1", "export-xlsx", kind, kind + ".xlsx", env=NOW)["rows"]
        back = city_json("city1", "import-xlsx", kind + ".xlsx", env=NOW)
        assert back["unchanged"] == rows, {k: back[k] for k in ("created", "changed", "unchanged", "refused")}
    compare("city1", "small-1.json")


def a_city_written_out_and_read_in_again():
    for data, file in (("city1", "small-1.json"), ("city-shipped", CITY)):
        if data == "city-shipped":
            city(data, "init", "--city", file, env=NOW)
        out = city_json(data, "export-city", data + ".json", env=NOW)
        assert out["bytes"] == os.path.getsize(data + ".json")
        again = data + "-again"
        city(again, "init", "--city", data + ".json", env=NOW)
        before, after = (city_json(d, "review", env=NOW) for d in (data, again))
        assert before["metrics"] == after["metrics"]
        assert before["units"] == after["units"], [(a, b) for a, b in zip(before["units"], after["units"]) if a != b][:2]
        compare(again, file)
        # And the file of the second is that of the first.
        city(again, "export-city", again + ".json", env=NOW)
        assert open(data + ".json", "rb").read() == open(again + ".json", "rb").read()
        _, err = city(again, "export-city", again + ".json", check=2, env=NOW)
        assert "已有这个文件" in one_line(err)


def after_work_in_it():
    """What people do in the program comes out in the file: a report, a new deadline, a problem, an extra text."""
    report = city_json("city1", "list", "assignments")[0]["id"]
    city("city1", "set", report, "deadline=2025-12-31", env=NOW)
    city("city1", "export-city", "worked.json", env=NOW)
    city("worked", "init", "--city", "worked.json", env=NOW)
    assert city_json("worked", "show", report, env=NOW)["fields"]["deadline"] == "2025-12-31"
    assert city_json("worked", "review", env=NOW)["metrics"] == city_json("city1", "review", env=NOW)["metrics"]


run(the_same_arguments_give_the_same_city, figures_of_cities_not_seen_before, figures_stay_after_excel,
    a_city_written_out_and_read_in_again, after_work_in_it)
