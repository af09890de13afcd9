"""CSV and JSON, sound and damaged: always rows with their line, or one clear sentence."""

from __future__ import annotations

import csv
import gzip
import io
import json
import unicodedata
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from filerows import AB, cells_of, file_of, rows_of, unreadable, wanted
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.readers.cells import DecimalNumber, cell_text
from connectors.files.readers.opening import open_rows
from connectors.files.readers.options import FileOptions
from connectors.files.readers.rows import WantedColumns
from connectors.files.readers.source import LONGEST_LINE, UnreadableFile, file_digest
from schemas.masking import quoted


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiter_and_byte_order_mark_are_recognised(
    tmp_path: Path, delimiter: str, mark: str
) -> None:
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
    assert cell_text(cell) == "Xã"


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


def test_wrong_column_counts_reject_their_rows(tmp_path: Path) -> None:
    path = file_of(tmp_path, 'a,b\n1\n1,2,3\n1,2\n"x\ny",2,3\n')
    short, long, good, lines = rows_of(path)
    assert short.problem == "the row has 1 cells where the header names 2"
    assert (long.problem, long.cells) == ("the row has 3 cells where the header names 2", ())
    assert (good.line, tuple(good.cells)) == (4, ("2", "1"))
    assert lines.problem == "the row (lines 5 to 6) has 3 cells where the header names 2"


def test_a_quote_swallows_no_rows(tmp_path: Path) -> None:
    """Closed by the next one far below, it would make one cell of all rows between."""
    content = 'id;a;note\n1;x;\n2;x;"Tấm tôn 20\n3;x;\n\n4;x;Tấm 30"\n5;x;"and ""one"" more"\n'
    found = rows_of(file_of(tmp_path, content), wanted("id", "note"))
    assert [row.line for row in found] == [2, 3, 4, 6, 7]
    assert [tuple(row.cells) for row in found] == [("1", ""), (), (), (), ("5", 'and "one" more')]
    assert {row.problem.split(": ")[0] for row in found[1:4]} == {
        "the quote that opens in line 3 takes in lines below that look like rows"
    }
    assert found[1].text == '2;x;"Tấm tôn 20'


@pytest.mark.parametrize(
    "content, lines, problem",
    [
        # a middle column, one row
        ('1;"x;n\n2;y";n\n', [2, 3], "the quote that opens in line 2 takes in lines below"),
        (
            '1;x;"n\nm"n\n',
            [2, 3],
            "the quote that opens in line 2 closes in the middle of a cell in line 3",
        ),
        ('1;x;12" pipe\n', [2], "a quote stands in the middle of cell 3"),
        ('1;x;n"\n', [2], "a quote stands in the middle of cell 3"),
        ('1;"x"y;n\n', [2], "a quote stands in the middle of cell 2"),
        ('1;x; "n"\n', [2], "a quote stands in the middle of cell 3"),
        (
            '1;x;"n\n\n\xff"\n',
            [2, 4],
            "the quote that opens in line 2 takes in line 4, which can't be read",
        ),
    ],
)
def test_quotes_that_are_no_csv_reject_their_lines(
    tmp_path: Path, content: str, lines: list[int], problem: str
) -> None:
    path = file_of(tmp_path, ("id;a;note\n" + content + "9;x;ok\n").encode("latin-1"))
    *refused, last = rows_of(path, wanted("id", "note"))
    assert [row.line for row in refused] == lines
    assert refused[0].problem.startswith(problem)
    assert tuple(last.cells) == ("9", "ok")


@pytest.mark.parametrize(
    "content", ['1;x;"n\n2;y;n\n3;y;n\n', '1;x;"n\n2\n3\n', '1;x;"n\n' + "2\n" * 9]
)
def test_a_quote_that_is_never_closed_rejects_each_line_below(tmp_path: Path, content: str) -> None:
    found = rows_of(file_of(tmp_path, "id;a;note\n" + content), wanted("id", "note"))
    assert [row.line for row in found] == list(range(2, 2 + content.count("\n")))
    assert all(row.problem.startswith("the quote that opens in line 2") for row in found)


@pytest.mark.parametrize(
    "note", ["two\nlines", "two, three\n\nlines;\r\nand more", 'a "quoted"\nword', '"\n"']
)
def test_a_cell_of_several_lines_that_nobody_takes_for_rows_is_read(
    tmp_path: Path, note: str
) -> None:
    quoted = note.replace('"', '""')
    path = file_of(tmp_path, f'id;a;note\n1;x;"{quoted}"\n"2";"{quoted}";"{quoted}"\n3;x;y\n')
    assert cells_of(path, wanted("id", "note")) == [("1", note), ("2", note), ("3", "y")]


def test_a_quote_in_the_header_swallows_nothing_either(tmp_path: Path) -> None:
    message = unreadable(file_of(tmp_path, 'id;a;"note\n1;x;\n2;x;y"\n3;x;y\n'), wanted("id"))
    assert message.startswith(
        "rows.csv can't be read: in its header (line 1) the quote that opens in line 1 takes in"
        " lines below"
    )


