#!/usr/bin/env python3
"""Bad input of every kind: one clear line in both languages, the right exit status, nothing lost."""
import http.client
import json
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import time

from _common import BIN, branch, branch_json, by_hand, CITY, city, enrol, init, one_line, program, run, same_state, Server

state = {}


def setup():
    init()
    state["server"] = Server("city")
    enrol(state["server"], "B02", "b2")


def refused(*args, says=(), status=2):
    _, err = branch("b2", *args, check=status)
    one_line(err)
    for s in says:
        assert s in err, f"{s!r} not in {err!r}"


def unknown_and_wrong():
    before = branch_json("b2", "digest")
    refused("show", "A9999", says=["A9999"])
    refused("set", "A9999", "remark=x", says=["A9999"])
    refused("set", "A0018", "colour=red", says=["colour", "deadline", "remark"])
    refused("set", "A0018", "remark", says=["remark"])
    refused("set", "A0018", "forward_text_similarity=viel", says=["forward_text_similarity"])
    refused("set", "A0018", "forwarded_at=2025-13-45", says=["forwarded_at"])
    refused("set", "A0018", "remark=" + "长" * 3000, says=["remark"])
    refused("set", "A0018", "status=已办结", says=["do"])
    refused("set", "A0018", "remark=【机密】文件", says=["涉密"])
    refused("report", "A0018", "--value", "много", says=["много"])
    refused("report", "A0018", says=["--value"])
    refused("do", "close_out", "A0018", says=["apply_close_out", "办理中"])
    refused("do", "dance", "A0018", says=["dance", "apply_close_out"])
    refused("do", "request_extension", "A0018", says=["reason"])
    refused("resolve", "nosuch", "--pick", "mine", says=["nosuch"])
    refused("list", "everything", says=["todo"])
    refused("sql", "DELETE FROM assignment", says=["SELECT", "sql"][1:])
    refused("sql", "SELECT x FROM nowhere", says=["nowhere"])
    refused("sql", "SELECT 1; DROP TABLE assignment")
    refused("digest", "--stream", "X/ledger", says=["X/ledger"])
    refused("fly", says=["--help"])
    refused("show", says=["--help"])
    assert branch_json("b2", "digest") == before, "something was written"


def no_data_here():
    _, err = branch("nothing-here", "status", check=2)
    one_line(err)
    assert not os.path.exists("nothing-here"), "a folder was made"


def enrolment():
    url = state["server"].url
    for code, status in (("AAAA-AAAA-AAAA", 1), ("", 2), ("短", 1)):
        _, err = branch("never", "enrol", "--server", url, "--code", code, check=status)
        one_line(err)
        assert not os.path.exists("never"), "a failed enrolment left a folder"
    for bad in ("http://", "ftp://127.0.0.1:1", "127.0.0.1"):
        _, err = branch("never", "enrol", "--server", bad, "--code", "x", check=2)
        one_line(err)
    code = json.loads(city("city", "enrol", "--unit", "B04", "--json")[0])["code"]
    branch("b4", "enrol", "--server", url, "--code", code.lower().replace("-", " "))
    _, err = branch("b4-again", "enrol", "--server", url, "--code", code, check=1)
    assert "用过" in one_line(err)
    _, err = city("city", "enrol", "--unit", "B99", check=2)
    assert "B99" in one_line(err)


def a_server_that_is_not_there():
    port = state["server"].port
    assert state["server"].stop() == 0
    branch("b2", "report", "A0018", "--value", "7", "--text", "没有网络")
    _, err = branch("b2", "sync", check=1)
    # One report, and with it nothing else: one commit.
    assert "1 条" in one_line(err) and "1 edits" in err, err
    assert branch_json("b2", "status")["unsent"] == 1
    state["server"] = Server("city", port=port)
    branch("b2", "sync")
    assert branch_json("b2", "status")["unsent"] == 0
    same_state("b2", "city")


def post(path, body, headers=None, method="POST"):
    c = http.client.HTTPConnection("127.0.0.1", state["server"].port, timeout=60)
    try:
        c.request(method, path, body=body, headers=headers or {})
        r = c.getresponse()
        return r.status, r.read()
    finally:
        c.close()


