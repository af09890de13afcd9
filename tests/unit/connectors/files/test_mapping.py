"""MAP.yaml: what it refuses, with the place named, and how cells become fields."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.mapping.mapper import RowMapper
from connectors.files.mapping.model import load_mapping
from connectors.files.mapping.notation import Times
from connectors.files.mapping.templates import parse_template
from connectors.files.mapping.values import TimeReader, boolean_of, field_kind
from connectors.files.readers.cells import RowRefused, Unexpected
from schemas.clock import to_ms
from schemas.errors import CatalogueError
from schemas.events import ACCEPTED, Event

NEVER = 1 << 50
RECEIVED = """\
    source: sample/test
    events:
      - event: dossier.received
        id: "{id}/received"
        fields:
          dossier_id: "{id}"
          agency: SAMPLE.A
          occurred_at: "{at}"
          procedure: SAMPLE.P
          channel: online
"""
PAID = """\
    source: sample/test
    tables:
      paid: {values: {"00": paid, "04": failed}, otherwise: pending}
    events:
      - event: dossier.paid
        id: "{id}/paid/{ref}"
        fields:
          dossier_id: "{id}"
          agency: SAMPLE.A
          occurred_at: {column: at}
          reference: "{ref}"
          amount: "{amount}"
          online: "{online}"
          state: {column: state, table: paid, default: pending}
