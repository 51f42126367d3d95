#!/usr/bin/env python3
# time limit: 600 s
"""A link that is slow and breaks: everything arrives, once, and a cut costs one chunk. The clock runs faster than at
tools/bench link: 200 kbit/s, a cut every two seconds; and a cut at each 1 KiB of a session at 50 kbit/s."""
import json
import os

from _common import branch, branch_json, city, city_json, enrol, init, one_line, program, run, same_state, Server, sign_now
from _link import Link, write_edits

state = {"texts": [], "written": 0}
OVERHEAD = 1500  # bytes: headers, token, cursor, and what is asked besides


def setup():
    init()
    state["city"] = Server("city")
    # The PC looks for the city behind the link's port from its first day.
    with Link(state["city"].port) as link:
        state["port"] = link.port
        code = city_json("city", "enrol", "--unit", "B03")["code"]
        branch("pc", "enrol", "--server", link.url, "--code", code)
        link.stop()
    enrol(state["city"], "B03", "other")


def no_news_of_the_city():
    """What it would sign by itself, in the middle of what is counted here."""
    sign_now()
    through()


def more_edits(count):
    state["texts"] += write_edits("pc", count, state["written"])
    state["written"] += count


def through(*options, tries=20):
    """Syncs over such a link until all is through; gives the last report and the link's totals."""
    with Link(state["city"].port, *options, port=state["port"]) as link:
        for _ in range(tries):
            out, err = program("taizhang", "sync", "--data", "pc", "--json", check=None)
            if out:
                return json.loads(out), link.stop()
            one_line(err)
        raise AssertionError("not through: " + err + open(link.log_file).read())


def arrived_once():
    """What the branch wrote is at the city, each piece once."""
    seen = []
    for record in {a["id"] for a in city_json("city", "list", "assignments") if a["unit_id"] == "B03"}:
        for h in city_json("city", "show", record)["history"]:
            what = h["what"]
            seen += [what[k] for k in ("text", "problems") if k in what]
    for text in state["texts"]:
        assert seen.count(text) == 1, (text, seen.count(text))


def cuts_every_two_seconds():
    more_edits(300)
    report, carried = through("--rate", 20000, "--delay", 100, "--cut-every", 2, "--seed", 5)
    assert report["unsent"] == 0, report
    assert carried["cuts"] >= 1, carried
    arrived_once()


def a_cut_at_each_kib_of_an_upload():
    """The same session again and again, cut one KiB later each time."""
    no_news_of_the_city()
    # How large the session is when nobody cuts it; the link is measured meanwhile.
    more_edits(12)
    clear, carried = through("--rate", 50000, "--delay", 50)
    whole = carried["up"] + carried["down"]
    cuts = 0
    for kib in range(1, whole // 1024 + 2):
        more_edits(12)
        report, carried = through("--rate", 50000, "--delay", 50, "--cut-after-bytes", 1024 * kib, "--cuts", 1)
        assert report["unsent"] == 0, report
        cuts += carried["cuts"]
        again = carried["up"] - clear["bytes_up"]
        # All 12 edits fit into one chunk: at most that chunk once more.
        assert again <= carried["cuts"] * (clear["bytes_up"] + OVERHEAD) + OVERHEAD, (kib, again, clear, carried)
    assert cuts >= whole // 1024 - 1, (cuts, whole)
    arrived_once()


def a_cut_at_each_kib_of_a_download():
    no_news_of_the_city()
    records = [a["id"] for a in city_json("city", "list", "assignments") if a["unit_id"] == "B03"]

    def city_writes(n):
        for i in range(8):
            city("city", "set", records[i % len(records)], f"remark=市里第{n}轮第{i}条,请对照清单逐项核实后回复")

    city_writes(0)
    clear, carried = through("--rate", 50000, "--delay", 50)
    assert clear["received"] == 8, clear
    whole = carried["up"] + carried["down"]
    for kib in range(1, whole // 1024 + 2):
        city_writes(kib)
        report, carried = through("--rate", 50000, "--delay", 50, "--cut-after-bytes", 1024 * kib, "--cuts", 1)
        again = carried["down"] - clear["bytes_down"]
        assert again <= carried["cuts"] * (clear["bytes_down"] + OVERHEAD) + OVERHEAD, (kib, again, clear, carried)
    same_state("pc", "city")


def a_new_pc_over_the_bad_link():
    """73 kB of records for somebody who has nothing yet."""
    with Link(state["city"].port, "--rate", 200000, "--delay", 100, "--cut-every", 3, "--seed", 9, port=state["port"]) as link:
        for _ in range(10):
            # A code is good once: when the answer was cut it is used up, and the city gives another one.
            code = city_json("city", "enrol", "--unit", "B03")["code"]
            out, err = program("taizhang", "enrol", "--data", "new", "--server", link.url, "--code", code, "--json", check=None)
            if out or os.path.exists("new"):
                break
            one_line(err)
        for _ in range(20):
            out, err = program("taizhang", "sync", "--data", "new", "--json", check=None)
            if out:
                break
            one_line(err)
        else:
            raise AssertionError("not through: " + err)
        link.stop()
    same_state("new", "city")
    branch("new", "verify")


def nobody_there():
    """Without a link at all the answer comes at once, and says what is kept."""
    more_edits(1)
    _, err = branch("pc", "sync", check=1)
    assert "1" in one_line(err), err
    through()
    branch("other", "sync")
    arrived_once()
    same_state("pc", "other", "city")
    branch("pc", "verify")
    city("city", "verify")
    assert branch_json("pc", "status")["unsent"] == 0


run(setup, cuts_every_two_seconds, a_cut_at_each_kib_of_an_upload, a_cut_at_each_kib_of_a_download,
    a_new_pc_over_the_bad_link, nobody_there)
