#!/usr/bin/env python3
"""Server and client are killed at any moment; what was called saved is at the city exactly once, and all agree."""
import os
import random
import signal
import subprocess
import time

from _common import BIN, branch, branch_json, city, city_json, enrol, init, run, same_state, Server

state = {"saved": []}
rng = random.Random(5)


def setup():
    init()
    state["server"] = Server("city")
    for n in ("b2", "b2-second"):
        enrol(state["server"], "B02", n)


def killed_after(seconds, *args):
    """Runs a client and kills it; True when it had ended by itself and well."""
    p = subprocess.Popen([os.path.join(BIN, "taizhang"), *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        out, _ = p.communicate(timeout=seconds)
        return p.returncode == 0, out
    except subprocess.TimeoutExpired:
        p.kill()
        out, _ = p.communicate()
        return False, out


def kills():
    for i in range(40):
        text = f"第{i}次"
        ok, out = killed_after(rng.uniform(0.001, 0.12), "set", "A0018", "problems=" + text, "--data", "b2")
        if ok or "已保存" in out:
            state["saved"].append(text)
        if i % 3 == 0:
            killed_after(rng.uniform(0.001, 0.04), "sync", "--data", "b2")
        if i % 5 == 0:
            server = state["server"]
            p = subprocess.Popen([os.path.join(BIN, "taizhang"), "sync", "--data", "b2-second"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0, 0.01))
            server.stop(signal.SIGKILL)
            p.wait(30)
            state["server"] = Server("city", port=server.port)
    assert len(state["saved"]) >= 5, "too few were saved to say anything: " + str(len(state["saved"]))


def nothing_is_lost():
    for n in ("b2", "b2-second", "b2"):
        branch(n, "sync")
    doc = city_json("city", "show", "A0018")
    written = [h["what"]["problems"] for h in doc["history"] if "problems" in h["what"]]
    for text in state["saved"]:
        assert written.count(text) == 1, (text, written.count(text))
    assert len(written) == len(set(written)), "something came twice"
    assert branch_json("b2", "status")["unsent"] == 0
    same_state("b2", "b2-second", "city")
    for n in ("b2", "b2-second"):
        branch(n, "verify")
    city("city", "verify")


run(setup, kills, nothing_is_lost)
