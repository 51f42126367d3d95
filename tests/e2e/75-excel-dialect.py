#!/usr/bin/env python3
"""Workbooks in the dialect of Excel: what Chinese Excel writes around its cells, in both forms that it saves.

No Excel made them: they are written here by hand, part by part, after the format's specification and what Excel is known to
write (phonetic runs in shared strings, absolute names of parts, AlternateContent, extLst, formulas with stored values, styled
blank cells, built-in and own formats of dates, the 1904 calendar, the strict namespace).
"""
import zipfile

from _common import branch_json, city, city_json, enrol, init, one_line, run, Server
from _xlsx import escape

NOW = {"TAIZHANG_NOW": "2025-11-06T18:00:00+08:00"}
MAIN = "http://schemas.openxmlformats.org/"
STRICT = "http://purl.oclc.org/ooxml/"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\r\n'
MC = ('xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" mc:Ignorable="x14ac xr xr2 xr3" '
      'xmlns:x14ac="http://schemas.microsoft.com/office/spreadsheetml/2009/9/ac" '
      'xmlns:xr="http://schemas.microsoft.com/office/spreadsheetml/2014/revision" '
      'xmlns:xr2="http://schemas.microsoft.com/office/spreadsheetml/2015/revision2" '
      'xmlns:xr3="http://schemas.microsoft.com/office/spreadsheetml/2016/revision3"')

# cellXfs of STYLES: the format of each is what decides whether a number is a day.
PLAIN, DAY, MOMENT, PERCENT, CHINESE_DAY, LONG_DAY, MONTH_DAY, MONEY, WRAPPED = range(9)
FORMATS = {PLAIN: 0, DAY: 14, MOMENT: 22, PERCENT: 9, CHINESE_DAY: 176, LONG_DAY: 177, MONTH_DAY: 58, MONEY: 178, WRAPPED: 0}


def city_j(*args, check=0):
    return city_json("city", *args, env=NOW, check=check)


def counts(document):
    return tuple(document[k] for k in ("created", "changed", "unchanged", "refused"))


# ---------------------------------------------------------------- the parts of a workbook

def styles(ns):
    own = ('<numFmts count="3"><numFmt numFmtId="176" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;;@"/>'
           '<numFmt numFmtId="177" formatCode="[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy"/>'
           '<numFmt numFmtId="178" formatCode="_ &quot;¥&quot;* #,##0.00_ ;_ &quot;¥&quot;* \\-#,##0.00_ ;_ @_ "/></numFmts>')
    font = ('<fonts count="2" x14ac:knownFonts="1"><font><sz val="11"/><color theme="1"/><name val="等线"/><family val="2"/>'
            '<charset val="134"/><scheme val="minor"/></font><font><sz val="9"/><name val="等线"/></font></fonts>')
    fills = ('<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
             '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>')
    xfs = "".join(f'<xf numFmtId="{FORMATS[i]}" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1">'
                  '<alignment vertical="center" wrapText="1"/></xf>' for i in sorted(FORMATS))
    # The style of "Normal" has a format of a date, which no cell has: only cellXfs count.
    return (f'{HEAD}<styleSheet xmlns="{ns}" {MC}>{own}{font}{fills}<cellStyleXfs count="1"><xf numFmtId="14" fontId="0"/></cellStyleXfs>'
            f'<cellXfs count="{len(FORMATS)}">{xfs}</cellXfs><cellStyles count="1"><cellStyle name="常规" xfId="0" builtinId="0"/></cellStyles>'
            '<dxfs count="1"><dxf><numFmt numFmtId="14"/></dxf></dxfs><tableStyles count="0" defaultTableStyle="TableStyleMedium2"/>'
            '<extLst><ext uri="{EB79DEF2-80B8-43e5-95BD-54CBDDF9020C}"/></extLst></styleSheet>')


