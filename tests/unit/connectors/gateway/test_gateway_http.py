"""The gateway's answers, request by request, over a publisher that only remembers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import httpx
import jsonschema
import pytest
from gateways import (
    BAD,
    RECEIVED,
    Remembers,
    binary,
    client,
    client_of,
    kept,
    post,
    problem,
    publisher,
)
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from connectors.gateway.examples import EXAMPLES
from connectors.gateway.health import GATEWAY_METRICS
from connectors.gateway.modes import BATCH_TYPE, JSON_TYPE, STRUCTURED_TYPE
from connectors.gateway.openapi import event_name
from schemas.clock import now_ms, to_datetime
from schemas.events import ACCEPTED, Event
from schemas.topics import QUARANTINE
from serving.spaces import SPACE_HEADER

__all__ = ["client", "publisher"]


# ---- the three modes


@pytest.mark.parametrize("kind", [STRUCTURED_TYPE, JSON_TYPE, f"{STRUCTURED_TYPE}; charset=UTF-8"])
async def test_a_structured_event_is_taken_in(
    client: httpx.AsyncClient, publisher: Remembers, kind: str
) -> None:
    answer = await post(client, RECEIVED, kind)
    assert answer.status_code == 202
    assert answer.json() == {
        "accepted": 1,
        "items": [{"index": 0, "id": RECEIVED["id"], "status": 202}],
    }
    assert UUID(answer.headers["x-request-id"])
    assert [event.event_id for event in publisher.events] == [RECEIVED["id"]]


@pytest.mark.parametrize("kind", [BATCH_TYPE, JSON_TYPE])
async def test_a_batch_is_answered_item_by_item(
    client: httpx.AsyncClient, publisher: Remembers, kind: str
) -> None:
    answer = await post(client, list(EXAMPLES.values()), kind)
    assert answer.status_code == 202
    assert answer.json()["accepted"] == len(EXAMPLES)
    assert [(item["index"], item["id"]) for item in answer.json()["items"]] == [
        (n, e["id"]) for n, e in enumerate(EXAMPLES.values())
    ]
    assert {event.type for event in publisher.events} == set(ACCEPTED)


async def test_an_empty_batch_is_nothing_to_do(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    answer = await post(client, [], BATCH_TYPE)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 0, "items": []})
    assert publisher.events == []


async def test_a_binary_event_is_the_same_event(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    await post(client, RECEIVED, STRUCTURED_TYPE)
    answer = await binary(client, RECEIVED)
    assert answer.status_code == 202
    assert publisher.events[0] == publisher.events[1]


async def test_binary_headers_are_percent_decoded_and_unquoted(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    assert (await binary(client, {**RECEIVED, "id": "Hồ sơ 1"})).status_code == 202
    assert (
        await post(
            client,
            RECEIVED["data"],
            **{f"ce_{k}": f'"{v}"' for k, v in RECEIVED.items() if k != "data"},
        )
    ).status_code == 202
    assert [event.event_id for event in publisher.events] == ["Hồ sơ 1", RECEIVED["id"]]


async def test_a_binary_event_without_body_has_no_data(client: httpx.AsyncClient) -> None:
    document = problem(
        await post(client, b"", **{f"ce_{k}": v for k, v in RECEIVED.items() if k != "data"}),
        "refused-items",
    )
    missing = {"data.dossier_id", "data.agency", "data.procedure", "data.channel"}
    assert {error["field"] for error in document["items"][0]["errors"]} == missing


async def test_a_binary_attribute_that_is_no_utf_8_is_named(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    attributes = {
        f"ce-{name}": value for name, value in RECEIVED.items() if name not in ("data", "id")
    }
    document = problem(
        await post(client, RECEIVED["data"], JSON_TYPE, **attributes, ce_id="a%ff"), "refused-items"
    )
    assert document["items"][0]["errors"] == [
        {"field": "", "message": "the header ce-id is not percent-encoded UTF-8"}
    ]
    assert kept(publisher.records[0]).fields["id"] == "x?"


async def test_of_a_refused_binary_event_the_same_is_kept(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    problem(await binary(client, BAD), "refused-items")
    problem(await post(client, BAD, STRUCTURED_TYPE), "refused-items")
    one, other = map(kept, publisher.records)
    assert (one.type, one.source, one.fields) == (other.type, other.source, other.fields)


# ---- what is refused


async def test_good_items_are_taken_in_and_bad_ones_named_and_kept(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    answer = await post(client, [RECEIVED, BAD, 7, EXAMPLES["dossier.finished"]], BATCH_TYPE)
    document = problem(answer, "refused-items")
    assert (document["accepted"], document["refused"]) == (2, 2)
    assert [(item["index"], item["id"], item["status"]) for item in document["items"]] == [
        (0, RECEIVED["id"], 202),
        (1, "bad-1", 422),
        (2, None, 422),
        (3, EXAMPLES["dossier.finished"]["id"], 202),
    ]
    assert [error["field"] for error in document["items"][1]["errors"]] == ["data.channel"]
    assert (
        document["items"][1]["errors"][0]["message"]
        == "should be one of online, counter, post, email, internal, other"
    )
    assert [event.event_id for event in publisher.events] == [
        RECEIVED["id"],
        EXAMPLES["dossier.finished"]["id"],
    ]

    request = document["instance"].removeprefix("urn:uuid:")
    assert [record.topic for record in publisher.records] == [QUARANTINE] * 2
    assert [record.key.decode() for record in publisher.records] == [
        f"http:{request}/1",
        f"http:{request}/2",
    ]
    stays = kept(publisher.records[0], json.dumps(BAD).encode())
    assert (stays.type, stays.source, stays.fields["data.channel"]) == (
        "dossier.received",
        BAD["source"],
        "pigeon",
    )
    assert dict(publisher.records[0].headers)["reason"].startswith(b"data.channel: should be")


async def test_a_single_refused_event_has_the_same_shape(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    document = problem(await post(client, BAD, STRUCTURED_TYPE), "refused-items")
    assert (document["accepted"], document["refused"], len(document["items"])) == (0, 1, 1)
    assert publisher.events == []


async def test_the_future_is_refused(publisher: Remembers) -> None:
    async with client_of(publisher, future_tolerance=60) as client:
        soon, later = (to_datetime(now_ms() + seconds * 1000).isoformat() for seconds in (30, 90))
        document = problem(
            await post(client, [{**RECEIVED, "time": soon}, {**RECEIVED, "time": later}]),
            "refused-items",
        )
    assert [item["status"] for item in document["items"]] == [202, 422]
    assert document["items"][1]["errors"][0]["field"] == "time"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", STRUCTURED_TYPE),
        (b"", JSON_TYPE),
        (b"procedure=1", JSON_TYPE),
        (b"[1,]", BATCH_TYPE),
        (b"\xff", JSON_TYPE),
        (b"[" * 50_000, JSON_TYPE),
        (b"9" * 5_000, JSON_TYPE),
        (b'{"a": NaN}', JSON_TYPE),
        (b"{} {}", STRUCTURED_TYPE),
        (b"[]", STRUCTURED_TYPE),
        (b"{}", BATCH_TYPE),
    ],
)
async def test_what_is_not_json_or_of_the_wrong_shape_is_told_by_length_and_hash(
    client: httpx.AsyncClient, publisher: Remembers, body: bytes, kind: str
) -> None:
    problem(await post(client, body, kind), "not-json")
    assert publisher.events == []
    stays = kept(publisher.records[0], body)
    assert (stays.structure, stays.fields, stays.source) == ("can't be read as JSON", {}, "")


async def test_nothing_of_a_batch_with_broken_json_is_taken_in(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    problem(await post(client, json.dumps([RECEIVED] * 3).encode()[:-1], BATCH_TYPE), "not-json")
    assert publisher.events == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/xml"},
        {},
        {"Content-Type": f"{JSON_TYPE}; charset=utf-16"},
        {"Content-Type": JSON_TYPE, "Content-Encoding": "gzip"},
    ],
)
async def test_other_media_types_are_not_read(
    client: httpx.AsyncClient, publisher: Remembers, headers: dict[str, str]
) -> None:
    problem(
        await client.post("/v1/events", content=json.dumps(RECEIVED), headers=headers),
        "unsupported-media-type",
    )
    assert publisher.events == []


async def test_lone_surrogates_and_nuls_are_refused_and_answered(client: httpx.AsyncClient) -> None:
    for wrong in ("\ud800", "\u0000", "\udfff\u0000"):
        document = problem(
            await post(client, {**RECEIVED, "id": wrong, wrong: wrong}), "refused-items"
        )
        assert [error["field"] for error in document["items"][0]["errors"]] == ["id"]


async def test_facts_for_another_space_are_not_taken_in(publisher: Remembers) -> None:
    """Who names a space means no other, who names none means the gateway's."""
    body = json.dumps(RECEIVED)
    for space, named, taken in (
        ("official", "simulated", False),
        ("simulated", "official", False),
        ("official", "", False),
        ("simulated", "simulated", True),
        ("official", None, True),
    ):
        publisher.events.clear()
        headers = {"Content-Type": STRUCTURED_TYPE}
        if named is not None:
            headers[SPACE_HEADER] = named
        async with client_of(publisher, space=space) as client:
            answer = await client.post("/v1/events", content=body, headers=headers)
            assert (await client.get("/readyz")).text == f"ready, space {space}\n"
            assert f'lgsp_space_info{{space="{space}"}} 1.0' in (await client.get("/metrics")).text
        if not taken:
            assert space in problem(answer, "wrong-space")["detail"]
        assert (answer.status_code == 202, bool(publisher.events)) == (taken, taken)


