"""Why a question about figures can't be answered: errors of the hub's own, which each door turns
into its own shape (HTTP: metrics/api/problems.py).

Messages are read by clerks: they say what was sent, what is wrong with it and what to send instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from schemas.errors import HubError
from schemas.masking import shown


class Fault(NamedTuple):
    """A parameter and what is wrong with it."""

    field: str
    message: str


class QuestionError(HubError):
    """Base of these; its text is for whoever asked. `faults`: the parameters to mend, if any."""

    faults: tuple[Fault, ...] = ()


class QueryError(QuestionError):
    """Parameters that can't be used, whatever is true at the moment or because of it."""

    def __init__(self, faults: Iterable[Fault], detail: str | None = None) -> None:
        """Without `detail` the faults are told one after the other."""
        self.faults = tuple(faults)
        told = "; ".join(f"{one.field}: {one.message}" for one in self.faults)
        super().__init__(told if detail is None else detail)


class UnknownIndicator(QuestionError):
    """The catalogue has no such indicator."""


class NotFound(QuestionError):
    """Nothing is known under this name."""


class NotReady(QuestionError):
    """What would be told is still being built, or nobody counted it yet: ask again later."""


def wrong(field: str, message: str) -> QueryError:
    """A parameter that cannot be used."""
    return QueryError([Fault(field, message)])


def unknown_indicator(given: str, known: Iterable[str], field: str) -> UnknownIndicator:
    """No indicator of the catalogue; the nearest one is named, and where to find all."""
    near = nearest(given, known)
    hint = f"did you mean {near}? " if near else ""
    error = UnknownIndicator(
        f"{shown(given)} is no indicator: {hint}GET /v1/catalogue lists them all."
    )
    error.faults = (Fault(field, "is not known"),)
    return error


def nearest(given: str, known: Iterable[str]) -> str | None:
    """What was probably meant, capitals or not; None: nothing is near."""
    names = {name.casefold(): name for name in known}
    found = get_close_matches(given.casefold(), names, 1)
    return names[found[0]] if found else None


def instead(given: str, known: Iterable[str]) -> str:
    """What else to send: the nearest of what is known, else all of it."""
    names = list(known)
    near = nearest(given, names)
    return f"did you mean {near}?" if near else f"there are {', '.join(names) or 'none'}"
