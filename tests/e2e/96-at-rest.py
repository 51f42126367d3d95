#!/usr/bin/env python3
"""What lies on disks, in logs and in lists of processes: no key, no passphrase, no code, no token of others."""
import base64
import json
import os
import signal
import socket
import sqlite3
import stat
import subprocess
import threading
import time
import urllib.error
import urllib.request

from _common import BIN, branch, branch_json, city, city_json, init, one_line, plain, run, secrets_of, Server

state = {}
PASSPHRASE = "江城子-老夫聊发-少年狂"


def seed(path):
    """Of a key file that is not wrapped: the 32 bytes that everything follows from."""
    data = open(path, "rb").read()
    assert data[:4] == b"TZK\1" and data[5] == 0, data[:6]
    return data[6:38]


def forms(secret):
    return [secret, secret.hex().encode(), secret.hex().upper().encode(), base64.b64encode(secret),
            base64.urlsafe_b64encode(secret).rstrip(b"=")]


def nowhere(secrets, files, but=()):
    for path in files:
        if path in but:
            continue
        data = open(path, "rb").read()
        for name, secret in secrets.items():
            for form in forms(secret):
                assert form not in data, f"{name} stands in {path}"


def all_files(*folders):
    return [os.path.join(d, f) for top in folders for d, _, names in os.walk(top) for f in names
            if not stat.S_ISSOCK(os.stat(os.path.join(d, f)).st_mode)]


