"""What can be asked of the cube, and the answers: indicators, QĐ 766's score, and raw counts over a
window.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

from metrics.api.parameters import Asked, CountsAsked, IndicatorsAsked
from metrics.api.problems import Problem, instead, nearest, shown, unknown_indicator, wrong
from metrics.api.shapes import (
    AsOf,
    CountsAnswer,
    CountsGroup,
    Days,
    GroupOfItems,
    IndicatorAnswer,
    ItemAnswer,
    KindCounts,
    ScoreAnswer,
)
from metrics.catalogue.indicators import Agency, Indicator
from metrics.cube.rollups import cover_days
from metrics.cube.snapshot import By, Readers, Snapshot, Sums, running
from metrics.cube.tables import FAMILIES, TABLES, Table
from metrics.figures import absence, uncounted
from metrics.figures.compute import NO_DIRECTORY, Question, answer, figures, known, sending
from metrics.figures.expected import Expecting, in_question, stated
from metrics.figures.scopes import of_level, scopes
from metrics.figures.score import GROUPS, Scored, add_up, by_group
from metrics.figures.sums import NOTHING, Moment, Scope, freshness_ms
from metrics.figures.uncounted import versions_of
from metrics.workers import Backlog, Standing
from schemas.clock import to_datetime
from schemas.topics import DEFAULT_BOOKS
from schemas.windows import EVER, Window
from schemas.worktime import OFFICE, Office
from serving.directory.directory import Directory
from serving.store.progress import Progress

SCORE = "score_766"


@dataclass(frozen=True, slots=True)
class Counting:
    """A question about raw counts: `about` has its snapshot, moment and window, and who should
    report.
    """

    about: Question
    asked: CountsAsked


class Questions:
    """Answers, in the calling thread. `directory` is asked for at each question, `backlog` for the
    events not yet counted.

    Raises (from every method): Problem; Unreadable.
    """

    def __init__(
        self,
        readers: Readers,
        indicators: Mapping[str, Indicator],
        agencies: Mapping[str, Agency],
        *,
        progress: Callable[[], Progress],
        clock: Callable[[], int],
        directory: Callable[[], Directory] = lambda: NO_DIRECTORY,
        office: Office = OFFICE,
        books: str = DEFAULT_BOOKS,
        backlog: Callable[[], Backlog | None] = lambda: None,
        standing: Callable[[], Standing | None] = dict,
    ) -> None:
        self.catalogue, self.readers, self.agencies, self.directory, self.clock = (
            indicators,
            readers,
            agencies,
            directory,
            clock,
        )
        self.books, self._progress, self._office, self._backlog = books, progress, office, backlog
        self._standing, self._caught_up = standing, False
        self._items = [
            indicator for indicator in indicators.values() if indicator.score is not None
        ]

    def ready(self) -> Progress:
        """How far the feed is.

        Raises: Problem until every figure is complete.
        """
        progress = self._progress()
        if not progress.ready:
            raise Problem(
                "not-ready",
                f"The figures are being built from Kafka: {progress.percent:.1f} %"
                f" ({progress.doing}).",
            )
        return progress

    def caught_up(self) -> Progress:
        """As `ready`, and the workers have counted every fact that Kafka held when this process
        first asked; from then on it stays so.

        Raises: Problem until then, with how far they are.
        """
        progress = self.ready()
        if not self._caught_up:
            with self.readers.snapshot() as snapshot:
                self._require_begun(snapshot)
                self._require_counted(snapshot)
            self._caught_up = True
        return progress

    def _require_counted(self, snapshot: Snapshot) -> None:
        if (standing := self._standing()) is None:
            raise Problem(
                "not-ready",
                "It is not known yet how many facts there are to count: Kafka is being asked.",
            )
        counted, facts = (
            _counted(snapshot, standing),
            sum(end - first for first, end in standing.values()),
        )
        if counted < facts:
            advice = (
                f"if that stands still, see that `lgsp worker` runs with LGSP_APP_ID={self.books}"
            )
            raise Problem("not-ready", f"{counted:,} of {facts:,} facts are counted: {advice}.")

    def indicators(self, asked: IndicatorsAsked, only: str | None = None) -> list[IndicatorAnswer]:
        """Every indicator, or one of them."""
        chosen = self._main_or_all(asked) if only is None else [self._one(asked, only)]
        self.ready()
        with self.readers.snapshot() as snapshot:
            question = self._question(snapshot, asked, chosen)
            return [answer(question, indicator) for indicator in chosen]

    def _one(self, asked: IndicatorsAsked, id_: str) -> Indicator:
        if (found := self.catalogue.get(id_)) is None:
            raise unknown_indicator(id_, self.catalogue, "id")
        if asked.main:
            raise wrong(
                "main", "goes with GET /v1/indicators, where it leaves out all but the main ones"
            )
        if found.asks_now:
            asked.refuse_time(id_)
        return found

    def _main_or_all(self, asked: IndicatorsAsked) -> list[Indicator]:
        """All, too, of a catalogue that marks none."""
        main = [indicator for indicator in self.catalogue.values() if indicator.main]
        return main if asked.main and main else list(self.catalogue.values())

    def score(self, asked: Asked) -> ScoreAnswer:
        """QĐ 766 by group and item.

        Raises: Problem for a catalogue without it.
        """
        if SCORE not in self.catalogue:
            raise Problem(
                "unknown-indicator",
                f"The catalogue has no {SCORE}: declare it, or use the one that ships with the"
                " hub.",
            )
        self.ready()
        with self.readers.snapshot() as snapshot:
            question = self._question(
                snapshot,
                IndicatorsAsked.model_validate(asked.model_dump(by_alias=True)),
                [self.catalogue[SCORE]],
            )
            return _score(question, self.catalogue[SCORE])

    def counts(self, asked: CountsAsked) -> CountsAnswer:
        """Raw counts of the kinds asked for."""
        tables = _tables(asked)
        self.ready()
        with self.readers.snapshot() as snapshot:
            about = self._question(
                snapshot,
                IndicatorsAsked.model_validate(
                    asked.model_dump(by_alias=True, exclude={"family", "kind"})
                ),
                [],
            )
            kinds = [_kind(Counting(about, asked), table) for table in tables]
            return CountsAnswer(agency=asked.agency, by=asked.by, as_of=about.as_of, kinds=kinds)

    @contextmanager
    def asking(self, asked: IndicatorsAsked, chosen: Sequence[Indicator]) -> Iterator[Question]:
        """A question about some indicators, of one snapshot and one moment, for whoever answers it
        in another way.
        """
        self.ready()
        with self.readers.snapshot() as snapshot:
            yield self._question(snapshot, asked, chosen)

    def _question(
        self, snapshot: Snapshot, asked: IndicatorsAsked, chosen: Sequence[Indicator]
    ) -> Question:
        moment, directory = Moment(self.clock(), self._office), self.directory()
        window = asked.days(moment.today)
        heard = snapshot.last_events()
        self.refuse_unknown(asked.agency, heard, directory)

        def expecting(days: Window) -> Expecting:
            return self._expecting(asked, in_question(days, moment.today), heard, directory)

        return Question(
            snapshot=snapshot,
            moment=moment,
            asked=asked,
            window=window,
            before=asked.before(window, moment.today),
            directory=directory,
            indicators=chosen,
            items=self._items if any(one.source == "score" for one in chosen) else [],
            expecting=lru_cache(maxsize=None)(expecting),
            as_of=self.as_of(snapshot),
        )

    def refuse_unknown(
        self, agency: str | None, heard: Mapping[str, int], directory: Directory
    ) -> None:
        """Raises: Problem for an agency that nobody registered, expects or ever heard from."""
        if (
            agency is not None
            and agency not in heard
            and agency not in self.agencies
            and not directory.known(agency)
        ):
            near = nearest(
                agency, [*heard, *self.agencies, *directory.agencies(Moment(self.clock()).today)]
            )
            hint = f"did you mean {near}?" if near else "GET /v1/agencies lists them"
            raise wrong(
                "agency", f"{shown(agency)} is not expected and was never heard from; {hint}"
            )

    def _expecting(
        self, asked: Asked, window: Window, heard: Mapping[str, int], directory: Directory
    ) -> Expecting:
        codes = frozenset(self._expected(asked, window, heard, directory))
        return Expecting(codes, stated(directory, self.agencies, asked.agency))

    def _expected(
        self, asked: Asked, window: Window, heard: Mapping[str, int], directory: Directory
    ) -> set[str]:
        """The agencies whose counts the figure should hold: those registered, else of the settings,
        else ever heard from.

        Of one agency, what is below it, and itself where none of that is expected; of a level, that
        level's.
        """
        found = set(self.agencies or heard) if directory.empty else set(directory.expected(window))
        where = scopes(directory, asked, window)
        if isinstance(asked, IndicatorsAsked) and asked.level is not None:
            where = of_level(directory, asked.level, where) or where
        if any(scope.codes is None for scope in where):
            return found
        among = found & {code for scope in where for code in scope.codes or ()}
        return among or ({asked.agency} if asked.agency is not None else among)

    def as_of(self, snapshot: Snapshot) -> AsOf:
        """The oldest heartbeat, without heartbeats when the cube last held all that was published;
        but before what is not counted yet.

        Raises: Problem for books that nobody ever counted.
        """
        self._require_begun(snapshot)
        now_ms, backlog = self.clock(), self._backlog()
        beat = freshness_ms(snapshot, self._progress().partitions, now_ms)
        instant = min(snapshot.complete_ms(), now_ms) if beat is None else beat
        if backlog is not None and backlog.oldest_ms is not None:
            instant = min(instant, backlog.oldest_ms - 1)
        return AsOf(
            instant=to_datetime(instant).isoformat(timespec="milliseconds"),
            books=self.books,
            rules=versions_of(snapshot.rules()),
            behind=None if backlog is None else backlog.events,
            offsets={str(partition): offset for partition, offset in snapshot.offsets().items()},
        )

    def _require_begun(self, snapshot: Snapshot) -> None:
        if not snapshot.begun():
            advice = (
                f"where none was just started, start `lgsp worker` with LGSP_APP_ID={self.books},"
                " or ask for other books"
            )
            raise Problem(
                "not-ready",
                f"No worker has counted anything for the books {self.books} yet: {advice}.",
            )


def _counted(snapshot: Snapshot, standing: Standing) -> int:
    """How many of the events that stood in Kafka are in these figures."""
    up_to = {
        family: snapshot.counted_up_to(family) for family in {family for family, _ in standing}
    }
    found = 0
    for (family, partition), (first, end) in standing.items():
        if (place := up_to[family].get(partition)) is not None:
            found += max(0, min(place[0], end) - first)
    return found


def _score(question: Question, declared: Indicator) -> ScoreAnswer:
    found = []
    for item in question.items:
        whole, why = figures(question, item, question.window)
        figure = whole.get("", NOTHING)
        found.append(
            Scored(
                item,
                figure,
                why or item.missing or (absence.NOTHING_COUNTED if figure.value is None else None),
            )
        )
    total = add_up(found)
    return ScoreAnswer(
        id=declared.id,
        version=declared.version,
        agency=question.asked.agency,
        window=Days(first=question.window.first, last=question.window.last),
        coverage=question.coverage(FAMILIES, question.window),
        as_of=question.as_of,
        points=total.points,
        possible=total.possible,
        of=sum(most for _, most in GROUPS.values()),
        missing=declared.missing,
        groups=[_group(group, items) for group, items in by_group(found).items()],
    )


def _group(group: str, items: Sequence[Scored]) -> GroupOfItems:
    (name, most), total = GROUPS[group], add_up(items)
    return GroupOfItems(
        group=group,
        name=name,
        points=total.points,
        possible=total.possible,
        of=most,
        items=[_item(one) for one in items],
    )


def _item(one: Scored) -> ItemAnswer:
    assert one.item.score is not None
    return ItemAnswer(
        id=one.item.id,
        item=one.item.score.item,
        version=one.item.version,
        name=one.item.name,
        numerator=one.found.numerator,
        denominator=one.found.denominator,
        value=one.found.value,
        full=one.item.score.full,
        points=one.points,
        of=one.item.score.points,
        missing=one.missing,
    )


def _tables(asked: CountsAsked) -> list[Table]:
    """The kinds asked for.

    Raises: Problem for one that there is not, and for another time than now where all of them are
    told as of now.
    """
    counts = [table for table in TABLES.values() if table.declared.at != "none"]
    tables = [table for table in counts if asked.family in (None, table.family)]
    found = [table for table in tables if asked.kind in (None, table.kind)]
    if not found:
        kind = asked.kind or ""
        raise wrong(
            "kind",
            f"{shown(kind)} is no kind;"
            f" {instead(kind, dict.fromkeys(table.kind for table in tables))}",
        )
    if all(table.declared.at == "instant" for table in found):
        asked.refuse_time(f"kind {asked.kind}")
    return found


def _kind(question: Counting, table: Table) -> KindCounts:
    asked, measures = question.asked, table.declared.measures
    absent = {one for one in question.about.uncounted if one[:2] == (table.family, table.kind)}
    window, now_only = (
        counted_window(question, table),
        table.declared.at == "instant" and bool(asked.time),
    )
    if now_only:
        absent = {(table.family, table.kind, measure) for measure in measures}
    whole = counted_sums(question, table, window, None).get("", [0] * len(measures))
    groups = counted_sums(question, table, window, asked.by) if asked.by and not now_only else {}
    if table.declared.at == "stock" and asked.by == "day":
        asked_from = question.about.window.first
        first = asked_from.isoformat() if asked_from else ""
        groups = running(groups, [day for day in groups if day >= first], [0] * len(measures))
    about = question.about
    return KindCounts(
        family=table.family,
        kind=table.kind,
        window=Days(first=window.first, last=window.last),
        coverage=about.coverage(
            sending([table.family]), window, now=table.declared.at == "instant"
        ),
        counts=_named(table, whole, absent),
        groups=[
            CountsGroup(
                group=group,
                known=known(about.directory, group, asked.by, [table.family]),
                counts=_named(table, counts, absent),
            )
            for group, counts in sorted(groups.items())
        ],
        missing=absence.NOW_ONLY if now_only else uncounted.why(absent),
    )


def _named(
    table: Table, counts: Sequence[int], absent: Collection[uncounted.Measure]
) -> dict[str, int | None]:
    """Counts by measure; null where the books do not have it yet."""
    named = zip(table.declared.measures, counts, strict=True)
    return {
        measure: None if (table.family, table.kind, measure) in absent else count
        for measure, count in named
    }


def counted_window(question: Counting, table: Table) -> Window:
    """What is open is open, whenever it is due; what exists on a day began on any day before."""
    if table.declared.at == "stock":
        return Window(None, question.about.window.last or question.about.moment.today)
    return question.about.window if table.declared.at == "day" else EVER


def counted_in(question: Counting, table: Table, window: Window) -> list[Scope]:
    """Where the counts of a table are looked for; what stands on one day has the hierarchy of that
    day.
    """
    today = question.about.moment.today
    parts = scopes(
        question.about.directory,
        question.asked,
        Window(None, today) if table.declared.at == "instant" else window,
    )
    return parts if table.declared.at == "day" else [parts[-1]._replace(window=window)]


def counted_sums(question: Counting, table: Table, window: Window, by: By | None) -> Sums:
    """Sums of every measure, by the hierarchy of each day."""
    found: Sums = {}
    for part in counted_in(question, table, window):
        sums = question.about.snapshot.sums(table, cover_days(part.window), by=by, codes=part.codes)
        for group, vector in sums.items():
            name = part.names.get(group, group) if by == "agency" else group
            found[name] = [
                one + other
                for one, other in zip(found.get(name, [0] * len(vector)), vector, strict=True)
            ]
    return found
