"""What people read when something is wrong: words, by every door the same, and none of the
validator's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from connectors.cloudevents.decode import ItemRefused, build
from connectors.files.mapping.mapper import RowMapper
from connectors.files.mapping.model import load_mapping
from connectors.files.readers.cells import RowRefused
from connectors.gateway import gateway_app
from connectors.gateway.examples import EXAMPLES
from connectors.publishing.budget import Budget
from connectors.publishing.lanes import OutgoingRecord
from schemas.clock import LATEST_MS
from schemas.events import EVENT_TYPES, Event
from schemas.events.explain import explain, known_errors
from schemas.settings import Settings
from schemas.times import SAMPLE_TIME

Json = dict[str, Any]
CHANNELS = "online, counter, post, email, internal, other"
SIGNS = "a code is made of letters without accents, digits and . _"


class Takes:
    """A publisher that takes everything and keeps nothing."""

    settings = Settings()
    budget = Budget(1 << 20)
    away = False
    reachable = True

    async def publish(self, events: Sequence[Event]) -> None: ...

    async def send(self, records: Iterable[OutgoingRecord]) -> None:
        list(records)

    def unwritable(self) -> dict[str, bool]:
        return {}


async def told(event: Json) -> dict[str, str]:
    """Field → message of the gateway's answer."""
    transport = httpx.ASGITransport(gateway_app(Settings(), Takes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        answer = await client.post(
            "/v1/events",
            content=json.dumps(event),
            headers={"Content-Type": "application/cloudevents+json"},
        )
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["message"] for error in answer.json()["items"][0]["errors"]}


def sample(kind: str = "dossier.received", data: Json | None = None, **attributes: Any) -> Json:
    return {**EXAMPLES[kind], "data": {**EXAMPLES[kind]["data"], **(data or {})}, **attributes}


def without(name: str) -> Json:
    event = sample()
    (event["data"] if name in event["data"] else event).pop(name)
    return event


@pytest.mark.parametrize(
    ("event", "field", "message"),
    [
        (
            sample(type="dossier.finnished"),
            "type",
            "dossier.finnished is no event type of the hub; did you mean dossier.finished?",
        ),
        (
            sample(type="Dossier.Received"),
            "type",
            "Dossier.Received is no event type of the hub; did you mean dossier.received?",
        ),
        (
            sample(type="finished"),
            "type",
            "finished is no event type of the hub; did you mean dossier.finished?",
        ),
        (
            sample(type="nonsense"),
            "type",
            "nonsense is no event type of the hub; /openapi.json lists them all",
        ),
        (
            sample(type=""),
            "type",
            "the empty text is no event type of the hub; /openapi.json lists them all",
        ),
        (sample(type=7), "type", "should be the text of an event type, such as dossier.received"),
        (
            without("type"),
            "type",
            "is missing; it should be the text of an event type, such as dossier.received",
        ),
        (without("id"), "id", "is missing: dossier.received needs it"),
        (without("source"), "source", "is missing: dossier.received needs it"),
        (without("time"), "time", f"is missing; it should be text such as {SAMPLE_TIME}"),
        (sample(id=""), "id", "is empty"),
        (sample(id=5), "id", "should be text"),
        (sample(id="a|b"), "id", "holds the character |, which the hub keeps for itself"),
        (sample(source="x" * 129), "source", "is longer than 128 characters"),
        (
            sample(source="a\u202eb"),
            "source",
            "holds U+202E, which changes the direction of writing",
        ),
        (sample(source="a\ud800"), "source", "holds half a character (U+D800)"),
        (
            sample(time="20/11/2026"),
            "time",
            (
                "is no time as events write it: write 2026-11-20, with its time of day and zone,"
                " such as 2026-11-20T09:00:00+07:00"
            ),
        ),
        (
            sample(time="20/11/2026 14:30"),
            "time",
            "is no time as events write it: write 2026-11-20T14:30:00+07:00",
        ),
        (
            sample(time="20-11-2026 8h05"),
            "time",
            "is no time as events write it: write 2026-11-20T08:05:00+07:00",
        ),
        (
            sample(time="2026-11-20"),
            "time",
            (
                "needs its time of day and zone: write 2026-11-20 as 2026-11-20T09:00:00+07:00,"
                " with the right time"
            ),
        ),
        (
            sample(time="2026-11-20T09:00:00"),
            "time",
            "needs its time zone, such as 2026-11-20T09:00:00+07:00 in Viet Nam",
        ),
        (
            sample(time="2026-02-30T09:00:00+07:00"),
            "time",
            "names a day that does not exist: 2026-02-30",
        ),
        (
            sample(time="2569-11-03T09:00:00+07:00"),
            "time",
            (
                "is in the year 2569 and should be between 1980 and 2100; is it a Buddhist-calendar"
                " year? 2569 is 2026"
            ),
        ),
        (
            sample(time="1026-11-03T09:00:00+07:00"),
            "time",
            "is in the year 1026 and should be between 1980 and 2100",
        ),
        (sample(time="soon"), "time", f"should be a time such as {SAMPLE_TIME}"),
        (
            sample(data={"due_at": 1_762_135_200}),
            "data.due_at",
            f"looks like seconds since 1970: send milliseconds, or text such as {SAMPLE_TIME}",
        ),
        (
            sample(data={"due_at": 7}),
            "data.due_at",
            (
                "should be between 1980 and 2100: send milliseconds since 1970, or text such as"
                f" {SAMPLE_TIME}"
            ),
        ),
        (sample(data={"due_at": True}), "data.due_at", f"should be a time such as {SAMPLE_TIME}"),
        (
            sample(data={"ho_ten": "x"}),
            "data.ho_ten",
            "ho_ten is no field of dossier.received; personal data must not be sent",
        ),
        (
            sample(data={"chanel": "online"}),
            "data.chanel",
            "chanel is no field of dossier.received; did you mean channel?",
        ),
        (
            sample(data={"event_id": "x"}),
            "data.event_id",
            "belongs into the CloudEvents attribute id",
        ),
        (without("procedure"), "data.procedure", "is missing: dossier.received needs it"),
        (
            sample(data={"procedure": "1.0|2"}),
            "data.procedure",
            f"holds the character |: {SIGNS} : -",
        ),
        (sample(data={"agency": "H35 1"}), "data.agency", f"holds a blank: {SIGNS} -"),
        (sample(data={"agency": "x" * 36}), "data.agency", "is longer than 35 characters"),
        (sample(data={"agency": 35}), "data.agency", "should be text"),
        (sample(data={"channel": "pigeon"}), "data.channel", f"should be one of {CHANNELS}"),
        (
            sample(data={"channel": "onlin"}),
            "data.channel",
            f"should be one of {CHANNELS}; did you mean online?",
        ),
        (sample(data={"channel": None}), "data.channel", f"should be one of {CHANNELS}"),
        (
            sample(data={"level": "4"}),
            "data.level",
            "should be a whole number, without quotes: one of 2, 3, 4",
        ),
        (sample(data={"level": 5}), "data.level", "should be a whole number: one of 2, 3, 4"),
        (sample(data={"level": True}), "data.level", "should be a whole number: one of 2, 3, 4"),
        (
            sample(data={"with_fee": "true"}),
            "data.with_fee",
            "should be true or false, without quotes",
        ),
        (sample(data={"with_fee": 1}), "data.with_fee", "should be true or false"),
        (
            sample("dossier.paid", {"amount": "5"}),
            "data.amount",
            "should be a whole number, without quotes",
        ),
        (sample("dossier.paid", {"amount": 1.5}), "data.amount", "should be a whole number"),
        (sample("dossier.paid", {"amount": -1}), "data.amount", "should be no less than 0"),
        (
            sample("dossier.paid", {"amount": 10**16}),
            "data.amount",
            "should be no more than 1,000,000,000,000,000",
        ),
        (sample("document.sent", {"to": "A1"}), "data.to", 'should be a list, such as ["…", "…"]'),
        (sample("document.sent", {"to": []}), "data.to", "needs at least 1 entry"),
        (sample("document.sent", {"to": ["A1"] * 501}), "data.to", "has more than 500 entries"),
        (sample("document.sent", {"to": ["A1", "a b"]}), "data.to.1", f"holds a blank: {SIGNS} -"),
        (
            sample("accounts.counted", {"authenticated": 99_999}),
            "data.authenticated",
            "should be no more than users",
        ),
    ],
)
async def test_the_gateway_says_in_words_what_is_wrong(
    event: Json, field: str, message: str
) -> None:
    assert await told(event) == {field: message}


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/v1/events", 405, "POST"),
        ("PUT", "/v1/events", 405, "POST"),
        ("POST", "/healthz", 405, "GET, HEAD"),
        ("DELETE", "/metrics", 405, "GET, HEAD"),
        ("HEAD", "/v1/events", 405, "POST"),
    ],
)
async def test_a_wrong_method_is_told_the_right_one(
    method: str, path: str, status: int, allow: str
) -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(gateway_app(Settings(), Takes())), base_url="http://gateway"
    ) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (status, allow)
    if method != "HEAD":
        assert (
            answer.json()["detail"]
            == f"{path} does not take {method}: use {allow.replace(', ', ' or ')}."
        )


