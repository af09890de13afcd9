"""How an entry of the quarantine stands, and how that is told."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from refusals import EntriesInMemory
from rich.console import Console

from connectors.quarantine.entries import Entry
from connectors.quarantine.marks import EntryState, Mark, PlacedMark
from ops.quarantine.run import EntryFilter
from ops.quarantine.tell import whole

ENTRY = replace(EntriesInMemory("shop").entry, at=1_000)


def marked(state: EntryState, at: int = 2_000, **chosen: object) -> Entry:
    mark = Mark(state=state, by="boss", **chosen)  # type: ignore[arg-type]
    return replace(ENTRY, marked=PlacedMark(at, mark))


def text_of(entry: Entry) -> str:
    console = Console(width=80, record=True, file=io.StringIO())
    whole(console, entry, 1, [])
    return " ".join(console.export_text().split())


def test_a_mark_of_before_says_nothing_of_what_came_again() -> None:
    """A file that is imported again is rejected at the same place."""
    assert marked("dropped", at=999).state == ENTRY.state == "waiting"
    assert marked("dropped", at=999).told()["done"] is None
    assert marked("dropped").state == "dropped"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (ENTRY, "stands waiting"),
        (marked("dropped"), "dropped 1970-01-01 07:00:02 by boss; its original is gone"),
        (marked("replayed", status=202), "replayed 1970-01-01 07:00:02 by boss, answer 202"),
        (
            marked("waiting", status=403, said="not its agency"),
            "waiting; last replayed 1970-01-01 07:00:02 by boss, answer 403: not its agency",
        ),
        (ENTRY, "original in the vault, encrypted, until about 1970-01-15"),
        (marked("dropped"), "original none is kept"),
        (replace(ENTRY, ref=None), "original none is kept"),
        (ENTRY, "`lgsp quarantine replay http:x/1`"),
    ],
)
def test_it_is_told_in_words(entry: Entry, said: str) -> None:
    assert said in text_of(entry)


def test_what_was_dropped_is_listed_where_it_is_asked_for_only() -> None:
    found = [ENTRY, marked("replayed"), marked("dropped")]
    wanted = {
        state: [entry.state for entry in found if EntryFilter(state=state).wants(entry)]
        for state in (None, "waiting", "replayed", "dropped")
    }
    assert wanted == {
        None: ["waiting", "replayed"],
        "waiting": ["waiting"],
        "replayed": ["replayed"],
        "dropped": ["dropped"],
    }
