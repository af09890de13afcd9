"""What exists, listed: a row for each period, so that what holds on a day adds up to the figure of
that day, and what is missing of a share can be seen.
"""

from __future__ import annotations

import httpx
import pytest
from facts import Heard, record, told
from listed import Files, api, ask, files, ids, problem, shared, world
from listings import feed, pages, states
from registered import JULY

from metrics.lists.standing import UNTIL_FURTHER_NOTICE, DailyChanges
from streams.families import FAMILIES
from streams.family_state import FamilyState

__all__ = ["api", "files", "shared", "world"]

BEGINS, ENDS = "2025-01-01 00:00", "2025-12-01 00:00"


def test_changes_become_periods() -> None:
    changes = DailyChanges(2)
    for day, measure, amount in [(5, 0, 1), (9, 0, -1), (9, 1, 3), (7, 1, 0), (12, 1, -3)]:
        changes.add(day, measure, amount)
    assert [*changes.rows()] == [(5, 9, (1, 0)), (9, 12, (0, 3))]


def test_what_begins_as_something_else_ends_is_one_period_until_further_notice() -> None:
    changes = DailyChanges(1)
    for day, amount in [(5, 1), (9, -1), (9, 1)]:
        changes.add(day, 0, amount)
    assert [*changes.rows()] == [(5, UNTIL_FURTHER_NOTICE, (1,))]


def test_what_never_was_has_no_period() -> None:
    changes = DailyChanges(1)
    changes.add(5, 0, 1)
    changes.add(5, 0, -1)
    assert [*changes.rows()] == []


def procedure(code: str, **fields: object) -> Heard:
    fields = {"valid_from": BEGINS, **fields}
    item = f"procedure/{code}"
    return told("procedure.registered", "06-01 09:00", item_id=item, procedure=code, **fields)


PROCEDURES = [
    procedure("full", level=4),
    procedure("paper", level=2),
    procedure("late", level=2, valid_from=JULY),
    procedure("ended", level=2, valid_to=ENDS),
    procedure("unfit", level=2, eligible_online=False),
    # offered online from July on: another statement of the same item
    procedure("turned", level=2),
    procedure("turned", level=4, valid_from=JULY),
]
RECORDS = [
    told("activity.work_record_handled", "11-03 09:00", activity_id="w1", online=True),
    told("activity.work_record_handled", "11-04 09:00", activity_id="w2", online=False),
]


def tell(files: Files, family: str, facts: list[Heard]) -> None:
    cube, listing = files
    books = FamilyState(FAMILIES[family])
    books.keep(books.fold([record(*fact) for fact in facts]))
    cube.apply(pages(books), {0: 9})
    feed(listing, states(books))


NOT_ONLINE = {"indicator": "procedures_online_share", "part": "missing"}


async def test_which_procedures_are_not_offered_online(
    files: Files, api: httpx.AsyncClient
) -> None:
    tell(files, "inventory", PROCEDURES)
    answer = await ask(api, "/v1/inventory", **NOT_ONLINE)
    assert [thing["id"] for thing in answer["things"]] == [
        "procedure/ended",
        "procedure/paper",
        "procedure/late",
    ]
    assert (answer["figure"], answer["rows"], answer["adds"]) == (3, 3, 3)
    assert answer["same_moment"]
    assert answer["part"] == "missing"
    [ended, _, late] = answer["things"]
    assert (ended["at"], ended["until"]) == ("2025-01-01", "2025-12-01")
    assert (late["at"], late["until"]) == ("2025-07-01", None)
    assert late["counts"] == {"procedures": 1, "eligible_online": 1}
    assert late["dates"]["valid_from"] == "2025-07-01T00:00:00+07:00"


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2024-12-31", []),
        ("2025-06-30", ["ended", "paper", "turned"]),
        ("2025-07-01", ["ended", "paper", "late"]),
        ("2025-11-30", ["ended", "paper", "late"]),
        ("2025-12-01", ["paper", "late"]),
    ],
)
async def test_each_day_has_what_existed_then(
    files: Files, api: httpx.AsyncClient, day: str, found: list[str]
) -> None:
    tell(files, "inventory", PROCEDURES)
    answer = await ask(api, "/v1/inventory", **NOT_ONLINE, to=day)
    assert [thing["id"].partition("/")[2] for thing in answer["things"]] == found
    assert answer["figure"] == answer["adds"] == len(found)


async def test_the_parts_of_a_share_are_each_other_and_what_is_missing(
    files: Files, api: httpx.AsyncClient
) -> None:
    tell(files, "inventory", PROCEDURES)
    found = {}
    for part in ("numerator", "denominator", "missing"):
        answer = await ask(api, "/v1/inventory", indicator="procedures_online_share", part=part)
        found[part] = {thing["id"] for thing in answer["things"]}
    assert found["numerator"] | found["missing"] == found["denominator"]
    assert found["numerator"] == {"procedure/full", "procedure/turned"}


async def test_every_raw_count_of_what_exists_can_be_listed(
    files: Files, api: httpx.AsyncClient
) -> None:
    tell(files, "inventory", [*PROCEDURES, procedure("days", days_before=20, days_now=5)])
    (kind,) = (await ask(api, "/v1/counts", family="inventory", kind="procedures"))["kinds"]
    assert kind["counts"]["days_before"] == 20
    for measure, count in kind["counts"].items():
        answer = await ask(api, "/v1/inventory", kind="procedures", measure=measure)
        assert (answer["figure"], answer["adds"]) == (count, count), measure


async def test_pages_go_on_where_they_ended(files: Files, api: httpx.AsyncClient) -> None:
    tell(files, "inventory", PROCEDURES)
    first = await ask(api, "/v1/inventory", **NOT_ONLINE, limit=2)
    rest = await ask(api, "/v1/inventory", **NOT_ONLINE, limit=2, after=first["next"])
    assert [len(first["things"]), len(rest["things"]), rest["next"]] == [2, 1, None]


async def test_activities_and_what_is_missing_of_them(files: Files, api: httpx.AsyncClient) -> None:
    tell(files, "activities", RECORDS)
    about = {"path": "/v1/activities", "indicator": "work_records_online_share"}
    assert [one["id"] for one in (await ask(api, **about))["things"]] == ["w1"]
    [missing] = (await ask(api, **about, part="missing"))["things"]
    assert (missing["id"], missing["at"], missing["until"]) == ("w2", "2025-11-04", None)
    assert missing["dates"] == {"held_at": "2025-11-04T09:00:00+07:00"}


async def test_of_dossiers_the_late_ones_are_missing(api: httpx.AsyncClient) -> None:
    assert await ids(api, "dossiers_on_time_share", part="missing") == ["d2"]


async def test_what_has_nothing_missing_is_refused(api: httpx.AsyncClient) -> None:
    count = await problem(api, 422, indicator="dossiers_overdue", part="missing")
    assert "dossiers_overdue is a count and has no missing" in count
    mean = await problem(api, 422, indicator="sync_lag", part="missing")
    assert "not counted from the same cells" in mean
    raw = await problem(api, 422, kind="closed", measure="closed", part="missing")
    assert "part: goes with an indicator" in raw
