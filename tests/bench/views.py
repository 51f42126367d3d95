#!/usr/bin/env python3
"""views - a large city: import, size on disk, and how long each view of a city and a search takes.

usage: tools/bench views --city FILE [--times N] [--json]        imports a city file (tools/makecity) first
       tools/bench views --data DIR [--times N] [--json]         a data folder that is there; it is served, not changed

For half a million assignments and five million entries of the log:
       tools/makecity --profile large --scale 0.42 --seed 1 --reports 6 --out city.json
Milliseconds over the JSON API, the best of N; beside them the server's own processor time, which another program on the
same machine does not lengthen. Target: every view within a second, a search within 300 ms.
"""
import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import urllib.parse
import urllib.request

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../e2e"))
from _common import city, city_json, servers, Server  # noqa: E402

VIEW_MS, SEARCH_MS = 1000, 300
NOW = {"TAIZHANG_NOW": "2025-11-06T18:00:00+08:00"}
WORDS = ["支部", "已完成自查", "党员大会 专题", "A0000001", "重点任务第7项", "没有这样的词", "无处可寻"]
FIGURES = "G1 G1under G2 G3 G4 G5 level D1 D2 D2help D3 D4 D4unmoved red green".split()
TICK = os.sysconf("SC_CLK_TCK")


def processor_ms(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / TICK


def get(server, path):
    with urllib.request.urlopen(server.url + "/api/" + urllib.parse.quote(path, safe="/?=&")) as r:
        return json.loads(r.read())


def timed(server, path, times):
    best = None
    for _ in range(times):
        begun, before = time.monotonic(), processor_ms(server.process.pid)
        get(server, path)
        took = ((time.monotonic() - begun) * 1000, processor_ms(server.process.pid) - before)
        best = took if best is None or took < best else best
    return {"view": path, "ms": round(best[0], 1), "processor_ms": round(best[1])}


def read_at_start(server):
    """Until the facts and the texts are read: the server does it by itself, a little at a time."""
    begun = time.monotonic()
    get(server, "review")
    first = time.monotonic() - begun
    quiet = 0  # windows longer than the server's pause, in which it did next to nothing
    while quiet < 2:
        before = processor_ms(server.process.pid)
        time.sleep(8)
        quiet = quiet + 1 if processor_ms(server.process.pid) - before < 60 else 0
    return {"first_review_s": round(first, 1), "all_read_s": round(time.monotonic() - begun, 1),
            "processor_s": round(processor_ms(server.process.pid) / 1000, 1)}


def views_of(server):
    county = next(u["id"] for u in get(server, "units") if u["level"] == "county")
    one = get(server, "page/assignments?limit=1")["rows"][0]
    last = get(server, "page/assignments?limit=1")["total"] - 50
    return ["review", f"review?unit={county}", "overview", f"overview?unit={county}", "breakdown/unit", "breakdown/level",
            "breakdown/field", "breakdown/task", "breakdown/source", "trend?months=6", "burden?month=2025-10", "unanswered",
            "meetings", "duplicates", *(f"behind/{f}?limit=50" for f in FIGURES), "page/assignments?limit=50",
            f"page/assignments?limit=50&offset={last}", f"page/assignments?limit=50&unit={county}",
            "page/assignments?limit=50&state=待初审", "page/assignments?limit=50&search=任务", f"expected/{one['task_id']}",
            f"form/{one['task_id']}", f"show/{one['id']}", f"story/{one['id']}", "units", "status?short=1", "pulse"]


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    what = p.add_mutually_exclusive_group(required=True)
    what.add_argument("--city", help="a city file, to be imported")
    what.add_argument("--data", help="a data folder that is there")
    p.add_argument("--times", type=int, default=3)
    p.add_argument("--json", action="store_true")
    a = p.parse_args()
    out, folder, data = {}, None, a.data
    try:
        if a.city:
            folder = tempfile.mkdtemp(prefix="tz-views.", dir=os.path.dirname(os.path.abspath(a.city)))
            data = os.path.join(folder, "city")
            begun = time.monotonic()
            city(data, "init", "--city", a.city, env=NOW, timeout=36000)
            out["import_s"] = round(time.monotonic() - begun)
            out["file_bytes"] = os.path.getsize(a.city)
        out["database_bytes"] = os.path.getsize(os.path.join(data, "taizhang.db"))
        counts = "SELECT (SELECT count(*) FROM assignment), (SELECT count(*) FROM progress_report), (SELECT count(*) FROM log)"
        out["assignments"], out["reports"], out["log"] = city_json(data, "sql", counts, timeout=3600)["rows"][0]
        server = Server(data, env=NOW)
        out["at_start"] = read_at_start(server)
        out["views"] = [timed(server, v, a.times) for v in views_of(server)]
        out["searches"] = [timed(server, "search/" + w, a.times) for w in WORDS]
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as f:
            out["peak_kib"] = int(next(line for line in f if line.startswith("VmHWM")).split()[1])
        server.stop()
    finally:
        for s in servers:
            s.stop()
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
    slow = [v["view"] for v in out["views"] if v["ms"] > VIEW_MS] + [v["view"] for v in out["searches"] if v["ms"] > SEARCH_MS]
    out["slow"] = slow
    if a.json:
        print(json.dumps(out, ensure_ascii=False))
    else:
        print({k: v for k, v in out.items() if k not in ("views", "searches")})
        for v in out["views"] + out["searches"]:
            print(f"  {v['ms']:8.1f} ms  {v['processor_ms']:6} ms of the processor  {v['view']}")
    sys.exit(1 if slow else 0)


main()
