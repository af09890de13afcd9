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
from typing import NamedTuple

import msgspec

from metrics.errors import NotReady, wrong
from metrics.figures import absence
from metrics.figures.compute import reading
from metrics.figures.naming import Naming, naming_of
from metrics.figures.readers import EVERYTHING, Reader
from metrics.figures.view import Provenance, Views
from metrics.lists.listing import Meaning
from metrics.lists.pace import Pace
from metrics.lists.reader import (
    Cursor,
    ListedRow,
    Selection,
    Total,
    dates,
    offsets,
    page,
    texts,
    total,
)
from metrics.lists.subjects import Behind, ListQuery, Subject, subject
from schemas.cells.applied import CountingRules
from serving.store.progress import Progress

log = logging.getLogger(__name__)

_LARGEST = 1 << 62  # of the numbers that SQLite compares


@dataclass(frozen=True, slots=True)
class ListPage:
    """What was read of the list at one moment. `total`: with the first page only; `next`: the token
    of the next one, if there is one.
    """

    found: list[ListedRow]
    total: Total | None
    dates: Mapping[str, list[int | None]]  # of each thing, in the order of the family's names
    texts: Mapping[str, list[str | None]]  # the same
    offsets: dict[str, dict[str, int]]
    next: str | None


@dataclass(frozen=True, slots=True)
class ListedFigure:
    """A figure, and a page of what is behind it. `same_moment`: whether both are of one moment;
    None: nothing can be compared.
    """

    subject: Subject
    behind: Behind
    page: ListPage
    same_moment: bool | None
    provenance: Provenance
    naming: Naming


class DetailNames(NamedTuple):
    """The names of what a family's things have besides their counts."""

    dates: tuple[str, ...]
    texts: tuple[str, ...]


class Lists:
    """Answers, in the calling thread.

    Raises (from every method): QueryError; UnknownIndicator; NotReady; Unreadable; NotAllowed.
    """

    def __init__(
        self,
        views: Views,
        pace: Pace,
        meanings: Sequence[Meaning],
        *,
        progress: Callable[[], Progress],
    ) -> None:
        self.names = {
            meaning.family: DetailNames(meaning.date_names, meaning.text_names)
            for meaning in meanings
        }
        self._rules = {meaning.family: meaning.rules for meaning in meanings}
        self._views, self._pace, self._progress = views, pace, progress

    def things(self, family: str, asked: ListQuery, reader: Reader = EVERYTHING) -> ListedFigure:
        """A page of the family's things behind a figure that the reader may read."""
        chosen = subject(family, asked, self._views.catalogue, [*self.names])
        after = _cursor(asked.after)
        progress = self._progress()
        if not progress.ready:
            raise NotReady(
                f"The list is being built from Kafka: {progress.percent:.1f} % ({progress.doing})."
            )
        views = self._views.read_by(reader)
        with self._pace.stopping(family) as stop, views.open() as view:
            found = reading(view, chosen.query, chosen.indicators)
            self._pace.go_on_to(stop, view.snapshot)
            behind = self._by_these_rules(
                family, chosen.behind(found), view.snapshot.rules().get(family, [])
            )
            with self._pace.listed(stop) as (db, aligned):
                read = _read(db, family, behind.selections, after, asked.limit)
            provenance, naming = view.as_of, naming_of(view, behind.window)
        same = _same_moment(aligned, chosen, behind, read.total)
        return ListedFigure(chosen, behind, read, same, provenance, naming)

    def _by_these_rules(self, family: str, behind: Behind, theirs: list[CountingRules]) -> Behind:
        """Absent where the figure was counted by other rules than the list is made by."""
        ours = self._rules[family]
        if theirs in ([], [ours]):
            return behind
        return Behind(None, absence.other_rules(family, theirs, ours), behind.window, [])


def _same_moment(
    aligned: bool | None, chosen: Subject, behind: Behind, whole: Total | None
) -> bool | None:
    """Whether figure and list are of one moment; where that is not known, whether they are equal.
    None: there is nothing to compare.
    """
    if behind.figure is None:
        return None
    if whole is None:
        return aligned
    if aligned and whole.adds != behind.figure:
        log.error(
            "%s is %d and its list adds up to %d at the same moment: run `lgsp recount`.",
            chosen.head,
            behind.figure,
            whole.adds,
        )
    return aligned is not False and whole.adds == behind.figure


def _read(
    db: sqlite3.Connection, family: str, chosen: list[Selection], after: Cursor | None, limit: int
) -> ListPage:
    """A page; the total with the first one, unless that is the whole list."""
    positions = offsets(db)
    found = page(db, chosen, after, limit + 1)  # one more, to know whether there is a next page
    more = len(found) > limit
    whole: Total | None = None
    if after is None:
        whole = total(db, chosen) if more else Total(len(found), sum(one.adds for one in found))
    found = found[:limit]
    return ListPage(
        found,
        whole,
        dates(db, family, (one.cursor.thing for one in found)),
        texts(db, family, (one.cursor.thing for one in found)),
        positions,
        _token(found[-1].cursor) if more else None,
    )


def _token(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def _cursor(token: str | None) -> Cursor | None:
    """Where the page of a token begins.

    Raises: QueryError for any other text.
    """
    if token is None:
        return None
    try:
        cursor = msgspec.json.decode(
            base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True),
            type=Cursor,
        )
        if not (
            0 <= cursor.selection < _LARGEST
            and 0 <= cursor.at < _LARGEST
            and 0 <= cursor.number < _LARGEST
        ):
            raise ValueError(cursor)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise wrong("after", "is no place in a list: take `next` of the page before") from error
    return cursor
