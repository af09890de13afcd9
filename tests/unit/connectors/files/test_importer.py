"""Imports into a sink of the test's own: accounts that add up, each event once, resuming, progress
and what is told.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from importing import MAP, Bench, FakeSink, bench, ids, steps
from rich.console import Console

from connectors.files import batches, importer
from connectors.files.console import ImportAccount, plain_meter, show_table
from connectors.files.importer import run_import
from connectors.files.progress import ProgressFile
from connectors.files.readers.source import UnreadableFile
from connectors.files.seen import Seen, digest
from schemas.errors import EnvironmentBroken, KafkaUnavailable
from schemas.events import Event
from schemas.settings import Settings

__all__ = ["bench"]


EXAMPLES = Path(__file__).parents[4] / "ops" / "examples"


async def test_each_event_is_published_once_and_the_account_adds_up(bench: Bench) -> None:
    sink = FakeSink()
    assert await bench.run(sink, bench.file(steps(1_000))) == 0
    assert len(sink.events) == 4_000
    assert max(Counter(ids(sink.events)).values()) == 1
    assert sum(event.type == "dossier.received" for event in sink.events) == 1_000
    table = bench.output.split()
    assert [table[table.index("rows.csv") + place] for place in range(1, 7)] == [
        "3,000",
        "3,000",
        "0",
        "4,000",
        "2,000",
        "0",
    ]
    assert not list(bench.folder.glob("*.rejected.csv*"))


async def test_a_repeated_import_sends_nothing_unless_asked_and_then_the_same(bench: Bench) -> None:
    path, first, second, third = bench.file(steps(10)), FakeSink(), FakeSink(), FakeSink()
    assert await bench.run(first, path) == 0
    assert await bench.run(second, path) == 0
    assert (second.opened, second.events) == (0, [])
    assert "rows.csv: already imported 40 events, nothing sent" in bench.output
    assert await bench.run(third, path, again=True) == 0
    assert third.events == first.events


async def test_another_mapping_or_content_is_another_import(bench: Bench) -> None:
    path, sink = bench.file(steps(10)), FakeSink()
    await bench.run(sink, path)
    bench.map.write_text(MAP.replace("SAMPLE.A", "SAMPLE.B"), "utf-8")
    await bench.run(sink, path)
    await bench.run(sink, bench.file(steps(11)))
    assert len(sink.events) == 40 + 40 + 44


@pytest.mark.parametrize("fails_at", [1, 2, 4, 7])
async def test_a_stopped_import_goes_on_behind_what_was_acknowledged(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    monkeypatch.setattr(batches, "_BATCH_EVENTS", 100)
    path, broken, mended, whole = (
        bench.file(["bad,,,", *steps(300)]),
        FakeSink(fails_at),
        FakeSink(),
        FakeSink(),
    )
    with pytest.raises(KafkaUnavailable):
        await bench.run(broken, path)
    assert not list(bench.folder.glob("*.rejected.csv*"))
    done = bench.progress()[0]["rows"] if fails_at > 1 else 0
    assert bool(done) == (fails_at > 1)
    assert await bench.run(mended, path) == 3
    await bench.run(whole, path, again=True)
    sent = ids(broken.events) + ids(mended.events)
    assert set(sent) == set(ids(whole.events))
    assert len(sent) == len(set(sent))  # nothing acknowledged in order is sent again
    assert (f"going on behind row {done:,}" in bench.output) == bool(done)
    # the whole file's rejections
    assert (
        len(list(csv.reader((bench.folder / "rows.csv.rejected.csv").open(encoding="utf-8-sig"))))
        == 2
    )
    assert bench.progress()[0] == {
        "file": "rows.csv",
        "began_ms": bench.progress()[0]["began_ms"],
        "rows": 901,
        "events": 1_200,
        "rejected": 1,
        "complete": True,
    }


async def test_an_interrupted_import_leaves_only_its_progress(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "_BATCH_EVENTS", 10)
    stuck, sink = asyncio.Event(), FakeSink()
    publish = sink.publish

    async def publish_two(events: Sequence[Event]) -> None:
        if sink.batches == 2:
            stuck.set()
            await asyncio.Event().wait()
        await publish(events)

    monkeypatch.setattr(sink, "publish", publish_two)
    task = asyncio.create_task(bench.run(sink, bench.file(["bad,,,", *steps(2_000)])))
    await stuck.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [path.name for path in bench.folder.iterdir() if "rejected" in path.name] == []
    kept = bench.progress()
    assert all(not progress["complete"] and 0 < progress["rows"] < 20 for progress in kept)


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b'{"file":"rows.csv","began_ms":1,"rows":-5}', b'{"file":1}', b"\xff", b"[]"],
)
async def test_a_damaged_progress_file_is_a_fresh_start(bench: Bench, damage: bytes) -> None:
    path, first, second = bench.file(steps(10)), FakeSink(), FakeSink()
    await bench.run(first, path)
    (kept,) = (bench.settings.data / "imports").glob("*.json")
    kept.write_bytes(damage)
    assert await bench.run(second, path) == 0
    assert second.events == first.events


async def test_one_unreadable_file_stops_all_before_anything_is_published(bench: Bench) -> None:
    good, sink = bench.file(steps(5)), FakeSink()
    cut = gzip.compress(b"id,at,procedure,step\n" * 99)[:-9]
    for name, content in (("bad.csv", b"id,at,procedure\n"), ("cut.csv.gz", cut), ("no.csv", b"")):
        (bench.folder / name).write_bytes(content)
        with pytest.raises(UnreadableFile, match=name):
            await bench.run(sink, good, bench.folder / name)
    assert (sink.opened, sink.events) == (0, [])


async def test_several_files_are_accounted_for_one_by_one(bench: Bench) -> None:
    one, two, sink = (
        bench.file(steps(5), "one.csv"),
        bench.file(["x,today,SAMPLE.P,s"], "two.csv"),
        FakeSink(),
    )
    assert await bench.run(sink, one, two, one) == 3
    assert len(sink.events) == 20
    second = FakeSink()
    assert await bench.run(second, two, one) == 3  # what was rejected then is rejected still
    assert second.opened == 0


def test_a_dry_run_counts_and_leaves_nothing_behind(bench: Bench) -> None:
    path = bench.file([*steps(5), "x,today,SAMPLE.P,s"])
    before = sorted(bench.folder.rglob("*"))
    assert run_import(bench.settings, [path], bench.map, dry_run=True, console=bench.console) == 3
    assert sorted(bench.folder.rglob("*")) == before
    shown = bench.output
    assert "rows.csv, line 17: column at: 'today'" in shown
    assert " 16 " in shown
    assert "All rejected rows" not in shown


async def test_an_account_that_does_not_hold_is_loud_and_not_complete(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, take = bench.file(steps(5)), batches.FileIntake._take

    def forgetful(self: batches.FileIntake, row: Any, batch: Any) -> None:
        if row.line != 3:
            take(self, row, batch)

    monkeypatch.setattr(batches.FileIntake, "_take", forgetful)
    assert await bench.run(FakeSink(), path) == importer.DOES_NOT_ADD_UP == 1
    assert "WRONG: of rows.csv 15 rows were read, but 14 accepted + 0 rejected = 14" in bench.output
    monkeypatch.undo()
    second = FakeSink()
    assert await bench.run(second, path) == 0


async def test_what_lay_in_the_future_does_so_for_the_whole_import(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row judged and quarantined before the stop must not become acceptable, unsent, when the
    import goes on later.
    """
    monkeypatch.setattr(batches, "_BATCH_EVENTS", 4)
    path = bench.file(
        [
            "F,2026-01-01T00:10:00Z,SAMPLE.P,s",
            *(row.replace("2025-11", "2025-10") for row in steps(20)),
        ]
    )
    then, later = 1_767_225_600_000, 1_767_312_000_000  # the first two days of 2026
    monkeypatch.setattr("connectors.files.progress.now_ms", lambda: then)
    broken = FakeSink(fails_at=3)
    with pytest.raises(KafkaUnavailable):
        await bench.run(broken, path)
    monkeypatch.setattr("connectors.files.progress.now_ms", lambda: later)
    mended = FakeSink()
    assert await bench.run(mended, path) == 3
    assert "F/received" not in ids(broken.events) + ids(mended.events)
    assert len(broken.records) == 1


