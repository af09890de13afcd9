"""The books that one `lgsp metrics` serves: of each name its files, what feeds them and the answers
made from them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from aiokafka import TopicPartition
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from metrics.api import problems
from metrics.api.access import ReadersOnly, ReadingAccess
from metrics.api.app import create_app
from metrics.api.directory import directory_routes
from metrics.api.lists import listing_routes
from metrics.api.traces import trace_routes
from metrics.catalogue.indicators import Agency, Indicator
from metrics.cube.cube import Cube
from metrics.cube.feed import cube_options
from metrics.cube.snapshot import Readers
from metrics.cube.tables import FAMILIES
from metrics.errors import instead, wrong
from metrics.figures.view import Views
from metrics.lists.listing import Meaning
from metrics.lists.service import ListService
from metrics.prometheus.exporter import Exporter
from metrics.prometheus.lists import facts_text, listing_text
from metrics.prometheus.storage import storage_text
from metrics.tracing.service import Tracing
from metrics.workers import WorkerLag
from schemas.clock import now_ms
from schemas.masking import shown
from schemas.settings import Settings
from schemas.topics import events_topic
from schemas.worktime import office
from serving.audited import Audited
from serving.directory.feed import DirectoryFeed, figures_progress
from serving.store.background import Background
from serving.store.disposable import Unreadable
from serving.store.follower import Follower

CUBE_FILE = "cube.sqlite"
_REFUSED = "lgsp.refused"  # of a request for books that there are not, the problem


class ServedBooks:
    """The books that these settings name. `app` answers, `feeds` keep up to date what it answers
    from, `lag` watches the workers.
    """

    def __init__(
        self,
        settings: Settings,
        indicators: Mapping[str, Indicator],
        agencies: Mapping[str, Agency],
        meanings: Sequence[Meaning],
        tracing: Tracing,
        access: ReadingAccess,
        beside: Callable[[], str] = lambda: "",
    ) -> None:
        """Nothing is read before the feeds are started; `tracing`, which all books share, has its
        own. `beside` are the process's further metrics.

        Raises: SettingsError for office hours that are none.
        """
        self.name = settings.app_id
        cube = Cube(settings.read_models / CUBE_FILE)
        readers = Readers(cube)
        self.lag = WorkerLag(settings, partial(_counted, readers, settings.space))
        feed, directory = (
            Follower(settings, cube, cube_options(settings.books)),
            DirectoryFeed(settings),
        )
        views = Views(
            readers,
            indicators,
            agencies,
            backlog=lambda: self.lag.backlog,
            standing=lambda: self.lag.standing,
            books=self.name,
            space=settings.space,
            progress=lambda: figures_progress(feed.progress, directory.progress),
            clock=now_ms,
            directory=lambda: directory.directory,
            office=office(settings),
        )
        listing = ListService(settings, meanings, views)
        others = {"kafka": settings.data / "kafka"} if settings.embedded else {}
        exporter = Exporter(
            cube,
            views,
            worker_lag=lambda: self.lag.records,
            beside=lambda: "".join(
                (
                    listing_text(listing),
                    facts_text(tracing),
                    storage_text([cube, *listing.files, *tracing.files], others),
                    beside(),
                )
            ),
        )
        routes = [
            directory_routes(views),
            listing_routes(listing.lists),
            trace_routes(tracing.traces(views, listing)),
        ]
        self.app = create_app(views, exporter, routes, access)
        self.feeds: list[Background] = [feed, directory, *listing.feeds]


def _counted(readers: Readers, space: str) -> dict[TopicPartition, int]:
    """How far the figures have come; nothing is known while they are built anew."""
    try:
        with readers.snapshot() as snapshot:
            return {
                TopicPartition(events_topic(family, space), partition): offset
                for family in FAMILIES
                for partition, (offset, _) in snapshot.counted_up_to(family).items()
            }
    except Unreadable:
        return {}


class ByBooks:
    """One application made of each books' own: the parameter `books` chooses, without it the first
    one answers.
    """

    def __init__(self, apps: Mapping[str, ASGIApp], access: ReadingAccess) -> None:
        self._apps, self._first = apps, next(iter(apps))
        self._refuse: ASGIApp = ReadersOnly(_refused, access)
        if access.audit is not None:
            self._refuse = Audited(self._refuse, access.audit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        name = QueryParams(scope["query_string"]).get("books", self._first)
        if (app := self._apps.get(name)) is None:
            refused = wrong(
                "books", f"there are no books {shown(name)} here; {instead(name, self._apps)}"
            )
            scope, app = {**scope, _REFUSED: problems.problem_of(refused)}, self._refuse
        await app(scope, receive, send)


async def _refused(scope: Scope, receive: Receive, send: Send) -> None:
    await problems.response(Request(scope), scope[_REFUSED])(scope, receive, send)
