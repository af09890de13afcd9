"""Who may do what in Kafka: each room of the hub is a user of its own, and may write only what
`schemas/topics.py` says that it owns. `lgsp kafka acls` prints these rules, or makes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

import click
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.protocol.admin import CreateAclsRequest

from schemas.errors import HubError
from schemas.families import INVENTORY
from schemas.kafka.clients import admin
from schemas.settings import Settings
from schemas.spaces import is_sandbox, sandbox_of
from schemas.topics import (
    Topic,
    audit_topic,
    clients_topic,
    clients_used_topic,
    events_topic,
    packets_topic,
    quarantine_marks_topic,
    quarantine_topic,
    restoring_topic,
    sessions_topic,
    state_topic,
    topics_of,
    vault_keys_topic,
    vault_topic,
)

Room = Literal["connectors", "streams", "metrics", "ops"]
ROOMS: tuple[Room, ...] = ("connectors", "streams", "metrics", "ops")
Resource = Literal["topic", "group", "transactional-id", "cluster"]
Operation = Literal[
    "All", "Read", "Write", "Create", "Alter", "Describe", "DescribeConfigs", "AlterConfigs"
]
# as Kafka's protocol numbers them
_RESOURCES: Mapping[Resource, int] = {
    "topic": 2,
    "group": 3,
    "cluster": 4,
    "transactional-id": 5,
}
_OPERATIONS: Mapping[Operation, int] = {
    "All": 2,
    "Read": 3,
    "Write": 4,
    "Create": 5,
    "Alter": 7,
    "Describe": 8,
    "DescribeConfigs": 10,
    "AlterConfigs": 11,
}
_LITERAL, _PREFIXED, _ALLOW = 3, 4, 3
_CLUSTER = "kafka-cluster"
_LOOK: tuple[Operation, ...] = ("Describe", "DescribeConfigs")


@dataclass(frozen=True, slots=True)
class KafkaRight:
    """What a user may do with something; `prefixed`: with all whose name begins so."""

    user: str
    resource: Resource
    name: str
    operations: tuple[Operation, ...]
    prefixed: bool = False

    def command(self) -> list[str]:
        """The arguments of Kafka's own tool, `kafka-acls.sh`."""
        allowed = [argument for one in self.operations for argument in ("--operation", one)]
        where = ["--cluster"] if self.resource == "cluster" else [f"--{self.resource}", self.name]
        pattern = ["--resource-pattern-type", "prefixed"] if self.prefixed else []
        return ["--add", "--allow-principal", f"User:{self.user}", *allowed, *where, *pattern]


class RoomUsers(NamedTuple):
    """What the rooms are called in Kafka."""

    connectors: str
    streams: str
    metrics: str
    ops: str


def rights(settings: Settings, users: RoomUsers) -> list[KafkaRight]:
    """All that the rooms of these settings' space, its sandbox and books need, and nothing else."""
    spaces = [settings.space]
    if not is_sandbox(settings.space):
        spaces.append(sandbox_of(settings.space))
    found: list[KafkaRight] = []
    for space in spaces:
        inside = settings.model_copy(update={"space": space})
        for room, user in zip(ROOMS, users, strict=True):
            found += _of_room(inside, room, user)
    return list(dict.fromkeys(found))


def run_acls(settings: Settings, users: RoomUsers, *, apply: bool) -> int:
    """Print the commands that make the rights, or make them; the exit code."""
    found = rights(settings, users)
    if apply:
        asyncio.run(make_rights(settings, found))
        click.echo(f"Kafka at {settings.bootstrap} has {len(found)} rights of {len(users)} users.")
        return 0
    for one in found:
        server = f"kafka-acls.sh --bootstrap-server {settings.bootstrap}"
        click.echo(f"{server} --command-config admin.properties {' '.join(one.command())}")
    return 0


async def make_rights(settings: Settings, found: list[KafkaRight]) -> None:
    """Make them; those that are there stay.

    Raises: HubError where Kafka refuses one; KafkaUnavailable
    """
    async with admin(settings) as client:
        for one in found:
            for operation in one.operations:
                await _make(client, one, operation)


async def _make(client: AIOKafkaAdminClient, one: KafkaRight, operation: Operation) -> None:
    request = CreateAclsRequest(
        _RESOURCES[one.resource],
        one.name,
        _PREFIXED if one.prefixed else _LITERAL,
        f"User:{one.user}",
        "*",
        _OPERATIONS[operation],
        _ALLOW,
    )
    answer = cast("Any", await client._send_to_controller(request))
    for code, why in answer.creation_responses:
        if code:
            raise HubError(
                f"Kafka does not give {one.user} the right to {operation} {one.name}"
                f" ({why or code}): does it have an authorizer, and may this user change rights?"
            )


def _of_room(settings: Settings, room: Room, user: str) -> Iterator[KafkaRight]:
    space, books = settings.space, settings.books
    if room == "ops":
        yield from _everything(settings, user)
        return
    for topic in topics_of(settings):
        may = tuple(_may(settings, room, topic))
        yield KafkaRight(user, "topic", topic.name, (*may, *_LOOK))
    yield KafkaRight(user, "topic", restoring_topic(space), ("Describe",))
    yield KafkaRight(user, "cluster", _CLUSTER, ("Describe",))
    if room == "connectors":
        yield KafkaRight(user, "transactional-id", clients_topic(space), ("Write", "Describe"))
    elif room == "streams":
        yield KafkaRight(user, "group", books, ("Read", "Describe"))
        yield KafkaRight(user, "transactional-id", f"{books}-", ("Write", "Describe"), True)
    else:
        for served in settings.served:
            yield KafkaRight(user, "group", served.books, ("Describe",))


def _may(settings: Settings, room: Room, topic: Topic) -> Iterator[Operation]:
    if room in topic.owner.split(", "):
        yield "Write"
    if room in _readers(settings, topic):
        yield "Read"


def _readers(settings: Settings, topic: Topic) -> set[Room]:
    """Who reads a topic, besides ops."""
    space, name = settings.space, topic.name
    if name == clients_topic(space):
        return {"connectors", "metrics"}
    if name in _own_of_connectors(space):
        return {"connectors"}
    if name == state_topic(INVENTORY, settings.books):
        return {"connectors", "streams", "metrics"}
    return {"streams", "metrics"} if topic.owner == "streams" or _is_events(topic, space) else set()


def _own_of_connectors(space: str) -> set[str]:
    """What they keep to go on from, and nobody else has to know."""
    return {
        clients_used_topic(space),
        audit_topic(space),
        packets_topic(space),
        sessions_topic(space),
        quarantine_topic(space),
        quarantine_marks_topic(space),
        vault_topic(space),
        vault_keys_topic(space),
    }


def _is_events(topic: Topic, space: str) -> bool:
    return topic.owner == "connectors" and topic.name != clients_topic(space)


def _everything(settings: Settings, user: str) -> Iterator[KafkaRight]:
    """Who runs the hub makes topics, restores, recounts and mends."""
    prefix = events_topic("", settings.space)
    for resource in cast("tuple[Resource, ...]", ("topic", "group", "transactional-id")):
        yield KafkaRight(user, resource, prefix.removesuffix("."), ("All",), True)
        if not settings.books.startswith(prefix.removesuffix(".")):
            yield KafkaRight(user, resource, settings.books, ("All",), True)
    yield KafkaRight(user, "cluster", _CLUSTER, ("Describe", "DescribeConfigs", "Alter"))
