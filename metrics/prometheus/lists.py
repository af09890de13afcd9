"""The lists' part of GET /metrics, and the index of facts': how far, how large and how whole their
files are.
"""

from __future__ import annotations

from metrics.lists.service import ListService
from metrics.prometheus import table as told
from metrics.prometheus.exposition import block
from metrics.tracing.service import Tracing


def listing_text(service: ListService) -> str:
    """Of one name of books; nothing without lists."""
    if not service.feeds:
        return ""
    progress, listing = service.feeds[0].progress, service.listing
    return (
        block(told.LISTING_READY, [((), int(progress.ready))])
        + block(told.LISTING_LAG, [((), progress.lag)])
        + block(told.LISTING_UNREADABLE, [((), listing.stats.unreadable)])
        + block(told.LISTING_REBUILDS, [((), listing.rebuilds)])
        + block(told.LISTING_SIZE, [((), listing.size())])
    )


def facts_text(tracing: Tracing) -> str:
    """Of all books; nothing where it is off."""
    if not tracing.feeds:
        return ""
    progress, index = tracing.feed.progress, tracing.index
    return (
        block(told.FACTS_READY, [((), int(progress.ready))])
        + block(told.FACTS_LAG, [((), progress.lag)])
        + block(told.FACTS_REBUILDS, [((), index.rebuilds)])
        + block(told.FACTS_SIZE, [((), index.size())])
    )
