"""The shapes of what is known of one thing, and the CSV of its facts."""

from __future__ import annotations

from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from metrics.api.csv import Sheet
from metrics.api.shapes import CountedAt, CountedUntil, Names
from metrics.catalogue.indicators import Name
from metrics.lists.terms import Part
from metrics.tracing.trace import FactStanding, Trace
from schemas.spreadsheets import CsvValue


class TraceShape(BaseModel):
    """Base of these shapes, which have the fields of what they are made of."""

    model_config = ConfigDict(from_attributes=True)


class FactOf(TraceShape):
    """One fact, as it lies in Kafka. What is not the hub's (unknown fields, bytes that don't
    decode) is never told.
    """

    partition: int
    offset: int
    type: str | None = Field(description="The type of event; null where it can't be read")
    id: str | None = Field(description="The CloudEvents id")
    source: str | None = Field(description="The CloudEvents source")
    occurred_at: str | None
    heard_at: str = Field(description="When the hub took it in, by the broker's clock")
    standing: FactStanding | None = Field(
        description=(
            "counted: it is part of the state; outdone: likewise, but nothing would be other"
            " without it; duplicate: told before; refused: never counted; waiting: not counted yet;"
            " null: the books do not say how far they have come"
        )
    )
    why: Name | None = Field(description="Why it is not counted, or what else is to know of it")
    data: dict[str, Any] | None = Field(
        description="What it says, by the names of `data`; what it does not say is left out"
    )
    names: dict[str, Names] = Field(
        description=(
            "What the agencies and procedures in `data` are called on the day on which it"
            " occurred, by code"
        )
    )


class InFigure(TraceShape):
    """A part of an indicator that a cell adds to."""

    indicator: str
    version: int
    name: Name
    part: Part
    adds: int = Field(
        description="What it adds: 1, an amount, or less than nothing where it is taken away"
    )
    figure: str = Field(
        description="Address of the figure, of the narrowest window and agency that have this in it"
    )
    list_: str | None = Field(
        serialization_alias="list",
        description="Address of the list behind it; null where there is none",
    )


class CellOf(TraceShape):
    """One cell that the thing counts in."""

    kind: str
    at: CountedAt
    until: CountedUntil
    agency: str
    agency_name: Names | None = Field(description="What it is called on that day")
    category: str
    category_name: Names | None = Field(description="Of a procedure")
    counts: dict[str, int] = Field(
        description="Every measure that it counts for, with what it adds"
    )
    list_: str = Field(
        serialization_alias="list",
        description="Address of the raw count's list, of its first measure",
    )
    figures: list[InFigure]


class Flag(TraceShape):
    """Something wrong with the thing."""

    flag: str
    name: Name


class StateOf(TraceShape):
    """What is known of the thing, as lists tell it."""

    dates: dict[str, str]
    texts: dict[str, str]
    flags: list[Flag]
    counts_for: list[CellOf] | None
    missing: Name | None = Field(description="Why it is not told what it counts for")


class TraceAsOf(TraceShape):
    """How far everything has come on the thing's partition, as offsets of the next fact."""

    partition: int
    counted: int | None = Field(
        description="Facts before it are in the state; null: the books do not say"
    )
    indexed: int = Field(
        description=(
            "Facts before it were found by the index; those behind were looked for in the log"
        )
    )
    log: int | None = Field(description="The end of the log; null while Kafka does not answer")


class TraceAnswer(TraceShape):
    """One thing: its facts in order, what is known of it, and what it counts for."""

    id: str
    name: Names | None = Field(description="What it is called itself, where it is registered")
    family: str
    state: StateOf | None
    state_missing: Name | None = Field(description="Why there is no state")
    facts: list[FactOf] | None = Field(
        description="In the order in which the hub took them in; null while Kafka does not answer"
    )
    facts_missing: Name | None = Field(description="Why there are no facts, or not all")
    left: int = Field(
        description=(
            "Facts of any thing on this partition that are not looked through yet; 0: none of this"
            " one is missing"
        )
    )
    next: str | None = Field(
        description="Give it as `after` for the next page of facts; null: these were the last ones"
    )
    as_of: TraceAsOf


_COLUMNS = (
    "offset",
    "type",
    "id",
    "source",
    "occurred_at",
    "heard_at",
    "standing",
    "why_vi",
    "why_en",
    "data",
    "names",
    "partition",
)
_json = msgspec.json.Encoder().encode


def trace_shape(found: Trace) -> TraceAnswer:
    """What is known of a thing, as it is answered."""
    return TraceAnswer.model_validate(found)


def facts_sheet(answer: TraceAnswer) -> Sheet:
    """A row for each fact; `data` and `names` as a JSON text each."""
    return Sheet(f"{answer.family}-facts", _COLUMNS, (_row(fact) for fact in answer.facts or ()))


def _row(fact: FactOf) -> tuple[CsvValue, ...]:
    why = (fact.why.vi, fact.why.en) if fact.why else (None, None)
    data = None if fact.data is None else _json(fact.data).decode()
    said = (fact.type, fact.id, fact.source, fact.occurred_at, fact.heard_at)
    names = _json({code: name.model_dump() for code, name in fact.names.items()}).decode()
    return fact.offset, *said, fact.standing, *why, data, names, fact.partition
