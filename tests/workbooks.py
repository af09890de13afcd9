"""Small XLSX workbooks of the tests' own making, part by part, so that they may be as odd as those
that come in.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"
LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"


def text(reference: str, value: str) -> str:
    """A cell of text."""
    return f'<c r="{reference}" t="inlineStr"><is><t>{value}</t></is></c>'


def number(reference: str, value: str, style: int = 0) -> str:
    """A cell of a number, in one of the workbook's formats."""
    return f'<c r="{reference}" s="{style}"><v>{value}</v></c>'


def row(place: int, *cells: str) -> str:
    """A row of cells."""
    return f'<row r="{place}">{"".join(cells)}</row>'


def header(*names: str) -> str:
    """The first row."""
    return row(1, *(text(f"{'ABCDEFGH'[place]}1", name) for place, name in enumerate(names)))


def workbook(
    path: Path,
    *rows: str,
    formats: Sequence[str] = (),
    prefix: str = "",
    strict: bool = False,
    calculation: str = "",
    sheets: Sequence[tuple[str, str]] = (("data", "visible"),),
    others: Sequence[str] = (),
    behind: str = "",
    shared: Sequence[str] = (),
    properties: str = "",
) -> Path:
    """Write a workbook; its first sheet holds `rows`, each further one the next of `others`. Style
    n+1 is number format n of `formats`.
    """
    main, office = (STRICT, STRICT_OFFICE) if strict else (MAIN, OFFICE)
    listed = "".join(
        f'<sheet name="{name}" sheetId="{n}" state="{state}" r:id="s{n}"/>'
        for n, (name, state) in enumerate(sheets, 1)
    )
    linked = "".join(
        link(f"s{n}", f"{office}/worksheet", f"worksheets/sheet{n}.xml")
        for n in range(1, len(sheets) + 1)
    )
    linked += "".join(
        link(kind, f"{office}/{kind}", f"/xl/{kind}.xml") for kind in ("styles", "sharedStrings")
    )
    start = link("w", f"{office}/officeDocument", "xl/workbook.xml")
    declared = "".join(
        f'<numFmt numFmtId="{164 + n}" formatCode="{escape(code)}"/>'
        for n, code in enumerate(formats)
    )
    styles = "".join(
        f'<xf numFmtId="{number}"/>' for number in (0, *(164 + n for n in range(len(formats))))
    )
    parts = {
        "_rels/.rels": f'<Relationships xmlns="{LINKS}">{start}</Relationships>',
        "xl/workbook.xml": (
            f'<workbook xmlns="{main}"'
            f' xmlns:r="{office}">{properties}<sheets>{listed}</sheets>{calculation}</workbook>'
        ),
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{LINKS}">{linked}</Relationships>',
        "xl/styles.xml": (
            "<styleSheet"
            f' xmlns="{main}"><numFmts>{declared}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>'
        ),
        "xl/sharedStrings.xml": (
            f'<sst xmlns="{main}">{"".join(f"<si>{item}</si>" for item in shared)}</sst>'
        ),
    }
    for place, content in enumerate(("".join(rows), *others), 1):
        after = behind if place == 1 else ""
        sheet = f'<worksheet xmlns="{main}"><sheetData>{content}</sheetData>{after}</worksheet>'
        parts[f"xl/worksheets/sheet{place}.xml"] = prefixed(sheet, prefix)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def link(name: str, kind: str, target: str) -> str:
    """A relation between parts."""
    return f'<Relationship Id="{name}" Type="{kind}" Target="{target}"/>'


def prefixed(sheet: str, prefix: str) -> str:
    """The same elements, written with a prefix."""
    if not prefix:
        return sheet
    marked = sheet.replace("</", "\0").replace("<", f"<{prefix}:").replace("\0", f"</{prefix}:")
    return marked.replace("xmlns=", f"xmlns:{prefix}=")
