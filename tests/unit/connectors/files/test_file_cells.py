"""Cells: one set of rules for errors, codes, numbers and words, whichever reader hands them
over.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from filerows import cells_of, file_of, wanted
from hypothesis import given
from hypothesis import strategies as st
from workbooks import header, row, text, workbook

from connectors.files.mapping.mapper import RowMapper
from connectors.files.mapping.model import load_mapping
from connectors.files.mapping.notation import Numbers, Times
from connectors.files.mapping.numbers import PLAIN, NumberReader
from connectors.files.mapping.values import TimeReader
from connectors.files.readers.cells import (
    DecimalNumber,
    RowRefused,
    Unexpected,
    cell_spellings,
    cell_text,
    code_of,
    part_of,
)
from connectors.files.readers.rows import WantedColumns

ERRORS = (
    "#NULL!",
    "#DIV/0!",
    "#VALUE!",
    "#REF!",
    "#NAME?",
    "#NUM!",
    "#N/A",
    "#GETTING_DATA",
    "#SPILL!",
    "#CALC!",
    "#FIELD!",
    "#BLOCKED!",
    "#CONNECT!",
    "#BUSY!",
    "#UNKNOWN!",
    "#PYTHON!",
    "#FORMULA!",
    "Err:502",
    " #N/A ",
)


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_is_no_value_in_any_file(tmp_path: Path, error: str) -> None:
    files = (
        file_of(tmp_path, f"a,b\n1,{error}\n"),
        file_of(tmp_path, json.dumps({"a": 1, "b": error}), "rows.jsonl"),
        file_of(tmp_path, json.dumps({"a": 1, "b": ["x", error]}), "list.jsonl"),
        workbook(tmp_path / "rows.xlsx", header("a", "b"), row(2, text("B2", error))),
    )
    for path in files:
        (problem,) = cells_of(path, wanted("a", "b"))
        name = "cell B2 (column b)" if path.suffix == ".xlsx" else "column b"
        assert problem == f"{name} holds the error {error.strip()}"


def test_a_column_that_was_too_narrow_has_no_values(tmp_path: Path) -> None:
    (problem,) = cells_of(file_of(tmp_path, "a,b\n1,####\n"), wanted("a", "b"))
    assert (
        problem
        == "column b shows #### instead of its value: widen its column, and export the file anew"
    )


def test_a_lost_letter_is_no_value(tmp_path: Path) -> None:
    (problem,) = cells_of(file_of(tmp_path, "a,b\n1,X\ufffd\n"), wanted("a", "b"))
    assert "column b holds \ufffd in place of a letter that was lost" in problem


@pytest.mark.parametrize("sound", ["#1", "N/A", "#", "Error", "HS#REF!1", "# 7"])
def test_what_only_looks_like_an_error_is_text(tmp_path: Path, sound: str) -> None:
    assert cells_of(file_of(tmp_path, f"a,b\n1,{sound}\n"), wanted("b")) == [(sound,)]


REAL = DecimalNumber(Decimal("1.003460"), "1.003460")


@pytest.mark.parametrize(
    "cell",
    [
        True,
        REAL,
        DecimalNumber(Decimal("7.0"), "7.0"),
        10**15,
        ["a"],
        {"a": 1},
        "2,50111E+17",
        "2.5e+17",
        "-1E+03",
    ],
)
def test_what_is_no_code(cell: Any) -> None:
    for read in (code_of, part_of):
        with pytest.raises(Unexpected):
            read(cell)


@pytest.mark.parametrize(
    "cell, code",
    [
        (" 007 ", "007"),
        (7, "7"),
        (-7, "-7"),
        (10**15 - 1, "9" * 15),
        (DecimalNumber(Decimal(7), "007", True), "007"),
        ("7.0", "7.0"),
        ("2E5", "2E5"),
        ("1E+5", "1E+5"),
        ("9" * 20, "9" * 20),
    ],
)
def test_what_is_a_code(cell: Any, code: str) -> None:
    assert code_of(cell) == part_of(cell) == code


def test_a_day_is_a_part_of_an_id_but_no_code() -> None:
    """A spreadsheet makes 1 November of the code 1-11; but a time belongs into the id of what
    happened then.
    """
    day, moment = datetime(2026, 11, 1), datetime(2026, 11, 1, 9)
    assert (part_of(day), code_of(moment)) == ("2026-11-01T00:00:00", "2026-11-01T09:00:00")
    with pytest.raises(Unexpected, match="turns codes such as 1-11 into dates"):
        code_of(day)


@pytest.mark.parametrize(
    "cell, texts",
    [
        (None, {""}),
        (" a ", {"a"}),
        ("é", {"é"}),
        (True, {"true"}),
        (9, {"9"}),
        ("9.0", {"9.0", "9"}),
        ("01.0", {"01.0", "01"}),
        ("1.5", {"1.5"}),
        (DecimalNumber(Decimal("9.0"), "9.0"), {"9.0", "9"}),
        (DecimalNumber(Decimal(7), "007", True), {"007", "7"}),
        ("9.000", {"9.000"}),
    ],
)
def test_words_of_tables_and_conditions(cell: Any, texts: set[str]) -> None:
    assert set(cell_spellings(cell)) == texts
    assert cell_text(cell) in texts


@pytest.mark.parametrize(
    "cell, number",
    [
        ("38", 38),
        ("38.0", 38),
        ("38,00", 38),
        (" 7 ", 7),
        ("-1", -1),
        (38, 38),
        (DecimalNumber(Decimal("38.0"), "38.0"), 38),
        ("007", 7),
        (DecimalNumber(Decimal("1e3"), "1e3"), 1000),
    ],
)
def test_whole_numbers(cell: Any, number: int) -> None:
    assert PLAIN(cell) == number


@pytest.mark.parametrize(
    "cell",
    [
        "50.000",
        "50,000",
        "1,250,000",
        "50.000 đ",
        "1.5",
        "1_000",
        "٣",
        "",
        "1e3",
        "2,5E+05",
        True,
        ["1"],
        "1" * 19,
        10**15,
        None,
        DecimalNumber(Decimal("1.5"), "1.5"),
        DecimalNumber(Decimal("50.000"), "50.000"),
        DecimalNumber(Decimal("1e15"), "1e15"),
        datetime(2026, 1, 1),
    ],
)
def test_what_is_no_whole_number_or_might_be_two(cell: Any) -> None:
    with pytest.raises(Unexpected, match="a whole number"):
        PLAIN(cell)


DONG = Numbers(thousands=".", unit="đ")


@pytest.mark.parametrize(
    "numbers, cell, number",
    [
        (DONG, "50.000", 50_000),
        (DONG, "1.250.000 đồng", 1_250_000),
        (DONG, "50.000đ", 50_000),
        (DONG, "50000 VNĐ", 50_000),
        (DONG, "50.000,00 ₫", 50_000),
        (DONG, "VND 50.000", 50_000),
        (DONG, "50.000 Đồng", 50_000),
        (DONG, "50.000\u00a0VND", 50_000),
        (DONG, "-1.000", -1_000),
        (DONG, 50_000, 50_000),
        (Numbers(thousands=","), "1,250,000", 1_250_000),
        (Numbers(thousands=","), "1,250,000.00", 1_250_000),
        (Numbers(thousands=","), "38.0", 38),
        (Numbers(thousands=" "), "1 250 000", 1_250_000),
        (Numbers(thousands=".", decimal=","), "50.000,0", 50_000),
        (Numbers(thousands=" "), "1\u202f250\u00a0000", 1_250_000),
        (Numbers(decimal=","), "50,000", 50),
        (Numbers(unit="USD"), "7 usd", 7),
        (Numbers(decimal="."), DecimalNumber(Decimal("50.000"), "50.000"), 50),
    ],
)
def test_numbers_as_they_are_declared(numbers: Numbers, cell: Any, number: int) -> None:
    assert NumberReader(numbers)(cell) == number


@pytest.mark.parametrize(
    "numbers, cell",
    [
        (DONG, "50.00"),
        (DONG, "38.0"),
        (DONG, "1250.000"),
        (DONG, "1.250.00"),
        (DONG, "50,000"),
        (DONG, "50.000,5"),
        (DONG, "50.000 USD"),
        (Numbers(thousands=".", decimal=","), "50,000"),
        (Numbers(decimal=","), "50,500"),
        (DONG, ".500"),
        (DONG, "50. 000"),
        (DONG, "đ"),
        (Numbers(unit="đ"), "50.000 đ"),
        (Numbers(thousands=","), "50.000"),
        (DONG, "2,5E+05"),
        (Numbers(thousands=" "), "50.000"),
        (DONG, DecimalNumber(Decimal("50.000"), "50.000")),
    ],
)
def test_numbers_that_are_not_as_declared(numbers: Numbers, cell: Any) -> None:
    with pytest.raises(Unexpected, match="a whole number"):
        NumberReader(numbers)(cell)


@given(st.integers(0, 10**15 - 1))
def test_an_amount_is_the_same_however_it_is_written(amount: int) -> None:
    grouped = f"{amount:,}"
    assert NumberReader(Numbers(thousands=","))(f"{grouped}.00") == amount
    assert NumberReader(DONG)(f"{grouped.replace(',', '.')} đ") == amount
    assert PLAIN(f"{amount}") == amount


@pytest.mark.parametrize(
    "text, fits", [("01112026", True), ("1112026", False), ("11102026", True), ("20261103", False)]
)
def test_days_without_separators_need_all_their_digits(text: str, fits: bool) -> None:
    """1112026 is 1 November and 11 January."""
    read = TimeReader(Times(formats=["%d%m%Y"]))
    if fits:
        assert read(text)
    else:
        with pytest.raises(Unexpected):
            read(text)


def test_a_number_is_no_time_unless_a_format_reads_it() -> None:
    for cell in (46_296, DecimalNumber(Decimal("46296.375"), "46296.375")):
        with pytest.raises(Unexpected, match="not a plain number"):
            TimeReader(Times())(cell)
    assert (
        TimeReader(Times(formats=["epoch_s"]))(
            DecimalNumber(Decimal("1762135200.0"), "1762135200.0")
        )
        == 1_762_135_200_000
    )


MAP = """\
source: sample/test
tables: {state: {values: {1: paid, 4: failed}}}
events:
  - event: dossier.paid
    when: {column: kind, equals: "9"}
    id: "{id}/paid"
    fields: {dossier_id: "{id}", agency: SAMPLE.A, occurred_at: "{at}", reference: "{id}",
      amount: "{amount}", online: "{online}", state: {column: state, table: state}}
