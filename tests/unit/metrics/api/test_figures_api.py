"""The reporting API over a cube filled by hand: every figure, window, group, format and mistake."""

from __future__ import annotations

import httpx
import pytest
from asked import World, api, ask, figures, groups, shared, world
from cubes import INDICATORS, at, table

from metrics.api.count_shapes import COUNTS_COLUMNS
from metrics.api.indicator_shapes import INDICATOR_COLUMNS
from metrics.catalogue.indicators import Agency, Indicator
from schemas.cells.kinds import CELL_KINDS
from schemas.cells.kinds import counted as hub_counted

__all__ = ["api", "shared", "world"]


async def test_the_main_ones_alone(api: httpx.AsyncClient, world: World) -> None:
    """And all of them of a catalogue that marks none."""
    whole, main = await figures(api), await figures(api, main="true")
    assert 5 < len(main) < 20
    assert main.items() <= whole.items()
    assert {"dossiers_online_share", "dossiers_overdue", "tasks_overdue"} <= main.keys()
    for id_ in main:
        world.indicators[id_] = world.indicators[id_].model_copy(update={"main": False})
    assert await figures(api, main="true") == whole


async def test_figures_of_the_year_to_date(api: httpx.AsyncClient) -> None:
    wanted = {
        "dossiers_online_share": (5, 11, 5 / 11),
        "transfers_electronic_share": (2, 3, 2 / 3),
        "payments_online_share": (1, 4, 0.25),
        "results_digitised_share": (5, 11, 5 / 11),
        "satisfaction": (4, 5, 0.8),
        "documents_electronic_share": (5, 8, 0.625),
        "dossiers_on_time_share": (9, 12, 0.75),
        "dossiers_overdue": (4, None, 4),
        "dossiers_due_soon": (4, None, 4),
        "sync_lag": (669, 9, 669 / 9),
    }
    found = await figures(api)
    assert {id_: found[id_] for id_ in wanted} == wanted
    assert list(found) == list(INDICATORS)


@pytest.mark.parametrize(
    "window, online",
    [
        ({"window": "today"}, (2, 2)),
        ({"window": "week"}, (4, 10)),
        ({"window": "month"}, (4, 10)),
        ({"window": "quarter"}, (5, 11)),
        ({"window": "year"}, (5, 11)),
        ({"window": "all"}, (6, 15)),
        ({"from": "2025-11-10", "to": "2025-11-10"}, (2, 8)),
        ({"from": "2024-12-31", "to": "2025-11-11"}, (4, 13)),
        ({"from": "2025-11-11"}, (2, 2)),
        ({"to": "2025-10-01"}, (2, 5)),
        ({"from": "2023-01-01", "to": "2023-12-31"}, (0, 0)),
        ({"window": "report:2025-10"}, (1, 1)),  # 15 September to 14 October
        ({"window": "report:2025-11"}, (4, 10)),  # it runs
        ({"window": "report:2025-Q4"}, (5, 11)),
        ({"window": "report:2025-9M"}, (1, 4)),  # from 15 December 2024
        ({"window": "calendar:2025-10"}, (1, 1)),
        ({"window": "calendar:2024"}, (1, 4)),
    ],
)
async def test_windows(
    api: httpx.AsyncClient, window: dict[str, str], online: tuple[int, int]
) -> None:
    numerator, denominator, value = (await figures(api, **window))["dossiers_online_share"]
    assert (numerator, denominator) == online
    assert value == (online[0] / online[1] if online[1] else None)


async def test_groups_have_their_own_numerator_and_denominator(api: httpx.AsyncClient) -> None:
    online = "dossiers_online_share"
    assert await groups(api, online, "agency") == {"A": (1, 1, 1.0), "B": (4, 10, 0.4)}
    assert await groups(api, online, "category") == {"P1": (3, 9, 3 / 9), "P2": (2, 2, 1.0)}
    assert await groups(api, online, "day") == {
        "2025-10-01": (1, 1, 1.0),
        "2025-11-10": (2, 8, 0.25),
        "2025-11-12": (2, 2, 1.0),
    }
    assert await groups(api, online, "day", agency="A", window="all") == {
        "2024-12-31": (1, 4, 0.25),
        "2025-10-01": (1, 1, 1.0),
    }


