"""What is true at the moment of asking, and who opens such views: one snapshot, one moment, one
directory for everything that is answered from them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Protocol

from metrics.catalogue.indicators import Agency, Indicator
from metrics.cube.snapshot import Readers, Snapshot
from metrics.errors import nearest, wrong
from metrics.figures import uncounted
from metrics.figures.expected import reporting
from metrics.figures.moment import Moment
from metrics.figures.readers import EVERYTHING, Reader
from metrics.figures.readiness import Readiness, not_begun
from metrics.figures.sums import SharedSums, SumsProvider
from metrics.workers import Backlog, Standing
from schemas.codes import AdministrativeLevel
from schemas.masking import shown
from schemas.spaces import OFFICIAL, within
from schemas.topics import DEFAULT_BOOKS
from schemas.windows import Window
from schemas.worktime import USUAL_OFFICE, Office
from serving.directory.directory import Directory
from serving.store.progress import Progress

NO_DIRECTORY = Directory()


class Providing(Protocol):
    """Who provides the sums of a view."""

    def __call__(
        self, view: View, indicators: Sequence[Indicator], level: AdministrativeLevel | None
    ) -> SumsProvider:
        """Reads what these indicators share, of one level if one is asked for."""


def shared_sums(
    view: View, indicators: Sequence[Indicator], level: AdministrativeLevel | None
) -> SumsProvider:
    """Reads from the view's snapshot, for one question."""
    return SharedSums(view.snapshot, view.moment, indicators, level)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What figures stand for: every fact of a space accepted up to an instant (epoch ms), by these
    books and their rules.
    """

    instant_ms: int
    space: str
    books: str
    rules: Mapping[str, Sequence[int]]  # by family the versions by which its partitions count
    behind: int | None  # events not yet counted; None while Kafka can't be asked
    offsets: Mapping[int, int]  # the next one of each partition of the books' cells


@dataclass
class View:
    """Everything that figures are made of, at one moment."""

    snapshot: Snapshot
    moment: Moment
    directory: Directory
    catalogue: Mapping[str, Indicator]
    declared: Mapping[str, Agency]  # the agencies of the settings that should report
    books: str = DEFAULT_BOOKS
    space: str = OFFICIAL
    partitions: int = 1
    backlog: Backlog | None = None
    providing: Providing = shared_sums
    reader: Reader = EVERYTHING
    _reporting: dict[tuple[tuple[str, ...], Window], set[str]] = field(default_factory=dict)

    @cached_property
    def heard(self) -> dict[str, int]:
        """When a count of each agency's code last changed (epoch ms)."""
        return self.snapshot.last_events()

    @cached_property
    def rules(self) -> dict[str, list[int]]:
        """By family the versions of the rules by which its partitions count."""
        return uncounted.versions_of(self.snapshot.rules())

    @cached_property
    def uncounted(self) -> frozenset[uncounted.MeasureKey]:
        """The measures that these books do not have yet."""
        return uncounted.uncounted(self.rules)

    @cached_property
    def as_of(self) -> Provenance:
        """The oldest heartbeat, without heartbeats when the cube last held all that was published;
        but before what is not counted yet.

        Raises: NotReady for books that nobody ever counted.
        """
        self.require_begun()
        beat, now_ms, backlog = self.freshness_ms, self.moment.now_ms, self.backlog
        instant = min(self.snapshot.complete_ms(), now_ms) if beat is None else beat
        if backlog is not None and backlog.oldest_ms is not None:
            instant = min(instant, backlog.oldest_ms - 1)
        return Provenance(
            instant_ms=instant,
            space=self.space,
            books=self.books,
            rules=self.rules,
            behind=None if backlog is None else backlog.events,
            offsets=self.snapshot.offsets(),
        )

    @property
    def freshness_ms(self) -> int | None:
        """The oldest of the partitions' newest heartbeats (epoch ms), never later than now: every
        fact accepted before has been counted.

        None: one is missing.
        """
        beats = self.snapshot.heartbeats()
        if len(beats) != self.partitions:
            return None
        return min(self.moment.now_ms, *beats.values())

    @cached_property
    def _begun(self) -> bool:
        return self.snapshot.begun()

    def require_begun(self) -> None:
        """Raises: NotReady for books that nobody ever counted."""
        if not self._begun:
            raise not_begun(self.books, self.space)

    def require_known(self, agency: str | None) -> None:
        """Raises: QueryError for an agency that nobody registered, expects or ever heard from."""
        if agency is None or agency in self.heard or agency in self.declared:
            return
        if self.directory.known(agency):
            return
        agencies = self.directory.agencies(self.moment.today)
        near = nearest(agency, [*self.heard, *self.declared, *agencies])
        hint = f"did you mean {near}?" if near else "GET /v1/agencies lists them"
        raise wrong("agency", f"{shown(agency)} is not expected, and nothing counts for it; {hint}")

    def reporting(self, families: Sequence[str], window: Window) -> set[str]:
        """The agencies with dated counts of the families in the window, under whichever form of
        their code.
        """
        known = [self._reporting.get(((family,), window)) for family in families]
        parts = [found for found in known if found is not None]
        if len(parts) == len(families):
            return set().union(*parts)
        read = tuple(families), window
        if read not in self._reporting:
            self._reporting[read] = reporting(self.snapshot, self.directory, *read)
        return self._reporting[read]

    def provider(
        self, indicators: Sequence[Indicator], level: AdministrativeLevel | None = None
    ) -> SumsProvider:
        """Reads the sums that these indicators share."""
        return self.providing(self, indicators, level)


