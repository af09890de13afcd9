"""GET /v1/dossiers, documents, tasks over a cube and a listing of the same facts: pages, formats,
moments and mistakes.
"""

from __future__ import annotations

import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cubes import INDICATORS, by_rules, table
from facts import Heard, family_state_of, ms, told
from fastapi import FastAPI
from listings import empty, feed, paced, pages, states

from metrics.api.app import create_app
from metrics.api.lists import listing_routes
from metrics.catalogue.indicators import Indicator
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.figures.view import Views
from metrics.lists.listing import Listing
from metrics.lists.questions import Lists
from metrics.prometheus.exporter import Exporter
from ops.meanings import meanings
from schemas.cells.kinds import APPLIED
from serving.store.progress import Progress
from streams.families import FAMILIES

World = SimpleNamespace
NOW = ms("11-20 10:00")


def one(number: int, *facts: Heard) -> list[Heard]:
    """The facts about one dossier of many."""
    return [(event.model_copy(update={"dossier_id": f"d{number}"}), at) for event, at in facts]


RECEIVED = told("dossier.received", "11-03 09:00", channel="online", due_at="11-10 17:00")
FACTS = [
    # on time, reported late: looked overdue
    *one(1, RECEIVED, told("dossier.finished", "11-10 16:30", heard="11-12 08:00")),
    *one(2, RECEIVED, told("dossier.finished", "11-11 09:00")),  # late
    # on time
    *one(
        3,
        told("dossier.received", "11-04 09:00", agency="B", due_at="11-10 17:00"),
        told("dossier.finished", "11-09 09:00"),
    ),
    *one(4, RECEIVED),  # overdue
    *one(5, RECEIVED, told("dossier.supplement_requested", "11-05 09:00")),  # waits
    *one(
        6, RECEIVED, told("dossier.paid", "11-05 09:00"), told("dossier.withdrawn", "11-06 09:00")
    ),
]


Files = tuple[Cube, Listing]


@contextmanager
def files_in(folder: Path) -> Iterator[Files]:
    """Files that were told the facts."""
    cube, listing = Cube(folder / "cube.sqlite"), empty(folder)
    cube.open("one", NOW)
    tell((cube, listing), FACTS)
    yield cube, listing
    cube.close()
    listing.close()


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Files]:
    """A test's own, which it may change."""
    with files_in(tmp_path) as files:
        yield files


def tell(files: Files, facts: list[Heard], figures: bool = True) -> None:
    """Facts as figures (unless these are still to come) and as a list."""
    books = family_state_of(facts)
    if figures:
        files[0].apply(pages(books), {0: 9})
    feed(files[1], states(books))


WORLD = SimpleNamespace()


@pytest.fixture
def world() -> World:
    """What a test may change while the API runs, as it is at first."""
    WORLD.progress = Progress(ready=True, percent=100.0, partitions=1)
    return WORLD


def application(files: Files) -> FastAPI:
    """The API over these files, in that world."""
    ready, clock = Progress(ready=True, percent=100.0, partitions=1), (lambda: NOW)
    views = Views(Readers(files[0]), INDICATORS, {}, progress=lambda: ready, clock=clock)
    lists = Lists(views, paced(*files), meanings(), progress=lambda: WORLD.progress)
    return create_app(views, Exporter(files[0], views), [listing_routes(lists)])


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Over files that nobody changes: to make an application takes longer than to ask it."""
    with files_in(tmp_path_factory.mktemp("shared")) as files:
        yield application(files)


@pytest.fixture
async def api(request: pytest.FixtureRequest, world: World) -> AsyncIterator[httpx.AsyncClient]:
    """Over the test's own files where it takes `files`."""
    own = "files" in request.fixturenames
    app = (
        application(request.getfixturevalue("files")) if own else request.getfixturevalue("shared")
    )
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        yield client


