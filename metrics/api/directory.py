"""GET /v1/agencies, /v1/procedures and /v1/coverage: the directory's part of the reporting API."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from metrics.api.access import ByReader
from metrics.api.app import FIGURES
from metrics.api.csv import Sheet
from metrics.api.directory_answers import (
    answer_agencies,
    answer_agency,
    answer_coverage,
    answer_procedures,
)
from metrics.api.directory_parameters import (
    AgencyParameters,
    CoverageParameters,
    DayParameters,
    ProcedureParameters,
)
from metrics.api.directory_shapes import (
    AgenciesAnswer,
    AgencyAnswer,
    CoverageAnswer,
    MistakeOf,
    ProcedureOf,
    ProceduresAnswer,
    UnknownOf,
    agencies_sheet,
    coverage_sheet,
    plain_sheet,
)
from metrics.api.replies import replied
from metrics.figures.view import Views


def directory_routes(views: Views) -> Callable[[Executor], APIRouter]:
    """The routes, once it is known in whose threads answers are made."""
    return lambda pool: _routes(views, pool)


def _routes(views: Views, pool: Executor) -> APIRouter:
    routes = APIRouter(responses=FIGURES)

    @routes.get("/v1/agencies", response_model=AgenciesAnswer)
    async def agencies(asked: Annotated[AgencyParameters, Query()]) -> Response:
        """The agencies of a day, what cannot hold among what was stated of them, and codes that
        nobody registered.
        """
        return await replied(
            pool,
            lambda: answer_agencies(views, asked),
            asked.format,
            lambda answer: _agencies_sheet(asked, answer),
        )

    @routes.get("/v1/agencies/{code}", response_model=AgencyAnswer)
    async def agency(code: str, asked: Annotated[DayParameters, Query()]) -> Response:
        """One agency: everything stated of it, what is above and below on a day, and what it took
        over.
        """
        answer = lambda: answer_agency(views, code, asked)  # noqa: E731
        return await replied(
            pool,
            answer,
            asked.format,
            lambda found: agencies_sheet(f"agency-{found.code}", found.statements),
        )

    @routes.get("/v1/procedures", response_model=ProceduresAnswer)
    async def procedures(asked: Annotated[ProcedureParameters, Query()]) -> Response:
        """The procedures of a day: field, level, fee, and how they are offered."""
        return await replied(
            pool,
            lambda: answer_procedures(views, asked),
            asked.format,
            lambda found: _procedures_sheet(asked, found),
        )

    @routes.get("/v1/coverage", response_model=CoverageAnswer)
    async def covered(asked: Annotated[CoverageParameters, Query()], reader: ByReader) -> Response:
        """Each agency expected to report: whether it does, on how many days, since when it is
        silent.
        """
        theirs = views.read_by(reader)
        return await replied(
            pool, lambda: answer_coverage(theirs, asked), asked.format, coverage_sheet
        )

    return routes


def _agencies_sheet(asked: AgencyParameters, answer: AgenciesAnswer) -> Sheet:
    return _beside(asked.part, "agencies", answer) or agencies_sheet("agencies", answer.agencies)


def _procedures_sheet(asked: ProcedureParameters, answer: ProceduresAnswer) -> Sheet:
    return _beside(asked.part, "procedures", answer) or plain_sheet(
        "procedures", ProcedureOf, answer.procedures
    )


def _beside(part: str | None, name: str, answer: AgenciesAnswer | ProceduresAnswer) -> Sheet | None:
    """What is told beside the table itself, where that was chosen."""
    if part == "problems":
        return plain_sheet(f"{name}-problems", MistakeOf, answer.problems)
    return plain_sheet(f"{name}-unknown", UnknownOf, answer.unknown) if part == "unknown" else None
