"""The simulated province: repeatable, valid, believable, and its truth is what its events say."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cache
from pathlib import Path

import pytest
from hub_rules import hub_counts
from rich.console import Console
from stories import recount

from ops.simulate import hours
from ops.simulate.history import due_time
from ops.simulate.province import AGENCIES, COMMUNES, PROCEDURES
from ops.simulate.run import START
from ops.simulate.stream import events, shared
from ops.simulate.truth import Truth
from ops.simulate.verdict import print_figures, write_figures
from schemas.clock import DAY_MS, ZONE, to_datetime, to_ms
from schemas.events import EVENT_TYPES, Event
from schemas.wire import Decoder, encode

Told = list[tuple[int, Event]]
SEEDS = (1, 2, 3)


def province(seed: int = 1, dossiers: int = 1_500, cut: bool = True) -> tuple[Told, Truth]:
    """What a province tells in forty days and the truth about it."""
    return made(seed, dossiers, cut)


@cache
def made(seed: int, dossiers: int, cut: bool) -> tuple[Told, Truth]:
    """Made once for all tests, which only read it."""
    truth = Truth()
    return list(events(seed, dossiers, START, 40, truth=truth, cut=cut)), truth


def at(text: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZONE))


# Office time


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-01-05 06:00", "2026-01-05 07:00"),
        ("2026-01-05 09:10", "2026-01-05 09:10"),
        ("2026-01-05 11:45", "2026-01-05 13:30"),
        ("2026-01-05 16:59:59", "2026-01-05 16:59:59"),
        ("2026-01-05 17:00", "2026-01-06 07:00"),
        ("2026-01-09 18:00", "2026-01-12 07:00"),
        ("2026-01-10 09:00", "2026-01-12 07:00"),
        ("2026-01-11 23:59", "2026-01-12 07:00"),
    ],
)
def test_the_next_office_moment(moment: str, expected: str) -> None:
    assert hours.from_office(hours.to_office(at(moment))) == at(expected)


def test_office_seconds_are_added_over_lunch_nights_and_weekends() -> None:
    friday = hours.to_office(at("2026-01-09 11:00"))
    assert hours.from_office(friday + 3_600) == at("2026-01-09 14:00")
    assert hours.from_office(friday + hours.OFFICE_DAY) == at("2026-01-12 11:00")


def test_due_at_the_end_of_the_last_working_day() -> None:
    assert due_time(hours.to_office(at("2026-01-09 09:00")), 3) == at("2026-01-14 17:00")
    assert due_time(hours.to_office(at("2026-01-05 09:00")), 0) == at("2026-01-05 17:00")
    assert due_time(hours.to_office(at("2026-01-05 16:00")), 0) == at("2026-01-06 17:00")


# The province


def test_sixty_agencies_with_codes_marked_as_samples() -> None:
    assert len(AGENCIES) == 60 == len({agency.code for agency in AGENCIES})
    assert len(COMMUNES) == 38
    assert all("SAMPLE" in thing.code for thing in (*AGENCIES, *PROCEDURES))


# The stream


@pytest.mark.parametrize("seed", SEEDS)
def test_a_seed_repeats_to_the_byte(seed: int) -> None:
    first, second = (list(events(seed, 300, START, 20)) for _ in range(2))
    assert [(when, encode(event)) for when, event in first] == [
        (when, encode(event)) for when, event in second
    ]


def test_two_runs_that_differ_never_speak_of_the_same_thing() -> None:
    ways = ((1, 100, START, 9), (2, 100, START, 9), (1, 101, START, 9), (1, 100, START, 8))
    runs = [{event.thing for _, event in events(*way)} for way in ways]
    assert sum(map(len, runs)) == len(set().union(*runs))


def test_events_come_in_the_order_of_report_and_never_before_they_occurred() -> None:
    told, _ = province()
    reported = [when for when, _ in told]
    assert reported == sorted(reported)
    assert all(event.occurred_at <= when < START + 40 * DAY_MS for when, event in told)


def test_every_event_is_valid_and_survives_the_wire() -> None:
    decoders = {family: Decoder(family) for family in ("dossiers", "documents")}
    told, _ = province()
    for _, event in told:
        assert type(event).model_validate(event.model_dump()) == event
        kind, fields = decoders[event.family](encode(event))
        assert kind == event.type
        assert fields["event_id"] == event.event_id
    seldom = {"document.voided", "document.restored"}
    assert {event.type for _, event in told} | seldom == {
        name for name, event in EVENT_TYPES.items() if event.family in decoders
    }


def test_event_ids_look_like_uuids_and_name_one_fact_each() -> None:
    told, truth = province()
    facts = {event.event_id: encode(event) for _, event in told}
    assert all(
        re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", event_id) for event_id in facts
    )
    assert len(told) - len(facts) == truth.duplicates
    assert len(told) == truth.events
    assert len({event.model_dump_json() for _, event in told}) == len(facts)


@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_believable(seed: int) -> None:
    told, truth = province(seed)
    dossier_events = [event for _, event in told if event.family == "dossiers"]
    assert 3.9 <= len(dossier_events) / 1_500 <= 4.7
    assert 0.03 <= truth.duplicates / len(told) <= 0.07
    late = sum(when - event.occurred_at > 3_600_000 for when, event in told) / len(told)
    assert 0.03 <= late <= 0.25
    newest: dict[str, int] = {}
    disordered = 0
    for _, event in told:
        disordered += event.occurred_at < newest.get(event.thing, 0)
        newest[event.thing] = max(event.occurred_at, newest.get(event.thing, 0))
    assert disordered > 0.02 * len(told)
    assert (
        0.8
        <= truth.total("dossiers", "closed", "on_time")
        / truth.total("dossiers", "closed", "closed")
        <= 0.96
    )
    assert truth.overdue(START + 40 * DAY_MS) > 0
    assert {agency for _, _, agency, _ in truth.counts} == {agency.code for agency in AGENCIES}


def test_staff_work_in_office_hours() -> None:
    told, _ = province()
    by_staff = {
        "dossier.finished",
        "dossier.step_taken",
        "dossier.transferred",
        "document.status_changed",
    }
    moments = [to_datetime(event.occurred_at) for _, event in told if event.type in by_staff]
    assert moments
    assert all(moment.weekday() < 5 and 7 <= moment.hour < 17 for moment in moments)


def test_exactly_as_many_dossiers_as_asked_for() -> None:
    told, truth = province(dossiers=777, cut=False)
    assert len({event.thing for _, event in told if event.family == "dossiers"}) == 777
    assert (
        truth.total("dossiers", "received", "received")
        + truth.total("dossiers", "refused", "refused")
        + truth.total("dossiers", "voided", "voided")
        == 777
    )
    assert sum(shared(777, [1.0, 0.06, 1.0])) == 777


# The truth


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cut", [True, False])
def test_the_truth_is_what_a_naive_recount_of_the_events_gives(seed: int, cut: bool) -> None:
    told, truth = province(seed, cut=cut)
    for measure, expected in recount(told).items():
        of_documents = ("received", "refused")  # a measure's name that both families have
        found = sum(
            number
            for (_, kind, _, name), number in truth.counts.items()
            if name == measure and (kind, name) != of_documents
        )
        assert found == expected, measure


@pytest.mark.parametrize("seed", SEEDS)
def test_the_workers_rules_give_the_same_counts_for_every_agency(seed: int) -> None:
    told, truth = province(seed)
    sums, dues = hub_counts(told)
    assert sum(truth.counts.values()) > 10_000
    for key, number in truth.counts.items():
        assert sums[key] == number, key
    counted = {(family, kind, measure) for family, kind, _, measure in truth.counts}
    assert {
        key for key, number in sums.items() if number and (key[0], key[1], key[3]) in counted
    } <= set(truth.counts)
    now = START + 40 * DAY_MS
    assert truth.overdue(now) == sum(due < now for _, due in dues) > 0


def test_a_truth_that_misses_one_fact_would_show() -> None:
    told, truth = province()
    rated = next(event.event_id for _, event in told if event.type == "dossier.rated")
    sums, _ = hub_counts([(when, event) for when, event in told if event.event_id != rated])
    assert any(sums[key] != number for key, number in truth.counts.items())


def test_figures_are_written_and_printed(tmp_path: Path) -> None:
    told, truth = province()
    write_figures(truth, tmp_path / "figures.json", told[-1][0])
    figures = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert figures["totals"]["dossiers"]["closed"]["on_time"] == truth.total(
        "dossiers", "closed", "on_time"
    )
    assert figures["indicators"]["dossiers_online_share"] == {
        "numerator": truth.total("dossiers", "closed", "finished_online"),
        "denominator": truth.total("dossiers", "closed", "finished"),
    }
    commune = figures["agencies"]["H35.SAMPLE.03388"]["dossiers"]["received"]["received"]
    assert commune == truth.total("dossiers", "received", "received", "H35.SAMPLE.03388")
    console = Console(width=120, record=True)
    print_figures(truth, console, told[-1][0])
    assert f"{truth.total('dossiers', 'closed', 'finished'):,}" in console.export_text()


def test_a_share_of_nothing_has_no_value() -> None:
    console = Console(width=120, record=True)
    print_figures(Truth(), console, START)
    assert "no value" in console.export_text()
