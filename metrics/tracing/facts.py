"""What records of the log say of a thing, and whether each of them counts: decided as workers
do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any

from metrics.catalogue.indicators import Name
from metrics.figures.naming import Naming
from metrics.lists.listing import Meaning
from metrics.tracing.trace import TracedFact
from schemas.clock import iso, to_datetime
from schemas.codes import AGENCY_PATTERN
from schemas.errors import ContractError
from schemas.events import EVENT_TYPES
from schemas.kafka.reading import ConsumedRecord
from schemas.wire import Decoder, Fields
from serving.directory.names import CodeName

_ENVELOPE = ("event_id", "source", "occurred_at")  # told beside `data`, under CloudEvents' names
_INSTANT = ("_at", "_from", "_to")
Identity = tuple[str, str]  # source and event id

WAITING = Name(
    vi="Đã tiếp nhận, chưa được tính: hãy hỏi lại sau giây lát.",
    en="Taken in and not counted yet: ask again in a moment.",
)
NOT_SAID = Name(
    vi="Sổ không cho biết đã tính đến đâu, nên không rõ đã được tính chưa.",
    en="The books do not say how far they have come, so it is not known whether it is counted.",
)


class Facts:
    """Reads the records of one family."""

    def __init__(self, meaning: Meaning, partitions: int) -> None:
        self._meaning, self._partitions = meaning, partitions
        self._decode = Decoder(meaning.family)

    def tell(
        self,
        key: bytes,
        records: Iterable[ConsumedRecord],
        counted: Mapping[int, int | None],
        naming: Callable[[date], Naming],
    ) -> list[TracedFact]:
        """The facts about the thing of this key, in the order of the records.

        `counted`: by partition up to which offset facts are in the states (None: it is not known).
        A duplicate is told by the facts before it, among these. `naming`: what codes are called on
        a day.
        """
        seen: dict[Identity, tuple[int, Fields]] = {}
        return [
            self._fact(record, counted.get(record.partition, 0), seen, naming)
            for record in records
            if record.key == key
        ]

    def _fact(
        self,
        record: ConsumedRecord,
        counted: int | None,
        seen: dict[Identity, tuple[int, Fields]],
        naming: Callable[[date], Naming],
    ) -> TracedFact:
        place: dict[str, Any] = {
            "partition": record.partition,
            "offset": record.offset,
            "heard_at": iso(record.timestamp),
        }
        try:
            kind, fields = self._decode(record.value)
        except ContractError as error:
            return TracedFact(
                **place,
                type=None,
                id=None,
                source=None,
                occurred_at=None,
                standing="refused",
                why=_refused(str(error)),
                data=None,
                names={},
            )
        told: dict[str, Any] = {
            **place,
            "type": kind,
            "id": fields["event_id"],
            "source": fields["source"],
            "occurred_at": iso(fields["occurred_at"]),
            "data": data_of(kind, (record.key or b"").decode(), fields),
            "names": _names(kind, fields, naming),
        }
        if (
            why := self._meaning.strange(record.key or b"", record.partition, self._partitions)
        ) is not None:
            return TracedFact(**told, standing="refused", why=_refused(why))
        before = seen.setdefault((fields["source"], fields["event_id"]), (record.offset, fields))
        if before[0] != record.offset and before[1] == fields:
            return TracedFact(**told, standing="duplicate", why=_again(before[0]))
        if counted is None:
            return TracedFact(**told, standing=None, why=NOT_SAID)
        if record.offset >= counted:
            return TracedFact(**told, standing="waiting", why=WAITING)
        return TracedFact(
            **told,
            standing="counted",
            why=None if before[0] == record.offset else _other_values(before[0]),
        )


def data_of(kind: str, thing: str, fields: Fields) -> dict[str, Any]:
    """What an event says by the names that it is sent with: its contract's fields and no other,
    without those it does not give.
    """
    model = EVENT_TYPES[kind]
    values = {**fields, model.key: thing}
    return {
        name: (
            iso(values[name])
            if name.endswith(_INSTANT) and type(values[name]) is int
            else values[name]
        )
        for name in model.model_fields
        if name not in _ENVELOPE and values.get(name) is not None
    }


def _names(kind: str, fields: Fields, naming: Callable[[date], Naming]) -> dict[str, CodeName]:
    """What the codes of an event are called on the day on which it occurred, where known."""
    of_day = naming(to_datetime(fields["occurred_at"]).date())
    named: dict[str, CodeName | None] = {}
    for field in _agency_fields(kind):
        given = fields[field]
        for code in given if isinstance(given, list) else [given]:
            named[code] = of_day.agency(code)
    if (procedure := fields.get("procedure")) is not None:
        named[procedure] = of_day.procedure(procedure)
    return {code: name for code, name in named.items() if name is not None}


@cache
def _agency_fields(kind: str) -> tuple[str, ...]:
    """The fields of an event that hold codes of agencies, or lists of them."""
    properties = EVENT_TYPES[kind].model_json_schema(mode="serialization")["properties"]
    return tuple(name for name, described in properties.items() if _holds_agencies(described))


def _holds_agencies(described: Mapping[str, Any]) -> bool:
    choices = described.get("anyOf", [described])
    return any(one.get("items", one).get("pattern") == AGENCY_PATTERN for one in choices)


def _refused(reason: str) -> Name:
    return Name(
        vi=f"Không được tính, đã đưa vào khu cách ly (lgsp.quarantine): {reason}",
        en=f"Not counted, and put into quarantine (lgsp.quarantine): {reason}",
    )


def _again(offset: int) -> Name:
    return Name(
        vi=f"Trùng với thông tin ở vị trí {offset} (cùng nguồn, cùng id): không tính lần nữa.",
        en=f"The same fact as at offset {offset} (same source and id): it counts once.",
    )


def _other_values(offset: int) -> Name:
    return Name(
        vi=(
            f"Nguồn đã dùng id này ở vị trí {offset} cho nội dung khác: giá trị nào được giữ không"
            " phụ thuộc thứ tự đến."
        ),
        en=(
            f"Its source used this id at offset {offset} for something else: which value stays does"
            " not depend on the order of arrival."
        ),
    )
