"""Workbooks: every cell as it is shown, whichever program wrote it, or one clear sentence."""

from __future__ import annotations

def workbook_of(folder: Path, *rows: Sequence[Any], sheets: Sequence[str] = ("data",)) -> Path:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = sheets[0]
    for title in sheets[1:]:
        book.create_sheet(title)
    for row in rows:
        sheet.append(list(row))
    book.save(folder / "rows.xlsx")
    return folder / "rows.xlsx"


def test_workbooks_give_their_values(tmp_path: Path) -> None:
    at = datetime(2025, 11, 3, 9, 30)  # noqa: DTZ001 (workbooks know no zones)
    path = workbook_of(tmp_path, ("a", " b ", None), (1, at), (None, None), (2.5, "x", None), (True,))
    assert cells_of(path) == [(at, 1), ("x", 2.5), (None, True)]
    assert [row.line for row in rows_of(path)] == [2, 4, 5]


def test_a_sheet_and_a_lower_header_can_be_named(tmp_path: Path) -> None:
    path = workbook_of(tmp_path, ("Báo cáo",), (), ("a", "b"), (1, 2), sheets=("data", "other"))
    assert cells_of(path, sheet="data", header_row=3) == [(2, 1)]
    assert "has no sheet 'third', which the mapping names; it has 'data', 'other'" in unreadable(path, sheet="third")
    assert "is empty: row 1 of sheet other" in unreadable(path, sheet="other")
    assert "has no column 'b'" in unreadable(path)


def test_errors_formulas_without_result_and_surplus_cells_reject_their_rows(tmp_path: Path) -> None:
    path = workbook_of(tmp_path, ("a", "b", "c"), (1, "#N/A"), ("=1+1", 2), (3, 4, "=A1"), (5, 6, 7, 8))
    assert cells_of(path) == [
        "cell B2 (column b) holds the error #N/A",
        "cell A3 (column a) holds the formula '=1+1' without its result: open the workbook in a spreadsheet program and save it",
        (4, 3),  # the mapping does not read column c
        "the row has 4 cells where the header names 3",
    ]


def test_a_formula_with_its_result_is_that_result(tmp_path: Path) -> None:
    path = rewritten(workbook_of(tmp_path, ("a", "b"), ("=1+1", 5)), b"<v />", b"<v>2</v>", b"<v></v>")
    assert cells_of(path) == [(5, 2)]


def rewritten(path: Path, *texts: bytes) -> Path:
    """The workbook with the computed value put in, as a spreadsheet program stores it."""
    found, put, other = texts
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(found, put).replace(other, put)
    assert parts["xl/worksheets/sheet1.xml"] != sheet
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize("content", [b"no workbook", b"PK\x03\x04 broken", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_workbook_says_so(tmp_path: Path, content: bytes) -> None:
    assert "is no sound XLSX workbook" in unreadable(file_of(tmp_path, content, "rows.xlsx"))


def test_a_damaged_workbook_is_found_first(tmp_path: Path) -> None:
    path = workbook_of(tmp_path, ("a", "b"), *((n, n) for n in range(3_000)))
    content = bytearray(path.read_bytes())
    middle = content.index(b"xl/worksheets/sheet1.xml") + 200
    content[middle : middle + 20] = bytes(20)
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=r"rows\.xlsx is damaged or cut off"):
        fingerprint(path)
    assert "rows.xlsx" in unreadable(path)


