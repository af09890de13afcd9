"""What every answer is made of, whatever it is about: its JSON, and the link to the next page."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response


def json_reply(answer: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """The answer, by the names that its description gives."""
    text = answer.model_dump_json(by_alias=True)
    return Response(text, media_type=JSONResponse.media_type, headers=headers)


def next_page(request: Request, path: str, after: str | None) -> dict[str, str]:
    """The header that leads to the next page, asked for as this one was; none without a cursor."""
    if after is None:
        return {}
    given = [(name, value) for name, value in request.query_params.multi_items() if name != "after"]
    return {"Link": f'<{path}?{urlencode([*given, ("after", after)])}>; rel="next"'}
