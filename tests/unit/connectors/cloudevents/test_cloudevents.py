"""What a CloudEvent says as an event of the hub, and which field is named when it says it
wrongly.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.cloudevents.decode import (
    MOST_MEMBERS,
    SHOWN_ERRORS,
    ItemRefused,
    build,
    event_of,
    kept_as,
    shown_id,
)
from connectors.cloudevents.jsonitems import JsonItem, read_one
from connectors.gateway.examples import EXAMPLES
from schemas.clock import LATEST_MS, to_ms
from schemas.events import ACCEPTED, Event
from schemas.wire import encode

RECEIVED = EXAMPLES["dossier.received"]


Json = dict[str, Any]


def changed(
    kind: str = "dossier.received",
    /,
    *,
    without: str = "",
    data: Json | None = None,
    **attributes: Any,
) -> Json:
    """A sample with attributes and data fields set anew, and one left out (`time` or
    `data.agency`).
    """
    fields = {
        name: value
        for name, value in {**EXAMPLES[kind]["data"], **(data or {})}.items()
        if f"data.{name}" != without
    }
    return {
        name: value
        for name, value in {**EXAMPLES[kind], "data": fields, **attributes}.items()
        if name != without
    }


def errors_of(event: Any, latest: int = LATEST_MS) -> dict[str, tuple[str, str]]:
    with pytest.raises(ItemRefused) as refused:
        event_of(read_one(json.dumps(event)), latest=latest)
    return {error.field: (error.kind, error.message) for error in refused.value.errors}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_every_type_has_a_sample_that_is_taken_in(kind: str) -> None:
    event = build(EXAMPLES[kind], latest=LATEST_MS)
    assert event.type == kind
    assert (event.event_id, event.source) == (EXAMPLES[kind]["id"], EXAMPLES[kind]["source"])
    assert encode(event)


def test_the_envelope_and_the_data_become_the_events_fields() -> None:
    event: Any = build(RECEIVED, latest=LATEST_MS)
    assert (event.dossier_id, event.agency) == (
        RECEIVED["data"]["dossier_id"],
        RECEIVED["data"]["agency"],
    )
    assert (event.channel, event.level, event.with_fee, event.authenticated) == (
        "online",
        4,
        True,
        False,
    )
    assert event.occurred_at == to_ms(datetime.fromisoformat(RECEIVED["time"]))


def test_extension_attributes_are_passed_over() -> None:
    assert build(
        changed(traceparent="00-1-2-3", partitionkey="x", dataschema="/s"), latest=LATEST_MS
    ) == build(RECEIVED, latest=LATEST_MS)


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type", "time", "data"])
def test_a_missing_attribute_is_named(name: str) -> None:
    kind, _ = errors_of(changed(without=name))[name]
    assert kind == ("unknown_type" if name == "type" else "missing_field")


@pytest.mark.parametrize(
    ("kind", "data", "field"),
    [
        ("agency.registered", {"valid_to": "2025-06-30T00:00:00+07:00"}, "data.valid_to"),
        ("agency.registered", {"valid_to": "2025-02-30T00:00:00+07:00"}, "data.valid_to"),
        ("figure.reported", {"period_to": "2023-12-31T00:00:00+07:00"}, "data.period_to"),
        ("accounts.counted", {"authenticated": 12_001}, "data.authenticated"),
        ("procedure.registered", {"level": 4.0}, "data.level"),
        ("task.assigned", {"due_at": "2025-11-31T17:00:00+07:00"}, "data.due_at"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(kind: str, data: Json, field: str) -> None:
    assert list(errors_of(changed(kind, data=data))) == [field]


@pytest.mark.parametrize("name", ["procedure", "channel", "agency", "dossier_id"])
def test_a_missing_field_of_data_is_named(name: str) -> None:
    assert errors_of(changed(without=f"data.{name}")) == {
        f"data.{name}": ("missing_field", "is missing: dossier.received needs it")
    }


@pytest.mark.parametrize(
    ("event", "field", "kind"),
    [
        (changed(specversion="0.3"), "specversion", "wrong_value"),
        (changed(specversion=1.0), "specversion", "wrong_value"),
        (changed(id=7), "id", "wrong_value"),
        (changed(id=""), "id", "wrong_value"),
        (changed(id="a\u0000b"), "id", "wrong_value"),
        (changed(source="x" * 129), "source", "wrong_value"),
        (changed(type="dossier.vanished"), "type", "unknown_type"),
        (changed(type="hub.heartbeat"), "type", "unknown_type"),
        (changed(type=["dossier.received"]), "type", "unknown_type"),
        (changed(time="2025-11-03T09:00:00"), "time", "wrong_value"),
        (changed(time="2025-02-30T09:00:00+07:00"), "time", "wrong_value"),
        (changed(time="yesterday"), "time", "wrong_value"),
        (changed(time=1_762_135_200_000), "time", "wrong_value"),
        (changed(time="1979-01-01T00:00:00Z"), "time", "wrong_value"),
        (changed(datacontenttype="text/xml"), "datacontenttype", "wrong_value"),
        (changed() | {"data": "procedure=1"}, "data", "wrong_value"),
        (changed(without="data") | {"data_base64": "e30="}, "data", "missing_field"),
        (changed(data_base64="e30="), "data_base64", "wrong_value"),
        (changed(data={"channel": "pigeon"}), "data.channel", "wrong_value"),
        (changed(data={"channel": None}), "data.channel", "wrong_value"),
        (changed(data={"with_fee": "true"}), "data.with_fee", "wrong_value"),
        (changed(data={"with_fee": 1}), "data.with_fee", "wrong_value"),
        (changed(data={"level": True}), "data.level", "wrong_value"),
        (changed(data={"level": 4.0}), "data.level", "wrong_value"),
        (changed(data={"level": 5}), "data.level", "wrong_value"),
        (changed(data={"agency": "a|b"}), "data.agency", "wrong_value"),
        (changed(data={"due_at": "2025-11-10"}), "data.due_at", "wrong_value"),
        (changed(data={"due_at": 10**400}), "data.due_at", "wrong_value"),
        (changed(data={"due_at": 1e300}), "data.due_at", "wrong_value"),
        (changed(data={"dossier_id": "a\ud800b"}), "data.dossier_id", "wrong_value"),
        (changed(data={"colour": "red"}), "data.colour", "unknown_field"),
        (changed(data={"event_id": "x"}), "data.event_id", "unknown_field"),
        (changed(data={"occurred_at": 1}), "data.occurred_at", "unknown_field"),
        (changed(data={"source": "x"}), "data.source", "unknown_field"),
        (changed("dossier.paid", data={"amount": -1}), "data.amount", "wrong_value"),
        (changed("dossier.paid", data={"amount": "5"}), "data.amount", "wrong_value"),
        (changed("dossier.paid", data={"amount": 10**30}), "data.amount", "wrong_value"),
        (changed("dossier.step_taken", data={"status": True}), "data.status", "wrong_value"),
        (changed("document.sent", data={"to": []}), "data.to", "wrong_value"),
        (changed("document.sent", data={"to": ["A1", "a b"]}), "data.to.1", "wrong_value"),
        (changed("document.sent", data={"to": "A1"}), "data.to", "wrong_value"),
        ([RECEIVED], "", "not_an_event"),
        (None, "", "not_an_event"),
        ("text", "", "not_an_event"),
    ],
)
def test_what_is_wrong_is_named_once_and_alone(event: Any, field: str, kind: str) -> None:
    found = errors_of(event)
    assert {name: error[0] for name, error in found.items()} == {field: kind}
    assert found[field][1]


def test_all_errors_of_an_item_are_named_together() -> None:
    found = errors_of({"type": "dossier.received", "data": {"channel": "pigeon", "x": 1}})
    wrong = {"data.channel", "data.x", "data.agency", "data.dossier_id", "data.procedure"}
    assert set(found) == {"specversion", "id", "source", "time"} | wrong


def test_the_future_is_refused_beyond_the_tolerance_only() -> None:
    moment = build(RECEIVED, latest=LATEST_MS).occurred_at
    assert build(RECEIVED, latest=moment)
    assert errors_of(RECEIVED, latest=moment - 1)["time"][0] == "future_time"


def test_the_subject_may_stand_for_the_things_id_but_not_against_it() -> None:
    identity = RECEIVED["data"]["dossier_id"]
    assert (
        build(changed(without="data.dossier_id") | {"subject": identity}, latest=LATEST_MS).thing
        == identity
    )
    assert build(changed(subject=identity), latest=LATEST_MS).thing == identity
    assert errors_of(changed(subject="another")) == {
        "subject": ("wrong_value", "should be the same as data.dossier_id, or left out")
    }


def test_the_subject_may_be_written_otherwise_than_the_same_id() -> None:
    event = changed(subject="Ho\u0302\u0300 sơ 1 ", data={"dossier_id": "Hồ sơ 1"})
    assert build(event, latest=LATEST_MS).thing == "Hồ sơ 1"


@pytest.mark.parametrize(
    "name",
    [*EXAMPLES["dossier.received"], "subject", "datacontenttype", "dataschema", "data_base64"],
)
def test_an_attribute_that_is_null_is_as_if_it_was_left_out(name: str) -> None:
    null, absent = changed(**{name: None}) | {name: None}, changed(without=name)
    if name in ("subject", "datacontenttype", "dataschema", "data_base64"):
        assert build(null, latest=LATEST_MS) == build(absent, latest=LATEST_MS)
    else:
        assert errors_of(null) == errors_of(absent)


def test_what_is_kept_in_another_form_is_told_by_its_place() -> None:
    said = changed(
        id=" i-1",
        source="one\u200bstop",
        subject="Ho\u0302\u0300 sơ 1",
        data={
            "dossier_id": "Hồ sơ 1\u00a0",
            "agency": "\ufeffA1",
            "due_at": "2025-11-10T17:00:00+07:00",
        },
    )
    assert kept_as(said, build(said, latest=LATEST_MS)) == {
        "id": "i-1",
        "source": "onestop",
        "subject": "Hồ sơ 1",
        "data.dossier_id": "Hồ sơ 1",
        "data.agency": "A1",
    }
    sent = changed("document.sent", data={"to": ["A1 ", "A2"]})
    assert kept_as(sent, build(sent, latest=LATEST_MS)) == {"data.to": ["A1", "A2"]}
    assert kept_as(RECEIVED, build(RECEIVED, latest=LATEST_MS)) == {}


def test_a_name_that_stands_twice_is_refused() -> None:
    text = json.dumps(RECEIVED).replace('"channel"', '"channel": "post", "channel"')
    with pytest.raises(ItemRefused, match="channel: stands twice"):
        event_of(read_one(text), latest=LATEST_MS)


def test_errors_are_bounded_in_number_and_length() -> None:
    with pytest.raises(ItemRefused) as refused:
        build(changed(data={f"{'x' * 5_000}{number}": 1 for number in range(50)}), latest=LATEST_MS)
    assert len(refused.value.errors) == SHOWN_ERRORS + 1
    assert len(str(refused.value)) < 8_000


def test_the_shown_id_is_text_that_any_answer_can_carry() -> None:
    assert shown_id({"id": "H35.1/7"}) == "H35.1/7"
    assert shown_id({"id": "Nguyễn A\ud800"}) == "xxxxxx x?"
    assert shown_id({"id": "x" * 500}) == "x" * 40 + "… (500 characters)"
    assert shown_id({"id": 5}) is None
    assert shown_id([]) is None


any_text = st.text(st.characters(exclude_categories=()))  # lone surrogates too
junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.just("2025-11-03T09:00+07:00")
    | any_text,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(kind=st.sampled_from(sorted(ACCEPTED)), place=st.randoms(use_true_random=False), value=junk)
def test_any_value_in_any_place_is_taken_in_whole_or_refused_by_name(
    kind: str, place: Any, value: Any
) -> None:
    sample = EXAMPLES[kind]
    attribute, name = (
        place.choice(sorted(sample)),
        place.choice([*ACCEPTED[kind].model_fields, "extra"]),
    )
    for event in (
        {**sample, attribute: value},
        {**sample, "data": {**sample["data"], name: value}},
    ):
        try:
            encode(build(event, latest=LATEST_MS))
        except ItemRefused as refused:
            named = refused.errors
        else:
            continue
        assert named
        assert all(f"{error.field}{error.message}".encode() for error in named)


# ---- how much is looked at


@pytest.mark.parametrize(("place", "what"), [("data", "fields"), ("", "attributes")])
def test_more_fields_than_any_event_has_are_one_error_and_never_validated(
    place: str, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {f"f{number}": number for number in range(7_000)}
    event = {**RECEIVED, "data": {**RECEIVED["data"], **many}} if place else {**RECEIVED, **many}
    monkeypatch.setattr(Event, "model_validate", lambda *_, **__: pytest.fail("it was validated"))
    with pytest.raises(ItemRefused) as refused:
        build(event, latest=LATEST_MS)
    (error,) = refused.value.errors
    assert (error.field, error.kind) == (place, "too_many_fields")
    assert f" {what}, and may have 64" in error.message


def test_a_list_longer_than_any_is_one_error() -> None:
    with pytest.raises(ItemRefused) as refused:
        build({**RECEIVED, "data": {**RECEIVED["data"], "unit": [1] * 20_000}}, latest=LATEST_MS)
    assert [(error.field, error.message) for error in refused.value.errors] == [
        ("data.unit", "has 20,000 entries, and no list may have more than 1,000")
    ]


def test_every_event_has_fewer_fields_than_may_come() -> None:
    assert max(len(event.model_fields) for event in ACCEPTED.values()) <= MOST_MEMBERS / 2


def test_of_many_errors_the_first_are_named_and_the_rest_counted() -> None:
    unknown = {f"f{number}": number for number in range(30)}
    with pytest.raises(ItemRefused) as refused:
        build({**RECEIVED, "data": {**RECEIVED["data"], **unknown}}, latest=LATEST_MS)
    assert [error.field for error in refused.value.errors] == [
        *(f"data.f{number}" for number in range(20)),
        "",
    ]
    assert refused.value.errors[-1].message == "and 10 more errors"
    assert [error.message for error in refused.value.first][1:] == ["and 29 more errors"]
    assert str(refused.value).endswith("; event: and 10 more errors")
    with pytest.raises(ItemRefused, match="and 6,980 more errors"):
        event_of(JsonItem({}, "{}", tuple(map(str, range(7_000)))), latest=LATEST_MS)
