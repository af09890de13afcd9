"""Topics: declared once, and what the rest of the hub relies on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schemas.clock import DAY_MS
from schemas.errors import RestoreUnfinished, SettingsError
from schemas.events import EVENT_TYPES, EVENTS_BY_FAMILY
from schemas.kafka import topics as kafka_topics
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from schemas.topics import (
    AUDIT,
    BY_NAME,
    CELLS,
    CLIENTS,
    CLIENTS_USED,
    MARKS,
    QUARANTINE,
    QUARANTINE_BYTES,
    QUARANTINE_MS,
    QUARANTINE_SEGMENT_MS,
    RESTORING,
    TOMBSTONES_MS,
    TOPICS,
    VAULT,
    VAULT_DAYS,
    VAULT_KEYS,
    Topic,
    cells_topic,
    events_topic,
    packets_topic,
    sessions_topic,
    state_topic,
    topics_of,
)

# what connectors keep for themselves
OWN = {packets_topic(), sessions_topic(), CLIENTS, CLIENTS_USED, AUDIT, MARKS, VAULT, VAULT_KEYS}
SETTINGS = Settings(partitions=6, replication_factor=3, min_insync_replicas=2)


def test_every_family_has_its_topics_with_equal_partitions() -> None:
    for family in EVENTS_BY_FAMILY:
        events, states = BY_NAME[events_topic(family)], BY_NAME[state_topic(family)]
        assert (
            events.partition_count(SETTINGS)
            == states.partition_count(SETTINGS)
            == BY_NAME[CELLS].partition_count(SETTINGS)
            == 6
        )


def test_names_are_unique_and_nothing_is_undeclared() -> None:
    assert len(BY_NAME) == len(TOPICS)
    expected = {CELLS, QUARANTINE, *OWN} | {
        topic(family) for family in EVENTS_BY_FAMILY for topic in (events_topic, state_topic)
    }
    assert BY_NAME.keys() == expected


@pytest.mark.parametrize("family", EVENTS_BY_FAMILY)
def test_examples_are_events_of_the_family(family: str) -> None:
    examples = BY_NAME[events_topic(family)].examples
    assert examples
    assert {EVENT_TYPES[name].family for name in examples} == {family}


@pytest.mark.parametrize("family", EVENTS_BY_FAMILY)
def test_events_carry_the_time_at_which_the_hub_first_knew(family: str) -> None:
    assert (
        BY_NAME[events_topic(family)].config(SETTINGS)["message.timestamp.type"] == "LogAppendTime"
    )


@pytest.mark.parametrize("name", ["lgsp.dossiers", "lgsp.documents"])
def test_what_figures_rest_on_is_kept_for_ever(name: str) -> None:
    config = BY_NAME[name].config(SETTINGS)
    assert (config["cleanup.policy"], config["retention.ms"]) == ("delete", "-1")


@pytest.mark.parametrize(
    "name",
    [CELLS, CLIENTS, CLIENTS_USED, *(state_topic(family) for family in EVENTS_BY_FAMILY)],
)
def test_states_and_cells_are_compacted(name: str) -> None:
    config = BY_NAME[name].config(SETTINGS)
    assert config["cleanup.policy"] == "compact"
    assert config["delete.retention.ms"] == str(TOMBSTONES_MS)
    assert "retention.ms" not in config


def test_the_quarantine_forgets_after_a_fortnight_and_never_fills_the_disk() -> None:
    """By the broker's clock: a sender's may run ahead, and what it sent would stay until then."""
    config = BY_NAME[QUARANTINE].config(SETTINGS)
    assert (config["cleanup.policy"], config["message.timestamp.type"]) == (
        "delete",
        "LogAppendTime",
    )
    assert int(config["retention.ms"]) == 14 * 24 * 3_600_000
    assert 0 < int(config["retention.bytes"]) <= 1 << 30
    assert int(config["segment.ms"]) <= 24 * 3_600_000
    assert int(config["segment.bytes"]) * 8 <= int(config["retention.bytes"])


@pytest.mark.parametrize("name", [VAULT, VAULT_KEYS, MARKS])
def test_what_is_erased_in_the_vault_goes_from_the_disk_within_the_hour(name: str) -> None:
    """Once something is written behind it: segments roll and are compacted for it."""
    config = BY_NAME[name].config(SETTINGS)
    assert config["cleanup.policy"] == "compact,delete"
    assert config["message.timestamp.type"] == "LogAppendTime"
    assert int(config["max.compaction.lag.ms"]) <= 30 * 60_000
    assert int(config["delete.retention.ms"]) == DAY_MS


def test_the_vault_forgets_by_itself_and_never_its_keys_before_what_they_encrypt() -> None:
    vault, keys, marks = (BY_NAME[name].config(SETTINGS) for name in (VAULT, VAULT_KEYS, MARKS))
    assert int(vault["retention.ms"]) == (max(VAULT_DAYS.values()) + 1) * DAY_MS
    assert int(keys["retention.ms"]) > int(vault["retention.ms"]) + DAY_MS
    assert int(marks["retention.ms"]) > QUARANTINE_MS
    assert 0 < int(vault["retention.bytes"]) <= 1 << 30
    assert keys["retention.bytes"] == "-1"


def test_the_page_on_privacy_says_how_long_refusals_are_kept() -> None:
    page = (Path(__file__).parents[3] / "docs" / "privacy.md").read_text("utf-8")
    days, size, segment = (
        QUARANTINE_MS // DAY_MS,
        QUARANTINE_BYTES >> 20,
        QUARANTINE_SEGMENT_MS // 3_600_000,
    )
    assert f"{days} days by the broker's clock, and at most {size} MiB" in page
    assert segment == 6
    assert "up to six hours more" in page


async def test_the_quarantine_of_an_earlier_version_gets_its_end_and_nobody_is_frightened(
    whole: Cluster,
    caplog: pytest.LogCaptureFixture,
) -> None:
    whole.settings[QUARANTINE] = {
        key: value
        for key, value in whole.settings[QUARANTINE].items()
        if not key.startswith("segment")
    }
    whole.settings[QUARANTINE] |= {
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "message.timestamp.type": "CreateTime",
    }
    await ensure_topics(SETTINGS)
    assert whole.altered == {QUARANTINE: BY_NAME[QUARANTINE].config(SETTINGS)}
    assert "lgsp.quarantine" in caplog.text
    assert "recount" not in caplog.text


def test_heartbeats_are_not_kept() -> None:
    assert BY_NAME["lgsp.heartbeats"].config(SETTINGS)["retention.ms"] == "3600000"


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_every_topic_says_whose_it_is_and_needs_enough_copies(topic: Topic) -> None:
    assert topic.owner
    assert topic.key
    assert topic.holds
    assert topic.config(SETTINGS)["min.insync.replicas"] == "2"


def test_other_books_have_topics_of_their_own_for_what_is_derived_and_the_same_events() -> None:
    names = {topic.name for topic in topics_of(SETTINGS.model_copy(update={"app_id": "lgsp-2"}))}
    derived = {
        cells_topic("lgsp-2"),
        *(state_topic(family, "lgsp-2") for family in EVENTS_BY_FAMILY),
    }
    events = {events_topic(family) for family in EVENTS_BY_FAMILY}
    assert names == derived | events | {QUARANTINE, *OWN}
    assert not derived & BY_NAME.keys()
    assert topics_of(SETTINGS) == TOPICS


class Cluster:
    """An admin client over topics in memory, whose settings are the declared ones but for what a
    test changes.
    """

    def __init__(self, partitions: dict[str, int], refuses: int = 0) -> None:
        self.partitions = partitions
        self.created: dict[str, Any] = {}
        self.settings = {name: BY_NAME[name].config(SETTINGS) for name in partitions}
        self.altered: dict[str, dict[str, str]] = {}
        self.copies = 3
        self._refuses = refuses

    async def __aenter__(self) -> Cluster:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def describe_topics(self) -> list[dict[str, Any]]:
        partition = {"replicas": list(range(self.copies))}
        return [
            {"topic": name, "partitions": [partition] * count, "error_code": 0}
            for name, count in self.partitions.items()
        ]

    async def create_topics(self, topics: list[Any]) -> Any:
        self.created |= {topic.name: topic for topic in topics}
        return type("Answer", (), {"topic_errors": [(topic.name, 0, None) for topic in topics]})

    async def describe_configs(self, asked: list[Any]) -> list[Any]:
        """As Kafka answers: the entries' fourth place is 1 where the topic itself has the setting,
        5 for a default.
        """
        found = []
        for one in asked:
            own = [
                (key, value, False, 1, False, []) for key, value in self.settings[one.name].items()
            ]
            found.append(
                (0, None, 2, one.name, [*own, ("segment.jitter.ms", "0", False, 5, False, [])])
            )
        return [SimpleNamespace(resources=found)]

    async def alter_configs(self, resources: list[Any]) -> list[Any]:
        self.altered |= {one.name: one.configs for one in resources}
        return [
            SimpleNamespace(
                resources=[(self._refuses, "Not authorized", 2, one.name) for one in resources]
            )
        ]


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster that has every topic as declared."""
    cluster = Cluster({topic.name: topic.partition_count(SETTINGS) for topic in TOPICS})
    monkeypatch.setattr(kafka_topics, "admin", lambda _: cluster)
    return cluster