async def test_overdue_and_due_soon_are_questions_about_now(
    api: httpx.AsyncClient, world: World
) -> None:
    assert await groups(api, "dossiers_overdue", "agency") == {"A": (3, None, 3), "B": (1, None, 1)}
    assert await groups(api, "dossiers_due_soon", "day") == {
        "2025-11-12": (2, None, 2),
        "2025-11-13": (2, None, 2),
    }
    soon = await groups(api, "dossiers_due_soon", "category")
    assert soon == {"P1": (2, None, 2), "P2": (2, None, 2)}
    world.now += 1
    assert (await figures(api))["dossiers_overdue"] == (6, None, 6)
    assert (await figures(api))["dossiers_due_soon"] == (9, None, 9)
    world.now = at("2025-11-20T08:00")
    assert (await figures(api, agency="B"))["dossiers_overdue"] == (10, None, 10)
    assert (await figures(api, agency="C"))["dossiers_overdue"] == (0, None, 0)


async def test_targets_and_gaps_of_the_year_asked_for(api: httpx.AsyncClient) -> None:
    one = await ask(api, "/v1/indicators/satisfaction")
    assert (one["target"], one["gap"]) == (0.9, -0.1)
    one = await ask(
        api,
        "/v1/indicators/dossiers_online_share",
        from_="2024-01-01",
        to="2024-12-31",
        by="agency",
    )
    assert (one["target"], one["value"], one["gap"], one["groups"][0]["gap"]) == (
        0.5,
        0.25,
        -0.25,
        -0.25,
    )
    one = await ask(
        api, "/v1/indicators/results_digitised_share", from_="2024-01-01", to="2024-12-31"
    )
    # its targets are those of levels
    assert (one["target"], one["value"], one["gap"]) == (None, 0.0, None)
    one = await ask(api, "/v1/indicators/satisfaction", to="2024-12-31")
    assert (one["target"], one["value"], one["gap"]) == (0.9, None, None)
    assert (await ask(api, "/v1/indicators/dossiers_overdue"))["target"] is None


async def test_the_answer_says_what_it_is(api: httpx.AsyncClient) -> None:
    one = await ask(api, "/v1/indicators/sync_lag", from_="2025-01-01", to="2025-12-31")
    assert one["name"] == {
        "vi": "Độ trễ đồng bộ kết thúc hồ sơ",
        "en": "Time from the end of a dossier to its report",
    }
    assert (one["id"], one["version"], one["unit"], one["direction"]) == (
        "sync_lag",
        1,
        "seconds",
        "down",
    )
    assert one["window"] == {"from": "2025-01-01", "to": "2025-12-31"}
    assert (one["agency"], one["by"], one["groups"]) == (None, None, [])
    assert (await ask(api, "/v1/indicators/dossiers_overdue"))["window"] == {
        "from": None,
        "to": None,
    }


async def test_percentiles_are_the_bounds_of_their_classes(api: httpx.AsyncClient) -> None:
    # 2 of a second, 3 of up to 5, 2 of up to 60, 1 of up to 300, 1 beyond all classes: the 5th and
    # the 9th of 9
    assert (await ask(api, "/v1/indicators/sync_lag"))["percentiles"] == {"p50": 5, "p90": None}
    assert (await ask(api, "/v1/indicators/sync_lag", window="today"))["percentiles"] == {
        "p50": None,
        "p90": None,
    }
    assert (await ask(api, "/v1/indicators/satisfaction"))["percentiles"] == {}


async def test_coverage_without_a_list_is_of_all_heard_from(api: httpx.AsyncClient) -> None:
    found = (await ask(api, "/v1/indicators/satisfaction"))["coverage"]
    assert (found["reporting"], found["expected"], found["share"]) == (2, 3, 2 / 3)
    assert (await ask(api, "/v1/indicators/documents_electronic_share"))["coverage"][
        "reporting"
    ] == 1
    assert (await ask(api, "/v1/indicators/satisfaction", agency="C"))["coverage"]["share"] == 0.0


async def test_nothing_is_complete_where_nobody_registered_who_should_report(
    api: httpx.AsyncClient, world: World
) -> None:
    """Everybody who was ever heard from reports; who never was is not known."""
    for agencies, complete in (({}, False), ({"B": Agency(code="B")}, True)):
        world.agencies.clear()
        world.agencies.update(agencies)
        found = (await ask(api, "/v1/indicators/satisfaction", agency="B"))["coverage"]
        assert (found["reporting"], found["expected"], found["complete"]) == (1, 1, complete)
        assert (found["note"] is None) == complete


