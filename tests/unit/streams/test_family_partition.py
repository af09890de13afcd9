"""A partition of a family: what Kafka holds of it, also where somebody else wrote among it, and
what has to be published first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from facts import record, told

from schemas.cells.applied import APPLIED_LAYOUT, CellsStanding, CountingRules, applied_row
from schemas.cells.codec import encode_page
from schemas.errors import BooksError, LedgerError
from schemas.states import applied_state
from streams.families import FAMILIES
from streams.family_partition import FamilyPartition, Fetched
from streams.family_state import Changes

FAMILY = FAMILIES["dossiers"]
FACT, LATER = told("dossier.received", "11-03 09:00"), told("dossier.finished", "11-10 16:30")
STATES, CELLS = "lgsp.dossiers.state", "lgsp.cells"


@dataclass(frozen=True)
class Row:
    """A record of states or cells."""

    key: bytes | None
    value: bytes | None
    offset: int = 0
    timestamp: int = 0


def fold(*facts: object) -> Changes:
    """What facts change in new books."""
    return FamilyPartition(FAMILY, 0).family_state.fold([record(*fact) for fact in facts])  # type: ignore[misc]


def opened(states: list[Row], pages: list[Row], *, applied: int = 1) -> FamilyPartition:
    """One that read these rows, and behind them how far they have come."""
    part = FamilyPartition(FAMILY, 0)
    part.put_states(STATES, [*states, Row(*applied_state(applied))])
    part.put_pages(
        CELLS, [*pages, Row(*applied_row("dossiers", CellsStanding(applied, FAMILY.rules, 2)))]
    )
    return part


def rows(changes: Changes) -> tuple[list[Row], list[Row]]:
    """States and pages as Kafka holds them."""
    return [Row(*row) for row in changes.states], [Row(*row) for row in changes.pages]


async def test_books_that_are_in_order_have_nothing_to_publish() -> None:
    part = opened(*rows(fold(FACT)))
    assert await part.settled() is None
    assert (part.next, part.states_next, part.rules, part.family_state.refused_run) == (
        1,
        1,
        FAMILY.rules,
        2,
    )


async def test_books_without_a_page_have_nothing_to_publish() -> None:
    assert await FamilyPartition(FAMILY, 0).settled() is None


async def test_how_far_an_earlier_hub_came_is_said_again_so_that_it_refuses_these_books() -> None:
    part = FamilyPartition(FAMILY, 0)
    earlier = encode_page({"applied|-": {0: 7, 1: FAMILY.version}})
    part.put_pages(
        CELLS, [Row(applied_row("dossiers", CellsStanding(7, FAMILY.rules))[0], earlier)]
    )
    assert (part.next, part.rules) == (7, CountingRules(FAMILY.version))
    changes = await part.settled()
    assert changes is not None
    assert part.pages(changes, part.next)[-1] == applied_row(
        "dossiers", CellsStanding(7, FAMILY.rules)
    )


def test_books_of_a_later_layout_are_refused_by_name() -> None:
    page = encode_page({"applied|-": {0: APPLIED_LAYOUT - 1}})
    with pytest.raises(BooksError, match=r"lgsp\.dossiers/0: .*A newer worker kept these books"):
        FamilyPartition(FAMILY, 0).put_pages(
            CELLS, [Row(applied_row("dossiers", CellsStanding(0, CountingRules(1)))[0], page)]
        )


@pytest.mark.parametrize("junk", [b"junk", b"\x00\x01garbage", b"{}"])
async def test_junk_over_a_page_is_passed_over_and_the_page_written_again(junk: bytes) -> None:
    """From the states, though the page that Kafka held before is gone; junk under a key that is no
    page's is taken out.
    """
    states, pages = rows(fold(FACT))
    part = opened(states, [*pages[1:], Row(pages[0].key, junk, 41), Row(b"dossiers|X|1", junk, 42)])
    changes = await part.settled()
    assert changes is not None
    assert dict(changes.pages) == {pages[0].key: pages[0].value, b"dossiers|X|1": None}
    assert [one.origin for one in part.junk] == [
        "kafka:lgsp.cells/0/41",
        "kafka:lgsp.cells/0/42",
    ]
    assert part.junk[0].payload == junk


async def test_junk_over_a_page_that_kafka_still_has_is_written_over() -> None:
    states, pages = rows(fold(FACT))
    part = opened(states, [*pages, Row(pages[0].key, b"junk", 41)])
    changes = await part.settled()
    assert changes is not None
    assert changes.pages == [(pages[0].key, pages[0].value)]


async def test_what_was_written_again_since_is_in_order() -> None:
    """Junk stays in Kafka until it is compacted away: books that were mended once must not be
    counted anew at every take-over.
    """
    states, pages = rows(fold(FACT))
    part = opened([Row(b"thing", b"junk", 40), *states], [Row(pages[0].key, b"junk", 41), *pages])
    assert len(part.junk) == 2
    assert await part.settled() is None


async def test_junk_over_a_state_that_kafka_still_has_is_written_over() -> None:
    states, pages = rows(fold(FACT))
    part = opened([*states, Row(b"thing", b"junk", 41)], pages)
    changes = await part.settled()
    assert changes is not None
    assert changes.states == [(b"thing", states[0].value)]
    assert len(part.family_state.fold([record(*LATER)]).states) == 1


async def test_a_state_that_is_lost_stops_its_thing_by_name_and_no_other() -> None:
    """What stood there before is gone: to begin anew with the next fact would count the thing
    twice.
    """
    part = opened([Row(b"thing", b"junk", 41)], rows(fold(FACT))[1])
    await part.settled()
    other = told("dossier.received", "11-03 09:00", dossier_id="other")
    assert len(part.family_state.fold([record(*other)]).states) == 1
    with pytest.raises(BooksError, match=r"'thing' is none.*lgsp mend --from-zero"):
        part.family_state.fold([record(*LATER)])
    part.rules = replace(FAMILY, version=1).rules
    with pytest.raises(BooksError, match="'thing' is none"):
        await part.settled()


def test_what_only_looks_like_a_state_stops_its_thing_by_name() -> None:
    part = opened([Row(b"thing", b"\x93junk")], [])
    with pytest.raises(BooksError, match="'thing' is none"):
        part.family_state.fold([record(*LATER)])


def test_what_only_looks_like_a_page_stops_by_name() -> None:
    states, pages = rows(fold(FACT))
    part = opened(states, [Row(page.key, b"\x82junk") for page in pages])
    with pytest.raises(BooksError, match=r"no page of cells.*lgsp mend --from-zero"):
        part.family_state.fold([record(*LATER)])


async def test_a_state_that_somebody_deleted_is_written_again() -> None:
    """Else its thing would begin anew with the next fact, beside what it counted for before."""
    states, pages = rows(fold(FACT))
    part = opened([*states, Row(b"thing", None, 41)], pages)
    changes = await part.settled()
    assert changes is not None
    assert changes.states == [(b"thing", states[0].value)]
    assert [one.origin for one in part.junk] == ["kafka:lgsp.dossiers.state/0/41"]


async def test_states_of_before_they_said_how_far_they_had_come_say_so_from_now_on() -> None:
    states, pages = rows(fold(FACT))
    part = FamilyPartition(FAMILY, 0)
    part.put_states(STATES, states)
    part.put_pages(CELLS, [*pages, Row(*applied_row("dossiers", CellsStanding(1, FAMILY.rules)))])
    assert part.states_next is None
    changes = await part.settled()
    assert changes is not None
    assert part.states(changes, part.next) == [applied_state(1)]


def test_a_log_that_begins_again_while_it_is_read_is_no_repetition() -> None:
    """The topic was deleted and made again: its first facts have offsets that seem to be counted
    already.
    """
    part = FamilyPartition(FAMILY, 0)
    part.next = 500
    with pytest.raises(LedgerError, match="offset 0 comes after offset 499"):
        part.in_order([Fetched([Row(b"k", None, offset) for offset in range(600)], 499)])


def test_heartbeats_count_wherever_their_log_is() -> None:
    """It is kept for an hour only, and made again where it is missing; the newest one is the
    newest.
    """
    part = FamilyPartition(FAMILIES["heartbeats"], 0)
    part.next = 15_000_000
    assert len(part.in_order([Fetched([Row(b"0", None, 3)], None)])) == 1


def test_batches_follow_one_another_and_what_was_fetched_again_is_left_out() -> None:
    part = FamilyPartition(FAMILY, 0)
    part.next = 5
    found = part.in_order([Fetched([Row(b"k", None, offset) for offset in (3, 4, 5, 6)], 2)])
    assert [one.offset for one in found] == [5, 6]
    with pytest.raises(LedgerError, match="follows offset 7, but the books stand at 5"):
        part.in_order([Fetched([Row(b"k", None, 8)], 7)])
