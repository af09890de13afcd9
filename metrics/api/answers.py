"""Questions about figures, answered in the calling thread: parameters become a query, the query is
computed at one view, what it gives becomes a shape.

Raises (from every function): QueryError; UnknownIndicator; NotReady; Unreadable; NotAllowed.
"""

from __future__ import annotations

from metrics.api.count_shapes import CountsAnswer, counts_shape
from metrics.api.indicator_shapes import IndicatorAnswer, indicator_shape
from metrics.api.parameters import (
    CountParameters,
    FigureParameters,
    IndicatorParameters,
    ReportParameters,
)
from metrics.api.report_shapes import Report06aAnswer, report_shape
from metrics.api.score_shapes import ScoreAnswer, score_shape
from metrics.catalogue.indicators import Indicator
from metrics.errors import UnknownIndicator, unknown_indicator, wrong
from metrics.figures.compute import answer, reading, require_moment
from metrics.figures.counts import counts, tables_of
from metrics.figures.query import Query
from metrics.figures.reading import Slice
from metrics.figures.score import scored
from metrics.figures.view import Views
from metrics.reports.form_06a import form_06a

SCORE = "score_766"


def answer_indicators(
    views: Views, asked: IndicatorParameters, only: str | None = None
) -> list[IndicatorAnswer]:
    """Every indicator, or one of them."""
    query = asked.query()
    chosen = _main_or_all(views, asked) if only is None else [_one(views, asked, query, only)]
    with views.open() as view:
        found = reading(view, query, chosen)
        return [indicator_shape(found, answer(found, indicator)) for indicator in chosen]


def _one(views: Views, asked: IndicatorParameters, query: Query, id_: str) -> Indicator:
    if (found := views.catalogue.get(id_)) is None:
        raise unknown_indicator(id_, views.catalogue, "id")
    if asked.main:
        raise wrong(
            "main", "goes with GET /v1/indicators, where it leaves out all but the main ones"
        )
    require_moment(query, found)
    return found


def _main_or_all(views: Views, asked: IndicatorParameters) -> list[Indicator]:
    """All, too, of a catalogue that marks none."""
    every = list(views.catalogue.values())
    main = [indicator for indicator in every if indicator.main]
    return main if asked.main and main else every


def answer_score(views: Views, asked: FigureParameters) -> ScoreAnswer:
    """QĐ 766 by group and item."""
    if (declared := views.catalogue.get(SCORE)) is None:
        raise UnknownIndicator(
            f"The catalogue has no {SCORE}: declare it, or use the one that ships with the hub."
        )
    with views.open() as view:
        found = reading(view, asked.query(), [declared])
        return score_shape(found, declared, scored(found, Slice(found.window)))


def answer_counts(views: Views, asked: CountParameters) -> CountsAnswer:
    """Raw counts of the kinds asked for."""
    query = asked.query()
    tables = tables_of(query, asked.family, asked.kind)
    with views.open() as view:
        found = reading(view, query, [])
        return counts_shape(found, [counts(found, table) for table in tables])


def answer_report_06a(views: Views, asked: ReportParameters) -> Report06aAnswer:
    """Form II.06a.

    Raises, besides: IdentityViolated.
    """
    with views.open() as view:
        found = reading(view, asked.query(), [])
        return report_shape(found, form_06a(found))
