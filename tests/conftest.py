"""One real Kafka for the whole test run: a container where a Docker engine answers, else the embedded broker.

`LGSP_TEST_KAFKA=host:port` names a running broker instead, for quick repeated runs.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import docker
import pytest
from docker.errors import DockerException
from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from ops.kafka import EmbeddedKafka
from ops.kafka_jars import VERSION
from ops.kafka_storage import BROKER, free_port


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a Kafka with the hub's own broker settings."""
    port = free_port()
    if running := os.environ.get("LGSP_TEST_KAFKA"):
        yield running
    elif container := started_container(port):
        with contextlib.ExitStack() as stack:
            stack.callback(container.stop)
            yield f"127.0.0.1:{port}"
    else:
        with EmbeddedKafka(tmp_path_factory.mktemp("kafka"), port=port) as broker:
            yield broker.bootstrap


def started_container(port: int) -> DockerContainer | None:
    """Kafka's own image, listening on `port` of this machine; none without a Docker engine that answers at once and has the image."""
    try:
        with contextlib.closing(docker.from_env(timeout=2)) as engine:
            engine.ping()
        container = DockerContainer(f"apache/kafka:{VERSION}").with_bind_ports(port, port).with_envs(**container_environment(port))
        return container.waiting_for(LogMessageWaitStrategy("Kafka Server started")).start()
    except DockerException:
        return None


def container_environment(port: int) -> dict[str, str]:
    """The embedded broker's settings, in the way the image takes them."""
    own = BROKER | {
        "listeners": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": "1@127.0.0.1:9093",
    }
    return {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in own.items()}
