"""The made-up books of `lgsp bench` are the real ones, in parts and for every partition."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

from ops.bench import books, failover
from ops.bench.load import waiting_record
from ops.simulate.run import START
from ops.simulate.stream import events
from schemas.cells.codec import decode_page, encode_page
from schemas.clock import DAY_MS
from schemas.partitioner import partition_of
from streams.families import FAMILIES
from streams.family_state import FamilyState


def test_books_made_in_memory_are_those_of_the_fold() -> None:
    part = books.HalfYear(0, 2, 120)
    states, told = books.merged(part, 2)
    made = books.as_books(states, 2)
    folded = _folded(part, 2)
    for what in ("states", "pages"):
        assert {place: held(one, what) for place, one in made.items()} == {
            place: held(one, what) for place, one in folded.items()
        }
    assert sum(told.values()) > 600
    assert all(len(one.pages) for one in made.values())


def held(one: FamilyState, what: str) -> dict[bytes, object]:
    """States, or pages whatever the order of their cells."""
    rows = dict(getattr(one, what).items())
    return rows if what == "states" else {key: decode_page(value) for key, value in rows.items()}


def _folded(part: books.HalfYear, partitions: int) -> dict[books.BooksKey, FamilyState]:
    """The same part the long way: encoded, decoded and folded in small batches."""
    found: dict[books.BooksKey, FamilyState] = {}
    start = START - (part.of - part.number) * books.PART_DAYS * DAY_MS
    for at, event in events(
        100 + part.number, part.dossiers, start, books.PART_DAYS, cut=part.last
    ):
        _, topic, partition, key, value, _ = waiting_record(event, at, partitions)
        one = found.setdefault((event.family, partition), FamilyState(FAMILIES[event.family]))
        changes = one.fold([SimpleNamespace(key=key, value=value, offset=0, timestamp=at)])
        assert not changes.refused, topic
        one.keep(changes)
    return found


def test_parts_are_the_whole_and_only_the_last_one_is_cut() -> None:
    parts = books.half_years(1_000, 6)
    assert sum(part.dossiers for part in parts) == 1_000
    assert [part.last for part in parts] == [False] * 5 + [True]


def test_pages_of_parts_add_up() -> None:
    parts = [
        {b"x": {"a": {0: 1, 1: 2}}, b"y": {"a": {0: 5}}},
        {b"x": {"a": {0: 1}}},
        {b"x": {"a": {2: 7}, "b": {0: 3}}},
    ]
    total = books.summed({key: encode_page(page) for key, page in part.items()} for part in parts)
    assert {key: decode_page(value) for key, value in total.items()} == {
        b"x": {"a": {0: 2, 1: 2, 2: 7}, "b": {0: 3}},
        b"y": {"a": {0: 5}},
    }


def test_a_part_told_in_two_halves_has_the_same_pages_as_a_whole() -> None:
    first, second = (
        books.as_books(books.merged(books.HalfYear(number, 2, 60), 1)[0], 1) for number in (0, 1)
    )
    together = FamilyState(FAMILIES["dossiers"])
    for half in (first, second):
        for key, row in half["dossiers", 0].states.items():
            together.states.put(key, row)
    asyncio.run(together.recount_pages())
    total = books.summed(dict(half["dossiers", 0].pages.items()) for half in (first, second))
    assert {key: decode_page(value) for key, value in total.items()} == held(together, "pages")


def test_a_dossier_for_every_partition() -> None:
    names = failover.things(7)
    assert [partition_of(name.encode(), 7) for name in names] == list(range(7))


def test_partitions_kept_as_the_worker_tells_them() -> None:
    text = "# HELP x\nlgsp_worker_partitions_of_others 4.0\nlgsp_worker_partitions 2.0\n"
    assert failover.partitions_kept(text) == 2
    assert failover.partitions_kept("") == 0


def test_the_worker_tells_them_so() -> None:
    from prometheus_client import generate_latest

    from streams import health

    health.PARTITIONS.set(3)
    assert failover.partitions_kept(generate_latest().decode()) == 3
