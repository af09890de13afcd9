"""Second opinions for every family: dossiers are in oracle.py, documents and heartbeats in
oracle_documents.py, tasks and activities in oracle_work.py, what exists is here, as naive as those.

What exists is asked instant by instant: just before and just after everything that could change it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from typing import Any

from oracle import dossier_figures
from oracle_documents import document_figures, heartbeat_figures
from oracle_facts import Fact, Figures, Tally, date_of, ymd
from oracle_work import activity_figures, task_figures

LEVELS = ("province", "district", "commune")


def inventory_figures(facts: list[Fact], tally: Tally) -> None:
    """Count one item."""
    heard = min((fact.at for fact in facts if fact.type == "system.heartbeat"), default=None)
    statements: dict[int, Fact] = {}
    for fact in sorted((fact for fact in facts if fact.type != "system.heartbeat"), key=_standing):
        statements[_begins(fact)] = fact
    for fact in statements.values():
        if fact.type == "figure.reported":
            fields = fact.fields
            divided = (
                {"without_denominator": 1}
                if fields["denominator"] is None
                else {"denominator": fields["denominator"]}
            )
            tally.add(
                "reported",
                fields["agency"],
                fields["indicator"],
                ymd(fields["period_to"]),
                "figures",
                numerator=fields["numerator"],
                **divided,
            )
    turns = {
        *statements,
        *(
            fact.fields["valid_to"]
            for fact in statements.values()
            if fact.fields.get("valid_to") is not None
        ),
    }
    for turn in turns | ({heard} if heard is not None else set()):
        after, before = _exists(statements, heard, turn), _exists(statements, heard, turn - 1)
        after.subtract(before)
        for (kind, agency, category, measure), amount in after.items():
            tally.add(kind, agency, category, ymd(turn), **{measure: amount})


def _standing(fact: Fact) -> tuple[int, int, str]:
    return fact.fields.get("revision", 0), fact.at, fact.fields["event_id"]


def _begins(fact: Fact) -> int:
    begins = fact.fields.get("period_from", fact.fields.get("valid_from"))
    return midnight(fact.at) if begins is None else int(begins)


def midnight(ms: int) -> int:
    """The beginning of the day in Viet Nam."""
    date = date_of(ms)
    return (
        int(
            datetime(
                date.year, date.month, date.day, tzinfo=timezone(timedelta(hours=7))
            ).timestamp()
        )
        * 1000
    )


def _exists(
    statements: dict[int, Fact], heard: int | None, at: int
) -> Counter[tuple[str, str, str, str]]:
    """What an item adds to the stock at an instant."""
    begun = [begins for begins in statements if begins <= at]
    if not begun:
        return Counter()
    fact = statements[max(begun)]
    ends = fact.fields.get("valid_to")
    if fact.type == "figure.reported" or (ends is not None and ends <= at):
        return Counter()
    kind, category, measures = _item(fact, heard is not None and heard <= at)
    return Counter(
        {
            (kind, fact.fields["agency"], category, measure): int(amount)
            for measure, amount in measures.items()
        }
    )


def _item(fact: Fact, alive: bool) -> tuple[str, str, dict[str, int | bool]]:
    """Kind, category and measures of an item that is valid."""
    fields = fact.fields
    match fact.type:
        case "agency.registered":
            return (
                "agencies",
                fields["level"],
                {"agencies": 1, "agencies_expected": fields["expected"]},
            )
        case "dataset.registered":
            return (
                "datasets",
                "-",
                {
                    "datasets": 1,
                    "datasets_shared": fields["shared"],
                    "datasets_open": fields["open_data"],
                },
            )
        case "accounts.counted":
            return (
                "accounts",
                "-",
                {"users": fields["users"], "users_authenticated": fields["authenticated"]},
            )
        case "system.registered":
            portal = fields["kind"] in ("portal", "one_stop")
            reporting, facing = fields["kind"] == "reporting", fields["citizen_facing"]
            return (
                "systems",
                fields["kind"],
                {
                    "systems": 1,
                    "portals": portal,
                    "portals_connected": portal and fields["on_national_portal"] and alive,
                    "information_systems": facing,
                    "reporting_systems": reporting,
                    "information_systems_connected": facing
                    and fields["on_lgsp"]
                    and fields["on_document_axis"]
                    and alive,
                    "reporting_systems_connected": reporting and fields["on_national_reporting"],
                },
            )
    if fields["internal"]:
        return (
            "procedures",
            fields["field"],
            {"internal": 1, "internal_published": fields["published"]},
        )
    return "procedures", fields["field"], _procedure(fields)


def _procedure(fields: dict[str, int]) -> dict[str, int | bool]:
    online = bool(fields["eligible_online"] and fields["level"] in (3, 4))
    full, means = fields["level"] == 4, fields["access_means"] >= 2 and bool(fields["mobile"])
    known = fields["days_before"] is not None and fields["days_now"] is not None
    return _form_07b(fields) | {
        "procedures": 1,
        "eligible_online": fields["eligible_online"],
        "offered_online": online,
        "on_national_portal": online and fields["on_national_portal"],
        "with_fee": fields["with_fee"],
        "payable_online": fields["with_fee"] and fields["payable_online"],
        "full_online": full,
        "full_online_multichannel": full and means,
        "days_before": fields["days_before"] if known else 0,
        "days_now": fields["days_now"] if known else 0,
    }


def _form_07b(fields: dict[str, Any]) -> dict[str, int | bool]:
    found: dict[str, int | bool] = {}
    for level in ("province", "district", "commune"):
        there = level in fields["administrative_levels"]
        found[f"procedures_{level}"] = there
        found[f"one_stop_{level}"] = there and fields["one_stop"]
        found[f"process_issued_{level}"] = there and fields["process_issued"]
    return found | {name: fields[name] for name in ("one_stop", "process_issued")}


COUNTING = {
    "dossiers": dossier_figures,
    "documents": document_figures,
    "tasks": task_figures,
    "activities": activity_figures,
    "inventory": inventory_figures,
    "heartbeats": heartbeat_figures,
}


def figures(family: str, things: Iterable[list[Fact]]) -> Figures:
    """What the facts about some things count for."""
    tally = Tally()
    for facts in things:
        if facts:
            COUNTING[family](facts, tally)
    return tally.figures()
