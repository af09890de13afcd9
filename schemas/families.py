"""Families, one row each: the kinds of thing that facts are about, and what the hub does with each.

Whoever needs a list of families derives it from here, so a new one is known everywhere at once
(docs/new-family.md). What is said of a thing is in schemas/events, what is counted in
schemas/cells, what it means in streams/families.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FamilyDeclaration:
    """A family, in words for people and for other programs that read its topics."""

    name: str
    thing: str  # one of what it is about
    key: str  # what its events' Kafka key is
    events: str  # what the topic of its events holds
    states: str  # what the topic of its states holds
    examples: tuple[str, ...]  # types of events
    listed: bool = False  # people ask for single ones, and for those behind a figure
    by_procedure: bool = False  # the category of its cells is a procedure
    expected: bool = True  # every agency is expected to send some
    own: bool = False  # told by the hub itself: no agency may, and no figure shows it


DECLARED_FAMILIES: tuple[FamilyDeclaration, ...] = (
    FamilyDeclaration(
        "dossiers",
        thing="dossier",
        key="dossier id (MaHoSo)",
        events="events of dossiers",
        states="what is known of each dossier",
        examples=("dossier.received", "dossier.finished"),
        listed=True,
        by_procedure=True,
    ),
    FamilyDeclaration(
        "documents",
        thing="document",
        key="document id (DocumentId)",
        events="events of documents",
        states="what is known of each document",
        examples=("document.sent", "document.status_changed"),
        listed=True,
    ),
    FamilyDeclaration(
        "tasks",
        thing="task",
        key="task id",
        events="events of tasks",
        states="what is known of each task",
        examples=("task.assigned", "task.completed"),
        listed=True,
    ),
    FamilyDeclaration(
        "activities",
        thing="activity",
        key="activity id",
        events="meetings, inspections, work records",
        states="what is known of each activity",
        examples=("activity.meeting_held",),
        listed=True,
    ),
    FamilyDeclaration(
        "inventory",
        thing="item",
        key="item id",
        events="agencies, procedures, systems, datasets, accounts, reported figures",
        states="what is known of each item",
        examples=("agency.registered", "figure.reported"),
        listed=True,
        expected=False,  # who has no systems, fees or accounts has none to register
    ),
    FamilyDeclaration(
        "heartbeats",
        thing="heartbeat",
        key="partition number",
        events="the gateway's heartbeats",
        states="the newest heartbeat of each partition",
        examples=("hub.heartbeat",),
        expected=False,
        own=True,
    ),
)

FAMILY_NAMES = tuple(family.name for family in DECLARED_FAMILIES)
LISTED_FAMILIES = tuple(family.name for family in DECLARED_FAMILIES if family.listed)
EXPECTED_FAMILIES = tuple(family.name for family in DECLARED_FAMILIES if family.expected)
PROCEDURE_FAMILIES = frozenset(family.name for family in DECLARED_FAMILIES if family.by_procedure)
(OWN_FAMILY,) = (family.name for family in DECLARED_FAMILIES if family.own)
PACKETS_FAMILY = "dossiers"  # what one-stop systems tell of by packets
INVENTORY = "inventory"  # what the directory of agencies and procedures is made of


def are_by_procedure(families: Collection[str]) -> bool:
    """Whether the categories of all these families are procedures; of none: no."""
    return bool(families) and PROCEDURE_FAMILIES.issuperset(families)


def thing_of(family: str) -> str:
    """What one of a family is called."""
    (name,) = (one.thing for one in DECLARED_FAMILIES if one.name == family)
    return name
