#!/usr/bin/env python3
"""Instructions of the engine's hot paths, counted by callgrind: the same on a quiet machine and on a busy one.

usage: tools/bench instructions [--top N] [--compare FILE] [--save FILE] [PATH…]

Prints a table: the path, what one is counted of, thousands of instructions for one. --top N adds, for each path, the N
functions in which most of them lie, with what they call. --save keeps the figures as JSON, --compare puts those of such
a file beside. Needs valgrind (tools/setup --measure); one path takes half a minute at most.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BENCH = os.path.join(ROOT, "build", "bin", "bench")


def paths():
    out = subprocess.run([BENCH, "--hot", "list"], capture_output=True, text=True, check=True).stdout
    return [line.split("\t") for line in out.splitlines()]


def count(name, scratch, top):
    """Instructions for one unit, and the functions in which they lie with their share."""
    profile = os.path.join(scratch, name + ".callgrind")
    done = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=taizhang_hot_path",
                           "--callgrind-out-file=" + profile, BENCH, "--hot", name, "--dir", scratch],
                          capture_output=True, text=True)
    total = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not total or not done.stdout.strip().isdigit():
        sys.exit(f"{name}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")
    where = []
    if top:
        told = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", profile], capture_output=True,
                              text=True).stdout
        for line in told.splitlines():
            found = re.match(r"\s*[\d,]+ \(\s*([\d.]+)%\)\s+\S*?:(taizhang::\S.*?)(?: \[.*)?$", line)
            if found and "lambda" not in found[2] and "bench::" not in found[2] and "std::" not in found[2].split("(")[0]:
                where.append((found[2].split("(")[0].replace("taizhang::", ""), float(found[1])))
    seen = {}
    for function, share in where:
        seen[function] = max(seen.get(function, 0), share)
    return int(total[1]) / int(done.stdout), sorted(seen.items(), key=lambda x: -x[1])[:top]


def main():
    p = argparse.ArgumentParser(prog="tools/bench instructions", description=__doc__.split("\n\n")[0])
    p.add_argument("--top", type=int, default=0)
    p.add_argument("--compare")
    p.add_argument("--save")
    p.add_argument("path", nargs="*")
    a = p.parse_args()
    if not shutil.which("valgrind"):
        sys.exit("valgrind is not installed: run tools/setup --measure")
    before = json.load(open(a.compare)) if a.compare else {}
    known = paths()
    wrong = set(a.path) - {name for name, _ in known}
    if wrong:
        sys.exit(f"no path {', '.join(sorted(wrong))}; there are: {', '.join(name for name, _ in known)}")
    figures = {}
    print("| path | of one | thousand instructions |" + (" before | |" if before else ""))
    print("|---|---|---:|" + ("---:|---:|" if before else ""))
    for name, unit in known:
        if a.path and name not in a.path:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            figures[name], where = count(name, scratch, a.top)
        line = f"| {name} | {unit} | {figures[name] / 1000:.1f} |"
        if name in before:
            line += f" {before[name] / 1000:.1f} | {100 * (figures[name] / before[name] - 1):+.1f} % |"
        print(line, flush=True)
        for function, share in where:
            print(f"|   {share:5.1f} % | `{function}` | |", flush=True)
    if a.save:
        with open(a.save, "w") as f:
            json.dump(figures, f, indent=1)


if __name__ == "__main__":
    main()
