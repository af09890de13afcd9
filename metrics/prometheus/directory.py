"""The directory's and the coverage's part of GET /metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import get_args

from metrics.cube.tables import FAMILIES
from metrics.figures.compute import reading
from metrics.figures.coverage import coverage_of
from metrics.figures.expected import silence
from metrics.figures.query import Query
from metrics.figures.view import View
from metrics.prometheus import table as told
from metrics.prometheus.exposition import block
from schemas.windows import EXPORTED
from serving.directory.items import MistakeKind


def directory_text(view: View) -> str:
    """Who is silent, coverage of every window, unknown codes, and what the directory left out."""
    directory = view.directory
    silent = silence(directory, view.declared, view.heard, view.moment.now_ms)
    mistakes = Counter(mistake.kind for mistake in directory.mistakes)
    unknown = None if directory.empty else len(directory.unknown(view.heard))
    return (
        block(told.AGENCY_INFO, ((labels, 1) for labels in _named(view)))
        + block(
            told.AGENCY_SILENT, (((agency,), seconds) for agency, seconds in sorted(silent.items()))
        )
        + _coverage(view)
        + block(told.AGENCIES_UNKNOWN, [((), unknown)])
        + block(told.PROCEDURES_UNKNOWN, [((), _unknown_procedures(view))])
        + block(
            told.DIRECTORY_PROBLEMS, (((kind,), mistakes[kind]) for kind in get_args(MistakeKind))
        )
    )


def _named(view: View) -> Iterator[tuple[str, str, str, str]]:
    """Code, level and names of the registered agencies that other metrics may tell, each once."""
    directory, today = view.directory, view.moment.today
    heard = {directory.canonical(code, today) for code in view.heard}
    for code in sorted(heard.union(directory.agencies(today))):
        piece = directory.piece(code, today)
        if piece is not None:
            said = piece.agency.fields
            yield code, said.level, said.name_vi or "", said.name_en or ""


def _unknown_procedures(view: View) -> int | None:
    if not view.directory.procedures:
        return None
    return len(view.directory.unknown_procedures(view.snapshot.last_of_procedures()))


def _coverage(view: View) -> str:
    found = {}
    for name in EXPORTED:
        asked = reading(view, Query(window=name), [])
        found[name] = coverage_of(asked, FAMILIES, asked.window)
    return block(
        told.AGENCIES_EXPECTED, (((name,), one.expected) for name, one in found.items())
    ) + block(told.AGENCIES_REPORTING, (((name,), one.reporting) for name, one in found.items()))