"""
SOUND = {"kind": "9", "id": "D-1", "at": "2026-10-06", "amount": "38", "online": "x", "state": "1"}
TEXTS = (
    "9",
    "9.0",
    "9.000",
    "38.5",
    "50.000",
    " 1 ",
    "007",
    "true",
    "Có",
    "#N/A",
    "2,5E+17",
    "2026-10-06 23:59",
    "X\ufffd",
    "1e3",
    "",
)


@given(st.sampled_from(tuple(SOUND)), st.sampled_from(TEXTS))
def test_the_same_text_means_the_same_in_every_file(
    tmp_path_factory: pytest.TempPathFactory, column: str, text_: str
) -> None:
    folder, told = tmp_path_factory.mktemp("same"), SOUND | {column: text_}
    (folder / "map.yaml").write_text(MAP, "utf-8")
    mapper = RowMapper(*load_mapping(folder / "map.yaml"))
    files = (
        file_of(folder, ";".join(told) + "\n" + ";".join(told.values()) + "\n"),
        file_of(folder, json.dumps(told), "rows.jsonl"),
        file_of(folder, json.dumps([told]), "rows.json"),
        workbook(
            folder / "rows.xlsx",
            header(*told),
            row(2, *(text(f"{'ABCDEF'[n]}2", cell) for n, cell in enumerate(told.values()))),
        ),
    )

    def read(path: Path) -> list[dict[str, Any]] | None:
        (cells,) = cells_of(path, WantedColumns(mapper.columns, mapper.required))
        try:
            return (
                None
                if isinstance(cells, str)
                else [mapper.event(draft, 1 << 50).model_dump() for draft in mapper.drafts(cells)]
            )
        except RowRefused:
            return None

    first, *others = map(read, files)
    assert others == [first] * 3
