#!/usr/bin/env python3
"""Excel and Word with the real programs: ledgers out and in, by LibreOffice as well; circulars as rendered pages."""
import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
import zipfile

from _common import branch_json, CITY, city, city_json, enrol, init, one_line, run, Server
from _xlsx import escape, set_cell

NOW = {"TAIZHANG_NOW": "2025-11-06T18:00:00+08:00"}
HEADERS = json.load(open(CITY, encoding="utf-8"))["ledger_headers"]
OFFICE = shutil.which("soffice")


def city_j(*args, check=0):
    return city_json("city", *args, env=NOW, check=check)


def fails(*args):
    return one_line(city("city", *args, env=NOW, check=2)[1])


def soffice(source, form, folder):
    os.makedirs(folder, exist_ok=True)
    subprocess.run([OFFICE, f"-env:UserInstallation=file://{os.path.abspath('lo-profile')}", "--headless", "--convert-to", form,
                    "--outdir", folder, source], check=True, capture_output=True, timeout=250)
    return os.path.join(folder, os.path.splitext(os.path.basename(source))[0] + "." + form.split(":")[0])


def make_xlsx(path, rows, extra=""):
    """A workbook as another program would write it: inline strings, no styles, no shared strings."""
    ns = "http://schemas.openxmlformats.org/"
    data = "".join("<row>" + "".join(
        f"<c><v>{v}</v></c>" if isinstance(v, (int, float)) else f'<c t="inlineStr"><is><t>{escape(v)}</t></is></c>' if v else "<c/>"
        for v in row) + "</row>" for row in rows)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("xl/worksheets/s.xml", f'<worksheet xmlns="{ns}spreadsheetml/2006/main"><sheetData>{data}</sheetData>{extra}</worksheet>')
        z.writestr("_rels/.rels", f'<Relationships xmlns="{ns}package/2006/relationships"><Relationship Id="r" Type="{ns}officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>')
        z.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{ns}package/2006/relationships"><Relationship Id="q" Type="{ns}officeDocument/2006/relationships/worksheet" Target="worksheets/s.xml"/></Relationships>')
        z.writestr("xl/workbook.xml", f'<workbook xmlns="{ns}spreadsheetml/2006/main" xmlns:r="{ns}officeDocument/2006/relationships"><sheets><sheet name="表" sheetId="1" r:id="q"/></sheets></workbook>')
        z.writestr("[Content_Types].xml", f'<Types xmlns="{ns}package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/s.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>')


def counts(document):
    return tuple(document[k] for k in ("created", "changed", "unchanged", "refused"))


def ledgers_round_trip():
    init()
    for kind, title in (("assignments", "任务台账"), ("rectifications", "问题整改台账")):
        rows = city_j("export-xlsx", kind, kind + ".xlsx")["rows"]
        assert rows == len(city_j("list", kind)), rows
        assert counts(city_j("import-xlsx", kind + ".xlsx")) == (0, 0, rows, 0)
        assert "已有这个文件" in fails("export-xlsx", kind, kind + ".xlsx")
        if not OFFICE:
            continue
        first = open(soffice(kind + ".xlsx", "csv:Text - txt - csv (StarCalc):44,34,76", "csv"), encoding="utf-8").readline()
        assert first.strip().split(",") == HEADERS[title], first
        # Written anew by LibreOffice: other strings, styles and parts, the same ledger. Without our hidden page too.
        again = city_j("import-xlsx", soffice(kind + ".xlsx", "xlsx", "lo"))
        assert counts(again) == (0, 0, rows, 0), again
    for sheet, meeting in (("签到.xlsx", "M1"),):
        assert city_j("export-xlsx", "调度会签到表", sheet, "--meeting", meeting)["rows"] == 5
        assert counts(city_j("import-xlsx", sheet)) == (0, 0, 5, 0)


def one_cell_is_one_edit():
    before = city_j("status")["own_commits"]
    set_cell("assignments.xlsx", "edited.xlsx", "Q2", "=已约谈主要负责人")
    dry = city_j("import-xlsx", "edited.xlsx", "--dry-run")
    assert counts(dry)[:2] == (0, 1) and dry["rows"][0]["row"] == 2, dry
    assert dry["rows"][0]["cells"] == [{"column": "Q", "title": "备注", "from": None, "to": "=已约谈主要负责人"}], dry
    assert city_j("status")["own_commits"] == before, "a dry run wrote"
    done = city_j("import-xlsx", "edited.xlsx")
    assert counts(done)[:2] == (0, 1), done
    assert city_j("status")["own_commits"] == before + 1
    assert counts(city_j("import-xlsx", "edited.xlsx"))[:2] == (0, 0)
    assert city_j("status")["own_commits"] == before + 1, "the same file twice wrote twice"
    assert city_j("show", done["rows"][0]["record"])["fields"]["remark"] == "=已约谈主要负责人"
    # A formula on the way out stays text.
    city_j("export-xlsx", "assignments", "guarded.xlsx")
    with zipfile.ZipFile("guarded.xlsx") as z:
        assert b"<f>" not in z.read("xl/worksheets/sheet1.xml")
        assert b"quotePrefix" in z.read("xl/styles.xml")
    said = city("city", "import-xlsx", "edited.xlsx", "--dry-run", env=NOW)[0]
    assert "预演" in said, said


