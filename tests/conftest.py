"""What a whole test run shares: one real Kafka, the budget of examples, and which tests go to one
process.

The Kafka is a container where a Docker engine answers, else the embedded broker;
`LGSP_TEST_KAFKA=host:port` names a running one instead, for quick repeated runs.
"""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

# How many examples a property needs is said beside it (`strategies.examples`), by how much there is
# that can meet; a profile asks for so many percent of all of them: `make unit`, `make test`, and
# `make test` where CI is set, which has the large run (and, by Hypothesis' own profile of that
# name, the same examples each time).
PERCENT = {"unit": 10, "test": 100, "ci": 400}
for name, percent in PERCENT.items():
    settings.register_profile(
        name,
        settings.get_profile("ci" if name == "ci" else "default"),
        max_examples=percent,
        deadline=None,
    )
settings.load_profile("ci" if os.environ.get("CI") else "test")

# The garbage collector went through all tests and modules again and again, which took a fifth of
# the time: they stay, so they are made without it and passed over by it.
gc.disable()
COLLECTED = 20_000  # objects more before it looks

LONGEST_FIRST = ("faults", "system", "integration", "property", "unit")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests first, so that no process is left alone with one; and those that share something
    go to the same process.

    What is marked as long is part of `make faults` only.
    """
    if os.environ.get("FAULTS") != "long":
        config.hook.pytest_deselected(
            items=[item for item in items if item.get_closest_marker("long")]
        )
        items[:] = [item for item in items if not item.get_closest_marker("long")]
    order = {folder: place for place, folder in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(folder_of(item), 0))
    for item in items:
        if together := group(item):
            item.add_marker(pytest.mark.xdist_group(together))


def pytest_collection_finish() -> None:
    """What is there now stays to the end."""
    gc.freeze()
    gc.set_threshold(COLLECTED, 20, 20)
    gc.enable()


def folder_of(item: pytest.Item) -> str:
    """The folder of tests/ that a test is in."""
    return item.path.relative_to(Path(__file__).parent).parts[0]


def group(item: pytest.Item) -> str | None:
    """All that use the one Kafka; faults, so that no more than two hubs at once are under load;
    else those of a module, for its fixtures and their order; a property goes by itself.
    """
    if "kafka" in getattr(item, "fixturenames", ()):
        return "kafka"
    if folder_of(item) == "faults":
        return "cluster" if item.path.stem == "test_cluster" else "faults"
    return None if folder_of(item) == "property" else item.path.stem


@pytest.fixture(scope="module", autouse=True)
def swept() -> Iterator[None]:
    """What a module left behind is found, and complained of, with its last test; what is left then
    stays as well.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Bootstrap servers of a Kafka with the hub's own broker settings."""
    from ops.kafka.embedded import (
        EmbeddedKafka,  # here, for the process that only shares the tests out
    )
    from ops.kafka.ports import free_port

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
    """Kafka's own image, listening on `port` of this machine; none without a Docker engine that
    answers at once and has the image.
    """
    import docker  # here, for the many runs that need no Kafka
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    from ops.kafka.jars import KAFKA_VERSION

    try:
        with contextlib.closing(docker.from_env(timeout=2)) as engine:
            engine.ping()
        container = (
            DockerContainer(f"apache/kafka:{KAFKA_VERSION}")
            .with_bind_ports(port, port)
            .with_envs(**container_environment(port))
        )
        return container.waiting_for(LogMessageWaitStrategy("Kafka Server started")).start()
    except docker.errors.DockerException:
        return None


def container_environment(port: int) -> dict[str, str]:
    """The embedded broker's settings, in the way the image takes them."""
    from ops.kafka.storage import BROKER

    own = BROKER | {
        "listeners": f"PLAINTEXT://0.0.0.0:{port},CONTROLLER://127.0.0.1:9093",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.quorum.voters": "1@127.0.0.1:9093",
    }
    return {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in own.items()}
