"""Rejected rows come back in by the mapping that made them, however the first file was written; and
only if they were corrected.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from filerows import file_of
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from workbooks import header, number, row, text, workbook

from connectors.files.importer import Import
from connectors.files.readers.source import UnreadableFile
from schemas.clock import to_ms
from schemas.events import Event
from schemas.settings import Settings
from schemas.spreadsheets import guarded, unguarded

MAP = """\
source: sample/test
files: FILES
times: {formats: ["%d/%m/%Y"], clock: "17:00"}
events:
  - event: dossier.received
    id: "{id}/received"
    fields:
      dossier_id: "{id}"
      agency: {column: agency, table: agency}
      occurred_at: "{at}"
      procedure: "{procedure}"
      channel: online
      due_at: {column: due, optional: true}
tables: {agency: {values: {Xã Mẫu A: SAMPLE.A}}}
"""
NAMES = ("id", "agency", "at", "procedure", "due", "note")
GOOD = ("D-1", "Xã Mẫu A", "03/11/2025", "1.001190", "", "x")
BAD = ("D-2", "Xã Mẫu B", "03/11/2025", "1.001190", "04/11/2025", 'a "note",\nof; =two|lines')


class Kept:
    """Takes whatever is sent."""

    settings = Settings()

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def publish(self, events: list[Event]) -> None:
        self.events += events

    async def send(self, records: Any) -> None:
        """Quarantine is not looked at here."""

    async def __aenter__(self) -> Kept:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to let go of."""


async def imported(
    folder: Path, path: Path, files: str = "{}", mapping: str = MAP
) -> tuple[int, list[Event]]:
    """Exit code, and what was sent."""
    kept, map_path = Kept(), folder / "map.yaml"
    map_path.write_text(mapping.replace("FILES", files), "utf-8")
    code = await Import(Settings(data=folder / "var"), map_path, Console(file=io.StringIO())).run(
        [path], lambda _: kept
    )
    return code, kept.events


def csv_of(delimiter: str, *rows: tuple[str, ...]) -> str:
    return "".join(
        delimiter.join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in cells) + "\r\n"
        for cells in rows
    )


def plain(folder: Path) -> Path:
    return file_of(folder, csv_of(";", NAMES, GOOD, BAD))


def titled(folder: Path) -> Path:
    return file_of(folder, "Báo cáo\n\n" + csv_of("|", NAMES, GOOD, BAD))


def in_another_encoding(folder: Path) -> Path:
    return file_of(folder, csv_of("\t", NAMES, GOOD, BAD).encode("utf-16-le"))


def packed(folder: Path) -> Path:
    return file_of(folder, gzip.compress(csv_of(",", NAMES, GOOD, BAD).encode()), "rows.csv.gz")


def lines(folder: Path) -> Path:
    return file_of(
        folder,
        "".join(json.dumps(dict(zip(NAMES, cells, strict=True))) + "\n" for cells in (GOOD, BAD)),
        "rows.jsonl",
    )


def array(folder: Path) -> Path:
    return file_of(
        folder,
        json.dumps([dict(zip(NAMES, cells, strict=True)) for cells in (GOOD, BAD)], indent=1),
        "rows.json",
    )


def sheet(folder: Path) -> Path:
    """Dates and codes are numbers in their formats, and the formats of the mapping do not read ISO
    dates.
    """
    rows = (
        row(
            place,
            text(f"A{place}", f"D-{place - 1}"),
            text(f"B{place}", agency),
            number(f"C{place}", "45964", 1),
            number(f"D{place}", "1.00119", 2),
            *([number("E3", "45965", 1)] if place == 3 else []),
            text(f"F{place}", "=two"),
        )
        for place, agency in ((2, "Xã Mẫu A"), (3, "Xã Mẫu B"))
    )
    return workbook(folder / "rows.xlsx", header(*NAMES), *rows, formats=("d/m/yyyy", "0.000000"))


@pytest.mark.parametrize(
    "make, files",
    [
        (plain, "{delimiter: ';'}"),
        (titled, "{delimiter: '|', header_row: 3}"),
        (in_another_encoding, "{encoding: utf-16-le}"),
        (packed, "{format: csv}"),
        (lines, "{format: jsonl}"),
        (array, "{}"),
        (sheet, "{format: xlsx, sheet: data}"),
    ],
)
async def test_a_corrected_row_comes_in_by_its_own_mapping(
    tmp_path: Path, make: Callable[[Path], Path], files: str
) -> None:
    path = make(tmp_path)
    code, first = await imported(tmp_path, path, files)
    assert (code, [event.thing for event in first]) == (3, ["D-1"])
    rejected = tmp_path / f"{path.name}.rejected.csv"
    content = rejected.read_text("utf-8-sig")
    assert content.startswith(("line", "row"))
    rejected.write_bytes(
        content.replace("Xã Mẫu B", "Xã Mẫu A").replace(r"X\u00e3 M\u1eabu B", "Xã Mẫu A").encode()
    )
    code, second = await imported(tmp_path, rejected, files)
    assert code == 0
    assert [event.model_dump() for event in second] == [
        first[0].model_dump()
        | {
            "event_id": "D-2/received",
            "dossier_id": "D-2",
            "due_at": to_ms(datetime.fromisoformat("2025-11-04T17:00+07:00")),
        },
    ]


