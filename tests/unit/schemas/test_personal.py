"""What looks like a number of a person, and what must never: the codes that a province lives on.
All numbers are made up.
"""

from __future__ import annotations

import string
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import events

from connectors.cloudevents.decode import build
from connectors.gateway.examples import EXAMPLES
from schemas.clock import LATEST_MS
from schemas.events import ACCEPTED, EVENT_TYPES
from schemas.personal import _PROVINCES, personal_number, personal_numbers

CITIZEN, OLD, PHONE = "001085012345", "012345678", "0912345678"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (CITIZEN, "citizen_number"),
        ("096304000001", "citizen_number"),
        ("001 085 012 345", "citizen_number"),
        ("001.085.012.345", "citizen_number"),
        (f"{CITIZEN}/received", "citizen_number"),
        (f"CCCD:{CITIZEN}", "citizen_number"),
        (f"hs_{CITIZEN}_1", "citizen_number"),
        ("００１０８５０１２３４５", "citizen_number"),
        (OLD, "old_citizen_number"),
        (f"HS-{OLD}", "old_citizen_number"),
        (PHONE, "phone"),
        ("0912 345 678", "phone"),
        ("0912.345.678", "phone"),
        ("091-234-5678", "phone"),
        ("+84912345678", "phone"),
        ("84912345678", "phone"),
        ("0084912345678", "phone"),
        ("+84 912 345 678", "phone"),
        ("+84 91 234 5678", "phone"),
        ("02438251234", "phone"),
        ("024 3825 1234", "phone"),
        (f"tel:{PHONE}", "phone"),
        (f"{PHONE}-2", "phone"),
    ],
)
def test_numbers_of_persons_are_recognised_however_people_write_them(text: str, kind: str) -> None:
    assert personal_number(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "H35.1-251101-0001",
        "000.00.12.H35-250101-0001",
        "H15.50.05.13-261008-0975",
        "1.001193.000.00.00.H35",
        "2.002307",
        "000.00.01.H22",
        "G01.899.106-261008-0912345",
        "17-251101-000123",
        "000.00.16.H35,2026/11/03,0912/UBND-VX",
        "20251103090000",
        "251103090000",
        "250110300001234592",
        "250110001",
        "1762135200000",
        "1762135200",
        "0301234567-001",
        "003085012345",  # no province
        "001985012345",  # a century to come
        "001299012345",  # born in 2099
        f"A{CITIZEN}",
        f"{CITIZEN}B",
        f"{CITIZEN}0",
        f"{PHONE}1",
        "0112345678",
        "123456789",
        "000000123",
        "",
    ],
)
def test_other_numbers_are_not(text: str) -> None:
    assert personal_number(text) is None


organisation = st.builds(
    lambda head, rest: ".".join([head, *rest]),
    st.sampled_from(["H35", "H15", "G01", "000", "D01"]),
    st.lists(st.integers(0, 99).map("{:02}".format), max_size=4),
).map(lambda code: code + ".H35" if code.startswith("000") else code)
dates = st.tuples(st.integers(20, 30), st.integers(1, 12), st.integers(1, 31))
dossiers = st.builds(
    lambda organ, day, number, width: (
        f"{organ}-{day[0]:02}{day[1]:02}{day[2]:02}-{number:0{width}}"
    ),
    organisation,
    dates,
    st.integers(0, 9_999),
    st.integers(4, 7),
)
documents = st.builds(
    lambda organ, day, number: f"{organ},20{day[0]:02}/{day[1]:02}/{day[2]:02},{number}/UBND-VX",
    organisation,
    dates,
    st.integers(1, 99_999),
)
procedures = st.builds("{}.{:06}.000.00.00.H35".format, st.integers(1, 3), st.integers(0, 999_999))
UUIDS = st.uuids() | st.integers(0, 10**12 - 1).map(
    lambda tail: UUID(f"00000000-0000-4000-8000-{tail:012}")
)


@given(st.one_of(organisation, dossiers, documents, procedures, UUIDS.map(str)))
def test_the_codes_of_agencies_dossiers_documents_and_procedures_never_are(code: str) -> None:
    assert personal_number(code) is None
    assert personal_number(f"{code}/received") is None


@given(
    st.sampled_from(sorted(_PROVINCES)),
    st.sampled_from("01"),
    st.integers(0, 99),
    st.integers(0, 999_999),
    st.text("".join(set(string.punctuation + " ") - set("+")), max_size=3),
    st.text(string.punctuation + " ", max_size=3),
)
def test_every_citizens_number_is_found_between_signs(
    province: str, gender: str, year: int, serial: int, before: str, behind: str
) -> None:
    assert (
        personal_number(f"{before}{province}{gender}{year:02}{serial:06}{behind}")
        == "citizen_number"
    )


@pytest.mark.parametrize("kind", sorted(ACCEPTED))
def test_no_sample_of_an_event_holds_one_and_each_text_of_it_is_looked_at(kind: str) -> None:
    event = build(EXAMPLES[kind], latest=LATEST_MS)
    assert personal_numbers(event) == []
    texts = [
        name
        for name, value in event.__dict__.items()
        if isinstance(value, str) and name not in _choices(kind)
    ]
    for name in texts:
        found = personal_numbers(event.model_copy(update={name: CITIZEN}))
        assert [(one.field, one.kind) for one in found] == [(name, "citizen_number")]
        assert CITIZEN not in found[0].message


def _choices(kind: str) -> list[str]:
    """Fields of which the model takes a few words only."""
    described: dict[str, Any] = EVENT_TYPES[kind].model_json_schema()["properties"]
    return [
        name
        for name, field in described.items()
        if any("enum" in one or "const" in one for one in field.get("anyOf", [field]))
    ]


def test_codes_of_enterprises_are_no_phones_and_lists_are_looked_through() -> None:
    sent = build(EXAMPLES["document.sent"], latest=LATEST_MS)
    assert personal_numbers(sent.model_copy(update={"to": ["0901234567"]})) == []
    assert [
        one.field for one in personal_numbers(sent.model_copy(update={"to": ["H35", CITIZEN]}))
    ] == ["to"]


@given(events(*(EVENT_TYPES[name] for name in ("dossier.paid",))))
def test_amounts_and_times_are_none(event: Any) -> None:
    codes = {"dossier_id": "D", "event_id": "E", "source": "S", "agency": "A", "reference": "R"}
    assert personal_numbers(event.model_copy(update=codes | {"amount": 912_345_678})) == []
