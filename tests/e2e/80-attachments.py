#!/usr/bin/env python3
# time limit: 600 s
"""Photos and documents with the real programs: offline, over a link that is cut, through a relay, on demand, by stick."""
import asyncio
import json
import os
import random
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from _common import BIN, branch, branch_json, city, city_json, enrol, init, one_line, run, Server, wait_for

state = {}
CHUNK_MAX = 256 << 10
rng = random.Random(80)


def make_file(name, size, seed):
    with open(name, "wb") as f:
        f.write(random.Random(seed).randbytes(size))
    return name


def same_bytes(a, b):
    return open(a, "rb").read() == open(b, "rb").read()


def attachment(show, name):
    return next(a for a in show["attachments"] if a["name"] == name)


class Proxy:
    """A link of its own: so many bytes a second, and cut whenever the next budget of bytes upwards is used up."""

    def __init__(self, port, cuts=(), rate=0):
        self.target, self.budgets, self.rate = port, list(cuts), rate
        self.up = self.down = self.cut = 0
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._run, args=(ready,), daemon=True).start()
        ready.wait()
        self.url = f"http://127.0.0.1:{self.port}"

    def _run(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()

    async def _serve(self, reader, writer):
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = (writer, up_writer)
        await asyncio.gather(self._pump(reader, up_writer, ends, True), self._pump(up_reader, writer, ends, False))

    async def _pump(self, reader, writer, ends, is_up):
        try:
            while data := await reader.read(16384):
                if self.rate:
                    await asyncio.sleep(len(data) / self.rate)
                if is_up:
                    self.up += len(data)
                else:
                    self.down += len(data)
                if is_up and self.budgets:
                    self.budgets[0] -= len(data)
                    if self.budgets[0] <= 0:  # this piece is lost: no chunk comes through whose receipt does not
                        self.budgets.pop(0)
                        self.cut += 1
                        break
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        for end in ends:
            end.transport.abort()


def long_sync(data):
    """A large file takes its time on a busy machine."""
    p = subprocess.run([os.path.join(BIN, "taizhang"), "sync", "--json", "--data", data],
                       capture_output=True, text=True, timeout=400)
    assert p.returncode == 0, p.stderr
    return json.loads(p.stdout)["files"]


def setup():
    init()
    state["city"] = Server("city")
    code = city_json("city", "enrol", "--unit", "K1-02")["code"]
    city("city-town", "join", "--upstream", state["city"].url, "--code", code)
    state["town"] = Server("city-town")
    for pc in ("b3", "b3-second"):
        enrol(state["town"], "B03", pc)


def offline_then_through_the_relay():
    photo = make_file("现场照片.jpg", 300_000, 1)
    state["town"].stop()
    out = branch_json("b3", "attach", "A0019", photo, "--person", "村支书")
    assert out["saved"] and out["size"] == 300_000 and len(out["hash"]) == 64, out
    a = attachment(branch_json("b3", "show", "A0019"), photo)
    assert a["state"] == "here" and a["levels"] == [], a
    assert branch_json("b3", "status")["attachments"]["unsent"] == 1
    state["city"].stop()
    state["town"] = Server("city-town", port=state["town"].port)
    out = branch_json("b3", "sync")
    assert out["files"]["sent"] == 1 and out["files"]["left"] == 0, out
    assert out["files"]["content_bytes_up"] == 300_000, out
    a = attachment(branch_json("b3", "show", "A0019"), photo)
    assert a["levels"] == ["township"], a
    # The relay holds it for the city, which is away.
    assert city_json("city-town", "status")["attachments"]["unsent"] == 1
    state["city"] = Server("city", port=state["city"].port)
    city("city-town", "sync")
    wait_for(lambda: attachment(city_json("city", "show", "A0019"), photo)["state"] == "here")
    city("city", "file", out_hash(photo), "--out", "from-city.jpg")
    assert same_bytes(photo, "from-city.jpg")

    # The city had it before its receipt was at the township.
    def levels():
        branch("b3", "sync")
        return attachment(branch_json("b3", "show", "A0019"), photo)["levels"]

    wait_for(lambda: levels() == ["township", "city"], describe=levels)


def out_hash(name):
    import hashlib
    return hashlib.blake2b(open(name, "rb").read(), digest_size=32).hexdigest()


def known_contents_do_not_travel():
    photo = "现场照片.jpg"
    branch("b3-second", "sync")
    branch("b3-second", "attach", "A0019", photo, "--name", "同一张.jpg")
    out = branch_json("b3-second", "sync")["files"]
    assert out["known"] == 1 and out["sent"] == 0 and out["bytes_up"] < 600, out
    assert len(branch_json("b3-second", "show", "A0019")["attachments"]) == 2


def fetched_on_demand():
    doc = make_file("通知.docx", 150_000, 2)
    city("city", "attach", "A0019", doc)
    city("city-town", "sync")
    branch("b3", "sync")
    a = attachment(branch_json("b3", "show", "A0019"), doc)
    assert a["state"] == "not_here" and "wanted" not in a, a
    _, err = branch("b3", "file", a["hash"], "--out", "x.docx", check=2)
    one_line(err)
    # The township does not have it either: it asks the city, and gives it at the next try.
    branch("b3", "fetch", a["hash"])
    city("city-town", "sync")
    wait_for(lambda: branch_json("b3", "fetch", a["hash"])["contents"][0]["state"] == "here")
    branch("b3", "file", a["hash"], "--out", "x.docx")
    assert same_bytes(doc, "x.docx")
    _, err = branch("b3", "file", a["hash"], "--out", "x.docx", check=2)
    one_line(err)


def a_city_that_takes_what_it_needs():
    city("city", "files", "--on-demand", "yes")
    photo = make_file("整改后.jpg", 200_000, 3)
    branch("b3", "attach", "A0019", photo)
    branch("b3", "sync")
    city("city-town", "sync")
    a = attachment(city_json("city", "show", "A0019"), photo)
    assert a["state"] == "not_here", a
    wait_for(lambda: attachment(city_json("city-town", "show", "A0019"), photo).get("kept_until_asked"))
    out = city_json("city", "fetch", a["hash"])["contents"][0]
    assert out["state"] == "not_here" and out["wanted"], out
    city("city-town", "sync")
    wait_for(lambda: attachment(city_json("city", "show", "A0019"), photo)["state"] == "here")
    city("city", "files", "--on-demand", "no")


def refused_in_one_line():
    for args, words in (
            (("A0019", "no-such-file"), "no-such-file"),
            (("A0019", "."), "folder"),
            (("A0019", make_file("empty", 0, 0)), "empty"),
            (("NOPE", "现场照片.jpg"), "NOPE")):
        _, err = branch("b3", "attach", *args, check=2)
        assert words in one_line(err), err
    with open("huge.bin", "wb") as f:
        f.truncate((64 << 20) + 1)
    _, err = branch("b3", "attach", "A0019", "huge.bin", check=2)
    assert "64 MB" in one_line(err), err
    os.unlink("huge.bin")
    for args in (("fetch", "0" * 64), ("fetch", "NOPE"), ("file", "NOPE", "--out", "y"), ("files", "--quota-mb", "-3")):
        one_line(branch("b3", *args, check=2)[1])


def a_quota():
    city("city-town", "files", "--quota-mb", "1")
    big = make_file("录像.mp4", 2_000_000, 4)
    branch("b3", "attach", "A0019", big)
    out = branch_json("b3", "sync")["files"]
    assert out["left"] == 1 and len(out["refused"]) == 1 and "B03" in out["refused"][0], out
    a = attachment(branch_json("b3", "show", "A0019"), big)
    assert "1 MB" in a["refused"], a
    usage = city_json("city-town", "files")
    assert usage["quota_mb"] == 1 and usage["units"][0]["unit"] == "B03", usage
    city("city-town", "files", "--quota-mb", "500")
    assert branch_json("b3", "sync")["files"]["sent"] == 1
    assert "refused" not in attachment(branch_json("b3", "show", "A0019"), big)


def twenty_megabytes_over_a_link_that_is_cut():
    video = make_file("会议录像.mp4", 20_000_000, 5)
    state["proxy"] = proxy = Proxy(state["city"].port, cuts=[rng.randrange(600_000, 2_200_000) for _ in range(12)])
    code = city_json("city", "enrol", "--unit", "B03")["code"]
    branch("b3-far", "enrol", "--server", proxy.url, "--code", code)
    branch("b3-far", "attach", "A0019", video)
    before = proxy.up
    out = long_sync("b3-far")
    assert proxy.cut == 12, proxy.cut
    assert out["sent"] == 1 and out["left"] == 0 and out["content_bytes_up"] == 20_000_000, out
    again = proxy.up - before - 20_000_000
    print(f"    20 MB, {proxy.cut} cuts: {again} bytes more than the file, {out['round_trips']} round trips")
    assert again <= 12 * CHUNK_MAX + 600 * out["round_trips"], again
    city("city", "file", out_hash(video), "--out", "video.mp4")
    assert same_bytes(video, "video.mp4")


def killed_in_the_middle():
    video = make_file("培训录像.mp4", 8_000_000, 6)
    proxy = Proxy(state["city"].port, rate=4_000_000)
    code = city_json("city", "enrol", "--unit", "B03")["code"]
    branch("b3-killed", "enrol", "--server", proxy.url, "--code", code)
    branch("b3-killed", "attach", "A0019", video)
    kills = 0
    for i in range(8):
        p = subprocess.Popen([os.path.join(BIN, "taizhang"), "sync", "--data", "b3-killed"],
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        time.sleep(rng.uniform(0.3, 0.8))
        if i % 3 == 2:  # the city's server, too
            state["city"].stop(signal.SIGKILL)
            state["city"] = Server("city", port=state["city"].port)
        if p.poll() is None:
            p.send_signal(signal.SIGKILL)
            kills += 1
        p.communicate()
    before = proxy.up
    out = long_sync("b3-killed")
    print(f"    killed {kills} times; {proxy.up - before} bytes in the last session of {proxy.up} in all")
    assert kills >= 3 and out["left"] == 0, (kills, out)
    city("city", "file", out_hash(video), "--out", "video2.mp4")
    assert same_bytes(video, "video2.mp4")
    assert proxy.up <= 8_000_000 + 11 * CHUNK_MAX + 400_000, proxy.up


def by_stick():
    """A PC without a link: rows and contents in numbered parts, taken in any order, some by HTTP in between."""
    doc = make_file("扫描件.pdf", 5_000_000, 7)
    branch("b3-second", "sync")
    state["town"].stop()
    branch("b3-second", "attach", "A0019", doc)
    os.mkdir("stick")
    out = branch_json("b3-second", "export", "stick/上报.tzb", "--max-mb", "1")
    assert out["contents"] >= 1 and len(out["files"]) >= 5, out
    assert all(os.path.getsize(f) < 1_300_000 for f in out["files"]), [os.path.getsize(f) for f in out["files"]]
    parts = sorted(out["files"])
    rng.shuffle(parts)
    taken = city_json("city-town", "import", *parts[:3])
    assert attachment_or_none("city-town", doc) in (None, "partial"), taken
    damaged = "stick/damaged.tzb"
    data = bytearray(open(parts[3], "rb").read())
    data[len(data) // 2] ^= 1
    open(damaged, "wb").write(data)
    one_line(city("city-town", "import", damaged, check=2)[1])
    city("city-town", "import", *parts[2:], parts[0])
    assert attachment_or_none("city-town", doc) == "here"
    city("city-town", "file", out_hash(doc), "--out", "scan.pdf")
    assert same_bytes(doc, "scan.pdf")
    # The receipt: nothing of it is exported or sent again.
    back = city_json("city-town", "export", "stick", "--to", "B03")
    branch("b3-second", "import", *back["files"])
    a = attachment(branch_json("b3-second", "show", "A0019"), doc)
    assert "township" in a["levels"], a
    again = branch_json("b3-second", "export", "stick/again.tzb")
    assert again["contents"] == 0, again
    # Half by stick, half by HTTP: the other PC, and a document from above that was asked for by stick.
    note = make_file("批复.pdf", 400_000, 8)
    state["town"] = Server("city-town", port=state["town"].port)
    city("city-town", "attach", "A0019", note)
    branch("b3-second", "sync")
    state["town"].stop()
    branch("b3-second", "fetch", out_hash(note), check=1)
    wish = branch_json("b3-second", "export", "stick/wish.tzb")
    city("city-town", "import", *wish["files"])
    gift = city_json("city-town", "export", "stick/gift.tzb", "--to", "B03")
    assert gift["contents"] == 1, gift
    branch("b3-second", "import", *gift["files"])
    branch("b3-second", "file", out_hash(note), "--out", "note.pdf")
    assert same_bytes(note, "note.pdf")
    state["town"] = Server("city-town", port=state["town"].port)


def bytes_for_screens():
    """A program that serves: photos go in and out over the JSON API's port, and up by themselves."""
    pc = Server("b3", name="taizhang")
    photo = make_file("手机照片.png", 120_000, 9)
    body = open(photo, "rb").read()

    def ask(method, path, data=None, kind="application/octet-stream", host=None):
        q = urllib.request.Request(pc.url + path, data=data, method=method, headers={"content-type": kind})
        if host:
            q.add_header("host", host)
        try:
            with urllib.request.urlopen(q, timeout=60) as r:
                return r.status, {k.title(): v for k, v in r.headers.items()}, r.read()
        except urllib.error.HTTPError as e:
            return e.code, dict(e.headers), e.read()

    name, me, key = urllib.parse.quote(photo), urllib.parse.quote("试用员"), pc.content_key()
    status, _, saved = ask("POST", f"/api/attach/A0019?name={name}&person={me}", body)
    assert status == 200, saved
    digest = json.loads(saved)["hash"]
    assert digest == out_hash(photo)
    status, headers, got = ask("GET", f"/api/content/{digest}?key={key}")
    assert status == 200 and got == body and headers["Content-Type"] == "image/png", headers
    assert name.lower() in headers["Content-Disposition"].lower() and headers["X-Content-Type-Options"] == "nosniff", headers
    for method, path, data, kind, host, want in (
            ("GET", "/api/content/" + "0" * 64 + "?key=" + key, None, "x/x", None, 404),
            ("GET", "/api/content/zz?key=" + key, None, "x/x", None, 400),
            ("GET", f"/api/content/{digest}?key={key}", None, "x/x", "example.test", 421),
            ("GET", f"/api/content/{digest}", None, "x/x", None, 401),
            ("GET", f"/api/content/{digest}?key={'0' * 64}", None, "x/x", None, 401),
            ("POST", f"/api/attach/A0019?name={name}", body, "text/plain", None, 400),
            ("POST", f"/api/attach/A0019?person={me}", body, "application/octet-stream", None, 400),
            ("POST", f"/api/attach/NOPE?name={name}&person={me}", body, "application/octet-stream", None, 404)):
        assert ask(method, path, data, kind, host)[0] == want, (method, path, host)
    wait_for(lambda: "township" in attachment(branch_json("b3", "show", "A0019"), photo)["levels"])
    assert pc.stop() == 0


def attachment_or_none(node, name):
    return next((a["state"] for a in city_json(node, "show", "A0019")["attachments"] if a["name"] == name), None)


def a_damaged_file_is_never_served():
    photo = "现场照片.jpg"
    digest = out_hash(photo)
    state["city"].stop()
    path = os.path.join("city", "files", digest[:2], digest)
    with open(path, "r+b") as f:
        f.seek(1000)
        f.write(b"\0\0\0\0")
    _, err = city("city", "file", digest, "--out", "bad.jpg", check=2)
    one_line(err)
    assert not os.path.exists("bad.jpg")
    state["city"] = Server("city", port=state["city"].port)
    branch("b3-far", "sync")
    a = attachment(city_json("city", "show", "A0019"), photo)
    # The township hears of it when it speaks of contents to the city, which it does once a day at least, and sends it
    # again. It may have heard already, or be in the middle of it; if not, another photo goes up.
    if a["state"] != "here":
        assert a["state"] in ("not_here", "partial") and a["wanted"], a
        branch("b3", "attach", "A0019", make_file("又一张.jpg", 50_000, 10))
        branch("b3", "sync")
        city("city-town", "sync")
        wait_for(lambda: attachment(city_json("city", "show", "A0019"), photo)["state"] == "here")
    city("city", "file", digest, "--out", "healed.jpg")
    assert same_bytes(photo, "healed.jpg")
    for node in ("city", "city-town"):
        city(node, "verify")


run(setup, offline_then_through_the_relay, known_contents_do_not_travel, fetched_on_demand,
    a_city_that_takes_what_it_needs, refused_in_one_line, a_quota, twenty_megabytes_over_a_link_that_is_cut,
    killed_in_the_middle, by_stick,
    bytes_for_screens, a_damaged_file_is_never_served)
