"""The listing in `lgsp metrics`: there or not as the settings say, and what /metrics tells of
it.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from facts import books_of, told
from listings import feed, states
from prometheus_client.parser import text_string_to_metric_families

from metrics.api.questions import Questions
from metrics.lists.listing import Listing
from metrics.lists.service import Service
from metrics.prometheus.table import METRICS
from ops.meanings import meanings
from schemas.settings import Settings
from serving.store.progress import Progress

QUESTIONS = cast(Questions, SimpleNamespace(catalogue={}, readers=None))


def samples(service: Service) -> dict[str, float]:
    """Each metric that is told, by name."""
    return {
        found.name: found.value
        for family in text_string_to_metric_families(service.text())
        for found in family.samples
    }


def test_it_tells_how_far_how_large_and_how_whole_it_is(tmp_path: Path) -> None:
    service = Service(Settings(data=tmp_path), meanings(), QUESTIONS)
    assert service.lists is not None
    [fed] = service.feeds
    assert samples(service) == {
        "lgsp_listing_ready": 0,
        "lgsp_listing_unreadable_records_total": 0,
        "lgsp_listing_rebuilds_total": 0,
        "lgsp_listing_size_bytes": 0,
    }
    listing: Listing = cast(Any, service)._listing
    listing.open("one", 0)
    feed(listing, states(books_of([told("dossier.received", "11-03 09:00")])))
    fed.progress = Progress(ready=True, percent=100.0, lag=7, partitions=12)
    found = samples(service)
    assert found.pop("lgsp_listing_size_bytes") == sum(
        file.stat().st_size for file in tmp_path.glob("listing.sqlite*")
    )
    assert found == {
        "lgsp_listing_ready": 1,
        "lgsp_listing_lag_records": 7,
        "lgsp_listing_unreadable_records_total": 0,
        "lgsp_listing_rebuilds_total": 1,
    }
    assert {*found, "lgsp_listing_size_bytes"} == {
        metric.name for metric in METRICS if metric.name.startswith("lgsp_listing_")
    }


def test_switched_off_there_is_nothing_of_it(tmp_path: Path) -> None:
    for service in (
        Service(Settings(data=tmp_path, listing=False), meanings(), QUESTIONS),
        Service(Settings(data=tmp_path), (), QUESTIONS),
    ):
        assert (service.lists, service.feeds, service.text()) == (None, [], "")
    assert list(tmp_path.iterdir()) == []
