"""The listing's place in `lgsp metrics`: its file, its feed, and the answers made from it."""

from __future__ import annotations

from collections.abc import Sequence

from metrics.figures.view import Views
from metrics.lists.listing import Listing, Meaning
from metrics.lists.pace import Pace
from metrics.lists.questions import Lists
from schemas.settings import Settings
from serving.store.disposable import DisposableFile, Snapshots
from serving.store.follower import Follower
from serving.store.options import FollowerOptions

LISTING_FILE = "listing.sqlite"
_SAYING = "The list is being made anew"
_REST = 2.0  # a third of one core at most, while many states wait
# states in one transaction: what a batch holds in memory, and how long it keeps the other threads
# waiting
_BATCH = 5_000


class ListService:
    """The lists with what feeds them; without lists (None) where they are switched off, or nobody
    says what states mean.
    """

    def __init__(self, settings: Settings, meanings: Sequence[Meaning], views: Views) -> None:
        self.lists: Lists | None = None
        self.feeds: list[Follower] = []
        self.meanings = meanings
        self.snapshots: Snapshots | None = None  # for whoever reads the listing besides
        self.listing = Listing(settings.read_models / LISTING_FILE, meanings, settings.books)
        if settings.listing and meanings:
            self.snapshots = Snapshots(self.listing, _SAYING)
            pace = Pace(self.listing, views.readers, self.snapshots)
            topics = tuple(self.listing.meanings)
            feed = Follower(
                settings,
                pace,
                FollowerOptions(
                    "listing", topics, batch=_BATCH, rest=_REST, hurry=pace.awaited, vital=False
                ),
            )
            self.feeds = [feed]
            self.lists = Lists(views, pace, meanings, progress=lambda: feed.progress)

    @property
    def files(self) -> list[DisposableFile]:
        """What is kept on disk."""
        return [self.listing] if self.feeds else []
