"""What the gateway keeps and tells of what it refuses: nothing of a person, whatever field it was
put into. All data are made up.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from gateways import BAD, RECEIVED, Remembers, client, client_of, kept, post, problem, publisher

from connectors.gateway.examples import EXAMPLES
from connectors.gateway.modes import BATCH_TYPE, JSON_TYPE, STRUCTURED_TYPE

NAME, CITIZEN, PHONE, ADDRESS = (
    "Nguyễn Thị Mẫu",
    "001085012345",
    "0912345678",
    "12 đường Mẫu, phường Mẫu",
)
PLANTED = [NAME, CITIZEN, PHONE, ADDRESS]

__all__ = ["client", "publisher"]  # fixtures


def told_of(publisher: Remembers, *answers: httpx.Response) -> str:
    """Everything that was kept or answered, as text that a search for planted text can't miss."""
    records = [
        record.key + record.value + b"".join(value for _, value in record.headers)
        for record in publisher.records
    ]
    told = [
        json.dumps(answer.json(), ensure_ascii=False) + str(answer.headers) for answer in answers
    ]
    return b"\n".join(records).decode() + "\n".join(told)


def planted(value: str) -> list[dict[str, Any]]:
    """Items that are refused, with a value in each place where one can be put."""
    data = BAD["data"]
    return [
        {**BAD, "data": {**data, "ho_ten": value}},
        {**BAD, "data": {**data, value: 1}},
        {**BAD, "data": {**data, "channel": value}},
        {**BAD, "data": {**data, "dossier_id": value}},
        {**BAD, "data": {**data, "unit": value}},
        {**BAD, "data": {**data, "unit": [value]}},
        {**BAD, "data": {**data, "due_at": value}},
        {**BAD, "data": {**data, "agency": value}},
        {**BAD, "data": value},
        {**BAD, "data": {**data, "applicant": {value: value}}},
        {**BAD, "id": value},
        {**BAD, "source": value},
        {**BAD, "type": value},
        {**BAD, "type": "no.such", "data": {value: value}},
        {**BAD, "time": value},
        {**BAD, "subject": value},
        {**BAD, value: value},
        {**BAD, "datacontenttype": value},
        {**BAD, "specversion": value},
        {value: value},
        {
            **EXAMPLES["document.sent"],
            "data": {**EXAMPLES["document.sent"]["data"], "to": [value, "a b"]},
        },
    ]


@pytest.mark.parametrize("value", PLANTED)
async def test_nothing_planted_is_kept_or_answered(
    client: httpx.AsyncClient, publisher: Remembers, value: str
) -> None:
    answers = [await post(client, planted(value), BATCH_TYPE)]
    assert answers[0].json()["refused"] == len(publisher.records) == len(planted(value))
    answers += [await post(client, item, STRUCTURED_TYPE) for item in planted(value)]
    for twice in (
        '{"%s": 1, "%s": 2}',
        '[{"%s": 1, "%s": 2}]',
        '{"a": "%s", "b": %s',
        '[{"a": "%s", %s}]',
        "%s %s",
        '["%s" "%s"]',
    ):
        answers.append(await post(client, (twice % (value, value)).encode(), JSON_TYPE))
    attributes = {f"ce-{name}": quote(text) for name, text in BAD.items() if name != "data"}
    for name in ("ce-id", "ce-source", "ce-type", "ce-time", "ce-subject"):
        answers.append(
            await post(client, BAD["data"], JSON_TYPE, **(attributes | {name: quote(value)}))
        )
    answers.append(
        await client.post("/v1/events", content=b"{}", headers={"Content-Type": quote(value)})
    )
    answers.append(
        await client.post(
            "/v1/events",
            content=b"{}",
            headers={"Content-Type": f"{JSON_TYPE}; charset={quote(value)}"},
        )
    )
    answers.append(await client.get(f"/{quote(value)}"))
    assert {answer.status_code for answer in answers} == {422, 400, 415, 404}
    text = told_of(publisher, *answers)
    for form in (
        value,
        json.dumps(value)[1:-1],
        quote(value),
        value.split()[0] if value == NAME else value,
    ):
        assert form not in text
    assert (await client.get("/metrics")).text.count(value) == 0


