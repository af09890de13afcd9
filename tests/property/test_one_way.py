"""One way to a figure: JSON, CSV, GET /metrics and the lists behind figures tell the same numbers
of every indicator, whatever is asked of it.

The catalogues are the shipped one and one of a province's own, with filters and main indicators
where the shipped one has none.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from cubes import INDICATORS, table
from heard import directory_of, families_that_heard
from listings import empty, feed, paced, pages, states
from prometheus_client.parser import text_string_to_metric_families
from traces import mark

from metrics.api.app import create_app
from metrics.api.list_shapes import ListAnswer
from metrics.api.lists import answer_list, listing_routes
from metrics.api.parameters import ListParameters
from metrics.catalogue.indicators import Indicator
from metrics.cube.cube import Cube
from metrics.cube.snapshot import Readers
from metrics.figures.origins import origin_of
from metrics.figures.view import Views
from metrics.lists.questions import Lists
from metrics.lists.tables import LISTED_FAMILIES as LISTED
from metrics.lists.terms import PARTS, families_of
from metrics.prometheus.exporter import Exporter
from metrics.prometheus.scrape import exported, windows_of
from ops.meanings import meanings
from ops.simulate.whole import whole_province
from schemas.clock import DAY_MS, ZONE, to_ms
from schemas.states import applied_state
from schemas.windows import EXPORTED, WindowName
from serving.store.progress import Progress

NOW = to_ms(datetime(2025, 11, 20, 15, tzinfo=ZONE))
READY = Progress(ready=True, percent=100.0, partitions=1)
CUT = "processing_time_cut_actual"
NUMBERS = ("numerator", "denominator", "value", "target")
Numbers = dict[str, float | None]
# How the samples of `agency="all"` and of one agency are asked of the API; the other two filters
# are not exported.
FILTERS: tuple[dict[str, str], ...] = (
    {},
    {"agency": "", "own": "true"},
    {"level": "commune"},
    {"field": "land"},
)


def own() -> dict[str, Indicator]:
    """A catalogue that limits and exports what the shipped one does not."""
    made = {
        "cut_of_land": (CUT, {"filters": {"fields": ["land"]}}),
        "cut_of_one": (
            CUT,
            {"filters": {"categories": ["SAMPLE.000003.H35"]}},
        ),
        "cut_of_nothing": (CUT, {"filters": {"fields": ["sea"]}}),
        "cut_by_agency": (CUT, {"main": True}),
        "overdue_of_land": ("dossiers_overdue", {"filters": {"fields": ["land"]}}),
        "online_of_two": ("dossiers_online_share", {"filters": {"fields": ["land", "justice"]}}),
        "lag_by_agency": ("sync_lag", {"main": True}),
        "regulations_cut": ("regulations_cut", {"by_agency": False}),
    }
    found = dict(INDICATORS)
    for id_, (like, changes) in made.items():
        declared = INDICATORS[like].model_dump(by_alias=True) | {"id": id_} | changes
        found[id_] = Indicator.model_validate(declared)
    return found


class World(NamedTuple):
    """One moment of a province, as each door tells it."""

    catalogue: Mapping[str, Indicator]
    get: Callable[..., httpx.Response]
    lists: Lists
    agencies: list[str]  # of which cells came


@pytest.fixture(scope="module", params=[lambda: INDICATORS, own], ids=["shipped", "own"])
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    folder: Path = tmp_path_factory.mktemp("one-way")
    catalogue = request.param()
    books = families_that_heard(whole_province(5, 60, NOW - 25 * DAY_MS, 25))
    directory = directory_of(books)
    cube, listing = Cube(folder / "cube.sqlite"), empty(folder)
    cube.open("one", NOW)
    cube.apply([one for found in books.values() for one in pages(found)], {0: 1})
    for family in LISTED:
        feed(listing, [*states(books[family]), next(mark(family, *applied_state(1), 10**6))])
    views = Views(
        Readers(cube),
        catalogue,
        {},
        progress=lambda: READY,
        clock=lambda: NOW,
        directory=lambda: directory,
    )
    lists = Lists(views, paced(cube, listing), meanings(), progress=lambda: READY)
    app = create_app(views, Exporter(cube, views), [listing_routes(lists)])

    def get(path: str, **asked: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://hub") as client:
                return await client.get(path, params=asked)

        return asyncio.run(ask())

    with views.open() as view:
        agencies = sorted(view.heard)
    yield World(catalogue, get, lists, agencies)
    cube.close()
    listing.close()


def questions(
    world: World, windows: Iterable[WindowName | None] = (*EXPORTED, None)
) -> Iterator[dict[str, str]]:
    """Every window (or, for what is told as of now, none) with every filter."""
    agency = world.agencies[len(world.agencies) // 2]
    for window, chosen in product(windows, FILTERS):
        time = {} if window is None else {"window": window}
        yield time | chosen | ({"agency": agency} if "agency" in chosen else {})


def numbers(answer: Mapping[str, Any]) -> Numbers:
    return {name: answer[name] for name in NUMBERS}


def told(world: World, **asked: str) -> dict[str, Numbers]:
    answers = world.get("/v1/indicators", **asked).json()["indicators"]
    return {one["id"]: numbers(one) for one in answers}


def test_csv_has_the_numbers_of_json(world: World) -> None:
    for asked in questions(world):
        rows = table(world.get("/v1/indicators", format="csv", **asked).text)
        found = {
            row["id"]: {name: float(row[name]) if row[name] else None for name in NUMBERS}
            for row in rows
        }
        assert found == told(world, **asked), asked


def samples(world: World) -> dict[tuple[str, str, str], Numbers]:
    """By indicator, agency and window; what has no sample is None."""
    found: dict[tuple[str, str, str], Numbers] = {}
    for family in text_string_to_metric_families(world.get("/metrics").text):
        name = family.name.removeprefix("lgsp_indicator_")
        for one in family.samples if name in NUMBERS else ():
            labels = one.labels["indicator"], one.labels["agency"], one.labels["window"]
            found.setdefault(labels, dict.fromkeys(NUMBERS))[name] = one.value
    return found


def test_metrics_has_the_numbers_of_json(world: World) -> None:
    """Of the province in every window that is exported, and of each agency of the main ones."""
    found = samples(world)
    of_now = told(world)
    chosen = [one for one in world.catalogue.values() if exported(one)]
    for window in EXPORTED:
        province = told(world, window=window)
        for one in chosen:
            if window not in windows_of(one):
                continue
            expected = of_now[one.id] if one.asks_now else province[one.id]
            if expected["numerator"] is None:
                assert (one.id, "all", window) not in found
            else:
                assert found[one.id, "all", window] == expected, (one.id, window)
    absent = {one.id for one in chosen} - {id_ for id_, _, _ in found}
    assert absent <= {"cut_of_nothing"} | {
        one.id for one in chosen if of_now[one.id]["numerator"] is None
    }


def test_metrics_has_each_agency_as_json_has_it_by_itself(world: World) -> None:
    found = samples(world)
    told_of = sorted({agency for _, agency, _ in found} - {"all"})
    assert told_of
    for agency in told_of[:: max(1, len(told_of) // 4)]:
        for window in (*EXPORTED, None):
            time = {} if window is None else {"window": window}
            by_itself = told(world, agency=agency, own="true", **time)
            for one in world.catalogue.values():
                if exported(one) and one.asks_now == (window is None):
                    each = one.main and one.by_agency and one.by_procedure is None
                    expected = by_itself[one.id] if each else None
                    assert found.get((one.id, agency, window or "all")) == expected, one.id


def test_filters_leave_something_that_is_not_everything(world: World) -> None:
    found = told(world, window="all")
    for id_, like in (("cut_of_land", CUT), ("cut_of_one", CUT)) if "cut_of_land" in found else ():
        assert found[id_]["denominator"]
        assert found[id_]["denominator"] != found[like]["denominator"]


def test_lists_have_the_numbers_of_json_and_add_up_to_them(world: World) -> None:
    for asked in questions(world, (*EXPORTED[-1:], "month", None)):
        figures, compared = told(world, **asked), 0
        for one, part in product(world.catalogue.values(), PARTS):
            families = families_of(one, part)
            listed = origin_of(one).listed and len(families) == 1 and families[0] in LISTED
            if not listed or one.asks_now == ("window" in asked):
                continue
            question = ListParameters.model_validate(
                asked | {"indicator": one.id, "part": part, "limit": 1}
            )
            answer = answer_list(world.lists, families[0], question)
            assert answer.figure == figures[one.id][part], (one.id, part, asked)
            if answer.figure is not None:
                assert (answer.adds, answer.same_moment) == (answer.figure, True)
                compared += 1
        assert compared, asked


def test_what_changed_on_days_ends_with_what_is_open_at_this_instant(world: World) -> None:
    """All days, those to come too, and what is kept of each dossier's due time say the same."""
    for asked in ({}, {"agency": world.agencies[0]}, {"agency": world.agencies[-1]}):
        every = {"family": "dossiers", "kind": "flow", "window": "all"}
        (kind,) = world.get("/v1/counts", **every, **asked).json()["kinds"]
        flow = kind["counts"]
        now = told(world, **asked)
        assert (
            flow["taken_online"] + flow["taken_other"] - flow["left"]
            == (now["dossiers_open"]["value"])
        )
        assert flow["asked"] - flow["back"] == now["dossiers_waiting"]["value"]


