"""What an import leaves behind: the columns that its mapping reads, and nothing of a person. Names
and numbers are made up.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from filerows import file_of
from rich.console import Console
from workbooks import header, row, text, workbook

from connectors.files.importer import Import
from connectors.publishing.lanes import OutgoingRecord
from schemas.events import Event
from schemas.settings import Settings

NAME, CITIZEN, PHONE, ADDRESS = (
    "Nguyễn Thị Mẫu",
    "001085012345",
    "0912345678",
    "12 đường Mẫu, phường Mẫu",
)
PLANTED = (NAME, CITIZEN, PHONE, ADDRESS, "NGUYEN THI MAU", NAME.split()[0], json.dumps(NAME)[1:-1])
MAP = """\
source: sample/test
times: {formats: ["%d/%m/%Y"]}
every_event: {dossier_id: "{id}", agency: SAMPLE.A, occurred_at: "{at}"}
events:
  - event: dossier.received
    id: "{id}/received"
    fields: {procedure: "{procedure}", channel: online, unit: {column: unit, optional: true}}
  - event: dossier.rated
    when: {column: rated by, present: true}
    id: "{id}/rated"
    fields: {rating_id: "{id}", satisfied: true}
"""
NAMES = ("ho_ten", "id", "at", "procedure", "phone", "unit", "rated by", "dia chi")
GOOD = (NAME, "D-1", "03/11/2025", "SAMPLE.P", PHONE, "u1", "", ADDRESS)
BAD = (NAME, "D-2", "31/02/2025", "SAMPLE.P", CITIZEN, "u1", NAME, ADDRESS)


class Kept:
    """Takes whatever is sent."""

    settings = Settings()

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.records: list[OutgoingRecord] = []

    async def publish(self, events: list[Event]) -> None:
        self.events += events

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        self.records += records

    async def __aenter__(self) -> Kept:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to let go of."""


def files_but(folder: Path, imported: Path) -> list[str]:
    """All other files."""
    return [
        file.read_bytes().decode("utf-8", "replace")
        for file in folder.rglob("*")
        if file.is_file() and file != imported
    ]


async def imported(folder: Path, path: Path, **settings: str) -> tuple[int, Kept, str]:
    """Exit code, what was sent, and all that is left behind: output, records, files but the one
    imported.
    """
    kept, console, map_path = (
        Kept(),
        Console(record=True, width=200, file=io.StringIO()),
        folder / "map.yaml",
    )
    map_path.write_text(MAP, "utf-8")
    code = await Import(Settings(data=folder / "var", **settings), map_path, console).run(
        [path], lambda _: kept
    )  # type: ignore[arg-type]
    left = [console.export_text(), *files_but(folder, path)]
    left += [
        (record.key + record.value + repr(record.headers).encode()).decode()
        for record in kept.records
    ]
    left += [str(dict(record.headers)["reason"].decode()) for record in kept.records]
    return code, kept, "\n".join(left)


def csv(folder: Path, *rows: tuple[str, ...]) -> Path:
    return file_of(folder, "".join(";".join(cells) + "\n" for cells in (NAMES, *rows)))


def jsonl(folder: Path, *rows: tuple[str, ...]) -> Path:
    return file_of(
        folder,
        "".join(json.dumps(dict(zip(NAMES, cells, strict=True))) + "\n" for cells in rows),
        "rows.jsonl",
    )


def xlsx(folder: Path, *rows: tuple[str, ...]) -> Path:
    cells = [
        [text(f"{'ABCDEFGH'[at]}{line}", cell) for at, cell in enumerate(one)]
        for line, one in enumerate(rows, 2)
    ]
    return workbook(
        folder / "rows.xlsx",
        header(*NAMES),
        *(row(line, *one) for line, one in enumerate(cells, 2)),
    )


Make = Callable[..., Path]


@pytest.mark.parametrize("make", [csv, jsonl, xlsx])
async def test_no_column_that_the_mapping_does_not_read_is_left_anywhere(
    tmp_path: Path, make: Make
) -> None:
    path = make(tmp_path, GOOD, BAD)
    code, kept, left = await imported(tmp_path, path)
    assert (code, [event.thing for event in kept.events], len(kept.records)) == (3, ["D-1"], 1)
    assert [planted for planted in PLANTED if planted in left] == []
    rejected = path.with_name(path.name + ".rejected.csv")
    written = rejected.read_text("utf-8-sig")
    assert "ho_ten" not in written
    assert "(present)" in written
    rejected.write_text(written.replace("31/02/2025", "03/11/2025"), "utf-8")
    code, kept, _ = await imported(tmp_path, rejected)
    assert (code, [event.event_id for event in kept.events]) == (0, ["D-2/received", "D-2/rated"])


