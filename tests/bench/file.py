#!/usr/bin/env python3
"""file - how long a photo or a video needs over a bad link, with the real programs; a ratio to its bytes at that rate.

usage: tools/bench file [--mb N] [--rate BIT/S] [--delay MS] [--cut-every S] [--cuts K] [--seed N]

A village's PC sends one file up through tools/link, the command again whenever it ends without it; then the city's copy is
compared. 20 MB at 20 kbit/s take more than two hours. The last line is one JSON object.
"""
import argparse
import json
import os
import random
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../e2e"))
from _common import branch, city, city_json, init, program, scratch, Server  # noqa: E402
from _link import Link  # noqa: E402

TRIES = 2000
DAY_S = 86400


def send():
    """Commands until the file is up: how many it took."""
    started = time.monotonic()
    for attempt in range(1, TRIES + 1):
        out, err = program("taizhang", "sync", "--data", "pc", "--json", check=None, timeout=DAY_S)
        left = json.loads(out)["files"]["left"] if out else 1
        took = time.monotonic() - started
        print(f"  {took:.0f} s: " + ("sent" if not left else err.strip() or "not yet"), file=sys.stderr, flush=True)
        if not left:
            return took, attempt
        time.sleep(1)
    sys.exit(f"file: not through after {TRIES} commands")


def main():
    p = argparse.ArgumentParser(prog="tools/bench file", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--mb", type=float, default=20)
    p.add_argument("--rate", type=int, default=20000, metavar="BIT/S")
    p.add_argument("--delay", type=int, default=1000, metavar="MS", help="of a round trip")
    p.add_argument("--cut-every", type=float, default=30, metavar="S")
    p.add_argument("--cuts", type=int, metavar="K", help="no more than K")
    p.add_argument("--seed", type=int, default=1)
    o = p.parse_args()
    os.environ.setdefault("TZ_BIN", os.path.join(here, "../../build/bin"))
    with scratch("file"):
        size = round(o.mb * 1e6)
        with open("video.mp4", "wb") as f:
            f.write(random.Random(o.seed).randbytes(size))
        init("city")
        server = Server("city")
        options = ["--rate", o.rate, "--delay", o.delay, "--cut-every", o.cut_every, "--seed", o.seed]
        if o.cuts is not None:
            options += ["--cuts", o.cuts]
        code = city_json("city", "enrol", "--unit", "B03")["code"]
        with Link(server.port) as clear:
            branch("pc", "enrol", "--server", clear.url, "--code", code)
            clear.stop()
        branch("pc", "attach", "A0019", "video.mp4")
        content = next(a for a in json.loads(branch("pc", "show", "A0019", "--json")[0])["attachments"] if a["name"] == "video.mp4")
        with Link(server.port, *options, port=clear.port) as link:
            took, commands = send()
            carried = link.stop()
        city("city", "file", content["hash"], "--out", "arrived.mp4")
        is_whole = open("arrived.mp4", "rb").read() == open("video.mp4", "rb").read()
        least = size * 8 / o.rate
        print(json.dumps({"bytes": size, "rate": o.rate, "delay_ms": o.delay, "cut_every_s": o.cut_every, "seconds": round(took, 1),
                          "ratio": round(took / least, 3), "cuts": carried["cuts"], "connections": carried["connections"],
                          "bytes_up": carried["up"], "bytes_down": carried["down"], "commands": commands, "whole": is_whole}))
        sys.exit(0 if is_whole else 1)


main()