def test_the_form_has_the_figures_of_the_same_day(world: World) -> None:
    """06a's columns of what is open, less the stopped ones, and of what is late."""
    days = {"from": "2025-11-01", "to": "2025-11-14"}
    for chosen in ({}, {"agency": world.agencies[0], "own": "true"}):
        form = world.get("/v1/reports/06a", by="agency", **days, **chosen).json()
        as_of = told(world, as_of="2025-11-14", **chosen)
        late = told(world, **days, **chosen)["late_06a"]
        stopped = world.get(
            "/v1/counts", kind="flow", family="dossiers", to="2025-11-14", **chosen
        ).json()["kinds"][0]["counts"]["left_stopped"]
        assert form["total"]["13"] == as_of["dossiers_overdue"]["value"]
        assert form["total"]["11"] == as_of["dossiers_open"]["value"] + stopped
        assert (form["total"]["10"], form["total"]["7"]) == (
            late["numerator"],
            late["denominator"],
        )


def test_lists_as_of_a_day_have_each_thing_once(world: World) -> None:
    """Whatever began and ended until then takes itself away; and page by page it is the same."""
    running = [one.id for one in world.catalogue.values() if one.as_of is not None]
    carried_over = {"indicator": "dossiers_carried_over", "from": "2025-11-11", "to": "2025-11-12"}
    for chosen in ({}, {"agency": world.agencies[0]}, {"level": "commune"}, {"field": "land"}):
        asked = [{"indicator": id_, "as_of": "2025-11-10"} for id_ in running]
        for question in (*asked, carried_over):
            answer = listed(world, question | chosen, "1000")
            assert answer.figure == answer.adds == answer.rows == len(answer.things), question
            assert answer.same_moment
            assert all(one.adds == 1 for one in answer.things)
            ids = [one.id for one in answer.things]
            assert len(set(ids)) == len(ids)
            assert paged(world, question | chosen) == ids
    everything = listed(world, {"indicator": "dossiers_open", "as_of": "2025-11-10"}, "1000")
    assert everything.figure == told(world, as_of="2025-11-10")["dossiers_open"]["value"]
    assert everything.figure, "there is something to look at"
    assert (everything.rule, str(everything.day)) == ("by_date", "2025-11-10")


