"""What the inventory counts for, by examples worked out by hand. What exists on a day is the sum of
the changes up to it.
"""

from __future__ import annotations

from itertools import pairwise, permutations
from typing import Any

import msgspec
import pytest
from facts import Heard, answer, told
from registered import JULY, agency, beat, figure, procedure, stock, system

from streams.families import FAMILIES, inventory


def test_an_agency_exists_from_its_beginning_until_further_notice() -> None:
    assert answer(agency(valid_from=JULY)) == {
        ("agencies", "A", "commune", 20250701): {"agencies": 1, "agencies_expected": 1}
    }
    assert answer(agency()) == {
        ("agencies", "A", "commune", 20250110): {"agencies": 1, "agencies_expected": 1}
    }
    assert answer(agency(expected=False)) == {
        ("agencies", "A", "commune", 20250110): {"agencies": 1}
    }


def test_a_district_ends_on_the_first_day_on_which_it_is_no_more() -> None:
    figures = answer(
        agency(level="district", valid_from="2021-01-01 00:00", valid_to=JULY, successor="B")
    )
    assert figures == {
        ("agencies", "A", "district", 20210101): {"agencies": 1, "agencies_expected": 1},
        ("agencies", "A", "district", 20250701): {"agencies": -1, "agencies_expected": -1},
    }
    assert stock(figures, 20250630) == {"agencies": 1, "agencies_expected": 1}
    assert stock(figures, 20250701) == {}


def test_a_later_beginning_cuts_the_statement_before_it() -> None:
    """As an unlimited commune since 2021, then as a unit since 1 July: never twice on one day."""
    figures = answer(
        agency(valid_from="2021-01-01 00:00"), agency("06-20 09:00", valid_from=JULY, level="unit")
    )
    assert figures == {
        ("agencies", "A", "commune", 20210101): {"agencies": 1, "agencies_expected": 1},
        ("agencies", "A", "commune", 20250701): {"agencies": -1, "agencies_expected": -1},
        ("agencies", "A", "unit", 20250701): {"agencies": 1, "agencies_expected": 1},
    }


def test_statements_that_overlap_are_cut_where_the_later_one_begins() -> None:
    first = agency(valid_from="03-01 00:00", valid_to="09-01 00:00")
    second = agency(valid_from="06-01 00:00", valid_to="07-01 00:00")
    figures = answer(first, second)
    assert [
        stock(figures, day).get("agencies", 0)
        for day in (20250301, 20250531, 20250601, 20250630, 20250701, 20250831)
    ] == [
        1,
        1,
        1,
        1,
        0,
        0,
    ]


def test_a_gap_between_two_statements_is_a_gap() -> None:
    figures = answer(
        agency(valid_from="03-01 00:00", valid_to="04-01 00:00"), agency(valid_from="06-01 00:00")
    )
    assert [
        stock(figures, day).get("agencies", 0) for day in (20250331, 20250401, 20250531, 20250601)
    ] == [1, 0, 0, 1]


def test_stated_again_from_the_same_day_the_newest_statement_stands() -> None:
    wrong, right = (
        agency("01-10 09:00", valid_from=JULY, level="unit"),
        agency("01-11 09:00", valid_from=JULY),
    )
    assert answer(wrong, right) == answer(right, wrong) == answer(agency(valid_from=JULY))


def test_an_ending_told_later_for_the_same_beginning_ends_it() -> None:
    figures = answer(
        agency(valid_from="2021-01-01 00:00"),
        agency("06-25 09:00", valid_from="2021-01-01 00:00", valid_to=JULY),
    )
    assert stock(figures, 20250701) == {}
    assert stock(figures, 20250630)["agencies"] == 1


def test_what_was_registered_by_mistake_is_said_to_have_never_been() -> None:
    assert (
        answer(agency(valid_from=JULY), agency("06-25 09:00", valid_from=JULY, valid_to=JULY)) == {}
    )


def test_valid_within_one_day_it_exists_at_no_end_of_a_day() -> None:
    assert answer(agency(valid_from="06-01 08:00", valid_to="06-01 17:00")) == {}


PUBLIC = ["procedures", "eligible_online"]


