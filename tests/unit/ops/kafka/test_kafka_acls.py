"""Rights in Kafka: only who owns a topic writes it, nobody is given more than reading besides, and
the page's commands are those that are printed.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.cli import cli
from ops.kafka.acls import ROOMS, KafkaRight, RoomUsers, rights
from schemas.errors import EnvironmentBroken, SettingsError
from schemas.kafka.clients import connection
from schemas.settings import Settings, settings
from schemas.topics import topics_of

USERS = RoomUsers("c", "s", "m", "o")
NAMED = dict(zip(ROOMS, USERS, strict=True))


def of(user: str, chosen: Settings) -> list[KafkaRight]:
    return [one for one in rights(chosen, USERS) if one.user == user]


@pytest.mark.parametrize("chosen", [Settings(), Settings(space="training", app_id="lgsp-2")])
def test_each_topic_is_written_by_its_owners_alone(chosen: Settings) -> None:
    for topic in topics_of(chosen):
        writers = {
            room
            for room, user in NAMED.items()
            for one in of(user, chosen)
            if one.resource == "topic" and one.name == topic.name and "Write" in one.operations
        }
        owners = {one for one in topic.owner.split(", ") if one in NAMED and one != "ops"}
        assert writers == owners, topic.name


def test_what_connectors_keep_for_themselves_nobody_else_reads() -> None:
    for name in ("lgsp.vault", "lgsp.vault.keys", "lgsp.packets", "sandbox.lgsp.packets"):
        readers = {
            one.user
            for one in rights(Settings(), USERS)
            if one.name == name and "Read" in one.operations
        }
        assert readers == {"c"}, name


@pytest.mark.parametrize("room", ["connectors", "streams", "metrics"])
def test_no_service_makes_changes_or_deletes_topics(room: str) -> None:
    found = of(NAMED[room], Settings())
    given = {operation for one in found for operation in one.operations}
    assert given <= {"Read", "Write", "Describe", "DescribeConfigs"}
    assert not [one for one in found if one.prefixed and one.resource == "topic"]


def test_metrics_writes_the_audit_and_nothing_else() -> None:
    written = [one.name for one in of("m", Settings()) if "Write" in one.operations]
    assert written == ["lgsp.audit", "sandbox.lgsp.audit"]


def test_rights_in_one_space_are_none_in_another() -> None:
    official = {one.name for one in rights(Settings(), USERS) if one.resource != "cluster"}
    for one in rights(Settings(space="training"), USERS):
        if one.resource != "cluster":
            assert not [name for name in official if one.prefixed and name.startswith(one.name)]
            assert one.name not in official


def test_the_commands_are_those_of_kafkas_own_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LGSP_DATA", str(tmp_path))
    settings.cache_clear()
    try:
        done = CliRunner().invoke(cli, ["kafka", "acls", "--metrics", "figures"])
    finally:
        settings.cache_clear()
    assert done.exit_code == 0, done.output
    assert (
        "kafka-acls.sh --bootstrap-server 127.0.0.1:9092 --command-config admin.properties --add"
        " --allow-principal User:figures --operation Write --operation Describe --operation"
        " DescribeConfigs --topic lgsp.audit\n"
    ) in done.output


# How clients say who they are


def secured(folder: Path, mode: int = 0o600, text: str = "secret\n") -> Settings:
    path = folder / "password"
    path.write_text(text)
    path.chmod(mode)
    return Settings(kafka_servers="kafka:9094", kafka_user="lgsp-worker", kafka_password_file=path)


def test_a_user_is_told_to_kafka_by_scram(tmp_path: Path) -> None:
    assert connection(secured(tmp_path)) == {
        "bootstrap_servers": "kafka:9094",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": "lgsp-worker",
        "sasl_plain_password": "secret",
    }
    assert connection(Settings()) == {"bootstrap_servers": "127.0.0.1:9092"}


def test_a_password_that_others_may_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentBroken, match="mode 644") as caught:
        connection(secured(tmp_path, 0o644))
    assert "secret" not in str(caught.value).partition("password")[2]
    with pytest.raises(EnvironmentBroken, match="holds no password"):
        connection(secured(tmp_path, text="\n"))
    with pytest.raises(SettingsError, match="set both, or none"):
        connection(Settings(kafka_user="lgsp-worker"))


def test_the_embedded_kafka_is_not_asked_as_somebody(tmp_path: Path) -> None:
    settings = secured(tmp_path).model_copy(update={"kafka_servers": ""})
    with pytest.raises(SettingsError, match="LGSP_KAFKA_SERVERS"):
        connection(settings)


def test_an_authority_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(EnvironmentBroken, match="LGSP_KAFKA_CA"):
        connection(Settings(kafka_ca=tmp_path / "ca.pem"))