def test_a_line_without_end_is_rejected_in_flat_memory(tmp_path: Path) -> None:
    path = file_of(tmp_path, "a,b\n" + "x" * (3 * LONGEST_LINE) + "\n1,2\n")
    long, good = rows_of(path)
    assert long.problem == "the line is longer than 1,048,576 characters"
    assert (good.line, tuple(good.cells)) == (3, ("2", "1"))


LETTERS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",), exclude_characters="\0#\ufffd"),
    max_size=8,
)


@given(st.lists(st.tuples(LETTERS, LETTERS), max_size=20))
def test_what_csv_writes_is_what_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    """Only a cell that holds a line break and a delimiter may be refused."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    found = cells_of(file_of(tmp_path_factory.mktemp("csv"), text.getvalue()), wanted("a", "b"))
    told = [row for row in found if isinstance(row, tuple)]
    plain = [
        row
        for row in rows
        if any(row) and not any("," in cell and ("\n" in cell or "\r" in cell) for cell in row)
    ]
    assert told == [row for row in rows if row in told]
    assert [row for row in told if row in plain] == plain


def test_a_missing_column_is_named_with_those_that_exist(tmp_path: Path) -> None:
    message = unreadable(file_of(tmp_path, "a;c d\n1;2\n"))
    assert (
        message
        == "rows.csv has no column 'b', which the mapping reads; it has 'a', 'c d': correct the"
        " mapping or the file."
    )
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


@pytest.mark.parametrize(
    "harm", [lambda packed: packed[:-9], lambda packed: packed[:40] + b"\0\0\0\0" + packed[44:]]
)
def test_damaged_compression_is_found_before_anything_is_read(tmp_path: Path, harm: Any) -> None:
    packed = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * n) for n in range(5_000)))
    path = file_of(tmp_path, harm(packed), "rows.csv.gz")
    with pytest.raises(
        UnreadableFile, match=r"rows\.csv\.gz is damaged or cut off \(.+\): have it sent again"
    ):
        file_digest(path)
    assert "is damaged or cut off" in unreadable(path)


def test_files_that_are_none(tmp_path: Path) -> None:
    assert "There is no file" in unreadable(tmp_path / "gone.csv")
    assert "can't be read" in unreadable(tmp_path)
    assert "does not show its format" in unreadable(file_of(tmp_path, "a,b\n", "rows.dat"))
    assert cells_of(file_of(tmp_path, "a,b\n1,2\n", "rows.dat"), format="csv") == [("2", "1")]


def test_json_lines_with_missing_keys_objects_within_and_native_values(tmp_path: Path) -> None:
    lines = [
        {"a": 1, "b": {"c": True, "d": None}},
        {"a": 2.5},
        {"a": "x", "b": {"c": "y"}, "z": [1]},
    ]
    path = file_of(tmp_path, "\n".join(map(json.dumps, lines)) + "\n\n", "rows.jsonl")
    real = DecimalNumber(Decimal("2.5"), "2.5")
    assert cells_of(path, WantedColumns(("a", "b.c", "b.d"), frozenset("a"))) == [
        (1, True, None),
        (real, None, None),
        ("x", "y", None),
    ]
    packed = file_of(tmp_path, gzip.compress(path.read_bytes()), "rows.ndjson.gz")
    assert cells_of(packed, wanted("a")) == [(1,), (real,), ("x",)]


def test_lines_that_are_no_json_objects_are_rejected(tmp_path: Path) -> None:
    path = file_of(
        tmp_path,
        b'{"a":1}\n{"a":\n[1]\n\n{"a":"\xff"}\n{"a":NaN}\n' + b'{"a":' * 5000 + b'\n{"a":2}\n',
        "rows.jsonl",
    )
    found = rows_of(path, wanted("a"))
    assert [row.line for row in found] == [1, 2, 3, 5, 6, 7, 8]
    assert [bool(row.problem) for row in found] == [False, True, True, True, True, True, False]
    assert found[1].problem == "the line is no JSON: it breaks off before its end"
    assert found[4].problem == "the line is no JSON: NaN is no number that JSON has"
    assert found[5].problem == "the line holds objects within objects without end"
    assert found[2].problem.startswith("the line is no JSON object")
    assert found[3].problem.startswith("byte 0xFF is no utf-8 text")
    assert found[2].text == "[1]"


@pytest.mark.parametrize(
    "line, key",
    [
        ('{"a": 1, "a": 2}', "a"),
        ('{"a": 1, " a": 1}', "a"),
        ('{"é": 1, "e\u0301": 1}', "é"),
        ('{"a": 1, "z": {"y": [{"x": 1, "x": 1}]}}', "x"),
        ('{"a": 1, "fee.x": 1, "fee": {"x": 2}}', "fee.x"),
        ('{"a": 1, "fee": {"x": 2}, "fee.x": 1}', "fee.x"),
    ],
)
def test_a_key_that_stands_twice_rejects_its_object(tmp_path: Path, line: str, key: str) -> None:
    for content in (f'{line}\n{{"a": 3}}', f'[{line},\n{{"a": 3}}]'):
        refused, good = cells_of(file_of(tmp_path, content, "rows.jsonl"), wanted("a"))
        assert (
            refused == f"the key {quoted(key)} stands twice, and nobody can tell which value holds:"
            " keep one"
        )
        assert good == (3,)


def test_an_object_where_a_value_should_be_is_not_blank(tmp_path: Path) -> None:
    path = file_of(tmp_path, '{"a": {"at": 1}, "b": {}}\n', "rows.jsonl")
    assert cells_of(path, WantedColumns(("a", "a.at"), frozenset())) == [({"at": 1}, 1)]


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize("pretty", [None, 2])
def test_an_array_gives_all_of_its_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pretty: int | None, size: int
) -> None:
    monkeypatch.setattr("connectors.files.readers.source.CHUNK", size)
    path = file_of(
        tmp_path,
        json.dumps([{"a": 1}, {"a": "]"}, 17, {"a": {"b": [3]}}], indent=pretty),
        "rows.json",
    )
    found = rows_of(path, WantedColumns(("a",), frozenset()))
    assert [tuple(row.cells) for row in found] == [(1,), ("]",), (), ({"b": [3]},)]
    assert found[2].problem.startswith("the line is no JSON object")
    assert json.loads(found[3].text) == {"a": {"b": [3]}}
    assert "\n" not in found[3].text
    assert [row.line for row in found] == ([1, 1, 1, 1] if pretty is None else [2, 5, 8, 9])


@pytest.mark.parametrize(
    "content, where",
    [
        ('[{"a": 1}, {"a": ', "its part that begins in line 1 is no JSON, or is not closed"),
        ('[{"a": 1}\n{"a": 2}]', "in line 2 stands '{' where ']' should be"),
        ('[{"a": 1}]\n{"a": 2}', "in line 2 it goes on behind its end"),
        ('[{"a": 1},\n\n', "its part that begins in line 3 is no JSON, or is not closed"),
        ('[{"a": 1}', "in line 1 it breaks off where ']' should be"),
    ],
)
def test_an_array_that_is_not_whole_gives_nothing(tmp_path: Path, content: str, where: str) -> None:
    assert f"rows.json is a JSON array that can't be read: {where}" in unreadable(
        file_of(tmp_path, content, "rows.json"), wanted("a")
    )


@pytest.mark.parametrize("encoding", ["utf-32", "utf-16", "utf-8-sig"])
@pytest.mark.parametrize(
    "name, content", [("rows.csv", "a,b\n1,Xã\n"), ("rows.jsonl", '{"a": "1", "b": "Xã"}\n')]
)
def test_a_byte_order_mark_tells_the_encoding(
    tmp_path: Path, encoding: str, name: str, content: str
) -> None:
    assert cells_of(file_of(tmp_path, content.encode(encoding), name)) == [("Xã", "1")]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
def test_wide_text_without_its_mark_says_what_to_declare(tmp_path: Path, encoding: str) -> None:
    path = file_of(tmp_path, "a,b\n1,Xã\n".encode(encoding))
    assert (
        f"without a byte order mark: say `files: {{encoding: {encoding}}}` in the mapping"
        in unreadable(path)
    )
    assert cells_of(path, encoding=encoding) == [("Xã", "1")]


def test_nul_characters_are_no_text(tmp_path: Path) -> None:
    assert "holds zero bytes, so it is no text file" in unreadable(
        file_of(tmp_path, b"a,b\n1,\0\0\0\0\n")
    )
    long = file_of(tmp_path, b"a,b\n" + b"1,2\n" * 3_000 + b"1,\0\n")
    assert rows_of(long)[-1].problem.startswith("the line holds the character NUL")


@pytest.mark.parametrize(
    "start, kind",
    [(b"%PDF-1.7", "a PDF document"), (b"<html>", "a web page"), (b"PK\3\4..", "a workbook or")],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, start: bytes, kind: str) -> None:
    assert f"rows.csv is {kind}" in unreadable(file_of(tmp_path, start))
    assert f"rows.jsonl is {kind}" in unreadable(file_of(tmp_path, start, "rows.jsonl"))


def test_a_key_that_no_object_has_is_a_missing_column(tmp_path: Path) -> None:
    path = file_of(tmp_path, '{"a": 1}\n{"a": 2, "é": 3}\n', "rows.jsonl")
    assert "has no column 'b', which the mapping reads; it has 'a', 'é'" in unreadable(path)
    assert cells_of(path, WantedColumns(("é", "b"), frozenset())) == [(None, None), (3, None)]


def test_a_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    one, same, other = (
        file_of(tmp_path, text, name)
        for text, name in (("a\n1", "1.csv"), ("a\n1", "2.csv"), ("a\n2", "3.csv"))
    )
    assert file_digest(one) == file_digest(same) != file_digest(other)
