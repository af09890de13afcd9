"""A worker looks at how it is set up before it joins the group: one that takes partitions and then ends makes all others wait."""

from __future__ import annotations

import socket

import pytest

from schemas.settings import Settings
from streams import worker


@pytest.fixture(autouse=True)
def no_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of Kafka is asked before."""

    async def asked(_: Settings) -> None:
        raise AssertionError("Kafka was asked")

    monkeypatch.setattr(worker, "ensure_topics", asked)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"office_hours": "8-12"}, "LGSP_OFFICE_HOURS is '8-12'"),
        ({"days_off": "2/9/2026"}, "LGSP_DAYS_OFF is '2/9/2026', which is no list of days: write days such as 2026-01-02,2026-02-13."),
    ],
)
def test_hours_and_days_that_make_no_sense_end_it_at_once(settings: dict, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert worker.run(Settings(worker_port=0, **settings)) == 1
    assert said in capsys.readouterr().err


def test_a_port_that_is_taken_ends_it_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert worker.run(Settings(worker_port=port)) == 1
    assert f"127.0.0.1:{port}" in (said := capsys.readouterr().err)
    assert "LGSP_WORKER_PORT" in said