"""
PAYMENT = {
    "id": "D-1",
    "ref": "R-1",
    "at": "2025-11-03 09:00",
    "amount": "50000",
    "online": "1",
    "state": "00",
}


def mapper_of(folder: Path, text: str) -> RowMapper:
    path = folder / "map.yaml"
    path.write_text(dedent(text), "utf-8")
    return RowMapper(*load_mapping(path))


def events_of(mapper: RowMapper, **cells: Any) -> list[Event]:
    row = tuple(cells.get(column.replace(" ", "_")) for column in mapper.columns)
    return [mapper.event(draft, NEVER) for draft in mapper.drafts(row)]


def refusal(mapper: RowMapper, **cells: Any) -> str:
    with pytest.raises(RowRefused) as refused:
        events_of(mapper, **cells)
    return str(refused.value)


@pytest.mark.parametrize(
    "change, place, problem",
    [
        (
            ("channel: online", "channel: onlin"),
            "line 10, events[0].fields.channel",
            "'onlin' does not fit channel",
        ),
        (
            ("channel: online", "chanel: online"),
            "line 10, events[0].fields.chanel",
            "no field of dossier.received",
        ),
        (
            ("channel: online", "channel: {column: c, table: nowhere}"),
            "line 10, events[0].fields.channel.table",
            "no code table 'nowhere'",
        ),
        (
            ("channel: online", "channel: {column: c, optional: true}"),
            "line 10, events[0].fields.channel.optional",
            "can't go without",
        ),
        (
            ("channel: online", "channel: {column: c, tabel: t}"),
            "line 10, events[0].fields.channel.tabel",
            "is no key that is known here",
        ),
        (
            ("channel: online", "channel: {optional: true}"),
            "line 10, events[0].fields.channel",
            "exactly one of column, text and constant",
        ),
        (
            ("channel: online", "channel: {constant: online, optional: true}"),
            "line 10, events[0].fields.channel",
            "is a constant",
        ),
        (
            ("channel: online", "channel: {column: c, time: {}}"),
            "line 10, events[0].fields.channel.time",
            "is not read as a time",
        ),
        (
            ("channel: online", "channel: {column: c, split: ';'}"),
            "line 10, events[0].fields.channel.split",
            "is not a list",
        ),
        (
            ("channel: online", "channel: online\n          channel: post"),
            "line 11",
            "the key 'channel' is given twice",
        ),
        (
            ("channel: online", "event_id: x"),
            "line 10, events[0].fields.event_id",
            "no field of dossier.received",
        ),
        (
            ("procedure: SAMPLE.P", "due_at: '{due}'"),
            "line 5, events[0].fields",
            "dossier.received needs procedure",
        ),
        (
            ("procedure: SAMPLE.P", "procedure: 7"),
            "line 9, events[0].fields.procedure",
            "7 does not fit procedure",
        ),
        (
            ("agency: SAMPLE.A", "agency: 'a b'"),
            "line 7, events[0].fields.agency",
            "'a b' does not fit agency",
        ),
        (("{id}/received", "received"), "line 4, events[0].id", "names no column"),
        (("{id}/received", "{id/received"), "line 4, events[0].id", "has a single {"),
        (('id: "{id}/received"', "key: x"), "events[0].id", "is missing"),
        (
            ("dossier.received", "dossier.recieved"),
            "line 3, events[0].event",
            "no event that the hub takes in",
        ),
        (
            ("dossier.received", "hub.heartbeat"),
            "line 3, events[0].event",
            "no event that the hub takes in",
        ),
        (
            ('"{at}"', "'2025-13-01'"),
            "line 8, events[0].fields.occurred_at",
            "'2025-13-01' should be a time",
        ),
        (
            ('"{at}"', "{column: at, time: {zone: Asia/Hanoi}}"),
            "line 8, events[0].fields.occurred_at.time.zone",
            "is no time zone",
        ),
        (
            ('"{at}"', "{column: at, time: {formats: ['%d/%m']}}"),
            "occurred_at.time.formats",
            "does not give year, month and day",
        ),
        (
            ('"{at}"', "{column: at, time: {formats: ['%Q']}}"),
            "occurred_at.time.formats",
            "neither iso",
        ),
        (
            ('"{at}"', "{column: at, time: {clock: '25:00'}}"),
            "occurred_at.time.clock",
            "should be a clock time",
        ),
        (
            ("source: sample/test", "source: sample/test\n    every_event: {with: 1}"),
            "line 2, every_event.with",
            "is no field",
        ),
        (("source: sample/test", "source: 5"), "line 1, source", "should be a valid string"),
        (
            ("source: sample/test", "source: x\n    tables: {t: {values: {a: }}}"),
            "line 2, tables.t.values.a",
            "should be text",
        ),
        (
            ("source: sample/test", "source: x\n    files: {encoding: utf-9}"),
            "line 2, files.encoding",
            "no known encoding",
        ),
        (("source: sample/test", "source: [x"), "line", "no valid YAML"),
        (("events:", "events: []\n    more:"), "line 2, events", "at least 1 item"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_place(
    tmp_path: Path, change: tuple[str, str], place: str, problem: str
) -> None:
    text = RECEIVED.replace(*change)
    assert text != RECEIVED
    with pytest.raises(CatalogueError) as refused:
        mapper_of(tmp_path, text)
    message = str(refused.value)
    assert message.startswith("map.yaml, line ")
    assert place in message
    assert problem in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "content", [b"", b"- a\n", b"text", b"\xff\xfe\xfa", b"a: &x [*x, *x]\n: {"]
)
def test_what_is_no_mapping_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "map.yaml"
    path.write_bytes(content)
    with pytest.raises(CatalogueError, match=r"map\.yaml"):
        load_mapping(path)


def test_a_missing_mapping_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"gone\.yaml can't be read"):
        load_mapping(tmp_path / "gone.yaml")


def test_codes_stay_as_written(tmp_path: Path) -> None:
    """YAML 1.1 would read 007 as an octal number, no as false and 2025-11-03 as a date."""
    text = PAID.replace("SAMPLE.A", "007").replace(
        '"00": paid', "007: paid, no: failed, 2025-11-03: refunded"
    )
    for cell, state in (("007", "paid"), ("no", "failed"), ("2025-11-03", "refunded")):
        (event,) = events_of(mapper_of(tmp_path, text), **(PAYMENT | {"state": cell}))
        assert (event.agency, event.state) == ("007", state)  # type: ignore[attr-defined]


def test_a_code_that_the_event_cannot_hold_is_found_in_its_table(tmp_path: Path) -> None:
    with pytest.raises(
        CatalogueError, match=r"line 3, tables\.paid\.values\.00: 'payd' does not fit state"
    ):
        mapper_of(tmp_path, PAID.replace('"00": paid', '"00": payd'))


def test_a_row_becomes_a_validated_event(tmp_path: Path) -> None:
    (event,) = events_of(mapper_of(tmp_path, PAID), **PAYMENT)
    assert event.model_dump() == {
        "event_id": "D-1/paid/R-1",
        "source": "sample/test",
        "agency": "SAMPLE.A",
        "occurred_at": 1_762_135_200_000,
        "backfill": False,
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


@pytest.mark.parametrize(
    "times, cell, expected",
    [
        (Times(), "2011-10-11 13:42:22.688000+02:00", "2011-10-11T13:42:22.688+02:00"),
        (Times(), "2025-11-03T09:00:00Z", "2025-11-03T09:00:00+00:00"),
        (Times(), "2025-11-03 09:00", "2025-11-03T09:00:00+07:00"),
        (Times(zone="Europe/Amsterdam"), "2011-07-01 12:00", "2011-07-01T12:00:00+02:00"),
        (Times(zone="-03:30"), "2011-07-01 12:00", "2011-07-01T12:00:00-03:30"),
        (Times(formats=["%Y%m%d%H%M%S"]), "20251103090507", "2025-11-03T09:05:07+07:00"),
        (Times(formats=["%Y%m%d%H%M%S"]), "20251103090507.0", "2025-11-03T09:05:07+07:00"),
        (
            Times(formats=["%Y%m%d%H%M%S", "%d/%m/%Y"], clock="17:00"),
            "03/11/2025",
            "2025-11-03T17:00:00+07:00",
        ),
        (
            Times(formats=["%d/%m/%Y %H:%M"], clock="17:00"),
            "03/11/2025 00:00",
            "2025-11-03T00:00:00+07:00",
        ),
        (Times(clock="17:00"), "2025-11-03", "2025-11-03T17:00:00+07:00"),
        (
            Times(clock="17:00"),
            datetime(2025, 11, 3),
            "2025-11-03T17:00:00+07:00",
        ),
        (
            Times(clock="17:00"),
            datetime(2025, 11, 3, 8, 30),
            "2025-11-03T08:30:00+07:00",
        ),
        (
            Times(clock="17:00"),
            datetime(2025, 11, 3, 23, 59, 59, 999_000),
            "2025-11-03T23:59:59.999+07:00",
        ),
        (Times(clock="17:00"), "2025-11-03 23:59:59.9999999", "2025-11-03T23:59:59.999+07:00"),
        (Times(formats=["epoch_s"]), 1_762_135_200, "2025-11-03T09:00:00+07:00"),
        (Times(formats=["epoch_ms"]), "1762135200123", "2025-11-03T09:00:00.123+07:00"),
    ],
)
def test_times(times: Times, cell: Any, expected: str) -> None:
    assert TimeReader(times)(cell) == to_ms(datetime.fromisoformat(expected))


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-30",
        "20251103",
        "2025-W45-1",
        "9:00",
        "2025-11-03 24:30",
        "1200-01-01",
        "9999-12-31T23:59-23:00",
    ],
)
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(Unexpected):
        TimeReader(Times())(text)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)))
def test_a_time_reads_the_same_in_every_format(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    formats = ["iso", "%Y%m%d%H%M%S", "%d/%m/%Y %H:%M:%S"]
    texts = [
        moment.isoformat(" "),
        moment.strftime("%Y%m%d%H%M%S"),
        moment.strftime("%d/%m/%Y %H:%M:%S"),
    ]
    assert len({TimeReader(Times(formats=formats))(text) for text in texts}) == 1


def test_booleans_in_usual_words() -> None:
    assert [boolean_of(cell) for cell in (True, 1, "Có", "TRUE", False, "0.0", "Không")] == [
        True,
        True,
        True,
        True,
        False,
        False,
        False,
    ]


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


@pytest.mark.parametrize(
    "own, problem",
    [
        ("{column: ref, number: {unit: đ}}", "reference is not read as a number"),
        ("{column: ref, number: {thousands: ';'}}", "should be"),
        (
            "{column: ref, number: {thousands: '.', decimal: '.'}}",
            "so that 50.000 would be two numbers",
        ),
    ],
)
def test_wrong_numbers_are_refused_with_their_place(tmp_path: Path, own: str, problem: str) -> None:
    with pytest.raises(
        CatalogueError, match=r"line \d+, events\[0\]\.fields\.reference\.number"
    ) as refused:
        mapper_of(tmp_path, PAID.replace('"{ref}"', own))
    assert problem in str(refused.value)


def test_own_numbers_that_contradict_the_mappings_are_refused(tmp_path: Path) -> None:
    text = PAID.replace('"{amount}"', "{column: amount, number: {thousands: '.'}}")
    text = text.replace("source:", "numbers: {decimal: '.'}\n    source:")
    with pytest.raises(
        CatalogueError,
        match=(
            r"fields\.amount\.number: with `numbers` of the mapping it has '\.' for thousands and"
        ),
    ):
        mapper_of(tmp_path, text)


@given(
    st.lists(
        st.text(min_size=1).filter(lambda text: not {"{", "}"} & set(text)), min_size=1, max_size=4
    )
)
def test_a_template_takes_any_column_name_as_it_is(columns: list[str]) -> None:
    template = parse_template("/".join(f"{{{column}}}" for column in columns) + "{{}}")
    assert template.columns == tuple(columns)
    assert template.texts == ("", *["/"] * (len(columns) - 1), "{}")


def test_every_field_of_every_event_has_its_kind() -> None:
    kinds = {
        f"{event.type}.{name}": field_kind(info)
        for event in ACCEPTED.values()
        for name, info in event.model_fields.items()
    }
    assert {kind for name, kind in kinds.items() if name.endswith("_at")} == {"time"}
    assert {name for name, kind in kinds.items() if kind == "list"} == {
        "document.sent.to",
        "agency.registered.alias",
    }
    assert [
        kinds[f"dossier.{name}"]
        for name in ("paid.amount", "received.level", "step_taken.status", "rated.score")
    ] == ["number"] * 4
    assert [kinds[f"dossier.{name}"] for name in ("paid.online", "received.backfill")] == [
        "boolean"
    ] * 2
    assert [
        kinds[name] for name in ("dossier.received.channel", "document.status_changed.status")
    ] == ["text"] * 2
