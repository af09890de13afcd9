"""Every topic, declared once: who writes it, its key, partitions, how long it is kept. Created from
here at start.

Kafka is the only system of record: events are kept for ever; states and cells are compacted to the
newest per key; what was refused is remembered for 14 days (docs/privacy.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from schemas.settings import Settings

DAY = 86_400_000
# How long a deleted cell's tombstone stays readable: a cube that was away for longer rebuilds
# itself.
TOMBSTONES_MS = 7 * DAY
# The largest record batch that a topic takes. States and pages are bounded well below theirs
# (streams/families/bounds.py); the others hold single facts, and have Kafka's own default.
STATE_BYTES = 8 << 20
CELLS_BYTES = 16 << 20
# Kafka compacts whole segments, never the one that it writes to: no larger than the largest batch
# asks for, so that a partition holds little of what is outdated.
COMPACTED_SEGMENT_BYTES = 2 * CELLS_BYTES
FACT_BYTES = 1_048_588
# Of what was refused no more is kept than an operator needs: for so long, and no more than this,
# whatever comes in.
QUARANTINE_MS = 14 * DAY
QUARANTINE_BYTES = 256 << 20
# Kafka deletes by whole segments, those that are written to included: short ones, so that what is
# over goes.
QUARANTINE_SEGMENT_MS, QUARANTINE_SEGMENT_BYTES = DAY // 4, 16 << 20


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `partitions` 0 means as many as the setting `partitions` says (families share it,
    so that books stay together).
    """

    name: str
    owner: str
    key: str
    holds: str
    kept: Literal["for ever", "newest per key", "limited"]
    retention_ms: int = -1
    retention_bytes: int = -1  # of a partition
    segment_ms: int | None = None  # None: the broker's own
    segment_bytes: int | None = None
    partitions: int = 0
    broker_time: bool = False  # records carry the broker's append time: when the hub first knew
    made_again: bool = False  # by whoever finds it missing, since figures do not rest on it
    examples: tuple[str, ...] = field(default=())
    max_message_bytes: int = FACT_BYTES

    def partition_count(self, settings: Settings) -> int:
        """Partitions to create the topic with."""
        return self.partitions or settings.partitions

    def config(self, settings: Settings) -> dict[str, str]:
        """The broker's topic settings."""
        common = {
            "min.insync.replicas": str(settings.min_insync_replicas),
            "message.timestamp.type": "LogAppendTime" if self.broker_time else "CreateTime",
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.kept == "newest per key":
            return common | {
                "cleanup.policy": "compact",
                "delete.retention.ms": str(TOMBSTONES_MS),
                "segment.bytes": str(COMPACTED_SEGMENT_BYTES),
                "segment.ms": str(DAY),
                "min.cleanable.dirty.ratio": "0.3",
            }
        segments = {"segment.ms": self.segment_ms, "segment.bytes": self.segment_bytes}
        retention = {
            "cleanup.policy": "delete",
            "retention.ms": str(self.retention_ms),
            "retention.bytes": str(self.retention_bytes),
        }
        return (
            common
            | retention
            | {key: str(value) for key, value in segments.items() if value is not None}
        )


DEFAULT_BOOKS = "lgsp"
QUARANTINE = "lgsp.quarantine"
# there only while a restore is not finished: nothing else of the hub starts meanwhile
RESTORING = "lgsp.restoring"


def events_topic(family: str) -> str:
    """The topic of a family's events."""
    return f"lgsp.{family}"


def state_topic(family: str, books: str = DEFAULT_BOOKS) -> str:
    """The compacted topic of a family's states. `books` (the setting `app_id`) tells those from
    others kept of the same events.
    """
    return f"{books}.{family}.state"


def cells_topic(books: str = DEFAULT_BOOKS) -> str:
    """The compacted topic of all families' pages of cells."""
    return f"{books}.cells"


CELLS = cells_topic()


def _states(family: str, key: str, holds: str) -> Topic:
    return Topic(
        state_topic(family), "streams", key, holds, "newest per key", max_message_bytes=STATE_BYTES
    )


TOPICS: tuple[Topic, ...] = (
    Topic(
        "lgsp.dossiers",
        "connectors",
        "dossier id (MaHoSo)",
        "events of dossiers",
        "for ever",
        broker_time=True,
        examples=("dossier.received", "dossier.finished"),
    ),
    Topic(
        "lgsp.documents",
        "connectors",
        "document id (DocumentId)",
        "events of documents",
        "for ever",
        broker_time=True,
        examples=("document.sent", "document.status_changed"),
    ),
    Topic(
        "lgsp.tasks",
        "connectors",
        "task id",
        "events of tasks",
        "for ever",
        broker_time=True,
        examples=("task.assigned", "task.completed"),
    ),
    Topic(
        "lgsp.activities",
        "connectors",
        "activity id",
        "meetings, inspections, work records",
        "for ever",
        broker_time=True,
        examples=("activity.meeting_held",),
    ),
    Topic(
        "lgsp.inventory",
        "connectors",
        "item id",
        "agencies, procedures, systems, datasets, accounts, reported figures",
        "for ever",
        broker_time=True,
        examples=("agency.registered", "figure.reported"),
    ),
    Topic(
        "lgsp.heartbeats",
        "connectors",
        "partition number",
        "the gateway's heartbeats",
        "limited",
        retention_ms=3_600_000,
        broker_time=True,
        made_again=True,
        examples=("hub.heartbeat",),
    ),
    _states("dossiers", "dossier id", "what is known of each dossier"),
    _states("documents", "document id", "what is known of each document"),
    _states("tasks", "task id", "what is known of each task"),
    _states("activities", "activity id", "what is known of each activity"),
    _states("inventory", "item id", "what is known of each item"),
    _states("heartbeats", "partition number", "the newest heartbeat of each partition"),
    Topic(
        CELLS,
        "streams",
        "family|agency|day",
        "an agency's absolute counts of a day; sum over partitions",
        "newest per key",
        max_message_bytes=CELLS_BYTES,
    ),
    Topic(
        QUARANTINE,
        "connectors, streams",
        "origin",
        "what could not be taken in, and why",
        "limited",
        retention_ms=QUARANTINE_MS,
        retention_bytes=QUARANTINE_BYTES,
        segment_ms=QUARANTINE_SEGMENT_MS,
        segment_bytes=QUARANTINE_SEGMENT_BYTES,
        partitions=1,
        broker_time=True,
        made_again=True,
    ),
)

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}


def topics_of(settings: Settings) -> tuple[Topic, ...]:
    """The topics of these settings: events are there once, what workers derive from them once for
    each name of books.
    """
    return tuple(
        _kept_as(settings.app_id, topic) if topic.owner == "streams" else topic for topic in TOPICS
    )


def _kept_as(books: str, topic: Topic) -> Topic:
    return replace(topic, name=books + topic.name.removeprefix(DEFAULT_BOOKS))


def max_message_bytes(topic: str) -> int:
    """The largest record batch that a topic takes, in bytes; of derived topics whatever the name of
    their books.
    """
    if topic in BY_NAME:
        return BY_NAME[topic].max_message_bytes
    return CELLS_BYTES if topic.endswith(".cells") else STATE_BYTES