async def test_coverage_with_a_list_is_of_the_listed(api: httpx.AsyncClient, world: World) -> None:
    world.agencies |= {code: Agency(code=code) for code in "BCDE"}
    assert (await ask(api, "/v1/indicators/satisfaction"))["coverage"] == {
        "reporting": 1,
        "expected": 4,
        "share": 0.25,
        "complete": False,
        "note": {
            "vi": "Số liệu chưa đầy đủ: mới có 1/4 cơ quan phải báo cáo đã báo cáo.",
            "en": "Incomplete: 1 of 4 agencies that should report did.",
        },
    }
    assert (await ask(api, "/v1/indicators/satisfaction", agency="E"))["numerator"] == 0


async def test_coverage_does_not_apply_to_what_is_registered_or_reported(
    api: httpx.AsyncClient, world: World
) -> None:
    nothing = {"reporting": None, "expected": None, "share": None, "complete": None}
    world.agencies |= {code: Agency(code=code) for code in "AB"}
    told = {one["id"]: one["coverage"] for one in (await ask(api, "/v1/indicators"))["indicators"]}
    for id_ in ("procedures_online_share", "regulations_cut"):
        assert told[id_].items() > nothing.items()
        assert told[id_]["note"]["en"].startswith("Coverage does not apply")
    assert told["dossiers_online_share"]["reporting"] == 2
    for kind in (await ask(api, "/v1/counts", family="inventory"))["kinds"]:
        assert kind["coverage"].items() > nothing.items()
    (row,) = table((await api.get("/v1/indicators/procedures_online_share?format=csv")).text)
    assert (row["reporting"], row["expected"], row["complete"]) == ("", "", "")
    assert row["note_en"].startswith("Coverage does not apply")


async def test_a_figure_that_is_not_complete_says_so_in_a_file_too(
    api: httpx.AsyncClient, world: World
) -> None:
    world.agencies |= {code: Agency(code=code) for code in "AB"}
    told = {}
    for id_ in ("satisfaction", "documents_electronic_share"):
        answer = await api.get(f"/v1/indicators/{id_}", params={"format": "csv"})
        (row,) = table(answer.text)
        told[id_] = (row["complete"], row["note_vi"], row["note_en"])
    assert told["satisfaction"] == ("true", "", "")  # A and B both closed dossiers this year
    assert told["documents_electronic_share"][0] == "false"
    assert (
        told["documents_electronic_share"][2]
        == "Incomplete: 1 of 2 agencies that should report did."
    )


async def test_an_indicator_can_be_limited_to_categories(
    api: httpx.AsyncClient, world: World
) -> None:
    declared = world.indicators["dossiers_online_share"].model_dump() | {
        "id": "of_p2",
        "filters": {"categories": ["P2", "P3"]},
    }
    world.indicators["of_p2"] = Indicator(**declared)
    assert (await figures(api))["of_p2"] == (2, 2, 1.0)
    assert await groups(api, "of_p2", "agency") == {"B": (2, 2, 1.0)}


@pytest.mark.parametrize("by", ["", "agency", "category", "day", "level"])
async def test_csv_says_the_same_as_json(api: httpx.AsyncClient, by: str) -> None:
    parameters = {"by": by} if by else {}
    answer = await api.get("/v1/indicators", params={"format": "csv", **parameters})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = table(answer.text)
    assert tuple(rows[0]) == INDICATOR_COLUMNS
    told = [
        (row["id"], row["group"], row["numerator"], row["denominator"], row["value"])
        for row in rows
    ]
    wanted = []
    for one in (await ask(api, "/v1/indicators", **parameters))["indicators"]:
        for share in [one | {"group": ""}, *one["groups"]]:
            numbers = [
                "" if share[name] is None else str(share[name])
                for name in ("numerator", "denominator", "value")
            ]
            wanted.append((one["id"], share["group"], *numbers))
    assert told == wanted
    assert len(table((await api.get("/v1/indicators/satisfaction?format=csv")).text)) == 1


