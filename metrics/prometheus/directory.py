"""The directory's and the coverage's part of GET /metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import get_args

from metrics.catalogue.indicators import Agency
from metrics.cube.snapshot import Snapshot
from metrics.cube.tables import FAMILIES
from metrics.figures.expected import expected, in_question, reporting, silence
from metrics.prometheus import table as told
from metrics.prometheus.exposition import block
from schemas.clock import to_datetime
from schemas.windows import EXPORTED, named
from serving.directory.directory import Directory
from serving.directory.items import MistakeKind


def directory_text(
    snapshot: Snapshot, directory: Directory, declared: Mapping[str, Agency], now_ms: int
) -> str:
    """Who is silent, coverage of every window, unknown codes, and what the directory left out."""
    heard, silent = snapshot.last_events(), silence(snapshot, directory, declared, now_ms)
    mistakes = Counter(mistake.kind for mistake in directory.mistakes)
    unknown = None if directory.empty else len(directory.unknown(heard))
    procedures = (
        len(directory.unknown_procedures(snapshot.last_of_procedures()))
        if directory.procedures
        else None
    )
    return (
        block(
            told.AGENCY_SILENT, (((agency,), seconds) for agency, seconds in sorted(silent.items()))
        )
        + _coverage(snapshot, directory, declared, now_ms)
        + block(told.AGENCIES_UNKNOWN, [((), unknown)])
        + block(told.PROCEDURES_UNKNOWN, [((), procedures)])
        + block(
            told.DIRECTORY_PROBLEMS, (((kind,), mistakes[kind]) for kind in get_args(MistakeKind))
        )
    )


def _coverage(
    snapshot: Snapshot, directory: Directory, declared: Mapping[str, Agency], now_ms: int
) -> str:
    counted, today = snapshot.counted(), to_datetime(now_ms).date()
    samples = []
    for name in EXPORTED:
        window = named(name, today)
        codes = {
            one.code for one in expected(directory, declared, counted, in_question(window, today))
        }
        samples.append(
            ((name,), len(codes), len(codes & reporting(snapshot, directory, FAMILIES, window)))
        )
    return block(told.AGENCIES_EXPECTED, ((labels, count) for labels, count, _ in samples)) + block(
        told.AGENCIES_REPORTING, ((labels, count) for labels, _, count in samples)
    )
