"""What packets say, kept and told: the dossier's record first, with the facts that they come to;
then the facts; then that they are told. Whoever is killed in between leaves a record by which the
next one tells the same facts, whatever packet comes next. Facts first would not do: of a crash
behind them the next packet would know nothing, and say something else of the same instant.

One process takes a dossier's packets one after the other. Where two gateways make a record of the
same one at a time, the first in Kafka stands everywhere; the other one sees it when it looks
whether its own stands, and takes its packets on that again. Nobody is answered before.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from msgspec.structs import replace

from connectors.packets.access import PacketClient
from connectors.packets.difference import PacketDifference
from connectors.packets.feed import KnowsPackets
from connectors.packets.reading import DossierSaid, StepSaid
from connectors.packets.states import (
    FactUnsent,
    PacketRecord,
    PacketStep,
    encode_record,
    record_key,
)
from connectors.packets.taking import take_packet, take_status, take_steps
from connectors.packets.wrong import FieldMistake, PacketRefused
from connectors.publishing.lanes import OutgoingRecord
from connectors.publishing.senders import Tells
from schemas.clock import now_ms
from schemas.errors import KafkaUnavailable
from schemas.events import EVENT_TYPES, Event
from schemas.topics import packets_topic

_TRIES = 10
_LINEAGE = 8  # records of which each knows that it was made of them
TURN_SECONDS = 0.005  # of working packets out before other requests get their turn


@dataclass(frozen=True, slots=True)
class StatusSaid:
    """The state of a DongBoTrangThaiHoSo."""

    said: StepSaid


PacketSaid = DossierSaid | StepSaid | StatusSaid


@dataclass(slots=True)
class PacketsTaken:
    """What a request's packets came to. `events`: the facts that were told; `refused`: by index,
    what could only be refused beside what is known of the dossier.
    """

    events: list[Event] = field(default_factory=list)
    refused: dict[int, PacketRefused] = field(default_factory=dict)


class _KeyLocks:
    """One lock a key, for as long as anybody holds it or waits."""

    def __init__(self) -> None:
        self._held: dict[bytes, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def hold(self, key: bytes) -> AsyncIterator[None]:
        lock, waiting = self._held.get(key, (asyncio.Lock(), 0))
        self._held[key] = lock, waiting + 1
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._held.pop(key)
            if waiting > 1:
                self._held[key] = lock, waiting - 1


class PacketKeeper:
    """Takes in what packets say. One a process."""

    def __init__(
        self, publisher: Tells, feed: KnowsPackets, clock: Callable[[], int] = now_ms
    ) -> None:
        self._publisher, self._feed, self._clock = publisher, feed, clock
        self._topic = packets_topic(publisher.settings.space)
        self._locks = _KeyLocks()

    async def record(self, client: str, dossier_id: str) -> PacketRecord | None:
        """What is kept of a dossier, as new as Kafka is at this moment.

        Raises: KafkaUnavailable, PacketsBehind
        """
        key = record_key(client, dossier_id)
        return (await self._feed.records([key])).get(key)

    async def take(self, client: PacketClient, said: Sequence[PacketSaid]) -> PacketsTaken:
        """Returns once everything that the packets say is on all in-sync replicas.

        Raises: KafkaUnavailable, RecordTooLarge, PacketsBehind; sending the same again
        changes nothing.
        """
        keys = sorted({record_key(client.name, _dossier_id(one)) for one in said})
        async with AsyncExitStack() as held:
            for key in keys:  # in one order, so that nobody waits for who waits for him
                await held.enter_async_context(self._locks.hold(key))
            for _ in range(_TRIES):
                work = _Work(client, await self._feed.records(keys), self._clock())
                turn = time.perf_counter()
                for index, one in enumerate(said):
                    work.take(index, one)
                    if time.perf_counter() - turn > TURN_SECONDS:
                        await asyncio.sleep(0)
                        turn = time.perf_counter()
                if await self._tell(work):
                    return work.taken
        raise KafkaUnavailable("Other gateways take packets of the same dossiers: send them again.")

    async def _tell(self, work: _Work) -> bool:
        """Whether what was made of the packets stands, and is told."""
        if not await self._stand(work.to_tell()):
            return False
        if work.taken.events:
            await self._publisher.publish(work.taken.events)
        # where others have gone on from a record by now, they have told its facts
        await self._send(work.told())
        return True

    async def _stand(self, records: Sequence[PacketRecord]) -> bool:
        """Keep records; whether they stand, and not others that were made at the same time."""
        if not records:
            return True
        kept = {record_key(one.client, one.dossier_id): one for one in records}
        await self._send(records)
        newest = await self._feed.records(kept)
        # somebody may have gone on from one already
        return all(one.lineage[0] in newest[key].lineage for key, one in kept.items())

    async def _send(self, records: Sequence[PacketRecord]) -> None:
        if records:
            await self._publisher.send(
                OutgoingRecord(
                    self._topic, record_key(one.client, one.dossier_id), encode_record(one), []
                )
                for one in records
            )


class _Work:
    """One request's packets, one after the other, on the records that there are."""

    def __init__(
        self, client: PacketClient, records: dict[bytes, PacketRecord], heard_at: int
    ) -> None:
        self.taken = PacketsTaken()
        self._client, self._before, self._heard_at = client, records, heard_at
        self._now = dict(records)
        self._facts: defaultdict[bytes, list[FactUnsent]] = defaultdict(list)
        self._numbers: dict[bytes, tuple[int, ...]] = {}
        for key, record in records.items():
            if record.unsent:  # somebody was killed before they were told
                self._found(key, PacketDifference(list(record.unsent), replace(record, unsent=())))

    def take(self, index: int, said: PacketSaid) -> None:
        """One more packet."""
        key = record_key(self._client.name, _dossier_id(said))
        record = self._now.get(key) or PacketRecord(self._client.name, _dossier_id(said))
        try:
            self._found(key, self._difference(record, said))
        except PacketRefused as refused:
            self.taken.refused[index] = refused

    def _difference(self, record: PacketRecord, said: PacketSaid) -> PacketDifference:
        source, heard_at = self._client.source, self._heard_at
        if isinstance(said, StepSaid):
            return take_steps(
                record, [said.step], source=source, agency=said.agency, heard_at=heard_at
            )
        if isinstance(said, StatusSaid):
            return self._of_status(record, said.said)
        return take_packet(
            record,
            said.packet,
            source=source,
            agency=said.agency,
            channel=said.usual_channel or self._client.default_channel,
            heard_at=heard_at,
        )

    def _of_status(self, record: PacketRecord, said: StepSaid) -> PacketDifference:
        if record.packet is None:
            raise PacketRefused(FieldMistake("MaHoSo", "not_known"))
        return take_status(
            record,
            record.packet,
            PacketStep(said.step.at, said.step.status),
            source=self._client.source,
            agency=said.agency,
            heard_at=self._heard_at,
        )

    def _found(self, key: bytes, found: PacketDifference) -> None:
        self._now[key] = found.record
        self._facts[key] += found.facts
        self.taken.events += map(_event, found.facts)

    def to_tell(self) -> list[PacketRecord]:
        """Records that are others now, with the facts that are not told yet."""
        return [
            replace(
                record,
                version=self._version(key) + 1,
                unsent=tuple(self._facts.get(key, ())),
                lineage=self._lineage(key),
            )
            for key, record in self._now.items()
            if record != self._before.get(key) or self._facts.get(key)
        ]

    def told(self) -> list[PacketRecord]:
        """Those of them that had facts, once these are told."""
        return [
            replace(self._now[key], version=self._version(key) + 2, lineage=self._lineage(key))
            for key, facts in self._facts.items()
            if facts
        ]

    def _version(self, key: bytes) -> int:
        return self._before[key].version if key in self._before else 0

    def _lineage(self, key: bytes) -> tuple[int, ...]:
        """Of a record and the next one of the same work, which is made of it."""
        if key not in self._numbers:
            before = self._before[key].lineage if key in self._before else ()
            self._numbers[key] = (secrets.randbits(32), *before)[:_LINEAGE]
        return self._numbers[key]


def _dossier_id(said: PacketSaid) -> str:
    return said.said.dossier_id if isinstance(said, StatusSaid) else said.dossier_id


def _event(fact: FactUnsent) -> Event:
    return EVENT_TYPES[fact.type].model_validate(fact.fields)
