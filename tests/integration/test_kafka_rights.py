"""A Kafka that asks who comes (SCRAM over TLS) and lets each do what it may: who may not is refused
by name, and a whole hub runs, each process as a user of its own.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from aiokafka.errors import TopicAuthorizationFailedError, TransactionalIdAuthorizationFailed
from certificates import certificate
from harness import Hub, until

from connectors.gateway.examples import EXAMPLES
from ops.kafka import storage
from ops.kafka.acls import ROOMS, RoomUsers, make_rights, rights
from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.ports import free_port
from schemas.errors import KafkaUnavailable
from schemas.kafka.clients import admin, producer
from schemas.settings import Settings
from schemas.topics import AUDIT, CELLS, CLIENTS, events_topic, state_topic

pytestmark = pytest.mark.kafka

USERS = RoomUsers("gateway", "worker", "figures", "operations")
PASSWORD = "sample-password"
OPEN = "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A broker with two doors: one on which everybody may everything, for making it ready, and one
    that asks.
    """
    folder = tmp_path_factory.mktemp("rights")
    plain, asking, quorum = free_port(), free_port(), free_port()
    pair = certificate(folder)
    both = folder / "broker.pem"
    both.write_bytes(pair.key.read_bytes() + pair.cert.read_bytes())
    (folder / "password").write_text(PASSWORD)
    (folder / "password").chmod(0o600)
    listeners = f"PLAINTEXT://127.0.0.1:{plain},ASKING://127.0.0.1:{asking}"
    properties = {
        "listeners": f"{listeners},CONTROLLER://127.0.0.1:{quorum}",
        "advertised.listeners": listeners,
        "controller.quorum.voters": f"1@127.0.0.1:{quorum}",
        "listener.security.protocol.map": f"{OPEN},ASKING:SASL_SSL",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.asking.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(both),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }
    data = folder / "data"
    kafka = EmbeddedKafka(data / "kafka", port=plain, properties=properties)
    hub = Hub(data, kafka, kafka_servers=f"127.0.0.1:{plain}")
    hub.asking = {  # type: ignore[attr-defined]
        "kafka_servers": f"127.0.0.1:{asking}",
        "kafka_password_file": folder / "password",
        "kafka_ca": pair.cert,
        "topics": "check",
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "subprocess", SimpleNamespace(run=_with_users))
        try:
            hub.start()
            asyncio.run(make_rights(hub.settings, rights(hub.settings, USERS)))
            yield hub
        finally:
            hub.stop()


def _with_users(command: list[str], **options: Any) -> Any:
    """Users are made when the storage is."""
    scram = [
        part
        for user in USERS
        for part in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={PASSWORD}]")
    ]
    return subprocess.run([*command, *scram], **options)


def as_user(hub: Hub, user: str, **more: Any) -> Settings:
    return hub.settings.model_copy(update={**hub.asking, "kafka_user": user, **more})  # type: ignore[attr-defined]


async def write(settings: Settings, topic: str, **options: Any) -> None:
    async with producer(settings, **options) as sender:
        await sender.send_and_wait(topic, b"{}", key=b"sample", partition=0)


MAY_WRITE = {
    "connectors": {events_topic("dossiers"), CLIENTS, AUDIT},
    "streams": {CELLS, state_topic("dossiers")},
    "metrics": {AUDIT},
}
ALL = sorted({topic for topics in MAY_WRITE.values() for topic in topics})


@pytest.mark.parametrize("room", MAY_WRITE)
@pytest.mark.parametrize("topic", ALL)
async def test_each_writes_what_it_owns_and_is_refused_the_rest_by_name(
    hub: Hub, room: Any, topic: str
) -> None:
    settings = as_user(hub, USERS[ROOMS.index(room)])
    if topic in MAY_WRITE[room]:
        if topic == AUDIT:  # others are read by the hub of the test beside this one
            await write(settings, topic)
        return
    with pytest.raises(TopicAuthorizationFailedError, match=topic):
        await write(settings, topic)


async def test_no_service_pretends_to_be_a_worker(hub: Hub) -> None:
    """Whose transaction would be rolled back."""
    for user in (USERS.connectors, USERS.metrics):
        with pytest.raises(TransactionalIdAuthorizationFailed):
            await write(as_user(hub, user), AUDIT, transactional_id=f"{hub.settings.books}-0")


async def test_who_has_a_wrong_password_is_told_that_and_not_that_kafka_is_away(
    hub: Hub, tmp_path: Path
) -> None:
    wrong = tmp_path / "password"
    wrong.write_text("another")
    wrong.chmod(0o600)
    with pytest.raises(KafkaUnavailable, match="lets in gateway"):
        async with admin(as_user(hub, "gateway", kafka_password_file=wrong)):
            pass


def test_a_whole_hub_runs_with_each_process_as_its_own_user(hub: Hub) -> None:
    environment = {
        f"LGSP_{name.upper()}": str(value)
        for name, value in hub.asking.items()  # type: ignore[attr-defined]
    }
    for name, user in (
        ("gateway", USERS.connectors),
        ("worker", USERS.streams),
        ("metrics", USERS.metrics),
    ):
        hub.service(name, name, **environment, LGSP_KAFKA_USER=user)
    send = f"http://127.0.0.1:{hub.settings.gateway_port}/v1/events"
    example = EXAMPLES["dossier.received"]

    def sent() -> bool:
        return httpx.post(send, json=example).status_code == 202

    def counted() -> bool:
        ask = f"http://127.0.0.1:{hub.settings.metrics_port}/v1/counts?kind=received&window=all"
        kinds = httpx.get(ask).json().get("kinds", [])
        return any(one["counts"].get("received") == 1 for one in kinds)

    until(lambda: answered(sent))
    until(lambda: answered(counted))
    listed = (
        f"http://127.0.0.1:{hub.settings.metrics_port}/v1/dossiers/{example['data']['dossier_id']}"
    )
    until(lambda: answered(lambda: httpx.get(listed).status_code == 200))


def answered(ask: Any) -> bool:
    try:
        return bool(ask())
    except httpx.TransportError:
        return False
