"""Workbooks touched as a person would: one cell, everything else byte for byte."""
import re
import zipfile


def escape(s):
    return str(s).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def set_cell(source, target, ref, text):
    """Another text in one cell, everything else byte for byte."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                cell = f'<c r="{ref}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'.encode()
                data, n = re.subn(rb'<c r="%s"( [^>]*?)?(/>|>.*?</c>)' % ref.encode(), cell, data, count=1)
                assert n == 1, f"no cell {ref}"
            new.writestr(name, data)


def sheet_of(path):
    """The first sheet's XML, and all texts of the workbook."""
    with zipfile.ZipFile(path) as z:
        sheet = z.read("xl/worksheets/sheet1.xml").decode()
        strings = z.read("xl/sharedStrings.xml").decode() if "xl/sharedStrings.xml" in z.namelist() else ""
    return sheet, strings + sheet
