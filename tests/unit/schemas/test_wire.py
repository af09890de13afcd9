"""Records on the wire: what is written is read, and damaged bytes are refused with a ContractError
and nothing else.
"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import ANY_EVENT, events, examples

from schemas.clock import EARLIEST_MS, LATEST_MS
from schemas.contracts import contracts, latest_contracts
from schemas.errors import ContractError
from schemas.events import EVENT_TYPES, EVENTS_BY_FAMILY, Event
from schemas.masking import quoted
from schemas.wire import CODES, Decoder, cloud_event_headers, encode, encode_fields, prefix

DECODERS = {family: Decoder(family) for family in EVENTS_BY_FAMILY}
PAID = {
    "event_id": "e",
    "source": "s",
    "agency": "H35.1",
    "occurred_at": 1_763_870_000_000,
    "reference": "r",
    "amount": 1,
    "online": True,
}


def decoded_or_refused(family: str, value: bytes | None) -> bool:
    """Whether the value was taken; anything but a ContractError fails the test."""
    try:
        kind, _ = DECODERS[family](value)
    except ContractError:
        return False
    return kind in EVENT_TYPES


@examples(80)
@given(ANY_EVENT)
def test_what_is_written_is_read(event: Event) -> None:
    kind, fields = DECODERS[event.family](encode(event))
    assert kind == event.type
    assert EVENT_TYPES[kind].model_validate({**fields, event.key: event.thing}) == event


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_type_is_written_and_read(name: str) -> None:
    @examples(5)
    @given(events(EVENT_TYPES[name]))
    def check(event: Event) -> None:
        assert (
            DECODERS[event.family](encode(event))[1].items()
            >= {"event_id": event.event_id, "agency": event.agency}.items()
        )

    check()


@examples(40)
@given(ANY_EVENT)
def test_a_record_cut_anywhere_is_refused(event: Event) -> None:
    value = encode(event)
    for length in range(len(value)):
        assert not decoded_or_refused(event.family, value[:length])


@examples(40)
@given(ANY_EVENT, st.binary(min_size=1, max_size=8))
def test_bytes_left_over_are_refused(event: Event, more: bytes) -> None:
    with pytest.raises(ContractError, match="left over"):
        DECODERS[event.family](encode(event) + more)


@examples(80)
@given(ANY_EVENT, st.data())
def test_flipped_bytes_are_refused_or_read_but_never_anything_else(
    event: Event, data: st.DataObject
) -> None:
    value = bytearray(encode(event))
    for place in data.draw(st.lists(st.integers(0, len(value) - 1), min_size=1, max_size=4)):
        value[place] = data.draw(st.integers(0, 255))
    decoded_or_refused(event.family, bytes(value))


@examples(80)
@given(st.sampled_from(sorted(contracts())), st.binary(max_size=60))
def test_arbitrary_bytes_behind_a_known_id_are_refused_or_read(identity: int, body: bytes) -> None:
    contract = contracts()[identity]
    decoded_or_refused(contract.family, prefix(contract) + body)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no value"),
        (b"", "begins with nothing"),
        (b"\0", "begins with 00"),
        (b"\0\0\0\xff\xff rest", "begins with 00 00 00 ff ff"),
        (b"\1\0\0\0\1 rest", "begins with 01"),
        (b'{"type": "dossier.received"}', "no contract"),
    ],
)
def test_what_no_contract_begins_is_refused(value: bytes | None, reason: str) -> None:
    with pytest.raises(ContractError, match=reason):
        DECODERS["dossiers"](value)


def test_a_contract_of_another_family_is_refused() -> None:
    value = encode_fields(
        latest_contracts()["hub.heartbeat"],
        {"event_id": "e", "source": "s", "agency": "a", "occurred_at": 1_763_870_000_000},
    )
    assert DECODERS["heartbeats"](value)[0] == "hub.heartbeat"
    with pytest.raises(ContractError, match="no contract of this family"):
        DECODERS["dossiers"](value)


@pytest.mark.parametrize(
    "at", [EARLIEST_MS - 1, LATEST_MS, 0, -1, 2**63 - 1, -(2**63), 1_763_870_000]
)
def test_a_time_that_no_connector_lets_in_is_refused(at: int) -> None:
    with pytest.raises(ContractError, match="occurred_at"):
        DECODERS["dossiers"](
            encode_fields(latest_contracts()["dossier.paid"], PAID | {"occurred_at": at})
        )


@pytest.mark.parametrize("at", [EARLIEST_MS, LATEST_MS - 1])
def test_the_first_and_the_last_instant_are_taken(at: int) -> None:
    assert (
        DECODERS["dossiers"](
            encode_fields(latest_contracts()["dossier.paid"], PAID | {"occurred_at": at})
        )[1]["occurred_at"]
        == at
    )


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
@pytest.mark.parametrize("bad", ["a|b", "a\u202eb", "a\u0085b"])
def test_a_bar_or_what_nobody_sees_in_any_code_that_a_cell_key_takes_is_refused(
    name: str, bad: str
) -> None:
    @examples(1)
    @given(events(EVENT_TYPES[name]))
    def check(event: Event) -> None:
        codes = [code for code in event.__dict__ if code.endswith("agency") or code in CODES]
        assert "agency" in codes
        for code in codes:
            with pytest.raises(ContractError, match=re.escape(f"{code} {quoted(bad)} is no code")):
                DECODERS[event.family](
                    encode_fields(latest_contracts()[name], event.__dict__ | {code: bad})
                )

    check()


def test_a_bar_elsewhere_does_no_harm() -> None:
    assert (
        DECODERS["dossiers"](
            encode_fields(latest_contracts()["dossier.paid"], PAID | {"reference": "a|b"})
        )[1]["reference"]
        == "a|b"
    )


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_a_text_without_end_is_refused(name: str) -> None:
    """What a state keeps of a text is bounded, whoever wrote it."""

    @examples(1)
    @given(events(EVENT_TYPES[name]))
    def check(event: Event) -> None:
        texts = [
            field
            for field, value in event.__dict__.items()
            if isinstance(value, str) and field != event.key
        ]
        assert {"event_id", "source", "agency"} <= set(texts)
        for field in texts:
            with pytest.raises(ContractError, match=f"{name}: {field} has more than "):
                DECODERS[event.family](
                    encode_fields(latest_contracts()[name], event.__dict__ | {field: "a" * 600})
                )

    check()


def test_a_text_is_measured_in_characters_and_so_is_each_of_a_list() -> None:
    longest = "\U00020000" * 128
    assert (
        DECODERS["dossiers"](
            encode_fields(latest_contracts()["dossier.paid"], PAID | {"reference": longest})
        )[1]["reference"]
        == longest
    )
    sent = PAID | {"document_type": "18", "electronic": True, "signed": True, "to": ["a"] * 500}
    assert (
        len(
            DECODERS["documents"](encode_fields(latest_contracts()["document.sent"], sent))[1]["to"]
        )
        == 500
    )
    with pytest.raises(ContractError, match="to has more than 35 characters"):
        DECODERS["documents"](
            encode_fields(
                latest_contracts()["document.sent"], sent | {"to": ["a"] * 499 + ["a" * 36]}
            )
        )


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_a_time_or_an_amount_out_of_bounds_is_refused(name: str) -> None:
    """Whatever a model keeps in bounds is kept there for those, too, who write to the topic by
    themselves.
    """

    @examples(1)
    @given(events(EVENT_TYPES[name]))
    def check(event: Event) -> None:
        for field, schema in (
            EVENT_TYPES[name].model_json_schema(mode="serialization")["properties"].items()
        ):
            bounded = next((one for one in schema.get("anyOf", [schema]) if "minimum" in one), None)
            for wrong in (
                [
                    bounded["minimum"] - 1,
                    bounded.get("maximum", LATEST_MS - 1) + 1,
                    2**63 - 1,
                    -(2**63),
                ]
                if bounded
                else ()
            ):
                with pytest.raises(ContractError, match=f"{name}: {field} {wrong} is n"):
                    DECODERS[event.family](
                        encode_fields(latest_contracts()[name], event.__dict__ | {field: wrong})
                    )

    check()


@pytest.mark.parametrize("amount", [0, 10**15])
def test_the_least_and_the_greatest_amount_are_taken(amount: int) -> None:
    assert (
        DECODERS["dossiers"](
            encode_fields(latest_contracts()["dossier.paid"], PAID | {"amount": amount})
        )[1]["amount"]
        == amount
    )


def test_a_record_begins_with_its_contract() -> None:
    contract = latest_contracts()["dossier.paid"]
    assert (
        encode_fields(contract, PAID)[:5]
        == b"\0" + contract.id.to_bytes(4, "big")
        == prefix(contract)
    )


@examples(20)
@given(ANY_EVENT)
def test_headers_carry_what_cloudevents_requires(event: Event) -> None:
    headers = dict(cloud_event_headers(event))
    assert {name: value.decode() for name, value in headers.items()} == {
        "ce_specversion": "1.0",
        "ce_id": event.event_id,
        "ce_source": event.source,
        "ce_type": event.type,
    }
