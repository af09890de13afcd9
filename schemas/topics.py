"""Every topic, declared once: who writes it, its key, partitions, how long it is kept. Created from
here at start, and named nowhere else: each space has all of them, under names of its own
(schemas/spaces.py).

Kafka is the only system of record: events are kept for ever; states and cells are compacted to the
newest per key; what was refused is remembered for 14 days (docs/privacy.md). A sandbox forgets its
events after 30 days (docs/access.md).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from schemas.clock import DAY_MS, HOUR_MS
from schemas.families import DECLARED_FAMILIES, FamilyDeclaration
from schemas.settings import Settings
from schemas.spaces import OFFICIAL, is_sandbox, within

# How long a deleted cell's tombstone stays readable: a cube that was away for longer rebuilds
# itself.
TOMBSTONES_MS = 7 * DAY_MS
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
QUARANTINE_MS = 14 * DAY_MS
QUARANTINE_BYTES = 256 << 20
# What new clients try, the sandbox of their space forgets.
SANDBOX_MS, SANDBOX_SEGMENT_MS = 30 * DAY_MS, DAY_MS
# Kafka deletes by whole segments, those that are written to included: short ones, so that what is
# over goes.
QUARANTINE_SEGMENT_MS, QUARANTINE_SEGMENT_BYTES = DAY_MS // 4, 16 << 20
# Who read what and who was refused is looked into once a year; floods are folded before they come
# here (serving/access/audit.py), so that it needs no greatest size by which old records could be
# driven out.
AUDIT_MS, AUDIT_SEGMENT_MS = 400 * DAY_MS, 7 * DAY_MS
# Of a purpose for which something is kept whole in the vault: days from the end of the day on which
# it came; then the day's keys are erased (connectors/vault/keeping.py).
VaultPurpose = Literal["quarantine"]
VAULT_DAYS: dict[VaultPurpose, int] = {"quarantine": 14}
# Kafka forgets by itself too, if nobody erases the keys: records a day later, and the keys, which
# are needed for as long as a day's last record is there, behind them.
VAULT_MS = (max(VAULT_DAYS.values()) + 1) * DAY_MS
VAULT_KEYS_MS = VAULT_MS + 2 * DAY_MS
VAULT_BYTES = 1 << 30
# What was erased is gone from Kafka's disk within the hour: at the latest so long after it came a
# record may be compacted, given that something else is written behind it.
ERASED_MS = HOUR_MS // 2
ERASED_TOMBSTONES_MS = DAY_MS


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `partitions` 0 means as many as the setting `partitions` says (families share it,
    so that books stay together).
    """

    name: str
    owner: str
    key: str
    holds: str
    kept: Literal["for ever", "newest per key", "limited", "newest per key, limited"]
    retention_ms: int = -1
    retention_bytes: int = -1  # of a partition
    segment_ms: int | None = None  # None: the broker's own
    segment_bytes: int | None = None
    partitions: int = 0
    broker_time: bool = False  # records carry the broker's append time: when the hub first knew
    made_again: bool = False  # by whoever finds it missing, since figures do not rest on it
    examples: tuple[str, ...] = field(default=())
    max_message_bytes: int = FACT_BYTES
    # who may, not what happened: no backup holds it, no restore touches it, no route publishes it
    about_access: bool = False

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
            forgets = {"retention.ms": str(self.retention_ms)} if self.retention_ms >= 0 else {}
            return (
                common
                | forgets
                | {
                    "cleanup.policy": "compact,delete" if forgets else "compact",
                    "delete.retention.ms": str(TOMBSTONES_MS),
                    "segment.bytes": str(COMPACTED_SEGMENT_BYTES),
                    "segment.ms": str(DAY_MS),
                    "min.cleanable.dirty.ratio": "0.3",
                }
            )
        segments = {"segment.ms": self.segment_ms, "segment.bytes": self.segment_bytes}
        both = self.kept == "newest per key, limited"
        if both:
            common |= _COMPACTED_SOON
        retention = {
            "cleanup.policy": "compact,delete" if both else "delete",
            "retention.ms": str(self.retention_ms),
            "retention.bytes": str(self.retention_bytes),
        }
        return (
            common
            | retention
            | {key: str(value) for key, value in segments.items() if value is not None}
        )


