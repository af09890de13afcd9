"""The worker: a Faust app whose agents keep the ledgers of the partitions that it owns.

Any error ends the process: a supervisor starts it again, and it takes over from the last committed transaction. Nothing is
retried in place, since only a take-over proves that the books are right.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from typing import Any, NoReturn, cast

import faust
from faust.types import Message
from prometheus_client import start_http_server

from schemas.errors import HubError
from schemas.settings import Settings
from schemas.topics import events_topic
from streams import health
from streams.batches import CODEC, Batch, use_batches
from streams.families import FAMILIES, Family
from streams.ledger import Ledger
from streams.takeover import take_over

log = logging.getLogger(__name__)

EXIT_FAILED = 70  # sysexits' EX_SOFTWARE: start me again


class Desk:
    """The ledgers of this worker. Each applies its batches in order; while one waits for its commit, others count."""

    def __init__(self, app: faust.App, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._ledgers: dict[tuple[str, int], Ledger] = {}
        self._last: dict[tuple[str, int], asyncio.Task[None]] = {}  # by ledger: its newest batch

    def take(self, message: Message, batch: Batch) -> None:
        """Apply a batch as soon as the ledger's earlier ones are applied; its permit is given back then."""
        owner = (message.topic, message.partition)
        self._last[owner] = asyncio.create_task(self._apply(self._last.get(owner), message, batch))

    async def _apply(self, earlier: asyncio.Task[None] | None, message: Message, batch: Batch) -> None:
        if earlier is not None:
            await earlier
        try:
            if message.generation_id == self._app.consumer_generation_id:  # else it is fetched again
                await self._ledgers[message.topic, message.partition].apply(batch.records, batch.previous)
        except Exception as error:
            die(error, f"batch of {message.topic}/{message.partition} failed")
        finally:
            batch.room.release()

    async def take_over(self, _: Any, **__: Any) -> None:
        """Awaited before Faust seeks to the committed offsets and opens the flow."""
        try:
            await self._open_assigned()
        except Exception as error:
            die(error, "take-over failed")

    async def _open_assigned(self) -> None:
        await asyncio.gather(*self._last.values())  # what is being committed is finished, the rest is dropped
        self._last.clear()
        while self._ledgers:
            await self._ledgers.popitem()[1].close()
        families = {events_topic(family.name): family for family in FAMILIES.values()}
        for tp in sorted(self._app.consumer.assignment()):
            if tp.topic in families:
                self._ledgers[tp.topic, tp.partition] = Ledger(families[tp.topic], tp.partition, self._settings)
        await take_over(self._settings, list(self._ledgers.values()))
        for name, family in families.items():
            health.PARTITIONS.labels(family.name).set(sum(topic == name for topic, _ in self._ledgers))
        kept = ", ".join(f"{topic}/{partition}" for topic, partition in self._ledgers)
        log.info("keeping %s", kept or "nothing: other workers own all partitions")


def build_app(settings: Settings) -> faust.App:
    """The Faust app: one agent per family, ledgers opened whenever partitions are assigned."""
    app = faust.App(
        settings.app_id, broker=[f"kafka://{server}" for server in settings.bootstrap.split(",")], web_enabled=False,
        topic_disable_leader=True, topic_allow_declare=False, autodiscover=False, consumer_auto_offset_reset="earliest", store="memory://",
        stream_buffer_maxsize=16, topic_partitions=settings.partitions, broker_session_timeout=6, broker_heartbeat_interval=1,
        broker_rebalance_timeout=60, broker_request_timeout=12, worker_redirect_stdouts=False,
        consumer_max_fetch_size=4 << 20, datadir=str(settings.data / "worker"),
    )  # fmt: skip
    use_batches(app)
    desk = Desk(app, settings)
    app.on_rebalance_complete.connect(cast("Any", desk.take_over), weak=False)
    for family in FAMILIES.values():
        source = app.topic(events_topic(family.name), value_serializer=CODEC, key_serializer="raw", partitions=settings.partitions)
        app.agent(source, name=f"count-{family.name}")(_agent(family, desk))
    return app


def _agent(family: Family, desk: Desk) -> Any:
    async def count(stream: faust.Stream[Any]) -> None:
        async for event in stream.events():
            desk.take(event.message, cast("Batch", event.message.value))

    count.__doc__ = f"Keeps the books of {family.name}."
    return count


def die(error: Exception, what: str) -> NoReturn:
    """End at once, loudly: no cleanup may touch Kafka any more."""
    log.critical("%s: %s; the worker ends and must be started again", what, error if isinstance(error, HubError) else repr(error))
    logging.shutdown()
    sys.stdout.flush()
    os._exit(EXIT_FAILED)


def _logging(level: str) -> dict[str, Any]:
    quiet = {name: {"level": "WARNING"} for name in ("faust", "mode", "aiokafka", "asyncio")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"format": "%(asctime)s worker %(levelname)s %(name)s: %(message)s"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": quiet | {"aiokafka.producer.sender": {"level": "ERROR"}},
    }


def run(settings: Settings) -> int:
    """The worker in the foreground, until SIGTERM or Ctrl-C."""
    # Batches make many short-lived objects and the books are bytes, which the collector needn't visit.
    gc.set_threshold(100_000, 50, 100)
    settings.data.mkdir(parents=True, exist_ok=True)  # Faust keeps a folder there
    if settings.worker_port:
        start_http_server(settings.worker_port, addr=settings.host)
    app = build_app(settings)
    worker = faust.Worker(app, loglevel=settings.log_level, logging_config=_logging(settings.log_level))
    worker.execute_from_commandline()
    return 0
