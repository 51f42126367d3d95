#!/usr/bin/env python3
"""TLS with the real programs: pinned to the node's keys, on loopback here; what is not ours is refused."""
import os
import select
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request

from _common import BIN, CITY, branch, branch_json, by_hand, city, city_json, init, one_line, run, same_state, Server, wait_for

state = {}


class SecureServer(Server):
    """Serves with TLS."""

    def __init__(self, data, **kw):
        super().__init__(data, extra=("--tls",), **kw)
        self.url = self.url.replace("http://", "https://")


def code(data, unit):
    return city_json(data, "enrol", "--unit", unit)


def setup():
    init()
    state["city"] = SecureServer("city")


def enrolled_over_tls():
    one = code("city", "B03")
    out = branch_json("b3", "enrol", "--server", state["city"].url, "--code", one["code"], "--fingerprint",
                      one["fingerprint"])
    assert out["fingerprint"] == one["fingerprint"], out
    branch("b3", "report", "A0019", "--value", "4", "--text", "加密传输")
    out = branch_json("b3", "sync")
    assert out["unsent"] == 0 and out["acks"]["city"] == 1, out
    assert city_json("city", "show", "A0019")["fields"]["value"] == 4
    same_state("b3", "city")


def a_relay_over_tls():
    one = code("city", "K1-02")
    city("town", "join", "--upstream", state["city"].url, "--code", one["code"])
    state["town"] = SecureServer("town")
    two = code("town", "B03")
    branch("b3", "enrol", "--server", state["town"].url, "--code", two["code"], "--fingerprint", two["fingerprint"])
    branch("b3", "set", "A0019", "remark=经乡镇")
    assert branch_json("b3", "sync")["unsent"] == 0
    assert city_json("town", "sync")["unsent"] == 0
    assert city_json("city", "show", "A0019")["fields"]["remark"] == "经乡镇"
    same_state("b3", "town", "city")


def pokes_over_tls():
    pc = Server("b3", name="taizhang")
    agent = lambda: branch_json("b3", "status")["agent"]
    wait_for(lambda: agent()["live"], describe=agent)
    branch("b3", "sync")  # the rest after it is three minutes: what comes before that was poked
    city("town", "set", "A0019", "remark=乡镇改的")
    wait_for(lambda: branch_json("b3", "show", "A0019")["fields"]["remark"] == "乡镇改的", describe=agent)
    assert pc.stop() == 0


def old_versions_and_plain_http_are_refused():
    port = state["city"].port
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/api/status", timeout=60)
        raise AssertionError("plain HTTP was answered")
    except urllib.error.HTTPError as e:
        assert e.code == 400 and "https" in e.read().decode(), e.code
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        with socket.create_connection(("127.0.0.1", port), 60) as s:
            context.wrap_socket(s)
        raise AssertionError("TLS 1.2 was spoken")
    except (ssl.SSLError, ConnectionResetError):
        pass
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    with socket.create_connection(("127.0.0.1", port), 60) as s, context.wrap_socket(s) as t:
        assert t.version() == "TLSv1.3", t.version()
    # Beyond this PC there is nothing but TLS.
    _, err = branch("never", "enrol", "--server", "http://192.0.2.1:8080", "--code", "AAAA-AAAA-AAAA", check=2)
    assert "https" in one_line(err), err
    assert not os.path.exists("never")


class Between(threading.Thread):
    """Answers as a server would, with a certificate of its own, and passes on everything that it reads."""

    def __init__(self, to_port):
        super().__init__(daemon=True)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", "between.key", "-out", "between.pem", "-subj", "/CN=taizhang", "-days", "9"],
                       check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain("between.pem", "between.key")
        self.to = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.to.check_hostname = False
        self.to.verify_mode = ssl.CERT_NONE
        self.to_port = to_port
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.heard = b""
        self.start()

    def run(self):
        while True:
            client, _ = self.socket.accept()
            threading.Thread(target=self.pass_on, args=(client,), daemon=True).start()

    def pass_on(self, client):
        try:
            with self.context.wrap_socket(client, server_side=True) as inner, \
                    socket.create_connection(("127.0.0.1", self.to_port)) as s, self.to.wrap_socket(s) as outer:
                self.copy(inner, outer)
        except OSError:
            pass

    def copy(self, inner, outer):
        """Both ways in one thread: an SSL connection is not for two threads at a time."""
        while True:
            waiting = [s for s in (inner, outer) if s.pending()]
            for source in waiting or select.select([inner, outer], [], [])[0]:
                source.settimeout(0)
                try:
                    data = source.recv(65536)
                except ssl.SSLWantReadError:  # a ticket, or half a record
                    continue
                if not data:
                    return
                if source is inner:
                    self.heard += data
                target = outer if source is inner else inner
                target.settimeout(60)
                target.sendall(data)