# of what is erased by a tombstone
_COMPACTED_SOON = {
    "max.compaction.lag.ms": str(ERASED_MS),
    "delete.retention.ms": str(ERASED_TOMBSTONES_MS),
    "min.cleanable.dirty.ratio": "0.3",
}
DEFAULT_BOOKS = "lgsp"


def events_topic(family: str, space: str = OFFICIAL) -> str:
    """The topic of a family's events."""
    return within(space, f"lgsp.{family}")


def quarantine_topic(space: str = OFFICIAL) -> str:
    """The topic of what could not be taken in."""
    return within(space, "lgsp.quarantine")


def packets_topic(space: str = OFFICIAL) -> str:
    """The topic of the last packet of each dossier, and of what was told because of it."""
    return within(space, "lgsp.packets")


def sessions_topic(space: str = OFFICIAL) -> str:
    """The topic of the sessions of systems that send packets."""
    return within(space, "lgsp.packets.sessions")


def quarantine_marks_topic(space: str = OFFICIAL) -> str:
    """The compacted topic of what was done with entries of the quarantine."""
    return within(space, "lgsp.quarantine.marks")


def vault_topic(space: str = OFFICIAL) -> str:
    """The topic of what is kept whole for a while, encrypted."""
    return within(space, "lgsp.vault")


def vault_keys_topic(space: str = OFFICIAL) -> str:
    """The compacted topic of the vault's data keys, each wrapped by the master key."""
    return within(space, "lgsp.vault.keys")


def restoring_topic(space: str = OFFICIAL) -> str:
    """The topic that is there only while a restore into the space is not finished: nothing else of
    the space starts meanwhile.
    """
    return within(space, "lgsp.restoring")


def clients_topic(space: str = OFFICIAL) -> str:
    """The compacted topic of the register of clients: who may say and ask what."""
    return within(space, "lgsp.clients")


def clients_used_topic(space: str = OFFICIAL) -> str:
    """The compacted topic of when each key of a client was last used."""
    return within(space, "lgsp.clients.used")


def audit_topic(space: str = OFFICIAL) -> str:
    """The topic of who was refused, who opened what, and who changed which client."""
    return within(space, "lgsp.audit")


def state_topic(family: str, books: str = DEFAULT_BOOKS) -> str:
    """The compacted topic of a family's states. `books` (`Settings.books`) tells those from others
    kept of the same events.
    """
    return f"{books}.{family}.state"


def cells_topic(books: str = DEFAULT_BOOKS) -> str:
    """The compacted topic of all families' pages of cells."""
    return f"{books}.cells"


# the official space's
CELLS, QUARANTINE, RESTORING = cells_topic(), quarantine_topic(), restoring_topic()
CLIENTS, CLIENTS_USED, AUDIT = clients_topic(), clients_used_topic(), audit_topic()
MARKS, VAULT, VAULT_KEYS = quarantine_marks_topic(), vault_topic(), vault_keys_topic()


def _events(family: FamilyDeclaration) -> Topic:
    topic = Topic(
        events_topic(family.name),
        "connectors",
        family.key,
        family.events,
        "for ever",
        broker_time=True,
        examples=family.examples,
    )
    if not family.own:
        return topic
    return replace(topic, kept="limited", retention_ms=HOUR_MS, made_again=True)


def _states(family: FamilyDeclaration) -> Topic:
    return Topic(
        state_topic(family.name),
        "streams",
        family.key,
        family.states,
        "newest per key",
        max_message_bytes=STATE_BYTES,
    )


# what connectors keep for themselves: no facts, so no worker reads it
_OWN_STATE = "connectors, for themselves"

