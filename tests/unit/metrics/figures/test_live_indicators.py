"""Every indicator that is derived from events, with numbers worked out by hand.

Each case gives the cells and the numerator and denominator that the definition makes of them, over
the month of March 2025 as asked on Thursday 20 March 2025 at 10:00. Beside its own numbers every
case holds the same counts of February and of April, which must not come in, except where something
exists, is open, or is carried over.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cubes import INDICATORS, answer, at, counted, questions_about
from live_cases import APRIL, CASES, FEBRUARY, MARCH, NOW

from metrics.api.indicator_shapes import IndicatorAnswer
from schemas.states import InventoryItem
from serving.directory.directory import Directory


def keys(kind: str) -> Iterator[str]:
    """The cell's own key, and those of the months around it that do not count; `kind` may name its
    category and `at`.
    """
    family, name, *rest = kind.split("|")
    category = rest[0] if rest else "P"
    if len(rest) == 2:
        yield f"{family}|{name}|A|{category}|{rest[1]}"
        return
    yield f"{family}|{name}|A|{category}|{MARCH}"
    if family != "inventory":
        yield f"{family}|{name}|A|{category}|{FEBRUARY}"
    yield f"{family}|{name}|A|{category}|{APRIL}"


def registered() -> Directory:
    """Procedures L, C and O, with sample fields."""
    fields = {"L": "land", "C": "construction", "O": "other"}
    return Directory(
        {
            f"procedure/{code}": InventoryItem(
                statements={
                    at("2020-01-01"): (
                        at("2020-01-01"),
                        b"1",
                        "procedure.registered",
                        "A",
                        None,
                        {"procedure": code, "field": field},
                    )
                }
            )
            for code, field in fields.items()
        }
    )


def march(id_: str, cells: dict[str, dict[str, int]]) -> IndicatorAnswer:
    """What the API would say of these cells."""
    records = [counted(key, **counts) for kind, counts in cells.items() for key in keys(kind)]
    with questions_about(records, NOW, registered()) as questions:
        march = {} if INDICATORS[id_].asks_now else {"from_": "2025-03-01", "to": "2025-03-31"}
        return answer(questions, id_, **march)


@pytest.mark.parametrize("id_", CASES)
def test_the_figure_is_the_one_worked_out_by_hand(id_: str) -> None:
    case = CASES[id_]
    found = march(id_, case.cells)
    assert (found.numerator, found.denominator) == (case.numerator, case.denominator)
    assert found.value == (
        case.numerator if case.denominator is None else case.numerator / case.denominator
    )
    assert found.percentiles == (case.percentiles or {})


def test_every_indicator_that_is_derived_has_a_case() -> None:
    assert set(CASES) == {one.id for one in INDICATORS.values() if one.source == "events"}


@pytest.mark.parametrize("id_", [id_ for id_ in CASES if INDICATORS[id_].denominator is not None])
def test_nothing_to_divide_by_is_no_value(id_: str) -> None:
    found = march(id_, {})
    assert (found.numerator, found.denominator, found.value, found.gap) == (0, 0, None, None)
