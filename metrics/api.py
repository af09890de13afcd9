"""The reporting API and GET /metrics, as one ASGI application. Answers are made in threads; the event loop only passes them on."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from time import perf_counter
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from metrics import problems
from metrics.answers import (
    CatalogueAnswer,
    CountsAnswer,
    IndicatorAnswer,
    IndicatorsAnswer,
    ScoreAnswer,
    counts_csv,
    indicators_csv,
    score_csv,
)
from metrics.asked import BOOKS, Asked, CountsAsked, IndicatorsAsked
from metrics.disposable import Unreadable
from metrics.exporter import Exporter, Timings
from metrics.exposition import CONTENT_TYPE
from metrics.questions import Questions

Routes = Callable[[Executor], APIRouter]
THREADS = 8  # each keeps a connection to the cube with some megabytes of cache; more would only take turns
CSV = "text/csv; charset=utf-8"
ERRORS: dict[int | str, dict[str, Any]] = {
    code: {"description": text, "content": {problems.MEDIA_TYPE: {}}}
    for code, text in ((404, "Not known"), (422, "A parameter cannot be used"), (503, "The figures are being built"))
}


def _books(books: Annotated[str | None, Query(description=BOOKS)] = None) -> None:
    """Where nothing else is asked; metrics/books.py has read it before."""


OF_BOOKS = [Depends(_books)]


def create_app(questions: Questions, exporter: Exporter, routes: Iterable[Routes] = ()) -> FastAPI:
    """The application, with further routes. `questions` are answered in a few threads of its own, as the routes' are."""
    app = FastAPI(title="LGSP hub: figures", version="1", docs_url=None, redoc_url=None)
    pool = ThreadPoolExecutor(THREADS, "figures")
    _indicators(app, questions, pool)
    _counts(app, questions, pool)
    _operations(app, questions, exporter)
    for make in routes:
        app.include_router(make(pool))
    app.add_exception_handler(problems.Problem, problems.on_problem)
    app.add_exception_handler(RequestValidationError, problems.on_invalid)
    app.add_exception_handler(HTTPException, problems.on_http)
    app.add_exception_handler(Unreadable, problems.on_unreadable)
    app.add_exception_handler(Exception, problems.on_failure)
    app.add_middleware(Timed, timings=exporter.requests)
    return app


def _indicators(app: FastAPI, questions: Questions, pool: Executor) -> None:
    def answer(asked: IndicatorsAsked, id: str | None = None) -> Response:
        found = questions.indicators(asked, id)
        if asked.format == "csv":
            return _csv(indicators_csv(found))
        return _json(IndicatorsAnswer(indicators=found) if id is None else found[0])

    def scored(asked: Asked) -> Response:
        found = questions.score(asked)
        return _csv(score_csv(found)) if asked.format == "csv" else _json(found)

    @app.get("/v1/indicators", response_model=IndicatorsAnswer, responses=ERRORS)
    async def indicators(asked: Annotated[IndicatorsAsked, Query()]) -> Response:
        """Every indicator over a window."""
        return await get_running_loop().run_in_executor(pool, answer, asked)

    @app.get("/v1/indicators/{id}", response_model=IndicatorAnswer, responses=ERRORS)
    async def indicator(id: str, asked: Annotated[IndicatorsAsked, Query()]) -> Response:
        """One indicator over a window."""
        return await get_running_loop().run_in_executor(pool, answer, asked, id)

    @app.get("/v1/scores/766", response_model=ScoreAnswer, responses=ERRORS)
    async def score(asked: Annotated[Asked, Query()]) -> Response:
        """QĐ 766: the points that events give, by group and item, and what is missing."""
        return await get_running_loop().run_in_executor(pool, scored, asked)

    @app.get("/v1/catalogue", dependencies=OF_BOOKS)
    async def catalogue() -> CatalogueAnswer:
        """Every indicator as it is declared: definition, clause, terms, targets."""
        return CatalogueAnswer(indicators=list(questions.catalogue.values()))


def _counts(app: FastAPI, questions: Questions, pool: Executor) -> None:
    def answer(asked: CountsAsked) -> Response:
        found = questions.counts(asked)
        return _csv(counts_csv(found)) if asked.format == "csv" else _json(found)

    @app.get("/v1/counts", response_model=CountsAnswer, responses=ERRORS)
    async def counts(asked: Annotated[CountsAsked, Query()]) -> Response:
        """The raw counts under the indicators."""
        return await get_running_loop().run_in_executor(pool, answer, asked)


def _operations(app: FastAPI, questions: Questions, exporter: Exporter) -> None:
    @app.get("/metrics", response_class=PlainTextResponse, dependencies=OF_BOOKS)
    async def metrics() -> Response:
        """Every figure and this process's health, for Prometheus."""
        return Response(await exporter.text(), media_type=CONTENT_TYPE)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        """This process answers."""
        return {"status": "alive"}

    @app.get("/readyz", responses={503: ERRORS[503]}, dependencies=OF_BOOKS)
    async def readyz() -> dict[str, str]:
        """The figures are complete; 503 with the percentage until they are."""
        return {"status": "ready", "books": questions.books, "doing": questions.ready().doing}


def _json(answer: IndicatorsAnswer | IndicatorAnswer | ScoreAnswer | CountsAnswer) -> Response:
    return Response(answer.model_dump_json(by_alias=True), media_type=JSONResponse.media_type)


def _csv(text: str) -> Response:
    return Response(text, media_type=CSV)


class Timed:
    """Counts and times requests by route and status (the route's template, never the path that was sent)."""

    def __init__(self, app: ASGIApp, timings: Timings) -> None:
        self._app, self._timings = app, timings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, started = "500", perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            self._timings.add((route, status), perf_counter() - started)
