"""Lists by the hierarchy of each day: what is behind the figures of an agency, with and without
what is below or was before it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from agencies import merged_communes, state
from cubes import INDICATORS
from facts import Heard, books_of, ms, told
from listings import empty, feed, paced, pages, states

from metrics.api.questions import Questions
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.lists.questions import Lists
from metrics.lists.subjects import ListAsked
from ops.meanings import meanings
from serving.directory.directory import Directory
from serving.store.progress import Progress

NOW = ms("11-20 10:00")
READY = Progress(ready=True, percent=100.0, partitions=1)
# Two dossiers of each commune while it existed, and two of each that came after; one more of the
# department's old code form.
BEFORE, AFTER = ("T.1", "T.2", "T.3", "U.1", "U.2"), ("N.1", "N.2", "U.2", "P.D")


def dossiers(where: tuple[str, ...], day: str) -> Iterator[Heard]:
    for code, number in product(where, (1, 2)):
        name = f"{code}-{day}-{number}"
        for event, at in (
            told("dossier.received", f"{day} 09:00", due_at=f"{day} 17:00", procedure=f"p{number}"),
            told("dossier.finished", f"{day} {15 + number}:30"),
        ):
            yield event.model_copy(update={"agency": code, "dossier_id": name}), at


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lists]:
    folder: Path = tmp_path_factory.mktemp("hierarchy")
    items = merged_communes()
    state(
        items,
        "procedure/p1",
        "procedure.registered",
        "P",
        "2020-01-01",
        procedure="p1",
        field="land",
    )
    cube, listing = Cube(folder / "cube.sqlite"), empty(folder)
    cube.open("one", NOW)
    books = books_of(
        [
            *dossiers(BEFORE, "06-10"),
            *dossiers(AFTER, "10-08"),
            *dossiers(("000.01.P", "Z"), "10-09"),
        ]
    )
    cube.apply(pages(books), {0: 1})
    feed(listing, states(books))
    directory = Directory(items)
    questions = Questions(
        Readers(cube),
        INDICATORS,
        {},
        progress=lambda: READY,
        clock=lambda: NOW,
        directory=lambda: directory,
    )
    yield Lists(questions, paced(cube, listing), meanings(), progress=lambda: READY)
    cube.close()
    listing.close()


def ids(lists: Lists, **asked: object) -> list[str]:
    """What is behind the finished dossiers, or another part; the first page's word on the figure
    holds.
    """
    parameters = {
        "indicator": "dossiers_on_time_share",
        "part": "denominator",
        "from": "2025-01-01",
        "limit": 1_000,
    } | asked
    answer = lists.things("dossiers", ListAsked.model_validate(parameters))
    assert answer.same_moment is True
    assert answer.figure == len(answer.things) == answer.rows
    return [thing.id for thing in answer.things]


def test_an_agency_is_listed_with_what_stood_below_it_each_day(lists: Lists) -> None:
    assert ids(lists, agency="T") == [
        f"{code}-06-10-{n}" for code in ("T.1", "T.2", "T.3") for n in (1, 2)
    ]
    assert ids(lists, agency="U") == [
        f"{code}-06-10-{n}" for code in ("U.1", "U.2") for n in (1, 2)
    ]
    assert len(ids(lists, agency="P")) == 2 * (5 + 4 + 1), "all but the code that nobody registered"
    assert len(ids(lists)) == 2 * (5 + 4 + 2)


def test_a_successor_is_listed_with_its_predecessors_on_request(lists: Lists) -> None:
    assert ids(lists, agency="N.1") == ["N.1-10-08-1", "N.1-10-08-2"]
    assert ids(lists, agency="N.1", history=True) == [
        *(f"{code}-06-10-{n}" for code in ("T.1", "T.2") for n in (1, 2)),
        "N.1-10-08-1",
        "N.1-10-08-2",
    ]


def test_other_forms_of_a_code_are_listed_with_the_agency(lists: Lists) -> None:
    assert ids(lists, agency="P.D") == [
        "P.D-10-08-1",
        "P.D-10-08-2",
        "000.01.P-10-09-1",
        "000.01.P-10-09-2",
    ]
    assert ids(lists, agency="P", own=True) == []


def test_a_code_that_nobody_registered_is_listed_under_itself(lists: Lists) -> None:
    assert ids(lists, agency="Z") == ["Z-10-09-1", "Z-10-09-2"]


def test_levels_and_fields(lists: Lists) -> None:
    communes = ids(lists, level="commune")
    assert {name.split("-")[0] for name in communes} == {*BEFORE, *AFTER} - {"P.D"}
    assert ids(lists, field="land") == [name for name in ids(lists) if name.endswith("-1")]
    assert ids(lists, field="land", agency="T", level="commune") == [
        f"{code}-06-10-1" for code in ("T.1", "T.2", "T.3")
    ]


@pytest.mark.parametrize(
    "asked",
    [
        {"agency": code, "own": own, "history": history}
        for code in ("P", "T", "N.1", "N.2", "U.2", "P.D")
        for own in (False, True)
        for history in (False, True)
    ],
)
def test_every_raw_count_has_its_list(lists: Lists, asked: dict[str, object]) -> None:
    for kind, measure in (
        ("received", "received"),
        ("closed", "late"),
        ("closed", "lag_seconds"),
        ("closed", "processing_seconds"),
    ):
        answer = lists.things(
            "dossiers",
            ListAsked.model_validate(
                asked | {"kind": kind, "measure": measure, "window": "all", "limit": 1_000}
            ),
        )
        assert answer.same_moment is True, (kind, measure)
        assert sum(thing.adds for thing in answer.things) == answer.figure
