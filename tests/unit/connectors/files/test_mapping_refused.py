"""What MAP.yaml refuses, with the place named."""

from __future__ import annotations

from pathlib import Path

import pytest
from mapped import PAID, PAYMENT, RECEIVED, events_of, mapper_of

from connectors.files.mapping.model import load_mapping
from schemas.errors import CatalogueError


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