async def ask(api: httpx.AsyncClient, path: str = "/v1/dossiers", **parameters: Any) -> Any:
    answer = await api.get(
        path, params={name.rstrip("_"): value for name, value in parameters.items()}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ids(api: httpx.AsyncClient, indicator: str, **parameters: Any) -> list[str]:
    return [thing["id"] for thing in (await ask(api, indicator=indicator, **parameters))["things"]]


async def problem(
    api: httpx.AsyncClient, status: int, path: str = "/v1/dossiers", **parameters: Any
) -> str:
    answer = await api.get(path, params=parameters)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


async def test_what_is_behind_a_share(api: httpx.AsyncClient) -> None:
    assert await ids(api, "dossiers_on_time_share") == ["d6", "d3", "d1"]
    assert await ids(api, "dossiers_on_time_share", part="denominator") == ["d6", "d3", "d1", "d2"]
    assert await ids(api, "dossiers_overdue") == ["d4"]
    assert await ids(api, "payments_online_share") == ["d6"]


async def test_a_row_says_who_when_and_why(api: httpx.AsyncClient) -> None:
    answer = await ask(api, indicator="overdue_by_late_reporting", window="all")
    [thing] = answer.pop("things")
    assert thing == {
        "id": "d1",
        "agency": "A",
        "category": "p",
        "family": "dossiers",
        "kind": "closed",
        "at": "2025-11-10",
        "adds": 1,
        "counts": {
            "closed": 1,
            "finished": 1,
            "finished_online": 1,
            "on_time": 1,
            "results": 1,
            "reported_late": 1,
            "looked_overdue": 1,
            "processing_seconds": 631_800,
            "reports": 1,
            "lag_seconds": 142_200,
            "lag_le_172800": 1,
            "days_le_7": 1,
            "finished_without_step": 1,
            "processing_working_seconds": 163_800,
            "working_lag_seconds": 34_200,
            "working_lag_le_57600": 1,
        },
        "dates": {
            "received_at": "2025-11-03T09:00:00+07:00",
            "reception_heard_at": "2025-11-03T09:00:00+07:00",
            "due_at": "2025-11-10T17:00:00+07:00",
            "ended_at": "2025-11-10T16:30:00+07:00",
            "end_heard_at": "2025-11-12T08:00:00+07:00",
        },
        "href": "/v1/dossiers/d1",
    }
    assert (
        answer["figure"],
        answer["rows"],
        answer["adds"],
        answer["same_moment"],
        answer["next"],
    ) == (1, 1, 1, True, None)
    assert (answer["id"], answer["part"], answer["window"]) == (
        "overdue_by_late_reporting",
        "numerator",
        {"from": None, "to": None},
    )
    assert answer["as_of"]["figure"]["offsets"] == {"0": 9}
    assert answer["as_of"]["list"] == {"lgsp.dossiers.state": {"0": 6}}


async def test_an_overdue_dossier_has_the_instant_that_it_was_due(api: httpx.AsyncClient) -> None:
    [thing] = (await ask(api, indicator="dossiers_overdue"))["things"]
    assert (thing["at"], thing["counts"]) == ("2025-11-10T17:00:00+07:00", {"open": 1})


async def test_what_is_behind_a_raw_count(api: httpx.AsyncClient) -> None:
    answer = await ask(api, kind="closed", measure="reported_late", window="all")
    assert [thing["id"] for thing in answer["things"]] == ["d1"]
    assert (answer["kind"], answer["measure"], answer["id"], answer["part"]) == (
        "closed",
        "reported_late",
        None,
        None,
    )
    assert (answer["figure"], answer["rows"], answer["same_moment"]) == (1, 1, True)
    waiting = await ask(api, kind="open", measure="waiting")
    assert [thing["id"] for thing in waiting["things"]] == ["d5"]
    assert waiting["window"] == {"from": None, "to": None}, "what is open is open now"
    assert (await ask(api, kind="paid", measure="amount"))["figure"] == 50_000


async def test_every_raw_count_can_be_listed(api: httpx.AsyncClient) -> None:
    kinds = (await ask(api, "/v1/counts", family="dossiers"))["kinds"]
    for kind in [one for one in kinds if one["kind"] != APPLIED]:
        for measure, count in kind["counts"].items():
            answer = await ask(api, kind=kind["kind"], measure=measure)
            assert (answer["figure"], answer["adds"], answer["same_moment"]) == (
                count,
                count,
                True,
            ), (kind["kind"], measure)
            assert sum(thing["adds"] for thing in answer["things"]) == count


async def test_the_sum_of_amounts_is_the_figure(api: httpx.AsyncClient) -> None:
    answer = await ask(api, indicator="sync_lag")
    assert {thing["id"]: thing["adds"] for thing in answer["things"]} == {"d1": 142_200}
    assert (answer["figure"], answer["rows"], answer["adds"]) == (142_200, 1, 142_200)


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({"agency": "B"}, ["d3"]),
        ({"from": "2025-11-10"}, ["d1"]),
        ({"to": "2025-11-09"}, ["d6", "d3"]),
        ({"from": "2025-11-09", "to": "2025-11-09", "agency": "A"}, []),
        ({"window": "today"}, []),
    ],
)
async def test_agency_and_window_are_those_of_the_figure(
    api: httpx.AsyncClient, parameters: dict[str, str], expected: list[str]
) -> None:
    assert await ids(api, "dossiers_on_time_share", **parameters) == expected
    figure = (await ask(api, "/v1/indicators/dossiers_on_time_share", **parameters))["numerator"]
    assert figure == len(expected)