@pytest.mark.parametrize(
    "cells",
    [
        {"A2": number("A2", "1.00119")},
        {"A2": number("A2", "250110300001234592")},
        {"A2": number("A2", "45964", 1)},
        {"A2": '<c r="A2" t="b"><v>1</v></c>'},
        {"A2": '<c r="A2" t="e"><v>#FIELD!</v></c>'},
        {"A2": '<c r="A2" t="e"><v>unheard of</v></c>'},
        {"D2": number("D2", "1.0011904", 2)},
        {"E2": '<c r="E2"><f>C2+5</f></c>'},
        {"E2": number("E2", "-5", 1)},
        {"E2": number("E2", "45964.5")},
        {"E2": text("E2", "2026-11-03T00:00:00")},
        {"E2": text("E2", "4/11/25") + text("E2", "")},
    ],
)
async def test_an_uncorrected_row_of_a_workbook_is_rejected_again(
    tmp_path: Path, cells: dict[str, str]
) -> None:
    """What could not be told for certain must not come in as the text that it was shown as."""
    sound = {
        "A2": text("A2", "D-1"),
        "B2": text("B2", "Xã Mẫu A"),
        "C2": number("C2", "45964", 1),
        "D2": number("D2", "1.00119", 2),
    }
    path = workbook(
        tmp_path / "rows.xlsx",
        header(*NAMES),
        row(2, *(sound | cells).values()),
        formats=("d/m/yyyy", "0.000000"),
    )
    for name in ("rows.xlsx", "rows.xlsx.rejected.csv", "rows.xlsx.rejected.csv.rejected.csv"):
        assert await imported(tmp_path, path.with_name(name)) == (3, [])


@pytest.mark.parametrize(
    "line",
    [
        b'"D-1;X\xc3\xa3 M\xe1\xba\xabu A;03/11/2025;SAMPLE.P;;x',
        b"D-\xff;X\xc3\xa3 M\xe1\xba\xabu A;03/11/2025;SAMPLE.P;;x",
        b"2,5E+17;X\xc3\xa3 M\xe1\xba\xabu A;03/11/2025;SAMPLE.P;;x",
        b"#REF!;X\xc3\xa3 M\xe1\xba\xabu A;03/11/2025;SAMPLE.P;;x",
        b"D-1;X\xc3\xa3 M\xe1\xba\xabu A;03/11/2025;SAMPLE.P;;x;y",
        b"D-\0;X\xc3\xa3 M\xe1\xba\xabu A;03/11/2025;SAMPLE.P;;x",
    ],
)
async def test_an_uncorrected_line_is_rejected_again(tmp_path: Path, line: bytes) -> None:
    path = file_of(tmp_path, ";".join(NAMES).encode() + b"\n" + b"\n" * 5000 + line + b"\n")
    for name in ("rows.csv", "rows.csv.rejected.csv"):
        assert await imported(tmp_path, path.with_name(name), "{delimiter: ';'}") == (3, [])


async def test_a_file_whose_own_columns_are_called_so_is_no_file_of_rejections(
    tmp_path: Path,
) -> None:
    path = file_of(
        tmp_path,
        "line,reason,id,agency,at,procedure,due\nD-7,x,D-1,Xã Mẫu A,03/11/2025,SAMPLE.P,\n",
    )
    _, events = await imported(
        tmp_path, path, mapping=MAP.replace('dossier_id: "{id}"', 'dossier_id: "{line}"')
    )
    assert [event.thing for event in events] == ["D-7"]


async def test_a_file_of_rejections_lacks_a_column_as_any_other(tmp_path: Path) -> None:
    with pytest.raises(
        UnreadableFile, match=r"has no column 'at', which the mapping reads; it has 'id', 'agency'"
    ):
        await imported(tmp_path, file_of(tmp_path, "line;reason;id;agency\n2;x;D-1;Xã Mẫu A\n"))


@given(st.text(st.sampled_from("'=+-@a\t\r＝"), max_size=4))
def test_a_text_that_is_run_as_a_formula_is_guarded_and_comes_back(written: str) -> None:
    assert unguarded(guarded(written)) == written
    assert written == "-" or not guarded(written).startswith(tuple("=+-@\t\r＝"))
