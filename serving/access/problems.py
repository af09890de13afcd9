"""What keeps somebody out, as problem documents: alike at every door."""

from __future__ import annotations

from serving.access.errors import AccessError, AccessUnknown, NotAllowed, NotKnown, OverLimit
from serving.problems import Problem, ProblemKind

ACCESS_PROBLEMS: dict[str, ProblemKind] = {
    "not-known": ProblemKind(
        401,
        "The request does not say who sends it",
        "Send the client's name and key (docs/access.md); the detail says what is wrong with them.",
    ),
    "not-allowed": ProblemKind(
        403,
        "The client may not do this",
        "Do what the detail says that it may, or ask the hub's operators.",
    ),
    "over-limit": ProblemKind(
        429,
        "The client sends more than it may",
        "Send the same request again after Retry-After seconds.",
    ),
}
_REALM = "LGSP hub"


def access_problem(error: AccessError) -> Problem:
    """The problem of a door that has the kinds above and `unavailable`."""
    if isinstance(error, OverLimit):
        return Problem("over-limit", str(error), headers={"Retry-After": str(error.retry_seconds)})
    if isinstance(error, AccessUnknown):
        return Problem("unavailable", str(error))
    if isinstance(error, NotAllowed):
        return Problem("not-allowed", str(error))
    assert isinstance(error, NotKnown)
    wrong = ', error="invalid_token"' if error.token else ""
    challenge = f'Basic realm="{_REALM}", charset="UTF-8", Bearer realm="{_REALM}"{wrong}'
    return Problem("not-known", str(error), headers={"WWW-Authenticate": challenge})
