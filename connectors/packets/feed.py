"""What any gateway process knows of packets and sessions, and that it is as new as Kafka is.

Nothing of it runs before the first packet comes, so a gateway to which none does has no file, no
thread and no reader more.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from connectors.packets.index import (
    PacketIndex,
    PacketSession,
    Reached,
    expired_sessions,
    is_fed,
    kept_packets,
    kept_session,
)
from connectors.packets.states import PacketRecord, decode_record
from schemas.errors import HubError
from schemas.kafka.clients import started_consumer, unavailable
from schemas.settings import Settings
from schemas.topics import packets_topic, sessions_topic
from serving.store.disposable import Snapshots, Unreadable
from serving.store.follower import Follower
from serving.store.options import FollowerOptions

_T = TypeVar("_T")
_READERS = 2  # threads
_AGAIN_SECONDS = 0.02  # until a file that is being made anew is looked at again
_SAYING = "The packets that came before are being read anew"


class PacketsBehind(HubError):
    """What came before is not read yet: ask again in some seconds."""


class KnowsPackets(Protocol):
    """Who knows packets and sessions.

    Every method raises KafkaUnavailable, or PacketsBehind where what came before can't be read in
    time.
    """

    async def records(self, keys: Iterable[bytes]) -> dict[bytes, PacketRecord]:
        """The records of those keys that there are, as new as Kafka is when this is called."""

    async def session(self, key: bytes, *, newest: bool) -> PacketSession | None:
        """The session of that digest: as far as it was read, or as new as Kafka is now."""

    async def expired(self, now: int, most: int) -> list[bytes]:
        """The digests of some sessions that are over."""

    async def stop(self) -> None:
        """End."""


class PacketFeed:
    """Follows the topics in a thread of its own; asked on the loop of the requests."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._started: asyncio.Task[None] | None = None
        self._follower: Follower | None = None
        self._asker: AIOKafkaConsumer | None = None
        self._threads = ThreadPoolExecutor(_READERS, "packets")
        topic, sessions = packets_topic(settings.space), sessions_topic(settings.space)
        self._packets = [TopicPartition(topic, number) for number in range(settings.partitions)]
        self._sessions = [TopicPartition(sessions, 0)]

    async def records(self, keys: Iterable[bytes]) -> dict[bytes, PacketRecord]:
        """The records of those keys that there are, as new as Kafka is when this is called.

        Raises: KafkaUnavailable, PacketsBehind
        """
        wanted = list(keys)
        found = await self._read(lambda db: kept_packets(db, wanted), self._packets)
        return {key: decode_record(value) for key, value in found.items()}

    async def session(self, key: bytes, *, newest: bool) -> PacketSession | None:
        """The session of that digest: as far as it was read, or as new as Kafka is now.

        Raises: KafkaUnavailable, PacketsBehind
        """
        return await self._read(lambda db: kept_session(db, key), self._sessions if newest else ())

    async def expired(self, now: int, most: int) -> list[bytes]:
        """The digests of some sessions that are over.

        Raises: KafkaUnavailable, PacketsBehind
        """
        return await self._read(lambda db: expired_sessions(db, now, most), ())

    async def stop(self) -> None:
        """End, and let go of Kafka."""
        if self._started is not None:
            self._started.cancel()
            await asyncio.gather(self._started, return_exceptions=True)
        if self._follower is not None:
            await asyncio.to_thread(self._follower.stop)
        if self._asker is not None:
            await self._asker.stop()
        self._threads.shutdown(wait=False)

    async def _read(
        self, ask: Callable[[sqlite3.Connection], _T], newest: Sequence[TopicPartition]
    ) -> _T:
        """What the file says once it holds all that these partitions hold now."""
        try:
            async with asyncio.timeout(self._settings.publish_timeout):
                await self._start()
                assert self._asker is not None
                ends = await self._asker.end_offsets(newest) if newest else {}
                while True:
                    await self._reached.until(ends)
                    found = await self._in_thread(ask, ends)
                    if found:
                        return found[0]
                    await asyncio.sleep(_AGAIN_SECONDS)
        except TimeoutError:
            raise self._behind() from None
        except KafkaError as error:
            raise unavailable(self._settings) from error

    async def _in_thread(
        self, ask: Callable[[sqlite3.Connection], _T], ends: Mapping[TopicPartition, int]
    ) -> tuple[_T] | None:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._ask, ask, ends)

    def _ask(
        self, ask: Callable[[sqlite3.Connection], _T], ends: Mapping[TopicPartition, int]
    ) -> tuple[_T] | None:
        """None: the file is being made anew, or was since it had been fed so far."""
        try:
            with self._snapshots.snapshot() as db:
                return (ask(db),) if is_fed(db, ends) else None
        except Unreadable:
            return None

    async def _start(self) -> None:
        """Begin to follow with the first who asks; whoever asks waits until it has begun."""
        if self._started is None or (self._started.done() and self._asker is None):
            self._started = asyncio.create_task(self._begin())
        await asyncio.shield(self._started)

    async def _begin(self) -> None:
        if self._follower is None:
            self._follow()
        self._asker = await started_consumer(self._settings)

    def _follow(self) -> None:
        settings = self._settings
        self._reached = Reached(asyncio.get_running_loop())
        # several gateways may share a folder, and a file has one writer
        path = settings.space_folder / f"packets-{settings.gateway_port}.sqlite"
        index = PacketIndex(path, settings.space, self._reached)
        self._snapshots = Snapshots(index, _SAYING)
        options = FollowerOptions(
            index.name,
            (packets_topic(settings.space), sessions_topic(settings.space)),
            wait_ms=200,
            vital=False,
            catching_up="reading packets",
        )
        self._follower = Follower(settings, index, options)
        self._follower.start()

    def _behind(self) -> HubError:
        if self._asker is None:
            return unavailable(self._settings)
        doing = self._follower.progress.doing if self._follower else "starting"
        return PacketsBehind(
            f"What came before is not read yet ({doing}): send the same again in some seconds."
        )
