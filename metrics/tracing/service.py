"""Tracing's place in `lgsp metrics`: the index's file, its feed and the reader of the log, shared
by all books, and its health.
"""

from __future__ import annotations

from collections.abc import Sequence

from metrics.api.questions import Questions
from metrics.lists.listing import Meaning
from metrics.lists.service import Service
from metrics.prometheus import table as told
from metrics.prometheus.exposition import block
from metrics.tracing.index import FactIndex
from metrics.tracing.log import KafkaLog
from metrics.tracing.questions import Traces
from schemas.settings import Settings
from serving.store.background import Background
from serving.store.disposable import DisposableFile, Snapshots
from serving.store.follower import Follower
from serving.store.options import FollowerOptions

INDEX_FILE = "facts.sqlite"
SAYING = "The index of facts is being made anew"
REST = 4.0  # of facts nothing waits, so that figures and lists come first
BATCH = 10_000


class Tracing:
    """One a process: facts are there once, whatever the books that count them. Off where the lists
    are.
    """

    def __init__(self, settings: Settings, meanings: Sequence[Meaning]) -> None:
        self.feeds: list[Background] = []
        self._index = FactIndex(
            settings.read_models / INDEX_FILE,
            [meaning.family for meaning in meanings],
            settings.partitions,
        )
        self._snapshots = Snapshots(self._index, SAYING)
        if settings.listing and meanings:
            self._log = KafkaLog(settings)
            options = FollowerOptions(
                "index of facts", tuple(self._index.topics), batch=BATCH, rest=REST, vital=False
            )
            self._feed = Follower(settings, self._index, options)
            self.feeds = [self._feed, self._log]

    def traces(self, questions: Questions, listing: Service) -> Traces | None:
        """The answers by these books; none without lists."""
        if not self.feeds or listing.snapshots is None:
            return None
        return Traces(
            questions,
            listing.snapshots,
            self._index,
            self._snapshots,
            self._log,
            listing.meanings,
            listed=lambda: listing.feeds[0].progress,
        )

    @property
    def files(self) -> list[DisposableFile]:
        """What is kept on disk."""
        return [self._index] if self.feeds else []

    def text(self) -> str:
        """Its part of GET /metrics; nothing where it is off."""
        if not self.feeds:
            return ""
        progress = self._feed.progress
        return (
            block(told.FACTS_READY, [((), int(progress.ready))])
            + block(told.FACTS_LAG, [((), progress.lag)])
            + block(told.FACTS_REBUILDS, [((), self._index.rebuilds)])
            + block(told.FACTS_SIZE, [((), self._index.size())])
        )
