"""What a system spoke of within a while, and who else did: found in the logs of events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.clock import ZONE, to_ms
from schemas.errors import ContractError, HubError
from schemas.events import EVENT_TYPES
from schemas.families import DECLARED_FAMILIES
from schemas.kafka.clients import consumer
from schemas.kafka.reading import ConsumedRecord, read_between, read_to_end
from schemas.settings import Settings
from schemas.topics import events_topic
from schemas.wire import Decoder, Fields

# The families whose things can be voided, each with what one of them is called.
VOIDABLE: dict[str, str] = {
    family.name: family.thing
    for family in DECLARED_FAMILIES
    if f"{family.thing}.voided" in EVENT_TYPES
}
OWN_SOURCE = "/lgsp/void"  # of the events that this command sends: nobody's facts
Progress = Callable[[int], None]  # told how many records were read since it was told last


@dataclass(frozen=True, slots=True)
class Mistaken:
    """Whose facts are mistaken: those of a source that the hub took in from one instant (epoch ms,
    the broker's clock) to before another.
    """

    source: str
    since: int
    until: int

    def told(self, source: str, record: ConsumedRecord) -> bool:
        """Whether a fact is one of them."""
        return source == self.source and self.since <= record.timestamp < self.until


def moment(option: str, text: str) -> int:
    """`2026-11-30T08:00` of the province, or with a zone, as epoch ms.

    Raises: HubError
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise HubError(
            f"{option} should be a time of the province such as 2026-11-30T08:00."
        ) from None
    return to_ms(found if found.tzinfo else found.replace(tzinfo=ZONE))


@dataclass(slots=True)
class TouchedThing:
    """Something that the source spoke of then. `agency`: of the newest such fact."""

    family: str
    id: str
    agency: str = ""
    mistaken: int = 0  # facts
    others: int = 0  # facts of others, or told by it at another time
    voided: bool = False  # by this command, the last time that it was about this thing

    @property
    def only_theirs(self) -> bool:
        """Nothing else is known of it."""
        return not self.others


async def touched(
    settings: Settings, family: str, mistaken: Mistaken, progress: Progress
) -> list[TouchedThing]:
    """What was spoken of mistakenly of a family, in order of id. Its log is read once for the
    while, and once as a whole, for what else is known of these things.
    """
    reader = consumer(settings)
    await reader.start()
    found: dict[bytes, TouchedThing] = {}
    decode = Decoder(family)
    try:
        for number in range(settings.partitions):
            partition = TopicPartition(events_topic(family, settings.space), number)
            theirs: dict[bytes, TouchedThing] = {}
            start, end = await _while(reader, partition, mistaken)
            if start < end:
                async for records in read_between(reader, partition, start, end):
                    for record in records:
                        _mark(theirs, decode, family, mistaken, record)
            if theirs:
                reader.assign([partition])
                async for _, records in read_to_end(reader, partition):
                    for record in records:
                        _compare(theirs, decode, mistaken, record)
                    progress(len(records))
            found |= theirs
    finally:
        await reader.stop()
    return sorted(found.values(), key=lambda thing: thing.id)


async def _while(
    reader: AIOKafkaConsumer, partition: TopicPartition, mistaken: Mistaken
) -> tuple[int, int]:
    """The offsets of a while: from one up to before another."""
    end = (await reader.end_offsets([partition]))[partition]
    offsets = []
    for instant in (mistaken.since, mistaken.until):
        found = (await reader.offsets_for_times({partition: instant}))[partition]
        offsets.append(end if found is None else found.offset)
    return offsets[0], offsets[1]


def _mark(
    found: dict[bytes, TouchedThing],
    decode: Decoder,
    family: str,
    mistaken: Mistaken,
    record: ConsumedRecord,
) -> None:
    """Note a thing that a mistaken fact is about."""
    _, fields = _read(decode, record)
    if record.key is None or fields is None or not mistaken.told(fields["source"], record):
        return
    thing = found.setdefault(record.key, TouchedThing(family, record.key.decode()))
    thing.agency = fields["agency"]
    thing.mistaken += 1


def _compare(
    found: dict[bytes, TouchedThing], decode: Decoder, mistaken: Mistaken, record: ConsumedRecord
) -> None:
    """Note what else is known of a thing."""
    thing = found.get(record.key or b"")
    if thing is None:
        return
    kind, fields = _read(decode, record)
    if fields is None:
        return
    if fields["source"] == OWN_SOURCE:
        thing.voided = kind.endswith(".voided")
    else:
        thing.others += not mistaken.told(fields["source"], record)


def _read(decode: Decoder, record: ConsumedRecord) -> tuple[str, Fields | None]:
    """The event type and fields of a record; no fields of one that workers refuse."""
    try:
        return decode(record.value)
    except ContractError:
        return "", None