# ---- everything else is a problem too


async def test_unknown_addresses_and_methods(client: httpx.AsyncClient) -> None:
    assert "/v2" in problem(await client.get("/v2/{x}"), "not-found")["detail"]
    assert (await client.get("/v1/events")).headers["allow"] == "POST"
    problem(await client.delete("/v1/events"), "method-not-allowed")
    for path in ("/healthz", "/readyz", "/metrics"):
        asked, told = await client.head(path), await client.get(path)
        assert (asked.status_code, asked.headers["content-type"]) == (
            200,
            told.headers["content-type"],
        )
    assert (
        (await client.get("/docs")).status_code == (await client.get("/redoc")).status_code == 404
    )


async def test_an_unforeseen_error_is_a_problem_without_its_text(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    async def break_down(events: Sequence[Event]) -> None:
        raise RuntimeError("secret")

    publisher.publish = break_down  # type: ignore[method-assign]
    assert "secret" not in json.dumps(problem(await post(client, RECEIVED), "internal-error"))


names = (
    st.sampled_from(["specversion", "id", "source", "type", "time", "subject", "data", "agency"])
    | st.text()
)
texts = st.text(st.characters(exclude_categories=())) | st.sampled_from([*ACCEPTED, "1.0"])
junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=8),
    max_leaves=25,
)


