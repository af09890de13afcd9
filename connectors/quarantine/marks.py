"""What was done with entries of the quarantine: records of `lgsp.quarantine.marks`, of which the
newest for each origin holds.
"""

from __future__ import annotations

import logging
from typing import Literal, NamedTuple

import msgspec
from aiokafka import TopicPartition

from connectors.publishing.lanes import OutgoingRecord
from connectors.publishing.senders import Sends
from connectors.vault.datakeys import TICK
from schemas.kafka.clients import reading
from schemas.kafka.reading import read_to_end
from schemas.settings import Settings
from schemas.topics import quarantine_marks_topic

log = logging.getLogger(__name__)

EntryState = Literal["waiting", "replayed", "dropped"]
ENTRY_STATES: tuple[EntryState, ...] = ("waiting", "replayed", "dropped")
THIS_MACHINE = "the hub's machine"  # who did it without HTTP


class Mark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was done with an entry, by which client or on the hub's machine. Of a replay the answer:
    its HTTP status, what it said, and the request that it was.

    One that waits still has a mark where a replay was refused again.
    """

    state: EntryState
    by: str
    status: int | None = None
    said: str = ""
    request: str = ""


class PlacedMark(NamedTuple):
    """A mark, and when it was made (epoch ms by the broker's clock)."""

    at: int
    mark: Mark


async def write_mark(sender: Sends, settings: Settings, origin: str, mark: Mark) -> None:
    """Mark an entry; returns once that is on all in-sync replicas.

    Raises: KafkaUnavailable
    """
    topic = quarantine_marks_topic(settings.space)
    await sender.send([OutgoingRecord(topic, origin.encode(), msgspec.json.encode(mark), [])])


async def read_marks(settings: Settings) -> dict[str, PlacedMark]:
    """The newest mark of each origin.

    Raises: KafkaUnavailable
    """
    marks: dict[str, PlacedMark] = {}
    partition = TopicPartition(quarantine_marks_topic(settings.space), 0)
    async with reading(settings) as reader:
        reader.assign([partition])
        async for _, records in read_to_end(reader, partition):
            for record in records:
                _take(marks, record.key or b"", record.value or b"", record.timestamp)
    return marks


def _take(marks: dict[str, PlacedMark], key: bytes, value: bytes, at: int) -> None:
    if key == TICK:
        return
    origin = key.decode("utf-8", "replace")
    try:
        marks[origin] = PlacedMark(at, msgspec.json.decode(value, type=Mark))
    except msgspec.MsgspecError as error:
        log.error("A mark of the quarantine can't be read and is passed over: %s", error)