@pytest.mark.parametrize("limit", [1, 2, 3, 4])
async def test_pages_follow_one_another_by_token_and_by_link(
    api: httpx.AsyncClient, limit: int
) -> None:
    parameters = {"indicator": "dossiers_on_time_share", "part": "denominator", "limit": str(limit)}
    found: list[str] = []
    answer = await api.get("/v1/dossiers", params=parameters)
    while True:
        page = answer.json()
        found += [thing["id"] for thing in page["things"]]
        assert (page["rows"], page["adds"]) == ((4, 4) if len(found) <= limit else (None, None))
        if page["next"] is None:
            assert "link" not in answer.headers
            break
        [link] = re.findall(r'^<(.*)>; rel="next"$', answer.headers["link"])
        answer = await api.get(link)
        assert answer.json() == (await ask(api, **parameters, after=page["next"]))
    assert found == ["d6", "d3", "d1", "d2"]


async def test_csv_has_the_same_rows(api: httpx.AsyncClient) -> None:
    answer = await api.get(
        "/v1/dossiers",
        params={"indicator": "dossiers_on_time_share", "format": "csv", "limit": "2"},
    )
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = table(answer.text)
    assert [
        (row["id"], row["agency"], row["category"], row["at"], row["adds"]) for row in rows
    ] == [
        ("d6", "A", "p", "2025-11-06", "1"),
        ("d3", "B", "p", "2025-11-09", "1"),
    ]
    assert rows[0]["counts"].startswith("closed=1 withdrawn=1 on_time=1 early=1")
    assert (rows[0]["received_at"], rows[0]["returned_at"]) == ("2025-11-03T09:00:00+07:00", "")
    assert 'rel="next"' in answer.headers["link"]


async def test_an_id_that_is_a_formula_stays_text_in_csv(
    files: Files, api: httpx.AsyncClient
) -> None:
    formula = [(event.model_copy(update={"dossier_id": "=1+1"}), at) for event, at in [RECEIVED]]
    tell(files, [*FACTS, *formula])
    answer = await api.get(
        "/v1/dossiers", params={"indicator": "dossiers_overdue", "format": "csv"}
    )
    assert [row["id"] for row in table(answer.text)] == ["'=1+1", "d4"]
    assert await ids(api, "dossiers_overdue") == ["=1+1", "d4"]


async def test_a_list_that_is_ahead_of_the_figure_says_so(
    files: Files, api: httpx.AsyncClient
) -> None:
    tell(files, [*FACTS, *one(7, RECEIVED)], figures=False)
    answer = await ask(api, indicator="dossiers_overdue")
    assert (answer["figure"], answer["rows"], answer["same_moment"]) == (1, 2, False)