@examples(300)
@given(
    body=junk.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60),
    kind=st.sampled_from([STRUCTURED_TYPE, BATCH_TYPE, JSON_TYPE]),
    version=st.none() | st.text(st.characters(min_codepoint=32, max_codepoint=126)),
)
def test_no_body_makes_the_gateway_fail(body: bytes, kind: str, version: str | None) -> None:
    async def answer() -> httpx.Response:
        async with client_of(Remembers()) as client:
            headers = {"ce_specversion": version, "ce_id": version} if version is not None else {}
            return await post(client, body, kind, **headers)

    assert asyncio.run(answer()).status_code in (202, 400, 413, 422)


# ---- OpenAPI and metrics


async def test_openapi_describes_every_event_type_with_a_sample_that_it_allows(
    client: httpx.AsyncClient,
) -> None:
    document = (await client.get("/openapi.json")).json()
    content = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    assert set(content) == {STRUCTURED_TYPE, BATCH_TYPE, JSON_TYPE}
    assert set(content[STRUCTURED_TYPE]["examples"]) == set(ACCEPTED)
    for kind, event in ACCEPTED.items():
        sample = content[STRUCTURED_TYPE]["examples"][kind]
        assert "sample codes" in sample["summary"]
        jsonschema.Draft202012Validator(
            document["components"]["schemas"][event_name(event)]
        ).validate(sample["value"])
        check(document, "CloudEvent").validate(sample["value"])
    assert not check(document, "CloudEvent").is_valid(BAD)


def check(document: dict[str, Any], name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    )


async def test_answers_are_as_openapi_says(client: httpx.AsyncClient) -> None:
    document = (await client.get("/openapi.json")).json()
    declared = document["paths"]["/v1/events"]["post"]["responses"]
    bodies = (
        ([RECEIVED], "Accepted", 202),
        ([RECEIVED, BAD, {}], "Problem", 422),
        (b"{", "Problem", 400),
    )
    for body, schema, status in bodies:
        answer = await post(client, body)
        assert answer.status_code == status
        assert list(declared[str(status)]["content"]) == [answer.headers["content-type"]]
        check(document, schema).validate(answer.json())


async def test_metrics_count_requests_events_and_refusals(publisher: Remembers) -> None:
    async with client_of(publisher) as client:
        await post(client, [RECEIVED, RECEIVED, BAD])
        await post(client, RECEIVED)
        await post(client, b"{")
        text = (await client.get("/metrics")).text
    for line in (
        'lgsp_gateway_requests_total{status="202"} 1.0',
        'lgsp_gateway_requests_total{status="422"} 1.0',
        'lgsp_gateway_requests_total{status="400"} 1.0',
        'lgsp_gateway_events_total{type="dossier.received"} 3.0',
        'lgsp_gateway_refused_total{reason="wrong_value"} 1.0',
        'lgsp_gateway_refused_total{reason="not_json"} 1.0',
        "lgsp_gateway_publish_seconds_count 2.0",
        "lgsp_gateway_buffer_bytes 0.0",
        "lgsp_gateway_kafka_up 1.0",
    ):
        assert line in text.splitlines()
    for metric in GATEWAY_METRICS:
        assert f"# HELP {metric.name} {metric.means} {metric.do}" in text
