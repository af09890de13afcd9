"""What the gateway bounds, and what it says while Kafka is away or takes something not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import httpx
import pytest
from gateways import BAD, RECEIVED, Remembers, client, client_of, kept, post, problem, publisher
from served import Clock

from connectors.cloudevents.jsonitems import EVENT_LIMIT
from connectors.gateway import intake, room
from connectors.gateway.bucket import BURST_SECONDS, Bucket, size_of
from connectors.gateway.health import Health
from connectors.gateway.modes import BATCH_TYPE, JSON_TYPE, STRUCTURED_TYPE
from connectors.publishing.lanes import OutgoingRecord
from schemas.errors import RecordTooLarge
from schemas.events import Event
from schemas.quarantine import Quarantined, QuarantineExcerpt
from schemas.topics import QUARANTINE

__all__ = ["client", "publisher"]


# ---- limits


async def test_bodies_beyond_the_limit_are_refused_before_they_are_read(
    publisher: Remembers,
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1_024
        pytest.fail("the gateway read on beyond its limit")

    async with client_of(publisher, body_limit=65_536) as client:
        headers = {"Content-Type": JSON_TYPE}
        problem(await client.post("/v1/events", content=endless(), headers=headers), "too-large")
        for length in ("65537", "9" * 30, "-1", "many"):
            announced = {**headers, "Content-Length": length}
            problem(
                await client.post("/v1/events", content=endless(), headers=announced), "too-large"
            )
        assert (
            await post(client, json.dumps(RECEIVED).encode().ljust(65_536), JSON_TYPE)
        ).status_code == 202


async def test_batches_beyond_the_limit_are_refused_whole(publisher: Remembers) -> None:
    async with client_of(publisher, batch_limit=3) as client:
        assert (await post(client, [RECEIVED] * 3, BATCH_TYPE)).status_code == 202
        publisher.events.clear()
        assert (
            "3 events"
            in problem(await post(client, [RECEIVED] * 4, BATCH_TYPE), "too-large")["detail"]
        )
        problem(await post(client, b"[" + b"1," * 1_000_000 + b"1]", BATCH_TYPE), "too-large")
    assert (publisher.events, publisher.records) == ([], [])


async def test_an_event_longer_than_its_limit_is_named_and_takes_no_other_along(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    long = {**RECEIVED, "comment": "x" * EVENT_LIMIT}
    document = problem(await post(client, [RECEIVED, long, RECEIVED], BATCH_TYPE), "refused-items")
    assert [item["status"] for item in document["items"]] == [202, 422, 202]
    assert "longer than 65,536 characters" in document["items"][1]["errors"][0]["message"]
    assert len(publisher.events) == 2
    problem(await post(client, long, STRUCTURED_TYPE), "too-large")
    assert len(publisher.events) == 2


@pytest.mark.parametrize(
    "bad",
    [
        b'{"amount": %b}' % (b"9" * 5_000),
        b"[" * 3_000 + b"]" * 3_000,
        b'{"id": "a\xff"}',
        b'{"id": NaN}',
        b'{"id": "b", "id": "c"}',
        b'{"id": "\\ud800"}',
        b"{id: 1}",
        b'"a\tb"',
        json.dumps({**RECEIVED, "id": "x" * 60_000}).encode(),
    ],
)
async def test_one_bad_item_takes_no_good_one_along(
    client: httpx.AsyncClient, publisher: Remembers, bad: bytes
) -> None:
    good = json.dumps(RECEIVED).encode()
    document = problem(
        await post(client, b"[" + good + b", " + bad + b", " + good + b"]", BATCH_TYPE),
        "refused-items",
    )
    assert [item["status"] for item in document["items"]] == [202, 422, 202]
    assert len(publisher.events) == 2
    kept(publisher.records[0], bad)


async def test_of_a_request_full_of_errors_so_many_are_told(client: httpx.AsyncClient) -> None:
    """And none of them is looked at for longer than other requests can wait: they get their turn
    between any two items.
    """
    bad = {
        **RECEIVED,
        "data": {**RECEIVED["data"], **{f"unknown_{number}": number for number in range(40)}},
    }
    items = problem(await post(client, [bad] * 500, BATCH_TYPE), "refused-items")["items"]
    assert [len(item["errors"]) for item in items[:90]] == [21] * 90
    assert [item["errors"][-1]["message"] for item in items[-2:]] == ["and 39 more errors"] * 2
    assert sum(len(item["errors"]) for item in items) < intake.TOLD_ERRORS + 2 * 500 + 21


async def test_others_get_their_turn_between_the_items_of_a_large_request(
    publisher: Remembers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "SLICE_SECONDS", 0.0)
    wide = {
        **RECEIVED,
        "data": {**RECEIVED["data"], **{f"f{number}": 1 for number in range(5_000)}},
    }
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with client_of(publisher) as client:
        counting = asyncio.create_task(count())
        document = problem(await post(client, [wide] * 60, BATCH_TYPE), "refused-items")
        counting.cancel()
    assert [len(item["errors"]) for item in document["items"]] == [1] * 60
    assert turns >= 59


async def test_ids_are_answered_in_the_form_that_is_kept(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    spellings = [
        "Hồ sơ-77",
        "Ho\u0302\u0300 so\u031b-77",
        " Hồ sơ-77\u00a0",
        "\ufeffHồ sơ-\u200b77",
    ]
    events = [
        {**RECEIVED, "data": {**RECEIVED["data"], "dossier_id": spelling}} for spelling in spellings
    ]
    items = (await post(client, events, BATCH_TYPE)).json()["items"]
    assert {event.thing for event in publisher.events} == {"Hồ sơ-77"}
    changed = {"data.dossier_id": "Hồ sơ-77"}
    assert [item.get("kept_as") for item in items] == [None, changed, changed, changed]


async def test_a_body_that_does_not_arrive_is_given_up(
    publisher: Remembers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stuck() -> AsyncIterator[bytes]:
        yield b"["
        await asyncio.Event().wait()

    monkeypatch.setattr(room, "STANDSTILL_SECONDS", 0.01)
    async with client_of(publisher) as client:
        problem(
            await client.post("/v1/events", content=stuck(), headers={"Content-Type": JSON_TYPE}),
            "too-slow",
        )


async def test_requests_beyond_the_memory_wait_their_turn_or_get_503(publisher: Remembers) -> None:
    publisher.gate = asyncio.Event()
    health = Health()
    body = json.dumps(RECEIVED).encode().ljust(600_000)
    async with client_of(publisher, health, publish_buffer=1 << 20, publish_timeout=0.05) as client:
        first = asyncio.create_task(post(client, body))
        await until(lambda: value(health, "lgsp_gateway_buffer_bytes") == 600_000)
        problem(await post(client, body), "unavailable")
        second = asyncio.create_task(post(client, body))
        await until(lambda: value(health, "lgsp_gateway_waiting_requests") == 1)
        publisher.gate.set()
        assert [(await first).status_code, (await second).status_code] == [202, 202]
    assert value(health, "lgsp_gateway_buffer_bytes") == 0


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(100_000):
        if holds():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came to hold")


def value(health: Health, name: str, **labels: str) -> float | None:
    return health.registry.get_sample_value(name, labels)


# ---- Kafka away


async def test_while_kafka_is_away_requests_are_told_at_once(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    publisher.away = True
    problem(await post(client, RECEIVED), "unavailable")
    problem(await client.get("/readyz"), "unavailable")
    assert (await client.get("/healthz")).status_code == 200
    publisher.away = False
    assert (await post(client, RECEIVED)).status_code == 202
    assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize("body", [RECEIVED, BAD, [RECEIVED, BAD], b"{"])
async def test_what_kafka_does_not_confirm_is_not_answered_for(
    client: httpx.AsyncClient, publisher: Remembers, body: Any
) -> None:
    publisher.fails = True
    problem(await post(client, body), "unavailable")


async def test_a_quarantine_that_cannot_be_written_changes_no_answer_but_is_named(
    publisher: Remembers,
) -> None:
    publisher.unwritable_topic = QUARANTINE
    health = Health()
    async with client_of(publisher, health) as client:
        document = problem(await post(client, [RECEIVED, BAD], BATCH_TYPE), "refused-items")
        assert [item["status"] for item in document["items"]] == [202, 422]
        assert document["detail"].endswith(
            " What was refused was not kept: Topic lgsp.quarantine can't be written: it is missing."
        )
        assert (
            "lgsp.quarantine can't be written"
            in problem(await post(client, b"{"), "not-json")["detail"]
        )
        assert (await post(client, RECEIVED)).status_code == 202
        assert (
            'lgsp_gateway_topic_up{topic="lgsp.quarantine"} 0.0'
            in (await client.get("/metrics")).text
        )
    assert len(publisher.events) == 2
    assert value(health, "lgsp_gateway_unkept_total") == 2


async def test_a_record_that_its_topic_does_not_take_is_refused_by_name(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    async def too_large(events: Sequence[Event]) -> None:
        raise RecordTooLarge("Topic lgsp.dossiers takes no record of 10 bytes or more.")

    publisher.publish = too_large  # type: ignore[method-assign]
    assert "lgsp.dossiers" in problem(await post(client, RECEIVED), "too-large")["detail"]


# ---- refused without end


async def test_what_is_refused_without_end_is_answered_and_only_so_much_of_it_kept(
    publisher: Remembers,
) -> None:
    """At 100 bytes a second, 51 kB at once: of 500 items of nonsense the rest is told and
    counted.
    """
    health = Health()
    async with client_of(publisher, health, quarantine_rate=100) as client:
        documents = [
            problem(await post(client, [BAD] * 100, BATCH_TYPE), "refused-items") for _ in range(5)
        ]
        assert (await post(client, RECEIVED)).status_code == 202
    assert 0 < sum(map(size_of_record, publisher.records)) <= 100 * BURST_SECONDS + 1_000
    assert value(health, "lgsp_gateway_unkept_total") == 500 - len(publisher.records)
    assert "100 of what was refused was not kept: too much is refused" in documents[-1]["detail"]
    assert all(document["refused"] == 100 for document in documents)


def size_of_record(record: OutgoingRecord) -> int:
    return (
        len(record.key or b"")
        + len(record.value or b"")
        + sum(len(name) + len(said or b"") for name, said in record.headers)
    )


def test_a_bucket_fills_again_with_time() -> None:
    clock = Clock()
    bucket, one = (
        Bucket(100, clock),
        Quarantined(
            "file:sample/1", "no reason", "wrong_value", QuarantineExcerpt(400, "00" * 32, "sample")
        ),
    )
    most, thirty_seconds = BURST_SECONDS * 100 // size_of(one), 30 * 100 // size_of(one)
    assert len(bucket.within([one] * 1_000)) == most
    clock.now += 30
    assert len(bucket.within([one] * 1_000)) in (thirty_seconds, thirty_seconds + 1)
    clock.now += 1e9
    assert len(bucket.within([one] * 1_000)) == most
