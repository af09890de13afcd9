"""The worker: a Faust app whose agents keep the ledgers of the partitions that it owns.

Any error ends the process: a supervisor starts it again, and it takes over from the last committed
transaction. Nothing is retried in place, since only a take-over proves that the books are right.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Collection
from itertools import chain
from typing import Any, NoReturn, cast

import faust
from faust.types import Message
from faust.types.auth import CredentialsT

from schemas.errors import EXIT_REFUSED, BooksError, HubError, LedgerError
from schemas.kafka.clients import METADATA_MS, SCRAM, kafka_login, kafka_tls
from schemas.kafka.topics import when_ready
from schemas.listening import cannot_listen, open_to_others
from schemas.settings import Settings
from schemas.storage import require_writable
from schemas.topics import events_topic
from serving import logs
from streams import health
from streams.assignment import DeclaredAssignor
from streams.batches import CODEC, AgentBatch, use_batches
from streams.exposed import serve_metrics
from streams.families import FAMILIES, Family
from streams.family_partition import Fetched
from streams.ledger import Ledger
from streams.quarantine import Quarantine
from streams.takeover import take_over

log = logging.getLogger(__name__)

_NAME = "worker"
EXIT_FAILED = 70  # sysexits' EX_SOFTWARE: start me again
# Seconds between the beginnings of a ledger's transactions. What comes in meanwhile goes together:
# a broker's work is by transaction, and at a thousand events a second it would otherwise keep a
# core busy with nothing but those.
_GATHER_SECONDS = 0.06


class Ledgers:
    """The ledgers of this worker, by partition number. Each applies what waits for it; while one
    waits for its commit, others count.
    """

    def __init__(self, app: faust.App, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._ledgers: dict[int, Ledger] = {}
        self._quarantine = Quarantine(settings)
        self._waiting: dict[int, list[tuple[Message, AgentBatch]]] = {}
        self._working: dict[int, asyncio.Task[None]] = {}

    def take(self, message: Message, batch: AgentBatch) -> None:
        """Apply a batch soon, with whatever else waits for its ledger then."""
        partition = message.partition
        self._waiting.setdefault(partition, []).append((message, batch))
        if partition not in self._working:
            self._working[partition] = asyncio.create_task(self._work(partition))

    async def _work(self, partition: int) -> None:
        """Transaction after transaction until nothing waits."""
        try:
            while partition in self._waiting:
                ends = asyncio.get_running_loop().time() + _GATHER_SECONDS
                await self._apply(partition, self._waiting.pop(partition))
                await asyncio.sleep(ends - asyncio.get_running_loop().time())
        except Exception as error:
            die(error, f"a transaction of partition {partition} failed")
        finally:
            del self._working[partition]

    async def _apply(self, partition: int, waiting: list[tuple[Message, AgentBatch]]) -> None:
        batches: dict[str, list[Fetched]] = {}
        for message, batch in waiting:
            # else it is fetched again
            if message.generation_id == self._app.consumer_generation_id:
                batches.setdefault(message.topic, []).append(batch.fetched)
        if batches:
            await self._ledgers[partition].apply(batches)
        for _, batch in waiting:
            batch.done()

    async def finish(self, *_revoked: Any, **_options: Any) -> None:
        """Awaited when partitions are revoked, before another worker may take them over: what is
        being committed is finished.

        While this one waits for a broker that does not answer, its sign of life goes on, and all
        others wait for it.
        """
        for _, batch in chain.from_iterable(self._waiting.values()):
            batch.done()
        self._waiting.clear()
        if self._working:
            _, pending = await asyncio.wait(
                self._working.values(), timeout=self._settings.rebalance_timeout
            )
            if pending:
                seconds = self._settings.rebalance_timeout
                die(
                    LedgerError(f"still not committed after {seconds:g} s (is a broker away?)"),
                    "partitions could not be handed over",
                )

    async def take_over(self, _: Any, **__: Any) -> None:
        """Awaited before Faust seeks to the committed offsets and opens the flow."""
        try:
            await self._open_assigned()
        except Exception as error:
            die(error, "take-over failed")

    async def _open_assigned(self) -> None:
        await self.finish()
        while self._ledgers:
            await self._ledgers.popitem()[1].close()
        space = self._settings.space
        families = {events_topic(family.name, space): family for family in FAMILIES.values()}
        assigned: dict[int, set[str]] = {}
        for tp in self._app.consumer.assignment():
            if tp.topic in families:
                assigned.setdefault(tp.partition, set()).add(tp.topic)
        for partition, topics in sorted(assigned.items()):
            _require_all(partition, topics, families.keys())
            self._ledgers[partition] = Ledger(partition, self._settings, self._quarantine)
        await take_over(self._settings, list(self._ledgers.values()))
        health.PARTITIONS.set(len(self._ledgers))
        kept = ", ".join(map(str, self._ledgers))
        log.info(
            "keeping %s",
            f"the partitions {kept}" if kept else "nothing: other workers own all partitions",
        )


def _require_all(partition: int, found: set[str], wanted: Collection[str]) -> None:
    """Faust gives topics with the same subscribers and as many partitions to one worker, number by
    number; a ledger rests on it.
    """
    if missing := set(wanted) - found:
        raise LedgerError(
            f"Partition {partition} of {', '.join(sorted(missing))} belongs to another worker than"
            f" that of {', '.join(sorted(found))}: do workers of two versions run? Stop the old"
            " ones; this one starts again by itself."
        )


def worker_app(settings: Settings) -> faust.App:
    """The Faust app: one agent per family, ledgers opened whenever partitions are assigned."""
    app = faust.App(
        settings.books,
        broker=[f"kafka://{server}" for server in settings.bootstrap.split(",")],
        broker_credentials=_credentials(settings),
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        autodiscover=False,
        consumer_auto_offset_reset="earliest",
        store="memory://",
        stream_buffer_maxsize=16,
        topic_partitions=settings.partitions,
        worker_redirect_stdouts=False,
        broker_session_timeout=settings.session_timeout,
        broker_heartbeat_interval=min(1.0, settings.session_timeout / 4),
        broker_rebalance_timeout=settings.rebalance_timeout,
        broker_request_timeout=settings.request_timeout,
        consumer_max_fetch_size=4 << 20,
        datadir=str(settings.data / "worker"),
        PartitionAssignor=DeclaredAssignor,
        # of no table; without any Faust would take aiokafka's assignor, which tears numbers apart
        table_standby_replicas=1,
        consumer_metadata_max_age_ms=METADATA_MS,
    )
    use_batches(app)
    ledgers = Ledgers(app, settings)
    app.on_partitions_revoked.connect(cast("Any", ledgers.finish), weak=False)
    app.on_rebalance_complete.connect(cast("Any", ledgers.take_over), weak=False)
    for family in FAMILIES.values():
        source = app.topic(
            events_topic(family.name, settings.space),
            value_serializer=CODEC,
            key_serializer="raw",
            partitions=settings.partitions,
        )
        app.agent(source, name=f"count-{family.name}")(_agent(family, ledgers))
    return app


def _credentials(settings: Settings) -> CredentialsT | None:
    """The same as `schemas.kafka.clients.connection`, in Faust's words."""
    user, context = kafka_login(settings), kafka_tls(settings)
    if user is not None:
        return faust.SASLCredentials(
            username=user.name, password=user.password, ssl_context=context, mechanism=SCRAM
        )
    return None if context is None else faust.SSLCredentials(context)


