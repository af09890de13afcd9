"""A worker looks at how it is set up before it joins the group: one that takes partitions and then
ends makes all others wait.
"""

from __future__ import annotations

import socket

import pytest

from ops.kafka.ports import free_port
from schemas.errors import KafkaUnavailable, SettingsError
from schemas.pauses import Pauses
from schemas.settings import Settings
from serving import logs
from streams import worker


@pytest.fixture(autouse=True)
def logging_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker would set up its process's logging."""
    monkeypatch.setattr(logs, "set_up", lambda *_: None)


def test_a_port_that_is_taken_ends_it_at_once_in_the_words_of_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def asked(_: Settings) -> None:
        raise AssertionError("Kafka was asked")

    monkeypatch.setattr("schemas.kafka.ensure_topics", asked)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert worker.run(Settings(worker_port=port)) == 1
    said = (
        f"127.0.0.1:{port} is in use: stop what listens there, or set LGSP_WORKER_PORT to a free"
        " port.\n"
    )
    assert capsys.readouterr().err == said


def test_it_waits_for_kafka_and_only_then_says_that_topics_do_not_fit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A worker that ended because Kafka is away would be started again and again, and each would
    say so.
    """
    answers = [
        KafkaUnavailable("No Kafka answers."),
        OSError("refused"),
        SettingsError("Topic a has 4 partitions."),
    ]

    async def ask(_: Settings) -> None:
        raise answers.pop(0)

    monkeypatch.setattr("schemas.kafka.ensure_topics", ask)
    monkeypatch.setattr(Pauses, "next", lambda self: 0.0)
    assert worker.run(Settings(worker_port=0, kafka_port=free_port())) == 1
    assert not answers
    assert capsys.readouterr().err.endswith("Topic a has 4 partitions.\n")
