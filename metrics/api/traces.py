"""GET /v1/dossiers/{id} and of the other families: one thing, its facts, and the figures it is
in.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from metrics.api.access import ByReader
from metrics.api.app import ERRORS
from metrics.api.csv import answered
from metrics.api.parameters import TraceParameters
from metrics.api.patience import PATIENCE_SECONDS, in_time
from metrics.api.replies import json_reply, next_page
from metrics.api.trace_shapes import TraceAnswer, facts_sheet, trace_shape
from metrics.errors import NotFound, NotReady
from metrics.figures.readers import Reader
from metrics.tracing.questions import TraceQuery, Traces
from schemas.families import LISTED_FAMILIES, thing_of

_THREADS = 2  # of its own: who waits for Kafka keeps nobody from a figure

Id = Annotated[
    str, Path(description="The id as its source writes it; signs such as ? and # percent-encoded")
]


def trace_routes(traces: Traces | None) -> Callable[[Executor], APIRouter]:
    """The routes. Without lists they say that those are switched off."""

    def routes(_: Executor) -> APIRouter:
        made, pool = APIRouter(responses=ERRORS), ThreadPoolExecutor(_THREADS, "traces")
        for family in LISTED_FAMILIES:
            _route(made, family, traces, pool)
        return made

    return routes


def _route(routes: APIRouter, family: str, traces: Traces | None, pool: Executor) -> None:
    async def traced(
        request: Request, id: Id, asked: Annotated[TraceParameters, Query()], reader: ByReader
    ) -> Response:
        if traces is None:
            raise NotFound(
                "Lists are switched off, and this with them: set LGSP_LISTING=1 and start `lgsp"
                " metrics` again.",
            )
        told = partial(_answer, traces, family, id, asked, reader)
        answer = await in_time(pool, PATIENCE_SECONDS, told)
        return _response(request, answer, asked)

    traced.__doc__ = (
        f"One {thing_of(family)}: the facts about it in the order in which they came in, what is"
        " known of it, what it counts for."
    )
    routes.add_api_route(
        f"/v1/{family}/{{id:path}}",
        traced,
        response_model=TraceAnswer,
        name=f"trace_{thing_of(family)}",
    )


def _answer(
    traces: Traces, family: str, id_: str, asked: TraceParameters, reader: Reader
) -> TraceAnswer:
    query = TraceQuery(asked.limit, asked.after, asked.books)
    return trace_shape(traces.trace(family, id_, query, reader))


def _response(request: Request, answer: TraceAnswer, asked: TraceParameters) -> Response:
    path = f"/v1/{answer.family}/{quote(answer.id, safe='')}"
    headers = next_page(request, path, answer.next)
    if asked.format == "csv":
        if answer.facts is None:
            raise NotReady("Kafka does not answer, so the facts can't be read: ask again later.")
        return answered(facts_sheet(answer), headers)
    return json_reply(answer, headers)
