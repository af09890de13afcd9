"""Tracing's place in `lgsp metrics`: the index's file, its feed and the reader of the log, shared
by all books, and its health.
"""

from __future__ import annotations

from collections.abc import Sequence

from metrics.figures.view import Views
from metrics.lists.listing import Meaning
from metrics.lists.service import ListService
from metrics.tracing.index import FactIndex
from metrics.tracing.log import KafkaLog
from metrics.tracing.questions import Traces
from schemas.settings import Settings
from serving.store.background import Background
from serving.store.disposable import DisposableFile, Snapshots
from serving.store.follower import Follower
from serving.store.options import FollowerOptions

INDEX_FILE = "facts.sqlite"
_SAYING = "The index of facts is being made anew"
_REST = 4.0  # of facts nothing waits, so that figures and lists come first
_BATCH = 10_000


class Tracing:
    """One a process: facts are there once, whatever the books that count them. Off where the lists
    are.
    """

    def __init__(self, settings: Settings, meanings: Sequence[Meaning]) -> None:
        self.feeds: list[Background] = []
        self.index = FactIndex(
            settings.read_models / INDEX_FILE,
            [meaning.family for meaning in meanings],
            settings.partitions,
            settings.space,
        )
        self._snapshots = Snapshots(self.index, _SAYING)
        if settings.listing and meanings:
            self._log = KafkaLog(settings)
            options = FollowerOptions(
                "index of facts", tuple(self.index.topics), batch=_BATCH, rest=_REST, vital=False
            )
            self.feed = Follower(settings, self.index, options)
            self.feeds = [self.feed, self._log]

    def traces(self, views: Views, listing: ListService) -> Traces | None:
        """The answers by these books; none without lists."""
        if not self.feeds or listing.snapshots is None:
            return None
        return Traces(
            views,
            listing.snapshots,
            self.index,
            self._snapshots,
            self._log,
            listing.meanings,
            listed=lambda: listing.feeds[0].progress,
        )

    @property
    def files(self) -> list[DisposableFile]:
        """What is kept on disk."""
        return [self.index] if self.feeds else []
