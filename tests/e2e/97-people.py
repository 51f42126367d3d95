#!/usr/bin/env python3
"""Accounts, sessions and roles of an office, and what the API says to strangers: the real programs over HTTP."""
import http.client
import json
import os
import ssl
import stat
import subprocess
import time

from _common import BIN, branch, branch_json, city, city_json, enrol, init, one_line, program, run, servers, Server, wait_for

state = {}
PASSWORD = {"root": "管理员的密码要足够长", "clerk": "ten letters", "boss": "correct horse battery"}


class Browser:
    """Cookies as a browser keeps them, and the keys that the screens keep."""

    def __init__(self, server, address="127.0.0.1"):
        self.server, self.address, self.cookies, self.page, self.content = server, address, {}, "", ""

    def ask(self, method, path, body=None, **headers):
        c = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60, source_address=(self.address, 0))
        h = {"cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items()), "x-taizhang-page": self.page,
             "x-taizhang-active": "1", "sec-fetch-site": "same-origin", "content-type": "application/json"}
        if method == "POST":
            h["origin"] = self.server.url
        h.update({k.replace("_", "-"): v for k, v in headers.items()})
        h = {k: v for k, v in h.items() if v}
        data = None if body is None else body if isinstance(body, (bytes, str)) else json.dumps(body)
        c.request(method, path, body=data, headers=h)
        r = c.getresponse()
        text = r.read()
        for line in r.headers.get_all("set-cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            assert "HttpOnly" in line and "SameSite=Strict" in line and "Path=/" in line, line
            self.cookies[name] = value
            if "Max-Age=0" in line:
                del self.cookies[name]
        c.close()
        self.headers = {k.lower(): v for k, v in r.headers.items()}
        try:
            document = json.loads(text)
        except ValueError:
            document = text.decode(errors="replace")
        return r.status, document

    def get(self, path, **headers):
        return self.ask("GET", "/api/" + path, None, **headers)

    def post(self, name, args=(), options=None, **headers):
        return self.ask("POST", "/api/" + name, {"args": list(args), "options": options or {}}, **headers)

    def sign_in(self, account, password):
        status, document = self.ask("POST", "/api/login", {"account": account, "password": password})
        if status == 200:
            self.page, self.content = document["page"], document["content"]
        return status


def signed_in(account, server=None, **kw):
    b = Browser(server or state["city"], **kw)
    assert b.sign_in(account, PASSWORD[account]) == 200
    return b


def line_of(answer):
    status, document = answer
    return status, one_line(document["error"]["line"] + "\n")


def secrets_are_nowhere(*texts):
    for word in PASSWORD.values():
        for text in texts:
            assert word not in text, "a password in: " + text[:200]


def setup():
    init()
    enrol_server = Server("city")
    enrol(enrol_server, "B03", "pc")
    assert enrol_server.stop() == 0


def without_accounts_only_the_launch_address_opens():
    state["city"] = s = Server("city")
    b = Browser(s)
    assert b.get("session")[1] == {"signed_in": False, "mode": "launch"}
    assert line_of(b.get("status"))[0] == 401
    assert line_of(b.post("set", ["A0019", "remark=x"], {"person": "谁"}))[0] == 401
    assert b.ask("GET", "/")[0] == 200  # the page itself says nothing of what is here
    launch = os.path.join("city", "launch")
    assert stat.S_IMODE(os.stat(launch).st_mode) == 0o600
    first = open(launch).read().strip()
    assert first.startswith(s.url + "/#launch="), first
    token = first.split("=")[1]
    assert len(token) == 64
    status, document = b.ask("POST", "/api/launch", {"token": token})
    assert status == 200, document
    b.page, b.content = document["page"], document["content"]
    assert b.get("status")[0] == 200 and b.get("session")[1]["person"] is None
    # Used once; the next one is in the file, or asked for.
    assert line_of(Browser(s).ask("POST", "/api/launch", {"token": token}))[0] == 401
    assert line_of(Browser(s).ask("POST", "/api/launch", {"token": "0" * 64}))[0] == 401
    assert open(launch).read().strip() != first
    asked = city("city", "open")[0].strip()
    assert asked.startswith(s.url + "/#launch=") and token not in asked
    # Nobody writes without a name.
    status, document = b.post("set", ["A0019", "remark=无名"])
    assert status == 400 and document["error"]["code"] == "no_person", document
    assert b.post("set", ["A0019", "remark=有名"], {"person": "值班员"})[0] == 200
    state["launched"] = b
    s.stop()
    assert token not in s.output and "launch=" not in s.output, "the launch token is in the log"
    assert not os.path.exists(launch)
    _, err = city("city", "open", check=2)
    one_line(err)


def a_new_start_keeps_who_was_there_and_gives_a_new_address():
    old = state["city"].port
    state["city"] = s = Server("city", port=old)
    assert state["launched"].get("status")[0] == 200
    assert stat.S_IMODE(os.stat("city/sessions").st_mode) == 0o600
    kept = open("city/sessions", "rb").read()
    for secret in (*state["launched"].cookies.values(), state["launched"].page, state["launched"].content):
        assert secret.encode() not in kept and bytes.fromhex(secret) not in kept, "a session's secret is on the disk"


def accounts_are_made_at_the_terminal():
    add = lambda login, role, *more, **kw: city("city", "person", "add", login, "--role", role, *more, **kw)
    _, err = add("root", "administrator", stdin="短\n", check=2)
    one_line(err)
    _, err = add("root", "township_officer", stdin=PASSWORD["root"] + "\n", check=2)
    assert "township" in one_line(err)
    _, err = add("root", "administrator", stdin="", check=2)
    one_line(err)
    out, _ = add("root", "administrator", "--name", "王管理", stdin=PASSWORD["root"] + "\n")
    assert "1" in out
    # While it serves, and while it does not: the same way.
    add("clerk", "clerk", "--name", "李文书", stdin=PASSWORD["clerk"] + "\n")
    assert state["city"].stop() == 0
    add("boss", "secretary,city_officer", "--name", "赵主任", stdin=PASSWORD["boss"] + "\r\n")
    _, err = add("boss", "clerk", stdin=PASSWORD["boss"] + "\n", check=2)
    one_line(err)
    _, err = city("city", "person", "remove", "root", check=2)
    assert "管理员" in one_line(err)
    _, err = city("city", "person", "role", "nobody", "--role", "clerk", check=2)
    one_line(err)
    listed = city_json("city", "person", "list")
    assert [(a["login"], a["name"], a["roles"]) for a in listed] == [
        ("root", "王管理", ["administrator"]), ("clerk", "李文书", ["clerk"]),
        ("boss", "赵主任", ["secretary", "city_officer"])], listed
    assert stat.S_IMODE(os.stat("city/people").st_mode) == 0o600
    file = open("city/people").read()
    assert file.count("$argon2id$v=19$m=19456,t=2,p=1$") == 3
    secrets_are_nowhere(file, state["city"].output)
    state["city"] = Server("city")
    # Whoever was launched before there were accounts has to sign in like everybody.
    state["launched"].server = state["city"]
    assert state["launched"].get("status")[0] == 401
    assert "launch=" not in city("city", "open")[0]
    assert line_of(Browser(state["city"]).ask("POST", "/api/launch", {"token": "0" * 64}))[0] == 401


def signing_in_and_out():
    b = Browser(state["city"])
    assert b.get("session")[1] == {"signed_in": False, "mode": "login"}
    wrong = line_of(b.ask("POST", "/api/login", {"account": "root", "password": "nearly right"}))
    nobody = line_of(b.ask("POST", "/api/login", {"account": "nobody", "password": "nearly right"}))
    assert wrong == nobody and wrong[0] == 403, (wrong, nobody)  # which of the two it was is not told
    assert b.sign_in("ROOT", PASSWORD["root"]) == 200
    assert len(b.cookies) == 2 and all(len(v) == 64 for v in b.cookies.values()), b.cookies
    document = b.get("session")[1]
    assert document["person"] == {"login": "root", "name": "王管理", "roles": "administrator"}, document
    # The cookie alone is nothing, and the key alone is nothing.
    page, b.page = b.page, ""
    assert b.get("status")[0] == 401
    b.page = page
    cookies, b.cookies = b.cookies, {}
    assert b.get("status")[0] == 401
    b.cookies = cookies
    assert b.get("status")[0] == 200
    for name in ("cache-control", "content-security-policy", "x-content-type-options", "referrer-policy",
                 "cross-origin-resource-policy"):
        assert name in b.headers, b.headers
    assert b.headers["cache-control"] == "no-store" and "access-control-allow-origin" not in b.headers
    assert "frame-ancestors 'none'" in b.headers["content-security-policy"]
    session = {k: v for k, v in b.cookies.items()}
    assert b.ask("POST", "/api/logout", {})[0] == 200
    b.cookies = session
    assert b.get("status")[0] == 401, "logged out, and yet"


def a_role_narrows():
    clerk, boss, root = signed_in("clerk"), signed_in("boss"), signed_in("root")
    status, line = line_of(clerk.post("do", ["close_out", "ZG2025-02"], {"reason": "x"}))
    assert status == 403 and "文书" in line and "clerk" in line, line
    assert line_of(clerk.post("issue", ["title=x"], {"dry_run": "1"}))[0] == 403
    assert line_of(clerk.post("enrol", [], {"unit": "B01"}))[0] == 403
    assert line_of(boss.post("enrol", [], {"unit": "B01"}))[0] == 403
    assert line_of(clerk.post("person", ["list"]))[0] == 403
    for who in (clerk, boss):
        for ask in ("audit", "devices", "verify") if who is clerk else ("audit", "devices"):
            assert line_of(who.get(ask))[0] == 403, ask
        for ask in ("checkpoint", "compact", "files", "revoke", "release", "unit", "publish"):
            assert line_of(who.post(ask, ["B01"]))[0] == 403, ask
    assert root.get("audit")[1]["entries"] and not root.get("audit?person=nobody")[1]["entries"]
    assert root.get("devices")[0] == 200, root.get("devices")
    assert line_of(clerk.post("import-xlsx", [], {"kind": "assignments", "cells": "[]"}))[0] == 403
    assert line_of(clerk.post("stocktake", ["x"]))[0] == 403 and line_of(clerk.post("circular", ["ZG2025-02"]))[0] == 403
    assert root.post("enrol", [], {"unit": "B01"})[0] == 200
    assert len(root.post("person", ["list"])[1]) == 3
    assert line_of(root.post("set", ["A0019", "deadline=2026-02-01"]))[0] == 403
    # Files of the server, and every table: nobody's business over HTTP.
    for who in (clerk, boss, root):
        assert line_of(who.get("sql/SELECT%201"))[0] == 403
        assert line_of(who.post("backup", ["/tmp/stolen"]))[0] == 403
        assert line_of(who.post("export", ["/tmp/stolen"]))[0] == 403
        assert line_of(who.post("attach", ["A0019", "/etc/passwd"]))[0] == 403
        assert line_of(who.get("export-city/%2Ftmp%2Fstolen"))[0] == 403
        assert line_of(who.post("checkpoint", [], {"out": "/tmp/stolen"}))[0] == 403
        assert line_of(who.get("verify?checkpoint=/etc/passwd"))[0] == 403
    # What the screens are told agrees.
    refused = clerk.get("session")[1]["refused"]
    assert "issue" in refused["commands"] and "report" not in refused["commands"]
    assert "rectification/close_out" in refused["steps"]
    assert boss.get("session")[1]["refused"]["below"] is None


def every_commit_names_its_person():
    boss = signed_in("boss")
    status, saved = boss.post("do", ["close_out", "ZG2025-02"], {"reason": "现场核实到位", "person": "冒名的人"})
    assert status == 200, saved
    history = boss.get("show/ZG2025-02")[1]["history"]
    assert history[-1]["person"] == "赵主任", history[-1]  # whatever the browser says
    assert "冒名的人" not in json.dumps(history, ensure_ascii=False)
    # The command line says who by --person, or once for all.
    city("city", "set", "A0019", "remark=终端", env={"TAIZHANG_PERSON": "值班员"})
    assert city_json("city", "show", "A0019")["history"][-1]["person"] == "值班员"
    # Drafts are each one's own.
    clerk = signed_in("clerk")
    assert boss.post("draft", ["report/A1"], {"value": "没写完"})[0] == 200
    assert boss.get("drafts")[1] == {"report/A1": "没写完"}
    assert clerk.get("drafts")[1] == {}


def guessing_slows_down_and_locks_nobody_out():
    def guess_on(browser_of, path="/api/login", **more):
        """Until the next one has to wait so long that a busy machine does not sit it out; gives what was said."""
        said, wait = [], 0
        while wait < 4:
            browser = browser_of(len(said))
            body = more or {"account": "clerk", "password": f"guess {len(said)}"}
            said.append(browser.ask("POST", path, body)[0])
            assert len(said) < 2000 and said[-1] in (403, 429), said
            wait = int(browser.headers["retry-after"]) if said[-1] == 429 else 0
            time.sleep(0.1 if wait else 0)
        return said

    known = signed_in("clerk")  # this browser has been here
    thief = Browser(state["city"], address="127.0.0.9")
    said = guess_on(lambda _: thief)
    assert said[:5] == [403] * 5, said
    status, document = thief.ask("POST", "/api/login", {"account": "clerk", "password": PASSWORD["clerk"]})
    assert status == 429 and document["error"]["code"] == "slow_down", "even the right one waits there"
    one_line(document["error"]["line"] + "\n")
    # From many addresses: the account's strangers wait together.
    guess_on(lambda i: Browser(state["city"], address=f"127.0.{1 + i // 200}.{1 + i % 200}"))
    assert Browser(state["city"], address="127.0.0.200").ask(
        "POST", "/api/login", {"account": "clerk", "password": "guess"})[0] == 429
    # Whoever works there is in at once: by the browser, even from the thief's own address, or by the address.
    known.address = "127.0.0.9"
    assert known.sign_in("clerk", PASSWORD["clerk"]) == 200
    assert Browser(state["city"]).sign_in("clerk", PASSWORD["clerk"]) == 200
    assert Browser(state["city"], address="127.0.0.77").sign_in("boss", PASSWORD["boss"]) == 200
    # Guessing is not free for whoever is signed in, either.
    said = guess_on(lambda _: known, "/api/password", old="a guess", new="0123456789")
    assert said[:10] == [403] * 10, said


def a_new_password_ends_the_other_sessions():
    here, there = signed_in("boss"), signed_in("boss")
    assert line_of(here.ask("POST", "/api/password", {"old": "wrong one", "new": "a new password"}))[0] == 403
    assert line_of(here.ask("POST", "/api/password", {"old": PASSWORD["boss"], "new": "short"}))[0] == 422
    status, document = here.ask("POST", "/api/password", {"old": PASSWORD["boss"], "new": "a new password"})
    assert status == 200, document
    here.page = document["page"]
    PASSWORD["boss"] = "a new password"
    assert here.get("status")[0] == 200 and there.get("status")[0] == 401
    # The same at the terminal, while it serves; and a removed account is out at once.
    city("city", "person", "password", "boss", stdin="third password\n")
    PASSWORD["boss"] = "third password"
    assert here.get("status")[0] == 401
    city("city", "person", "add", "guest", "--role", "clerk", stdin="guest password\n")
    guest = Browser(state["city"])
    assert guest.sign_in("guest", "guest password") == 200
    city("city", "person", "role", "guest", "--role", "administrator")
    assert guest.post("person", ["list"])[0] == 200
    city("city", "person", "remove", "guest")
    assert guest.get("status")[0] == 401


def other_sites_get_nothing():
    b = signed_in("boss")
    refused = lambda answer: (answer[0], " / " in str(answer[1]))
    assert refused(b.get("status", host="evil.example")) == (421, True)
    assert refused(b.get("status", host=f"evil.example:{state['city'].port}")) == (421, True)
    assert refused(b.ask("GET", "/", host="evil.example")) == (421, True)
    assert refused(b.ask("POST", "/sync", b"q", host="evil.example", sec_fetch_site="", origin="", cookie="")) == (421, True)
    assert refused(b.get("status", sec_fetch_site="cross-site")) == (403, True)
    assert refused(b.get("status", sec_fetch_site="same-site")) == (403, True)  # another port of this PC
    assert refused(b.post("set", ["A0019", "remark=x"], origin="http://evil.example")) == (403, True)
    assert refused(b.post("set", ["A0019", "remark=x"], origin="null")) == (403, True)
    assert refused(b.post("set", ["A0019", "remark=x"], sec_fetch_site="none")) == (403, True)
    assert b.ask("POST", "/api/set", json.dumps({"args": ["A0019", "remark=x"]}), content_type="text/plain")[0] == 400
    assert b.ask("OPTIONS", "/api/set", origin="http://evil.example")[0] == 403
    # Devices' addresses are not for browsers, whatever they bring.
    for path in ("/sync", "/enrol", "/files", "/live"):
        assert refused(b.ask("POST", path, b"q")) == (403, True), path
    shake = dict(upgrade="websocket", connection="Upgrade", sec_websocket_version="13", sec_websocket_key="dGhlIHNhbXBsZSBub25jZQ==")
    for more in ({"origin": state["city"].url}, {"origin": "http://evil.example"}, {"host": "evil.example", "sec_fetch_site": ""}):
        assert b.ask("GET", "/live", None, **shake, **more)[0] in (403, 421), more
    assert b.get("status")[0] == 200


def an_expired_session_is_over():
    assert state["city"].stop() == 0
    idle, whole = 3.0, 10.8
    state["city"] = Server("city", extra=("--idle-minutes", str(idle / 60), "--session-hours", str(whole / 3600)))

    def outlives_its_idle_time():
        """False: the machine stood still for so long that this says nothing."""
        began = heard = time.monotonic()
        b = signed_in("boss")

        def there(**headers):
            nonlocal heard
            asked = time.monotonic()
            status = b.get("status", **headers)[0]
            is_late = time.monotonic() - heard > idle or time.monotonic() - began > whole
            assert status == 200 or is_late and status == 401, status
            heard = heard if headers else asked
            return status == 200

        while time.monotonic() < began + 5:  # a hand at the PC: not idle
            if not there():
                return False
            time.sleep(0.5)
        time.sleep(1)
        if not there(x_taizhang_active=""):  # the page looks for news by itself
            return False
        time.sleep(2.5)
        assert line_of(b.get("status"))[0] == 401
        return True

    assert any(outlives_its_idle_time() for _ in range(10)), "this machine stands still all the time"
    b = signed_in("boss")
    for _ in range(30):
        if b.get("status")[0] == 401:
            break
        time.sleep(0.5)
    else:
        raise AssertionError("it never ended")


def the_network_needs_accounts():
    """Beyond loopback: TLS, the server's own names, and nothing at all without accounts."""
    state["city"].stop()
    s = Server("city", listen="0.0.0.0", extra=("--host", "hub.example"))
    context = ssl._create_unverified_context()

    def ask(path, host, body=None):
        c = http.client.HTTPSConnection("127.0.0.1", s.port, timeout=60, context=context)
        c.request("POST" if body else "GET", path, body=body and json.dumps(body), headers={"host": host, "content-type": "application/json"})
        r = c.getresponse()
        return r.status, r.read().decode(), r.headers.get_all("set-cookie") or []

    for host in ("127.0.0.1", "localhost", "hub.example", os.uname().nodename):
        assert ask("/api/session", f"{host}:{s.port}")[0] == 200, host
    status, said, _ = ask("/api/session", f"evil.example:{s.port}")
    assert status == 421 and said == one_line(said) and said.endswith("start it with serve --host evil.example\n"), said
    # A device that comes by such a name is told the same, before it says its code.
    assert ask("/enrol", f"evil.example:{s.port}", {"x": 1})[1] == said
    status, _, cookies = ask("/api/login", f"hub.example:{s.port}", {"account": "boss", "password": PASSWORD["boss"]})
    assert status == 200 and all(c.startswith("__Host-") and "; Secure" in c for c in cookies), cookies
    assert s.stop() == 0
    os.rename("city/people", "people.aside")
    s = Server("city", listen="0.0.0.0")
    own = [a for a in subprocess.run(["hostname", "-I"], capture_output=True, text=True).stdout.split() if ":" not in a]
    if own:  # from outside, as far as the kernel is concerned
        c = http.client.HTTPSConnection(own[0], s.port, timeout=60, context=context)
        for path in ("/", "/api/status", "/api/launch"):
            c.request("GET" if path != "/api/launch" else "POST", path, body=None if path != "/api/launch" else "{}",
                      headers={"content-type": "application/json"})
            r = c.getresponse()
            said = r.read().decode()
            assert r.status == 403 and "person add" in said and "B03" not in said, (path, r.status, said)
    assert s.stop() == 0
    os.rename("people.aside", "city/people")


def damage_is_not_taken_for_an_open_door():
    whole = open("city/people").read()
    with open("city/people", "w") as f:
        f.write(whole[:100])
    _, err = city("city", "status", check=1)
    assert "people" in one_line(err)
    with open("city/people", "w") as f:
        f.write(whole)
    assert len(city_json("city", "person", "list")) == 3


def a_branch_pc():
    """No password, and nothing to copy: one icon starts the program or finds it running, and the browser opens."""
    seen, browser = os.path.abspath("seen"), os.path.abspath("browser")
    with open(browser, "w") as f:  # says what it was given, and what of it every user of the PC could read
        f.write(f'#!/bin/sh\n{{ echo "$@"; stat -c %a "$1"; cat "$1"; }} > {seen}.new && mv {seen}.new {seen}\n')
    os.chmod(browser, 0o700)

    def opened(own):
        wait_for(lambda: os.path.exists(seen))
        given, mode, page = open(seen).read().split("\n", 2)
        os.unlink(seen)
        assert given == os.path.abspath("pc/launch.html") and mode == "600", (given, mode)
        address = page.split("url=")[1].split('"')[0]
        assert address.startswith(own.url + "/#launch="), address
        b = Browser(own)
        status, document = b.ask("POST", "/api/launch", {"token": address.split("launch=")[1]})
        # It is kept when the browser is closed: nobody asks again tomorrow.
        assert status == 200 and "Max-Age=2592000" in b.headers["set-cookie"], (document, b.headers)
        b.page = document["page"]
        assert b.get("list/todo")[0] == 200
        return b

    pc = Server("pc", name="taizhang", extra=("--browser",), env={"BROWSER": browser})
    b = opened(pc)
    out, _ = branch("pc", "serve", "--browser", env={"BROWSER": browser})
    assert "launch=" not in out
    opened(pc)
    branch("pc", "open", "--browser", env={"BROWSER": browser})
    opened(pc)
    _, err = branch("pc", "open", "--browser", env={"BROWSER": "/nowhere/at/all"}, check=2)
    assert "/nowhere/at/all" in one_line(err)
    _, err = branch("pc", "serve", check=1)
    one_line(err)
    # A branch's own workbook comes in as bytes; no path of this PC does.
    status, document = b.post("import-xlsx", [], {"kind": "assignments", "cells": "[]", "dry_run": "1", "person": "书记"})
    assert status != 403, document
    assert line_of(b.post("import-xlsx", ["/etc/passwd"], {"person": "书记"}))[0] == 403
    assert "launch=" in branch("pc", "open")[0]
    assert pc.credentials()
    _, err = branch("pc", "person", "add", "x", "--role", "city_officer", stdin="0123456789\n", check=2)
    one_line(err)
    assert pc.stop() == 0 and not os.path.exists("pc/launch.html")


def passwords_are_nowhere():
    """Not in a log, not in an answer, not where every user of the PC can read: the list of processes."""
    p = subprocess.Popen([os.path.join(BIN, "taizhangd"), "person", "password", "boss", "--data", "city"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(0.3)
    line = open(f"/proc/{p.pid}/cmdline").read() + open(f"/proc/{p.pid}/environ").read()
    out = p.communicate(PASSWORD["boss"] + "\n", timeout=60)[0]
    secrets_are_nowhere(line, out)
    _, err = city("city", "person", "add", "x", "--role", "clerk", "--password", "on the command line", check=2)
    secrets_are_nowhere(err, *(s.output for s in servers if hasattr(s, "output")))
    for name in os.listdir("city"):
        path = os.path.join("city", name)
        if os.path.isfile(path):
            data = open(path, "rb").read()
            assert not any(w.encode() in data for w in PASSWORD.values()), name
            if name in ("people", "sessions", "key", "root.key"):
                assert stat.S_IMODE(os.stat(path).st_mode) == 0o600, name
    city("city", "backup", os.path.abspath("copy"))
    assert b"argon2id" not in open("copy", "rb").read() + open("copy.keys", "rb").read()


run(setup, without_accounts_only_the_launch_address_opens, a_new_start_keeps_who_was_there_and_gives_a_new_address,
    accounts_are_made_at_the_terminal, signing_in_and_out, a_role_narrows, every_commit_names_its_person,
    guessing_slows_down_and_locks_nobody_out, a_new_password_ends_the_other_sessions, other_sites_get_nothing,
    an_expired_session_is_over, the_network_needs_accounts, damage_is_not_taken_for_an_open_door, a_branch_pc,
    passwords_are_nowhere)