class Strings:
    """xl/sharedStrings.xml as Chinese Excel writes it: a phonetic property in each, runs where somebody coloured a word."""

    def __init__(self, ns):
        self.ns, self.items, self.uses = ns, [], 0

    def index(self, text, form="plain"):
        self.uses += 1
        words = escape(text).replace("\r", "_x000D_")
        space = ' xml:space="preserve"' if text != text.strip() or "\n" in text else ""
        half = len(text) // 2
        if form == "runs":
            a, b = escape(text[:half]), escape(text[half:])
            item = (f'<r><t xml:space="preserve">{a}</t></r><r><rPr><b/><sz val="11"/><color rgb="FFFF0000"/><rFont val="宋体"/>'
                    f'<charset val="134"/></rPr><t xml:space="preserve">{b}</t></r>')
        elif form == "reading":
            item = f'<t>{words}</t><rPh sb="0" eb="2"><t>ダイチョウ</t></rPh><rPh sb="2" eb="4"><t>モンダイ</t></rPh>'
        else:
            item = f"<t{space}>{words}</t>"
        self.items.append(f'<si>{item}<phoneticPr fontId="1" type="noConversion"/></si>')
        return len(self.items) - 1

    def part(self):
        return f'{HEAD}<sst xmlns="{self.ns}" count="{self.uses}" uniqueCount="{len(self.items)}">{"".join(self.items)}</sst>'