# ---- files

MAP = """\
source: sample/test
events:
  - event: dossier.paid
    id: "{id}"
    fields:
      dossier_id: "{id}"
      agency: "{agency}"
      occurred_at: "2025-11-03"
      reference: "{reference}"
      amount: "{amount}"
      online: true
"""
ROW = {"id": "D-1", "agency": "A1", "reference": "R-1", "amount": "5"}


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"id": "a|b"}, "holds the character |, which the hub keeps for itself"),
        ({"id": "a\u202eb"}, "holds U+202E, which changes the direction of writing"),
        ({"reference": "x" * 129}, "is longer than 128 characters"),
        ({"agency": "H35 1"}, f"holds a blank: {SIGNS} -"),
        ({"amount": "-1"}, "should be no less than 0"),
        ({"amount": "9" * 17}, "should be no more than 1,000,000,000,000,000"),
    ],
)
def test_the_file_importer_says_the_same(tmp_path: Path, cells: Json, message: str) -> None:
    (tmp_path / "map.yaml").write_text(MAP, "utf-8")
    mapper = RowMapper(*load_mapping(tmp_path / "map.yaml"))
    row = ROW | cells
    (draft,) = mapper.drafts([row[column] for column in mapper.columns])
    with pytest.raises(RowRefused) as refused:
        mapper.event(draft, LATEST_MS)
    assert f" {message}, for " in str(refused.value)
    (named,) = cells
    field, value = (
        {"id": "dossier_id"}.get(named, named),
        int(row[named]) if named == "amount" else row[named],
    )
    with pytest.raises(ItemRefused) as told_by_gateway:
        build(sample("dossier.paid", {field: value}), latest=LATEST_MS)
    assert message in str(told_by_gateway.value)