@pytest.mark.parametrize(
    ("fields", "measures"),
    [
        ({"level": 2}, PUBLIC),
        ({"level": 3}, [*PUBLIC, "offered_online"]),
        ({"level": 4}, [*PUBLIC, "offered_online", "full_online"]),
        (
            {"level": 3, "on_national_portal": True},
            [*PUBLIC, "offered_online", "on_national_portal"],
        ),
        ({"level": 2, "on_national_portal": True}, PUBLIC),
        ({"level": 3, "eligible_online": False, "on_national_portal": True}, ["procedures"]),
        (
            {"level": 4, "access_means": 2, "mobile": True},
            [*PUBLIC, "offered_online", "full_online", "full_online_multichannel"],
        ),
        (
            {"level": 4, "access_means": 1, "mobile": True},
            [*PUBLIC, "offered_online", "full_online"],
        ),
        ({"level": 4, "access_means": 3}, [*PUBLIC, "offered_online", "full_online"]),
        ({"level": 3, "access_means": 3, "mobile": True}, [*PUBLIC, "offered_online"]),
        ({"level": 2, "with_fee": True}, [*PUBLIC, "with_fee"]),
        (
            {"level": 2, "with_fee": True, "payable_online": True},
            [*PUBLIC, "with_fee", "payable_online"],
        ),
        ({"level": 2, "payable_online": True}, PUBLIC),
        (
            {"level": 2, "administrative_levels": ["commune", "province"]},
            [*PUBLIC, "procedures_province", "procedures_commune"],
        ),
        # said twice of one level it is one procedure there
        (
            {"level": 2, "administrative_levels": ["commune", "commune"]},
            [*PUBLIC, "procedures_commune"],
        ),
        # of no level that anybody stated: in the totals only
        ({"level": 2, "one_stop": True}, [*PUBLIC, "one_stop"]),
        (
            {"level": 2, "administrative_levels": ["district"], "one_stop": True},
            [*PUBLIC, "procedures_district", "one_stop", "one_stop_district"],
        ),
        (
            {"level": 2, "administrative_levels": ["commune"], "process_issued": True},
            [*PUBLIC, "procedures_commune", "process_issued", "process_issued_commune"],
        ),
        ({"internal": True, "one_stop": True}, ["internal", "internal_published"]),
        ({"internal": True}, ["internal", "internal_published"]),
        ({"internal": True, "published": False, "with_fee": True}, ["internal"]),
    ],
)
def test_a_procedure_counts_in_its_field_by_how_it_is_offered(
    fields: dict[str, Any], measures: list[str]
) -> None:
    assert answer(procedure(**fields)) == {
        ("procedures", "A", "land", 20250110): dict.fromkeys(measures, 1)
    }


@pytest.mark.parametrize(
    ("before", "now", "days"),
    [
        (20, 14, {"days_before": 20, "days_now": 14}),
        (20, 0, {"days_before": 20}),
        (20, None, {}),
        (None, 14, {}),
        (None, None, {}),
    ],
)
def test_days_count_for_procedures_that_were_reviewed(
    before: int | None, now: int | None, days: dict[str, int]
) -> None:
    figures = answer(procedure(level=2, days_before=before, days_now=now))
    assert figures == {("procedures", "A", "land", 20250110): dict.fromkeys(PUBLIC, 1) | days}


def test_a_procedure_that_goes_online_is_one_procedure() -> None:
    figures = answer(procedure(level=2), procedure("09-01 09:00", level=4))
    assert stock(figures, 20250831) == {"procedures": 1, "eligible_online": 1}
    assert stock(figures, 20250901) == {
        "procedures": 1,
        "eligible_online": 1,
        "offered_online": 1,
        "full_online": 1,
    }


def test_stated_twice_in_a_day_without_a_beginning_the_newest_statement_stands() -> None:
    figures = answer(agency("01-10 17:00", level="unit"), agency("01-10 09:00"))
    assert figures == {("agencies", "A", "unit", 20250110): {"agencies": 1, "agencies_expected": 1}}


def test_an_item_stated_night_after_night_keeps_its_latest_statements_in_any_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inventory, "MOST_STATEMENTS", 2)
    facts = [
        agency("01-10 01:00"),
        agency("01-11 01:00", level="unit"),
        agency("01-12 01:00"),
        agency("01-12 02:00", level="unit"),
    ]
    expected = {("agencies", "A", "unit", 20250111): {"agencies": 1, "agencies_expected": 1}}
    assert all(
        stock(answer(*order), 20250111) == {"agencies": 1, "agencies_expected": 1}
        for order in permutations(facts)
    )
    assert all(answer(*order) == expected for order in permutations(facts))


