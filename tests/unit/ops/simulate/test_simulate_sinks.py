"""What the simulation sends over HTTP is what the gateway takes, and it waits where it is asked
to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ops.simulate import run, sinks
from ops.simulate.run import START
from ops.simulate.sinks import GatewaySink
from ops.simulate.whole import whole_province
from schemas.errors import HubError, KafkaUnavailable, SettingsError
from schemas.events import Event
from schemas.settings import Settings
from schemas.spaces import OFFICIAL, SIMULATED
from serving.spaces import SPACE_HEADER

TOLD: list[Event] = [event for _, event in whole_province(1, 200, START, 20)]


class Gateway:
    """Answers each request with the next of its answers (status, Retry-After); the last one for
    ever.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = [(202, "")]
        self.batches: list[list[dict[str, Any]]] = []
        self.types: set[str] = set()
        self.spaces: set[str | None] = set()  # that requests named
        self.space = ""  # that its answers name

    async def ready(self, _: web.Request) -> web.Response:
        return web.Response(headers={SPACE_HEADER: self.space} if self.space else {})

    async def post(self, request: web.Request) -> web.Response:
        self.types.add(request.content_type)
        self.spaces.add(request.headers.get(SPACE_HEADER))
        status, pause = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == 202:
            self.batches.append(await request.json())
        return web.Response(
            status=status, headers={"retry-after": pause} if pause else {}, text="said so"
        )


@pytest.fixture
def gateway() -> Gateway:
    made = Gateway()
    made.space = SIMULATED
    return made


@pytest.fixture
async def sink(gateway: Gateway) -> AsyncIterator[GatewaySink]:
    app = web.Application()
    app.router.add_post("/v1/events", gateway.post)
    app.router.add_get("/readyz", gateway.ready)
    async with (
        TestServer(app) as server,
        GatewaySink(Settings(gateway_port=server.port, batch_limit=100, space=SIMULATED)) as made,
    ):
        yield made


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(sinks, "TRIES", 3)
        yield


async def test_events_go_in_batches_no_larger_than_the_gateway_takes(
    sink: GatewaySink, gateway: Gateway
) -> None:
    await sink.publish(TOLD[:250])
    assert [len(batch) for batch in gateway.batches] == [100, 100, 50]
    assert [item["id"] for batch in gateway.batches for item in batch] == [
        event.event_id for event in TOLD[:250]
    ]
    assert gateway.types == {"application/cloudevents-batch+json"}


async def test_a_busy_gateway_is_tried_again_with_the_same_batch(
    sink: GatewaySink, gateway: Gateway
) -> None:
    gateway.answers = [(503, "0"), (429, "0.01"), (202, "")]
    await sink.publish(TOLD[:10])
    assert [len(batch) for batch in gateway.batches] == [10]


@pytest.mark.usefixtures("_impatient")
async def test_a_gateway_that_stays_busy_is_said_to_be(sink: GatewaySink, gateway: Gateway) -> None:
    gateway.answers = [(503, "0")]
    with pytest.raises(KafkaUnavailable, match="takes no events"):
        await sink.publish(TOLD[:10])


async def test_a_refusal_names_its_reason(sink: GatewaySink, gateway: Gateway) -> None:
    gateway.answers = [(400, "")]
    with pytest.raises(HubError, match="400: said so"):
        await sink.publish(TOLD[:10])


@pytest.mark.parametrize("space", [OFFICIAL, "", "training"])
async def test_a_gateway_of_another_space_gets_nothing(
    sink: GatewaySink, gateway: Gateway, space: str
) -> None:
    """One that names none is of a version that knows only official facts."""
    gateway.space = space
    with pytest.raises(HubError, match=f"of the space {space or OFFICIAL}, and LGSP_SPACE is"):
        await sink.publish(TOLD[:10])
    assert gateway.batches == []


async def test_every_request_names_the_space_that_it_is_for(
    sink: GatewaySink, gateway: Gateway
) -> None:
    """Another hub may take the place of the one that was asked, at the same port."""
    await sink.publish(TOLD[:150])
    assert gateway.spaces == {SIMULATED}


@pytest.mark.parametrize("via_gateway", [True, False])
def test_a_simulation_does_not_begin_in_the_official_space(
    monkeypatch: pytest.MonkeyPatch, via_gateway: bool
) -> None:
    monkeypatch.setattr(run, "_run", lambda *_: pytest.fail("something was told"))
    with pytest.raises(SettingsError, match="Set LGSP_SPACE=simulated"):
        run.run_simulate(Settings(), via_gateway=via_gateway)
