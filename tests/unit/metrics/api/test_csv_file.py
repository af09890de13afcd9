"""CSV as it leaves: what a spreadsheet reads is what was told, and nothing in it runs."""

from __future__ import annotations

import csv
from datetime import date
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.api.csv import Sheet, answered, csv_text
from schemas.spreadsheets import MARK, CsvValue, unguarded

DANGEROUS = "=+-@\t\r\n＝＋－＠"


def fields(*row: CsvValue) -> list[str]:
    """A row as it is read back."""
    text = csv_text(Sheet("sample", ["column"] * len(row), [row]))
    assert text.startswith(MARK)
    _, found = csv.reader(StringIO(text.removeprefix(MARK), newline=""))
    return found


@pytest.mark.parametrize("first", DANGEROUS)
def test_no_text_begins_as_a_formula(first: str) -> None:
    assert fields(f"{first}cmd|' /C calc'!A0", "x") == [f"'{first}cmd|' /C calc'!A0", "x"]


def test_numbers_stay_numbers_and_what_is_not_there_is_empty() -> None:
    assert fields(-3, -0.25, 0, None, True, False, date(2025, 11, 3), "-", "") == [
        "-3",
        "-0.25",
        "0",
        "",
        "true",
        "false",
        "2025-11-03",
        "-",
        "",
    ]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_every_text_is_read_back_as_it_was_but_for_the_apostrophe(texts: list[str]) -> None:
    for text, found in zip(texts, fields(*texts, "end"), strict=False):
        assert unguarded(found) == text
        assert not found.startswith(tuple(DANGEROUS)) or found == "-"


def test_the_name_of_the_file_is_plain_whatever_it_is_made_of() -> None:
    found = answered(Sheet('agency-"; x=\r\n../Ư', ["a"], []), {"Link": "<next>"})
    assert (
        found.headers["content-disposition"] == 'attachment; filename="lgsp-agency----x---..--.csv"'
    )
    assert (found.headers["link"], found.headers["content-type"]) == (
        "<next>",
        "text/csv; charset=utf-8",
    )
    assert found.body == b"\xef\xbb\xbfa\r\n"
