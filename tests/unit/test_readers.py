"""Readers: CSV, JSON lines and workbooks, sound and damaged, always in rows with their line or one clear sentence."""

from __future__ import annotations

import csv
import gzip
import io
import json
import unicodedata
import zipfile
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.mapping import FileOptions
from connectors.files.readers import open_rows
from connectors.files.rows import Row, Wanted
from connectors.files.source import LONGEST, UnreadableFile, fingerprint
from connectors.files.values import text_of


def wanted(*columns: str) -> Wanted:
    return Wanted(columns, frozenset(columns))


AB = wanted("b", "a")


def file_of(folder: Path, content: str | bytes, name: str = "rows.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows_of(path: Path, columns: Wanted = AB, **options: Any) -> list[Row]:
    with closing(open_rows(path, FileOptions(**options), columns)) as rows:
        found = list(rows)
        assert rows.read == len(found)
    return found


def cells_of(path: Path, columns: Wanted = AB, **options: Any) -> list[Sequence[Any]]:
    return [row.problem or tuple(row.cells) for row in rows_of(path, columns, **options)]


def unreadable(path: Path, columns: Wanted = AB, **options: Any) -> str:
    with pytest.raises(UnreadableFile) as refused:
        rows_of(path, columns, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


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


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiter_and_byte_order_mark_are_recognised(tmp_path: Path, delimiter: str, mark: str) -> None:
    header, row = delimiter.join(("a", "b", "x,;y")), delimiter.join(("1", "2", "3"))
    header = header.replace("x,;y", '"x,;y"')
    path = file_of(tmp_path, f"{mark}{header}\r\n{row}\r\n")
    assert cells_of(path) == [("2", "1")]
    assert cells_of(path, delimiter=delimiter) == [("2", "1")]


def test_one_column_needs_no_delimiter(tmp_path: Path) -> None:
    assert cells_of(file_of(tmp_path, "a\n1\n2"), wanted("a")) == [("1",), ("2",)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1258"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    """UTF-16 shows by its mark; cp1258 writes Vietnamese in pieces, which the mapping joins."""
    path = file_of(tmp_path, unicodedata.normalize("NFD", "a,b\n1,Xã\n").encode(encoding))
    ((cell, _),) = cells_of(path, encoding="cp1258" if encoding == "cp1258" else "utf-8")
    assert text_of(cell) == "Xã"


def test_bytes_of_another_encoding_reject_their_row_only(tmp_path: Path) -> None:
    path = file_of(tmp_path, b"a,b\n1,X\xe3\n2,ok\n")
    bad, good = rows_of(path)
    assert (bad.line, bad.problem) == (2, "byte 0xE3 is no utf-8 text: declare the file's encoding")
    assert (good.line, tuple(good.cells)) == (3, ("ok", "2"))


def test_quoted_cells_may_span_lines_and_blank_lines_are_no_rows(tmp_path: Path) -> None:
    path = file_of(tmp_path, 'a,b\n\n1,"two\nlines"\n,\n2,x\n')
    with closing(open_rows(path, FileOptions(), AB)) as rows:
        found = [(row.line, tuple(row.cells)) for row in rows]
        assert (rows.read, rows.blank) == (2, 2)
    assert found == [(3, ("two\nlines", "1")), (6, ("x", "2"))]


def test_a_header_may_stand_lower_and_span_lines(tmp_path: Path) -> None:
    path = file_of(tmp_path, 'Báo cáo\n\na,"b\nc"\n1,2\n')
    assert cells_of(path, wanted("b\nc"), header_row=3) == [("2",)]


def test_wrong_column_counts_and_quotes_reject_their_rows(tmp_path: Path) -> None:
    path = file_of(tmp_path, 'a,b\n1\n1,2,3\n1,"x"y\n1,2\n')
    short, long, quote, good = rows_of(path)
    assert short.problem == "the row has 1 cells where the header names 2"
    assert (long.problem, long.raw) == ("the row has 3 cells where the header names 2", ["1", "2", "3"])
    assert quote.problem.startswith("line 4 is no CSV")
    assert quote.raw == ('1,"x"y',)
    assert (good.line, tuple(good.cells)) == (5, ("2", "1"))


def test_an_open_quote_swallows_only_what_it_spans(tmp_path: Path) -> None:
    last = rows_of(file_of(tmp_path, 'a,b\n1,2\n1,"x\n3,4\n'))[-1]
    assert last.line == 3
    assert last.problem.startswith("lines 3 to 4 are no CSV")


def test_a_line_without_end_is_rejected_in_flat_memory(tmp_path: Path) -> None:
    path = file_of(tmp_path, "a,b\n" + "x" * (3 * LONGEST) + "\n1,2\n")
    long, good = rows_of(path)
    assert long.problem == "the line is longer than 1,048,576 characters"
    assert (good.line, tuple(good.cells)) == (3, ("2", "1"))


@given(st.lists(st.tuples(*[st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=8)] * 2), max_size=20))
def test_what_csv_writes_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    path = file_of(tmp_path_factory.mktemp("csv"), text.getvalue())
    assert cells_of(path, wanted("a", "b")) == [row for row in rows if any(row)]


def test_a_missing_column_is_named_with_those_that_exist(tmp_path: Path) -> None:
    message = unreadable(file_of(tmp_path, "a;c d\n1;2\n"))
    assert message == "rows.csv has no column 'b', which the mapping reads; it has 'a', 'c d': correct the mapping or the file."
    assert "more than one column 'b'" in unreadable(file_of(tmp_path, "a,b,b\n1,2,3\n"))


@pytest.mark.parametrize("content", ["", "\n", "\ufeff\n", " \n1,2\n"])
def test_an_empty_file_says_so(tmp_path: Path, content: str) -> None:
    assert "rows.csv is empty" in unreadable(file_of(tmp_path, content))
    assert "is empty" in unreadable(file_of(tmp_path, content.replace("1,2", ""), "rows.jsonl"))


def test_a_header_alone_is_a_file_without_rows(tmp_path: Path) -> None:
    assert rows_of(file_of(tmp_path, "a,b\n")) == []


def test_compressed_files_are_seen_by_their_content(tmp_path: Path) -> None:
    packed = gzip.compress(b"a,b\n1,2\n")
    assert cells_of(file_of(tmp_path, packed, "rows.csv.gz")) == [("2", "1")]
    assert cells_of(file_of(tmp_path, packed, "rows.csv")) == [("2", "1")]
    assert cells_of(file_of(tmp_path, "a,b\n1,2\n", "plain.csv.gz")) == [("2", "1")]


@pytest.mark.parametrize("harm", [lambda packed: packed[:-9], lambda packed: packed[:40] + b"\0\0\0\0" + packed[44:]])
def test_damaged_compression_is_found_before_anything_is_read(tmp_path: Path, harm: Any) -> None:
    packed = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(5_000)))
    path = file_of(tmp_path, harm(packed), "rows.csv.gz")
    with pytest.raises(UnreadableFile, match=r"rows\.csv\.gz is damaged or cut off \(.+\): have it sent again"):
        fingerprint(path)
    assert "is damaged or cut off" in unreadable(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    assert "There is no file" in unreadable(tmp_path / "gone.csv")
    assert "can't be read" in unreadable(tmp_path)
    assert "does not show its format" in unreadable(file_of(tmp_path, "a,b\n", "rows.dat"))
    assert cells_of(file_of(tmp_path, "a,b\n1,2\n", "rows.dat"), format="csv") == [("2", "1")]


def test_json_lines_with_missing_keys_objects_within_and_native_values(tmp_path: Path) -> None:
    lines = [{"a": 1, "b": {"c": True, "d": None}}, {"a": 2.5}, {"a": "x", "b": {"c": "y"}, "z": [1]}]
    path = file_of(tmp_path, "\n".join(map(json.dumps, lines)) + "\n\n", "rows.jsonl")
    assert cells_of(path, Wanted(("a", "b.c", "b.d"), frozenset("a"))) == [(1, True, None), (2.5, None, None), ("x", "y", None)]
    packed = file_of(tmp_path, gzip.compress(path.read_bytes()), "rows.ndjson.gz")
    assert cells_of(packed, wanted("a")) == [(1,), (2.5,), ("x",)]


def test_lines_that_are_no_json_objects_are_rejected(tmp_path: Path) -> None:
    path = file_of(tmp_path, b'{"a":1}\n{"a":\n[1]\n\n{"a":"\xff"}\n{"a":NaN}\n' + b'{"a":' * 5000 + b"\n{\"a\":2}\n", "rows.jsonl")
    found = rows_of(path, wanted("a"))
    assert [row.line for row in found] == [1, 2, 3, 5, 6, 7, 8]
    assert [bool(row.problem) for row in found] == [False, True, True, True, True, True, False]
    assert found[1].problem.startswith("the line is no JSON (")
    assert found[2].problem.startswith("the line is no JSON object")
    assert found[3].problem.startswith("byte 0xFF is no utf-8 text")
    assert found[2].raw == ("[1]",)


def test_a_key_that_no_object_has_is_a_missing_column(tmp_path: Path) -> None:
    path = file_of(tmp_path, '{"a": 1}\n{"a": 2, "é": 3}\n', "rows.jsonl")
    assert "has no column 'b', which the mapping reads; it has 'a', 'é'" in unreadable(path)
    assert cells_of(path, Wanted(("é", "b"), frozenset())) == [(None, None), (3, None)]


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


def test_a_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    one, same, other = (file_of(tmp_path, text, name) for text, name in (("a\n1", "1.csv"), ("a\n1", "2.csv"), ("a\n2", "3.csv")))
    assert fingerprint(one) == fingerprint(same) != fingerprint(other)
