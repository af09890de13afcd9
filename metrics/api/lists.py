"""GET /v1/dossiers and of the other families: what is behind a figure."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from metrics.api.access import ByReader
from metrics.api.app import FIGURES
from metrics.api.list_shapes import ListAnswer, list_shape, list_sheet
from metrics.api.parameters import ListParameters
from metrics.api.patience import PATIENCE_SECONDS, in_time
from metrics.api.replies import next_page, reply
from metrics.errors import NotFound
from metrics.figures.readers import EVERYTHING, Reader
from metrics.lists.questions import DetailNames, Lists
from schemas.families import LISTED_FAMILIES

_THREADS = 4


def listing_routes(
    lists: Lists | None, patience: float = PATIENCE_SECONDS
) -> Callable[[Executor], APIRouter]:
    """The routes. Answers are made in threads of their own: however long a list takes, the figures'
    threads are free.

    Without lists the routes say that those are switched off.
    """

    def routes(_: Executor) -> APIRouter:
        made, pool = APIRouter(), ThreadPoolExecutor(_THREADS, "lists")
        for family in LISTED_FAMILIES:
            _route(made, family, lists, pool, patience)
        return made

    return routes


def _route(
    routes: APIRouter, family: str, lists: Lists | None, pool: Executor, patience: float
) -> None:
    async def listed(
        request: Request, asked: Annotated[ListParameters, Query()], reader: ByReader
    ) -> Response:
        if lists is None:
            raise NotFound(
                "Lists are switched off: set LGSP_LISTING=1 and start `lgsp metrics` again.",
            )
        answer = await in_time(pool, patience, partial(answer_list, lists, family, asked, reader))
        return _response(request, family, answer, asked, lists.names[family])

    listed.__doc__ = (
        f"The {family} behind a part of an indicator, a page at a time, in order of day (or due"
        " time), agency and id."
    )
    routes.add_api_route(
        f"/v1/{family}", listed, response_model=ListAnswer, responses=FIGURES, name=f"list_{family}"
    )


def answer_list(
    lists: Lists, family: str, asked: ListParameters, reader: Reader = EVERYTHING
) -> ListAnswer:
    """A page of what is behind a figure, answered in the calling thread."""
    found = lists.things(family, asked.list_query(), reader)
    return list_shape(found, lists.names[family], asked.books)


def _response(
    request: Request,
    family: str,
    answer: ListAnswer,
    asked: ListParameters,
    names: DetailNames,
) -> Response:
    headers = next_page(request, request.url.path, answer.next)
    return reply(answer, asked.format, lambda found: list_sheet(family, found, names), headers)
