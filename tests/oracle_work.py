"""A second opinion on tasks and activities, as naive as that on dossiers."""

from __future__ import annotations

from itertools import pairwise

from corrected import corrected, deadline_restated, deadlines, denied, newest, said, void
from gathered import too_many
from oracle_facts import Fact, Tally, date_of, ymd

EPOCH = date_of(0)


def task_figures(facts: list[Fact], tally: Tally) -> None:
    """Count one task."""
    known = corrected(facts)
    assignment = newest(fact for fact in known if fact.type == "task.assigned")
    if (voided := void(facts)) is not None:
        where = _task_at(assignment) if assignment else (voided.fields["agency"], "-")
        tally.add("voided", *where, ymd(voided.at), "voided")
        return
    told, much = deadlines(facts), bool(too_many(facts))
    restated = bool(told) and deadline_restated(told)
    if assignment is None:
        _unassigned(facts, {"too_many": much, "restated": restated}, tally)
        return
    where = _task_at(assignment)
    dues = sorted({instant: due for instant, _, due in told}.items())
    due = dues[-1][1] if dues else 0
    tally.add(
        "assigned",
        *where,
        ymd(assignment.at),
        "assigned",
        "with_deadline" if due else "without_deadline",
    )
    end = _task_end(known)
    if end is None:
        days = (date_of(due) - EPOCH).days if due else 0
        tally.add("open", *where, due, "open", _task_status(known), deadline_days=days)
    elif end.type == "task.cancelled":
        tally.add("cancelled", *where, ymd(end.at), "cancelled")
    else:
        extended = len({date for _, date in dues}) > 1 and not much
        _completed(where, end.at, due, ["extended"] if extended else [], tally)
    broken = {
        "due_before_assignment": due and due < assignment.at,
        "completed_before_assignment": end is not None
        and end.type == "task.completed"
        and end.at < assignment.at,
        "too_many": much,
        "due_moved_after_passed": not much
        and any(at > old and new != old for (_, old), (at, new) in pairwise(dues)),
        "restated": restated,
    }
    flags = [flag for flag, yes in broken.items() if yes]
    if flags:
        tally.add("flagged", *where, ymd(assignment.at), "flagged", *flags)


def _task_at(assignment: Fact) -> tuple[str, str]:
    return assignment.fields["to_agency"], assignment.fields["category"]


def _unassigned(facts: list[Fact], flags: dict[str, bool], tally: Tally) -> None:
    others = [fact for fact in facts if fact.type not in ("task.assigned", *ENTRIES)]
    spoke = denied(facts, "task.assigned") or max(
        others, key=lambda fact: (fact.at, fact.fields["agency"]), default=None
    )
    if others and spoke is not None:
        more = [flag for flag, yes in flags.items() if yes]
        tally.add(
            "flagged",
            spoke.fields["agency"],
            "-",
            ymd(spoke.at),
            "flagged",
            "no_assignment",
            *more,
        )


ENTRIES = ("task.voided", "task.restored")


def _completed(where: tuple[str, str], at: int, due: int, more: list[str], tally: Tally) -> None:
    timing = "no_deadline" if not due else "late" if at > due else "on_time"
    days = (date_of(at) - date_of(due)).days if timing == "late" else 0
    tally.add("completed", *where, ymd(at), "completed", timing, *more, late_days=days)


def _task_end(facts: list[Fact]) -> Fact | None:
    """The completion or cancellation said last that no later return undoes; of one instant, the
    completion.
    """
    undone = max((fact.at for fact in facts if fact.type == "task.returned"), default=0)
    ends = [
        newest(fact for fact in facts if fact.type == type_)
        for type_ in ("task.completed", "task.cancelled")
    ]
    standing = [fact for fact in ends if fact is not None and said(fact) >= undone]
    return max(standing, key=lambda fact: (said(fact), fact.type == "task.completed"), default=None)


def _task_status(facts: list[Fact]) -> str:
    progress = newest(fact for fact in facts if fact.type == "task.progressed")
    returns = [fact.at for fact in facts if fact.type == "task.returned"]
    if returns and (progress is None or max(returns) >= progress.at):
        return "returned"
    return "not_started" if progress is None else str(progress.fields["progress"])


def activity_figures(facts: list[Fact], tally: Tally) -> None:
    """Count one activity."""
    known = corrected(facts)
    stated = newest(
        fact for fact in known if fact.type not in ("activity.cancelled", "activity.voided")
    )
    if (voided := void(facts)) is not None:
        agency = (stated or voided).fields["agency"]
        tally.add("voided", agency, "-", ymd(voided.at), "voided")
        return
    if stated is None or any(
        fact.type == "activity.cancelled" and fact.at >= said(stated) for fact in known
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
