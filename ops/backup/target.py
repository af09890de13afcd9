"""Where a restore goes: a Kafka that holds nothing of the hub, held against everything else of the
hub until it is whole.

The hold is a topic of its own (`restoring_topic`), which every process of the space looks for when
it starts, and which says what is being restored, so that a restore that was interrupted goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.errors import KafkaError

from ops.backup.chunks import ChunkEntry
from ops.kafka.topics import PAUSE, TRIES, delete_topics
from schemas.errors import BackupError
from schemas.kafka.clients import admin, consumer, producer
from schemas.kafka.topics import make_topic, set_settings, settings_of, topics_there
from schemas.settings import Settings
from schemas.topics import CELLS_BYTES, Topic, restoring_topic, topics_of

# Facts come with the time at which the first hub heard them: until all are there, the topics keep
# what they are given, whatever this machine's clock says. What a batch was written with, it keeps
# when the topic goes back to the broker's clock.
_AS_GIVEN = {
    "message.timestamp.type": "CreateTime",
    "message.timestamp.after.max.ms": str((1 << 63) - 1),
    "max.message.bytes": str(CELLS_BYTES),
}
_WINDOW = 8  # batches on their way
_FILLER = b"lgsp-restore"


class RestoreRequest(msgspec.Struct, frozen=True):
    """What is being restored: the backup by its id and last run, and what was asked for; the things
    left out by a hash.
    """

    backup: str
    at: str
    events_only: bool
    without: list[str]


class Target:
    """The Kafka that the settings name, while a restore goes on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._hold = Topic(
            restoring_topic(settings.space),
            "ops",
            "none",
            "what is being restored",
            "for ever",
            partitions=1,
        )

    async def begin(self, asked: RestoreRequest) -> None:
        """Take hold of it, unless this same restore holds it already, and make the topics.

        Raises: BackupError where it holds something else.
        """
        if self._settings.topics == "check":
            raise BackupError(
                "LGSP_TOPICS is `check`, and a restore makes topics and changes their settings: set"
                " it to `manage`."
            )
        there = await self._topics()
        if self._hold.name in there:
            await self._check_same(asked)
        else:
            await self._check_empty(there)
            await make_topic(self._settings, self._hold)
            await self._say(asked)
        for topic in topics_of(self._settings):
            await make_topic(self._settings, topic, **(_AS_GIVEN if _holds_facts(topic) else {}))

    async def _topics(self) -> dict[str, int]:
        async with admin(self._settings) as client:
            there = await topics_there(client)
        return {name: len(partitions) for name, partitions in there.items()}

    async def _check_empty(self, there: Mapping[str, int]) -> None:
        ours = [
            topic
            for topic in topics_of(self._settings)
            if topic.name in there and not topic.about_access
        ]
        partitions: list[TopicPartition] = []
        for topic in ours:
            numbers = range(there[topic.name])
            partitions += [TopicPartition(topic.name, number) for number in numbers]
        ends = await self.ends(partitions)
        full = sorted({partition.topic for partition, end in ends.items() if end})
        if full:
            some = ", ".join(full[:3]) + (" …" if full[3:] else "")
            raise BackupError(
                f"The Kafka at {self._settings.bootstrap} is not empty ({some}), and a restore"
                " mixes with nothing of its space. Stop everything, start `lgsp kafka` with"
                " LGSP_DATA set to a new folder, and restore into that; the old one stays as it is."
            )
        for topic in ours:
            wanted = topic.partition_count(self._settings)
            if there[topic.name] != wanted:
                raise BackupError(
                    f"Topic {topic.name} has {there[topic.name]} partitions and should have"
                    f" {wanted}: begin with a new LGSP_DATA."
                )
        await delete_topics(self._settings, [topic.name for topic in ours])

    async def _check_same(self, asked: RestoreRequest) -> None:
        partition = TopicPartition(self._hold.name, 0)
        async with consumer(self._settings) as reader:
            reader.assign([partition])
            if not (await reader.end_offsets([partition]))[partition]:
                await self._say(asked)  # interrupted before a fact was written
                return
            held = msgspec.json.decode((await reader.getone(partition)).value, type=RestoreRequest)
        if held != asked:
            less = ", events only" if held.events_only else ""
            if held.without:
                less += f", without {len(held.without)} things"
            raise BackupError(
                f"Another restore was begun into the Kafka at {self._settings.bootstrap}: of the"
                f" backup of {held.at}{less}. Run that one again to its end, or start `lgsp kafka`"
                " with LGSP_DATA set to a new folder."
            )

    async def _say(self, asked: RestoreRequest) -> None:
        async with producer(self._settings) as sender:
            await sender.send_and_wait(self._hold.name, msgspec.json.encode(asked), partition=0)

    async def ends(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        """Where these partitions end."""
        if not partitions:
            return {}  # a consumer that is closed before it did anything fails
        async with consumer(self._settings) as reader:
            found: dict[TopicPartition, int] = await reader.end_offsets(partitions)
            return found

    async def cut_beginning(self, source: TopicPartition, *, empty: bool) -> None:
        """Let a partition begin at offset 1: its log had lost its beginning, and whoever looks must
        go on seeing that.
        """
        if empty:
            async with producer(self._settings) as sender:
                await sender.send_and_wait(
                    source.topic, _FILLER, key=_FILLER, partition=source.partition
                )
        async with admin(self._settings) as client:
            await client.delete_records({source: RecordsToDelete(before_offset=1)})

    async def stamp_by_broker(self) -> None:
        """Give the topics of events the settings that are declared, and wait until they are in
        force.
        """
        wanted = {
            topic.name: topic.config(self._settings)
            for topic in topics_of(self._settings)
            if _holds_facts(topic)
        }
        async with admin(self._settings) as client:
            for name, why in await set_settings(client, wanted):
                raise BackupError(
                    f"Kafka does not change the settings of {name} ({why}): restore again once it"
                    " may."
                )
            for _ in range(TRIES):
                found = await settings_of(client, list(wanted))
                if all(_in_force(config, found[name]) for name, config in wanted.items()):
                    return
                await asyncio.sleep(PAUSE)
        raise BackupError(
            "Kafka has not changed the settings of the topics of events in time: run the same"
            " restore again."
        )

    async def let_go(self) -> None:
        """Everything of the hub may start."""
        await delete_topics(self._settings, [self._hold.name])


def _in_force(wanted: Mapping[str, str], found: Mapping[str, Any]) -> bool:
    return all(found[key].value == value for key, value in wanted.items())


def _holds_facts(topic: Topic) -> bool:
    return topic.kept == "for ever" and topic.broker_time


class Pour:
    """Entries into one partition, in their order, each where it is expected; nobody else may write
    there.

    at: the offset of the first one.
    """

    def __init__(self, sender: AIOKafkaProducer, partition: TopicPartition, at: int) -> None:
        self._sender, self._partition, self._at = sender, partition, at
        self._builder = sender.create_batch()
        self._waiting: list[tuple[int, Any]] = []

    async def add(self, entry: ChunkEntry) -> None:
        """One more."""
        if self._append(entry):
            return
        await self._send()
        self._append(entry)

    def _append(self, entry: ChunkEntry) -> bool:
        row: dict[str, Any] = {
            "timestamp": entry.timestamp,
            "key": entry.key,
            "value": entry.value,
            "headers": entry.headers,
        }
        return self._builder.append(**row) is not None

    async def _send(self) -> None:
        count = self._builder.record_count()
        future = await self._sender.send_batch(
            self._builder, self._partition.topic, partition=self._partition.partition
        )
        self._waiting.append((self._at, future))
        self._at += count
        self._builder = self._sender.create_batch()
        if len(self._waiting) >= _WINDOW:
            await self._look()

    async def _look(self) -> None:
        expected, future = self._waiting.pop(0)
        where = f"{self._partition.topic}/{self._partition.partition}"
        try:
            written = await future
        except KafkaError as error:
            said = (
                f"Kafka did not take facts of {where} ({error}): run the same restore again, it"
                " goes on from there."
            )
            raise BackupError(said) from error
        if written.offset != expected:
            raise BackupError(
                f"Somebody else writes to {where} while it is restored (offset {written.offset}"
                f" instead of {expected}). Stop every gateway, import and simulation, start `lgsp"
                " kafka` with LGSP_DATA set to a new folder, and restore into that."
            )

    async def close(self) -> int:
        """Everything is on all in-sync replicas; the offset behind the last one."""
        if self._builder.record_count():
            await self._send()
        while self._waiting:
            await self._look()
        return self._at
