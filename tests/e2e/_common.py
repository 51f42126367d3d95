"""What the scripts here share: the real programs, in folders of their own, over real sockets."""
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

BIN = os.environ.get("TZ_BIN", os.path.join(os.path.dirname(__file__), "../../build/bin"))
ROOT = os.environ.get("TZ_ROOT", os.path.join(os.path.dirname(__file__), "../.."))
CITY = os.path.join(ROOT, "schema/demo/yunxiu.json")

servers = []
plain = urllib.request.build_opener()


def secrets_of(document):
    return {"x-taizhang-page": document["page"], "content": document["content"]}


class SignedIn(urllib.request.BaseHandler):
    """urllib speaks to the API of the servers here as whoever holds their folders; a person's name goes along."""

    def http_request(self, q):
        at = urllib.parse.urlsplit(q.full_url)
        for s in servers:
            if at.path.startswith("/api/") and f"{at.scheme}://{at.netloc}" == getattr(s, "url", None):
                for name, value in s.credentials().items():
                    q.add_unredirected_header(name, value)
        return q


urllib.request.install_opener(urllib.request.build_opener(SignedIn()))


def program(name, *args, env=None, check=0, timeout=200, stdin=None):
    """Runs to its end; gives (stdout, stderr). `check` is the exit status that is wanted; None: any."""
    e = dict(os.environ)
    e.update(env or {})
    # No terminal: nothing asks for a passphrase or a password.
    p = subprocess.run([os.path.join(BIN, name), *map(str, args)], capture_output=True, text=True, env=e, timeout=timeout,
                       **({"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}))
    if check is not None and p.returncode != check:
        raise AssertionError(f"{name} {args}: exit {p.returncode}, wanted {check}\n{p.stdout}{p.stderr}")
    return p.stdout, p.stderr


@contextlib.contextmanager
def scratch(name):
    """A folder of one's own to be in; it is gone afterwards, and whatever serves from it."""
    folder = tempfile.mkdtemp(prefix=f"tz-{name}-")
    os.chdir(folder)
    try:
        yield
    finally:
        for s in servers:
            if s.process.poll() is None:
                s.process.kill()
        os.chdir("/")
        shutil.rmtree(folder, ignore_errors=True)


def branch(data, *args, **kw):
    return program("taizhang", *args, "--data", data, **kw)


def city(data, *args, **kw):
    return program("taizhangd", *args, "--data", data, **kw)


def branch_json(data, *args, **kw):
    return json.loads(branch(data, *args, "--json", **kw)[0])


def city_json(data, *args, **kw):
    return json.loads(city(data, *args, "--json", **kw)[0])


class Server:
    """taizhangd (or taizhang) that serves until stop()."""

    def __init__(self, data, name="taizhangd", env=None, port=0, extra=(), listen="127.0.0.1"):
        self.data = data
        port_file = os.path.abspath(data) + ".port"
        if os.path.exists(port_file):
            os.unlink(port_file)
        e = dict(os.environ)
        e.update(env or {})
        self.process = subprocess.Popen(
            [os.path.join(BIN, name), "serve", "--data", data, "--listen", f"{listen}:{port}", "--port-file", port_file,
             *extra],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=e)
        servers.append(self)
        for _ in range(2400):
            if os.path.exists(port_file) and open(port_file).read().strip():
                break
            if self.process.poll() is not None:
                raise AssertionError("server ended: " + self.process.stdout.read())
            time.sleep(0.025)
        self.port = int(open(port_file).read())
        self.url = f"http://127.0.0.1:{self.port}"
        self.program, self.env, self.session = name, e, None

    def credentials(self):
        """Headers of a session, as whoever holds the data folder gets one: by a launch address, exchanged once."""
        if self.session is None:
            out = subprocess.run([os.path.join(BIN, self.program), "open", "--json", "--data", self.data],
                                 capture_output=True, text=True, env=self.env, check=True).stdout
            token = json.loads(out)["address"].split("#launch=")[1]
            q = urllib.request.Request(self.url + "/api/launch", json.dumps({"token": token}).encode(),
                                       {"content-type": "application/json"})
            with plain.open(q, timeout=60) as r:
                cookies = [c.split(";")[0] for c in r.headers.get_all("set-cookie")]
                self.session = {"cookie": "; ".join(cookies), **secrets_of(json.loads(r.read()))}
        return {k: v for k, v in self.session.items() if k != "content"}

    def content_key(self):
        self.credentials()
        return self.session["content"]

    def stop(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.output = self.process.communicate(timeout=60)[0]
        return self.process.returncode


def init(data="city"):
    city(data, "init", "--city", CITY)
    return data


def enrol(server, unit, data, env=None):
    code = city_json(server.data, "enrol", "--unit", unit)["code"]
    branch(data, "enrol", "--server", server.url, "--code", code, env=env)
    return data


def sign_now(data="city"):
    """What a city would sign by itself, a minute after its start: from now on it has no news of its own for a day."""
    assert city_json(data, "checkpoint")["covered"] > 0


def same_state(*nodes):
    """Equal digests of all streams that two nodes both hold."""
    digests = [json.loads((city if n.startswith("city") else branch)(n, "digest", "--json")[0]) for n in nodes]
    for other in digests[1:]:
        shared = [k for k in digests[0] if k in other]
        assert len(shared) > 1, "nothing in common"
        for k in shared:
            assert digests[0][k] == other[k], f"{k} differs between {nodes}"


def wait_for(what, seconds=120, describe=lambda: ""):
    """Waits until `what()` is true: what programs do by themselves comes when the machine gets to it."""
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s: {describe()}")
        time.sleep(0.1)


@contextlib.contextmanager
def by_hand(path):
    """A closed database for whoever alters it and knows of the checksums of its pages."""
    db = sqlite3.connect(path)
    yield db
    db.commit()
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    subprocess.run([os.path.join(BIN, "badactor"), "sums", path], check=True)


def one_line(text):
    assert text.count("\n") == 1 and text.endswith("\n"), "not one line: " + repr(text)
    assert any("\u4e00" <= c <= "\u9fff" for c in text), "no Chinese: " + text
    assert " / " in text, "no English: " + text
    return text


def run(*tests):
    """Runs the functions in order, says each, stops all servers."""
    try:
        for t in tests:
            t()
            print("ok  " + t.__name__)
    finally:
        for s in servers:
            if s.process.poll() is None:
                s.process.kill()
                s.process.communicate()
    sys.exit(0)
