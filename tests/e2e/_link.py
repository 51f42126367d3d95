"""A bad link (tools/link) between the programs of a script, and edits as a branch writes them."""
import json
import os
import subprocess
import sys
import time
import urllib.request

from _common import ROOT, Server

TEXTS = ["走访了{}户,登记就业意愿,帮助{}人报名培训班", "组织党员志愿服务第{}次,参加{}人", "与镇里核对台账,补齐材料{}份,退回{}份",
         "入户宣讲{}场,收集意见{}条,已转有关部门办理"]


class Link:
    """tools/link, until stop()."""

    def __init__(self, to, *options, port=0, name="link"):
        self.port_file, self.log_file = os.path.abspath(name + ".port"), os.path.abspath(name + ".log")
        for f in (self.port_file, self.log_file):
            if os.path.exists(f):
                os.unlink(f)
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(ROOT, "tools/link"), "--to", f"127.0.0.1:{to}", "--listen", f"127.0.0.1:{port}",
             "--port-file", self.port_file, "--log", self.log_file, *map(str, options)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(800):
            if os.path.exists(self.port_file):
                break
            if self.process.poll() is not None:
                raise AssertionError("link ended: " + self.process.stdout.read())
            time.sleep(0.025)
        self.port = int(open(self.port_file).read())
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self):
        """Ends it; gives its totals: connections, cuts, up, down."""
        self.process.terminate()
        out = self.process.communicate(timeout=60)[0]
        assert "Traceback" not in out, out
        last = json.loads(open(self.log_file).read().strip().split("\n")[-1])
        assert last["event"] == "totals", last
        return last

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def post(port, name, args, **options):
    options.setdefault("person", "试用员")  # the screens say who sits there
    body = json.dumps({"args": args, "options": {k: str(v) for k, v in options.items()}}).encode()
    q = urllib.request.Request(f"http://127.0.0.1:{port}/api/{name}", body, {"content-type": "application/json"})
    return json.loads(urllib.request.urlopen(q, timeout=60).read())


def get(port, path):
    return json.loads(urllib.request.urlopen(f"http://127.0.0.1:{port}/api/{path}", timeout=60).read())


def write_edits(data, count, first=0):
    """Reports and fields of several records, one commit each, without a link; gives the texts."""
    pc = Server(data, name="taizhang")
    unit = get(pc.port, "status")["unit"]
    records = [a["id"] for a in get(pc.port, "list/assignments") if a["unit_id"] == unit]
    texts = []
    for i in range(first, first + count):
        text = f"{i}:" + TEXTS[i % len(TEXTS)].format(i % 37, i % 11)
        record = records[i % len(records)]
        if i % 4 == 3:
            post(pc.port, "set", [record, "problems=" + text])
        else:
            post(pc.port, "report", [record], value=i % 50, text=text)
        texts.append(text)
    assert pc.stop() == 0
    return texts