TOPICS: tuple[Topic, ...] = (
    *map(_events, DECLARED_FAMILIES),
    *map(_states, DECLARED_FAMILIES),
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
    Topic(
        MARKS,
        "connectors, ops",
        "origin",
        "what was done with an entry of the quarantine: replayed or dropped, when and by whom",
        "newest per key, limited",
        retention_ms=VAULT_MS,
        segment_ms=QUARANTINE_SEGMENT_MS,
        segment_bytes=QUARANTINE_SEGMENT_BYTES,
        partitions=1,
        broker_time=True,
        made_again=True,
    ),
    Topic(
        VAULT,
        "connectors, ops",
        "record/chunk/chunks",
        "what is kept whole for a while, encrypted under a data key",
        "newest per key, limited",
        retention_ms=VAULT_MS,
        retention_bytes=VAULT_BYTES,
        segment_ms=QUARANTINE_SEGMENT_MS,
        segment_bytes=QUARANTINE_SEGMENT_BYTES,
        partitions=1,
        broker_time=True,
        made_again=True,
    ),
    Topic(
        VAULT_KEYS,
        "connectors, ops",
        "data key's id",
        "the vault's data keys, wrapped by the master key; one erased is a tombstone",
        "newest per key, limited",
        retention_ms=VAULT_KEYS_MS,
        segment_ms=ERASED_MS,
        segment_bytes=QUARANTINE_SEGMENT_BYTES,
        partitions=1,
        broker_time=True,
        made_again=True,
    ),
    Topic(
        CLIENTS,
        "connectors, ops",
        "client name",
        "who may: each client's rights, and its keys as digests",
        "newest per key",
        partitions=1,
        about_access=True,
    ),
    Topic(
        CLIENTS_USED,
        "connectors",
        "client name/key id",
        "when each key was last used",
        "newest per key",
        partitions=1,
        made_again=True,
        about_access=True,
    ),
    Topic(
        packets_topic(),
        _OWN_STATE,
        "client|dossier id (MaHoSo)",
        "the last packet of each dossier, without anything of a person",
        "newest per key",
    ),
    Topic(
        sessions_topic(),
        _OWN_STATE,
        "SHA-256 of the session",
        "whose a session is, and until when",
        "newest per key",
        partitions=1,
        made_again=True,
    ),
    Topic(
        AUDIT,
        "connectors, metrics, ops",
        "client name",
        "who was refused for want of right, who opened a list or one thing, who changed a client",
        "limited",
        retention_ms=AUDIT_MS,
        segment_ms=AUDIT_SEGMENT_MS,
        segment_bytes=QUARANTINE_SEGMENT_BYTES,
        partitions=1,
        broker_time=True,
        made_again=True,
        about_access=True,
    ),
)

BY_NAME: dict[str, Topic] = {topic.name: topic for topic in TOPICS}


def topics_of(settings: Settings) -> tuple[Topic, ...]:
    """The topics of these settings' space: events are there once, what workers derive from them
    once for each name of books. A sandbox forgets what it was told.
    """
    named = [replace(topic, name=name_for(topic.name, settings)) for topic in TOPICS]
    return tuple(map(_forgetting, named) if is_sandbox(settings.space) else named)


def _forgetting(topic: Topic) -> Topic:
    if topic.kept == "for ever":
        return replace(
            topic, kept="limited", retention_ms=SANDBOX_MS, segment_ms=SANDBOX_SEGMENT_MS
        )
    if topic.owner == _OWN_STATE and not topic.made_again:
        return replace(topic, retention_ms=SANDBOX_MS)
    return topic


def name_for(name: str, settings: Settings) -> str:
    """What the topic that the default books of the official space call so is called in these
    settings' space and books.
    """
    if BY_NAME[name].owner == "streams":
        return settings.books + name.removeprefix(DEFAULT_BOOKS)
    return within(settings.space, name)


def max_message_bytes(topic: str) -> int:
    """The largest record batch that a topic takes, in bytes, whatever its space and books."""
    if topic.endswith(".cells"):
        return CELLS_BYTES
    return STATE_BYTES if topic.endswith(".state") else FACT_BYTES
