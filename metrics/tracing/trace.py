"""What is known of one thing: its facts in order, its state, and what it counts for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from metrics.catalogue.indicators import Name
from metrics.lists.terms import Part
from serving.directory.names import CodeName

# counted: it is part of the state; outdone: likewise, but nothing would be other without it;
# duplicate: told before; refused: never counted; waiting: not counted yet
FactStanding = Literal["counted", "outdone", "duplicate", "refused", "waiting"]


@dataclass(frozen=True, slots=True)
class TracedFact:
    """One fact, as it lies in Kafka. What is not the hub's (unknown fields, bytes that don't
    decode) is None.
    """

    partition: int
    offset: int
    type: str | None
    id: str | None
    source: str | None
    occurred_at: str | None
    heard_at: str
    standing: FactStanding | None  # None: the books do not say how far they have come
    why: Name | None
    data: Mapping[str, Any] | None
    names: Mapping[str, CodeName]  # of the codes in data, on the day on which it occurred


@dataclass(frozen=True, slots=True)
class FigurePart:
    """A part of an indicator that a cell adds to, with the addresses of the figure and of the list
    behind it (None: there is none).
    """

    indicator: str
    version: int
    name: Name
    part: Part
    adds: int
    figure: str
    list_: str | None


@dataclass(frozen=True, slots=True)
class TracedCell:
    """One cell that the thing counts in, with the address of its raw count's list."""

    kind: str
    at: str | None
    until: date | None  # of what exists: the first day on which it does no longer
    agency: str
    agency_name: CodeName | None
    category: str
    category_name: CodeName | None
    counts: Mapping[str, int]
    list_: str
    figures: Sequence[FigurePart]


@dataclass(frozen=True, slots=True)
class ThingFlag:
    """Something wrong with the thing."""

    flag: str
    name: Name


@dataclass(frozen=True, slots=True)
class ThingState:
    """What is known of the thing. `missing`: why it is not told what it counts for."""

    dates: Mapping[str, str]
    texts: Mapping[str, str]
    flags: Sequence[ThingFlag]
    counts_for: Sequence[TracedCell] | None
    missing: Name | None


@dataclass(frozen=True, slots=True)
class TraceProgress:
    """How far everything has come on the thing's partition, as offsets of the next fact; None: not
    known.
    """

    partition: int
    counted: int | None
    indexed: int
    log: int | None


@dataclass(frozen=True, slots=True)
class Trace:
    """One thing. `left`: facts of any thing on its partition that are not looked through yet;
    `next`: the token of the next page of facts.
    """

    id: str
    name: CodeName | None
    family: str
    state: ThingState | None
    state_missing: Name | None
    facts: Sequence[TracedFact] | None
    facts_missing: Name | None
    left: int
    next: str | None
    as_of: TraceProgress
