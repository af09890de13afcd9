"""The listing's place in `lgsp metrics`: its file, its feed, and the answers made from it."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka import TopicPartition

from metrics.disposable import Connections
from metrics.feed import Diet, Feed
from metrics.listing import Listing, Meaning
from metrics.listing_questions import Lists
from metrics.questions import Questions
from schemas.settings import Settings

LISTING_FILE = "listing.sqlite"
BATCH = 5_000  # states in one transaction: what a batch holds in memory, and how long it keeps the other threads waiting


def _itself(partition: TopicPartition) -> TopicPartition:
    return partition


def listing_of(settings: Settings, meanings: Sequence[Meaning], questions: Questions) -> tuple[Lists | None, list[Feed]]:
    """The lists and what feeds them; none where they are switched off, or where nobody says what states mean."""
    if not settings.listing or not meanings:
        return None, []
    listing = Listing(settings.data / LISTING_FILE, meanings)
    feed = Feed(settings, listing, diet=Diet("listing", tuple(listing.meanings), _itself, BATCH))
    date_names = {meaning.family: meaning.date_names for meaning in meanings}
    return Lists(questions, Connections(listing, "The list"), date_names, progress=lambda: feed.progress), [feed]
