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
    # A kill comes at any moment of a run, however fast the machine is just now.
    began = time.monotonic()
    branch("b2", "set", "A0018", "problems=不中断")
    whole, killed, i = time.monotonic() - began, 0, 0
    while i < 40 or min(len(state["saved"]), killed) < 5 and i < 400:
        text = f"第{i}次"
        began = time.monotonic()
        ok, out = killed_after(rng.uniform(0.001, 1.5 * whole), "set", "A0018", "problems=" + text, "--data", "b2")
        if ok or "已保存" in out:
            state["saved"].append(text)
        killed += not ok
        whole = time.monotonic() - began if ok else whole * 1.1
        if i % 3 == 0:
            killed_after(rng.uniform(0.001, whole), "sync", "--data", "b2")
        if i % 5 == 0:
            server = state["server"]
            p = subprocess.Popen([os.path.join(BIN, "taizhang"), "sync", "--data", "b2-second"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0, whole / 4))
            server.stop(signal.SIGKILL)
            p.wait(60)
            state["server"] = Server("city", port=server.port)
        i += 1
    print(f"    {len(state['saved'])} saved, {killed} killed")
    assert min(len(state["saved"]), killed) >= 5, "too few to say anything"


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
