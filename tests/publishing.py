"""Events of a run of their own, for a real publisher, and things that it refuses."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from connectors.publishing.publisher import Publisher
from schemas.digests import Digest
from schemas.events.dossiers import DossierFinished
from schemas.quarantine import Quarantined, excerpt_of

DOSSIERS = "lgsp.dossiers"
OCCURRED = 1_762_135_200_000


def finished(number: int, run: str, **fields: Any) -> DossierFinished:
    named = {
        "event_id": f"{run}-{number}",
        "dossier_id": f"{run}-{number}",
        "source": "test",
        "agency": "H00.SAMPLE",
    }
    return DossierFinished(**{**named, "occurred_at": OCCURRED, **fields})


@pytest.fixture
def run() -> str:
    return uuid4().hex


def refused(origin: str, structure: str = "") -> Quarantined:
    return Quarantined(origin, "no event", "not_json", excerpt_of(b"", Digest(), structure))


async def until_reachable(publisher: Publisher, whether: bool) -> None:
    async with asyncio.timeout(60):
        while publisher.reachable != whether:  # noqa: ASYNC110 - a property, no event
            await asyncio.sleep(0.05)
