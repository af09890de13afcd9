"""What records of the log say of a thing, and whether each of them counts: decided as workers
do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from metrics.catalogue.indicators import Name
from metrics.figures.naming import Naming
from metrics.lists.listing import Meaning
from metrics.tracing.names import names_in
from metrics.tracing.trace import FactStanding, TracedFact
from schemas.clock import iso, to_datetime
from schemas.errors import ContractError
from schemas.events import EVENT_TYPES
from schemas.kafka.reading import ConsumedRecord
from schemas.wire import Decoder, Fields

_ENVELOPE = ("event_id", "source", "occurred_at")  # told beside `data`, under CloudEvents' names
_INSTANT = ("_at", "_from", "_to")
_SAID = ("type", "id", "source", "occurred_at", "data")  # what a record that can be read says
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
    """Reads the records of one family. `naming`: what codes are called on a day."""

    def __init__(self, meaning: Meaning, partitions: int, naming: Callable[[date], Naming]) -> None:
        self._meaning, self._partitions, self._naming = meaning, partitions, naming
        self._decode = Decoder(meaning.family)

    def tell(
        self,
        key: bytes,
        records: Iterable[ConsumedRecord],
        counted: Mapping[int, int | None],
        *,
        whole: bool,
    ) -> list[TracedFact]:
        """The facts about the thing of this key, in the order of the records.

        `counted`: by partition up to which offset facts are in the states (None: it is not known).
        A duplicate is told by the facts before it, among these; which of them are outdone only
        where these are all (`whole`).
        """
        seen: dict[Identity, tuple[int, Fields]] = {}
        told: list[TracedFact] = []
        facts: dict[int, tuple[str, Fields, int]] = {}  # by place among those told
        for record in records:
            if record.key != key:
                continue
            fact, fields = self._fact(record, counted.get(record.partition, 0), seen)
            if fields is not None and fact.type is not None and fact.standing == "counted":
                facts[len(told)] = fact.type, fields, record.timestamp
            told.append(fact)
        return self._outdone(told, facts) if whole else told

    def _outdone(
        self, told: list[TracedFact], facts: Mapping[int, tuple[str, Fields, int]]
    ) -> list[TracedFact]:
        """The same, those that do not stand marked."""
        places = list(facts)
        for place, other in self._meaning.outdone(list(facts.values())).items():
            fact = told[places[place]]
            by = None if other is None else told[places[other]].offset
            told[places[place]] = replace(fact, standing="outdone", why=fact.why or _outdone(by))
        return told

    def _fact(
        self, record: ConsumedRecord, counted: int | None, seen: dict[Identity, tuple[int, Fields]]
    ) -> tuple[TracedFact, Fields | None]:
        """What a record says, and its fields where it can be read."""
        place: dict[str, Any] = {
            "partition": record.partition,
            "offset": record.offset,
            "heard_at": iso(record.timestamp),
        }
        try:
            kind, fields = self._decode(record.value)
        except ContractError as error:
            unread: dict[str, Any] = dict.fromkeys(_SAID)
            why = _refused(str(error))
            return TracedFact(**place, **unread, names={}, standing="refused", why=why), None
        naming = self._naming(to_datetime(fields["occurred_at"]).date())
        told: dict[str, Any] = {
            **place,
            "type": kind,
            "id": fields["event_id"],
            "source": fields["source"],
            "occurred_at": iso(fields["occurred_at"]),
            "data": data_of(kind, (record.key or b"").decode(), fields),
            "names": names_in(kind, fields, naming),
        }
        standing, why_so = self._standing(record, fields, counted, seen)
        return TracedFact(**told, standing=standing, why=why_so), fields

    def _standing(
        self,
        record: ConsumedRecord,
        fields: Fields,
        counted: int | None,
        seen: dict[Identity, tuple[int, Fields]],
    ) -> tuple[FactStanding | None, Name | None]:
        """Whether it counts, and what is to know of that."""
        strange = self._meaning.strange(record.key or b"", record.partition, self._partitions)
        if strange is not None:
            return "refused", _refused(strange)
        before = seen.setdefault((fields["source"], fields["event_id"]), (record.offset, fields))
        again = before[0] != record.offset
        if again and before[1] == fields:
            return "duplicate", _again(before[0])
        if counted is None:
            return None, NOT_SAID
        if record.offset >= counted:
            return "waiting", WAITING
        return "counted", _other_values(before[0]) if again else None


def data_of(kind: str, thing: str, fields: Fields) -> dict[str, Any]:
    """What an event says by the names that it is sent with: its contract's fields and no other,
    without those it does not give. That it holds is told of no fact: all do but corrections.
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
        if name not in _ENVELOPE and values.get(name) is not None and not _usual(name, values)
    }


def _usual(name: str, values: Mapping[str, Any]) -> bool:
    return name == "holds" and values[name] is True


def _refused(reason: str) -> Name:
    return Name(
        vi=f"Không được tính, đã đưa vào khu cách ly (lgsp.quarantine): {reason}",
        en=f"Not counted, and put into quarantine (lgsp.quarantine): {reason}",
    )


def _outdone(offset: int | None) -> Name:
    if offset is None:
        return Name(
            vi="Không có số liệu nào thay đổi nếu thiếu thông tin này.",
            en="No figure would be other without it.",
        )
    return Name(
        vi=f"Thông tin ở vị trí {offset} có hiệu lực thay cho thông tin này.",
        en=f"Outdone by the fact at offset {offset}, which stands instead.",
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
