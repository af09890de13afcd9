"""What is behind a figure: the question of an indicator's part, answered with a page of the listing.

Figure and list are read at moments as near as can be. The first page says whether they stand for the same one: a difference
can only come from a fact that one of them knows and the other not yet.
"""

from __future__ import annotations

import base64
import binascii
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
from pydantic import Field

from metrics.answering import Question, among_of, figures
from metrics.answers import Days
from metrics.asked import Asked, IndicatorsAsked
from metrics.catalogue import Indicator
from metrics.disposable import Connections
from metrics.feed import Progress
from metrics.figures import NOTHING, own_level
from metrics.grains import EVER
from metrics.listing_answers import ListAnswer, ListAsOf, Thing
from metrics.listing_reader import Found, Place, Selection, Total, dates, offsets, page, total
from metrics.listing_terms import Part, families_of, selections, term_of
from metrics.problems import Problem, wrong
from metrics.questions import Questions
from schemas.clock import as_date, to_datetime
from schemas.codes import AdministrativeLevel

LIMIT = 100
TRIES, PAUSE_SECONDS = 3, 0.02  # as long as figure and list differ, and only while that is quick
QUICK_SECONDS = 0.03
LARGEST = 1 << 62  # of the numbers that SQLite compares


class ListAsked(Asked):
    """Parameters of a list."""

    indicator: str = Field(description="The id of an indicator, as in /v1/catalogue")
    part: Part = Field("numerator", description="Which part of it: numerator or denominator")
    level: AdministrativeLevel | None = Field(None, description="Only the agencies of this level of government")
    field: str | None = Field(None, description="Only the procedures of this field (lĩnh vực)")
    limit: int = Field(LIMIT, ge=1, le=1_000, description="Rows of a page")
    after: str | None = Field(None, description="`next` of the page before")

    def as_indicators(self) -> IndicatorsAsked:
        """The same question of the indicator itself."""
        names = ("agency", "own", "history", "window", "level", "field")
        return IndicatorsAsked.model_validate({name: getattr(self, name) for name in names} | {"from": self.first, "to": self.last})


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

    Raises (from every method): Problem; CubeUnreadable; Unreadable.
    """

    def __init__(
        self, questions: Questions, listing: Connections, date_names: Mapping[str, tuple[str, ...]], *,
        progress: Callable[[], Progress], clock: Callable[[], float] = time.monotonic, pause: Callable[[float], None] = time.sleep,
    ) -> None:  # fmt: skip
        self.date_names = date_names
        self._questions, self._listing, self._progress = questions, listing, progress
        self._clock, self._pause = clock, pause

    def things(self, family: str, asked: ListAsked) -> ListAnswer:
        """A page of the family's things behind a part of an indicator."""
        if asked.roll_up is not None:
            raise wrong("roll_up", "goes with by=agency, and a list has no groups")
        indicator, after = self._indicator(family, asked), _place(asked.after)
        progress = self._progress()
        if not progress.ready:
            raise Problem("not-ready", f"The list is being built from Kafka: {progress.percent:.1f} % ({progress.doing}).")
        began, tries = self._clock(), 1
        answer = self._answer(family, asked, indicator, after)
        while answer.same_moment is False and tries < TRIES and self._clock() - began < QUICK_SECONDS:
            self._pause(PAUSE_SECONDS)
            answer, tries = self._answer(family, asked, indicator, after), tries + 1
        return answer

    def _indicator(self, family: str, asked: ListAsked) -> Indicator:
        catalogue = self._questions.catalogue
        if (indicator := catalogue.get(asked.indicator)) is None:
            errors = [{"field": "indicator", "message": "is not known"}]
            raise Problem("unknown-indicator", f"{asked.indicator} is no indicator; there are {', '.join(catalogue)}.", errors)  # type: ignore[arg-type]
        if indicator.source != "events":
            raise wrong("indicator", f"{indicator.id} is not counted from events, so there is no list behind it")
        if term_of(indicator, asked.part) is None:
            raise wrong("part", f"{indicator.id} is a count and has no {asked.part}")
        families = families_of(indicator, asked.part)
        if families != [family]:
            listed = [f"/v1/{name}" for name in families if name in self.date_names]
            where = f"ask {listed[0]}" if len(families) == 1 and listed else "there is no list behind it"
            raise wrong("indicator", f"the {asked.part} of {indicator.id} counts {' and '.join(families)}: {where}")
        return indicator

    def _answer(self, family: str, asked: ListAsked, indicator: Indicator, after: Place | None) -> ListAnswer:
        questions = self._questions
        with questions.asking(asked.as_indicators(), [indicator]) as question, self._listing.snapshot() as db:
            window = EVER if indicator.asks_now else question.window
            found, why = figures(question, indicator, window, asked.level)
            whole = found.get("", NOTHING)
            figure = whole.numerator if asked.part == "numerator" else whole.denominator
            read = _read(db, family, [] if why else _selections(question, indicator, asked), after, asked.limit)
        same = None if read.total is None or figure is None else read.total.adds == figure
        return ListAnswer(
            id=indicator.id, version=indicator.version, name=indicator.name, part=asked.part, agency=asked.agency, level=asked.level,
            field=asked.field, window=Days(first=window.first, last=window.last), figure=figure, missing=why or indicator.missing,
            rows=read.total.rows if read.total else None, adds=read.total.adds if read.total else None, same_moment=same,
            as_of=ListAsOf(figure=question.as_of, list_=read.offsets), things=self._told(family, read),
            next=_token(read.found[-1].place) if read.more else None,
        )  # fmt: skip

    def _told(self, family: str, read: Page) -> list[Thing]:
        names = self.date_names[family]
        return [_thing(one, dict(zip(names, read.dates.get(one.place.thing) or (), strict=False))) for one in read.found]


