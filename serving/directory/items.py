"""What the items of `lgsp.inventory.state` state about agencies, procedures, systems and reported
figures, and for which days.

A statement holds from its first day until its end, or until the next statement about the same item.
What cannot hold is left out and told as a mistake with its exact place; everything else goes on.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Generic, Literal, TypeVar

import msgspec

from schemas.clock import to_datetime
from schemas.codes import Channel
from schemas.errors import ContractError
from schemas.states import EventId, InventoryItem, id_text

AGENCY, PROCEDURE, SYSTEM, FIGURE = (
    "agency.registered",
    "procedure.registered",
    "system.registered",
    "figure.reported",
)
MistakeKind = Literal[
    "unreadable",
    "overlap",
    "alias_taken",
    "procedure_twice",
    "restated",
    "unknown_parent",
    "unknown_successor",
    "parent_ended",
    "cycle",
]

Said = tuple[int, str]  # when (epoch ms) and under which event id it was said
_F = TypeVar("_F", bound=msgspec.Struct)


class AgencyFields(msgspec.Struct, frozen=True):
    """What `agency.registered` says of an agency beside its code and validity."""

    level: str
    parent: str | None = None
    successor: str | None = None
    alias: tuple[str, ...] = ()
    name_vi: str | None = None
    name_en: str | None = None
    expected: bool = True


class ProcedureFields(msgspec.Struct, frozen=True):
    """What `procedure.registered` says that people ask the directory for."""

    procedure: str
    field: str = "other"
    level: int = 2
    internal: bool = False
    published: bool = True
    eligible_online: bool = True
    on_national_portal: bool = False
    with_fee: bool = False
    payable_online: bool = False
    days_before: int | None = None
    days_now: int | None = None
    name_vi: str | None = None
    name_en: str | None = None
    administrative_levels: tuple[str, ...] = ()
    one_stop: bool = False
    process_issued: bool = False
    channel: Channel | None = None


class SystemFields(msgspec.Struct, frozen=True):
    """What `system.registered` says that people ask the directory for."""

    kind: str
    citizen_facing: bool = False
    on_national_portal: bool = False
    on_document_axis: bool = False
    on_lgsp: bool = False
    on_national_reporting: bool = False


class FigureFields(msgspec.Struct, frozen=True):
    """What `figure.reported` says; the period's instants are epoch ms."""

    indicator: str
    numerator: int
    period_from: int | None = None
    period_to: int | None = None
    denominator: int | None = None
    document: str | None = None
    revision: int = 1