def test_the_largest_item_fits_into_a_record() -> None:
    """Kafka refuses records above a mebibyte, and a worker that meets one could never go on."""
    event, at = told(
        "agency.registered",
        "01-10 09:00",
        parent="H" * 35,
        successor="H" * 35,
        alias=["H" * 35] * 10,
        name_vi="Ộ" * 120,
        name_en="x" * 120,
        valid_to="12-01 00:00",
    )
    state = FAMILIES["inventory"].state()
    fields = event.model_dump() | {"agency": "H" * 35, "event_id": "Ộ" * 128}
    for number in range(inventory.MOST_STATEMENTS + 50):
        FAMILIES["inventory"].merges[event.type](
            state, fields | {"valid_from": event.occurred_at + number}, at
        )
    assert len(state.statements) == inventory.MOST_STATEMENTS
    assert len(msgspec.msgpack.encode(state)) < 1_000_000


def test_a_figure_counts_on_the_last_day_of_its_period_at_who_reports() -> None:
    assert answer(figure()) == {
        ("reported", "A", "i", 20251114): {"figures": 1, "numerator": 3, "denominator": 4}
    }


def test_a_figure_without_a_denominator_says_so() -> None:
    measures = {"figures": 1, "numerator": -2, "without_denominator": 1}
    assert answer(figure(numerator=-2, denominator=None)) == {
        ("reported", "A", "i", 20251114): measures
    }
    assert answer(figure(denominator=0)) == {
        ("reported", "A", "i", 20251114): {"figures": 1, "numerator": 3}
    }


@pytest.mark.parametrize(
    ("other", "stands"),
    [
        ({"at": "11-20 08:00", "revision": 2}, 9),
        ({"at": "11-21 09:00", "revision": 1}, 9),
        ({"at": "11-20 08:00", "revision": 1}, 3),
    ],
)
def test_of_one_period_the_greatest_revision_stands_then_the_newest(
    other: dict[str, Any], stands: int
) -> None:
    again = figure(numerator=9, **other)
    for facts in ((figure(), again), (again, figure())):
        assert answer(*facts)["reported", "A", "i", 20251114]["numerator"] == stands


def test_figures_of_other_periods_stay() -> None:
    before = figure("10-20 09:00", period_from="09-15 00:00", period_to="10-14 12:00", numerator=1)
    assert {at: cell["numerator"] for (*_, at), cell in answer(figure(), before).items()} == {
        20251014: 1,
        20251114: 3,
    }


def test_statements_of_two_kinds_of_item_under_one_id_follow_each_other() -> None:
    """A mistake of a source, and no harm to the figures of others: never both at once."""
    figures = answer(agency(), told("dataset.registered", "03-01 09:00"))
    assert stock(figures, 20250228) == {"agencies": 1, "agencies_expected": 1}
    assert stock(figures, 20250301) == {"datasets": 1}


@pytest.mark.parametrize(
    ("fact", "word", "prefix"),
    [
        (agency(), {"level": "a|b"}, b"inventory|agencies|A|other|"),
        (system(), {"kind": "robot"}, b"inventory|systems|A|other|"),
    ],
)
def test_unknown_words_count_under_other(fact: Heard, word: dict[str, str], prefix: bytes) -> None:
    """The gateway refuses them; a system that writes to the topic by itself must not stop a
    worker.
    """
    event, at = fact
    family, state = FAMILIES["inventory"], FAMILIES["inventory"].state()
    family.merges[event.type](state, event.model_dump() | word, at)
    assert [key.startswith(prefix) for key, *_ in family.counts(state, -1)] == [True]


def test_an_end_before_the_beginning_is_no_time_at_all() -> None:
    """As above: only a system that passes the gateway by can say so."""
    family, state = FAMILIES["inventory"], FAMILIES["inventory"].state()
    event, at = agency(valid_from=JULY)
    family.merges[event.type](state, event.model_dump() | {"valid_to": event.occurred_at}, at)
    assert family.counts(state, -1) == []


def test_a_further_heartbeat_touches_no_count() -> None:
    family, state = FAMILIES["inventory"], FAMILIES["inventory"].state
    facts = [system(on_national_portal=True), beat("02-01 09:00"), beat("02-02 09:00")]
    states = [state()]
    for event, at in facts:
        states.append(family.decoder()(msgspec.msgpack.encode(states[-1])))
        family.merges[event.type](states[-1], event.model_dump(), at)
    assert [family.touched(old, new) for old, new in pairwise(states)] == [-1, -1, 0]