# ---- none of the validator's own phrases

WRONG: list[Any] = [
    None,
    True,
    -1,
    2**70,
    10**5_000,
    1.5,
    float("nan"),
    "x",
    "",
    "\ud800",
    "2569-01-01T00:00:00Z",
    [],
    {},
    [1],
    ["a|"] * 600,
]
TWICE = {
    "valid_to": 315_532_800_001,
    "valid_from": 4_000_000_000_000,
    "users": 1,
    "authenticated": 2,
    "agency": "A",
    "parent": "A",
}


def every_error() -> Iterator[tuple[type[Event], Any]]:
    """Errors of every field of every event for values of every kind."""
    for model in EVENT_TYPES.values():
        for fields in [
            {},
            TWICE,
            *({name: value} for name in [*model.model_fields, "extra"] for value in WRONG),
        ]:
            try:
                model.model_validate(fields, strict=True)
            except ValidationError as error:
                yield from ((model, one) for one in error.errors(include_url=False))


def test_every_error_has_words_of_its_own_and_every_word_its_error() -> None:
    seen = set()
    for model, error in every_error():
        seen.add(error["type"])
        said = explain(model, str(error["loc"][0]), error)
        assert said
        assert error["type"] in known_errors(), (
            f"{error['type']} ({error['msg']}) needs words of its own"
        )
        for phrase in (
            "nput",
            "a valid",
            "pattern",
            "Value error",
            "permitted",
            "required",
            "parse",
            "^",
            "\\x",
        ):
            assert phrase not in said, (error["type"], said)
    assert seen == set(known_errors())
