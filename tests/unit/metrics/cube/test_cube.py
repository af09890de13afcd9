"""The cube: absolute values, tombstones, resuming, and every way in which its file cannot be
trusted.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cubes import NOW, FedCube, Record, cell

from metrics.cube.cube import Cube
from metrics.cube.rollups import cover_days, cover_stock
from metrics.cube.snapshot import Readers
from metrics.cube.tables import TABLES, fingerprint
from schemas.cells import KINDS, Kind
from schemas.clock import as_date
from schemas.windows import EVER, Window
from serving.store.disposable import LONGEST_AWAY_MS, Position, Unreadable, Untrusted

RECEIVED, OPEN, SYSTEMS = (
    TABLES["dossiers", "received"],
    TABLES["dossiers", "open"],
    TABLES["inventory", "systems"],
)
TODAY = as_date(20251123)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cube.sqlite"


@pytest.fixture
def cube(path: Path) -> Iterator[FedCube]:
    made = FedCube(path)
    made.open("one", NOW)
    yield made
    made.close()


def received(cube: FedCube, **options: Any) -> dict[str, int]:
    with Readers(cube).snapshot() as snapshot:
        found = snapshot.sums(RECEIVED, cover_days(EVER), measures=["received"], **options)
    return {group: counts[0] for group, counts in found.items()}


def test_a_value_replaces_the_one_before_and_partitions_add_up(cube: FedCube) -> None:
    cube.say(
        [
            cell("dossiers|received|A|P1|20251103", 5, 2),
            cell("dossiers|received|A|P1|20251103", 7, 3),
        ],
        {0: 2},
    )
    cube.say(
        [
            cell("dossiers|received|A|P1|20251103", 4, partition=1),
            cell("dossiers|received|B|P2|20241103", 1),
        ],
        {0: 3, 1: 1},
    )
    assert received(cube) == {"": 12}
    assert received(cube, by="agency") == {"A": 11, "B": 1}
    assert received(cube, by="category") == {"P1": 11, "P2": 1}
    assert received(cube, by="day") == {"2024-11-03": 1, "2025-11-03": 11}
    assert received(cube, codes=["A"]) == {"": 11}
    cube.say([cell("dossiers|received|A|P1|20251103", 6, 3)], {0: 4})
    assert received(cube, by="agency") == {"A": 10, "B": 1}


def test_a_tombstone_removes_the_cell_from_cells_and_sums(cube: FedCube) -> None:
    due = f"dossiers|open|A|P1|{NOW}"
    cube.say([cell(due, 3, 1), cell("dossiers|open|A|P1|0", 2)], {0: 2})
    cube.say([cell(due)], {0: 3})
    with sqlite3.connect(cube.path) as raw:
        assert raw.execute("SELECT count(*) FROM dossiers_open").fetchone() == (1,)
        assert raw.execute(
            "SELECT grain, at, open FROM dossiers_open_sums ORDER BY 1"
        ).fetchall() == [(0, 0, 2), (2, 0, 2), (3, 0, 2)]


def test_a_tombstone_of_a_cell_never_seen_changes_nothing(cube: FedCube) -> None:
    cube.say([cell("dossiers|received|A|P1|20251103", 5)], {0: 1})
    cube.say([cell("dossiers|received|A|P9|20251103")], {0: 2})
    assert received(cube) == {"": 5}


def test_the_same_records_again_change_nothing(cube: FedCube) -> None:
    batch = [cell("dossiers|received|A|P1|20251103", 5), cell("dossiers|received|A|P2|20251104", 6)]
    for _ in range(3):
        cube.say(batch, {0: 2})
    assert received(cube) == {"": 11}


def test_only_the_days_of_the_window_are_summed(cube: FedCube) -> None:
    cube.say(
        [
            cell(f"dossiers|received|A|P|{day}", 1)
            for day in (20241231, 20250101, 20250831, 20250901, 20251123, 20251124)
        ],
        {0: 6},
    )
    window = Window(as_date(20250101), as_date(20251123))
    with Readers(cube).snapshot() as snapshot:
        assert snapshot.total(RECEIVED, cover_days(window), ["received"]) == [4]
        assert list(snapshot.sums(RECEIVED, cover_days(window), by="day")) == [
            "2025-01-01",
            "2025-08-31",
            "2025-09-01",
            "2025-11-23",
        ]
        assert snapshot.sums(
            RECEIVED, cover_days(window), by="category", measures=["received"]
        ) == {"P": [4]}
        assert snapshot.sums(
            RECEIVED, cover_days(window), among=["P", "Q"], measures=["received"]
        ) == {"": [4]}
        assert snapshot.sums(RECEIVED, cover_days(window), among=["Q"], measures=["received"]) == {}
        assert snapshot.dated(["dossiers"], window) == {"A"}
        assert snapshot.dated(["documents"], window) == set()
        assert snapshot.dated(["dossiers"], Window(as_date(20260101), None)) == set()


def test_resuming_gives_the_places_of_the_last_transaction(cube: FedCube, path: Path) -> None:
    cube.say(
        [cell("dossiers|received|A|P1|20251103", 5, partition=1, offset=41, timestamp=NOW - 7)],
        {0: 9, 1: 43},
    )
    again = Cube(path)
    assert again.open("one", NOW) == {0: Position(9, -1, -1), 1: Position(43, 41, NOW - 7)}
    assert received(again) == {"": 5}
    assert again.rebuilds == 0
    again.close()


WRONG: list[tuple[bytes | None, object]] = [
    (b"dossiers|A", {"received|P": {0: 1}}),
    (b"people|A|20251103", {"received|P": {0: 1}}),
    (b"dossiers|A|today", {"received|P": {0: 1}}),
    (b"dossiers|A|20251399", {"received|P": {0: 1}}),
    (b"dossiers|A|20251103", {"invented|P": {0: 1}}),
    (b"dossiers|A|20251104", {"received": {0: 1}}),
    (b"dossiers|A|20251105", {"received|P|1": {0: 1}}),
    (b"dossiers|A|20251106", {"open|P": {0: 1}}),
    (b"dossiers|A|20251107", {"open|P|-5": {0: 1}}),
    (b"dossiers|A|20251108", {"received|P": {0: -1}}),
    (b"dossiers|A|20251109", {"received|P": {0: 1 << 63}}),
    (b"dossiers|A|20251110", {"received|P": [1]}),
    (b"inventory|A|20251103", {"systems|P": {0: -1, 1: -(1 << 63)}}),
    (b"dossiers|A|20251111", [1]),
    (None, {"received|P": {0: 1}}),
]


def test_what_is_no_page_is_counted_and_left_out(
    cube: FedCube, caplog: pytest.LogCaptureFixture
) -> None:
    """Whole, even if only one of its cells is wrong: a page is one statement."""
    records = [Record(key, msgspec.msgpack.encode(page)) for key, page in WRONG]
    half = Record(
        b"dossiers|B|20251103",
        msgspec.msgpack.encode({"received|P": {0: 1}, "received|Q": {0: -1}}),
    )
    cube.apply([*records, half, cell("dossiers|received|A|P|20251212", 1, offset=8).record], {0: 9})
    assert cube.stats.unreadable == len(WRONG) + 1
    assert received(cube, by="agency") == {"A": 1}
    assert "are no pages" in caplog.text


def test_a_page_that_was_wrong_is_mended_by_the_next_one(cube: FedCube) -> None:
    key = b"dossiers|A|20251103"
    for page, wanted in [
        ({"received|P": {0: 4}, "paid|P": {0: 1}}, 4),
        ({"received|P": {0: -1}}, 4),
        ({"received|Q": {0: 6}}, 6),
    ]:
        cube.apply([Record(key, msgspec.msgpack.encode(page))], {0: 1})
        assert received(cube) == {"": wanted}
    with sqlite3.connect(cube.path) as raw:
        assert raw.execute("SELECT count(*) FROM dossiers_paid").fetchone() == (0,)


def test_of_a_page_only_the_cells_that_differ_are_written(cube: FedCube) -> None:
    cube.say(
        [cell("dossiers|received|A|P|20251103", 5), cell("dossiers|paid|A|P|20251103", 2)], {0: 1}
    )
    before = dict(cube.versions)
    cube.say([cell("dossiers|received|A|P|20251103", 6)], {0: 2})
    assert {kind for kind, version in cube.versions.items() if version != before[kind]} == {
        ("dossiers", "received")
    }


def test_what_exists_on_a_day_is_every_change_up_to_and_including_it(cube: FedCube) -> None:
    cube.say(
        [
            cell("inventory|systems|A|P|20240105", 3, 1),
            cell("inventory|systems|A|P|20251103", -2),
            cell("inventory|systems|B|P|20251124", 5),
        ],
        {0: 3},
    )
    assert cube.stats.unreadable == 0
    with Readers(cube).snapshot() as snapshot:
        for last, exist in (
            (20240104, []),
            (20240105, [3]),
            (20251102, [3]),
            (20251103, [1]),
            (20251124, [6]),
        ):
            window = Window(as_date(20240101), as_date(last))
            assert list(
                snapshot.sums(SYSTEMS, cover_stock(window, TODAY), measures=["systems"]).values()
            ) == ([exist] if exist else [])
        # no last day: today
        assert snapshot.total(SYSTEMS, cover_stock(EVER, TODAY), ["systems"]) == [1]
        # whenever it begins
        assert snapshot.total(
            SYSTEMS, cover_stock(Window(as_date(20251123), None), TODAY), ["systems"]
        ) == [1]
    cube.say([cell("inventory|systems|A|P|20251103", -3, -1)], {0: 4})
    with Readers(cube).snapshot() as snapshot:
        assert snapshot.sums(SYSTEMS, cover_stock(EVER, TODAY), measures=["systems"]) == {"": [0]}


def test_measures_of_a_newer_worker_are_left_out(cube: FedCube) -> None:
    cube.say([cell("dossiers|open|A|P|0", 4, 1, 99, 98)], {0: 1})
    with Readers(cube).snapshot() as snapshot:
        assert snapshot.sums(OPEN, cover_days(EVER)) == {"": [4, 1]}


def test_the_newest_timestamp_of_each_agency_without_heartbeats(cube: FedCube) -> None:
    newest, older = (
        cell("dossiers|received|A|P|20251103", 1),
        cell("dossiers|refused|A|P|20251102", 1, timestamp=NOW - 5),
    )
    cube.say([newest, older], {0: 2})
    cube.say(
        [
            cell("dossiers|received|A|P|20251104", 1, timestamp=NOW - 9),
            cell("heartbeats|beat|hub|-|0", NOW),
        ],
        {0: 4},
    )
    with Readers(cube).snapshot() as snapshot:
        assert snapshot.last_events() == {"A": NOW}
        assert snapshot.heartbeats() == {0: NOW}
        assert snapshot.offsets() == {0: 4}


def spoil_nothing(path: Path) -> None:
    """Not even a file."""
    path.unlink()


def spoil_text(path: Path) -> None:
    path.write_bytes(b"half-written" * 1000)


def spoil_half(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


def spoil_pages(path: Path) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + bytes(len(whole) - 4096))


def spoil_empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("spoil", [spoil_nothing, spoil_text, spoil_half, spoil_pages, spoil_empty])
def test_a_file_that_is_damaged_or_gone_is_made_anew(
    cube: FedCube, path: Path, spoil: object
) -> None:
    cube.say([cell("dossiers|received|A|P1|20251103", 5)], {0: 1})
    cube.close()
    spoil(path)  # type: ignore[operator]
    assert cube.open("one", NOW) == {}
    assert cube.rebuilds == 2
    assert received(cube) == {}
    cube.say([cell("dossiers|received|A|P1|20251103", 6)], {0: 1})
    assert received(cube) == {"": 6}


def test_another_cluster_and_a_long_absence_make_it_anew(cube: FedCube) -> None:
    cube.say([cell("dossiers|received|A|P1|20251103", 5)], {0: 1})
    assert cube.open("one", NOW + LONGEST_AWAY_MS) == {0: Position(1, 0, NOW)}
    cube.complete(NOW + 1)
    assert cube.open("one", NOW + LONGEST_AWAY_MS + 1) != {}
    assert cube.open("one", NOW + LONGEST_AWAY_MS + 2) == {}
    cube.say([cell("dossiers|received|A|P1|20251103", 5)], {0: 1})
    assert cube.open("another", NOW + LONGEST_AWAY_MS + 2) == {}


def test_another_layout_makes_it_anew(cube: FedCube, monkeypatch: pytest.MonkeyPatch) -> None:
    cube.say([cell("dossiers|received|A|P1|20251103", 5)], {0: 1})
    monkeypatch.setattr(cube, "_layout", "of tomorrow")
    assert cube.open("one", NOW) == {}


def test_the_fingerprint_changes_with_every_declaration() -> None:
    appended = {
        **KINDS,
        "documents": {**KINDS["documents"], "flagged": Kind("day", ("no_sending", "more"))},
    }
    assert (
        len({fingerprint(), fingerprint(appended), fingerprint({"documents": KINDS["documents"]})})
        == 3
    )


def test_a_file_deleted_or_replaced_while_in_use_is_noticed(
    cube: FedCube, path: Path, tmp_path: Path
) -> None:
    shutil.copy(path, tmp_path / "copy")
    path.unlink()
    with pytest.raises(Untrusted, match="deleted"):
        cube.apply([], {})
    shutil.move(tmp_path / "copy", path)
    with pytest.raises(Untrusted, match="replaced"):
        cube.apply([], {})


def test_readers_open_the_new_file_after_a_rebuild(cube: FedCube) -> None:
    readers = Readers(cube)
    cube.say([cell("dossiers|received|A|P1|20251103", 5)], {0: 1})
    with readers.snapshot() as snapshot:
        assert snapshot.total(RECEIVED, cover_days(EVER), ["received"]) == [5]
    cube.rebuild("one", NOW, "a test asks for it")
    with readers.snapshot() as snapshot:
        assert snapshot.total(RECEIVED, cover_days(EVER), ["received"]) == [0]
    cube.close()
    with pytest.raises(Unreadable), readers.snapshot():
        pass


def test_damage_that_a_reader_meets_is_told_to_the_writer(cube: FedCube) -> None:
    readers = Readers(cube)
    with pytest.raises(Unreadable), readers.snapshot():
        raise sqlite3.DatabaseError("database disk image is malformed")
    with pytest.raises(Untrusted, match="malformed"):
        cube.check()
    cube.rebuild("one", NOW, "damage")
    cube.suspect("an old connection", cube.generation - 2)
    cube.check()


def test_a_batch_is_applied_whole_or_not_at_all(
    cube: FedCube, monkeypatch: pytest.MonkeyPatch
) -> None:
    cube.say([cell("dossiers|received|A|P1|20251103", 5)], {0: 1})
    with pytest.raises(Untrusted):
        cube.say([cell("dossiers|received|A|P1|20251103", 9)], {0: None})  # type: ignore[dict-item]
    assert received(cube) == {"": 5}
    cube.say([cell("dossiers|received|A|P1|20251103", 6)], {0: 2})
    assert received(cube) == {"": 6}


def test_versions_move_only_with_their_kind(cube: FedCube) -> None:
    before = dict(cube.versions)
    cube.say([cell("dossiers|received|A|P1|20251103", 5)], {0: 1})
    moved = {kind for kind, version in cube.versions.items() if version != before[kind]}
    assert moved == {("dossiers", "received")}