class Watch(threading.Thread):
    """Reads, from the first program of this script to the last one, what every user of the PC could: command lines; and
    what the programs' own user could: environments."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.programs, self.is_over = set(), set(), False

    def run(self):
        while not self.is_over:
            for pid in os.listdir("/proc"):
                if not pid.isdigit():
                    continue
                try:
                    if not os.path.basename(os.readlink(f"/proc/{pid}/exe")).startswith("taizhang"):
                        continue
                    for what in ("cmdline", "environ"):
                        self.seen.add(open(f"/proc/{pid}/{what}", "rb").read())
                    self.programs.add(pid)
                except OSError:
                    pass  # it has ended meanwhile
            time.sleep(0.005)

    def end(self):
        self.is_over = True
        self.join()
        return self.seen


def setup():
    state["watch"] = Watch()
    state["watch"].start()
    init()
    state["city"] = Server("city", env={"TAIZHANG_LANG": "en"})
    made = city_json("city", "enrol", "--unit", "B03")
    state["code"] = made["code"]
    branch("b3", "enrol", "--server", state["city"].url, "--code", "-", stdin=made["code"] + "\n")
    state["keys"] = {"the city's key": seed("city/key"), "the root key": seed("city/root.key"), "the PC's key": seed("b3/key")}
    branch("b3", "set", "A0019", "remark=一稿")
    branch("b3", "sync")
    branch("b3", "export", "up.tzb")
    branch("b3", "checkpoint", "--out", "b3.tzc")


def modes():
    for name in ("city/key", "city/root.key", "b3/key"):
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600, name
    for name in ("city/control.sock",):
        assert stat.S_IMODE(os.stat(name).st_mode) == 0o600, name
    for folder in ("city", "b3"):
        for name in ("taizhang.db", "taizhang.db-wal"):
            path = f"{folder}/{name}"
            if os.path.exists(path):
                assert stat.S_IMODE(os.stat(path).st_mode) & 0o077 == 0, (path, oct(os.stat(path).st_mode))


def databases_backups_bundles():
    city("city", "backup", "city.tzdb")
    branch("b3", "backup", "b3.tzdb")
    for keys in ("city.tzdb.keys", "b3.tzdb.keys"):
        assert stat.S_IMODE(os.stat(keys).st_mode) == 0o600, keys
    for backup in ("city.tzdb", "b3.tzdb"):
        assert stat.S_IMODE(os.stat(backup).st_mode) & 0o077 == 0, (backup, oct(os.stat(backup).st_mode))
    key_files = ("city/key", "city/root.key", "b3/key")
    nowhere(state["keys"], all_files("city", "b3") + ["city.tzdb", "b3.tzdb", "up.tzb", "b3.tzc"], but=key_files)
    # The write-ahead log while it serves, too.
    assert os.path.exists("city/taizhang.db-wal")
    # A code that was used, and the token that came of it: at the hub there are hashes only.
    # The device itself keeps its token sealed to its key; 75-live looks whether that is what it sends.
    db = sqlite3.connect("b3.tzdb")
    token = db.execute("SELECT value FROM fact WHERE key = 'upstream/token'").fetchone()[0]
    db.close()
    assert len(token) > 64, token
    plain = state["code"].replace("-", "").encode()
    nowhere({"the token": bytes(token), "the code": plain, "the code as shown": state["code"].encode()},
            all_files("city") + ["city.tzdb"])


def a_backup_of_the_keys_under_a_passphrase():
    said = city("city", "backup", "open.tzdb")[0]
    assert "open.tzdb.keys" in said and "not protected" in said and "--passphrase-file" in said, said
    out = city_json("city", "backup", "safe.tzdb", "--passphrase-file", write("words-of-backup", PASSPHRASE + "\n"))
    assert out["keys_wrapped"], out
    nowhere(state["keys"], ["safe.tzdb", "safe.tzdb.keys"])
    nowhere({"the passphrase": PASSPHRASE.encode()}, ["safe.tzdb", "safe.tzdb.keys"])
    assert "not protected" not in city("city", "backup", "safe2.tzdb", "--passphrase-file", "words-of-backup")[0]
    one_line(city("city", "backup", "none.tzdb", "--passphrase-file", write("nothing", "\n"), check=2)[1])
    assert not os.path.exists("none.tzdb") and not os.path.exists("none.tzdb.keys")
    # Without the passphrase, or with another one, nothing is made; with it the city is whole.
    for extra in ((), ("--passphrase-file", write("another", "不对的口令\n"))):
        one_line(city("city-back", "restore", "safe.tzdb", *extra, check=1)[1])
        assert not os.path.exists("city-back"), extra
    assert city_json("city-back", "restore", "safe.tzdb", "--passphrase-file", "words-of-backup")["has_key"]
    one_line(city("city-back", "status", check=1)[1])
    env = {"TAIZHANG_PASSPHRASE_FILE": os.path.abspath("words-of-backup")}
    line = one_line(city("city-back", "unit", "B01", "--name", "恢复后改名", check=2, env=env)[1])
    assert "--alone" in line, line
    city("city-back", "unit", "B01", "--name", "恢复后改名", "--alone", env=env)
    nowhere(state["keys"], all_files("city-back"))


def wrapped_keys_and_process_lists():
    branch("b3", "passphrase", "--file", write("words", PASSPHRASE + "\n"))
    data = open("b3/key", "rb").read()
    assert data[5] == 1 and state["keys"]["the PC's key"] not in data
    env = {"TAIZHANG_PASSPHRASE_FILE": os.path.abspath("words")}
    server = Server("b3", name="taizhang", env=env)
    for what in ("cmdline", "environ"):
        told = open(f"/proc/{server.process.pid}/{what}", "rb").read()
        assert PASSPHRASE.encode() not in told, what
        for secret in state["keys"].values():
            for form in forms(secret):
                assert form not in told, what
    branch("b3", "set", "A0019", "remark=二稿")
    branch("b3", "sync")
    assert server.stop() == 0
    state["log"] = server.output
    nowhere({"the passphrase": PASSPHRASE.encode()}, all_files("b3", "city"))
    line = one_line(branch("b3", "status", check=1, env={"TAIZHANG_PASSPHRASE_FILE": write("wrong", "别的\n")})[1])
    assert "别的" not in line and PASSPHRASE not in line
    one_line(branch("b3", "sync", check=1)[1])


def logs_and_errors():
    # What goes wrong says so without what was sent.
    for body in (b"q" + os.urandom(200), b"e" + state["code"].encode()):
        try:
            urllib.request.urlopen(urllib.request.Request(state["city"].url + "/sync", data=body))
        except urllib.error.HTTPError as e:
            assert state["code"].encode() not in e.read()
    one_line(branch("again", "enrol", "--server", state["city"].url, "--code", "-", stdin=state["code"], check=1)[1])
    one_line(branch("again", "enrol", "--server", state["city"].url, "--code", "-", check=2)[1])
    assert state["city"].stop() == 0
    for text in (state["city"].output, state["log"]):
        for secret in [*state["keys"].values()]:
            for form in forms(secret):
                assert form.decode("latin1") not in text
        for word in (PASSPHRASE, state["code"], state["code"].replace("-", "")):
            assert word not in text, word


def a_code_on_a_command_line_is_wiped():
    """A server that never answers: the program waits, and its command line no longer has what it was given."""
    silent = socket.create_server(("127.0.0.1", 0))
    code = "CDBW-VK7G-5HXY"
    for form in (["--code", code], ["--code=" + code]):
        p = subprocess.Popen([os.path.join(BIN, "taizhang"), "enrol", "--data", "waits", "--server",
                              f"http://127.0.0.1:{silent.getsockname()[1]}", *form],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        silent.accept()[0]  # it is at work
        told = open(f"/proc/{p.pid}/cmdline", "rb").read()
        assert code.encode() not in told and b"enrol" in told and b"*" * len(code) in told, told
        p.kill()
        p.communicate()
    silent.close()


def sign_in(server, account, password):
    q = urllib.request.Request(server.url + "/api/login", json.dumps({"account": account, "password": password}).encode(),
                               {"content-type": "application/json"})
    try:
        with plain.open(q, timeout=60) as r:
            cookies = [c.split(";")[0].split("=", 1)[1] for c in r.headers.get_all("set-cookie")]
            return [*cookies, *secrets_of(json.loads(r.read())).values()]
    except urllib.error.HTTPError as e:
        assert password not in e.read().decode(), "an answer repeats a password"
        return []


def a_whole_story():
    """People, screens, a crash, backups, tables: every secret of it, in every file, log, command line and environment."""
    passwords = ["千里共婵娟但愿人长久", "a second password", "a wrong password"]
    secrets = {"the passphrase": PASSPHRASE, "the code": state["code"], "the code without dashes": state["code"].replace("-", "")}
    city("city", "person", "add", "boss", "--role", "administrator", stdin=passwords[0] + "\n")
    port = state["city"].port  # where the PC looks for it
    server, words = Server("city", port=port), os.path.abspath("words")
    logs = [state["city"].output, state["log"]]
    opened = sign_in(server, "boss", passwords[0])
    assert len(opened) >= 3, opened
    assert not sign_in(server, "boss", passwords[2])
    city("city", "person", "password", "boss", stdin=passwords[1] + "\n")
    opened += sign_in(server, "boss", passwords[1])
    pc = Server("b3", name="taizhang", env={"TAIZHANG_PASSPHRASE_FILE": words})
    pc.credentials()
    opened += [c.split("=", 1)[1] for c in pc.session["cookie"].split("; ")]
    opened += [pc.session["x-taizhang-page"], pc.session["content"]]
    tokens = [branch_json("b3", "open")["address"].split("#launch=")[1], open("b3/launch").read().strip().split("#launch=")[1]]
    for n, word in enumerate(opened + tokens + passwords):
        assert len(word) > 8, word
        secrets[f"secret {n} of the story: {word[:4]}…"] = word
    branch("b3", "set", "A0019", "remark=故事里写的")
    branch("b3", "sync")
    # Backups while they serve, the city's keys under a passphrase; tables and files that leave the house.
    city("city", "backup", "story.tzdb", "--passphrase-file", words)
    branch("b3", "backup", "story-b3.tzdb")
    city("city", "audit", "--out", "story.csv")
    city("city", "checkpoint", "--out", "story.tzc")
    city("city", "export", "story.tzb", "--to", "B03")
    server.stop(signal.SIGKILL)
    logs.append(server.output)
    server = Server("city", port=port)
    branch("b3", "sync")
    for s in (pc, server):
        assert s.stop() == 0
        logs.append(s.output)
    secrets = {name: text.encode() for name, text in secrets.items()}
    keys = {"the city's key": seed("city/key"), "the root key": seed("city/root.key"), "the PC's key": state["keys"]["the PC's key"]}
    keys.update(state["keys"])
    given = ("words", "words-of-backup", "wrong", "another", "nothing")  # by whoever wrote them
    unwrapped = ("city/key", "city/root.key", "open.tzdb.keys", "city.tzdb.keys", "b3.tzdb.keys")
    files = [f.removeprefix("./") for f in all_files(".") if f.removeprefix("./") not in given]
    assert len(files) > 30 and {"story.tzdb", "story.tzdb.keys", "story.csv", "b3/sessions", "city/people"} <= set(files), files
    nowhere(keys, files, but=unwrapped)
    nowhere(secrets, files)
    seen = state["watch"].end()
    # The wiped one is looked at above; between the start of a program and its first line anybody may see it.
    assert len(state["watch"].programs) >= 5, "nobody watched"
    for told in [*seen, *(text.encode() for text in logs)]:
        for name, secret in {**keys, **secrets}.items():
            for form in forms(secret):
                assert form not in told, f"{name} in {told[:200]}"


def write(name, text):
    open(name, "w").write(text)
    os.chmod(name, 0o600)
    return name


run(setup, modes, databases_backups_bundles, a_backup_of_the_keys_under_a_passphrase, wrapped_keys_and_process_lists, logs_and_errors,
    a_code_on_a_command_line_is_wiped, a_whole_story)