class Views:
    """Opens views, in the calling thread. `directory` and `backlog` (the events not yet counted)
    are asked for at each.

    Raises (from every method): NotReady; Unreadable.
    """

    def __init__(
        self,
        readers: Readers,
        catalogue: Mapping[str, Indicator],
        agencies: Mapping[str, Agency],
        *,
        progress: Callable[[], Progress],
        clock: Callable[[], int],
        directory: Callable[[], Directory] = lambda: NO_DIRECTORY,
        office: Office = USUAL_OFFICE,
        books: str = DEFAULT_BOOKS,
        space: str = OFFICIAL,
        backlog: Callable[[], Backlog | None] = lambda: None,
        standing: Callable[[], Standing | None] = dict,
    ) -> None:
        """`agencies`: those of the settings; `standing`: what there was to count at first."""
        self.readers, self.catalogue = readers, catalogue
        self.books, self.space = books, space
        self.readiness = Readiness(readers, progress, standing, books, space)
        self.declared, self._clock, self._directory = agencies, clock, directory
        self.progress, self._office, self._backlog = progress, office, backlog
        self.reader = EVERYTHING

    def read_by(self, reader: Reader) -> Views:
        """The same for somebody who may read so much."""
        theirs = copy.copy(self)
        theirs.reader = reader
        return theirs

    @property
    def kafka_name(self) -> str:
        """What Kafka calls these books."""
        return within(self.space, self.books)

    @property
    def directory(self) -> Directory:
        """The newest one."""
        return self._directory()

    @property
    def today(self) -> date:
        """The province's day."""
        return Moment(self._clock(), self._office).today

    @contextmanager
    def open(self) -> Iterator[View]:
        """A view of this moment, once every figure is complete."""
        self.readiness.ready()
        with self.readers.snapshot() as snapshot:
            yield self.of(snapshot)

    def of(self, snapshot: Snapshot, providing: Providing = shared_sums) -> View:
        """The view of this moment that a snapshot gives; `providing`: whose sums it is read by."""
        return View(
            snapshot=snapshot,
            moment=Moment(self._clock(), self._office),
            directory=self.directory,
            catalogue=self.catalogue,
            declared=self.declared,
            books=self.books,
            space=self.space,
            partitions=self.progress().partitions,
            backlog=self._backlog(),
            providing=providing,
            reader=self.reader,
        )
