"""The shapes of the lists behind figures, and their CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field

from metrics.api.csv import Sheet
from metrics.api.shapes import AsOf, Days, as_of, days_of
from metrics.catalogue.indicators import Name
from metrics.lists.questions import DetailNames, ListedFigure
from metrics.lists.reader import ListedRow, at_text
from schemas.clock import iso
from schemas.spreadsheets import CsvValue


class Thing(BaseModel):
    """One thing in one cell that it counts in: who, of what kind, when, and why it counts."""

    id: str
    agency: str
    category: str = Field(
        description="Procedure, document type, task category; - where it is not known"
    )
    family: str
    kind: str = Field(description="The kind of cell: received, closed…")
    at: str | None = Field(
        description="The day that it counts on; of what is open the due time, null without one"
    )
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
    level: str | None
    field: str | None
    window: Days
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


def list_shape(found: ListedFigure, names: DetailNames, books: str | None) -> ListAnswer:
    """A page as it is answered. `books`: the name by which the reader asks for other books than the
    first.
    """
    query, page, behind = found.subject.query, found.page, found.behind
    return ListAnswer(
        **found.subject.head,
        agency=query.agency,
        level=query.level,
        field=query.field,
        window=days_of(behind.window),
        figure=behind.figure,
        missing=behind.missing,
        rows=page.total.rows if page.total else None,
        adds=page.total.adds if page.total else None,
        same_moment=found.same_moment,
        as_of=ListAsOf(figure=as_of(found.provenance), list_=page.offsets),
        things=[
            _thing(
                one,
                _dates(names.dates, page.dates.get(one.cursor.thing) or ()),
                _texts(names.texts, page.texts.get(one.cursor.thing) or ()),
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
    found: ListedRow, dates: Mapping[str, str], texts: Mapping[str, str], books: str | None
) -> Thing:
    family, query = found.table.family, "" if books is None else f"?books={books}"
    return Thing(
        id=found.cursor.thing,
        agency=found.cursor.agency,
        category=found.category,
        family=family,
        kind=found.table.kind,
        at=at_text(found.cursor.at, found.table.declared.at),
        adds=found.adds,
        counts=found.counts,
        dates=dict(dates),
        texts=dict(texts),
        href=f"/v1/{family}/{quote(found.cursor.thing, safe='')}{query}",
    )


def list_sheet(family: str, answer: ListAnswer, names: DetailNames) -> Sheet:
    """A row for each thing, its dates and texts in columns of their own; measures as `on_time=1
    reports=1`.
    """
    columns = ("id", "agency", "category", "family", "kind", "at", "adds", "counts")
    rows = (_row(thing, names) for thing in answer.things)
    return Sheet(family, (*columns, *names.dates, *names.texts), rows)


def _row(thing: Thing, names: DetailNames) -> tuple[CsvValue, ...]:
    counts = " ".join(f"{name}={amount}" for name, amount in thing.counts.items())
    head = (
        thing.id,
        thing.agency,
        thing.category,
        thing.family,
        thing.kind,
        thing.at,
        thing.adds,
        counts,
    )
    dates = (thing.dates.get(name) for name in names.dates)
    return *head, *dates, *(thing.texts.get(name) for name in names.texts)
