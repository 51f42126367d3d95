#!/usr/bin/env python3
"""A relay joined to itself, and upstreams that answer with somebody else's data: one clear line, nothing changed."""
import http.client
import http.server
import json
import os
import shutil
import threading

from _common import branch, branch_json, by_hand, CITY, city, city_json, enrol, one_line, program, run, same_state, Server

state = {}


def setup():
    with open(CITY, encoding="utf-8") as f:
        other = json.load(f)
    other["meta"]["title"] = "另一个城市"
    with open("other.json", "w", encoding="utf-8") as f:
        json.dump(other, f, ensure_ascii=False)
    city("city", "init", "--city", CITY)
    city("city-other", "init", "--city", "other.json")
    state["city"] = Server("city")
    state["other"] = Server("city-other")
    code = city_json("city", "enrol", "--unit", "K1-02")["code"]
    city("city-town", "join", "--upstream", state["city"].url, "--code", code)
    enrol(state["city"], "B03", "b3")
    enrol(state["city"], "B01", "b1")
    branch("b3", "set", "A0019", "remark=留着不发")


def point(data, url):
    """The address of the hub above, as a mistyped or reassigned one would be."""
    with by_hand(f"{data}/taizhang.db") as db:
        db.execute("UPDATE fact SET value = ? WHERE key = 'upstream/url'", (url.encode(),))


def all_of(data):
    run_as = city if data.startswith("city") else branch
    return run_as(data, "digest", "--json")[0], json.loads(run_as(data, "status", "--json")[0])["unsent"]


def a_relay_joined_to_itself():
    before = all_of("city-town")
    relay = Server("city-town")
    code = city_json("city-town", "enrol", "--unit", "K1-02")["code"]
    _, err = city("city-town", "join", "--upstream", relay.url, "--code", code, check=None)
    one_line(err)
    relay.stop()
    # Its own address as that of the hub above.
    point("city-town", relay.url)
    relay = Server("city-town", port=relay.port)
    _, err = city("city-town", "sync", check=1)
    assert "itself" in one_line(err), err
    relay.stop()
    # A copy of its folder below it.
    point("city-town", state["city"].url)
    shutil.copytree("city-town", "city-twin")
    relay = Server("city-town")
    code = city_json("city-town", "enrol", "--unit", "K1-02")["code"]
    _, err = city("city-twin", "join", "--upstream", relay.url, "--code", code, check=1)
    assert "itself" in one_line(err), err
    relay.stop()
    assert all_of("city-town") == before
    city("city-town", "sync")
    city("city-town", "verify")
    # The city has nobody above it.
    _, err = city("city-other", "join", "--upstream", state["city"].url, "--code", code, check=None)
    one_line(err)


class Upstream:
    """A server that answers what it was told to, or passes on to another and keeps what went by."""

    def __init__(self, answer):
        outer = self
        self.answer, self.seen = answer, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, headers, reply = outer.answer(self.path, dict(self.headers), body)
                outer.seen.append(reply)
                self.send_response(status)
                for k, v in headers.items():
                    self.send_header(k, v)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def do_GET(self):
                self.send_error(404)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def passed_on(to):
    def answer(path, headers, body):
        c = http.client.HTTPConnection("127.0.0.1", to.port, timeout=60)
        kept = {k: v for k, v in headers.items() if k.lower() not in ("host", "content-length", "connection")}
        c.request("POST", path, body=body, headers=kept)
        r = c.getresponse()
        reply = r.read()
        c.close()
        return r.status, {k: v for k, v in r.getheaders() if k.lower() in ("content-type",)}, reply

    return answer


def refused_sync(data, answer, *says):
    upstream = Upstream(answer)
    home = state["city"].url
    before = all_of(data)
    point(data, upstream.url)
    _, err = branch(data, "sync", check=1)
    point(data, home)
    upstream.stop()
    one_line(err)
    for s in says:
        assert s in err, f"{s!r} not in {err!r}"
    assert all_of(data) == before, "something was taken"
    return err


def another_city():
    point("b3", state["other"].url)
    before = all_of("b3")
    _, err = branch("b3", "sync", check=1)
    one_line(err)
    code = city_json("city-other", "enrol", "--unit", "B03")["code"]
    _, err = branch("b3", "enrol", "--server", state["other"].url, "--code", code, check=None)
    assert "city" in one_line(err), err
    point("b3", state["city"].url)
    assert all_of("b3") == before


def garbage():
    page = "<html><body>请登录无线网络</body></html>".encode()
    for body in (b"", page, os.urandom(300), b"r\x02" + os.urandom(4000), b"r" * 100_000):
        refused_sync("b3", lambda *_: (200, {}, body))
    for status in (404, 500, 302):
        refused_sync("b3", lambda *_: (status, {"Location": "http://127.0.0.1:1/"}, page))


def what_was_meant_for_another_unit():
    # What the city answers to a fresh PC of B01, taken down on the way and given to one of B03.
    spy = Upstream(passed_on(state["city"]))
    code = city_json("city", "enrol", "--unit", "B01")["code"]
    branch("b1-spied", "enrol", "--server", spy.url, "--code", code)
    spy.stop()
    for reply in spy.seen[1:]:
        refused_sync("b3", lambda *_: (200, {}, reply))
    # Its certificate to a PC that enrols for B03.
    taken = spy.seen[0]
    liar = Upstream(lambda *_: (200, {}, taken))
    _, err = branch("b3-new", "enrol", "--server", liar.url, "--code", "ABCD-EFGH-JKMN", check=1)
    one_line(err)
    assert not os.path.exists("b3-new")
    liar.stop()


def all_is_well_afterwards():
    branch("b3", "sync")
    assert branch_json("b3", "status")["unsent"] == 0
    same_state("b3", "city")
    for s in (state["city"], state["other"]):
        s.stop()
    city("city", "verify")
    branch("b3", "verify")


run(setup, a_relay_joined_to_itself, another_city, garbage, what_was_meant_for_another_unit, all_is_well_afterwards)