async def test_the_score_as_json_and_csv(api: httpx.AsyncClient) -> None:
    found = await ask(api, "/v1/scores/766", window="month")
    assert [group["group"] for group in found["groups"]][:2] == ["transparency", "progress"]
    assert (found["of"], found["window"]) == (100, {"from": "2025-11-01", "to": "2025-11-12"})
    text = (await api.get("/v1/scores/766?format=csv&window=month")).text
    assert len(text.splitlines()) == 1 + sum(len(group["items"]) for group in found["groups"])


async def test_raw_counts(api: httpx.AsyncClient) -> None:
    answer = await ask(
        api, "/v1/counts", family="dossiers", kind="received", by="agency", window="year"
    )
    (kind,) = answer["kinds"]
    assert (kind["family"], kind["kind"], kind["window"]) == (
        "dossiers",
        "received",
        {"from": "2025-01-01", "to": "2025-11-12"},
    )
    assert tuple(kind["counts"]) == CELL_KINDS["dossiers"]["received"].measures
    assert {name: count for name, count in kind["counts"].items() if count} == {
        "received": 13,
        "received_online": 7,
        "received_counter": 4,
        "received_post": 2,
    }
    assert [(group["group"], group["counts"]["received"]) for group in kind["groups"]] == [
        ("A", 13)
    ]
    assert answer["as_of"]["offsets"] == {"0": 40, "1": 7}


async def test_open_dossiers_are_counted_as_of_now(api: httpx.AsyncClient) -> None:
    answer = await ask(api, "/v1/counts", family="dossiers", kind="open", by="day")
    (kind,) = answer["kinds"]
    assert kind["window"] == {"from": None, "to": None}
    assert kind["counts"] == {"open": 25, "waiting": 2}
    assert [(group["group"], group["counts"]["open"]) for group in kind["groups"]] == [
        ("", 8),
        ("2025-11-11", 4),
        ("2025-11-12", 3),
        ("2025-11-13", 10),
    ]


async def test_counts_of_everything_and_as_csv(api: httpx.AsyncClient) -> None:
    answer = await ask(api, "/v1/counts")
    kinds = [(kind["family"], kind["kind"]) for kind in answer["kinds"]]
    # not the hub's own bookkeeping
    assert kinds == [(family, kind) for family in CELL_KINDS for kind in hub_counted(family)]
    assert (await api.get("/v1/counts?kind=applied")).status_code == 422
    text = (await api.get("/v1/counts?format=csv&family=documents&kind=sent&by=agency")).text
    rows = table(text)
    assert tuple(rows[0]) == COUNTS_COLUMNS
    assert [(row["group"], row["measure"], row["count"]) for row in rows[:2]] == [
        ("", "documents", "8"),
        ("", "electronic", "7"),
    ]
    assert [row["group"] for row in rows] == [""] * 4 + ["A"] * 4


async def test_the_same_question_has_the_same_answer_to_the_byte(api: httpx.AsyncClient) -> None:
    for path in (
        "/v1/indicators?by=agency",
        "/v1/counts?by=category",
        "/v1/indicators?by=day&format=csv",
    ):
        assert (await api.get(path)).content == (await api.get(path)).content


async def test_the_catalogue_and_openapi(api: httpx.AsyncClient) -> None:
    entries = (await ask(api, "/v1/catalogue"))["indicators"]
    assert [entry["id"] for entry in entries] == list(INDICATORS)
    assert all(entry["definition"]["vi"] and entry["clause"] for entry in entries)
    assert {entry["from"] for entry in entries} == {
        "events",
        "procedures",
        "reported",
        "coverage",
        "score",
        "none",
    }
    described = await ask(api, "/openapi.json")
    addresses = {
        "/v1/indicators",
        "/v1/indicators/{id}",
        "/v1/scores/766",
        "/v1/counts",
        "/v1/catalogue",
        "/metrics",
    }
    assert addresses <= described["paths"].keys()
    names = {
        parameter["name"] for parameter in described["paths"]["/v1/indicators"]["get"]["parameters"]
    }
    assert names == {
        "agency",
        "own",
        "history",
        "from",
        "to",
        "window",
        "as_of",
        "main",
        "by",
        "roll_up",
        "level",
        "field",
        "compare",
        "format",
        "books",
    }
    assert (await api.get("/docs")).status_code == 404
