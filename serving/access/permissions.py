"""What a client may say: which doors, families and sources, and for which agencies on the
day of the fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import NamedTuple

from schemas.clock import as_date, day_number, numbered_day
from schemas.events import Event
from serving.access.clients import ANY, Client, Door, Identity
from serving.access.errors import AccessUnknown, NotAllowed
from serving.directory.directory import Directory

_REMEMBERED = 10_000  # answers
_NAMED = 10  # of what a client may, in a message
_UNREAD = "The directory of agencies is being read: send the same request again in a few seconds."


class Denial(NamedTuple):
    """Why an event may not be said: the field of the CloudEvent, and what the client may."""

    field: str
    message: str


class Permissions:
    """Of one identity. `directory` is the newest one; None while it was not read yet."""

    def __init__(
        self, identity: Identity, directory: Callable[[], Directory | None] = lambda: None
    ) -> None:
        self._client, self._directory = identity.client, directory
        # by family, source, agency and day: a batch says the same of many things
        self._answers: dict[tuple[str, str, str, int], Denial | None] = {}
        self._seen: Directory | None = None

    def require_door(self, door: Door) -> None:
        """That it may come in there.

        Raises: NotAllowed
        """
        client = self._client
        if client is not None and door not in client.doors:
            raise NotAllowed(
                f"{client.name} may not use the door {door}; its doors are"
                f" {listed(client.doors)}. The hub's operators can give it that."
            )

    def denied(self, event: Event) -> Denial | None:
        """Why it may not say this, by the hierarchy of the day of the fact (of a correction the one
        on which it happened in truth); None: it may.

        Raises: AccessUnknown while that rests on a directory that was not read yet
        """
        client = self._client
        if client is None:
            return None
        # many events have no such field, and asking pydantic for one takes long
        instant: int | None = event.__dict__.get("effective_at")
        number = day_number(event.occurred_at if instant is None else instant)
        asked = event.family, event.source, event.agency, number
        self._forget_what_changed()
        if asked not in self._answers:
            self._answers[asked] = self._denied(client, event, as_date(numbered_day(number)))
        return self._answers[asked]

    def _denied(self, client: Client, event: Event, on: date) -> Denial | None:
        if ANY not in client.families and event.family not in client.families:
            return Denial(
                "type",
                f"is of the family {event.family}; {client.name} may send"
                f" {listed(client.families)}",
            )
        if not any(source_fits(event.source, pattern) for pattern in client.sources):
            return Denial(
                "source", f"is not {client.name}'s; its sources are {listed(client.sources)}"
            )
        if not self.speaks_for(event.agency, on):
            return Denial(
                "data.agency",
                f"{client.name} may speak for {listed(client.agencies)} and what is below them;"
                f" on {on} this agency was not",
            )
        return None

    def _forget_what_changed(self) -> None:
        directory = self._directory()
        if directory is not self._seen or len(self._answers) > _REMEMBERED:
            self._seen, self._answers = directory, {}

    def speaks_for(self, agency: str, on: date) -> bool:
        """Whether an agency is one of the client's, or was below one on a day.

        Raises: AccessUnknown
        """
        client = self._client
        if client is None or ANY in client.agencies or agency in client.agencies:
            return True
        directory = self._directory()
        if directory is None:
            raise AccessUnknown(_UNREAD)
        return stands_below(directory, agency, client.agencies, on)


def stands_below(directory: Directory, agency: str, agencies: Iterable[str], on: date) -> bool:
    """Whether an agency was one of these, or below one, on a day."""
    above = {agency, *directory.roll_up(agency, on)}
    return any(directory.canonical(code, on) in above for code in agencies)


def require_operator(identity: Identity) -> Client:
    """The operator that it is.

    Raises: NotAllowed; anybody is none, even where access is open: who made a client then would be
    let in later.
    """
    client = identity.client
    if client is None:
        raise NotAllowed(
            "Clients are managed over HTTP by an operator, and LGSP_ACCESS is open: use `lgsp"
            " client` on the hub's own machine."
        )
    if client.role != "operator":
        raise NotAllowed(f"{client.name} is no operator: clients are managed by operators only.")
    return client


def refusals_seen_by(identity: Identity) -> str | None:
    """Whose refused items somebody may see, replay and drop: its own; None: everybody's, of an
    operator.

    Raises: NotAllowed where access is open: nobody is known then
    """
    client = identity.client
    if client is None:
        raise NotAllowed(
            "What was refused is shown over HTTP to its sender and to operators, and LGSP_ACCESS is"
            " open: use `lgsp quarantine` on the hub's own machine."
        )
    return None if client.role == "operator" else client.name


def source_fits(source: str, pattern: str) -> bool:
    """Whether a CloudEvents source is one of a pattern's, which may end in a `*`."""
    return (
        source.startswith(pattern.removesuffix(ANY)) if pattern.endswith(ANY) else source == pattern
    )


def listed(names: Iterable[str]) -> str:
    """Names with commas between, the first few of many."""
    found = [*names]
    told = ", ".join(found[:_NAMED])
    more = f" and {len(found) - _NAMED:,} more" if len(found) > _NAMED else ""
    return f"{told}{more}" or "none"