def _selections(question: Question, indicator: Indicator, asked: ListAsked) -> list[Selection]:
    own = own_level(indicator, asked.level)
    window = EVER if indicator.asks_now else question.window
    where, among = question.scopes(window, None if own else asked.level), among_of(question, indicator)
    assert where is not None, "a figure that can be told has a place to look for it"
    assert isinstance(among, tuple), "a figure that can be told has its categories"
    return selections(indicator, asked.part, question.moment, where, among=among, level=asked.level)


def _read(db: sqlite3.Connection, family: str, chosen: list[Selection], after: Place | None, limit: int) -> Page:
    """A page; the total with the first one, unless that is the whole list."""
    places = offsets(db)
    found = page(db, chosen, after, limit + 1)  # one more, to know whether there is a next page
    more = len(found) > limit
    whole: Total | None = None
    if after is None:
        whole = total(db, chosen) if more else Total(len(found), sum(one.adds for one in found))
    found = found[:limit]
    return Page(found, more, whole, dates(db, family, (one.place.thing for one in found)), places)


def _thing(found: Found, known: Mapping[str, int | None]) -> Thing:
    return Thing(
        id=found.place.thing, agency=found.place.agency, category=found.category, family=found.table.family, kind=found.table.kind,
        at=_at(found.place.at, found.table.declared.at), adds=found.adds, counts=found.counts,
        dates={name: to_datetime(ms).isoformat() for name, ms in known.items() if ms is not None},
    )  # fmt: skip


def _at(at: int, shape: Literal["day", "instant", "stock", "none"]) -> str | None:
    if shape == "instant":
        return to_datetime(at).isoformat() if at else None
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
        place = msgspec.json.decode(base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True), type=Place)
        if not (0 <= place.selection < LARGEST and 0 <= place.at < LARGEST and 0 <= place.number < LARGEST):
            raise ValueError(place)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise wrong("after", "is no place in a list: take `next` of the page before") from error
    return place
