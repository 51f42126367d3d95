#!/usr/bin/env python3
"""search - how long a search takes on a township's data: 150 branches for a year, over the JSON API of a serving program.

usage: tools/bench search [--scale SHARE] [--seed N] [--times N] [--json]

Words that are everywhere, rare ones and one that is nowhere (all there is has to be looked through); milliseconds, the
network of this PC included. Target: every one of them within 50 ms.
"""
import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../e2e"))
from _common import ROOT, city, city_json, servers, Server  # noqa: E402

TARGET_MS = 50
WORDS = ["支部", "场地", "研究", "已完成自查", "党员大会 专题", "A0000", "没有这样的词"]
NOW = {"TAIZHANG_NOW": "2025-11-06T18:00:00+08:00"}


def measure(server, word, times):
    took = []
    for _ in range(times + 1):
        begun = time.monotonic()
        with urllib.request.urlopen(server.url + "/api/search/" + urllib.parse.quote(word)) as r:
            rows = len(json.loads(r.read())["rows"])
        took.append((time.monotonic() - begun) * 1000)
    return {"word": word, "rows": rows, "median_ms": round(statistics.median(took[1:]), 1), "max_ms": round(max(took[1:]), 1)}


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--scale", type=float, default=0.0125, help="share of the median city's 12,000 branches (0.0125: 150)")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--times", type=int, default=21)
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    folder = tempfile.mkdtemp(prefix="tz-search.")
    os.chdir(folder)
    try:
        subprocess.run([os.path.join(ROOT, "tools/makecity"), "--profile", "median", "--seed", str(a.seed), "--scale",
                        str(a.scale), "--out", "city.json"], check=True, stdout=subprocess.DEVNULL)
        city("city", "init", "--city", "city.json", timeout=600)
        counts = city_json("city", "sql", "SELECT (SELECT count(*) FROM assignment), (SELECT count(*) FROM progress_report)")
        server = Server("city", env=NOW)
        results = [measure(server, w, a.times) for w in WORDS]
        server.stop()
    finally:
        for s in servers:
            s.stop()
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)
    assignments, reports = counts["rows"][0]
    met = all(r["median_ms"] <= TARGET_MS for r in results)
    if a.json:
        print(json.dumps({"assignments": assignments, "reports": reports, "target_ms": TARGET_MS, "met": met,
                          "searches": results}, ensure_ascii=False))
    else:
        print(f"{assignments} assignments, {reports} reports; target {TARGET_MS} ms: {'met' if met else 'MISSED'}")
        for r in results:
            print(f"  {r['median_ms']:7.1f} ms (at most {r['max_ms']:.1f})  {r['rows']:3} rows  {r['word']}")
    sys.exit(0 if met else 1)


main()