async def test_what_is_known_and_harmless_stays_and_unknown_fields_are_counted(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    item = {
        **BAD,
        "data": {**BAD["data"], "ho_ten": NAME, "chanel": "online"},
        "traceparent": "00-1",
    }
    (entry,) = problem(await post(client, item), "refused-items")["items"]
    assert {
        "field": "data.ho_ten",
        "message": "ho_ten is no field of dossier.received; personal data must not be sent",
    } in entry["errors"]
    stays = kept(publisher.records[0], json.dumps(item).encode())
    assert (stays.source, stays.type, stays.unknown) == (BAD["source"], "dossier.received", 3)
    assert stays.fields["data.procedure"] == BAD["data"]["procedure"]
    headers = dict(publisher.records[0].headers)
    assert headers["kind"] == b"unknown_field+wrong_value"
    assert b"ho_ten" not in headers["reason"]
    assert headers["reason"].count(b"a field that the hub does not know") == 1


async def test_the_form_in_which_a_citizens_number_is_kept_is_told_by_its_shape(
    client: httpx.AsyncClient,
) -> None:
    hidden = {
        **RECEIVED,
        "data": {**RECEIVED["data"], "dossier_id": f"{CITIZEN[:4]}\u200b{CITIZEN[4:]}"},
    }
    answer = await post(client, hidden)
    assert answer.status_code == 202
    assert CITIZEN not in answer.text
    (item,) = answer.json()["items"]
    assert item["kept_as"]["data.dossier_id"]


async def test_an_unknown_type_stays_as_a_structure(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    problem(await post(client, {**BAD, "type": "no.such"}), "refused-items")
    stays = kept(publisher.records[0])
    assert (stays.type, stays.fields, stays.structure) == (
        "",
        {},
        "an object of 6: 5 texts, 1 object",
    )


numbered = {**RECEIVED, "data": {**RECEIVED["data"], "dossier_id": CITIZEN}}


async def test_a_citizens_number_as_an_id_is_warned_of_in_the_answer_and_counted(
    client: httpx.AsyncClient, publisher: Remembers
) -> None:
    answer = await post(client, [RECEIVED, numbered], BATCH_TYPE)
    assert answer.status_code == 202
    plain, warned = answer.json()["items"]
    assert "warnings" not in plain
    assert [one["field"] for one in warned["warnings"]] == ["data.dossier_id"]
    assert "citizen's number" in warned["warnings"][0]["message"]
    assert CITIZEN not in answer.text
    assert len(publisher.events) == 2
    assert (
        'lgsp_gateway_personal_numbers_total{done="warned"} 1.0'
        in (await client.get("/metrics")).text
    )


async def test_where_they_are_refused_nothing_of_it_stays(publisher: Remembers) -> None:
    async with client_of(publisher, personal_numbers="refuse") as client:
        answer = await post(client, [RECEIVED, {**numbered, "id": PHONE}], BATCH_TYPE)
        counted = (await client.get("/metrics")).text
    document = problem(answer, "refused-items")
    assert [item["status"] for item in document["items"]] == [202, 422]
    assert [error["field"] for error in document["items"][1]["errors"]] == ["id", "data.dossier_id"]
    assert len(publisher.events) == 1
    assert dict(publisher.records[0].headers)["kind"] == b"personal_number"
    assert not {CITIZEN, PHONE} & set(told_of(publisher, answer).replace('"', " ").split())
    assert CITIZEN not in told_of(publisher, answer)
    assert 'lgsp_gateway_personal_numbers_total{done="refused"} 1.0' in counted
