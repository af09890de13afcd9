"""The list behind a figure is as long as the figure: for random stories, every live indicator,
part, agency and window.

Figures come from cells as a worker publishes them, lists from its states; both are asked with the
same terms.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from facts import record
from hypothesis import given
from hypothesis import strategies as st
from listings import empty, everything, feed, published, states
from strategies import DAY, HOUR, NOON, examples, stories

from metrics.catalogue.indicators import Indicator, load_indicators
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.figures.moment import Moment
from metrics.figures.resolve import Resolved
from metrics.figures.scopes import AgencyScope
from metrics.figures.sums import SharedSums, read_parts
from metrics.lists.listing import Listing
from metrics.lists.reader import page, total
from metrics.lists.terms import ListedPart, families_of, selections
from schemas.families import LISTED_FAMILIES
from schemas.windows import EVER, Window
from streams.families import FAMILIES
from streams.family_state import FamilyState

Told = tuple[Readers, Listing]  # what a story is read from
PARTS: tuple[ListedPart, ...] = ("numerator", "denominator", "missing")
WINDOWS = (
    EVER,
    Window(date(2025, 11, 23), date(2025, 11, 23)),
    Window(None, date(2025, 11, 23)),
    Window(date(2025, 11, 24), None),
    Window(date(2025, 10, 15), date(2026, 12, 14)),
)
MOMENTS = (NOON, NOON + HOUR, NOON + 2 * DAY, NOON - 41 * DAY)
CODES: tuple[frozenset[str] | None, ...] = (None, frozenset("A"), frozenset("AC"), frozenset())
AMONG: tuple[tuple[str, ...], ...] = ((), ("p", "18"))
LIVE: list[tuple[Indicator, ListedPart]] = [
    (indicator, part)
    for indicator in load_indicators().values()
    for part in PARTS
    if (families := families_of(indicator, part)) and set(families) <= set(LISTED_FAMILIES)
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cube, Listing]:
    """A cube and a listing, made empty again for each story."""
    folder: Path = tmp_path_factory.mktemp("listing")
    return Cube(folder / "cube.sqlite"), empty(folder)


def tell(files: tuple[Cube, Listing], family: str, facts: list[Any], cuts: list[int]) -> Told:
    """Books keep the facts batch by batch; after each one the cube gets their cells, and the
    listing their states.
    """
    cube, listing = files
    cube.rebuild("one", NOON, "a new story")
    listing.rebuild("one", NOON, "a new story")
    family_state = FamilyState(FAMILIES[family])
    for start, end in zip([0, *cuts], [*cuts, len(facts)], strict=True):
        changes = family_state.fold([record(*fact) for fact in facts[start:end]])
        family_state.keep(changes)
        cube.apply(published(changes), {0: end})
        feed(listing, states(family_state))
    return Readers(cube), listing


def compare(
    told: Told,
    indicator: Indicator,
    part: ListedPart,
    moment: Moment,
    scopes: list[AgencyScope],
    among: tuple[str, ...],
) -> None:
    readers, listing = told
    chosen = selections(indicator, part, moment, Resolved(scopes, among, None))
    with readers.snapshot() as snapshot:
        parts = read_parts(SharedSums(snapshot, moment), indicator, scopes, among=among)[""]
        numerator, denominator = parts[:2]
        figure = denominator - numerator if part == "missing" else parts[PARTS.index(part)]
    listed = everything(listing, chosen, limit=3)
    assert sum(found.adds for found in listed) == figure, (indicator.id, part)
    assert len(set(listed_places := [found.cursor for found in listed])) == len(listed)
    assert listed_places == sorted(listed_places)
    assert [found.cursor for found in page(listing._db, chosen, None, 1_000)] == listed_places
    counted = total(listing._db, chosen)
    assert (counted.rows, counted.adds) == (len(listed), figure)
    if all(
        len(selection.measures) == 1
        and selection.measures[0] not in selection.table.sums
        and not selection.less
        for selection in chosen
    ):
        assert len(listed) == figure, (indicator.id, part)


@pytest.mark.parametrize("family", LISTED_FAMILIES)
def test_the_list_is_as_long_as_the_figure(files: tuple[Cube, Listing], family: str) -> None:
    about = [
        (indicator, part) for indicator, part in LIVE if family in families_of(indicator, part)
    ]

    @examples(40 if family == "dossiers" else 15)
    @given(
        stories(family, things=4, longest=24),
        st.lists(st.integers(0, 1_000), max_size=3),
        st.data(),
    )
    def check(facts: list[Any], cuts: list[int], data: st.DataObject) -> None:
        told = tell(files, family, facts, sorted(min(cut, len(facts)) for cut in cuts))
        window, codes = data.draw(st.sampled_from(WINDOWS)), data.draw(st.sampled_from(CODES))
        moment, among = (
            Moment(data.draw(st.sampled_from(MOMENTS))),
            data.draw(st.sampled_from(AMONG)),
        )
        for indicator, part in about:
            compare(told, indicator, part, moment, [AgencyScope(window, codes)], among)

    assert about
    check()


def test_windows_whose_hierarchy_changes_are_listed_part_by_part(
    files: tuple[Cube, Listing],
) -> None:
    """Before a day one agency's, from then on another one's: what a successor shows of its
    predecessors.
    """
    before, after = (
        Window(date(2025, 10, 1), date(2025, 11, 22)),
        Window(date(2025, 11, 23), date(2025, 12, 31)),
    )

    @examples(15)
    @given(stories("dossiers", things=4, longest=24))
    def check(facts: list[Any]) -> None:
        told = tell(files, "dossiers", facts, [])
        for indicator, part in LIVE:
            if families_of(indicator, part) == ["dossiers"]:
                compare(
                    told,
                    indicator,
                    part,
                    Moment(NOON),
                    [AgencyScope(before, frozenset("A")), AgencyScope(after, frozenset("BC"))],
                    (),
                )

    check()


def test_the_catalogue_has_live_parts_of_every_listed_family() -> None:
    found = Counter(family for indicator, part in LIVE for family in families_of(indicator, part))
    assert set(found) == set(LISTED_FAMILIES)
