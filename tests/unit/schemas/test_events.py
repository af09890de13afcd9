"""Events: what a connector refuses, field by field, and that the refusal names the field."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from strategies import ANY_EVENT, events, examples

from schemas.cells.kinds import CELL_KINDS
from schemas.clock import EARLIEST_MS, LATEST_MS, day_start
from schemas.codes import (
    CHANNELS,
    DOCUMENT_STATUSES,
    DOSSIER_STATUSES,
    PAYMENT_RANK,
    PORTAL_APPLICANTS,
    PORTAL_CHANNELS,
)
from schemas.events import ACCEPTED, EVENT_TYPES, EVENTS_BY_FAMILY, Event
from schemas.events.activities import MeetingHeld
from schemas.events.documents import DocumentSent, DocumentStatusChanged
from schemas.events.dossiers import (
    DossierCorrected,
    DossierPaid,
    DossierRated,
    DossierReceived,
    DossierStepTaken,
)
from schemas.events.inventory import AccountsCounted, AgencyRegistered, FigureReported
from schemas.events.tasks import TaskAssigned, TaskProgressed

NOON = 1_763_870_000_000
BASE: dict[str, Any] = {
    "event_id": "e-1",
    "source": "onestop/H35.1",
    "agency": "H35.1",
    "occurred_at": NOON,
}
RECEIVED = BASE | {
    "dossier_id": "H35.1-251123-0001",
    "procedure": "1.001193.000.00.00.H35",
    "channel": "online",
}
PAID = BASE | {"dossier_id": "d", "reference": "r", "amount": 1, "online": True}
RATED = BASE | {"dossier_id": "d", "rating_id": "r", "satisfied": True}
SENT = BASE | {
    "document_id": "H35.1,2025/11/23,12/CV-UBND",
    "to": ["H35.2"],
    "electronic": True,
    "signed": True,
}


def refused(model: type[Event], fields: dict[str, Any]) -> list[str]:
    """The fields that a refusal names."""
    with pytest.raises(ValidationError) as caught:
        model.model_validate(fields)
    return [".".join(map(str, error["loc"][:1])) for error in caught.value.errors()]


def test_the_examples_are_taken() -> None:
    assert DossierReceived.model_validate(RECEIVED).thing == "H35.1-251123-0001"
    assert DocumentSent.model_validate(SENT).thing == "H35.1,2025/11/23,12/CV-UBND"


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-03T09:00:00+07:00", 1_793_671_200_000),
        ("2026-11-03T02:00:00Z", 1_793_671_200_000),
        ("2026-11-03T09:00:00.123+07:00", 1_793_671_200_123),
        ("2026-11-03T09:00:00.123999+07:00", 1_793_671_200_123),
        ("2028-02-29T00:00:00+07:00", 1_835_370_000_000),
        (1_793_671_200_000, 1_793_671_200_000),
        (EARLIEST_MS, EARLIEST_MS),
        (LATEST_MS - 1, LATEST_MS - 1),
    ],
)
def test_a_time_is_rfc_3339_with_its_zone_or_epoch_milliseconds(text: object, at: int) -> None:
    assert DossierReceived.model_validate(RECEIVED | {"occurred_at": text}).occurred_at == at


@pytest.mark.parametrize("field", ["occurred_at", "due_at"])
@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30T09:00:00+07:00",
        "2027-02-29T09:00:00+07:00",
        "2026-11-03T25:00:00+07:00",
        "2026-11-03T09:61:00+07:00",
        "2026-11-03T09:00:00",
        "2026-11-03",
        "20261103090000",
        "03/11/2026 09:00",
        "",
        "soon",
        "1793671200000",
        EARLIEST_MS - 1,
        LATEST_MS,
        0,
        -1,
        1_793_671_200,
        2**63,
        1_793_671_200_000.0,
        1.5,
        True,
        [NOON],
        {},
        "1979-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        float("nan"),
        float("inf"),
    ],
)
def test_no_other_time_is_taken(field: str, value: object) -> None:
    assert refused(DossierReceived, RECEIVED | {field: value}) == [field]


@pytest.mark.parametrize("field", ["event_id", "source", "dossier_id"])
@pytest.mark.parametrize(
    "value",
    ["", "a|b", "x" * 129, "a\nb", "a\tb", "\0", "a\x7f", "\ud800", None, 5, ["a"], b"\xff"],
)
def test_ids_are_short_printable_text_without_a_bar(field: str, value: object) -> None:
    assert refused(DossierReceived, RECEIVED | {field: value}) == [field]


@pytest.mark.parametrize("field", ["agency", "handling_agency", "procedure"])
@pytest.mark.parametrize("value", ["", "a|b", "H35 1", "Sở", "x" * 65, ".H35", "H\n35", "a/b", 35])
def test_codes_are_of_their_shape(field: str, value: object) -> None:
    assert refused(DossierReceived, RECEIVED | {field: value}) == [field]


def test_agency_codes_have_up_to_35_characters() -> None:
    assert DossierReceived.model_validate(RECEIVED | {"agency": "H" * 35})
    assert refused(DossierReceived, RECEIVED | {"agency": "H" * 36}) == ["agency"]


@pytest.mark.parametrize(
    ("model", "fields", "field", "value"),
    [
        (DossierReceived, RECEIVED, "channel", "fax"),
        (DossierReceived, RECEIVED, "channel", "Online"),
        (DossierReceived, RECEIVED, "channel", 2),
        (DossierReceived, RECEIVED, "level", 1),
        (DossierReceived, RECEIVED, "level", 5),
        (DossierReceived, RECEIVED, "level", "3"),
        (DossierReceived, RECEIVED, "applicant", "person"),
        (DossierReceived, RECEIVED, "authenticated", "perhaps"),
        (DossierReceived, RECEIVED, "authenticated", 2),
        (DossierReceived, RECEIVED, "unit", "x" * 65),
        (DossierReceived, RECEIVED, "backfill", None),
        (DossierStepTaken, BASE | {"dossier_id": "d"}, "status", 11),
        (DossierPaid, PAID, "amount", -1),
        (DossierPaid, PAID, "amount", 10**15 + 1),
        (DossierPaid, PAID, "amount", 1.5),
        (DossierPaid, PAID, "amount", "50 000"),
        (DossierPaid, PAID, "state", "done"),
        (DossierPaid, PAID, "reference", ""),
        (DossierRated, RATED, "score", 0),
        (DossierRated, RATED, "score", 6),
        (DossierRated, RATED, "about", "weather"),
        (DocumentSent, SENT, "to", []),
        (DocumentSent, SENT, "to", ["a|b"]),
        (DocumentSent, SENT, "to", "H35.2"),
        (DocumentSent, SENT, "to", ["H35.2"] * 501),
        (DocumentSent, SENT, "electronic", None),
        (DocumentStatusChanged, BASE | {"document_id": "d"}, "status", "07"),
        (DocumentStatusChanged, BASE | {"document_id": "d"}, "status", 3),
    ],
)
def test_what_is_not_in_a_list_or_its_bounds_is_refused(
    model: type[Event], fields: dict[str, Any], field: str, value: object
) -> None:
    assert refused(model, fields | {field: value}) == [field]


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_a_field_too_many_or_too_few_is_named(name: str) -> None:
    @examples(1)
    @given(events(EVENT_TYPES[name]))
    def check(event: Event) -> None:
        fields = event.model_dump()
        assert refused(EVENT_TYPES[name], fields | {"applicant_name": "a person"}) == [
            "applicant_name"
        ]
        for field, info in EVENT_TYPES[name].model_fields.items():
            if info.is_required():
                assert refused(
                    EVENT_TYPES[name], {key: value for key, value in fields.items() if key != field}
                ) == [field]

    check()


def test_a_correction_needs_the_time_of_reception() -> None:
    assert refused(DossierCorrected, RECEIVED) == ["received_at"]
    assert (
        DossierCorrected.model_validate(RECEIVED | {"received_at": NOON - 1}).received_at
        == NOON - 1
    )


AGENCY = BASE | {"item_id": "agency/H35.1", "level": "commune"}
FIGURE = BASE | {
    "item_id": "figure/i/H35.1/year",
    "indicator": "i",
    "period_from": NOON,
    "period_to": NOON,
    "numerator": 1,
}
ACCOUNTS = BASE | {"item_id": "accounts/H35.1", "users": 10, "authenticated": 10}


@pytest.mark.parametrize(
    ("model", "fields", "field", "value"),
    [
        (AgencyRegistered, AGENCY | {"valid_from": NOON}, "valid_to", NOON - 1),
        (AgencyRegistered, AGENCY, "valid_to", day_start(NOON) - 1),
        (
            AgencyRegistered,
            AGENCY | {"valid_from": "2025-07-01T00:00:00+07:00"},
            "valid_to",
            "2025-06-30T23:59:59+07:00",
        ),
        (AgencyRegistered, AGENCY, "valid_from", "2025-02-30T00:00:00+07:00"),
        (AgencyRegistered, AGENCY, "level", "region"),
        (AgencyRegistered, AGENCY, "parent", "a|b"),
        (AgencyRegistered, AGENCY, "alias", ["H35.1", ""]),
        (AgencyRegistered, AGENCY, "name_vi", "x" * 121),
        (AgencyRegistered, AGENCY, "name_vi", "Xã\nMẫu"),
        (FigureReported, FIGURE, "period_to", NOON - 1),
        (FigureReported, FIGURE, "numerator", 0.5),
        (FigureReported, FIGURE, "denominator", -1),
        (FigureReported, FIGURE, "revision", 0),
        (AccountsCounted, ACCOUNTS, "authenticated", 11),
        (AccountsCounted, ACCOUNTS, "users", -1),
        (
            TaskAssigned,
            BASE | {"task_id": "t", "to_agency": "H35.2"},
            "due_at",
            "2025-02-30T00:00:00+07:00",
        ),
        (TaskAssigned, BASE | {"task_id": "t"}, "to_agency", "a|b"),
        (TaskProgressed, BASE | {"task_id": "t"}, "progress", "blocked"),
        (MeetingHeld, BASE | {"activity_id": "a", "in_system": True}, "level", "region"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    model: type[Event], fields: dict[str, Any], field: str, value: object
) -> None:
    assert refused(model, fields | {field: value}) == [field]


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (AgencyRegistered, AGENCY | {"valid_from": NOON, "valid_to": NOON}),
        (AgencyRegistered, AGENCY | {"valid_from": NOON - 2, "valid_to": NOON - 1}),
        (AgencyRegistered, AGENCY | {"valid_from": NOON + 1}),
        (AgencyRegistered, AGENCY | {"valid_to": day_start(NOON)}),
        (FigureReported, FIGURE),
        (AccountsCounted, ACCOUNTS),
        (TaskAssigned, BASE | {"task_id": "t", "to_agency": "H35.2", "due_at": NOON - 1}),
        (
            MeetingHeld,
            BASE
            | {"activity_id": "a", "in_system": True, "level": "district", "held_at": NOON + 1},
        ),
    ],
)
def test_what_is_only_unusual_is_taken(model: type[Event], fields: dict[str, Any]) -> None:
    assert model.model_validate(fields)


@examples(100)
@given(
    st.sampled_from(sorted(EVENT_TYPES)),
    st.dictionaries(
        st.sampled_from([*RECEIVED, "to"]), st.one_of(st.none(), st.text(), st.integers())
    ),
)
def test_nothing_but_a_validation_error_comes_of_any_fields(
    name: str, fields: dict[str, Any]
) -> None:
    refusals = []
    try:
        EVENT_TYPES[name].model_validate(fields)
    except ValidationError as error:
        refusals = error.errors()
    assert {item["loc"][0] for item in refusals} <= EVENT_TYPES[
        name
    ].model_fields.keys() | fields.keys()


@examples(30)
@given(ANY_EVENT)
def test_events_are_immutable_and_name_their_thing(event: Event) -> None:
    with pytest.raises(ValidationError):
        event.agency = "other"  # type: ignore[misc]
    assert event.thing == getattr(event, event.key)


def test_types_families_and_keys_belong_together() -> None:
    assert sum(map(len, EVENTS_BY_FAMILY.values())) == len(EVENT_TYPES), "two models of one type"
    for name, model in EVENT_TYPES.items():
        assert model in EVENTS_BY_FAMILY[model.family]
        assert model.key in model.model_fields, name
        assert model.__doc__
    assert EVENTS_BY_FAMILY.keys() == CELL_KINDS.keys()
    assert set(EVENT_TYPES) - set(ACCEPTED) == {"hub.heartbeat"}, (
        "the hub's own events come from nobody else"
    )


def test_code_lists_have_a_word_for_every_value() -> None:
    assert set(PORTAL_CHANNELS.values()) <= set(CHANNELS)
    assert sorted(PAYMENT_RANK.values()) == [0, 1, 2, 3]
    fields = {model.type: model.model_json_schema()["properties"] for model in EVENT_TYPES.values()}
    assert fields["dossier.received"]["channel"]["enum"] == list(CHANNELS)
    assert fields["dossier.received"]["applicant"]["anyOf"][0]["enum"] == list(
        PORTAL_APPLICANTS.values()
    )
    assert fields["dossier.step_taken"]["status"]["anyOf"][0]["enum"] == list(DOSSIER_STATUSES)
    assert fields["document.status_changed"]["status"]["enum"] == list(DOCUMENT_STATUSES)
    assert set(fields["dossier.paid"]["state"]["enum"]) == set(PAYMENT_RANK)


@pytest.mark.parametrize(
    ("field", "value"),
    [("authenticated", "yes"), ("authenticated", 1), ("agency", 35), ("level", "4")],
)
def test_a_wrong_type_is_refused_and_not_guessed(field: str, value: object) -> None:
    """What a source means by "yes" is for the source to say."""
    fields = {
        "event_id": "1",
        "source": "one-stop",
        "agency": "SAMPLE.A",
        "occurred_at": 1_793_671_200_000,
        "dossier_id": "SAMPLE-1",
        "procedure": "SAMPLE.1",
        "channel": "online",
        "level": 4,
    }
    EVENT_TYPES["dossier.received"].model_validate(fields)
    with pytest.raises(ValidationError, match=field):
        EVENT_TYPES["dossier.received"].model_validate(fields | {field: value})
