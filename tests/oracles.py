"""Second opinions for every family: dossiers are in oracle.py, documents and heartbeats in
oracle_documents.py, the others here, as naive as those.

What exists is asked instant by instant: just before and just after everything that could change it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from typing import Any

from gathered import too_many
from oracle import dossier_figures
from oracle_documents import document_figures, heartbeat_figures
from oracle_facts import Fact, Figures, Tally, date_of, last, ymd

LEVELS = ("province", "district", "commune")


def task_figures(facts: list[Fact], tally: Tally) -> None:
    """Count one task."""
    of = {
        name: [fact for fact in facts if fact.type == f"task.{name}"]
        for name in ("assigned", "progressed", "completed", "cancelled")
    }
    assignment = last(of["assigned"])
    if assignment is None:
        at, agency = max((fact.at, fact.fields["agency"]) for fact in facts)
        tally.add(
            "flagged",
            agency,
            "-",
            ymd(at),
            "flagged",
            "no_assignment",
            *(["too_many"] if too_many(facts) else []),
        )
        return
    where = assignment.fields["to_agency"], assignment.fields["category"]
    said = sorted(
        (fact.at, fact.fields["due_at"]) for fact in facts if fact.fields.get("due_at") is not None
    )
    dues = sorted(dict(said).items())
    due, much = dues[-1][1] if dues else 0, bool(too_many(facts))
    tally.add(
        "assigned",
        *where,
        ymd(assignment.at),
        "assigned",
        "with_deadline" if due else "without_deadline",
    )
    end = _task_end(facts)
    if end is None:
        tally.add("open", *where, due, "open", _task_status(facts))
    elif end.type == "task.cancelled":
        tally.add("cancelled", *where, ymd(end.at), "cancelled")
    else:
        timing = "no_deadline" if not due else "late" if end.at > due else "on_time"
        extended = len({date for _, date in dues}) > 1 and not much
        tally.add(
            "completed",
            *where,
            ymd(end.at),
            "completed",
            timing,
            *(["extended"] if extended else []),
        )
    broken = {
        "due_before_assignment": due and due < assignment.at,
        "completed_before_assignment": end is not None
        and end.type == "task.completed"
        and end.at < assignment.at,
        "too_many": much,
        "due_moved_after_passed": not much
        and any(at > old and new != old for (_, old), (at, new) in pairwise(dues)),
    }
    flags = [flag for flag, yes in broken.items() if yes]
    if flags:
        tally.add("flagged", *where, ymd(assignment.at), "flagged", *flags)


def _task_end(facts: list[Fact]) -> Fact | None:
    """The newest completion or cancellation that no later return undoes; of one instant, the
    completion.
    """
    undone = max((fact.at for fact in facts if fact.type == "task.returned"), default=0)
    ends = [
        fact
        for fact in facts
        if fact.type in ("task.completed", "task.cancelled") and fact.at >= undone
    ]
    return max(ends, key=lambda fact: (fact.at, fact.type == "task.completed"), default=None)


def _task_status(facts: list[Fact]) -> str:
    progress = last(fact for fact in facts if fact.type == "task.progressed")
    returns = [fact.at for fact in facts if fact.type == "task.returned"]
    if returns and (progress is None or max(returns) >= progress.at):
        return "returned"
    return "not_started" if progress is None else str(progress.fields["progress"])


def activity_figures(facts: list[Fact], tally: Tally) -> None:
    """Count one activity."""
    stated = last(fact for fact in facts if fact.type != "activity.cancelled")
    if stated is None or any(
        fact.type == "activity.cancelled" and fact.at >= stated.at for fact in facts
    ):
        return
    fields = stated.fields
    where = (
        fields["agency"],
        "-",
        ymd(stated.at if fields["held_at"] is None else fields["held_at"]),
    )
    level = fields["level"]
    if stated.type == "activity.inspection_done":
        tally.add(
            "inspections",
            *where,
            "inspections",
            *(["inspections_digital"] if fields["digital"] else []),
        )
    elif stated.type == "activity.meeting_held":
        tally.add("meetings", *where, "meetings", f"meetings_{level}")
        if fields["in_system"]:
            tally.add("meetings", *where, "meetings_in_system", f"meetings_in_system_{level}")
    elif fields["secret"]:
        tally.add("work_records", *where, "work_records_secret")
    else:
        tally.add("work_records", *where, "work_records", f"work_records_{level}")
        if fields["online"]:
            tally.add("work_records", *where, "work_records_online", f"work_records_online_{level}")


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