@pytest.mark.parametrize("make", [csv, jsonl, xlsx])
async def test_a_number_of_a_person_as_an_id_is_masked_and_its_row_never_comes_back_from_there(
    tmp_path: Path, make: Make
) -> None:
    path = make(tmp_path, GOOD, (NAME, CITIZEN, "31/02/2025", "SAMPLE.P", "", PHONE, "", ""))
    code, kept, left = await imported(tmp_path, path)
    assert (code, len(kept.records)) == (3, 1)
    assert [planted for planted in PLANTED if planted in left] == []
    rejected = path.with_name(path.name + ".rejected.csv")
    mended = rejected.read_text("utf-8-sig").replace("31/02/2025", "03/11/2025")
    assert mended.count("#MASKED!") == 2
    rejected.write_text(mended, "utf-8")
    code, kept, left = await imported(tmp_path, rejected)
    assert (code, kept.events) == (3, [])
    assert "left out of these rejections: correct its row in the first file" in left


@pytest.mark.parametrize("make", [csv, jsonl, xlsx])
@pytest.mark.parametrize("said", [CITIZEN, "001 085 012 345", f"x {PHONE}"])
async def test_a_number_of_a_person_in_the_place_of_a_time_is_masked_too(
    tmp_path: Path, make: Make, said: str
) -> None:
    path = make(tmp_path, GOOD, (NAME, "D-2", said, "SAMPLE.P", "", "u1", "", ""))
    code, kept, left = await imported(tmp_path, path)
    assert (code, len(kept.records)) == (3, 1)
    assert said not in left
    rejected = path.with_name(path.name + ".rejected.csv").read_text("utf-8-sig")
    assert rejected.count("#MASKED!") == 1


async def test_a_time_whose_fractions_look_like_a_number_of_a_person_stays(tmp_path: Path) -> None:
    said = "2025-11-31T09:00:00.091234567"
    path = csv(tmp_path, (NAME, "D-2", said, "SAMPLE.P", "", "u1", "", ""))
    await imported(tmp_path, path)
    assert said in path.with_name(path.name + ".rejected.csv").read_text("utf-8-sig")


@pytest.mark.parametrize("make", [csv, jsonl, xlsx])
async def test_a_number_of_a_person_is_told_and_refused_where_it_shall_be(
    tmp_path: Path, make: Make
) -> None:
    path = make(tmp_path, GOOD, (NAME, CITIZEN, "03/11/2025", "SAMPLE.P", "", "u1", "", ""))
    code, kept, left = await imported(tmp_path, path)
    assert (code, len(kept.events)) == (0, 2)
    assert re.search(r"line [23]: columns? id: looks like a citizen's number", left)
    assert "1 event holds what looks like a number of a person" in left
    assert CITIZEN not in left
    (tmp_path / "strict").mkdir()
    path = make(
        tmp_path / "strict", GOOD, (NAME, CITIZEN, "03/11/2025", "SAMPLE.P", "", "u1", "", "")
    )
    code, kept, left = await imported(tmp_path / "strict", path, personal_numbers="refuse")
    assert (code, [event.thing for event in kept.events]) == (3, ["D-1"])
    assert "looks like a citizen's number" in left
    assert CITIZEN not in left


@pytest.mark.parametrize(
    "line",
    [
        f"{NAME};{CITIZEN};x",
        f'"{NAME};D-3;03/11/2025',
        f"{NAME};D-3;03/11/2025;{ADDRESS};;;;;{PHONE}",
    ],
)
async def test_of_a_line_whose_cells_nobody_can_tell_apart_nothing_is_left(
    tmp_path: Path, line: str
) -> None:
    path = file_of(tmp_path, ";".join(NAMES) + "\n" + line + "\n")
    code, _, left = await imported(tmp_path, path)
    assert code == 3
    assert [planted for planted in PLANTED if planted in left] == []


@pytest.mark.parametrize(
    "line",
    [
        f'{{"{NAME}": "{CITIZEN}"',
        f'"{NAME}"',
        f'{{"id": {{"{NAME}": "{PHONE}"}}, "at": "x"}}',
        f'{{"{NAME}": 1, "{NAME}": 2}}',
        f'{{"id": "D" "{NAME}"}}',
    ],
)
async def test_of_a_line_that_is_no_object_of_known_columns_nothing_is_left(
    tmp_path: Path, line: str
) -> None:
    good = json.dumps(dict(zip(NAMES, GOOD, strict=True)))
    code, _, left = await imported(tmp_path, file_of(tmp_path, f"{good}\n{line}\n", "rows.jsonl"))
    assert code == 3
    assert [planted for planted in PLANTED if planted in left] == []
