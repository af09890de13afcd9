"""What is behind a figure, answered with a page of the listing.

Figure and list are read at one moment (metrics/lists/pace.py). Where the listing can't come to
the figure's in time, or one of them can't say where it stands, the answer says so, or compares what
both count.
"""

from __future__ import annotations

import base64
import binascii
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import msgspec

from metrics.api.list_shapes import ListAnswer, ListAsOf, Thing
from metrics.api.problems import Problem, wrong
from metrics.api.questions import Questions
from metrics.api.shapes import Days
from metrics.figures import absence
from metrics.figures.compute import Question
from metrics.lists.listing import Meaning
from metrics.lists.pace import Pace
from metrics.lists.reader import Found, Place, Selection, Total, dates, offsets, page, total
from metrics.lists.subjects import ListAsked, Subject, Told, subject
from schemas.cells import At, Rules
from schemas.clock import as_date, iso
from serving.store.progress import Progress

log = logging.getLogger(__name__)

LARGEST = 1 << 62  # of the numbers that SQLite compares


@dataclass(frozen=True, slots=True)
class Page:
    """What was read of the list at one moment."""

    found: list[Found]
    more: bool
    total: Total | None
    dates: Mapping[str, list[int | None]]
    offsets: dict[str, dict[str, int]]


class Lists:
    """Answers, in the calling thread.

    Raises (from every method): Problem; Unreadable.
    """

    def __init__(
        self,
        questions: Questions,
        pace: Pace,
        meanings: Sequence[Meaning],
        *,
        progress: Callable[[], Progress],
    ) -> None:
        self.date_names = {meaning.family: meaning.date_names for meaning in meanings}
        self._rules = {meaning.family: meaning.rules for meaning in meanings}
        self._questions, self._pace, self._progress = questions, pace, progress

    def things(self, family: str, asked: ListAsked) -> ListAnswer:
        """A page of the family's things behind a figure."""
        chosen, after = (
            subject(family, asked, self._questions.catalogue, [*self.date_names]),
            _place(asked.after),
        )
        progress = self._progress()
        if not progress.ready:
            raise Problem(
                "not-ready",
                f"The list is being built from Kafka: {progress.percent:.1f} % ({progress.doing}).",
            )
        with (
            self._pace.stopping(family) as stop,
            self._questions.asking(chosen.asked, chosen.indicators) as question,
        ):
            self._pace.go_on_to(stop, question.snapshot)
            told = self._by_these_rules(family, chosen.told(question), question.snapshot.rules())
            with self._pace.listed(stop) as (db, aligned):
                read = _read(db, family, told.behind, after, asked.limit)
        return self._answer(
            family,
            asked,
            chosen,
            question,
            told,
            read,
            _same_moment(aligned, chosen, told, read.total),
        )

    def _answer(
        self,
        family: str,
        asked: ListAsked,
        chosen: Subject,
        question: Question,
        told: Told,
        read: Page,
        same: bool | None,
    ) -> ListAnswer:
        whole = read.total
        return ListAnswer(
            **chosen.head,
            agency=asked.agency,
            level=asked.level,
            field=asked.field,
            window=Days(first=told.window.first, last=told.window.last),
            figure=told.figure,
            missing=told.missing,
            rows=whole.rows if whole else None,
            adds=whole.adds if whole else None,
            same_moment=same,
            as_of=ListAsOf(figure=question.as_of, list_=read.offsets),
            things=self._things(family, read, asked.books),
            next=_token(read.found[-1].place) if read.more else None,
        )

    def _by_these_rules(self, family: str, told: Told, counted: Mapping[str, list[Rules]]) -> Told:
        """Absent where the figure was counted by other rules than the list is made by."""
        theirs, ours = counted.get(family, []), self._rules[family]
        return (
            told
            if theirs in ([], [ours])
            else Told(None, absence.other_rules(family, theirs, ours), told.window, [])
        )

    def _things(self, family: str, read: Page, books: str | None) -> list[Thing]:
        names, query = self.date_names[family], "" if books is None else f"?books={books}"
        return [
            _thing(
                one, dict(zip(names, read.dates.get(one.place.thing) or (), strict=False)), query
            )
            for one in read.found
        ]


def _same_moment(
    aligned: bool | None, chosen: Subject, told: Told, whole: Total | None
) -> bool | None:
    """Whether figure and list are of one moment; where that is not known, whether they are equal.
    None: there is nothing to compare.
    """
    if told.figure is None:
        return None
    if whole is None:
        return aligned
    if aligned and whole.adds != told.figure:
        log.error(
            "%s is %d and its list adds up to %d at the same moment: run `lgsp recount`.",
            chosen.head,
            told.figure,
            whole.adds,
        )
    return aligned is not False and whole.adds == told.figure


def _read(
    db: sqlite3.Connection, family: str, chosen: list[Selection], after: Place | None, limit: int
) -> Page:
    """A page; the total with the first one, unless that is the whole list."""
    places = offsets(db)
    found = page(db, chosen, after, limit + 1)  # one more, to know whether there is a next page
    more = len(found) > limit
    whole: Total | None = None
    if after is None:
        whole = total(db, chosen) if more else Total(len(found), sum(one.adds for one in found))
    found = found[:limit]
    return Page(found, more, whole, dates(db, family, (one.place.thing for one in found)), places)


def _thing(found: Found, known: Mapping[str, int | None], query: str) -> Thing:
    return Thing(
        id=found.place.thing,
        agency=found.place.agency,
        category=found.category,
        family=found.table.family,
        kind=found.table.kind,
        at=at_text(found.place.at, found.table.declared.at),
        adds=found.adds,
        counts=found.counts,
        dates={name: iso(ms) for name, ms in known.items() if ms is not None},
        href=f"/v1/{found.table.family}/{quote(found.place.thing, safe='')}{query}",
    )


def at_text(at: int, shape: At) -> str | None:
    """When a row counts, for people."""
    if shape == "instant":
        return iso(at) if at else None
    return as_date(at).isoformat()


def _token(place: Place) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def _place(token: str | None) -> Place | None:
    """The place that a token names.

    Raises: Problem for any other text.
    """
    if token is None:
        return None
    try:
        place = msgspec.json.decode(
            base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True),
            type=Place,
        )
        if not (
            0 <= place.selection < LARGEST
            and 0 <= place.at < LARGEST
            and 0 <= place.number < LARGEST
        ):
            raise ValueError(place)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise wrong("after", "is no place in a list: take `next` of the page before") from error
    return place
