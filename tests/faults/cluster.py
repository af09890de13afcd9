"""Three real brokers on this machine, with the settings that docker-compose.yml gives its three:
what is proved is what is shipped.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.jars import classpath
from ops.kafka.ports import free_port
from schemas.errors import KafkaUnavailable
from schemas.kafka.clients import admin
from schemas.settings import Settings
from schemas.topics import BY_NAME

COMPOSE: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[2] / "docker-compose.yml").read_text("utf-8")
)
QUICK = {
    # as in the embedded broker
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "group.min.session.timeout.ms": "1000",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
}
PLACES = ("KAFKA_CONTROLLER_QUORUM_VOTERS", "KAFKA_LISTENERS", "KAFKA_LOG_DIRS", "KAFKA_HEAP_OPTS")
NODES = (1, 2, 3)
START_SECONDS = WHOLE_SECONDS = 300.0  # for the slowest machine; a quick one needs a fiftieth


def shipped() -> dict[str, str]:
    """The brokers' properties in docker-compose.yml, without those that say where things are."""
    environment: dict[str, str] = COMPOSE["x-kafka-environment"]
    chosen = {
        name: value
        for name, value in environment.items()
        if name.startswith("KAFKA_") and name not in PLACES
    }
    return {
        name.removeprefix("KAFKA_").lower().replace("_", "."): value
        for name, value in chosen.items()
    }


class Cluster:
    """Brokers by their node number. All methods block."""

    def __init__(self, data: Path) -> None:
        ports, quorum = [free_port() for _ in range(len(NODES) * 2)], {}
        for node in NODES:
            quorum[node] = f"127.0.0.1:{ports.pop()}"
        voters = ",".join(f"{node}@{address}" for node, address in quorum.items())
        self.brokers: dict[int, EmbeddedKafka] = {}
        for node, port in zip(NODES, ports, strict=True):
            listeners = f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://{quorum[node]}"
            own = {"node.id": str(node), "listeners": listeners, "controller.quorum.voters": voters}
            self.brokers[node] = EmbeddedKafka(
                data / f"kafka-{node}", port=port, heap="256m", properties=shipped() | QUICK | own
            )

    @property
    def bootstrap(self) -> str:
        """All brokers' addresses."""
        return ",".join(broker.bootstrap for broker in self.brokers.values())

    @property
    def settings(self) -> dict[str, Any]:
        """The hub's settings for this cluster."""
        return {
            "kafka_servers": self.bootstrap,
            "replication_factor": len(NODES),
            "min_insync_replicas": 2,
        }

    def start(self, *nodes: int) -> None:
        """Start these brokers, together: one alone answers nobody before it sees a second."""
        classpath()  # fetched once, not by each of them
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: self.brokers[node].start(START_SECONDS), nodes))

    def kill(self, *nodes: int) -> None:
        """kill -9, all at once."""
        for node in nodes:
            pid = self.brokers[node].pid
            assert pid is not None, f"broker {node} does not run"
            os.kill(pid, signal.SIGKILL)
        for node in nodes:
            self.brokers[node].wait()
            self.brokers[node].stop()  # lets go of its folder

    def stop(self, *nodes: int) -> None:
        """End these brokers politely."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda node: self.brokers[node].stop(), nodes))

    @property
    def away(self) -> list[int]:
        """Nodes that do not run."""
        return [node for node, broker in self.brokers.items() if broker.pid is None]

    def __enter__(self) -> Self:
        self.start(*NODES)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(*NODES)


async def leader(settings: Settings, topic: str, partition: int = 0) -> int:
    """The node that leads this partition."""
    async with admin(settings) as client:
        for found in await partitions(client):
            if (found["topic"], found["partition"]) == (topic, partition):
                return int(found["leader"])
    raise AssertionError(f"there is no {topic}/{partition}")


async def coordinator(settings: Settings) -> int:
    """The node that keeps the workers' group."""
    async with admin(settings) as client:
        return int(await client.find_coordinator(settings.app_id))


async def whole(settings: Settings) -> None:
    """Wait until every partition of every topic is on all brokers."""
    deadline = time.monotonic() + WHOLE_SECONDS
    lacking: list[str] = ["everything"]
    while lacking:
        assert time.monotonic() < deadline, (
            f"not on all brokers after {WHOLE_SECONDS:g} s: {', '.join(lacking[:5])}"
        )
        await asyncio.sleep(0.3)
        try:
            async with admin(settings) as client:
                lacking = [
                    f"{found['topic']}/{found['partition']}"
                    for found in await partitions(client)
                    if len(found["isr"]) < len(NODES)
                ]
        except (KafkaError, KafkaUnavailable) as error:
            lacking = [repr(error)]


async def create_on(settings: Settings, name: str, node: int) -> None:
    """Make a declared topic whose only copy is on this node."""
    topic = BY_NAME[name]
    places = {partition: [node] for partition in range(topic.partition_count(settings))}
    async with admin(settings) as client:
        answer = await client.create_topics(
            [NewTopic(name, -1, -1, places, topic.config(settings))]
        )
        assert [code for _, code, *_ in answer.topic_errors] == [0], answer


async def partitions(client: AIOKafkaAdminClient) -> list[dict[str, Any]]:
    """Every partition of every topic: topic, partition, leader, replicas, isr."""
    return [
        {**one, "topic": topic["topic"]}
        for topic in await client.describe_topics()
        for one in topic["partitions"]
    ]