async def test_documents_and_tasks_have_their_own_addresses(
    files: Files, api: httpx.AsyncClient
) -> None:
    tell(
        files,
        [
            told("document.sent", "11-03 09:00", document_id="v1"),
            told("document.sent", "11-03 09:00", signed=False, document_id="v2"),
        ],
    )
    tell(files, [told("task.assigned", "11-03 09:00", due_at="11-10 17:00", task_id="t1")])
    documents = await ask(api, "/v1/documents", indicator="documents_electronic_share")
    assert [(thing["id"], thing["category"], thing["dates"]) for thing in documents["things"]] == [
        ("v1", "18", {"sent_at": "2025-11-03T09:00:00+07:00"}),
    ]
    tasks = await ask(api, "/v1/tasks", indicator="tasks_overdue")
    assert [(thing["id"], thing["dates"]["due_at"]) for thing in tasks["things"]] == [
        ("t1", "2025-11-10T17:00:00+07:00")
    ]


async def test_a_figure_that_is_absent_has_no_list_and_says_why(api: httpx.AsyncClient) -> None:
    answer = await ask(api, indicator="dossiers_on_time_share", field="land")
    assert (answer["figure"], answer["things"], answer["rows"]) == (None, [], 0)
    assert answer["missing"]["en"]
    assert answer["missing"]["vi"]