def files_that_people_made():
    rows = [["2025年问题整改台账"], [],
            ["序号", "问题来源", "反馈时间", "具体问题", "责任单位", "整改措施", "完成时限", "联系电话", "状态", "备注"],
            [1, "巡察", "2025.3.1", "阵地管理松散", "穗香镇", "1.立规矩\n2.抓落实", "2025年12月1日", 13800000000, "", ""], [],
            ["2", "自查", 45717, "三会一课记录不全", "K3", "补记录", "２０２５/１２/３１", "", "整改中", "老台账转入"],
            ["备注:年底前整改到位"]]
    make_xlsx("people.xlsx", rows)
    assert "第 6 行 C 列" in fails("import-xlsx", "people.xlsx"), "a serial without a date's format is no date"
    rows[5][2] = "2025/3/2"
    make_xlsx("people.xlsx", rows)
    dry = city_j("import-xlsx", "people.xlsx", "--dry-run")
    assert counts(dry) == (2, 0, 0, 0) and dry["ignored_columns"] == ["联系电话", "状态"] and dry["note_rows"] == [7], dry
    done = city_j("import-xlsx", "people.xlsx")
    assert counts(done) == (2, 0, 0, 0), done
    made = city_j("show", done["rows"][1]["record"])
    assert made["fields"]["deadline"] == "2025-12-31" and made["fields"]["found_at"] == "2025-03-02", made
    assert made["fields"]["measures"] == ["补记录"], made
    assert counts(city_j("import-xlsx", "people.xlsx")) == (0, 0, 2, 0)
    if OFFICE:
        assert counts(city_j("import-xlsx", soffice("people.xlsx", "xlsx", "lo"))) == (0, 0, 2, 0)


def five_thousand_rows():
    units = [u["id"] for u in json.load(open(CITY, encoding="utf-8"))["units"] if u["level"] == "branch"]
    rows = [["序号", "问题来源", "反馈时间", "具体问题", "责任单位", "整改措施", "完成时限"]]
    rows += [[i + 1, "巡察", "2025.3.1", f"第{i + 1}个问题:台账登记与实际不符", units[i % len(units)], "逐项核对", "2025-12-31"]
             for i in range(5000)]
    make_xlsx("large.xlsx", rows)
    for what, wanted in (("create", (5000, 0, 0, 0)), ("again", (0, 0, 5000, 0))):
        start = time.monotonic()
        assert counts(city_j("import-xlsx", "large.xlsx"))[:4] == wanted
        print(f"    5000 rows, {what}: {time.monotonic() - start:.1f} s")
    start = time.monotonic()
    city_j("export-xlsx", "rectifications", "large-out.xlsx")
    print(f"    5000 rows, export: {time.monotonic() - start:.1f} s, {os.path.getsize('large-out.xlsx')} bytes")
    city_j("verify")


def others_are_served_while_it_is_made():
    server = Server("city", env=NOW)

    def get(path):
        with urllib.request.urlopen(f"{server.url}/api/{path}") as r:
            return json.loads(r.read())

    get("pulse")  # signed in
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        export, answered, longest = pool.submit(get, "export-xlsx/rectifications"), 0, 0.0
        while not export.done():
            start = time.monotonic()
            get("pulse")
            answered, longest = answered + 1, max(longest, time.monotonic() - start)
        assert export.result()["rows"] >= 5000, export.result()["rows"]
    print(f"    {answered} others answered meanwhile, the slowest within {longest * 1000:.0f} ms")
    assert answered >= 8, f"{answered} others were answered while 5000 rows were exported"
    server.stop()


# Not one character over and over: that is refused already as a zip bomb.
LONG = "\t" + "".join(chr(0x4E00 + i * 7919 % 20000) for i in range(300_000))


