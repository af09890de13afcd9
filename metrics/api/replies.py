"""What every answer is made of, whatever it is about: its JSON, and the link to the next page."""

from __future__ import annotations

from asyncio import get_running_loop
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from metrics.api.csv import Sheet, answered

_Answer = TypeVar("_Answer", bound=BaseModel)


def json_reply(answer: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """The answer, by the names that its description gives."""
    text = answer.model_dump_json(by_alias=True)
    return Response(text, media_type=JSONResponse.media_type, headers=headers)


def reply(
    answer: _Answer,
    form: str,
    sheet: Callable[[_Answer], Sheet],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer in the form that was asked for, `json` or `csv`."""
    if form == "csv":
        return answered(sheet(answer), headers)
    return json_reply(answer, headers)


async def replied(
    pool: Executor, answer: Callable[[], _Answer], form: str, sheet: Callable[[_Answer], Sheet]
) -> Response:
    """The same of an answer that is made in a thread of the pool, file and all."""
    return await get_running_loop().run_in_executor(pool, lambda: reply(answer(), form, sheet))


def next_page(request: Request, path: str, after: str | None) -> dict[str, str]:
    """The header that leads to the next page, asked for as this one was; none without a cursor."""
    if after is None:
        return {}
    given = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    return {"Link": f'<{path}?{urlencode([*given, ("after", after)])}>; rel="next"'}