def somebody_in_between_hears_nothing():
    between = Between(state["town"].port)
    # A device that knows its hub by now goes on with nobody else.
    branch("b3", "set", "A0019", "remark=只给城里看")
    with by_hand("b3/taizhang.db") as db:
        db.execute("UPDATE fact SET value = ? WHERE key = 'upstream/url'",
                   (f"https://127.0.0.1:{between.port}".encode(),))
    _, err = branch("b3", "sync", check=1)
    one_line(err)
    assert between.heard == b"", between.heard[:80]
    # A new one tells its code to nobody whose fingerprint is another, and takes no answer from who is in between.
    one = code("town", "B03")
    url = f"https://127.0.0.1:{between.port}"
    _, err = branch("new", "enrol", "--server", url, "--code", one["code"], "--fingerprint", one["fingerprint"], check=1)
    one_line(err)
    assert one["code"].encode() not in between.heard
    _, err = branch("new", "enrol", "--server", url, "--code", one["code"], check=1)
    one_line(err)
    assert not os.path.exists("new")
    branch("b3", "enrol", "--server", state["town"].url, "--code", code("town", "B03")["code"])
    assert branch_json("b3", "sync")["unsent"] == 0


def another_city_is_refused():
    text = open(CITY, encoding="utf-8").read()
    with open("other.json", "w", encoding="utf-8") as f:
        f.write(text.replace("云岫", "青石"))
    city("other", "init", "--city", "other.json")
    port = state["town"].port
    assert state["town"].stop() == 0
    other = SecureServer("other", port=port)
    branch("b3", "set", "A0019", "remark=不给别人")
    _, err = branch("b3", "sync", check=1)
    one_line(err)
    assert other.stop() == 0
    state["town"] = SecureServer("town", port=port)  # with a new key for TLS, and the same device key
    assert branch_json("b3", "sync")["unsent"] == 0
    branch("b3", "verify")


def a_clock_of_1970_gets_through():
    branch("b3", "set", "A0019", "remark=电池没电")
    out = branch_json("b3", "sync", env={"TAIZHANG_NOW": "1970-01-02T00:00:00+08:00"})
    assert out["unsent"] == 0, out


def an_operators_certificate():
    port = state["city"].port
    assert state["town"].stop() == 0 and state["city"].stop() == 0
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", "own.key", "-out", "own.pem", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-days", "9"], check=True, capture_output=True)
    bad = subprocess.run([os.path.join(BIN, "taizhangd"), "serve", "--data", "city", "--listen", f"127.0.0.1:{port}",
                          "--tls-cert", "own.pem", "--tls-key", "between.key"], capture_output=True, text=True,
                         timeout=60)
    assert bad.returncode == 2, bad
    one_line(bad.stderr)
    own = Server("city", port=port, extra=("--tls-cert", "own.pem", "--tls-key", "own.key"))
    # Nobody whom this PC trusts vouches for it; once somebody does, it is believed for the address that it is for.
    _, err = city("town", "sync", check=1)
    one_line(err)
    assert city_json("town", "sync", env={"SSL_CERT_FILE": os.path.abspath("own.pem")})["unsent"] == 0
    assert own.stop() == 0
    state["city"] = SecureServer("city", port=port)
    assert city_json("town", "sync")["unsent"] == 0


run(setup, enrolled_over_tls, a_relay_over_tls, pokes_over_tls, old_versions_and_plain_http_are_refused,
    somebody_in_between_hears_nothing, another_city_is_refused, a_clock_of_1970_gets_through,
    an_operators_certificate)