def _agent(family: Family, ledgers: Ledgers) -> Any:
    async def count(stream: faust.Stream[Any]) -> None:
        try:
            async for event in stream.events():
                ledgers.take(event.message, cast("AgentBatch", event.message.value))
        except Exception as error:  # Faust would log it, acknowledge the batch and go on without it
            die(error, f"a batch of {family.name} could not be taken")

    count.__doc__ = f"Keeps the books of {family.name}."
    return count


def die(error: Exception, what: str) -> NoReturn:
    """End at once, loudly: no cleanup may touch Kafka any more."""
    refused = isinstance(error, BooksError)
    then = (
        "the worker ends; somebody has to act first"
        if refused
        else "the worker ends and must be started again"
    )
    log.critical(
        "%s: %s; %s",
        what,
        str(error).rstrip(".") if isinstance(error, HubError) else repr(error),
        then,
    )
    logging.shutdown()
    sys.stdout.flush()
    os._exit(EXIT_REFUSED if refused else EXIT_FAILED)


def _serve_metrics(settings: Settings) -> None:
    if not settings.worker_port:
        return
    health.SPACE_OF_WORKER.labels(settings.space).set(1)
    asks = settings.access == "required"
    if not asks and (warning := open_to_others("The worker's /metrics", settings.host)):
        log.warning("%s", warning)
    try:
        serve_metrics(settings)
    except OSError as error:
        raise cannot_listen(
            error, "The worker", settings.host, settings.worker_port, "LGSP_WORKER_PORT"
        ) from None


def _waits(error: Exception) -> None:
    log.warning("The worker waits for Kafka: %s", error, extra=logs.REPEATS)


def run_worker(settings: Settings) -> int:
    """The worker in the foreground, until SIGTERM or Ctrl-C; the exit code 1 if it can't work as it
    is set up.

    All that is looked at before it joins the group: a worker that takes partitions and then ends
    makes all others wait.
    """
    logs.set_up(settings, _NAME)
    try:
        require_writable(settings.data, "The worker")  # Faust keeps a folder there
        _serve_metrics(settings)
        asyncio.run(when_ready(settings, _waits))
    except HubError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    # Batches make many short-lived objects and the books are bytes, which the collector needn't
    # visit.
    gc.set_threshold(100_000, 50, 100)
    app = worker_app(settings)
    worker = faust.Worker(
        app, loglevel=settings.log_level, logging_config=logs.configuration(settings, _NAME)
    )
    worker.execute_from_commandline()
    return 0
