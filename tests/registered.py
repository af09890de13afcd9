"""Items of the inventory registered, written short, and what of them exists on a day."""

from __future__ import annotations

from typing import Any

from facts import Heard, told
from oracle_facts import Figures

JULY = "2025-07-01 00:00"


def agency(at: str = "01-10 09:00", **fields: Any) -> Heard:
    return told("agency.registered", at, event_id=f"{at}{fields}", **fields)


def procedure(at: str = "01-10 09:00", **fields: Any) -> Heard:
    return told("procedure.registered", at, event_id=f"{at}{fields}", **fields)


def system(at: str = "01-10 09:00", **fields: Any) -> Heard:
    return told("system.registered", at, event_id=f"{at}{fields}", **fields)


def beat(at: str) -> Heard:
    return told("system.heartbeat", at)


def figure(at: str = "11-20 09:00", **fields: Any) -> Heard:
    return told("figure.reported", at, event_id=f"{at}{fields}", **fields)


def stock(figures: Figures, until: int) -> dict[str, int]:
    """What exists on a day, over all agencies and categories."""
    found: dict[str, int] = {}
    for (*_, at), measures in figures.items():
        for name, amount in measures.items() if at <= until else ():
            found[name] = found.get(name, 0) + amount
    return {name: amount for name, amount in found.items() if amount}
