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
from starlette.responses import JSONResponse, PlainTextResponse, Response

from metrics.api import problems
from metrics.api.csv import AS_FILE, answered
from metrics.api.middleware import HeadAsGet, Timed
from metrics.api.parameters import Asked, AskedOfBooks, CountsAsked, IndicatorsAsked, each_once
from metrics.api.questions import Questions
from metrics.api.shapes import (
    CatalogueAnswer,
    CountsAnswer,
    IndicatorAnswer,
    IndicatorsAnswer,
    ScoreAnswer,
    counts_sheet,
    indicators_sheet,
    score_sheet,
)
from metrics.prometheus.exporter import Exporter
from serving.store.disposable import Unreadable
from serving.telemetry import CONTENT_TYPE

Routes = Callable[[Executor], APIRouter]
# each keeps a connection to the cube with some megabytes of cache; more would only take turns
THREADS = 8
REFUSED = problems.described(422)
ERRORS = problems.described(404, 422, 503)
FIGURES = ERRORS | AS_FILE  # what a question about figures may be answered with


def _nothing_else(asked: Annotated[AskedOfBooks, Query()]) -> None:
    """Where nothing is asked but of which books, which metrics/application.py has read before."""


OF_BOOKS = [Depends(_nothing_else)]


def create_app(questions: Questions, exporter: Exporter, routes: Iterable[Routes] = ()) -> FastAPI:
    """The application, with further routes. `questions` are answered in a few threads of its own,
    as the routes' are.
    """
    app = FastAPI(
        title="LGSP hub: figures",
        version="1",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(each_once)],
    )
    pool = ThreadPoolExecutor(THREADS, "figures")
    _indicators(app, questions, pool)
    _counts(app, questions, pool)
    _operations(app, questions, exporter, pool)
    for make in routes:
        app.include_router(make(pool))
    app.add_exception_handler(problems.Problem, problems.on_problem)
    app.add_exception_handler(RequestValidationError, problems.on_invalid)
    app.add_exception_handler(HTTPException, problems.on_http)
    app.add_exception_handler(Unreadable, problems.on_unreadable)
    app.add_exception_handler(Exception, problems.on_failure)
    app.add_middleware(Timed, timings=exporter.requests)
    app.add_middleware(HeadAsGet)
    return app


def _indicators(app: FastAPI, questions: Questions, pool: Executor) -> None:
    def answer(asked: IndicatorsAsked, id: str | None = None) -> Response:
        found = questions.indicators(asked, id)
        if asked.format == "csv":
            return answered(indicators_sheet(id or "indicators", found))
        return _json(IndicatorsAnswer(indicators=found) if id is None else found[0])

    def scored(asked: Asked) -> Response:
        found = questions.score(asked)
        return answered(score_sheet(found)) if asked.format == "csv" else _json(found)

    @app.get("/v1/indicators", response_model=IndicatorsAnswer, responses=FIGURES)
    async def indicators(asked: Annotated[IndicatorsAsked, Query()]) -> Response:
        """Every indicator over a window."""
        return await get_running_loop().run_in_executor(pool, answer, asked)

    @app.get("/v1/indicators/{id}", response_model=IndicatorAnswer, responses=FIGURES)
    async def indicator(id: str, asked: Annotated[IndicatorsAsked, Query()]) -> Response:
        """One indicator over a window."""
        return await get_running_loop().run_in_executor(pool, answer, asked, id)

    @app.get("/v1/scores/766", response_model=ScoreAnswer, responses=FIGURES)
    async def score(asked: Annotated[Asked, Query()]) -> Response:
        """QĐ 766: the points that events give, by group and item, and what is missing."""
        return await get_running_loop().run_in_executor(pool, scored, asked)

    @app.get("/v1/catalogue", responses=REFUSED, dependencies=OF_BOOKS)
    async def catalogue() -> CatalogueAnswer:
        """Every indicator as it is declared: definition, clause, terms, targets."""
        return CatalogueAnswer(indicators=list(questions.catalogue.values()))


def _counts(app: FastAPI, questions: Questions, pool: Executor) -> None:
    def answer(asked: CountsAsked) -> Response:
        found = questions.counts(asked)
        return answered(counts_sheet(found)) if asked.format == "csv" else _json(found)

    @app.get("/v1/counts", response_model=CountsAnswer, responses=FIGURES)
    async def counts(asked: Annotated[CountsAsked, Query()]) -> Response:
        """The raw counts under the indicators."""
        return await get_running_loop().run_in_executor(pool, answer, asked)


def _operations(app: FastAPI, questions: Questions, exporter: Exporter, pool: Executor) -> None:
    @app.get("/metrics", response_class=PlainTextResponse, responses=REFUSED, dependencies=OF_BOOKS)
    async def metrics() -> Response:
        """Every figure and this process's health, for Prometheus."""
        return Response(await exporter.text(), media_type=CONTENT_TYPE)

    @app.get("/healthz", responses=REFUSED, dependencies=OF_BOOKS)
    async def healthz() -> dict[str, str]:
        """This process answers."""
        return {"status": "alive"}

    @app.get("/readyz", responses=problems.described(422, 503), dependencies=OF_BOOKS)
    async def readyz() -> dict[str, str]:
        """Every fact that stood in Kafka at the start is counted and read; 503 with how far that is
        until then.
        """
        progress = await get_running_loop().run_in_executor(pool, questions.caught_up)
        return {"status": "ready", "books": questions.books, "doing": progress.doing}


def _json(answer: IndicatorsAnswer | IndicatorAnswer | ScoreAnswer | CountsAnswer) -> Response:
    return Response(answer.model_dump_json(by_alias=True), media_type=JSONResponse.media_type)
