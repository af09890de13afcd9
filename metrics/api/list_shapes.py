"""The shapes of the lists behind figures, and their CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from metrics.api.csv import Sheet
from metrics.api.shapes import (
    DAY,
    RULE,
    AsOf,
    CountedAt,
    CountedUntil,
    Days,
    Names,
    as_of,
    days_of,
    names,
    vi_and_en,
)
from metrics.catalogue.indicators import Name
from metrics.figures.naming import Naming
from metrics.figures.query import Rule
from metrics.lists.questions import DetailNames, ListedFigure
from metrics.lists.reader import ListedRow, at_text
from schemas.clock import iso
from schemas.spreadsheets import CsvValue


class Thing(BaseModel):
    """One thing in one cell that it counts in: who, of what kind, when, and why it counts."""

    id: str
    name: Names | None = Field(description="What it is called itself, where it is registered")
    agency: str
    agency_name: Names | None
    category: str = Field(
        description="Procedure, document type, task category; - where it is not known"
    )
    category_name: Names | None = Field(description="Of a procedure")
    family: str
    kind: str = Field(description="The kind of cell: received, closed…")
    at: CountedAt
    until: CountedUntil
    adds: int = Field(
        description=(
            "What it adds to the figure: 1, an amount, or less than nothing where it is taken away"
        )
    )
    counts: dict[str, int] = Field(
        description="Every measure of this kind that it counts for: why it is here"
    )
    dates: dict[str, str] = Field(
        description="What is known of it, by name; docs/api.md explains the names"
    )
    texts: dict[str, str] = Field(
        description="The same in words: codes and labels of units, never names of persons"
    )
    href: str = Field(
        description="Address of the thing itself: its facts, and the figures it is in"
    )


class ListAsOf(BaseModel):
    """The moments: of the figure as everywhere, of the list by the next offsets of its topics."""

    figure: AsOf
    list_: dict[str, dict[str, int]] = Field(serialization_alias="list")


class ListAnswer(BaseModel):
    """A page of what is behind a part of an indicator, or behind a raw count."""

    model_config = ConfigDict(populate_by_name=True)

    id: str | None = Field(None, description="The indicator")
    version: int | None = None
    name: Name | None = None
    part: str | None = None
    kind: str | None = Field(None, description="The kind of cell, of a raw count")
    measure: str | None = None
    agency: str | None
    agency_name: Names | None = Field(description="What it is called on the window's last day")
    level: str | None
    field: str | None
    window: Days
    rule: Rule = Field(description=RULE)
    day: date | None = Field(description=DAY)
    figure: int | None = Field(
        description=(
            "The part as the indicator tells it; null where it has none, and `missing` says why"
        )
    )
    missing: Name | None
    rows: int | None = Field(description="Rows of the whole list; told with the first page")
    adds: int | None = Field(description="What they add up to; told with the first page")
    same_moment: bool | None = Field(
        description=(
            "Whether figure and list are of one moment, so that `adds` is `figure`; false: one"
            " knows a fact more, ask again"
        )
    )
    as_of: ListAsOf
    things: list[Thing]
    next: str | None = Field(
        description="Give it as `after` for the next page; null: this was the last one"
    )


def list_shape(found: ListedFigure, details: DetailNames, books: str | None) -> ListAnswer:
    """A page as it is answered. `books`: the name by which the reader asks for other books than the
    first.
    """
    query, page, behind = found.subject.query, found.page, found.behind
    return ListAnswer(
        **found.subject.head,
        agency=query.agency,
        agency_name=names(found.naming.agency(query.agency)),
        level=query.level,
        field=query.field,
        window=days_of(behind.window),
        rule=query.rule,
        day=query.as_of,
        figure=behind.figure,
        missing=behind.missing,
        rows=page.total.rows if page.total else None,
        adds=page.total.adds if page.total else None,
        same_moment=found.same_moment,
        as_of=ListAsOf(figure=as_of(found.provenance), list_=page.offsets),
        things=[
            _thing(
                one,
                found.naming,
                _dates(details.dates, page.dates.get(one.cursor.thing) or ()),
                _texts(details.texts, page.texts.get(one.cursor.thing) or ()),
                books,
            )
            for one in page.found
        ],
        next=page.next,
    )


def _dates(names: Iterable[str], known: Iterable[int | None]) -> dict[str, str]:
    named = zip(names, known, strict=False)
    return {name: iso(ms) for name, ms in named if ms is not None}


def _texts(names: Iterable[str], known: Iterable[str | None]) -> dict[str, str]:
    named = zip(names, known, strict=False)
    return {name: text for name, text in named if text is not None}


def _thing(
    found: ListedRow,
    naming: Naming,
    dates: Mapping[str, str],
    texts: Mapping[str, str],
    books: str | None,
) -> Thing:
    family, query = found.table.family, "" if books is None else f"?books={books}"
    return Thing(
        id=found.cursor.thing,
        name=names(naming.thing(found.cursor.thing, family)),
        agency=found.cursor.agency,
        agency_name=names(naming.agency(found.cursor.agency)),
        category=found.category,
        category_name=names(naming.category(found.category, [family])),
        family=family,
        kind=found.table.kind,
        at=at_text(found.cursor.at, found.table.declared.at),
        until=found.until,
        adds=found.adds,
        counts=found.counts,
        dates=dict(dates),
        texts=dict(texts),
        href=f"/v1/{family}/{quote(found.cursor.thing, safe='')}{query}",
    )


_COLUMNS = (
    *("id", "name_vi", "name_en"),
    *("agency", "agency_name_vi", "agency_name_en"),
    *("category", "category_name_vi", "category_name_en"),
    *("family", "kind", "at", "until", "adds", "counts"),
)


def list_sheet(family: str, answer: ListAnswer, details: DetailNames) -> Sheet:
    """A row for each thing, its dates and texts in columns of their own; measures as `on_time=1
    reports=1`.
    """
    columns = (*_COLUMNS, *details.dates, *details.texts)
    return Sheet(family, columns, (_row(thing, details) for thing in answer.things))


def _row(thing: Thing, details: DetailNames) -> tuple[CsvValue, ...]:
    counts = " ".join(f"{name}={amount}" for name, amount in thing.counts.items())
    head = (
        thing.id,
        *vi_and_en(thing.name),
        thing.agency,
        *vi_and_en(thing.agency_name),
        thing.category,
        *vi_and_en(thing.category_name),
        thing.family,
        thing.kind,
        thing.at,
        thing.until,
        thing.adds,
        counts,
    )
    dates = (thing.dates.get(name) for name in details.dates)
    return *head, *dates, *(thing.texts.get(name) for name in details.texts)
