"""What the simulation sends over HTTP is what the gateway takes, and it waits where it is asked
to.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from ops.simulate import sinks
from ops.simulate.run import START
from ops.simulate.sinks import GatewaySink
from ops.simulate.whole import whole_province
from schemas.errors import HubError, KafkaUnavailable
from schemas.events import Event
from schemas.settings import Settings

TOLD: list[Event] = [event for _, event in whole_province(1, 200, START, 20)]


class Gateway:
    """Answers each request with the next of its answers (status, Retry-After); the last one for
    ever.
    """

    def __init__(self) -> None:
        self.answers: list[tuple[int, str]] = [(202, "")]
        self.batches: list[list[dict[str, Any]]] = []
        self.types: set[str] = set()

    async def post(self, request: web.Request) -> web.Response:
        self.types.add(request.content_type)
        status, pause = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == 202:
            self.batches.append(await request.json())
        return web.Response(
            status=status, headers={"retry-after": pause} if pause else {}, text="said so"
        )


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
async def sink(gateway: Gateway) -> AsyncIterator[GatewaySink]:
    app = web.Application()
    app.router.add_post("/v1/events", gateway.post)
    async with (
        TestServer(app) as server,
        GatewaySink(Settings(gateway_port=server.port, batch_limit=100)) as made,
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
