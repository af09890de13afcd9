"""How cells become times, booleans and the fields that events have."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.files.mapping.notation import Times
from connectors.files.mapping.templates import parse_template
from connectors.files.mapping.values import TimeReader, boolean_of, field_kind
from connectors.files.readers.cells import Unexpected
from schemas.clock import to_ms
from schemas.events import ACCEPTED


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
        "task.assigned.coordinating_agencies",
        "agency.registered.alias",
        "procedure.registered.administrative_levels",
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
