#!/usr/bin/env python3
"""Bundles by stick, with the real programs: both ways, any order, doubled, damaged, to the wrong address (X10)."""
import os
import random
import shutil
import subprocess

from _common import ROOT, branch, branch_json, city, city_json, enrol, init, one_line, run, same_state, Server
from _link import post

state = {}


def setup():
    init()
    s = Server("city")
    code = city_json("city", "enrol", "--unit", "K1-02")["code"]
    city("city-town", "join", "--upstream", s.url, "--code", code)
    town = Server("city-town")
    enrol(town, "B03", "b3")
    enrol(s, "B01", "b1")
    town.stop()
    s.stop()
    os.mkdir("stick")


def up_and_the_receipt_back():
    branch("b3", "report", "A0019", "--value", "3", "--text", "已开展三次")
    branch("b3", "set", "A0019", "remark=用 U 盘上报")
    out = branch_json("b3", "export", "stick/b3.tzb")
    assert out["commits"] == 2 and out["to"] == "", out
    assert branch_json("b3", "status")["unsent"] == 2
    took = city_json("city-town", "import", "stick/b3.tzb")
    assert took["files"][0]["taken"] == 2 and took["missing"] == [], took
    again = city_json("city-town", "import", "stick/b3.tzb")
    assert again["files"][0]["taken"] == 0 and again["files"][0]["known"] == 2, again
    city("city-town", "set", "A0019", "deadline=2026-01-15", check=None)
    back = city_json("city-town", "export", "stick/town.tzb", "--to", "B03")
    assert back["commits"] <= 1, back
    branch("b3", "import", "stick/town.tzb")
    status = branch_json("b3", "status")
    assert status["unsent"] == 0 and status["acks"]["township"] == 2 and status["acks"]["city"] == 0, status
    same_state("b3", "city-town")


def on_to_the_city():
    out = city_json("city-town", "export", "stick")
    assert out["files"][0].endswith(".tzb") and "K1-02-to-above" in out["files"][0], out
    city("city", "import", out["files"][0])
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "用 U 盘上报"
    city("city", "export", "stick/city.tzb", "--to", "K1-02")
    city("city-town", "import", "stick/city.tzb")
    assert city_json("city-town", "status")["unsent"] == 0
    city("city-town", "export", "stick/town2.tzb", "--to", "B03")
    branch("b3", "import", "stick/town2.tzb")
    assert branch_json("b3", "show", "A0019")["acks"] == {"township": True, "city": True}


def out_of_order():
    """X10: a gap is held and named; nothing takes effect in part."""
    for n in range(12):
        branch("b3", "set", "A0019", f"remark=第 {n} 次 " + os.urandom(200).hex())
    parts = branch_json("b3", "export", "stick/many.tzb", "--max-mb", "0.001")["files"]
    assert len(parts) > 2 and parts[0].endswith(f"-1of{len(parts)}.tzb"), parts
    before = city_json("city-town", "digest")
    out, _ = city("city-town", "import", parts[-1])
    assert "缺" in out and "missing" in out, out
    assert city_json("city-town", "digest") == before
    assert len(city_json("city-town", "status")["missing"]) == 1
    took = city_json("city-town", "import", *reversed(parts))
    assert took["missing"] == [], took
    same_state("b3", "city-town")
    # With the receipt by stick, the link afterwards carries nothing twice and loses nothing.
    city("city-town", "export", "stick/receipt.tzb", "--to", "B03")
    branch("b3", "import", "stick/receipt.tzb")
    assert branch_json("b3", "status")["unsent"] == 0
    town = Server("city-town")
    code = city_json("city-town", "enrol", "--unit", "B03")["code"]
    enrolled = branch_json("b3", "enrol", "--server", town.url, "--code", code)
    assert enrolled["sent"] == 0, enrolled
    out = branch_json("b3", "sync")
    assert out["sent"] == 0 and out["received"] == 0 and out["unsent"] == 0, out
    same_state("b3", "city-town")
    town.stop()


def not_for_here(line):
    """Says whose it is not, and that nothing happened."""
    assert "不是给本机的" in one_line(line) and "is not sealed to this node" in line and "没有导入" in line, line


def parts_fit_the_stick():
    """--max-mb bounds each file, with what is sealed around its contents."""
    with open("photo.jpg", "wb") as f:
        f.write(random.Random(50).randbytes(3_300_000))
    branch("b3", "attach", "A0019", "photo.jpg")
    pc = Server("b3", name="taizhang")
    for n in range(60):
        post(pc.port, "set", ["A0019", f"remark=第 {n} 次 " + random.Random(n).randbytes(900).hex()])
    assert pc.stop() == 0
    out = branch_json("b3", "export", "stick/large.tzb", "--max-mb", "1")
    sizes = [os.path.getsize(f) for f in out["files"]]
    print(f"    --max-mb 1: {len(sizes)} parts, the largest {max(sizes)} bytes; {out['commits']} commits, 3.3 MB of contents")
    assert len(sizes) >= 4 and max(sizes) <= 1.1 * (1 << 20), sizes
    assert sum(sizes) <= 1.1 * (3_300_000 + 120_000), sizes
    # The small bound too: as many edits in files of 20 KiB each.
    few = branch_json("b3", "export", "stick/few.tzb", "--max-mb", "0.02", "--files-mb", "0")
    sizes = [os.path.getsize(f) for f in few["files"]]
    print(f"    --max-mb 0.02: {len(sizes)} parts, the largest {max(sizes)} bytes")
    assert len(sizes) >= 3 and max(sizes) <= 1.1 * 0.02 * (1 << 20), sizes
    took = city_json("city-town", "import", *out["files"])
    assert took["missing"] == [], took
    photo = [a for a in city_json("city-town", "show", "A0019")["attachments"] if a["name"] == "photo.jpg"]
    assert len(photo) == 1 and photo[0]["state"] == "here", photo
    same_state("b3", "city-town")