@dataclass(frozen=True, slots=True)
class Statement(Generic[_F]):
    """One statement about an item: holds from `first` to the day before `end` (None: until further
    notice).
    """

    item: str
    said: Said
    agency: str
    first: date
    end: date | None
    fields: _F
    starts_ms: int = 0

    def holds(self, day: date) -> bool:
        """Whether it holds on a day."""
        return self.first <= day and (self.end is None or day < self.end)

    def overlaps(self, other: Statement[_F]) -> bool:
        """Whether both hold on some day."""
        return (other.end is None or self.first < other.end) and (
            self.end is None or other.first < self.end
        )

    def place(self, field: str = "") -> str:
        """Where a mistake is."""
        return f"{self.item}, valid from {self.first.isoformat()}" + (f", {field}" if field else "")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A statement, or a link in it, that cannot hold; `place` is where, the two sentences say what
    was done.
    """

    kind: MistakeKind
    agency: str
    place: str
    vi: str
    en: str


_QUOTED = re.compile("`([^`]*)`")
_decode = msgspec.msgpack.Decoder(InventoryItem).decode


def decode_item(value: bytes) -> InventoryItem:
    """An item's state from its record.

    Raises: ContractError for bytes that are none.
    """
    try:
        return _decode(value)
    except msgspec.DecodeError as error:
        raise ContractError(
            f"a record of {len(value):,} bytes is no item's state ({error})"
        ) from error


def read_items(
    items: Mapping[str, InventoryItem], event_type: str, shape: type[_F]
) -> tuple[list[Statement[_F]], list[Mistake]]:
    """Every readable statement of one type, in order of item and beginning, and what is wrong with
    the others.
    """
    found: list[Statement[_F]] = []
    mistakes: list[Mistake] = []
    for name, item in sorted(items.items()):
        _read_item(name, item, event_type, shape, found, mistakes)
    return found, mistakes


def _read_item(
    name: str,
    item: InventoryItem,
    event_type: str,
    shape: type[_F],
    found: list[Statement[_F]],
    mistakes: list[Mistake],
) -> None:
    starts = list(_news(item))
    for place, start in enumerate(starts):
        at, id_, type_, agency, valid_to, fields = item.statements[start]
        if type_ != event_type:
            continue
        following = starts[place + 1] if place + 1 < len(starts) else None
        try:
            statement = _statement(
                name, (at, id_, agency), start, valid_to, msgspec.convert(fields, shape)
            )
        except (msgspec.ValidationError, ValueError, OverflowError) as error:
            mistakes.append(_unreadable(name, agency, start, error))
            continue
        if following is not None:
            same_end = valid_to is None or item.statements[following][4] == valid_to
            statement = _until_next(statement, _day(following), mistakes if not same_end else [])
        found.append(statement)


def _news(item: InventoryItem) -> Iterator[int]:
    """The beginnings from which something else is said than before: many systems state everything
    again every night.
    """
    before: tuple[object, ...] = ()
    for start in sorted(item.statements):
        said = item.statements[start][2:]  # type, agency, end, fields
        if said != before or (said[2] is not None and said[2] <= start):
            yield start
        before = said


def _statement(
    name: str, by: tuple[int, EventId, str], start: int, valid_to: int | None, fields: _F
) -> Statement[_F]:
    at, id_, agency = by
    return Statement(
        name,
        (at, id_text(id_)),
        agency,
        _day(start),
        None if valid_to is None else _day(valid_to),
        fields,
        start,
    )


def _until_next(
    statement: Statement[_F], following: date, mistakes: list[Mistake]
) -> Statement[_F]:
    """The next statement about the item ends this one; an end that was stated for later is told."""
    if statement.end is not None and statement.end <= following:
        return statement
    mistakes.append(
        Mistake(
            "overlap",
            statement.agency,
            statement.place("valid_to"),
            f"có hiệu lực đến {statement.end} nhưng đã được nêu lại từ {following}: chỉ tính đến"
            " ngày đó",
            f"is valid until {statement.end}, yet stated anew from {following}: it ends there;"
            " state it again with that end",
        )
    )
    return replace(statement, end=following)


def _unreadable(name: str, agency: str, start: int, error: Exception) -> Mistake:
    """Names the field if the error does, and otherwise the times, which are of no calendar."""
    named = _QUOTED.findall(str(error))
    field = named[-1].removeprefix("$.") if named else "valid_from, valid_to"
    try:
        since = f", valid from {_day(start)}"
    except OverflowError:
        since = ""
    return Mistake(
        "unreadable",
        agency,
        f"{name}{since}, {field}",
        "không đúng kiểu dữ liệu nên không đọc được: đã bỏ qua",
        "is not of the shape that it should be: it is left out; state it again",
    )


def _day(instant: int) -> date:
    return to_datetime(instant).date()


def statements_by_agency(
    statements: Iterable[Statement[AgencyFields]],
) -> tuple[dict[str, list[Statement[AgencyFields]]], list[Mistake]]:
    """The statements of each code in order of time, none overlapping another; of two that do, what
    was said first stays.
    """
    kept: defaultdict[str, list[Statement[AgencyFields]]] = defaultdict(list)
    mistakes: list[Mistake] = []
    for statement in sorted(statements, key=lambda one: (one.said, one.item)):
        if statement.end is not None and statement.end <= statement.first:
            continue  # replaced on the very day on which it began
        others = kept[statement.agency]
        place = bisect(others, statement.first, key=lambda one: one.first)
        other = next(
            (known for known in others[max(0, place - 1) : place + 1] if known.overlaps(statement)),
            None,
        )
        if other is None:
            others.insert(place, statement)
            continue
        mistakes.append(
            Mistake(
                "overlap",
                statement.agency,
                statement.place(),
                f"cơ quan {statement.agency} đã được nêu cho thời gian đó tại {other.place()}: đã"
                " bỏ qua",
                f"agency {statement.agency} is already stated for that time by {other.place()}: it"
                " is left out; end one before the other",
            )
        )
    return {code: found for code, found in kept.items() if found}, mistakes


def stated_twice(procedures: Iterable[Statement[ProcedureFields]]) -> list[Mistake]:
    """The statements about a procedure that another item states for the same days."""
    known: defaultdict[str, list[Statement[ProcedureFields]]] = defaultdict(list)
    mistakes: list[Mistake] = []
    for one in sorted(procedures, key=lambda one: (one.said, one.item)):
        if one.end is not None and one.end <= one.first:
            continue
        code = one.fields.procedure
        other = next(
            (other for other in known[code] if other.item != one.item and other.overlaps(one)), None
        )
        known[code].append(one)
        if other is not None:
            mistakes.append(
                Mistake(
                    "procedure_twice",
                    one.agency,
                    one.place(),
                    f"thủ tục {code} đã được nêu cho thời gian đó tại {other.place()}: số lượng thủ"
                    " tục tính cả hai; hãy kết thúc một mục",
                    f"procedure {code} is already stated for that time by {other.place()}: counts"
                    " of procedures hold both; end one of them",
                )
            )
    return mistakes
