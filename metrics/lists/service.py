"""The listing's place in `lgsp metrics`: its file, its feed, the answers made from it, and its
health.
"""

from __future__ import annotations

from collections.abc import Sequence

from metrics.api.questions import Questions
from metrics.lists.listing import Listing, Meaning
from metrics.lists.pace import Pace
from metrics.lists.questions import Lists
from metrics.prometheus import table as told
from metrics.prometheus.exposition import block
from schemas.settings import Settings
from serving.store.disposable import DisposableFile, Snapshots
from serving.store.follower import Follower
from serving.store.options import FollowerOptions

LISTING_FILE = "listing.sqlite"
SAYING = "The list is being made anew"
REST = 2.0  # a third of one core at most, while many states wait
# states in one transaction: what a batch holds in memory, and how long it keeps the other threads
# waiting
BATCH = 5_000


class Service:
    """The lists with what feeds them; without lists (None) where they are switched off, or nobody
    says what states mean.
    """

    def __init__(
        self, settings: Settings, meanings: Sequence[Meaning], questions: Questions
    ) -> None:
        self.lists: Lists | None = None
        self.feeds: list[Follower] = []
        self.meanings = meanings
        self.snapshots: Snapshots | None = None  # for whoever reads the listing besides
        self._listing = Listing(settings.read_models / LISTING_FILE, meanings, settings.app_id)
        if settings.listing and meanings:
            self.snapshots = Snapshots(self._listing, SAYING)
            pace = Pace(self._listing, questions.readers, self.snapshots)
            topics = tuple(self._listing.meanings)
            feed = Follower(
                settings,
                pace,
                FollowerOptions(
                    "listing", topics, batch=BATCH, rest=REST, hurry=pace.awaited, vital=False
                ),
            )
            self.feeds = [feed]
            self.lists = Lists(questions, pace, meanings, progress=lambda: feed.progress)

    @property
    def files(self) -> list[DisposableFile]:
        """What is kept on disk."""
        return [self._listing] if self.feeds else []

    def text(self) -> str:
        """Their part of GET /metrics; nothing without lists."""
        if not self.feeds:
            return ""
        progress, listing = self.feeds[0].progress, self._listing
        return (
            block(told.LISTING_READY, [((), int(progress.ready))])
            + block(told.LISTING_LAG, [((), progress.lag)])
            + block(told.LISTING_UNREADABLE, [((), listing.stats.unreadable)])
            + block(told.LISTING_REBUILDS, [((), listing.rebuilds)])
            + block(told.LISTING_SIZE, [((), listing.size())])
        )