@pytest.mark.parametrize(
    ("status", "parameters", "said"),
    [
        (404, {"indicator": "nothing"}, "nothing is no indicator"),
        (422, {}, "indicator: name either an indicator, or kind and measure"),
        (
            422,
            {"indicator": "dossiers_overdue", "part": "denominator"},
            "dossiers_overdue is a count and has no denominator",
        ),
        (422, {"indicator": "documents_electronic_share"}, "counts documents: ask /v1/documents"),
        (422, {"indicator": "public_payroll_cut"}, "is not counted from events"),
        (
            422,
            {"indicator": "dossiers_overdue", "part": "both"},
            "part: both cannot be chosen: there are numerator, denominator",
        ),
        (422, {"indicator": "dossiers_overdue", "agency": "Z"}, "agency: Z is not expected"),
        (422, {"indicator": "dossiers_overdue", "by": "agency"}, "by: is no parameter"),
        (
            422,
            {"indicator": "dossiers_overdue", "roll_up": "commune"},
            "roll_up: is no parameter of this address",
        ),
        (422, {"indicator": "dossiers_overdue", "kind": "closed"}, "name either an indicator"),
        (422, {"indicator": "dossiers_overdue", "measure": "late"}, "measure: goes with kind"),
        (
            422,
            {"kind": "sent", "measure": "documents"},
            "kind: sent is no kind of dossiers; there are received, refused",
        ),
        (422, {"kind": "open"}, "measure: kind open counts open, waiting"),
        (
            422,
            {"kind": "open", "measure": "open", "level": "commune"},
            "level: goes with an indicator",
        ),
        (
            422,
            {"kind": "open", "measure": "open", "field": "land"},
            "field: goes with an indicator",
        ),
        (422, {"indicator": "dossiers_overdue", "limit": "0"}, "limit: should be 1 or more"),
        (422, {"indicator": "dossiers_overdue", "limit": "1001"}, "limit: should be 1000 or less"),
        (
            422,
            {"indicator": "dossiers_overdue", "limit": "many"},
            "limit: should be a whole number, not many",
        ),
        (
            422,
            {"indicator": "dossiers_overdue", "window": "month"},
            "dossiers_overdue is told as of now, and of no other time: leave out",
        ),
        (
            422,
            {"kind": "open", "measure": "open", "to": "2025-10-31"},
            "kind open is told as of now, and of no other time: leave out to",
        ),
        (422, {"indicator": "dossiers_on_time_share", "from": "2025-02-30"}, "from"),
        *(
            (422, {"indicator": "dossiers_overdue", "after": token}, "after: is no place in a list")
            for token in (
                "x",
                "é",
                "W10",
                "bnVsbA",
                "WzAsMSwiQSIsImQiLC0xXQ",
                "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OSwwLCJBIiwiZCIsMF0",
            )
        ),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    api: httpx.AsyncClient, status: int, parameters: dict[str, str], said: str
) -> None:
    assert said in await problem(api, status, **parameters)


async def test_until_the_list_is_complete_there_is_none(
    api: httpx.AsyncClient, world: World
) -> None:
    world.progress = Progress(percent=12.5, doing="catching up")
    assert "The list is being built from Kafka: 12.5 %" in await problem(
        api, 503, indicator="dossiers_overdue"
    )


async def test_a_file_that_is_being_made_anew_has_no_answers(
    files: Files, api: httpx.AsyncClient
) -> None:
    files[1].close()
    assert "The list is being made anew" in await problem(api, 503, indicator="dossiers_overdue")


async def test_lists_that_are_switched_off_say_so(files: Files) -> None:
    ready = Progress(ready=True, percent=100.0, partitions=1)
    questions = Views(Readers(files[0]), INDICATORS, {}, progress=lambda: ready, clock=lambda: NOW)
    exporter = Exporter(files[0], questions)
    transport = httpx.ASGITransport(
        create_app(questions, exporter, [listing_routes(None)]), raise_app_exceptions=False
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
        assert "LGSP_LISTING=1" in await problem(client, 404, indicator="dossiers_overdue")


def live(indicator: Indicator) -> bool:
    return indicator.source == "events" and indicator.families == ("dossiers",)


async def test_every_live_indicator_of_dossiers_can_be_listed(api: httpx.AsyncClient) -> None:
    for indicator in filter(live, INDICATORS.values()):
        for part in ["numerator", "denominator"] if indicator.denominator else ["numerator"]:
            answer = await ask(api, indicator=indicator.id, part=part)
            assert answer["same_moment"] in (True, None), indicator.id
            assert (answer["same_moment"] is None) == (answer["figure"] is None), indicator.id
            assert sum(thing["adds"] for thing in answer["things"]) == (answer["figure"] or 0)


async def test_a_list_by_other_rules_than_the_figure_is_absent(
    api: httpx.AsyncClient, files: Files
) -> None:
    """Another version's books, or one partition that another version's worker has not counted anew
    yet.
    """
    own = FAMILIES["dossiers"].version
    files[0].apply([by_rules("dossiers", own)], {0: 9})
    assert await ids(api, "dossiers_overdue") == ["d4"]
    files[0].apply([by_rules("dossiers", own + 1, partition=1)], {0: 9})
    for subject in (
        {"indicator": "dossiers_overdue"},
        {"kind": "closed", "measure": "late", "window": "all"},
    ):
        answer = await ask(api, **subject)
        assert (answer["figure"], answer["things"], answer["same_moment"]) == (None, [], None)
        assert (
            f"counted by version {own}, {own + 1} of the rules of dossiers"
            in answer["missing"]["en"]
        )
        assert f"phiên bản {own}, {own + 1}" in answer["missing"]["vi"]


async def test_a_list_by_other_office_hours_than_the_figure_is_absent(
    api: httpx.AsyncClient, files: Files
) -> None:
    files[0].apply([by_rules("dossiers", FAMILIES["dossiers"].version, calendar=7)], {0: 9})
    answer = await ask(api, indicator="processing_time", window="all")
    assert (answer["figure"], answer["things"], answer["same_moment"]) == (None, [], None)
    assert "other office hours" in answer["missing"]["en"]


async def test_a_list_that_is_stuck_takes_neither_figures_nor_other_lists_along(
    files: Files, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than there are threads, and each is answered all the same."""
    ready, clock, go_on = (
        Progress(ready=True, percent=100.0, partitions=1),
        (lambda: NOW),
        threading.Event(),
    )
    questions = Views(Readers(files[0]), INDICATORS, {}, progress=lambda: ready, clock=clock)
    lists = Lists(questions, paced(*files), meanings(), progress=lambda: world.progress)
    monkeypatch.setattr(lists, "things", lambda *_: go_on.wait())
    exporter = Exporter(files[0], questions)
    transport = httpx.ASGITransport(
        create_app(questions, exporter, [listing_routes(lists, patience=0.01)]),
        raise_app_exceptions=False,
    )
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://hub") as api:
            for _ in range(20):
                assert "could not be read within" in await problem(
                    api, 503, indicator="dossiers_overdue"
                )
            assert (await ask(api, "/v1/indicators/dossiers_overdue"))["value"] == 1
    finally:
        go_on.set()
