#!/usr/bin/env python3
"""A branch's folder whose keys are protected by a passphrase: served locked, one question, then as on any other day."""
import http.client
import json
import os
import signal
import time

from _common import branch, branch_json, city, enrol, init, one_line, program, run, Server

PASSPHRASE = "江城子-老夫聊发-少年狂"
FREE = 10  # wrong tries before one has to wait (people/attempts.h, kOfKnownBrowser)
state = {}


def ask(method, path, body=None, port=None, **headers):
    """As a browser would, without any session. Gives status and document."""
    port = port or state["pc"].port
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    h = {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    c.request(method, path, body=None if body is None else json.dumps(body), headers=h)
    r = c.getresponse()
    text = r.read()
    state["headers"] = {k.lower(): v for k, v in r.headers.items()}
    c.close()
    try:
        return r.status, json.loads(text)
    except ValueError:
        return r.status, text


def unlock(word, token=None):
    return ask("POST", "/api/unlock", {"token": token or state["token"], "passphrase": word})


def token_of(folder):
    return json.loads(branch(folder, "open", "--json")[0])["address"].split("#launch=")[1]


def write(name, text):
    open(name, "w", encoding="utf-8").write(text)
    os.chmod(name, 0o600)
    return name


def held(pid):
    return [os.readlink(f"/proc/{pid}/fd/{n}") for n in os.listdir(f"/proc/{pid}/fd")]


def setup():
    init()
    state["city"] = Server("city")
    enrol(state["city"], "B03", "b3")
    branch("b3", "set", "A0019", "remark=锁上以前写的")
    branch("b3", "passphrase", "--file", write("words", PASSPHRASE + "\n"))


def nothing_is_served_before():
    pc = state["pc"] = Server("b3", name="taizhang")
    assert not [f for f in held(pc.process.pid) if "taizhang.db" in f], "the database is open"
    assert ask("GET", "/")[0] == 200, "the page comes"
    assert ask("GET", "/api/session") == (200, {"signed_in": False, "mode": "locked", "person": None})
    launch = open("b3/launch").read().strip()
    assert os.stat("b3/launch").st_mode & 0o777 == 0o600
    state["token"] = launch.split("#launch=")[1]
    for method, path in [("GET", "/api/status"), ("GET", "/api/list/todo"), ("GET", "/api/show/A0019"), ("GET", "/api/units"),
                         ("GET", "/api/drafts"), ("GET", "/api/content/" + "0" * 64), ("GET", "/api/openapi"),
                         ("POST", "/api/set"), ("POST", "/api/login"), ("POST", "/api/launch")]:
        status, document = ask(method, path, {"token": state["token"]} if method == "POST" else None)
        assert status == 401 and set(document) == {"error"}, (path, status, document)
        assert "口令" in document["error"]["line"] and " / " in document["error"]["line"]
        assert state["headers"]["cache-control"] == "no-store" and "set-cookie" not in state["headers"]
    assert ask("POST", "/sync", {})[0] in (404, 405)


def strangers_do_not_even_guess():
    for _ in range(3 * FREE):
        assert ask("POST", "/api/unlock", {"token": "0" * 64, "passphrase": PASSPHRASE})[0] == 401
        assert ask("POST", "/api/unlock", {"passphrase": PASSPHRASE})[0] == 401
    body = {"token": state["token"], "passphrase": PASSPHRASE}
    assert ask("POST", "/api/unlock", body, host="evil.example:80")[0] == 421
    assert ask("POST", "/api/unlock", body, origin="http://evil.example")[0] == 403
    assert ask("POST", "/api/unlock", body, sec_fetch_site="cross-site")[0] == 403
    assert ask("POST", "/api/unlock", body, content_type="text/plain")[0] == 400
    assert ask("GET", "/api/unlock")[0] == 400
    assert ask("GET", "/api/session")[1]["mode"] == "locked"


def the_terminal_says_what_to_do():
    one_line(branch("b3", "status", check=1)[1])
    assert "口令" in branch("b3", "list", "todo", check=1)[1]
    one_line(branch("b3", "serve", check=None)[1])
    other = token_of("b3")
    assert other != state["token"] and unlock("不对", other)[0] == 403


def wrong_ones_are_slowed():
    for n in range(FREE - 1):  # one was tried above
        status, document = unlock(f"猜{n}")
        assert status == 403, (n, status, document)
        line = one_line(document["error"]["line"] + "\n")
        assert "口令不对" in line and f"猜{n}" not in line
    # On, until the next one has to wait so long that a busy machine does not sit it out: one second, two, four.
    began, wait = time.monotonic(), 0
    while wait < 4:
        status, document = unlock("")
        assert status in (403, 429), (status, document)
        wait = int(state["headers"]["retry-after"]) if status == 429 else 0
        time.sleep(0.1 if wait else 0)
    status, document = unlock(PASSPHRASE)
    assert status == 429, (status, document)  # the right one, too
    while status == 429:
        time.sleep(int(state["headers"]["retry-after"]))
        status, document = unlock(PASSPHRASE)
    assert (status, document) == (200, {"unlocked": True})
    assert time.monotonic() - began >= 5


def then_it_goes_on_as_usual():
    pc = state["pc"]
    for _ in range(200):
        mode = ask("GET", "/api/session")[1]["mode"]
        if mode != "locked":
            break
        time.sleep(0.05)
    assert mode == "launch"
    status, keys = ask("POST", "/api/launch", {"token": state["token"]})
    assert status == 200, "the token that unlocked opens the screens"
    assert ask("POST", "/api/launch", {"token": state["token"]})[0] == 401, "once"
    assert ask("POST", "/api/unlock", {"token": state["token"], "passphrase": PASSPHRASE})[0] != 200
    assert pc.credentials(), "and others from `open` do as before"
    branch("b3", "set", "A0019", "remark=开锁以后写的")
    branch("b3", "sync")
    assert branch_json("b3", "show", "A0019")["fields"]["remark"] == "开锁以后写的"
    assert json.loads(city("city", "show", "A0019", "--json")[0])["fields"]["remark"] == "开锁以后写的"


def the_passphrase_is_nowhere():
    pc = state["pc"]
    for what in ("cmdline", "environ"):
        assert PASSPHRASE.encode() not in open(f"/proc/{pc.process.pid}/{what}", "rb").read(), what
    assert pc.stop() == 0
    assert "口令" in pc.output, "the log says what it waits for"
    assert PASSPHRASE not in pc.output and state["token"] not in pc.output and "猜" not in pc.output
    for folder, _, files in os.walk("b3"):
        for name in files:
            assert PASSPHRASE.encode() not in open(os.path.join(folder, name), "rb").read(), name


def stopped_before_anybody_came():
    pc = state["pc"] = Server("b3", name="taizhang")
    branch("b3", "status", check=1)
    assert pc.stop(signal.SIGINT) == 0
    for name in ("launch", "control.sock", "launch.html"):
        assert not os.path.exists("b3/" + name), name
    # The terminal's way is as it was.
    branch("b3", "status", env={"TAIZHANG_PASSPHRASE_FILE": os.path.abspath("words")})


def what_cannot_be_asked_ends_with_one_line():
    # Beyond this PC there is TLS, whose certificate the locked key would have to sign; a server asks nobody.
    one_line(branch("b3", "serve", "--listen", "0.0.0.0:0", check=1)[1])
    one_line(branch("b3", "serve", "--tls", check=1)[1])
    assert state["city"].stop() == 0
    city("city", "passphrase", "--file", "words")
    one_line(city("city", "serve", check=1)[1])
    key = bytearray(open("b3/key", "rb").read())
    key[40] ^= 1
    open("b3/key", "wb").write(key)
    assert "损坏" in one_line(program("taizhang", "serve", "--data", "b3", check=None)[1])
    assert not os.path.exists("b3/launch")


run(setup, nothing_is_served_before, strangers_do_not_even_guess, the_terminal_says_what_to_do, wrong_ones_are_slowed,
    then_it_goes_on_as_usual, the_passphrase_is_nowhere, stopped_before_anybody_came, what_cannot_be_asked_ends_with_one_line)
