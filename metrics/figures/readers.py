"""Who reads figures, lists and traces, and what of them.

An agency's reader asks for its own agencies and what is below them, on every day that it asks
about. That is decided where a question is put, before anything is read: what a reader may not see
is never read and then left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from metrics.figures.query import Query
from metrics.figures.scopes import scopes
from schemas.windows import Window
from serving.access.clients import ANY, ANYBODY, Identity
from serving.access.errors import NotAllowed
from serving.access.permissions import listed
from serving.directory.directory import Directory
from serving.directory.links import BEGINNING


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks. `agencies` are those whose figures it may read, with what is below them on the
    days asked; None: it may read everything.
    """

    name: str = ANYBODY
    agencies: tuple[str, ...] | None = None

    def codes(self, directory: Directory, day: date) -> frozenset[str]:
        """Every code under which counts of a day may be that it may read; of a reader of agencies.

        What an agency that ended left to its successor is read with the successor.
        """
        tree, found = directory.tree(day), set[str]()
        for code in self.agencies or ():
            agency = directory.canonical(code, day)
            ended = agency in tree.replaced
            found.add(code)
            found |= tree.all_forms([agency] if ended else tree.subtree(agency))
        return frozenset(found)

    def may_read(self, directory: Directory, agency: str, day: date) -> bool:
        """Whether it may read what was counted under a code on a day."""
        return self.agencies is None or agency in self.codes(directory, day)

    def require(self, directory: Directory, query: Query, windows: Iterable[Window]) -> None:
        """That it may read what a query asks of these windows.

        Raises: NotAllowed, which says what it may ask.
        """
        if self.agencies is None:
            return
        if query.agency is None:
            raise NotAllowed(f"{self.name} may not ask for the whole province: {self._instead()}.")
        for day, codes in _asked(directory, query, windows):
            if not codes <= self.codes(directory, day):
                on = f" on {day}" if day > BEGINNING else ""
                raise NotAllowed(
                    f"{self.name} may not ask this of the agency {query.agency}: not all of it was"
                    f" below its own agencies{on}. Ask of other days, or {self._instead()}."
                )

    def refuse_thing(self, what: str) -> NotAllowed:
        """The one answer for a thing of others and one that there is not."""
        return NotAllowed(
            f"Nothing is counted under the id of this {what} for an agency of {self.name}:"
            f" {self.name} may open what counts for {listed(self.agencies or ())} and what is below"
            " them."
        )

    def _instead(self) -> str:
        return (
            f"ask with agency, which may be {listed(self.agencies or ())} or what was below them on"
            " all days asked"
        )


EVERYTHING = Reader()


def reader_of(identity: Identity) -> Reader:
    """The reader that an identity is.

    Raises: NotAllowed for a client that reads nothing.
    """
    client = identity.client
    if client is None:
        return EVERYTHING
    if client.role is None:
        raise NotAllowed(
            f"{client.name} may not read figures: it has no role. The hub's operators can give a"
            " client one (lgsp client add … --role agency, province or operator)."
        )
    all_of_them = client.role != "agency" or ANY in client.agencies
    return Reader(client.name, None if all_of_them else client.agencies)


def _asked(
    directory: Directory, query: Query, windows: Iterable[Window]
) -> Iterator[tuple[date, frozenset[str]]]:
    """Of each part of the windows in which nothing changes the first day, and the codes that are
    read.
    """
    plain = Query(agency=query.agency, own=query.own, history=query.history)
    for window in windows:
        for scope in scopes(directory, plain, window):
            for part in directory.parts(scope.window):
                yield part.first or BEGINNING, scope.codes or frozenset()
