"""How rows become events by a MAP.yaml: what stays as written, and why a row is rejected."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from mapped import PAID, PAYMENT, RECEIVED, events_of, mapper_of, refusal

from connectors.files.readers.cells import RowRefused
from schemas.clock import to_ms


def test_a_row_becomes_a_validated_event(tmp_path: Path) -> None:
    (event,) = events_of(mapper_of(tmp_path, PAID), **PAYMENT)
    assert event.model_dump() == {
        "event_id": "D-1/paid/R-1",
        "source": "sample/test",
        "agency": "SAMPLE.A",
        "occurred_at": 1_762_135_200_000,
        "backfill": False,
        "effective_at": None,
        "holds": True,
        "dossier_id": "D-1",
        "reference": "R-1",
        "amount": 50_000,
        "online": True,
        "state": "paid",
    }


@pytest.mark.parametrize(
    "cells, reason",
    [
        ({"amount": "50.000"}, "column amount: '50.000' should be a whole number"),
        (
            {"amount": "-1"},
            "column amount: -1 should be no less than 0, for amount of dossier.paid",
        ),
        ({"amount": ""}, "column amount is blank, and amount of dossier.paid needs it"),
        ({"online": "maybe"}, "column online: 'maybe' should be true, 1, yes"),
        (
            {"at": "31/12/2025"},
            "column at: '31/12/2025' should be a time from 1980 to 2099, written as iso",
        ),
        ({"at": "1970-01-01"}, "column at: '1970-01-01' should be a time from 1980 to 2099"),
        ({"ref": " "}, "one of columns id, ref is blank, so dossier.paid has no id"),
        (
            {"ref": "a|b"},
            (
                "columns id, ref: 'D-1/paid/a|b' holds the character |, which the hub keeps for"
                " itself, for event_id"
            ),
        ),
        ({"id": "x" * 129}, "' is longer than 128 characters, for event_id of dossier.paid"),
    ],
)
def test_reasons_name_column_value_and_what_was_expected(
    tmp_path: Path, cells: dict[str, str], reason: str
) -> None:
    assert reason in refusal(mapper_of(tmp_path, PAID), **(PAYMENT | cells))


def test_a_workbooks_date_needs_no_format(tmp_path: Path) -> None:
    text = RECEIVED.replace(
        "source:", "times: {formats: ['%d/%m/%Y'], clock: '17:00'}\n    source:"
    )
    for at in (datetime(2025, 11, 3), "03/11/2025"):
        (event,) = events_of(mapper_of(tmp_path, text), id="D-1", at=at)
        assert event.occurred_at == to_ms(datetime.fromisoformat("2025-11-03T17:00+07:00"))


def test_a_time_in_the_future_is_refused(tmp_path: Path) -> None:
    mapper = mapper_of(tmp_path, RECEIVED)
    (draft,) = mapper.drafts(("D-1", "2025-11-03"))
    at = draft.fields["occurred_at"]
    assert mapper.event(draft, at).occurred_at == at
    with pytest.raises(
        RowRefused, match=r"column at: 2025-11-03T00:00:00\+07:00 lies in the future"
    ):
        mapper.event(draft, at - 1)


@pytest.mark.parametrize(
    "text, state",
    [("00", "paid"), ("04", "failed"), ("99", "pending"), ("", "pending"), (" 00 ", "paid")],
)
def test_code_tables_have_a_default_for_others_and_for_blanks(
    tmp_path: Path, text: str, state: str
) -> None:
    (event,) = events_of(mapper_of(tmp_path, PAID), **(PAYMENT | {"state": text}))
    assert event.state == state  # type: ignore[attr-defined]


def test_a_table_without_a_default_rejects_and_may_list_the_blank_cell(tmp_path: Path) -> None:
    text = (
        PAID.replace("otherwise: pending", "otherwise: reject")
        .replace('"04"', '""')
        .replace(", default: pending", "")
    )
    mapper = mapper_of(tmp_path, text)
    assert events_of(mapper, **(PAYMENT | {"state": ""}))[0].state == "failed"  # type: ignore[attr-defined]
    assert "column state: '99' should be one of code table paid (00), for state" in refusal(
        mapper, **(PAYMENT | {"state": "99"})
    )


def test_vietnamese_text_matches_however_it_was_composed(tmp_path: Path) -> None:
    mapper = mapper_of(tmp_path, PAID.replace('"00": paid', "Đã thanh toán: paid"))
    decomposed = "Đã thanh toán"
    assert events_of(mapper, **(PAYMENT | {"state": decomposed}))[0].state == "paid"  # type: ignore[attr-defined]


def test_optional_fields_and_conditions(tmp_path: Path) -> None:
    text = (
        RECEIVED
        + """\
          due_at: {column: due, optional: true}
          level: {column: level, default: 4}
      - event: dossier.finished
        when: [{column: end, present: true}, {column: state, in: ["9", "10"]}]
        id: "{id}/finished"
        fields: {dossier_id: "{id}", agency: SAMPLE.A, occurred_at: "{end}"}
      - event: dossier.withdrawn
        when: {column: state, equals: "7"}
        id: "{id}/withdrawn"
        fields: {dossier_id: "{id}", agency: SAMPLE.A, occurred_at: "{end}"}
      - event: dossier.reopened
        when: {column: end, present: false}
        id: "{id}/reopened"
        fields: {dossier_id: "{id}", agency: SAMPLE.A, occurred_at: "{at}"}
    """
    )
    mapper = mapper_of(tmp_path, text)
    base = {"id": "D", "at": "2025-11-03"}

    def types(**cells: Any) -> list[str]:
        return [event.type for event in events_of(mapper, **base, **cells)]

    assert types(state="9", end="2025-11-04") == ["dossier.received", "dossier.finished"]
    # JSON and workbooks have numbers
    assert types(state=10, end="2025-11-04") == ["dossier.received", "dossier.finished"]
    assert types(state="8", end="2025-11-04") == ["dossier.received"]
    assert types(state="7", end="2025-11-04") == ["dossier.received", "dossier.withdrawn"]
    assert types(state="9", end=" ") == ["dossier.received", "dossier.reopened"]
    first = events_of(mapper, **base, end="2025-11-04", due="2025-11-09", level="3")[0].model_dump()
    assert (first["due_at"], first["level"]) == (
        to_ms(datetime.fromisoformat("2025-11-09T00:00+07:00")),
        3,
    )
    blank = events_of(mapper, **base, end="2025-11-04")[0].model_dump()
    assert (blank["due_at"], blank["level"]) == (None, 4)
    assert mapper.required == {"id", "at"}


def test_a_row_without_events_is_rejected_unless_the_mapping_accepts_it(tmp_path: Path) -> None:
    text = RECEIVED.replace(
        'id: "{id}/received"', 'id: "{id}/received"\n        when: {column: kind, equals: new}'
    )
    assert "none of the mapping's conditions holds" in refusal(
        mapper_of(tmp_path, text), id="D", at="2025-11-03", kind="old"
    )
    accepting = mapper_of(tmp_path, text.replace("source:", "no_events: accept\n    source:"))
    assert events_of(accepting, id="D", at="2025-11-03", kind="old") == []


def test_every_event_gives_fields_unless_an_event_has_its_own(tmp_path: Path) -> None:
    common = "every_event: {backfill: true, agency: SAMPLE.Z, due_at: '{due}'}\n    source:"
    (event,) = events_of(
        mapper_of(tmp_path, RECEIVED.replace("source:", common)),
        id="D",
        at="2025-11-03",
        due="2025-11-04",
    )
    assert (event.backfill, event.agency) == (True, "SAMPLE.A")


def test_lists_are_split_and_looked_up(tmp_path: Path) -> None:
    text = """\
        source: sample/docs
        tables: {agencies: {values: {A: SAMPLE.A, B: SAMPLE.B}}}
        events:
          - event: document.sent
            id: "{no}/sent"
            fields:
              document_id: "{no}"
              agency: SAMPLE.S
              occurred_at: "{at}"
              to: {column: to, split: ";", table: agencies}
              electronic: true
              signed: "{signed}"
    """
    mapper, at = mapper_of(tmp_path, text), "2025-11-03T08:00:00+07:00"
    assert events_of(mapper, no="1", at=at, to="A; B;", signed=True)[0].to == [
        "SAMPLE.A",
        "SAMPLE.B",
    ]  # type: ignore[attr-defined]
    assert events_of(mapper, no="1", at=at, to=["B"], signed="x")[0].to == ["SAMPLE.B"]  # type: ignore[attr-defined]
    assert "column to: 'A;C' should be one of code table agencies" in refusal(
        mapper, no="1", at=at, to="A;C", signed=False
    )


def test_a_fields_own_times_and_numbers_are_the_mappings_but_for_what_they_override(
    tmp_path: Path,
) -> None:
    text = PAID.replace(
        "source:",
        "times: {formats: ['%d/%m/%Y'], zone: UTC}\n    numbers: {thousands: '.', unit: đ}\n   "
        " source:",
    )
    text = text.replace("{column: at}", "{column: at, time: {clock: '17:00'}}")
    (event,) = events_of(
        mapper_of(tmp_path, text), **(PAYMENT | {"at": "03/11/2025", "amount": "1.250.000 đồng"})
    )
    assert event.occurred_at == to_ms(datetime.fromisoformat("2025-11-03T17:00+00:00"))
    assert event.amount == 1_250_000  # type: ignore[attr-defined]
    other = text.replace('"{amount}"', "{column: amount, number: {thousands: ',', unit: VND}}")
    (event,) = events_of(
        mapper_of(tmp_path, other), **(PAYMENT | {"at": "03/11/2025", "amount": "1,250,000VND"})
    )
    assert event.amount == 1_250_000  # type: ignore[attr-defined]