def refused_in_one_line():
    branch("b3", "set", "A0019", "remark=最后")
    branch("b3", "export", "stick/last.tzb")
    good = open("stick/last.tzb", "rb").read()
    state["before"] = city_json("city-town", "digest")

    def bad(name, data, code=2):
        path = f"stick/{name}.tzb"
        with open(path, "wb") as f:
            f.write(data)
        _, err = city("city-town", "import", path, check=code)
        one_line(err)
        assert city_json("city-town", "digest") == state["before"], name
        assert city_json("city-town", "status")["missing"] == [], name

    bad("cut", good[:-40])
    bad("empty", b"")
    bad("doubled", good + good)
    bad("text", "不是交换文件".encode() * 100)
    bad("large", bytes(9 << 20))
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 4
    bad("flipped", bytes(flipped))
    one_line(city("city-town", "import", "stick/nothing.tzb", check=2)[1])
    _, err = city("city-town", "import", "stick/b3.tzb", "stick/nothing.tzb", check=2)
    assert "前 1 个" in one_line(err) and "nothing.tzb" in err, err
    # For somebody else: another branch, another city, downwards only.
    not_for_here(branch("b1", "import", "stick/last.tzb", check=2)[1])
    city("city", "export", "stick/for-b1.tzb", "--to", "B01", "--all")
    before = branch_json("b3", "digest")
    not_for_here(branch("b3", "import", "stick/for-b1.tzb", check=2)[1])
    assert branch_json("b3", "digest") == before
    one_line(city("city", "export", "stick/x.tzb", check=2)[1])
    one_line(city("city", "export", "stick/x.tzb", "--to", "nobody", check=2)[1])
    one_line(branch("b3", "export", "stick/x.tzb", "--to", "B01", check=2)[1])
    text = open(os.path.join(ROOT, "schema/demo/yunxiu.json"), encoding="utf-8").read()
    with open("other.json", "w", encoding="utf-8") as f:
        f.write(text.replace("云岫", "青石"))
    city("city-other", "init", "--city", "other.json")
    other = Server("city-other")
    code = city_json("city-other", "enrol", "--unit", "K1-02")["code"]
    city("town-other", "join", "--upstream", other.url, "--code", code)
    city("city-other", "export", "stick/other.tzb", "--to", "K1-02")
    assert other.stop() == 0
    not_for_here(city("city-town", "import", "stick/other.tzb", check=2)[1])
    assert city_json("city-town", "digest") == state["before"]
    # An existing file is left as it is; a name does not matter.
    one_line(branch("b3", "export", "stick/last.tzb", check=2)[1])
    shutil.copy("stick/last.tzb", "stick/renamed (1).TZB")
    assert city_json("city-town", "import", "stick/renamed (1).TZB")["files"][0]["taken"] == 1


def full_and_read_only_sticks():
    os.mkdir("mnt")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", "mnt"], capture_output=True).returncode != 0:
        print("    (no mounts here: full and read-only sticks are not tried)")
        return
    try:
        for n in range(80):
            branch("b3", "set", "A0019", f"remark={n}" + os.urandom(300).hex())
        _, err = branch("b3", "export", "mnt/full.tzb", check=1)
        one_line(err)
        assert os.listdir("mnt") == [], os.listdir("mnt")
        _, err = branch("b3", "export", "mnt/full.tzb", "--max-mb", "0.006", check=1)
        assert "full.tzb" in one_line(err) or "full-" in err, err  # which file, even when the first parts had room
        assert os.listdir("mnt") == [], os.listdir("mnt")
        subprocess.run(["mount", "-o", "remount,ro", "mnt"], check=True)
        one_line(branch("b3", "export", "mnt/ro.tzb", check=1)[1])
        subprocess.run(["mount", "-o", "remount,rw,size=4m", "mnt"], check=True)
        files = branch_json("b3", "export", "mnt/take.tzb", "--max-mb", "0.02", "--files-mb", "0")["files"]
        held = {f: open(f, "rb").read() for f in files}
        assert len(files) > 1, files
        subprocess.run(["mount", "-o", "remount,ro", "mnt"], check=True)
        took = city_json("city-town", "import", *files)
        assert took["missing"] == [] and sum(f["taken"] for f in took["files"]) == 80, took
        assert {f: open(f, "rb").read() for f in files} == held and len(os.listdir("mnt")) == len(files)
        same_state("b3", "city-town")
    finally:
        subprocess.run(["umount", "mnt"])
    for n in ("city", "city-town"):
        city(n, "verify")
    branch("b3", "verify")


run(setup, up_and_the_receipt_back, on_to_the_city, out_of_order, parts_fit_the_stick, refused_in_one_line, full_and_read_only_sticks)