def listed(world: World, question: Mapping[str, str], limit: str) -> ListAnswer:
    asked = ListParameters.model_validate({**question, "limit": limit})
    return answer_list(world.lists, "dossiers", asked)


def paged(world: World, question: Mapping[str, str]) -> list[str]:
    """The ids of pages of seven."""
    page = listed(world, question, "7")
    ids = [one.id for one in page.things]
    while page.next is not None:
        page = listed(world, {**question, "after": page.next}, "7")
        ids += [one.id for one in page.things]
    return ids


def test_groups_add_up_to_the_whole(world: World) -> None:
    """Also where a procedure has no field, or an agency no level; of now and of any day."""
    for by in ("agency", "procedure", "field", "level"):
        for time in ({"window": "month"}, {}, {"as_of": "2025-11-10"}):
            answers = world.get("/v1/indicators", by=by, **time).json()["indicators"]
            counted = [
                one
                for one in answers
                if one["groups"] and origin_of(world.catalogue[one["id"]]).listed
            ]
            assert len(counted) > 20, (by, time)
            for one in counted:
                for part in ("numerator", "denominator"):
                    found = [group[part] or 0 for group in one["groups"]]
                    assert sum(found) == (one[part] or 0), (one["id"], by, time)
            kinds = world.get("/v1/counts", family="dossiers", by=by, **time).json()["kinds"]
            for kind in (one for one in kinds if one["groups"]):
                for measure, count in kind["counts"].items():
                    assert sum(one["counts"][measure] for one in kind["groups"]) == count


def test_reported_figures_are_told_alike(world: World) -> None:
    """Where no single agency has a figure, nobody tells one."""
    text = world.get("/metrics").text
    found = {
        (one.labels["indicator"], one.labels["agency"]): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if family.name == "lgsp_reported_value"
    }
    today = datetime.fromtimestamp(NOW / 1000, ZONE).date().isoformat()
    whole = told(world, to=today)
    stated = [one.id for one in world.catalogue.values() if origin_of(one).stated]
    assert stated
    for id_ in stated:
        assert found.get((id_, "all")) == whole[id_]["value"], id_
        answer = world.get(f"/v1/indicators/{id_}", to=today, by="agency").json()
        by_agency = {one["group"]: one["value"] for one in answer["groups"]}
        each = {agency: value for (one, agency), value in found.items() if one == id_}
        each.pop("all", None)
        assert each == {agency: one for agency, one in by_agency.items() if one is not None}