def test_progress_in_a_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("in the way")
    file = ProgressFile(Settings(data=tmp_path / "var"), "rows.csv", "content", "mapping")
    with pytest.raises(EnvironmentBroken, match=r"imports can't be written .*set LGSP_DATA"):
        file.save(file.load())


def test_progress_belongs_to_content_mapping_and_cluster(tmp_path: Path) -> None:
    here, there = Settings(data=tmp_path), Settings(data=tmp_path, kafka_servers="other:9092")
    made = {
        ProgressFile(settings, "n", content, mapping).path
        for settings in (here, there)
        for content in "ab"
        for mapping in "xy"
    }
    assert len(made) == 8
    assert ProgressFile(here, "other name", "a", "x").path in made


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 2**64 - 1))))
def test_seen_is_a_dictionary(pairs: list[tuple[int, int]]) -> None:
    seen, known = Seen(), dict[int, tuple[int, int]]()
    for line, (number, content) in enumerate(pairs):
        key = number << 12  # all of them begin at the same place
        assert seen.find(key) == known.get(key)
        if key not in known:
            known[key] = content, line
            seen.add(key, content, line)
    assert len(seen) == len(known)


def test_seen_grows() -> None:
    seen = Seen()
    for number in range(20_000):
        seen.add(digest(f"event {number}"), number, number)
    assert all(seen.find(digest(f"event {number}")) == (number, number) for number in range(20_000))
    assert seen.find(digest("event 20000")) is None


def test_a_plain_meter_speaks_every_few_seconds(bench: Bench) -> None:
    class Reading:
        read, size = 12_345, 200

        def position(self) -> int:
            return 50

    clock = iter([0.0, 4.9, 5.0, 5.0, 6.0])
    advance = plain_meter(bench.console, "rows.csv", Reading(), lambda: next(clock))  # type: ignore[arg-type]
    for _ in range(3):
        advance()
    assert bench.output == "rows.csv: 12,345 rows read, 25 % of the file\n"


def test_a_terminal_gets_a_bar(bench: Bench) -> None:
    terminal = Console(force_terminal=True, width=100, file=io.StringIO())
    assert (
        run_import(
            bench.settings, [bench.file(steps(3))], bench.map, dry_run=True, console=terminal
        )
        == 0
    )
    shown = terminal.file.getvalue()  # type: ignore[attr-defined]
    assert "rows.csv  9 rows" in shown
    assert "100%" in shown


def test_the_table_shows_names_as_they_are(bench: Bench) -> None:
    show_table(bench.console, [ImportAccount("[red]a.csv", 1, 1, 0, 1)], "training")
    shown = bench.output
    assert "[red]a.csv" in shown
    assert "Space training:" in shown, "who looks at another one looks in vain"