def name_of(col):
    return (chr(64 + col // 26) if col >= 26 else "") + chr(65 + col % 26)


def cell_xml(ref, cell, strings):
    """None: nothing; (style,): blank but styled; (style, number); (style, text, form); forms: plain runs reading inline str f d e."""
    if cell is None:
        return ""
    cell = cell if isinstance(cell, tuple) else (WRAPPED if isinstance(cell, str) else PLAIN, cell)
    style, value, form = (*cell, None, None)[:3]
    at = f'<c r="{ref}" s="{style}"'
    if value is None:
        return at + "/>"
    if form == "f":  # a formula with the value that was stored with it
        return f"{at}><f>ROW()-3</f><v>{value}</v></c>"
    if form == "str":
        return f'{at} t="str"><f>_xlfn.CONCAT("{escape(value)}","")</f><v>{escape(value)}</v></c>'
    if form == "e":
        return f'{at} t="e"><f>VLOOKUP(A1,#REF!,2,0)</f><v>{value}</v></c>'
    if form == "d":
        return f'{at} t="d"><v>{value}</v></c>'
    if form == "inline":
        return f'{at} t="inlineStr"><is><r><t>{escape(value[:2])}</t></r><r><rPr><b/></rPr><t>{escape(value[2:])}</t></r></is></c>'
    if isinstance(value, (int, float)):
        return f"{at}><v>{value!r}</v></c>"
    return f'{at} t="s"><v>{strings.index(value, form or "plain")}</v></c>'


def workbook(path, rows, merges=(), strict=False, is_1904=False):
    """The ledger is the third page: behind a chart and a hidden one, as in files that have been in use for some years."""
    root = STRICT if strict else MAIN
    ns = root + ("spreadsheetml/main" if strict else "spreadsheetml/2006/main")
    rel = root + ("officeDocument/relationships" if strict else "officeDocument/2006/relationships")
    package = MAIN + "package/2006/"
    strings = Strings(ns)
    data = ""
    for r, row in enumerate(rows, 1):
        cells = "".join(cell_xml(name_of(c) + str(r), cell, strings) for c, cell in enumerate(row))
        # Styled as far as somebody once dragged the border, and a row that nobody ever wrote into.
        cells += "".join(f'<c r="{name_of(c)}{r}" s="{WRAPPED}"/>' for c in range(len(row), 26))
        data += f'<row r="{r}" spans="1:26" ht="36" customHeight="1" x14ac:dyDescent="0.2">{cells}</row>'
    data += f'<row r="1048576" spans="1:26" hidden="1" x14ac:dyDescent="0.2"><c r="A1048576" s="{WRAPPED}"/></row>'
    merged = f'<mergeCells count="{len(merges)}">{"".join(f"""<mergeCell ref="{m}"/>""" for m in merges)}</mergeCells>' if merges else ""
    sheet = (f'{HEAD}<worksheet xmlns="{ns}" xmlns:r="{rel}" {MC} xr:uid="{{00000000-0001-0000-0000-000000000000}}">'
             '<sheetPr filterMode="1"><pageSetUpPr fitToPage="1"/></sheetPr><dimension ref="A1:Z1048576"/>'
             '<sheetViews><sheetView tabSelected="1" workbookViewId="0"><pane ySplit="3" topLeftCell="A4" activePane="bottomLeft" state="frozen"/>'
             '<selection pane="bottomLeft" activeCell="D5" sqref="D5"/></sheetView></sheetViews><sheetFormatPr defaultRowHeight="14.25" x14ac:dyDescent="0.2"/>'
             '<cols><col min="1" max="1" width="5.6" customWidth="1"/><col min="2" max="16384" width="14" style="8"/></cols>'
             f'<sheetData>{data}</sheetData><autoFilter ref="A3:V9"/>{merged}<phoneticPr fontId="1" type="noConversion"/>'
             '<conditionalFormatting sqref="L4:L9"><cfRule type="expression" dxfId="0" priority="1"><formula>L4&lt;TODAY()</formula></cfRule></conditionalFormatting>'
             '<dataValidations count="1"><dataValidation type="list" allowBlank="1" sqref="B4:B9"><formula1>"巡察,自查"</formula1></dataValidation></dataValidations>'
             '<pageMargins left="0.7" right="0.7" top="0.75" bottom="0.75" header="0.3" footer="0.3"/><pageSetup paperSize="9" orientation="landscape" r:id="rId1"/>'
             '<extLst><ext uri="{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}" xmlns:x14="http://schemas.microsoft.com/office/spreadsheetml/2009/9/main">'
             '<x14:dataValidations count="1" xmlns:xm="http://schemas.microsoft.com/office/excel/2006/main"><x14:dataValidation type="list">'
             '<x14:formula1><xm:f>字典!$A$1:$A$9</xm:f></x14:formula1><xm:sqref>J4:J9</xm:sqref></x14:dataValidation></x14:dataValidations></ext></extLst></worksheet>')
    book = (f'{HEAD}<workbook xmlns="{ns}" xmlns:r="{rel}" {MC}{" conformance=" + chr(34) + "strict" + chr(34) if strict else ""}>'
            '<fileVersion appName="xl" lastEdited="7" lowestEdited="4" rupBuild="22228"/>'
            f'<workbookPr{" date1904=" + chr(34) + "1" + chr(34) if is_1904 else ""} defaultThemeVersion="124226"/>'
            '<mc:AlternateContent><mc:Choice Requires="x15"><x15ac:absPath url="D:\\党建\\台账\\" '
            'xmlns:x15ac="http://schemas.microsoft.com/office/spreadsheetml/2010/11/ac"/></mc:Choice></mc:AlternateContent>'
            '<xr:revisionPtr revIDLastSave="0" documentId="13_ncr:1_{0}"/><bookViews><workbookView xWindow="0" yWindow="0" activeTab="2"/></bookViews>'
            '<sheets><sheet name="图" sheetId="3" r:id="rId3"/><sheet name="字典" sheetId="2" state="hidden" r:id="rId2"/>'
            '<sheet name="问题整改台账" sheetId="1" r:id="rId1"/></sheets>'
            '<definedNames><definedName name="_xlnm._FilterDatabase" localSheetId="2" hidden="1">问题整改台账!$A$3:$V$9</definedName>'
            '<definedName name="_xlnm.Print_Titles" localSheetId="2">问题整改台账!$1:$3</definedName></definedNames><calcPr calcId="191029"/>'
            '<extLst><ext uri="{140A7094-0E35-4892-8432-C4D2E57EDEB5}"/></extLst></workbook>')
    words = f'{HEAD}<worksheet xmlns="{ns}"><sheetData><row r="1"><c r="A1" t="s"><v>{strings.index("穗香镇")}</v></c></row></sheetData></worksheet>'
    types = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("[Content_Types].xml", f'{HEAD}<Types xmlns="{package}content-types"><Default Extension="bin" ContentType="{types}printerSettings"/>'
                   '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>'
                   f'<Override PartName="/xl/workbook.xml" ContentType="{types}sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{types}worksheet+xml"/>'
                   f'<Override PartName="/xl/worksheets/sheet2.xml" ContentType="{types}worksheet+xml"/><Override PartName="/xl/chartsheets/sheet1.xml" ContentType="{types}chartsheet+xml"/></Types>')
        z.writestr("_rels/.rels", f'{HEAD}<Relationships xmlns="{package}relationships"><Relationship Id="rId3" Type="{rel}/extended-properties" Target="docProps/app.xml"/>'
                   f'<Relationship Id="rId1" Type="{rel}/officeDocument" Target="/xl/workbook.xml"/></Relationships>')
        z.writestr("docProps/app.xml", f'{HEAD}<Properties xmlns="{rel}"><Application>Microsoft Excel</Application><AppVersion>16.0300</AppVersion></Properties>')
        z.writestr("xl/_rels/workbook.xml.rels", f'{HEAD}<Relationships xmlns="{package}relationships">'
                   f'<Relationship Id="rId3" Type="{rel}/chartsheet" Target="chartsheets/sheet1.xml"/><Relationship Id="rId6" Type="{rel}/sharedStrings" Target="/xl/sharedStrings.xml"/>'
                   f'<Relationship Id="rId2" Type="{rel}/worksheet" Target="worksheets/sheet2.xml"/><Relationship Id="rId1" Type="{rel}/worksheet" Target="/xl/worksheets/sheet1.xml"/>'
                   f'<Relationship Id="rId5" Type="{rel}/styles" Target="../xl/styles.xml"/><Relationship Id="rId7" Type="{rel}/externalLink" TargetMode="External" Target="file:///C:/x.xlsx"/></Relationships>')
        z.writestr("xl/worksheets/_rels/sheet1.xml.rels", f'{HEAD}<Relationships xmlns="{package}relationships"><Relationship Id="rId1" Type="{rel}/printerSettings" Target="../printerSettings/printerSettings1.bin"/></Relationships>')
        z.writestr("xl/printerSettings/printerSettings1.bin", b"\0\1\2")
        z.writestr("xl/chartsheets/sheet1.xml", f'{HEAD}<chartsheet xmlns="{ns}"/>')
        z.writestr("xl/workbook.xml", book)
        z.writestr("xl/worksheets/sheet1.xml", sheet)
        z.writestr("xl/worksheets/sheet2.xml", words)
        z.writestr("xl/styles.xml", styles(ns))
        z.writestr("xl/sharedStrings.xml", strings.part())


# ---------------------------------------------------------------- what is in it

TITLES = [[(WRAPPED, "2025年党建问题整改台账", "runs")] + [(WRAPPED,)] * 8,
          [(WRAPPED, "序号"), (WRAPPED, "问题情况"), (WRAPPED,), (WRAPPED,), (WRAPPED, "责任单位"), (WRAPPED, "整改情况"), (WRAPPED,), (WRAPPED, "备注"), (WRAPPED, "联系电话")],
          [(WRAPPED,), (WRAPPED, "问题来源", "reading"), (WRAPPED, "反馈时间"), (WRAPPED, "具体问题", "runs"), (WRAPPED,), (WRAPPED, "整改措施"), (WRAPPED, "完成\r\n时限"), (WRAPPED,), (WRAPPED,)]]
MERGES = ["A1:I1", "A2:A3", "B2:D2", "E2:E3", "F2:G2", "H2:H3", "I2:I3"]
PROBLEMS = ["阵地管理松散", "三会一课记录不全", "党员活动日流于形式", "流动党员底数不清", "整改销号把关不严", "谈心谈话没有记录"]
FOUND = ["2025-03-01", "2025-03-02", "2025-03-03", "2025-03-04", "2025-03-05", "2025-03-06"]
DUE = "2025-12-31"


def serial(day, is_1904=False):
    import datetime
    return (datetime.date.fromisoformat(day) - datetime.date(1904, 1, 1) if is_1904 else datetime.date.fromisoformat(day) - datetime.date(1899, 12, 30)).days


def rows_of(is_1904, last_found, prefix):
    s = lambda day: serial(day, is_1904)
    found = [(DAY, s(FOUND[0])), (MOMENT, s(FOUND[1]) + 0.39583333333575865), (CHINESE_DAY, s(FOUND[2])), (LONG_DAY, s(FOUND[3])),
             (MONTH_DAY, s(FOUND[4])), last_found]
    sources = [(WRAPPED, "巡察", "reading"), (WRAPPED, "自查"), (WRAPPED, "巡察", "runs"), (WRAPPED, "自查", "str"), (WRAPPED, "巡察", "inline"), (WRAPPED, " 自查 ")]
    body = []
    for i, (problem, day, source) in enumerate(zip(PROBLEMS, found, sources)):
        phone = (PLAIN, "#N/A", "e") if i == 2 else (PLAIN, 13800000000 + i)
        body.append([(PLAIN, i + 1, "f"), source, day, (WRAPPED, prefix + problem, "runs" if i == 1 else "plain"), (WRAPPED, "穗香镇", "reading" if i == 0 else "plain"),
                     (WRAPPED, "1.立规矩\r\n2.抓落实" if i == 0 else "补记录"), (DAY, s(DUE)), (WRAPPED,) if i else (WRAPPED, "  =不是公式", "plain"), phone])
        if i == 3:
            body.append([(WRAPPED,)] * 9)  # a line that somebody left free
    return TITLES + body


def fields(path):
    done = city_j("import-xlsx", path)
    assert counts(done) == (6, 0, 0, 0), done
    assert done["sheet"] == "问题整改台账" and done["ignored_columns"] == ["联系电话"], done
    return [city_j("show", row["record"]) for row in done["rows"]]


def check(path, prefix):
    dry = city_j("import-xlsx", path, "--dry-run")
    assert counts(dry) == (6, 0, 0, 0) and dry["faults"] == [] and dry["first_row"] == 4, dry
    made = fields(path)
    for record, problem, day in zip(made, PROBLEMS, FOUND):
        f = record["fields"]
        assert f["problem"] == prefix + problem and f["found_at"][:10] == day and f["deadline"] == DUE, f
        assert f["source_type"] in ("巡察", "自查") and record["unit"] == "K4-01", (f, record["unit"])
    assert made[0]["fields"]["measures"] == ["立规矩", "抓落实"] and made[0]["fields"]["remark"] == "=不是公式", made[0]["fields"]
    assert counts(city_j("import-xlsx", path)) == (0, 0, 6, 0), "the same file again"


def as_excel_saves_it():
    init()
    workbook("excel.xlsx", rows_of(False, (DAY, "2025-3-6"), "甲:"), MERGES)
    check("excel.xlsx", "甲:")


def the_calendar_of_1904():
    workbook("mac.xlsx", rows_of(True, (DAY, serial(FOUND[5], True)), "乙:"), MERGES, is_1904=True)
    check("mac.xlsx", "乙:")


def strict_open_xml():
    workbook("strict.xlsx", rows_of(False, (DAY, FOUND[5] + "T00:00:00.000", "d"), "丙:"), MERGES, strict=True)
    check("strict.xlsx", "丙:")


def a_changed_cell_and_a_bad_one():
    rows = rows_of(False, (DAY, "2025-3-6"), "甲:")
    rows[4][7] = (WRAPPED, "已约谈", "runs")
    workbook("edited.xlsx", rows, MERGES)
    done = city_j("import-xlsx", "edited.xlsx")
    assert counts(done) == (0, 1, 5, 0), done
    assert city_j("show", done["rows"][0]["record"])["fields"]["remark"] == "已约谈"
    # A day in a cell without a date's format is a number, and a formula that failed is no day: the place is named.
    for bad in ((PLAIN, serial(FOUND[0])), (MONEY, serial(FOUND[0])), (DAY, "#REF!", "e")):
        rows = rows_of(False, (DAY, "2025-3-6"), "丁:")
        rows[3][2] = bad
        workbook("bad.xlsx", rows, MERGES)
        line = one_line(city("city", "import-xlsx", "bad.xlsx", env=NOW, check=2)[1])
        assert "第 4 行 C 列" in line, line
    assert not [r for r in city_j("list", "rectifications") if r["problem"].startswith("丁:")], "nothing half done"


def a_branch_reports_by_it():
    server = Server("city", env=NOW)
    enrol(server, "B03", "b3", env=NOW)
    server.stop()
    row = next(r for r in branch_json("b3", "list", "assignments", env=NOW) if r["status"] == "办理中")
    titles = [(WRAPPED, x) for x in ("序号", "任务名称", "责任单位", "进展情况", "完成率", "备注")]
    workbook("progress.xlsx", [titles, [(PLAIN, 1, "f"), (WRAPPED, row["title"], "runs"), (WRAPPED, row["unit"], "reading"),
                                        (WRAPPED, "已走访12户\r\n还差3户"), (PERCENT, 0.55000000000000004), (WRAPPED, "第一批", "inline")]])
    done = branch_json("b3", "import-xlsx", "progress.xlsx", env=NOW)
    assert counts(done) == (0, 1, 0, 0), done
    shown = branch_json("b3", "show", row["id"], env=NOW)["fields"]
    assert shown["text"] == "已走访12户\n还差3户" and shown["remark"] == "第一批", shown
    assert abs(shown["value"] - row["target_value"] * 0.55) < 0.01, (shown["value"], row["target_value"])
    assert counts(branch_json("b3", "import-xlsx", "progress.xlsx", env=NOW)) == (0, 0, 1, 0)


run(as_excel_saves_it, the_calendar_of_1904, strict_open_xml, a_changed_cell_and_a_bad_one, a_branch_reports_by_it)
