"""Workbooks: every cell as it is shown, whichever program wrote it, or one clear sentence."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from filerows import AB, cells_of, file_of, rows_of, unreadable, wanted
from workbooks import header, number, row, text, workbook

from connectors.files.readers.cells import DecimalNumber, Unexpected, code_of
from connectors.files.readers.opening import open_rows
from connectors.files.readers.options import FileOptions
from connectors.files.readers.package import NoWorkbook, Package
from connectors.files.readers.source import UnreadableFile, file_digest


def workbook_of(folder: Path, *rows: Sequence[Any], sheets: Sequence[str] = ("data",)) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = sheets[0]
    for title in sheets[1:]:
        book.create_sheet(title)
    for cells in rows:
        sheet.append(list(cells))
    book.save(folder / "rows.xlsx")
    return folder / "rows.xlsx"


def test_workbooks_give_their_values(tmp_path: Path) -> None:
    at = datetime(2025, 11, 3, 9, 30)
    path = workbook_of(
        tmp_path, ("a", " b ", None), (1, at), (None, None), (2.5, "x", None), (True,)
    )
    assert cells_of(path) == [(at, 1), ("x", DecimalNumber(Decimal("2.5"), "2.5")), (None, True)]
    assert [row.line for row in rows_of(path)] == [2, 4, 5]


def test_a_sheet_and_a_lower_header_can_be_named(tmp_path: Path) -> None:
    path = workbook_of(tmp_path, ("Báo cáo",), (), ("a", "b"), (1, 2), sheets=("data", "other"))
    assert cells_of(path, sheet="data", header_row=3) == [(2, 1)]
    assert "has no sheet 'third', which the mapping names; it has 'data', 'other'" in unreadable(
        path, sheet="third"
    )
    assert "is empty: row 1 of sheet other" in unreadable(path, sheet="other")
    assert "has no column 'b'" in unreadable(path)


def test_errors_formulas_without_result_and_surplus_cells_reject_their_rows(tmp_path: Path) -> None:
    path = workbook_of(
        tmp_path, ("a", "b", "c"), (1, "#N/A"), ("=1+1", 2), (3, 4, "=A1"), (5, 6, 7, 8)
    )
    assert cells_of(path) == [
        "cell B2 (column b) holds the error #N/A",
        (
            "cell A3 (column a) holds the formula '=1+1' without its result: open the workbook in a"
            " spreadsheet program and save it"
        ),
        (4, 3),  # the mapping does not read column c
        "the row has 4 cells where the header names 3",
    ]


@pytest.mark.parametrize("prefix", ["", "x"])
@pytest.mark.parametrize(
    "cell, read",
    [
        ('<c r="A2"><f>B2</f><v>2</v></c>', 2),
        (
            '<c r="A2"><f>B2</f></c>',
            "cell A2 (column a) holds the formula '=B2' without its result: open the workbook in a",
        ),
        (
            '<c r="A2"><f>B2</f><v/></c>',
            "cell A2 (column a) holds the formula '=B2' without its result",
        ),
        (
            '<c r="A2"><f t="shared" si="0"/><v></v></c>',
            "cell A2 (column a) holds a formula without its result",
        ),
        (
            '<c r="A2" t="str"><f>B2</f></c>',
            "cell A2 (column a) holds the formula '=B2' without its result",
        ),
        ('<c r="A2" t="str"><f>B2</f><v></v></c>', ""),  # the result is an empty text
        ('<c r="A2" t="str"><f>B2</f><v>two</v></c>', "two"),
        (
            '<c r="A2" t="e"><f>B2</f><v>#SPILL!</v></c>',
            "cell A2 (column a) holds the error #SPILL!",
        ),
        (
            '<c r="A2" t="e"><v>#UNHEARD OF</v></c>',
            "cell A2 (column a) holds the error #xxxxxxx xx",
        ),
        ('<c r="A2" t="s"><v>0</v></c>', "one two"),
        ('<c r="A2" t="s"><v>1</v></c>', "a\tb"),
        ('<c r="A2" t="b"><v>1</v></c>', True),
        (
            '<c r="A2" t="d"><v>2026-10-06T23:59:59.9999</v></c>',
            datetime(2026, 10, 6, 23, 59, 59, 999_000),
        ),
        ('<c r="A2" t="d"><v>6 Oct</v></c>', "cell A2 (column a) shows a date, but # xxx is none"),
        ('<c r="A2"><v>two</v></c>', "cell A2 (column a) holds 'two', which is no number"),
        ('<c r="A2" s="9"/>', None),
    ],
)
def test_every_kind_of_cell(tmp_path: Path, cell: str, read: Any, prefix: str) -> None:
    shared = ("<r><t>one </t></r><r><t>two</t></r><rPh><t>reading</t></rPh>", "<t>a_x0009_b</t>")
    path = workbook(
        tmp_path / "rows.xlsx",
        header("a", "b"),
        row(2, cell, number("B2", "1")),
        prefix=prefix,
        shared=shared,
    )
    ((found, *_),) = (
        problem if isinstance(problem, tuple) else (problem,)
        for problem in cells_of(path, wanted("a", "b"))
    )
    assert found == read or str(found).startswith(str(read) or "?")


def test_a_formula_that_is_still_to_be_computed_has_no_result(tmp_path: Path) -> None:
    """Programs that can't compute write 0, and that the workbook is to be computed when it is
    opened.
    """
    cells = row(2, '<c r="A2"><f>B2+5</f><v>0</v></c>', '<c r="B2"><f>5+2</f><v>7</v></c>')
    waiting = workbook(
        tmp_path / "rows.xlsx", header("a", "b"), cells, calculation='<calcPr fullCalcOnLoad="1"/>'
    )
    assert (
        cells_of(waiting)[0]
        == "cell A2 (column a) holds the formula '=B2+5' without its result: open the workbook in a"
        " spreadsheet program and save it"
    )
    assert cells_of(workbook(tmp_path / "rows.xlsx", header("a", "b"), cells)) == [(7, 0)]


@pytest.mark.parametrize("strict", [False, True])
def test_cells_count_where_they_stand(tmp_path: Path, strict: bool) -> None:
    """In any order, without references, and by either edition of the standard."""
    disordered = row(2, text("C2", "three"), text("A2", "one"))
    bare = '<row><c t="inlineStr"><is><t>x</t></is></c><c><v>1</v></c></row>'
    path = workbook(tmp_path / "rows.xlsx", header("a", "b", "c"), disordered, bare, strict=strict)
    assert cells_of(path, wanted("a", "b", "c")) == [("one", None, "three"), ("x", 1, None)]


def test_what_stands_twice_or_elsewhere_is_refused(tmp_path: Path) -> None:
    twice = row(2, number("A2", "1"), number("B2", "1"), number("A2", "2"))
    astray = row(3, number("A3", "1"), number("B4", "1"))
    assert cells_of(workbook(tmp_path / "rows.xlsx", header("a", "b"), twice, astray)) == [
        "cell A2 (column a) stands twice: open the workbook in a spreadsheet program and save it",
        "cell B3 (column b) is named B4: open the workbook in a spreadsheet program and save it",
    ]
    for rows in (
        (row(3, number("A3", "1")), row(2, number("A2", "1"))),
        (row(2, number("A2", "1")), row(2, number("B2", "1"))),
    ):
        assert "(row 2 stands behind row" in unreadable(
            workbook(tmp_path / "rows.xlsx", header("a", "b"), *rows)
        )


def test_merged_cells_hold_one_value(tmp_path: Path) -> None:
    """They look filled, and all but the first are blank."""
    rows = (
        row(place, number(f"A{place}", "1"), *([text("B2", "x")] if place == 2 else []))
        for place in (2, 3, 4)
    )
    behind = '<mergeCells><mergeCell ref="B2:B3"/><mergeCell ref="C2:D9"/></mergeCells>'
    path = workbook(tmp_path / "rows.xlsx", header("a", "b", "c"), *rows, behind=behind)
    assert cells_of(path) == [
        ("x", 1),
        "cell B3 (column b) is one of the merged cells B2:B3: split them, and fill in each",
        (None, 1),
    ]


CU = (header("a", "b") + row(2, text("A2", "cũ"), text("B2", "cũ")),)


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_sheet_is_read_only_if_it_is_named(tmp_path: Path, state: str) -> None:
    sheets = (("cu", state), ("Báo cáo", "visible"), ("khác", "visible"))
    path = workbook(
        tmp_path / "rows.xlsx",
        *CU,
        sheets=sheets,
        others=(header("a", "b") + row(2, number("A2", "1")), ""),
    )
    with closing(open_rows(path, FileOptions(), AB)) as rows:
        assert rows.note == "reading sheet 'Báo cáo', not 'cu' (hidden), 'khác'"
        assert [tuple(row.cells) for row in rows] == [(None, 1)]
    with closing(open_rows(path, FileOptions(sheet="cu"), AB)) as rows:
        assert rows.note == "reading sheet 'cu' (which is hidden), not 'Báo cáo', 'khác'"
        assert [tuple(row.cells) for row in rows] == [("cũ", "cũ")]
    with closing(open_rows(workbook(tmp_path / "rows.xlsx", *CU), FileOptions(), AB)) as rows:
        assert rows.note == "reading sheet 'data'"
    hidden = workbook(tmp_path / "rows.xlsx", *CU, sheets=(("cu", state),))
    assert (
        unreadable(hidden)
        == "rows.xlsx shows no sheet of cells (it has 'cu' (hidden)): name one in the mapping."
    )


PADDED = (
    "0.000000",
    "000000",
    "#,##0",
    "dd/mm/yyyy hh:mm",
    '"HS-"0000',
    "0.00E+00",
    "[$-42A]d/m/yyyy;@",
    '#,##0 "đ"',
    '0;"d";0',
)


@pytest.mark.parametrize(
    "stored, style, shown",
    [
        ("1.00119", 1, "1.001190"),
        ("1.0011900000000001", 1, "1.001190"),
        ("2", 1, "2.000000"),
        ("1.00119", 0, None),  # its last zero may be missing
        ("1.0011904", 1, None),  # shown as another number
        ("7", 2, "000007"),
        ("7", 0, "7"),
        ("7.0", 0, "7"),
        ("1234567", 2, "1234567"),
        ("7", 5, "HS-0007"),
        ("7", 6, None),
        ("50000", 8, "50000"),
        ("7", 9, "7"),
        ("2.501103000012346e+17", 0, None),
        ("999999999999999", 0, "999999999999999"),
        ("1000000000000000", 0, None),
        ("250110300001234592", 2, None),
    ],
)
def test_a_code_is_taken_from_a_number_only_as_it_is_shown(
    tmp_path: Path, stored: str, style: int, shown: str | None
) -> None:
    ((cell,),) = cells_of(
        workbook(
            tmp_path / "rows.xlsx", header("a"), row(2, number("A2", stored, style)), formats=PADDED
        ),
        wanted("a"),
    )
    if shown is None:
        with pytest.raises(Unexpected, match="format the column as text"):
            code_of(cell)
    else:
        assert code_of(cell) == shown


@pytest.mark.parametrize(
    "stored, style, moment",
    [
        ("46301.99999999999", 4, "2026-10-06T23:59:59.999"),
        ("46301.999999999", 7, "2026-10-06T23:59:59.999"),
        ("46301.3402777778", 4, "2026-10-06T08:10:00"),  # written with fewer digits than it had
        ("46301.34027777777", 4, "2026-10-06T08:10:00"),
        ("46301", 7, "2026-10-06T00:00:00"),
    ],
)
def test_dates_are_told_to_the_millisecond_and_stay_in_their_day(
    tmp_path: Path, stored: str, style: int, moment: str
) -> None:
    rows = (header("a"), row(2, number("A2", stored, style)))
    assert cells_of(workbook(tmp_path / "rows.xlsx", *rows, formats=PADDED), wanted("a")) == [
        (datetime.fromisoformat(moment),)
    ]


def test_dates_may_count_from_1904_and_some_are_none(tmp_path: Path) -> None:
    rows = (
        header("a"),
        row(2, number("A2", "44839.5", 4)),
        row(3, number("A3", "-1", 4)),
        row(4, number("A4", "1e300", 4)),
    )
    path = workbook(
        tmp_path / "rows.xlsx", *rows, formats=PADDED, properties='<workbookPr date1904="1"/>'
    )
    assert cells_of(path, wanted("a")) == [
        (datetime(2026, 10, 6, 12),),
        "cell A3 (column a) shows a date, but -1 is none",
        "cell A4 (column a) shows a date, but 1e300 is none",
    ]


@pytest.mark.parametrize(
    "content, why",
    [
        (b"no workbook", "it is another kind of file, whatever its name says"),
        (
            b"\xd0\xcf\x11\xe0" + bytes(99),
            "it is an .xls workbook of long ago, or protected by a password",
        ),
        (b"PK\x03\x04 broken", "its parts can't be unpacked"),
        (b"PK\x05\x06" + bytes(18), "it is another kind of file, such as .xlsb, .ods or .docx"),
    ],
)
def test_what_is_no_workbook_says_what_it_is(tmp_path: Path, content: bytes, why: str) -> None:
    message = unreadable(file_of(tmp_path, content, "rows.xlsx"))
    assert (
        message
        == f"rows.xlsx is no sound XLSX workbook ({why}): open it in a spreadsheet program and save"
        " it as .xlsx anew."
    )


@pytest.mark.parametrize(
    "sheet, why",
    [
        (header("a")[:-3], "one of its parts breaks off or is damaged at its line 1"),
        ('<row r="x"/>', "its parts do not fit together"),
        (row(1, '<c r="A1" t="s"><v>5</v></c>'), "its parts do not fit together"),
    ],
)
def test_a_sheet_that_is_damaged_gives_nothing(tmp_path: Path, sheet: str, why: str) -> None:
    assert why in unreadable(workbook(tmp_path / "rows.xlsx", sheet), wanted("a"))


def test_a_part_may_not_declare_entities(tmp_path: Path) -> None:
    path = workbook(tmp_path / "rows.xlsx", header("a"))
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/bomb.xml", '<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>')
    package = Package(path)
    with pytest.raises(NoWorkbook, match="document type"):
        list(package.feed("xl/bomb.xml", lambda name, values: None))
    package.close()


def test_a_damaged_workbook_is_found_first(tmp_path: Path) -> None:
    path = workbook_of(tmp_path, ("a", "b"), *((n, n) for n in range(3_000)))
    content = bytearray(path.read_bytes())
    middle = content.index(b"xl/worksheets/sheet1.xml") + 200
    content[middle : middle + 20] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"rows\.xlsx is damaged or cut off"):
        file_digest(path)
    assert "rows.xlsx" in unreadable(path)