async def test_a_setting_that_somebody_changed_is_put_right_and_told(
    whole: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing else of the topic changes: Kafka takes back whatever such a request leaves out."""
    whole.settings["lgsp.dossiers"] |= {
        "retention.ms": "3600000",
        "message.timestamp.type": "CreateTime",
        "compression.type": "zstd",
    }
    await ensure_topics(SETTINGS)
    declared = BY_NAME["lgsp.dossiers"].config(SETTINGS)
    assert whole.altered == {"lgsp.dossiers": declared | {"compression.type": "zstd"}}
    said = (
        "lgsp.dossiers: message.timestamp.type is CreateTime instead of LogAppendTime, retention.ms"
        " is 3600000 instead of -1"
    )
    assert said in caplog.text


async def test_what_is_as_declared_or_stricter_stays(whole: Cluster) -> None:
    """A process with the defaults of a single machine must not weaken a cluster's topics."""
    await ensure_topics(SETTINGS.model_copy(update={"min_insync_replicas": 1}))
    assert whole.altered == {}


async def test_topics_that_others_keep_are_refused_by_name(whole: Cluster) -> None:
    checking = SETTINGS.model_copy(update={"topics": "check"})
    await ensure_topics(checking)
    whole.settings[CELLS]["cleanup.policy"] = "delete"
    with pytest.raises(
        SettingsError,
        match=r"lgsp\.cells: cleanup\.policy is delete instead of compact.*LGSP_TOPICS",
    ):
        await ensure_topics(checking)
    del whole.partitions["lgsp.tasks"]
    whole.settings[CELLS]["cleanup.policy"] = "compact"
    with pytest.raises(SettingsError, match=r"missing: lgsp\.tasks\."):
        await ensure_topics(checking)
    assert (whole.altered, whole.created) == ({}, {})


async def test_a_quarantine_that_can_not_be_made_stops_no_start(
    whole: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    del whole.partitions[QUARANTINE]
    assert await ensure_topics(SETTINGS.model_copy(update={"topics": "check"})) == []
    assert "lgsp.quarantine is missing" in caplog.text
    assert await ensure_topics(SETTINGS) == [QUARANTINE]


async def test_nothing_starts_where_a_restore_is_not_finished(whole: Cluster) -> None:
    """There is only a part of the facts, in topics that do not have their settings yet."""
    whole.partitions[RESTORING] = 1
    whole.settings["lgsp.dossiers"]["message.timestamp.type"] = "CreateTime"
    with pytest.raises(RestoreUnfinished, match=r"`lgsp restore`.*again"):
        await ensure_topics(SETTINGS)
    assert (whole.altered, whole.created) == ({}, {})


async def test_too_few_copies_are_refused_by_name(whole: Cluster) -> None:
    """The hub can't add any; more than the settings ask for are welcome."""
    whole.copies = 1
    with pytest.raises(
        SettingsError,
        match=(
            r"lgsp\.dossiers is kept in 1 copies and the settings say 3.*LGSP_REPLICATION_FACTOR=1"
        ),
    ):
        await ensure_topics(SETTINGS)
    whole.copies = 5
    await ensure_topics(SETTINGS)


async def test_a_setting_that_kafka_keeps_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster({topic.name: topic.partition_count(SETTINGS) for topic in TOPICS}, refuses=29)
    cluster.settings["lgsp.tasks"]["retention.ms"] = "1"
    monkeypatch.setattr(kafka_topics, "admin", lambda _: cluster)
    with pytest.raises(
        SettingsError,
        match=(
            r"Topic lgsp\.tasks has other settings.*retention\.ms is 1 instead of -1.*Not"
            r" authorized"
        ),
    ):
        await ensure_topics(SETTINGS)


async def test_only_missing_topics_are_made_as_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(
        {topic.name: topic.partition_count(SETTINGS) for topic in TOPICS if topic.name != CELLS}
    )
    monkeypatch.setattr(kafka_topics, "admin", lambda _: cluster)
    assert await ensure_topics(SETTINGS) == [CELLS]
    made = cluster.created[CELLS]
    assert (made.num_partitions, made.replication_factor) == (6, 3)
    assert made.topic_configs == BY_NAME[CELLS].config(SETTINGS)


async def test_another_number_of_partitions_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = Cluster({"lgsp.dossiers": 4})
    monkeypatch.setattr(kafka_topics, "admin", lambda _: cluster)
    with pytest.raises(
        SettingsError,
        match=r"lgsp\.dossiers has 4 partitions and the settings say 6: set LGSP_PARTITIONS=4",
    ):
        await ensure_topics(SETTINGS)
    assert not cluster.created
