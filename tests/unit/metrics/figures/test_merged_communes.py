"""Communes that became one on 1 July 2025, from the events to the figures: two districts, a
department, dossiers before and after.

Codes are samples. Districts T and U ended; communes T.1 and T.2 became N.1, T.3 and U.1 became N.2,
U.2 went on. N.1 is also known as 000.N1.P, the form of TT 10/2016. The dossiers, worked out by
hand:

| dossier | received | closed | what is special | |---|---|---|---| | 1 | T.1, 10 June | T.1, 20
June | all before | | 2 | T.3, 25 June | P.D, 4 July | handed to the department on 3 July: receiving
and handling agency differ | | 3 | T.2, 28 June | T.2, 2 July | closed under a code that had ended:
N.1 answers for it | | 4 | N.2, 5 July | N.2, 8 July | all after | | 5 | 000.N1.P, 7 July | N.1, 9
July | two forms of one code | | 6 | U.2, 20 June | U.2, 10 July | the same commune, under another
district and then under the province | | 7 | X.9, 12 July | – | nobody registered X.9; no due time |
| 8 | T.1, 29 June | – | due 30 July, still open: N.1 answers for it |
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cubes import INDICATORS, NOW, Cell, counted, filled, table
from facts import Heard, answer, told

from metrics.api.app import create_app
from metrics.api.directory import directory_routes
from metrics.api.questions import Questions
from metrics.cube.snapshot import Readers
from metrics.prometheus.exporter import Exporter
from schemas.states import Item
from schemas.wire import Decoder, encode
from serving.directory.directory import Directory
from serving.store.progress import Progress
from streams.families import FAMILIES

BEGAN, MERGED = "2015-01-01 00:00", "2025-07-01 00:00"


def registered(code: str, level: str, parent: str | None, **fields: Any) -> Heard:
    """An agency as the department of home affairs registers it, in October 2025: long after the
    merger.
    """
    begins = fields.setdefault("valid_from", BEGAN)
    return told(
        "agency.registered",
        "10-01 08:00",
        item_id=f"agency/{code}",
        agency=code,
        level=level,
        parent=parent,
        event_id=f"{code}@{begins}",
        **fields,
    )


REGISTER = [
    registered("P", "province", None),
    registered("P.D", "department", "P"),
    *(registered(code, "district", "P", valid_to=MERGED) for code in ("T", "U")),
    *(
        registered(code, "commune", code[0], valid_to=MERGED, successor=into)
        for code, into in (("T.1", "N.1"), ("T.2", "N.1"), ("T.3", "N.2"), ("U.1", "N.2"))
    ),
    registered("U.2", "commune", "U", valid_to=MERGED),
    registered("U.2", "commune", "P", valid_from=MERGED),
    registered("N.1", "commune", "P", valid_from=MERGED, alias=["000.N1.P"]),
    registered("N.2", "commune", "P", valid_from=MERGED),
]
DOSSIERS: list[list[Heard]] = [
    [
        told("dossier.received", "06-10 08:00", agency="T.1", due_at="06-25 17:00"),
        told("dossier.finished", "06-20 08:00", agency="T.1"),
    ],
    [
        told("dossier.received", "06-25 08:00", agency="T.3", due_at="07-05 17:00"),
        told(
            "dossier.transferred", "07-03 08:00", agency="N.2", from_agency="T.3", to_agency="P.D"
        ),
        told("dossier.finished", "07-04 08:00", agency="P.D"),
    ],
    [
        told("dossier.received", "06-28 08:00", agency="T.2", due_at="07-10 17:00"),
        told("dossier.finished", "07-02 08:00", agency="T.2"),
    ],
    [
        told("dossier.received", "07-05 08:00", agency="N.2", due_at="07-15 17:00"),
        told("dossier.finished", "07-08 08:00", agency="N.2"),
    ],
    [
        told("dossier.received", "07-07 08:00", agency="000.N1.P", due_at="07-17 17:00"),
        told("dossier.step_taken", "07-08 08:00", agency="N.1"),
        told("dossier.finished", "07-09 08:00", agency="N.1"),
    ],
    [
        told("dossier.received", "06-20 08:00", agency="U.2", due_at="07-20 17:00"),
        told("dossier.finished", "07-10 08:00", agency="U.2"),
    ],
    [told("dossier.received", "07-12 08:00", agency="X.9")],
    [told("dossier.received", "06-29 08:00", agency="T.1", due_at="07-30 17:00")],
]


def items(facts: list[Heard]) -> dict[str, Item]:
    """The states that a worker would publish."""
    family, found = FAMILIES["inventory"], dict[str, Item]()
    for event, at in facts:
        kind, fields = Decoder("inventory")(encode(event))
        family.merges[kind](found.setdefault(event.thing, Item(statements={})), fields, at)
    return found


def cells(dossiers: list[list[Heard]]) -> list[Cell]:
    """The cells that a worker would publish, each dossier on a partition of its own."""
    found = []
    for partition, facts in enumerate(dossiers):
        for (kind, agency, category, at), counts in answer(*facts).items():
            found.append(
                counted(f"dossiers|{kind}|{agency}|{category}|{at}", partition=partition, **counts)
            )
    return found


class Hub:
    """The reporting API over all of it, on 12 November 2025."""

    def __init__(self, folder: Path, *, directory: Directory) -> None:
        self.cube = filled(folder, cells(DOSSIERS))
        indicators, shared = (
            INDICATORS,
            {"progress": lambda: Progress(ready=True, partitions=1), "clock": lambda: NOW},
        )
        questions = Questions(
            Readers(self.cube), indicators, {}, directory=lambda: directory, **shared
        )  # type: ignore[arg-type]
        exporter = Exporter(
            self.cube, indicators, worker_lag=dict, directory=lambda: directory, **shared
        )  # type: ignore[arg-type]
        self._app = create_app(questions, exporter, [directory_routes(questions)])

    def get(self, path: str, **asked: str) -> httpx.Response:
        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(self._app), base_url="http://hub"
            ) as client:
                return await client.get(path, params=asked)

        answer = asyncio.run(ask())
        assert answer.status_code == 200, answer.text
        return answer

    def counts(self, kind: str, **asked: str) -> dict[str, int]:
        """The kind's count of its own name in 2025: the total (under the empty text) and each
        group's.
        """
        (found,) = self.get(
            "/v1/counts", family="dossiers", kind=kind, window="year", **asked
        ).json()["kinds"]
        groups = {
            group["group"]: group["counts"][kind]
            for group in found["groups"]
            if group["counts"][kind]
        }
        return groups | {"": found["counts"][kind]}

    def count(self, kind: str, **asked: str) -> int:
        return self.counts(kind, **asked)[""]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    made = Hub(tmp_path_factory.mktemp("hub"), directory=Directory(items(REGISTER)))
    yield made
    made.cube.close()


def test_the_register_holds(hub: Hub) -> None:
    told_ = hub.get("/v1/agencies").json()
    assert told_["problems"] == []
    assert [one["code"] for one in told_["agencies"]] == ["P", "N.1", "N.2", "P.D", "U.2"]
    assert [one["code"] for one in told_["unknown"]] == ["X.9"]


@pytest.mark.parametrize(
    ("agency", "received", "closed"),
    [
        # dossiers 1, 2, 3 and 8 came in under T; only the first one ended while T was there
        ("T", 4, 1),
        ("U", 1, 0),  # dossier 6 came in under district U and ended under the province
        ("N.1", 1, 2),  # 5 came in; 5 ended, and 3 under a code that had become N.1
        ("N.2", 1, 1),
        ("U.2", 1, 1),
        ("P.D", 0, 1),  # 2 ended at the department, which had not received it
        ("P", 7, 6),  # everything but the unknown X.9
        ("X.9", 1, 0),
    ],
)
def test_figures_are_by_the_hierarchy_of_the_day(
    hub: Hub, agency: str, received: int, closed: int
) -> None:
    assert (hub.count("received", agency=agency), hub.count("closed", agency=agency)) == (
        received,
        closed,
    )


@pytest.mark.parametrize(
    ("agency", "received", "closed"),
    [
        ("N.1", 4, 3),  # its own 5, and of T.1 and T.2 the dossiers 1, 3 and 8
        ("N.2", 2, 1),  # its own 4, and 2 of T.3
        ("U.2", 1, 1),  # took over from nobody
    ],
)
def test_a_successor_shows_its_predecessors_history_on_request(
    hub: Hub, agency: str, received: int, closed: int
) -> None:
    asked = {"agency": agency, "history": "true"}
    assert (hub.count("received", **asked), hub.count("closed", **asked)) == (received, closed)


def test_only_the_agency_itself(hub: Hub) -> None:
    assert hub.count("received", agency="P", own="true") == 0
    assert hub.count("received", agency="N.1", own="true") == 1
    assert hub.count("closed", agency="N.1", own="true") == 1  # without dossier 3 of T.2


def test_both_forms_of_a_code_ask_for_the_same(hub: Hub) -> None:
    for kind in ("received", "closed"):
        assert hub.count(kind, agency="000.N1.P") == hub.count(kind, agency="N.1")


def test_nothing_is_lost_or_counted_twice_in_groups(hub: Hub) -> None:
    assert hub.counts("received", by="agency") == {
        "T.1": 2,
        "T.2": 1,
        "T.3": 1,
        "U.2": 1,
        "N.1": 1,
        "N.2": 1,
        "X.9": 1,
        "": 8,
    }
    assert hub.counts("closed", by="agency") == {
        "T.1": 1,
        "T.2": 1,
        "P.D": 1,
        "N.1": 1,
        "N.2": 1,
        "U.2": 1,
        "": 6,
    }
    communes = {"T.1": 2, "T.2": 1, "T.3": 1, "U.2": 1, "N.1": 1, "N.2": 1, "X.9": 1, "": 8}
    assert hub.counts("received", by="agency", roll_up="commune") == communes
    assert hub.counts("received", by="agency", roll_up="district") == {
        "T": 4,
        "U": 1,
        "N.1": 1,
        "N.2": 1,
        "X.9": 1,
        "": 8,
    }
    assert hub.counts("closed", by="agency", roll_up="commune") == {
        "T.1": 1,
        "N.1": 2,
        "N.2": 1,
        "U.2": 1,
        "P.D": 1,
        "": 6,
    }
    assert hub.counts("closed", by="agency", roll_up="province") == {"P": 6, "": 6}


def test_an_unknown_code_is_flagged_where_it_is_shown(hub: Hub) -> None:
    (kind,) = hub.get(
        "/v1/counts", family="dossiers", kind="received", window="year", by="agency"
    ).json()["kinds"]
    assert {group["group"] for group in kind["groups"] if not group["known"]} == {"X.9"}
    asked = {"window": "year", "by": "agency", "format": "csv"}
    rows = table(hub.get("/v1/indicators/information_not_asked_again_share", **asked).text)
    assert {row["group"] for row in rows if row["known"] == "false"} == {"X.9"}
    assert {row["group"] for row in rows if row["known"] == ""} == {""}  # the total


def test_what_is_open_now_is_the_successors(hub: Hub) -> None:
    def overdue(**asked: str) -> int:
        return int(hub.get("/v1/indicators/dossiers_overdue", **asked).json()["numerator"])

    assert (overdue(agency="N.1"), overdue(agency="T"), overdue(agency="P"), overdue()) == (
        1,
        0,
        1,
        1,
    )
    found = hub.get("/v1/indicators/dossiers_overdue", by="agency", roll_up="commune").json()
    assert [
        (group["group"], group["numerator"]) for group in found["groups"] if group["numerator"]
    ] == [("N.1", 1)]


def test_a_share_is_of_the_same_dossiers(hub: Hub) -> None:
    def on_time(**asked: str) -> tuple[int, int]:
        found = hub.get("/v1/indicators/dossiers_on_time_share", window="year", **asked).json()
        return found["numerator"], found["denominator"]

    assert on_time(agency="N.1") == (2, 2)
    assert on_time(agency="N.1", history="true") == (3, 3)
    assert on_time(level="commune") == (5, 5)  # without dossier 2 of the department


def test_who_reported_and_who_never_did(hub: Hub) -> None:
    found = table(hub.get("/v1/coverage", window="year", format="csv").text)
    days = {row["code"]: int(row["days_with_counts"]) for row in found}
    # U.1, the districts and the province never sent anything; N.1 received on the 7th under one
    # form and closed on the 9th under the other
    assert days == {
        "P": 0,
        "P.D": 1,
        "T": 0,
        "T.1": 3,
        "T.2": 2,
        "T.3": 1,
        "U": 0,
        "U.1": 0,
        "U.2": 2,
        "N.1": 2,
        "N.2": 2,
    }

    def coverage(**asked: str) -> tuple[int, int, bool]:
        found = hub.get("/v1/indicators/dossiers_on_time_share", window="year", **asked).json()[
            "coverage"
        ]
        return found["reporting"], found["expected"], found["complete"]

    assert coverage() == (7, 11, False)
    assert coverage(level="commune") == (6, 7, False)  # without U.1
    # the department, and the province itself, which sent nothing
    assert coverage(level="province") == (1, 2, False)
    assert coverage(agency="T") == (3, 4, False)  # T.1, T.2, T.3, and T itself
    assert coverage(agency="U.2") == (1, 1, True)
    assert coverage(agency="X.9") == (1, 1, False)  # nobody registered it


def test_without_a_register_every_code_stands_for_itself(tmp_path: Path) -> None:
    hub = Hub(tmp_path, directory=Directory())
    assert hub.count("received", agency="T.1") == 2
    assert hub.counts("received", by="agency")["000.N1.P"] == 1
    assert hub.get("/v1/agencies").json()["unknown"] == []


def test_a_level_is_of_the_days_own_agencies(tmp_path: Path) -> None:
    # from 5 July it is a district, which no real one became
    lifted = [registered("U.2", "district", "P", valid_from="2025-07-05 00:00")]
    hub = Hub(tmp_path, directory=Directory(items([*REGISTER, *lifted])))
    for level, received, closed in (("commune", 7, 4), ("district", 0, 1), ("province", 0, 1)):
        shares = [
            hub.get(f"/v1/indicators/{id_}", window="year", level=level).json()["denominator"]
            for id_ in ("information_not_asked_again_share", "dossiers_on_time_share")
        ]
        # dossier 6 of U.2 came in at a commune and ended at a district
        assert shares == [received, closed], level


def test_reported_figures_are_shown_of_the_agencies_asked_for(tmp_path: Path) -> None:
    said = told(
        "figure.reported",
        "10-05 08:00",
        item_id="figure/1",
        agency="000.N1.P",
        indicator="public_payroll_cut",
        numerator=12,
        denominator=100,
        period_from="07-01 00:00",
        period_to="09-30 00:00",
        document="12/BC-SAMPLE",
        revision=2,
    )
    hub = Hub(tmp_path, directory=Directory(items([*REGISTER, said])))

    def reports(**asked: str) -> list[tuple[str, float, str, int]]:
        found = hub.get("/v1/indicators/public_payroll_cut", window="year", **asked).json()[
            "reports"
        ]
        return [(one["agency"], one["value"], one["document"], one["revision"]) for one in found]

    shown = [("000.N1.P", 0.12, "12/BC-SAMPLE", 2)]
    assert [reports(), reports(agency="N.1"), reports(agency="P"), reports(agency="N.2")] == [
        shown,
        shown,
        shown,
        [],
    ]
