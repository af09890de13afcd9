"""Topics as they are declared: made where they are missing, put right where they differ."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple, cast

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from schemas.errors import KafkaUnavailable, RestoreUnfinished, SettingsError
from schemas.kafka.clients import admin
from schemas.pauses import Pauses
from schemas.settings import Settings
from schemas.topics import Topic, restoring_topic, topics_of

log = logging.getLogger(__name__)

_OWN = 1  # Kafka's source of a setting: the topic's own
_TO_DO = (
    "LGSP_TOPICS is `check`, so whoever keeps the topics makes and sets them as schemas/topics.py"
    " declares; `manage` lets the hub."
)


async def ensure_topics(settings: Settings) -> list[str]:
    """Make the topics that are missing, and put right those whose settings are not the declared
    ones; returns the names of those made.

    Where `LGSP_TOPICS` is `check`, somebody else makes and sets them: then what is missing or
    differs is refused by name.

    Raises: SettingsError when a topic has another number of partitions (books would be split
    differently) or other settings that can't be put right. RestoreUnfinished where `lgsp restore`
    has not come to its end.
    """
    async with admin(settings) as client:
        existing = await topics_there(client)
        require_restored(existing, settings)
        topics = topics_of(settings)
        for topic in topics:
            if topic.name in existing:
                _check_partitions(topic, existing[topic.name], settings)
        await _ensure_settings(
            client, [topic for topic in topics if topic.name in existing], settings
        )
        return await _make_missing(
            client, [topic for topic in topics if topic.name not in existing], settings
        )


async def topics_there(client: AIOKafkaAdminClient) -> dict[str, list[Any]]:
    """The topics that there are, each with what Kafka says of its partitions."""
    return {
        found["topic"]: found["partitions"]
        for found in await client.describe_topics() or []
        if not found["error_code"]
    }


async def when_ready(settings: Settings, waiting: Callable[[Exception], None]) -> list[str]:
    """The same as soon as Kafka answers; `waiting` is told why it does not, at every attempt.

    Raises: as `ensure_topics`, for what waiting does not mend.
    """
    pauses = Pauses()
    while True:
        try:
            return await ensure_topics(settings)
        except (KafkaUnavailable, KafkaError, OSError) as error:
            waiting(error)
            await asyncio.sleep(pauses.next())


def require_restored(there: Collection[str], settings: Settings) -> None:
    """Look, among the names of the topics that are there, for the one that holds everything while a
    restore goes on.

    Raises: RestoreUnfinished
    """
    if restoring_topic(settings.space) in there:
        raise RestoreUnfinished(
            f"A restore into the Kafka at {settings.bootstrap} is not finished, so there is only a"
            " part of the facts: run `lgsp restore` with the same folder again, it goes on where"
            " it stopped. Nothing else may run before."
        )


async def _make_missing(
    client: AIOKafkaAdminClient, missing: Sequence[Topic], settings: Settings
) -> list[str]:
    """Make topics; returns their names. One on which no figure rests is done without, if it can't
    be made.
    """
    needed = [topic.name for topic in missing if not topic.made_again]
    if needed and settings.topics == "check":
        raise SettingsError(f"Topics are missing: {', '.join(needed)}. {_TO_DO}")
    made = []
    for topic in missing:
        try:
            if settings.topics == "check":
                raise KafkaUnavailable(f"Topic {topic.name} is missing. {_TO_DO}")
            await _create(client, topic, settings)
        except KafkaUnavailable as error:
            if not topic.made_again:
                raise
            log.error("%s The hub goes on without it.", error)
        else:
            made.append(topic.name)
    return made


async def make_topic(settings: Settings, topic: Topic, **otherwise: str) -> None:
    """Make one topic, unless it is there, or somebody else keeps the topics. `otherwise`: settings
    that differ from those declared.

    Raises: KafkaUnavailable
    """
    if settings.topics == "manage":
        async with admin(settings) as client:
            await _create(client, topic, settings, **otherwise)


def _check_partitions(topic: Topic, found: Sequence[Mapping[str, Any]], settings: Settings) -> None:
    wanted = topic.partition_count(settings)
    if len(found) != wanted:
        raise SettingsError(
            f"Topic {topic.name} has {len(found)} partitions and the settings say {wanted}: set"
            f" LGSP_PARTITIONS={len(found)}, or start with a fresh LGSP_DATA (the number is fixed"
            " once the topics exist)."
        )
    copies = min(len(partition["replicas"]) for partition in found)
    if copies < settings.replication_factor:
        raise SettingsError(
            f"Topic {topic.name} is kept in {copies} copies and the settings say"
            f" {settings.replication_factor}: give it more with Kafka's own tools"
            f" (kafka-reassign-partitions), or set LGSP_REPLICATION_FACTOR={copies}."
        )


async def _ensure_settings(
    client: AIOKafkaAdminClient, topics: Sequence[Topic], settings: Settings
) -> None:
    """Every declared setting of these topics is in force, or it is said which one is not."""
    found = await settings_of(client, [topic.name for topic in topics])
    wrong = {
        topic.name: _differing(topic.config(settings), found[topic.name])
        for topic in topics
        if topic.name in found
    }
    wrong = {name: differing for name, differing in wrong.items() if differing}
    if not wrong:
        return
    said = "; ".join(
        f"{name}: {_told(differing, found[name])}" for name, differing in wrong.items()
    )
    if settings.topics == "check":
        raise SettingsError(f"Topics have other settings than the hub relies on: {said}. {_TO_DO}")
    facts = any(topic.name in wrong and not topic.made_again for topic in topics)
    told = " Facts may have been deleted: `lgsp recount` tells." if facts else ""
    log.warning("Topics had other settings than declared, and are put right: %s.%s", said, told)
    own = {name: {key: one.value for key, one in found[name].items() if one.own} for name in wrong}
    for name, why in await set_settings(
        client, {name: own[name] | differing for name, differing in wrong.items()}
    ):
        raise SettingsError(
            f"Topic {name} has other settings than the hub relies on ({said}), and Kafka refuses to"
            f" change them ({why}): set them by hand, or allow the hub to."
        )


async def set_settings(
    client: AIOKafkaAdminClient, wanted: Mapping[str, Mapping[str, str]]
) -> list[tuple[str, str]]:
    """Give topics these settings in place of all that they have of their own; by topic why Kafka
    refuses.
    """
    resources = [
        ConfigResource(ConfigResourceType.TOPIC, name, dict(config))
        for name, config in wanted.items()
    ]
    answers = cast("Any", await client.alter_configs(resources))
    return [
        (name, str(message or code))
        for answer in answers
        for code, message, _, name in answer.resources
        if code
    ]


class TopicSetting(NamedTuple):
    """A topic's setting in force. `own`: set for this topic, not the broker's default."""

    value: str
    own: bool


async def settings_of(
    client: AIOKafkaAdminClient, names: Sequence[str]
) -> dict[str, dict[str, TopicSetting]]:
    """The settings in force of these topics.

    Raises: KafkaUnavailable where Kafka does not tell them.
    """
    found: dict[str, dict[str, TopicSetting]] = {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    for answer in await client.describe_configs(asked) if asked else []:
        for code, message, _, name, entries in cast("Any", answer).resources:
            if code:
                raise KafkaUnavailable(
                    f"Kafka does not tell the settings of topic {name} ({message or code}): may the"
                    " hub ask for them?"
                )
            found[name] = {
                key: TopicSetting(value, source == _OWN) for key, value, _, source, *_ in entries
            }
    return found


def _differing(wanted: Mapping[str, str], found: Mapping[str, TopicSetting]) -> dict[str, str]:
    """Declared settings that are not in force. More replicas in sync than asked for is stricter,
    and stays.
    """
    differing = {
        key: value for key, value in wanted.items() if key not in found or found[key].value != value
    }
    key = "min.insync.replicas"
    if key in differing and key in found and int(found[key].value) > int(differing[key]):
        del differing[key]
    return differing


def _told(differing: Mapping[str, str], found: Mapping[str, TopicSetting]) -> str:
    return ", ".join(
        f"{key} is {found[key].value if key in found else 'not set'} instead of {value}"
        for key, value in differing.items()
    )


async def _create(
    client: AIOKafkaAdminClient, topic: Topic, settings: Settings, **otherwise: str
) -> None:
    config = topic.config(settings) | otherwise
    new = NewTopic(
        topic.name,
        topic.partition_count(settings),
        settings.replication_factor,
        topic_configs=config,
    )
    try:
        answer = await client.create_topics([new])
    except TopicAlreadyExistsError:
        return  # another process of the hub was quicker
    except KafkaError as error:
        raise KafkaUnavailable(
            f"Topic {topic.name} could not be made ({error}): is the cluster healthy?"
        ) from error
    for _, code, message in cast("Any", answer).topic_errors:
        if code not in (0, TopicAlreadyExistsError.errno):
            raise KafkaUnavailable(
                f"Topic {topic.name} could not be made (error {code}: {message}): does the cluster"
                " have enough brokers?"
            )