def rubbish_at_the_sync_address():
    rng = random.Random(7)
    for n in (0, 1, 2, 17, 300, 5000, 70000):
        for first in (b"", b"q", b"e", b"r", b"q\x01", b"e\x01"):
            status, _ = post("/sync", first + rng.randbytes(n))
            assert 400 <= status < 500, status
    # Sizes that promise more than there is.
    for claim in (b"q\x01\xff\xff\xff\xff\x0f", b"q\x01" + b"\xff" * 9 + b"\x01", b"e\x01\x80\x80\x80\x80\x08"):
        status, _ = post("/sync", claim)
        assert 400 <= status < 500, status
    # Larger than allowed: refused before it is read.
    s = socket.create_connection(("127.0.0.1", state["server"].port), timeout=60)
    s.sendall(b"POST /sync HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 1000)
    assert b" 413 " in s.recv(200)
    s.close()
    for raw in (b"\x00" * 500, b"GET / HTTP/1.0\r\n\r\n", b"POST /sync HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", rng.randbytes(4000)):
        s = socket.create_connection(("127.0.0.1", state["server"].port), timeout=60)
        s.sendall(raw)
        s.shutdown(socket.SHUT_WR)
        s.recv(4096)
        s.close()
    # A real request, cut at every place and with bits turned over.
    sent = capture_sync()
    for cut in range(0, len(sent), 7):
        status, _ = post("/sync", sent[:cut])
        assert 400 <= status < 500, (cut, status)
    for _ in range(300):
        b = bytearray(sent)
        b[rng.randrange(len(b))] ^= 1 << rng.randrange(8)
        status, _ = post("/sync", bytes(b))
        assert status < 500, status
    rss = int([l for l in open(f"/proc/{state['server'].process.pid}/status") if l.startswith("VmHWM")][0].split()[1])
    assert rss < 200_000, f"{rss} KiB"
    branch("b2", "sync")
    same_state("b2", "city")


def capture_sync():
    """The bytes of a device's request, taken at a port that answers nothing."""
    shutil.copytree("b2", "b2-copy")
    trap = socket.socket()
    trap.bind(("127.0.0.1", 0))
    trap.listen(1)
    with by_hand("b2-copy/taizhang.db") as db:
        db.execute("UPDATE fact SET value = ? WHERE key = 'upstream/url'",
                   (f"http://127.0.0.1:{trap.getsockname()[1]}".encode(),))
    branch("b2-copy", "report", "A0018", "--value", "8")
    p = subprocess.Popen([os.path.join(BIN, "taizhang"), "sync", "--data", "b2-copy"], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    c, _ = trap.accept()
    data = b""
    while b"\r\n\r\n" not in data:
        data += c.recv(65536)
    head, body = data.split(b"\r\n\r\n", 1)
    length = int([l for l in head.split(b"\r\n") if l.lower().startswith(b"content-length")][0].split(b":")[1])
    while len(body) < length:
        body += c.recv(65536)
    c.close()
    trap.close()
    p.wait(60)
    return body


def the_json_api():
    c = http.client.HTTPConnection("127.0.0.1", state["server"].port, timeout=60)
    me = state["server"].credentials()
    c.request("GET", "/api/show/A0018", headers=me)
    r = c.getresponse()
    assert r.status == 200 and json.loads(r.read())["id"] == "A0018"
    c.request("GET", "/api/show/A9999", headers=me)
    r = c.getresponse()
    assert r.status == 404 and "A9999" in json.loads(r.read())["error"]["line"]
    c.request("POST", "/api/set", body=json.dumps({"args": ["A0018", "remark=由接口写"], "options": {"person": "试用员"}}),
              headers={"Content-Type": "application/json", **me})
    r = c.getresponse()
    assert r.status == 200 and json.loads(r.read())["saved"] is True
    c.close()
    assert post("/api/set", b"{", {"Content-Type": "application/json", **me})[0] == 422
    assert post("/api/set", json.dumps({"args": ["A0018", "remark=x"]}), {"Content-Type": "text/plain", **me})[0] == 400
    assert post("/api/status", None, {"Host": "evil.example", **me}, "GET")[0] == 421
    assert post("/api/status", None, {}, "GET")[0] == 401
    assert post("/api/do?x", None, me, "GET")[0] == 400


def a_second_process():
    lock = Server("b2", name="taizhang")
    # The terminal goes through the process that serves.
    branch("b2", "set", "A0018", "remark=经由服务进程")
    assert branch_json("b2", "show", "A0018")["fields"]["remark"] == "经由服务进程"
    _, err = branch("b2", "serve", "--listen", "127.0.0.1:0", check=1)
    one_line(err)
    assert lock.stop() == 0


def not_our_database():
    for name, make in (("text", lambda p: open(p, "w").write("hello, I am no database, but long enough to look like one " * 20)),
                       ("other", lambda p: sqlite3.connect(p).executescript("CREATE TABLE t(x); INSERT INTO t VALUES(1);"))):
        os.mkdir(name)
        make(f"{name}/taizhang.db")
        before = open(f"{name}/taizhang.db", "rb").read()
        _, err = branch(name, "status", check=1)
        one_line(err)
        assert open(f"{name}/taizhang.db", "rb").read() == before, "it was touched"
    shutil.copytree("b4", "newer")
    with by_hand("newer/taizhang.db") as db:
        db.execute("PRAGMA user_version = 99")
    _, err = branch("newer", "status", check=1)
    assert "99" in one_line(err) and "升级" in err


def a_full_disk():
    os.mkdir("small")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200k", "none", "small"], capture_output=True).returncode != 0:
        print("    (no right to mount: a full disk is tried by the unit tests alone)")
        return
    try:
        code = json.loads(city("city", "enrol", "--unit", "B02", "--json")[0])["code"]
        branch("small/b", "enrol", "--server", state["server"].url, "--code", code)
        saved = []
        err = ""
        for i in range(400):
            out, err = branch("small/b", "set", "A0018", "problems=" + os.urandom(3900).hex(), check=None)
            if "已保存" not in out:
                break
            saved.append(out)
        assert saved and "磁盘已满" in one_line(err), err
        branch("small/b", "verify")
        n = branch_json("small/b", "status")["unsent"]
        assert n == len(saved), (n, len(saved))
    finally:
        subprocess.run(["umount", "small"])


def broken_city_files():
    good = json.load(open(CITY))

    def attempt(what, text, *says):
        with open("bad.json", "w") as f:
            f.write(text)
        start = time.time()
        _, err = program("taizhangd", "init", "--data", "half", "--city", "bad.json", check=2)
        one_line(err)
        for s in says:
            assert s in err, f"{what}: {s!r} not in {err!r}"
        assert not os.path.exists("half") and not os.path.exists("half.init"), what + ": left a half-made city"
        assert time.time() - start < 20

    def changed(f):
        d = json.loads(json.dumps(good))
        f(d)
        return json.dumps(d)

    attempt("not JSON", "{ this is not")
    attempt("empty", "")
    attempt("missing unit", changed(lambda d: d["assignments"][3].update(unit_id="B77")), d_id(good, "assignments", 3), "B77")
    attempt("unknown status", changed(lambda d: d["assignments"][5].update(status="睡觉中")), d_id(good, "assignments", 5), "睡觉中")
    attempt("duplicate id", changed(lambda d: d["tasks"][2].update(id=d["tasks"][1]["id"])), d_id(good, "tasks", 1))
    attempt("wrong date", changed(lambda d: d["assignments"][7].update(deadline="2025-02-30")), d_id(good, "assignments", 7), "2025-02-30")
    attempt("one string of 200 MB", '{"meta":{"title":"' + "x" * 200_000_000 + '"}}')
    _, err = program("taizhangd", "init", "--data", "half", "--city", "no-such-file.json", check=2)
    one_line(err)
    _, err = program("taizhangd", "init", "--data", "city", "--city", CITY, check=2)
    one_line(err)


def d_id(doc, name, i):
    return doc[name][i]["id"]


run(setup, unknown_and_wrong, no_data_here, enrolment, a_server_that_is_not_there, rubbish_at_the_sync_address, the_json_api,
    a_second_process, not_our_database, a_full_disk, broken_city_files)
