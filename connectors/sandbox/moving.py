"""What a client sent into the sandbox, moved into the hub's space: each fact once, with the same
id, however often the command is killed and run again.

Facts are copied in short Kafka transactions that hold the offset reached as well, so that a run
goes on exactly where the one before stood. Records of packets follow, all of them at each run: the
newest version of each stands, and it is the same one.

Nobody is asked to stop sending. A gateway that has not heard yet that the client is being moved may
write into the sandbox still, and then tells nobody that it was taken in (proof.py), so the client
sends that again. Of packets that needs a cut: a record says which of its facts are yet to be told,
so all that were told before it have to be copied with it, and no facts of a later one. The ends are
taken at a moment at which no record of the client came: between the end of the records and the end
of the facts nothing can have begun then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerFenced

from connectors.packets.states import decode_record, record_key
from connectors.sandbox.writer import without_client, written_by
from schemas.errors import ContractError, HubError, KafkaUnavailable
from schemas.families import DECLARED_FAMILIES
from schemas.kafka.clients import consumer, producer
from schemas.kafka.reading import committed_offsets, read_between
from schemas.partitioner import partition_of
from schemas.settings import Settings
from schemas.spaces import sandbox_of, within
from schemas.topics import events_topic, packets_topic
from schemas.wire import Headers

AT_ONCE = 500  # records of a transaction, while which readers of the same topics wait
_TRANSACTION_MS = 20_000
_TRIES, _PAUSE_SECONDS = 200, 0.1  # for gateways that take packets still
Offsets = dict[TopicPartition, int]
_Row = tuple[bytes, bytes, Headers]


@dataclass(slots=True)
class Moved:
    """How far it is: facts that were copied by this run, records of packets, and of all the
    sandbox's records how many were looked through.
    """

    facts: int = 0
    packets: int = 0
    looked: int = 0
    of: int = 0


class Moving:
    """One run for one client."""

    def __init__(
        self,
        settings: Settings,
        client: str,
        since: int,
        tell: Callable[[Moved], None] = lambda _: None,
    ) -> None:
        """`settings` are those of the hub's space; `since` is when the first run began (epoch ms),
        which tells these runs from any others; `tell` hears how far it is.
        """
        self._settings, self._client, self._tell = settings, client, tell
        self._sandbox = settings.model_copy(update={"space": sandbox_of(settings.space)})
        self._name = within(settings.space, f"lgsp-live-{client}-{since}")
        self._topics = {
            events_topic(family.name, self._sandbox.space): events_topic(
                family.name, settings.space
            )
            for family in DECLARED_FAMILIES
            if not family.own
        }
        self.moved = Moved()
        self._producer: AIOKafkaProducer | None = None

    async def run(self) -> Moved:
        """Returns once everything is in the hub's space.

        Raises: KafkaUnavailable; HubError where another run has begun since.
        """
        try:
            # a run that began before can write no more beside it
            async with (
                consumer(self._sandbox) as reader,
                producer(
                    self._settings,
                    transactional_id=self._name,
                    transaction_timeout_ms=_TRANSACTION_MS,
                ) as self._producer,
            ):
                await self._copy(reader)
        except ProducerFenced:
            raise HubError(
                f"Another `lgsp client live {self._client}` has begun since: that one goes on."
            ) from None
        except (KafkaError, OSError) as error:
            raise KafkaUnavailable(
                f"Kafka at {self._settings.bootstrap} did not do its part"
                f" ({str(error) or type(error).__name__}): run the same command again, it goes on"
                " where it stopped. The client's requests get 503 meanwhile."
            ) from error
        return self.moved

    async def _copy(self, reader: AIOKafkaConsumer) -> None:
        records, facts = self._packets(), self._events()
        ends = await self._cut(reader, records, facts)
        begins = await self._begins(reader, facts)
        self.moved.of = sum(ends[one] - begins.get(one, 0) for one in ends)
        for partition in facts:
            await self._copy_facts(reader, partition, begins[partition], ends[partition])
        for partition in records:
            await self._copy_packets(reader, partition, ends[partition])

    async def _cut(
        self,
        reader: AIOKafkaConsumer,
        records: Sequence[TopicPartition],
        facts: Sequence[TopicPartition],
    ) -> Offsets:
        """The ends of records and facts, between which no record of the client came.

        Raises: KafkaUnavailable where one always does.
        """
        for _ in range(_TRIES):
            ends: Offsets = await reader.end_offsets(records)
            told: Offsets = await reader.end_offsets(facts)
            later: Offsets = await reader.end_offsets(records)
            if not await self._came_between(reader, ends, later):
                return ends | told
            await asyncio.sleep(_PAUSE_SECONDS)
        raise KafkaUnavailable(
            f"A gateway goes on taking packets of {self._client}, so it has not heard yet that the"
            " client is being moved: see that every gateway reaches Kafka, then run the same"
            " command again."
        )

    async def _came_between(self, reader: AIOKafkaConsumer, ends: Offsets, later: Offsets) -> bool:
        for partition, end in ends.items():
            if end == later[partition]:
                continue
            async for records in read_between(reader, partition, end, later[partition]):
                if any(self._is_own(one.key) for one in records):
                    return True
        return False

    async def _begins(self, reader: AIOKafkaConsumer, facts: list[TopicPartition]) -> Offsets:
        """Where each partition goes on: behind what was copied."""
        first = await reader.beginning_offsets(facts)
        reached = await committed_offsets(self._settings, self._name, facts)
        return {one: max(first[one], reached[one] or 0) for one in facts}

    async def _copy_facts(
        self, reader: AIOKafkaConsumer, partition: TopicPartition, begin: int, end: int
    ) -> None:
        topic = self._topics[partition.topic]
        async for records in read_between(reader, partition, begin, end):
            for part in _parts(records):
                own = [one for one in part if written_by(self._client, one.headers)]
                rows: list[_Row] = [
                    (one.key, one.value, without_client(one.headers)) for one in own
                ]
                await self._write(topic, rows, {partition: part[-1].offset + 1})
                self.moved.facts += len(own)
                self._look(len(part))

    async def _copy_packets(
        self, reader: AIOKafkaConsumer, partition: TopicPartition, end: int
    ) -> None:
        topic, versions = packets_topic(self._settings.space), dict[bytes, int]()
        begin = (await reader.beginning_offsets([partition]))[partition]
        async for records in read_between(reader, partition, begin, end):
            for part in _parts(records):
                rows: list[_Row] = [
                    (one.key, one.value, []) for one in part if self._stands(one, versions)
                ]
                await self._write(topic, rows, {})
                self.moved.packets += len(rows)
                self._look(len(part))

    def _is_own(self, key: bytes | None) -> bool:
        return (key or b"").startswith(record_key(self._client, ""))

    def _stands(self, record: Any, versions: dict[bytes, int]) -> bool:
        """Whether a record is the client's, and newer than those before it: of two of one version
        the first stands.
        """
        if not self._is_own(record.key) or not record.value:
            return False
        try:
            version = decode_record(record.value).version
        except ContractError:  # nothing that a gateway wrote
            return False
        if version <= versions.get(record.key, -1):
            return False
        versions[record.key] = version
        return True

    async def _write(self, topic: str, rows: Sequence[_Row], reached: Mapping[Any, int]) -> None:
        """All of it or nothing. Where nothing is the client's, nothing needs to be remembered."""
        sender = self._producer
        if not rows or sender is None:
            return
        partitions = len(await sender.partitions_for(topic))
        async with sender.transaction():
            sent = [
                await sender.send(
                    topic, value, key=key, headers=head, partition=partition_of(key, partitions)
                )
                for key, value, head in rows
            ]
            # a batch that failed does not fail its transaction
            await asyncio.gather(*sent)
            if reached:
                await sender.send_offsets_to_transaction(reached, self._name)

    def _look(self, records: int) -> None:
        self.moved.looked += records
        self._tell(self.moved)

    def _events(self) -> list[TopicPartition]:
        return [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in range(self._settings.partitions)
        ]

    def _packets(self) -> list[TopicPartition]:
        topic = packets_topic(self._sandbox.space)
        return [TopicPartition(topic, number) for number in range(self._settings.partitions)]


def _parts(records: Sequence[Any]) -> Iterable[Sequence[Any]]:
    for begin in range(0, len(records), AT_ONCE):
        yield records[begin : begin + AT_ONCE]
