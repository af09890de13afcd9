"""Random hierarchies with validity: every dated count of a known agency is in exactly one agency of
each level above it, nothing twice.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from agencies import Items
from cubes import NOW, counted, filled
from hierarchies import (
    LEVELS,
    WINDOW,
    YEARS,
    Said,
    above,
    anything,
    below_of,
    codes_of,
    held,
    inherited,
    owner,
    place,
    sound,
    stated,
)
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from metrics.api.parameters import CountsAsked
from metrics.api.questions import Questions
from metrics.cube.snapshot import Readers
from schemas.windows import Window
from serving.directory.directory import Directory
from serving.store.progress import Progress


@examples(40)
@given(sound())
def test_a_count_is_in_exactly_one_agency_of_each_level_above_it(said: list[Said]) -> None:
    directory = Directory(stated(said))
    assert {mistake.kind for mistake in directory.mistakes} <= {"parent_ended"}
    agencies = sorted({one.code for one in said})
    for year in YEARS:
        day = date(year, 6, 1)
        inside = {one: directory.spans(one, Window(day, day))[0][1] for one in agencies}
        for code in codes_of(said):
            chain = list(above(said, code, year))
            assert list(directory.roll_up(code, day)) == chain
            levels = [LEVELS[int(one[0])] for one in chain]
            assert len(set(levels)) == len(levels)  # one of each
            replaced = {
                one
                for one in agencies
                if (found := place(said, one, year))[1] and found[0].successor
            }
            assert [
                one for one in agencies if code in inside[one] and one not in replaced
            ] == sorted(chain)


@examples(40)
@given(sound(), st.data())
def test_spans_are_the_days_of_their_window_each_once(
    said: list[Said], data: st.DataObject
) -> None:
    directory, agency_ = (
        Directory(stated(said)),
        data.draw(st.sampled_from(sorted({one.code for one in said}))),
    )
    history = data.draw(st.booleans())
    found = directory.spans(agency_, WINDOW, history=history)
    covers_once([part for part, _ in found])
    for year in YEARS:
        codes = next(
            codes
            for part, codes in found
            if part.first and part.last and part.first <= date(year, 6, 1) <= part.last
        )
        inside = inherited if history else held
        assert sorted(codes) == [
            code for code in codes_of(said) if inside(said, code, agency_, year)
        ]


def covers_once(parts: list[Window]) -> None:
    assert (parts[0].first, parts[-1].last) == WINDOW
    for one, later in pairwise(parts):
        assert later.first.toordinal() - one.last.toordinal() == 1  # type: ignore[union-attr]


@examples(100)
@given(anything())
def test_whatever_is_sent_no_count_is_lost_or_told_twice(items: Items) -> None:
    directory = Directory(items)
    for level in (None, *LEVELS):
        found = directory.groupings(WINDOW, level)
        covers_once([part for part, _ in found])
    for year in YEARS:
        day = date(year, 6, 1)
        for code in "ABCD":
            chain = directory.roll_up(code, day)
            assert len(set(chain)) == len(chain) > 0  # it ends, and nothing is above itself
            for one in chain:
                assert code in directory.spans(one, Window(day, day))[0][1] or not directory.known(
                    code
                )


@examples(50)
@given(anything(), st.randoms(use_true_random=False))
def test_the_order_of_items_changes_nothing(items: Items, random: Any) -> None:
    names = list(items)
    random.shuffle(names)
    one, other = Directory(items), Directory({name: items[name] for name in names})
    assert one.mistakes == other.mistakes
    assert one.groupings(WINDOW, "district") == other.groupings(WINDOW, "district")


@st.composite
def received(draw: Any, said: list[Said]) -> dict[tuple[str, int], int]:
    """Dossiers received under codes, unknown ones too, on a day of a year."""
    places = st.tuples(st.sampled_from([*codes_of(said), "X.9"]), st.sampled_from(YEARS))
    return dict(draw(st.dictionaries(places, st.integers(1, 9), max_size=25)))


@examples(10)
@given(sound(), st.data())
def test_figures_hold_each_count_where_the_hierarchy_of_its_day_has_it(
    said: list[Said], data: st.DataObject
) -> None:
    cells, directory = data.draw(received(said)), Directory(stated(said))
    with TemporaryDirectory() as folder:
        known = [
            counted(f"dossiers|received|{code}|P1|{year}0601", received=count)
            for (code, year), count in cells.items()
        ]
        cube = filled(Path(folder), known)
        clock, progress = (lambda: NOW), (lambda: Progress(ready=True, partitions=1))
        questions = Questions(
            Readers(cube), {}, {}, progress=progress, clock=clock, directory=lambda: directory
        )

        def count(**asked: Any) -> tuple[int, dict[str, int]]:
            (kind,) = questions.counts(
                CountsAsked(family="dossiers", kind="received", window="all", **asked)
            ).kinds
            return kind.counts["received"], {
                group.group: group.counts["received"] for group in kind.groups
            }

        for code in {one.code for one in said}:
            assert count(agency=code)[0] == sum(
                n for (one, year), n in cells.items() if code in below_of(said, one, year)
            )
            assert count(agency=code, history=True)[0] == sum(
                n for (one, year), n in cells.items() if inherited(said, one, code, year)
            )
        for level in (None, *LEVELS):
            total, groups = count(by="agency", roll_up=level)
            assert total == sum(groups.values()) == sum(cells.values())
            told: dict[str, int] = {}
            for (one, year), n in cells.items():
                told[group(said, one, year, level)] = told.get(group(said, one, year, level), 0) + n
            assert groups == told
        cube.close()


def group(said: list[Said], code: str, year: int, level: str | None) -> str:
    """The nearest agency of the level above a code, or the nearest that is there."""
    if level is None or code not in codes_of(said):
        return owner(said, code)
    chain = list(above(said, code, year))
    return next((one for one in chain if LEVELS[int(one[0])] == level), chain[0])
