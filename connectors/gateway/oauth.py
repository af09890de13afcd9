"""`POST /oauth/token`: OAuth 2 client credentials (RFC 6749, 4.4), and no other grant. A client's
name and key for a token of ten minutes.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from connectors.gateway.access import GatewayAccess
from connectors.gateway.problems import GATEWAY_PROBLEMS
from schemas.masking import shown
from serving.access.errors import AccessError, AccessUnknown, NotAllowed, NotKnown, OverLimit
from serving.access.gate import basic_credentials
from serving.access.problems import access_problem
from serving.problems import Problem, problem_response

FORM_TYPE = "application/x-www-form-urlencoded"
GRANT = "client_credentials"
LONGEST_FORM = 8 << 10  # bytes
_NO_STORE = {"Cache-Control": "no-store"}
# RFC 6749, 5.2; where it names none, the nearest
_ERRORS: dict[type[AccessError], str] = {
    NotKnown: "invalid_client",
    NotAllowed: "unauthorized_client",
    OverLimit: "temporarily_unavailable",
    AccessUnknown: "temporarily_unavailable",
}


class TokenMistake(Exception):
    """A request that is no request for a token. `error` is RFC 6749's word for it."""

    def __init__(self, error: str, detail: str) -> None:
        super().__init__(detail)
        self.error, self.detail = error, detail


async def token(request: Request, access: GatewayAccess) -> Response:
    """A token, or why there is none: a problem document that is an OAuth error too."""
    try:
        fields = _fields(request, await _form(request))
        if (grant := fields.get("grant_type", "")) != GRANT:
            name = "invalid_request" if not grant else "unsupported_grant_type"
            raise TokenMistake(name, f"grant_type should be {GRANT}, the one that is given here.")
        identity, text, seconds = access.token(*_credentials(request, fields))
        request.state.client = identity.name
    except TokenMistake as mistake:
        return _refused(Problem("http-error", mistake.detail), mistake.error)
    except AccessError as error:
        return _refused(access_problem(error), _ERRORS[type(error)])
    answer = {"access_token": text, "token_type": "Bearer", "expires_in": seconds}
    return Response(msgspec.json.encode(answer), headers=_NO_STORE, media_type="application/json")


def _refused(problem: Problem, error: str) -> Response:
    """OAuth's clients read `error` in plain JSON; everybody else reads the problem."""
    more = {**problem.more, "error": error, "error_description": problem.detail}
    told = Problem(problem.name, problem.detail, more, headers=problem.headers)
    response = problem_response(GATEWAY_PROBLEMS, told, f"urn:uuid:{uuid4()}", headers=_NO_STORE)
    response.headers["content-type"] = "application/json"
    return response


async def _form(request: Request) -> str:
    """The body of a form. Raises: TokenMistake"""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM_TYPE:
        raise TokenMistake(
            "invalid_request", f"Content-Type is {shown(kind) or 'missing'}: send {FORM_TYPE}."
        )
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM:
            raise TokenMistake(
                "invalid_request", f"The form is longer than {LONGEST_FORM:,} bytes."
            )
    return body.decode("utf-8", "replace")


def _fields(request: Request, form: str) -> dict[str, str]:
    """Raises: TokenMistake for a field that is given twice (RFC 6749, 3.2)."""
    try:
        found = parse_qs(form, keep_blank_values=True, max_num_fields=32)
    except ValueError:
        raise TokenMistake("invalid_request", "The form has too many fields.") from None
    for name, values in found.items():
        if len(values) > 1:
            raise TokenMistake("invalid_request", f"{shown(name)} is given twice.")
    return {name: values[0] for name, values in found.items()}


def _credentials(request: Request, fields: dict[str, Any]) -> tuple[str, str]:
    """The client's name and key, from the header or the form.

    Raises: NotKnown, TokenMistake where both say one
    """
    header = request.headers.get("authorization")
    if header is None:
        return fields.get("client_id", ""), fields.get("client_secret", "")
    if "client_secret" in fields:
        raise TokenMistake(
            "invalid_request", "The key stands in the header and in the form: send one of them."
        )
    return basic_credentials(header)
