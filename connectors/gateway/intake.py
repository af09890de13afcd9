"""One request from its items to its answer: what is good goes to Kafka, what is not is kept in the
quarantine and named.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from connectors.cloudevents.decode import (
    FieldError,
    ItemRefused,
    event_of,
    kept_as,
    personal_errors,
    shown_id,
)
from connectors.cloudevents.jsonitems import JsonItem
from connectors.gateway.health import Health
from connectors.gateway.modes import STRUCTURED_TYPE
from connectors.gateway.refusals import RefusalKeeper
from connectors.publishing.senders import Publishes
from connectors.quarantine.excerpts import kept_of_item, refused_item
from connectors.quarantine.original import Original, agency_in
from schemas.clock import now_ms
from schemas.digests import digest_of
from schemas.events import Event
from schemas.masking import shown
from schemas.quarantine import Quarantined, QuarantineExcerpt
from schemas.settings import Settings
from serving.access.clients import Identity
from serving.access.permissions import Permissions
from serving.problems import Problem

SLICE_SECONDS = 0.005  # of validating before other requests get their turn
TOLD_ERRORS = 2_000  # of one request; of the items behind them only the first error is told
_OPEN = Permissions(Identity())


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that can't be taken in."""

    index: int
    id: str | None
    errors: list[FieldError]
    kept: QuarantineExcerpt
    agency: str  # that it names, if that is a plain code
    original: bytes = field(repr=False)  # what the vault keeps

    def entry(self) -> dict[str, Any]:
        """Its entry in the answer."""
        errors = _told(self.errors)
        return {"index": self.index, "id": self.id, "status": self.status, "errors": errors}

    @property
    def not_allowed(self) -> bool:
        """Whether its client may not say it, whatever else is wrong with it."""
        return any(error.kind == "not_allowed" for error in self.errors)

    @property
    def status(self) -> int:
        """403 where its client may not say it, else 422."""
        return 403 if all(error.kind == "not_allowed" for error in self.errors) else 422


@dataclass(slots=True)
class Taken:
    """What a request's items came to."""

    events: list[Event] = field(default_factory=list)
    # the events' entries in the answer
    accepted: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    # events with a number of a person, by what was done: warned, refused
    personal: Counter[str] = field(default_factory=Counter)

    def answer(self) -> list[dict[str, Any]]:
        """One entry an item, in the request's order."""
        if not self.refusals:
            return self.accepted
        entries = self.accepted + [refusal.entry() for refusal in self.refusals]
        return sorted(entries, key=itemgetter("index"))


async def take(
    items: Iterator[JsonItem],
    settings: Settings,
    permissions: Permissions = _OPEN,
    request: Original | None = None,
) -> Taken:
    """Validate every item, and whether its sender may say it; other requests get their turn in
    between. `request` is the whole of one whose item can't be told without its headers.

    Raises: Problem from the items' reading, AccessUnknown; then nothing of the request is taken in.
    """
    taken, told = Taken(), 0
    latest, turn = now_ms() + int(settings.future_tolerance * 1000), time.perf_counter()
    for index, item in enumerate(items):
        try:
            event = event_of(item, latest=latest)
            if (denial := permissions.denied(event)) is not None:
                raise ItemRefused([FieldError(*denial, "not_allowed")])
            personal = personal_errors(event)
            if personal:
                refuse = settings.personal_numbers == "refuse"
                taken.personal["refused" if refuse else "warned"] += 1
                if refuse:
                    raise ItemRefused(personal)
        except ItemRefused as refused_items:
            errors = refused_items.errors if told < TOLD_ERRORS else refused_items.first
            told += len(errors)
            kept = kept_of_item(item, digest_of(settings.data))
            original = request or Original.of_item("events", STRUCTURED_TYPE, item.text)
            taken.refusals.append(
                Refusal(
                    index,
                    shown_id(item.value),
                    errors,
                    kept,
                    agency_in(item.value),
                    original.encode(),
                )
            )
        else:
            taken.events.append(event)
            taken.accepted.append(_entry(index, item, event, personal))
        if time.perf_counter() - turn > SLICE_SECONDS:
            await asyncio.sleep(0)
            turn = time.perf_counter()
    return taken


def _entry(index: int, item: JsonItem, event: Event, warnings: list[FieldError]) -> dict[str, Any]:
    """An accepted item's entry; says in which form its ids and codes are kept where that is not the
    one they came in, and what is amiss with it all the same.
    """
    entry: dict[str, Any] = {"index": index, "id": item.value["id"], "status": 202}
    # where something may be of a person, only its shape is said
    forms = kept_as(item.value, event)
    if forms and warnings:
        forms = {place: shown(form) for place, form in forms.items()}
    if forms:
        entry["kept_as"] = forms
    if warnings:
        entry["warnings"] = _told(warnings)
    return entry


def _told(errors: Sequence[FieldError]) -> list[dict[str, str]]:
    return [{"field": error.field, "message": error.message} for error in errors]


async def keep(
    taken: Taken,
    publisher: Publishes,
    request_id: str,
    health: Health,
    keeper: RefusalKeeper,
    client: str = "",
) -> str:
    """Publish what is good and quarantine what is not; returns once all of it is on all in-sync
    replicas. `client` sent it, where that is known.

    What the quarantine can't take is refused all the same; then it returns why it was not kept.
    Raises: KafkaUnavailable, RecordTooLarge
    """
    began = time.perf_counter()
    await publish(taken, publisher, health)
    unkept = await keeper.keep(
        [_quarantined(refusal, request_id, client) for refusal in taken.refusals], publisher
    )
    health.publish_seconds.observe(time.perf_counter() - began)
    count_refused(taken, health)
    return unkept


async def publish(taken: Taken, publisher: Publishes, health: Health) -> None:
    """Publish what is good.

    Raises: KafkaUnavailable, RecordTooLarge
    """
    if taken.events:
        await publisher.publish(taken.events)
        counter = health.events_of(publisher.settings.space)
        for kind, count in Counter(event.type for event in taken.events).items():
            counter.labels(kind).inc(count)


def count_refused(taken: Taken, health: Health) -> None:
    """Count what a request was refused for or warned of."""
    for done, count in taken.personal.items():
        health.personal_numbers.labels(done).inc(count)
    for refusal in taken.refusals:
        for error in refusal.errors:
            health.refused.labels(error.kind).inc()


def refused_items(taken: Taken, unkept: str) -> Problem:
    """The answer to a request of which items were refused; `unkept` says why they were not kept."""
    good, bad = len(taken.events), len(taken.refusals)
    name, named = "refused-items", "each field that is wrong"
    if all(refusal.status == 403 for refusal in taken.refusals):
        name, named = "forbidden-items", "for each what the client may send"
    detail = (
        f"{bad} of {good + bad} items were refused and {good} taken in: `items` names"
        f" {named}.{unkept}"
    )
    return Problem(name, detail, {"accepted": good, "refused": bad, "items": taken.answer()})


def _quarantined(refusal: Refusal, request_id: str, client: str) -> Quarantined:
    return refused_item(
        f"http:{request_id}/{refusal.index}",
        refusal.errors,
        refusal.kept,
        client=client,
        agency=refusal.agency,
        original=refusal.original,
    )
