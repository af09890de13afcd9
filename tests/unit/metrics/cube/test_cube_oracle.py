"""The cube against a naive oracle: any stream of cells, in any batches, with restarts and rebuilds
in between.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from cubes import Cell, Pages, Record, cell
from hypothesis import given
from hypothesis import strategies as st
from strategies import examples

from metrics.catalogue.indicators import Indicator, Name, Term
from metrics.cube.cube import Cube
from metrics.cube.rollups import cover_days, cover_instants, cover_stock
from metrics.cube.snapshot import Readers, Snapshot
from metrics.cube.tables import TABLES
from metrics.figures.moment import Moment
from metrics.figures.scopes import AgencyScope
from metrics.figures.sums import SharedSums, read_parts
from schemas.clock import EARLIEST_MS, ZONE, as_date, to_datetime, to_ms
from schemas.windows import EVER, Window

NOON = 1_763_870_000_000
PAID, OPEN, USERS = (
    TABLES["dossiers", "paid"],
    TABLES["dossiers", "open"],
    TABLES["inventory", "accounts"],
)
WINDOWS = [
    EVER,
    Window(date(2025, 1, 1), date(2025, 11, 23)),
    Window(date(2024, 12, 31), date(2025, 2, 1)),
    Window(date(2025, 2, 2), None),
]
SHARE = Indicator(
    id="authenticated",
    name=Name(vi="Mẫu", en="Sample"),
    unit="share",
    direction="up",
    version=1,
    clause="a sample",
    definition=Name(vi="Mẫu", en="Sample"),
    family="inventory",
    numerator=Term(kind="accounts", measures=("users_authenticated",)),
    denominator=Term(kind="accounts", measures=("users",)),
)


DAYS = st.sampled_from(
    [20231231, 20241231, 20250101, 20250131, 20250202, 20251031, 20251123, 20260101]
)
DUES = st.sampled_from([0, NOON - 90_000_000, NOON - 1, NOON, NOON + 1, NOON + 200_000_000])
COUNTS = st.lists(st.integers(0, 9), min_size=1, max_size=4)
CHANGES = st.lists(st.integers(-9, 9), min_size=1, max_size=4)


@st.composite
def cells(draw: st.DrawFn) -> Cell:
    dossiers = st.one_of(st.tuples(st.just("paid"), DAYS), st.tuples(st.just("open"), DUES))
    family, kind, at = draw(
        st.one_of(
            dossiers.map(lambda found: ("dossiers", *found)),
            st.tuples(st.just("inventory"), st.just("accounts"), DAYS),
        )
    )
    agency, category, partition = (
        draw(st.sampled_from("AB")),
        draw(st.sampled_from("PQ")),
        draw(st.integers(0, 1)),
    )
    counts = draw(COUNTS if family == "dossiers" else CHANGES)[
        : len(TABLES[family, kind].declared.measures)
    ]
    return cell(
        f"{family}|{kind}|{agency}|{category}|{at}", *counts, partition=partition, timestamp=NOON
    )


STEPS = st.lists(
    st.one_of(st.lists(cells(), max_size=12), st.sampled_from(["restart", "rebuild"])), max_size=12
)


class Oracle:
    """The newest value of every key, summed afresh for every question."""

    def __init__(self) -> None:
        self.newest: dict[tuple[int, str], list[int]] = {}

    def apply(self, batch: list[Cell]) -> None:
        self.newest |= {
            (one.partition, one.key): [one.counts.get(place, 0) for place in range(4)]
            for one in batch
        }

    def rows(self, kind: str) -> list[tuple[str, str, int, list[int]]]:
        found = []
        for (_, key), counts in self.newest.items():
            _, its_kind, agency, category, at = key.split("|")
            if its_kind == kind and any(counts):
                found.append((agency, category, int(at), counts))
        return found


def stocks_agree(oracle: Oracle, snapshot: Snapshot) -> None:
    """What exists at the end of a window is every change since ever, however late the window
    begins.
    """
    today = date(2025, 2, 1)
    rows = [
        (agency, category, as_date(at), counts)
        for agency, category, at, counts in oracle.rows("accounts")
    ]
    for window in WINDOWS:
        end = window.last or today
        for place, by in enumerate(("agency", "category")):
            wanted: defaultdict[str, Counter[int]] = defaultdict(Counter)
            for row in rows:
                if row[2] <= end:
                    wanted[str(row[place])].update(dict(enumerate(row[3])))
            found = snapshot.sums(USERS, cover_stock(window, today), by=by)  # type: ignore[arg-type]
            nothing = [0] * len(USERS.declared.measures)
            for group in {*found, *wanted}:
                assert found.get(group, nothing) == [
                    wanted[group][place] for place in range(len(nothing))
                ]
        parts = read_parts(
            SharedSums(snapshot, Moment(to_ms(datetime(2025, 2, 1, tzinfo=ZONE))), [SHARE]),
            SHARE,
            [AgencyScope(window)],
            by="day",
        )
        days = {row[2] for row in rows if (window.first or row[2]) <= row[2] <= end}
        existed = {
            day_.isoformat(): [
                sum((*row[3], 0)[place] for row in rows if row[2] <= day_) for place in (1, 0)
            ]
            for day_ in days
        }
        assert parts == {day_: existed[day_] for day_ in parts}
        changed = {
            day_.isoformat()
            for day_ in days
            if any(sum((*row[3], 0)[place] for row in rows if row[2] == day_) for place in (0, 1))
        }
        assert changed <= parts.keys()


def agree(oracle: Oracle, cube: Cube) -> None:
    with Readers(cube).snapshot() as snapshot:
        stocks_agree(oracle, snapshot)
        for window in WINDOWS:
            for place, by in enumerate(("agency", "category", "day")):
                wanted: defaultdict[str, Counter[int]] = defaultdict(Counter)
                for agency, category, at, counts in oracle.rows("paid"):
                    day_ = as_date(at)
                    if (window.first or day_) <= day_ <= (window.last or day_):
                        wanted[(agency, category, day_.isoformat())[place]].update(
                            dict(enumerate(counts))
                        )
                found = snapshot.sums(PAID, cover_days(window), by=by)  # type: ignore[arg-type]
                assert {
                    group: +Counter(dict(enumerate(counts))) for group, counts in found.items()
                } == {g: +c for g, c in wanted.items()}
                assert list(found) == sorted(found)
            some = sorted({category for _, category, _, _ in oracle.rows("paid")})[:2]
            for codes in (None, ("A",)):
                wanted_of_some = Counter[int]()
                for agency, category, at, counts in oracle.rows("paid"):
                    inside = (
                        (window.first or as_date(at)) <= as_date(at) <= (window.last or as_date(at))
                    )
                    if inside and category in some and (codes is None or agency in codes):
                        wanted_of_some.update(dict(enumerate(counts)))
                if some:
                    found = snapshot.sums(PAID, cover_days(window), codes=codes, among=some)
                    assert [*found.get("", [0] * 4)] == [
                        wanted_of_some[place] for place in range(4)
                    ]
        rows = oracle.rows("open")
        for low, high in (
            (EARLIEST_MS, NOON - 1),
            (NOON, NOON + 200_000_000),
            (EARLIEST_MS, NOON - 86_400_000),
        ):
            assert snapshot.total(OPEN, cover_instants(low, high), ["open"]) == [
                sum(row[3][0] for row in rows if low <= row[2] <= high)
            ]
        assert snapshot.total(OPEN, cover_days(EVER), ["open"]) == [sum(row[3][0] for row in rows)]
        days = snapshot.sums(OPEN, cover_days(EVER), by="day", measures=["open"])
        due = Counter[str]()
        for _, _, at, counts in rows:
            due[to_datetime(at).date().isoformat() if at else ""] += counts[0]
        assert +Counter({day_: counts[0] for day_, counts in days.items()}) == +due


@examples(60)
@given(STEPS)
def test_the_cube_agrees_with_the_oracle(steps: list[list[Cell] | str]) -> None:
    with TemporaryDirectory() as folder:
        cube, oracle, pages = Cube(Path(folder) / "cube.sqlite"), Oracle(), Pages()
        cube.open("one", NOON)
        history: list[Record] = []
        for step in steps:
            if step == "restart":
                cube.open("one", NOON)
            elif step == "rebuild":
                cube.rebuild("one", NOON, "a test asks for it")
                cube.apply(history, {})
            else:
                records = pages.records(step)  # type: ignore[arg-type]
                history += records
                cube.apply(records, {})
                oracle.apply(step)  # type: ignore[arg-type]
        agree(oracle, cube)
        cube.close()