def bad_files():
    head = ["具体问题", "责任单位", "完成时限", "备注"]
    before = city_j("digest")
    for value, says in ((["甲", "K1", "2025-02-30", ""], "第 2 行 C 列"), (["甲", "K1", "", "机密★1年"], "涉密"),
                        (["甲", "K1", "", LONG], "太长"), (["甲", "K1", "", 110101199001011234], "15 位")):
        make_xlsx("bad.xlsx", [head, value])
        assert says in fails("import-xlsx", "bad.xlsx"), value
    with zipfile.ZipFile("bomb.xlsx", "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("xl/workbook.xml", "0" * 50_000_000)
    assert "炸弹" in fails("import-xlsx", "bomb.xlsx")
    for content in (b"", b"not a zip", open("large.xlsx", "rb").read()[:5000], b"\xd0\xcf\x11\xe0old"):
        open("broken.xlsx", "wb").write(content)
        fails("import-xlsx", "broken.xlsx")
    make_xlsx("letter.xlsx", [["尊敬的同志"], ["你好"]])
    assert "表头" in fails("import-xlsx", "letter.xlsx")
    fails("import-xlsx", "nothing.xlsx")
    fails("export-xlsx", "everything", "x.xlsx")
    fails("export-xlsx", "attendance", "x.xlsx")
    assert city_j("digest") == before, "something was written"


def circulars():
    server = Server("city", env=NOW)
    b01 = enrol(server, "B01", "b01", env=NOW)
    made = city_j("circular", "ZG2025-04", "B01", "V0001", "--kind", "special", "--period", "2025年9-10月")
    assert made["no"] == "专项通报〔2025〕第3号", made
    assert city_j("circular", "ZG2025-04")["no"] == "综合通报〔2025〕第4号"
    record = city_j("show", made["record"])["fields"]
    assert [n["unit_id"] for n in record["named"]] == ["K5", "B01", "B01"], record
    assert "填报高于核查" in record["text"] and "应建未建" in record["text"], record["text"]
    branch_json(b01, "sync", env=NOW)
    todo = [t for t in branch_json(b01, "list", "todo", env=NOW) if t["kind"] == "circular"]
    assert [t["id"] for t in todo] == [made["record"]] * 2 and todo[0]["todo"], todo
    server.stop()
    assert "单位" in fails("circular", "T2025-01")

    city("city", "set", made["record"], "text=一、总体情况\n" + "测" * (28 * 22 * 3) + "\n(一)具体问题\n正文。", env=NOW)
    city_j("circular-docx", made["record"], "通报.docx")
    with zipfile.ZipFile("通报.docx") as z:
        document = z.read("word/document.xml").decode()
    for font in ("方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312"):
        assert font in document, font
    if not OFFICE or not shutil.which("pdftotext"):
        return
    pdf = soffice("通报.docx", "pdf", "pdf")
    subprocess.run(["pdftotext", "-bbox", pdf, "bbox.html"], check=True)
    pages = re.findall(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', open("bbox.html", encoding="utf-8").read(), re.S)
    assert len(pages) >= 4, len(pages)
    width, height, words = pages[1]
    assert abs(float(width) - 595.3) < 1 and abs(float(height) - 841.9) < 1, (width, height)
    lines = {}
    for x, y, x2, text in re.findall(r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="[\d.]+">([^<]*)</word>', words):
        lines.setdefault(round(float(y)), []).append((float(x), float(x2), text))
    body = {y: l for y, l in lines.items() if "测" in "".join(t for _, _, t in l)}
    assert len(body) == 22, f"{len(body)} lines on a page"
    assert {sum(len(t) for _, _, t in l) for l in body.values()} == {28}, "not 28 characters in a line"
    left = min(x for l in body.values() for x, _, _ in l)
    right = max(x for l in body.values() for _, x, _ in l)
    assert abs(left - 28 / 25.4 * 72) < 1.5, f"binding edge {left} pt"
    assert right <= 595.3 - 26 / 25.4 * 72 + 1.5, f"right edge {right} pt"
    tops = sorted(body)
    assert abs((tops[-1] - tops[0]) / 21 - 28.95) < 0.1, "line pitch"
    assert abs(tops[0] - 37 / 25.4 * 72) < 16, f"first line at {tops[0]} pt"
    bottoms = [float(y2) for y2, text in re.findall(r'yMax="([\d.]+)">([^<]*)</word>', words) if "测" in text]
    assert max(bottoms) <= 841.9 - 35 / 25.4 * 72 + 1.5, f"last line ends at {max(bottoms)} pt"
    for n, (_, _, words) in enumerate(pages[:4], 1):
        foot = [(float(x), float(x2), t) for x, y, x2, t in re.findall(
            r'<word xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="[\d.]+">([^<]*)</word>', words)
            if float(y) > 841.9 - 35 / 25.4 * 72]
        assert "".join(t for _, _, t in sorted(foot)) == f"—{n}—", (n, foot)
        # One character of 14 pt in from the outer edge: the right one of odd pages, the left one of even ones.
        edge = max(x2 for _, x2, _ in foot) if n % 2 else min(x for x, _, _ in foot)
        wanted = 595.3 - 26 / 25.4 * 72 - 14 if n % 2 else 28 / 25.4 * 72 + 14
        assert abs(edge - wanted) < 3, f"page {n}: its number at {edge} pt, wanted {wanted}"


run(ledgers_round_trip, one_cell_is_one_edit, files_that_people_made, five_thousand_rows, others_are_served_while_it_is_made, bad_files, circulars)
