#!/usr/bin/env python3
"""Somebody between two real programs alters, drops, doubles and replays what they say; bad codes, keys and clocks."""
import datetime
import os
import random
import socket
import threading

from _common import branch, branch_json, city, city_json, enrol, init, one_line, run, same_state, Server

state = {}


class Between:
    """Passes on between a device and its hub, HTTP message by message, and does to each what `how` says."""

    def __init__(self, to):
        self.to, self.how, self.replies, self.requests = to, None, [], []
        self.random = random.Random(4)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            s, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    @staticmethod
    def message(s):
        got = b""
        while b"\r\n\r\n" not in got:
            piece = s.recv(65536)
            if not piece:
                return None
            got += piece
        head, body = got.split(b"\r\n\r\n", 1)
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        while len(body) < length:
            body += s.recv(65536)
        return head, body

    def serve(self, s):
        try:
            up = socket.create_connection(("127.0.0.1", self.to))
            while True:
                q = self.message(s)
                if not q:
                    return
                self.requests.append(q)
                for head, body in self.asked(q):
                    up.sendall(head + b"\r\n\r\n" + body)
                    r = self.message(up)
                    if not r:
                        return
                self.replies.append(r)
                head, body = self.answered(r)
                if head is None:
                    return
                s.sendall(head + b"\r\n\r\n" + body)
        except OSError:
            pass
        finally:
            s.close()

    def asked(self, q):
        if self.how == "doubles":
            return [q, q]
        if self.how == "replays requests":
            return self.requests[:3] + [q]
        return [(q[0], self.flipped(q[1]))] if self.how == "alters requests" else [q]

    def answered(self, r):
        if self.how == "alters replies":
            return r[0], self.flipped(r[1])
        if self.how == "drops":
            return (None, None) if self.random.random() < 0.5 else r
        if self.how == "replays replies":
            return self.replies[self.random.randrange(len(self.replies))]
        return r

    def flipped(self, body):
        if not body:
            return body
        b = bytearray(body)
        b[self.random.randrange(len(b))] ^= 1 << self.random.randrange(8)
        return bytes(b)


def setup():
    init()
    state["city"] = Server("city")
    state["between"] = Between(state["city"].port)
    code = city_json("city", "enrol", "--unit", "B03")["code"]
    branch("b3", "enrol", "--server", state["between"].url, "--code", code)
    enrol(state["city"], "B03", "office")


def whatever_a_relay_does_nothing_false_is_taken():
    n = 0
    for how in ("alters replies", "alters requests", "drops", "doubles", "replays replies", "replays requests"):
        state["between"].how = how
        for _ in range(6):
            n += 1
            branch("b3", "set", "A0019", f"remark=第 {n} 次 {how}")
            out, err = branch("b3", "sync", "--json", check=None)
            if err:
                assert err.count("\n") == 1, err
            branch("office", "set", "A0019", f"next_steps=办公室 {n}")
            branch("office", "sync")
        # Nobody is stopped for good, and nothing false came in between.
        state["between"].how = None
        for data in ("b3", "office", "b3"):
            assert branch_json(data, "sync")["unsent"] == 0, how
        same_state("b3", "office", "city")
        assert city_json("city", "show", "A0019")["fields"]["remark"] == f"第 {n} 次 {how}"
        assert branch_json("b3", "show", "A0019")["fields"]["next_steps"] == f"办公室 {n}"
        for data in ("b3", "office"):
            assert branch_json(data, "verify")["ok"], how
            assert branch_json(data, "status")["contradictions"] == []
    assert city_json("city", "verify")["ok"]
    # Each edit is there once.
    told = [e for e in city_json("city", "audit", "--unit", "B03")["entries"] if e["kind"] == "commit"]
    for i in range(1, n + 1):
        assert len([e for e in told if f"=第 {i} 次 " in e["zh"]]) == 1, i


def an_expired_code():
    made = city_json("city", "enrol", "--unit", "B01")
    state["city"].stop()
    # 72 hours later.
    later = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=73)).strftime("%Y-%m-%dT%H:%M:%S+00:00")
    state["city"] = Server("city", env={"TAIZHANG_NOW": later})
    line = one_line(branch("late", "enrol", "--server", state["city"].url, "--code", made["code"], check=1)[1])
    assert "expired" in line and not os.path.exists("late"), line
    # A new one, and the PC's own clock three days behind the city's and its certificate "not valid yet": no matter.
    code = city_json("city", "enrol", "--unit", "B01")["code"]
    branch("late", "enrol", "--server", state["city"].url, "--code", code, env={"TAIZHANG_NOW": "2001-01-01"})
    row = branch_json("late", "list", "assignments")[0]["id"]
    branch("late", "set", row, "remark=时钟停在 2001 年", env={"TAIZHANG_NOW": "2001-01-01"})
    assert branch_json("late", "sync", env={"TAIZHANG_NOW": "2001-01-01"})["unsent"] == 0
    assert city_json("city", "show", row)["fields"]["remark"] == "时钟停在 2001 年"


def a_stolen_stick_says_its_name_and_size():
    branch("b3", "set", "A0019", "remark=只有上级能看的话")
    branch("b3", "export", "stick.tzb")
    data = open("stick.tzb", "rb").read()
    status = branch_json("b3", "status")
    for secret in ("只有上级能看的话", "A0019", "remark", "B03", "K1", "老码头", status["replica"]):
        assert secret.encode() not in data, secret
    assert bytes.fromhex(status["replica"]) not in data
    # Noise: no byte is much more frequent than another, so nothing of the contents shows through.
    body = data[200:]
    assert max(body.count(bytes([b])) for b in range(256)) < len(body) / 256 + 12 * (len(body) / 256) ** 0.5 + 12
    for reader in ("late",):
        one_line(branch(reader, "import", "stick.tzb", check=2)[1])
    for at in (0, 4, 50, len(data) // 2, len(data) - 1):
        bad = bytearray(data)
        bad[at] ^= 0x20
        open("bad.tzb", "wb").write(bad)
        one_line(city("city", "import", "bad.tzb", check=2)[1])
    assert city_json("city", "import", "stick.tzb")["files"][0]["taken"] == 1


def damaged_and_missing_keys_of_a_server():
    state["city"].stop()
    for name in ("key", "root.key"):
        good = open(f"city/{name}", "rb").read()
        for bad in (b"", good[:-1], bytes([good[0] ^ 1]) + good[1:], good[:20] + b"\0" + good[21:]):
            open(f"city/{name}", "wb").write(bad)
            line = one_line(city("city", "status", check=None)[1])
            assert name in line or "key" in line, line
            assert open(f"city/{name}", "rb").read() == bad, "it was touched"
        open(f"city/{name}", "wb").write(good)
    assert city_json("city", "verify")["ok"]
    state["city"] = Server("city")
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "只有上级能看的话"


run(setup, whatever_a_relay_does_nothing_false_is_taken, an_expired_code, a_stolen_stick_says_its_name_and_size,
    damaged_and_missing_keys_of_a_server)
