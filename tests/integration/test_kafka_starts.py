"""The embedded broker itself: it starts without a Java of the machine, keeps what it accepted
through kill -9, and stops on Ctrl-C.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.ports import free_port
from ops.kafka.processes import is_broker_of
from ops.kafka.storage import BROKER
from schemas.errors import EnvironmentBroken

pytestmark = pytest.mark.kafka
TOPIC = "kept"
FOREGROUND = (
    # somebody who runs tests in the background ignores Ctrl-C
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from ops.kafka.foreground import run_kafka; from schemas.settings import Settings;"
    " sys.exit(run_kafka(Settings()))"
)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker in a folder with Vietnamese letters, a blank and a comma, without `java` on the PATH
    and without a locale.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(tmp_path_factory.mktemp("empty")))
        patch.setenv("LC_ALL", "C")
        with EmbeddedKafka(tmp_path_factory.mktemp("dữ liệu, nền"), port=free_port()) as running:
            yield running


async def create_topic(bootstrap: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(TOPIC, 1, 1)])
    finally:
        await admin.close()


async def committed(bootstrap: str, count: int) -> list[bytes]:
    """The topic's first committed values, at least `count`; a commit is answered before its marker
    lets readers go on.
    """
    partition = TopicPartition(TOPIC, 0)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        values: list[bytes] = []
        async with asyncio.timeout(30):
            while len(values) < count:
                records = await consumer.getmany(partition, timeout_ms=200)
                values += [record.value for record in records.get(partition, [])]
        return values
    finally:
        await consumer.stop()


async def transactional(bootstrap: str) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, transactional_id="test", retry_backoff_ms=10
    )
    await producer.start()
    return producer


async def kill(broker: EmbeddedKafka) -> None:
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    assert await asyncio.to_thread(broker.wait, 30) == -signal.SIGKILL
    broker.stop()


async def test_what_was_committed_outlives_a_kill_and_what_was_not_does_not(
    broker: EmbeddedKafka,
) -> None:
    await create_topic(broker.bootstrap)
    first = await transactional(broker.bootstrap)
    async with first.transaction():
        await first.send_and_wait(TOPIC, b"committed")
    await first.begin_transaction()
    await first.send_and_wait(TOPIC, b"left open")
    await kill(broker)
    await asyncio.to_thread(broker.start)
    # takes the name over, which ends what the first left open
    second = await transactional(broker.bootstrap)
    async with second.transaction():
        await second.send_and_wait(TOPIC, b"after")
    await second.stop()
    await first.client.close()
    assert await committed(broker.bootstrap, 2) == [b"committed", b"after"]


async def test_a_lost_identity_file_loses_no_data(broker: EmbeddedKafka) -> None:
    broker.stop()
    (broker.data / "log" / "meta.properties").unlink()
    await asyncio.to_thread(broker.start)
    assert await committed(broker.bootstrap, 2) == [b"committed", b"after"]


async def test_kafka_took_every_setting(broker: EmbeddedKafka) -> None:
    """Kafka overlooks a setting whose name it does not know."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    [answer] = await admin.describe_configs(
        [ConfigResource(ConfigResourceType.BROKER, BROKER["node.id"])]
    )
    await admin.close()
    [(_, _, _, _, entries)] = answer.resources
    in_force = {name: value for name, value, *_ in entries}
    assert {name: in_force.get(name) for name in BROKER} == BROKER


def test_a_second_broker_on_the_folder_is_refused(broker: EmbeddedKafka) -> None:
    with pytest.raises(EnvironmentBroken, match="in use by a running `lgsp`"):
        EmbeddedKafka(broker.data, port=free_port()).start()
    assert broker.pid is not None


def foreground(data: Path, port: int) -> subprocess.Popen[str]:
    """`lgsp kafka` in a process of its own, once it says that it listens."""
    own = os.environ | {
        "LGSP_DATA": str(data),
        "LGSP_KAFKA_PORT": str(port),
        "LGSP_KAFKA_HEAP": "256m",
    }
    started = subprocess.Popen(
        [sys.executable, "-c", FOREGROUND], env=own, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert f"Kafka listens on 127.0.0.1:{port}" in started.stdout.readline()
    return started


def test_the_foreground_command_ends_its_broker_on_ctrl_c_and_takes_over_an_orphan(
    tmp_path: Path,
) -> None:
    port, pid_file = free_port(), tmp_path / "kafka" / "broker.pid"
    with foreground(tmp_path, port) as killed:
        orphan = int(pid_file.read_text())
        assert is_broker_of(orphan, tmp_path / "kafka")
        killed.kill()
    with foreground(tmp_path, port) as interrupted:
        successor = int(pid_file.read_text())
        interrupted.send_signal(signal.SIGINT)
        assert interrupted.wait(60) == 0
    assert not [pid for pid in (orphan, successor) if is_broker_of(pid, tmp_path / "kafka")]
    assert not pid_file.exists()
