#!/usr/bin/env python3
"""link - how long a branch's queued edits need over a bad link, with the real programs; a ratio to the least possible.

usage: tools/bench link [--edits N] [--seeds N] [--rate BIT/S] [--delay MS] [--cut-every S] [--json]

least = bytes up of the same sync on a clear line / rate + round trips x delay; target: at most 1.5 times that. A round trip
that a cut ate is one of them; `answered` is the ratio when only those count that had their answer.
"""
import argparse
import json
import os
import shutil
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../e2e"))
from _common import branch, city_json, init, program, scratch, Server  # noqa: E402
from _link import Link, write_edits  # noqa: E402

TRIES = 50


def prepare(edits):
    """A city and a village's PC with its edits not yet sent; gives the port at which the PC looks for the city."""
    init("city")
    server = Server("city")
    with Link(server.port) as link:
        code = city_json("city", "enrol", "--unit", "B03")["code"]
        branch("pc", "enrol", "--server", link.url, "--code", code)
        link.stop()
    server.stop()
    write_edits("pc", edits)
    return link.port


def sync(port, *options):
    """Both folders anew, one sync to its end; gives its report and the link's totals."""
    for name in ("city", "pc"):
        shutil.rmtree(name + "-run", ignore_errors=True)
        shutil.copytree(name, name + "-run", ignore=shutil.ignore_patterns("control.sock"))
    server = Server("city-run")
    total = {"sent": 0, "round_trips": 0, "cuts": 0}
    with Link(server.port, *options, port=port) as link:
        started = time.monotonic()
        for attempt in range(TRIES):
            out, err = program("taizhang", "sync", "--data", "pc-run", "--json", check=None, timeout=900)
            if out:
                report = json.loads(out)
                break
            print("  again: " + err.strip(), file=sys.stderr)
            time.sleep(1)
        else:
            sys.exit(f"link: not through after {TRIES} tries")
        took = time.monotonic() - started
        carried = link.stop()
    server.stop()
    assert report["unsent"] == 0, report
    return took, attempt + 1, report, carried


def main():
    p = argparse.ArgumentParser(prog="tools/bench link", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--edits", type=int, default=200)
    p.add_argument("--seeds", type=int, default=3, help="runs, each with its first cut at another moment (default 3)")
    p.add_argument("--rate", type=int, default=20000, metavar="BIT/S")
    p.add_argument("--delay", type=int, default=1000, metavar="MS", help="of a round trip")
    p.add_argument("--cut-every", type=float, default=30, metavar="S")
    p.add_argument("--json", action="store_true")
    o = p.parse_args()
    os.environ.setdefault("TZ_BIN", os.path.join(here, "../../build/bin"))
    runs = []
    with scratch("link"):
        port = prepare(o.edits)
        _, _, clear, _ = sync(port)
        say = (lambda *a: None) if o.json else print
        say(f"{o.edits} edits on a clear line: {clear['bytes_up']} bytes up, {clear['bytes_down']} down, {clear['round_trips']} round trips")
        say(f"{o.rate} bit/s, {o.delay} ms for a round trip, a cut every {o.cut_every:g} s:")
        for seed in range(1, o.seeds + 1):
            took, tries, report, carried = sync(port, "--rate", o.rate, "--delay", o.delay, "--cut-every", o.cut_every, "--seed", seed)
            least = clear["bytes_up"] * 8 / o.rate + report["round_trips"] * o.delay / 1000
            answered = least - report["cuts"] * o.delay / 1000
            runs.append({"seed": seed, "seconds": round(took, 2), "bytes_up": carried["up"], "bytes_down": carried["down"],
                         "round_trips": report["round_trips"], "cuts": carried["cuts"], "commands": tries,
                         "least_seconds": round(least, 2), "ratio": round(took / least, 2),
                         "answered": round(took / answered, 2)})
            r = runs[-1]
            say(f"  seed {seed}: {r['seconds']} s, {r['bytes_up']} bytes up, {r['bytes_down']} down, {r['round_trips']} round trips, "
                f"{r['cuts']} cuts, {tries} commands; least {r['least_seconds']} s, ratio {r['ratio']} ({r['answered']} answered)")
        if o.json:
            print(json.dumps({"edits": o.edits, "clear": clear, "runs": runs}))


main()
