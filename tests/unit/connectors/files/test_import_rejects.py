"""Rows that an import rejects: as a whole, with the reason, and in a file that can be corrected."""

from __future__ import annotations

import csv

import msgspec
import pytest
from importing import Bench, FakeSink, bench, ids, steps

from connectors.files.readers.opening import open_rows
from connectors.files.readers.options import FileOptions
from connectors.files.readers.rows import WantedColumns
from connectors.files.rejects import RejectsFile
from schemas.errors import EnvironmentBroken
from schemas.quarantine import QuarantineExcerpt

__all__ = ["bench"]


async def test_a_row_is_rejected_as_a_whole_with_line_and_reason(bench: Bench) -> None:
    rows = [
        "D-1,2025-11-03,SAMPLE.P,s1",
        "D-1,2025-11-03,SAMPLE.Q,s2",  # the dossier's own columns differ from line 2
        "D-2,yesterday,SAMPLE.P,s1",
        "D-3,2025-11-03,SAMPLE.P,",
        "D-3,2025-11-03,SAMPLE.P,s1",  # line 5 was rejected, so its reception is still to come
        "D-4,2999-11-03,SAMPLE.P,s1",
        'D-5,"2025-11-03,SAMPLE.P',
        "",
    ]
    sink = FakeSink()
    assert await bench.run(sink, bench.file(rows)) == 3
    assert ids(sink.events) == ["D-1/received", "D-1/s1", "D-3/received", "D-3/s1"]
    header, *rejected = list(
        csv.reader((bench.folder / "rows.csv.rejected.csv").open(encoding="utf-8-sig"))
    )
    assert header == ["line", "reason", "id", "at", "procedure", "step"]
    assert [row[0] for row in rejected] == ["3", "4", "5", "7", "8"]
    assert rejected[0][1:] == [
        (
            "dossier.received D-1/received (column id) stands on line 2 too, with other content:"
            " one id should always say the same"
        ),
        "D-1",
        "2025-11-03",
        "SAMPLE.Q",
        "s2",
    ]
    assert rejected[1][1].startswith("column at: 'yesterday' should be a time")
    assert rejected[2][1] == "one of columns id, step is blank, so dossier.step_taken has no id"
    assert "from 1980 to 2099" in rejected[3][1]
    assert rejected[4][2:] == ["#MASKED!"] * 4, "nobody can tell which cell is which"
    kept = [
        (record.key.decode(), dict(record.headers)["reason"].decode()) for record in sink.records
    ]
    assert kept == [(f"file:rows.csv/{row[0]}", row[1]) for row in rejected]
    stay = [msgspec.json.decode(record.value, type=QuarantineExcerpt) for record in sink.records]
    assert stay[1].fields == {"id": "D-2", "at": "yesterday", "procedure": "SAMPLE.P", "step": "s1"}
    assert (stay[4].fields, stay[4].length) == ({}, len('D-5,"2025-11-03,SAMPLE.P'))
    shown = bench.output
    assert "rows.csv, line 4: column at: 'yesterday'" in shown
    assert (
        f"All rejected rows, with their reasons: {bench.folder / 'rows.csv.rejected.csv'}" in shown
    )


async def test_two_spellings_of_an_id_are_one_event(bench: Bench) -> None:
    rows = [
        "é-1,2025-11-03,SAMPLE.P,s1",
        "e\u0301-1\u200b,2025-11-03,SAMPLE.P,s2",
        "\u200bé-1,2025-11-03,SAMPLE.Q,s3",
    ]
    sink = FakeSink()
    assert await bench.run(sink, bench.file(rows)) == 3
    assert ids(sink.events) == ["é-1/received", "é-1/s1", "é-1/s2"]
    assert "rows.csv, line 4: dossier.received" in bench.output


async def test_corrected_rejections_can_be_imported_with_the_same_mapping(bench: Bench) -> None:
    sink = FakeSink()
    assert (
        await bench.run(sink, bench.file(["D-1,2025-11-03,SAMPLE.P,s1", "Xã,today,SAMPLE.P,s1"]))
        == 3
    )
    rejected = bench.folder / "rows.csv.rejected.csv"
    rejected.write_text(
        rejected.read_text("utf-8-sig").replace("Xã,today", "Xã,2025-11-04"), "utf-8"
    )
    assert await bench.run(sink, rejected) == 0
    assert ids(sink.events) == ["D-1/received", "D-1/s1", "Xã/received", "Xã/s1"]


async def test_rejections_of_an_earlier_attempt_do_not_outlive_it(bench: Bench) -> None:
    assert await bench.run(FakeSink(), bench.file(["D-1,today,SAMPLE.P,s1"])) == 3
    assert (bench.folder / "rows.csv.rejected.csv").exists()
    assert await bench.run(FakeSink(), bench.file(["D-1,2025-11-03,SAMPLE.P,s1"])) == 0
    assert not (bench.folder / "rows.csv.rejected.csv").exists()


def test_rejections_go_to_the_data_folder_where_the_files_own_cannot_be_written(
    bench: Bench,
) -> None:
    rows = open_rows(bench.file(steps(1)), FileOptions(), WantedColumns(("id",), frozenset()))
    rows.path = bench.folder / "blocked" / "rows.csv"
    (bench.folder / "blocked").write_text("a file, so nothing can be written in it")
    assert (
        RejectsFile(bench.folder / "var", rows).path
        == bench.folder / "var" / "rows.csv.rejected.csv"
    )
    with pytest.raises(EnvironmentBroken, match="set LGSP_DATA"):
        RejectsFile(bench.folder / "blocked", rows)
    rows.close()
