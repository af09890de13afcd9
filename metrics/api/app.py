"""The reporting API and GET /metrics, as one ASGI application. Answers are made in threads; the
event loop only passes them on.
"""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from metrics.api import problems
from metrics.api.access import ByReader, ReadersOnly, ReadingAccess, opens
from metrics.api.answers import (
    answer_counts,
    answer_indicators,
    answer_report_06a,
    answer_score,
)
from metrics.api.count_shapes import CountsAnswer, counts_sheet
from metrics.api.csv import AS_FILE, answered
from metrics.api.indicator_shapes import (
    CatalogueAnswer,
    IndicatorAnswer,
    IndicatorsAnswer,
    indicators_sheet,
)
from metrics.api.middleware import HeadAsGet, Timed
from metrics.api.openapi import described
from metrics.api.parameters import (
    BooksParameters,
    CountParameters,
    FigureParameters,
    IndicatorParameters,
    ReportParameters,
    each_once,
)
from metrics.api.replies import json_reply, replied
from metrics.api.report_shapes import Report06aAnswer, report_sheet
from metrics.api.score_shapes import ScoreAnswer, score_sheet
from metrics.errors import QuestionError
from metrics.figures.readers import Reader
from metrics.figures.view import Views
from metrics.prometheus.exporter import Exporter
from serving.access.errors import AccessError
from serving.audited import Audited
from serving.store.disposable import Unreadable
from serving.telemetry import CONTENT_TYPE

Routes = Callable[[Executor], APIRouter]
# each keeps a connection to the cube with some megabytes of cache; more would only take turns
_THREADS = 8
REFUSED = problems.documented(422)
ERRORS = problems.documented(404, 422, 503)
FIGURES = ERRORS | AS_FILE  # what a question about figures may be answered with


def _nothing_else(asked: Annotated[BooksParameters, Query()]) -> None:
    """Where nothing is asked but of which books, which metrics/application.py has read before."""


OF_BOOKS = [Depends(_nothing_else)]


def create_app(
    views: Views,
    exporter: Exporter,
    routes: Iterable[Routes] = (),
    access: ReadingAccess | None = None,
) -> FastAPI:
    """The application, with further routes; without `access` it is open. Questions are answered in
    a few threads of its own, as the routes' are.
    """
    app = FastAPI(
        title="LGSP hub: figures",
        version="1",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(each_once)],
    )
    pool = ThreadPoolExecutor(_THREADS, "figures")
    _indicators(app, views, pool)
    _counts(app, views, pool)
    _reports(app, views, pool)
    _operations(app, views, exporter, pool)
    for make in routes:
        app.include_router(make(pool))
    app.add_exception_handler(AccessError, problems.on_access_error)
    app.add_exception_handler(QuestionError, problems.on_question_error)
    app.add_exception_handler(RequestValidationError, problems.on_invalid)
    app.add_exception_handler(HTTPException, problems.on_http)
    app.add_exception_handler(Unreadable, problems.on_unreadable)
    app.add_exception_handler(Exception, problems.on_failure)
    access = access or ReadingAccess()
    app.add_middleware(ReadersOnly, access=access)
    if access.audit is not None:
        app.add_middleware(Audited, audit=access.audit, opens=opens)
    app.add_middleware(Timed, timings=exporter.requests)
    app.add_middleware(HeadAsGet)
    app.openapi = lambda: described(app)  # type: ignore[method-assign]
    return app


def _indicators(app: FastAPI, views: Views, pool: Executor) -> None:
    def answer(asked: IndicatorParameters, reader: Reader, id: str | None = None) -> Response:
        found = answer_indicators(views.read_by(reader), asked, id)
        if asked.format == "csv":
            return answered(indicators_sheet(id or "indicators", found))
        return json_reply(IndicatorsAnswer(indicators=found) if id is None else found[0])

    @app.get("/v1/indicators", response_model=IndicatorsAnswer, responses=FIGURES)
    async def indicators(
        asked: Annotated[IndicatorParameters, Query()], reader: ByReader
    ) -> Response:
        """Every indicator over a window."""
        return await get_running_loop().run_in_executor(pool, answer, asked, reader)

    @app.get("/v1/indicators/{id}", response_model=IndicatorAnswer, responses=FIGURES)
    async def indicator(
        id: str, asked: Annotated[IndicatorParameters, Query()], reader: ByReader
    ) -> Response:
        """One indicator over a window."""
        return await get_running_loop().run_in_executor(pool, answer, asked, reader, id)

    @app.get("/v1/scores/766", response_model=ScoreAnswer, responses=FIGURES)
    async def score(asked: Annotated[FigureParameters, Query()], reader: ByReader) -> Response:
        """QĐ 766: the points that events give, by group and item, and what is missing."""
        theirs = views.read_by(reader)
        return await replied(pool, lambda: answer_score(theirs, asked), asked.format, score_sheet)

    @app.get("/v1/catalogue", responses=REFUSED, dependencies=OF_BOOKS)
    async def catalogue() -> CatalogueAnswer:
        """Every indicator as it is declared: definition, clause, terms, targets."""
        return CatalogueAnswer(indicators=list(views.catalogue.values()))


def _counts(app: FastAPI, views: Views, pool: Executor) -> None:
    @app.get("/v1/counts", response_model=CountsAnswer, responses=FIGURES)
    async def counts(asked: Annotated[CountParameters, Query()], reader: ByReader) -> Response:
        """The raw counts under the indicators."""
        theirs = views.read_by(reader)
        return await replied(pool, lambda: answer_counts(theirs, asked), asked.format, counts_sheet)


def _reports(app: FastAPI, views: Views, pool: Executor) -> None:
    @app.get("/v1/reports/06a", response_model=Report06aAnswer, responses=FIGURES)
    async def report_06a(asked: Annotated[ReportParameters, Query()], reader: ByReader) -> Response:
        """Form II.06a/VPCP/KSTT: how dossiers were handled, by band and field or by agency."""
        theirs = views.read_by(reader)
        return await replied(
            pool, lambda: answer_report_06a(theirs, asked), asked.format, report_sheet
        )


def _operations(app: FastAPI, views: Views, exporter: Exporter, pool: Executor) -> None:
    @app.get("/metrics", response_class=PlainTextResponse, responses=REFUSED, dependencies=OF_BOOKS)
    async def metrics() -> Response:
        """Every figure and this process's health, for Prometheus."""
        return Response(await exporter.text(), media_type=CONTENT_TYPE)

    @app.get("/healthz", responses=REFUSED, dependencies=OF_BOOKS)
    async def healthz() -> dict[str, str]:
        """This process answers."""
        return {"status": "alive"}

    @app.get("/readyz", responses=problems.documented(422, 503), dependencies=OF_BOOKS)
    async def readyz() -> dict[str, str]:
        """Every fact that stood in Kafka at the start is counted and read; 503 with how far that is
        until then.
        """
        progress = await get_running_loop().run_in_executor(pool, views.readiness.caught_up)
        return {
            "status": "ready",
            "space": views.space,
            "books": views.books,
            "doing": progress.doing,
        }
