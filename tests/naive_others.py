"""The figures of documents, tasks, activities and what exists straight from events; who reports,
and QĐ 766's score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from corrected import corrected, deadlines, newest, said, void
from naive import ORACLES, Asked, Figure, World, begins, date_of, defines, share
from oracle_facts import Fact
from oracles import COUNTING, figures

# Of QĐ 766's items: the points that they give, and the share from which they give them all.
POINTS = {
    "score_766_2_1": (20, 1.0),
    "score_766_3_5a": (2, 0.8),
    "score_766_3_5b": (2, 0.8),
    "score_766_3_6": (6, 1.0),
    "score_766_4_1": (6, 1.0),
    "score_766_4_2": (4, 0.8),
    "score_766_4_3": (2, 0.8),
    "score_766_4_4": (4, 1.0),
    "score_766_4_5b": (2, 1.0),
    "score_766_5_4": (6, 0.9),
}
FRONT = ("portal", "one_stop")


def of(facts: Sequence[Fact], *types: str) -> list[Fact]:
    """The facts of some types."""
    return [fact for fact in facts if fact.type in types]


def standing_facts(world: World, family: str) -> list[list[Fact]]:
    """What is left of each thing's facts once everything is put right; nothing of voided ones."""
    return [corrected(facts) for facts in world.of(family) if void(facts) is None]


@defines("documents_electronic_share")
def _(world: World, asked: Asked) -> Figure:
    sent = [
        fact
        for facts in standing_facts(world, "documents")
        if (fact := newest(of(facts, "document.sent"))) is not None
    ]
    of_those = [
        fact.fields for fact in sent if asked.day(fact.at) and asked.at(fact.fields["agency"])
    ]
    return share(fields["electronic"] and fields["signed"] for fields in of_those)


# Tasks


class Task:
    """All facts about a task that was assigned."""

    def __init__(self, facts: list[Fact], told: list[Fact], assignment: Fact) -> None:
        """`facts` are those that are left of everything `told`."""
        self.agency = str(assignment.fields["to_agency"])
        self.due = max(deadlines(told), default=(0, 0, 0))[2]
        undone = max((fact.at for fact in of(facts, "task.returned")), default=0)
        completed, cancelled = (
            newest(fact for fact in of(facts, name) if said(fact) >= undone)
            for name in ("task.completed", "task.cancelled")
        )
        is_done = completed is not None and (
            cancelled is None or said(completed) >= said(cancelled)
        )
        self.completed_at = completed.at if completed is not None and is_done else 0
        self.open = not completed and not cancelled


def tasks(world: World, asked: Asked) -> list[Task]:
    """Those assigned to the agency."""
    known = [
        Task(left, facts, given)
        for facts in world.of("tasks")
        if void(facts) is None
        and (given := newest(of(left := corrected(facts), "task.assigned"))) is not None
    ]
    return [one for one in known if asked.at(one.agency)]


def days_between(earlier: int, later: int) -> int:
    """Calendar days."""
    return int((date_of(later) - date_of(earlier)).days)


@defines("tasks_on_time_share")
def _(world: World, asked: Asked) -> Figure:
    done = [one for one in tasks(world, asked) if one.completed_at and asked.day(one.completed_at)]
    return share(bool(one.due) and one.completed_at <= one.due for one in done)


@defines("tasks_overdue")
def _(world: World, asked: Asked) -> Figure:
    return Figure(sum(one.open and 0 < one.due < asked.now for one in tasks(world, asked)))


@defines("tasks_due_soon")
def _(world: World, asked: Asked) -> Figure:
    return Figure(
        sum(one.open and asked.now <= one.due <= asked.soon for one in tasks(world, asked))
    )


@defines("tasks_days_overdue")
def _(world: World, asked: Asked) -> Figure:
    late = [one for one in tasks(world, asked) if one.open and 0 < one.due < asked.now]
    return Figure(sum(days_between(one.due, asked.now) for one in late))


@defines("tasks_days_late")
def _(world: World, asked: Asked) -> Figure:
    done = [one for one in tasks(world, asked) if one.completed_at and asked.day(one.completed_at)]
    late = [one for one in done if 0 < one.due < one.completed_at]
    return Figure(sum(days_between(one.due, one.completed_at) for one in late))


# Activities


def held(world: World, asked: Asked, type_: str) -> list[dict[str, Any]]:
    """What took place on a day of the window at the agency, as stated last and not cancelled
    since.
    """
    found = []
    for facts in standing_facts(world, "activities"):
        stated = newest(fact for fact in facts if fact.type != "activity.cancelled")
        if (
            stated is None
            or stated.type != type_
            or any(fact.at >= said(stated) for fact in of(facts, "activity.cancelled"))
        ):
            continue
        when = stated.fields["held_at"] if stated.fields["held_at"] is not None else stated.at
        if asked.day(when) and asked.at(stated.fields["agency"]):
            found.append(stated.fields)
    return found


@defines("meetings_in_system_share")
def _(world: World, asked: Asked) -> Figure:
    return share(fields["in_system"] for fields in held(world, asked, "activity.meeting_held"))


@defines("inspections_digital_share")
def _(world: World, asked: Asked) -> Figure:
    return share(fields["digital"] for fields in held(world, asked, "activity.inspection_done"))


@defines("work_records_online_share")
def _(world: World, asked: Asked) -> Figure:
    return share(
        fields["online"]
        for fields in held(world, asked, "activity.work_record_handled")
        if not fields["secret"]
    )


# What exists


def standing(world: World, asked: Asked, type_: str) -> list[dict[str, Any]]:
    """What is valid at the end of the window's last day, or of today; a system with when it was
    first heard (`heard`, 0: never).
    """
    found = []
    for facts in world.of("inventory"):
        fields = valid(facts, asked.standing)
        if fields is not None and fields["type"] == type_ and asked.at(fields["agency"]):
            found.append(fields)
    return found


def valid(facts: list[Fact], at: int) -> dict[str, Any] | None:
    """The statement that holds at an instant: the last one begun by then, unless it has ended."""
    statements = [fact for fact in facts if fact.type != "system.heartbeat" and begins(fact) <= at]
    if not statements:
        return None
    fact = max(
        statements,
        key=lambda one: (
            begins(one),
            one.fields.get("revision", 0),
            one.at,
            one.fields["event_id"],
        ),
    )
    ends = fact.fields.get("valid_to")
    if ends is not None and ends <= at:
        return None
    beats = [beat.at for beat in of(facts, "system.heartbeat") if beat.at <= at]
    return {**fact.fields, "type": fact.type, "heard": bool(beats)}


def procedures(world: World, asked: Asked, internal: bool = False) -> list[dict[str, Any]]:
    """Those for citizens and businesses, or the internal ones."""
    return [
        fields
        for fields in standing(world, asked, "procedure.registered")
        if fields["internal"] is internal
    ]


def offered(fields: dict[str, Any]) -> bool:
    """Fit to be offered online, and offered at level 3 or 4."""
    return fields["eligible_online"] and fields["level"] in (3, 4)


@defines("procedures_online_payment_share", "score_766_3_5a")
def _(world: World, asked: Asked) -> Figure:
    return share(
        fields["payable_online"] for fields in procedures(world, asked) if fields["with_fee"]
    )


@defines("procedures_online_share")
def _(world: World, asked: Asked) -> Figure:
    return share(
        offered(fields) for fields in procedures(world, asked) if fields["eligible_online"]
    )


@defines("procedures_on_national_portal_share")
def _(world: World, asked: Asked) -> Figure:
    return share(
        fields["on_national_portal"] for fields in procedures(world, asked) if offered(fields)
    )


@defines("score_766_3_1")
def _(world: World, asked: Asked) -> Figure:
    return share(offered(fields) for fields in procedures(world, asked))


@defines("internal_procedures_published_share")
def _(world: World, asked: Asked) -> Figure:
    return share(fields["published"] for fields in procedures(world, asked, internal=True))


@defines("processing_time_cut")
def _(world: World, asked: Asked) -> Figure:
    reviewed = [(fields["days_before"], fields["days_now"]) for fields in procedures(world, asked)]
    both = [(before, now) for before, now in reviewed if before is not None and now is not None]
    return Figure(sum(before - now for before, now in both), sum(before for before, _ in both))


@defines("full_online_services_multichannel_share")
def _(world: World, asked: Asked) -> Figure:
    full = [fields for fields in procedures(world, asked) if fields["level"] == 4]
    return share(fields["access_means"] >= 2 and fields["mobile"] for fields in full)


@defines("authenticated_users_share")
def _(world: World, asked: Asked) -> Figure:
    counted = standing(world, asked, "accounts.counted")
    return Figure(
        sum(fields["authenticated"] for fields in counted),
        sum(fields["users"] for fields in counted),
    )


def systems(
    which: Callable[[dict[str, Any]], bool], connected: Callable[[dict[str, Any]], bool]
) -> Callable[[World, Asked], Figure]:
    """Of some systems, those that are connected."""
    return lambda world, asked: share(
        connected(fields) for fields in standing(world, asked, "system.registered") if which(fields)
    )


defines("portals_connected_share")(
    systems(
        lambda one: one["kind"] in FRONT, lambda one: one["on_national_portal"] and one["heard"]
    )
)
defines("information_systems_connected_share")(
    systems(
        lambda one: one["citizen_facing"],
        lambda one: one["on_document_axis"] and one["on_lgsp"] and one["heard"],
    )
)
defines("reporting_systems_connected_share")(
    systems(lambda one: one["kind"] == "reporting", lambda one: one["on_national_reporting"])
)


# Who reports, and the score


@defines("coverage")
def _(world: World, asked: Asked) -> Figure:
    """An agency reports when something of it is dated on a day of the window. Open work and what
    exists are not dated, and that a due time passes is no report.
    """
    dated, ever = set[str](), set[str]()
    for family in COUNTING.keys() - {"heartbeats"}:
        for kind, agency, _, day in figures(family, world.of(family)):
            if kind != "agencies":
                ever.add(agency)
            if (
                kind not in ("open", "flow")
                and (family != "inventory" or kind == "reported")
                and in_window(asked, day)
            ):
                dated.add(agency)
    expected = expected_agencies(world, asked)
    if expected is None:
        expected = ever
    return Figure(len(expected & dated), len(expected))


def in_window(asked: Asked, day: int) -> bool:
    """Whether a day written YYYYMMDD is in it."""
    text = str(day)
    iso = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    return (asked.first is None or asked.first.isoformat() <= iso) and (
        asked.last is None or iso <= asked.last.isoformat()
    )


def expected_agencies(world: World, asked: Asked) -> set[str] | None:
    """Those registered as expected on some day in question; None while none is registered. Each is
    stated once here.

    In question are the days of the window up to today; of a window that begins later its first one,
    and without a first day its last one.
    """
    stated = [
        fact.fields for facts in world.of("inventory") for fact in of(facts, "agency.registered")
    ]
    if not stated:
        return None
    past = asked.last if asked.last is not None and asked.last < asked.today else asked.today
    since = past if asked.first is None else asked.first
    until = since if since > past else past
    return {
        fields["agency"]
        for fields in stated
        if fields["expected"]
        and date_of(fields["valid_from"]) <= until
        and (fields["valid_to"] is None or date_of(fields["valid_to"]) > since)
    }


@defines("score_766")
def _(world: World, asked: Asked) -> Figure:
    """Each item's points in proportion to its share, up to the share that gives them all; two
    decimals.
    """
    given = []
    for id_, (points, full) in POINTS.items():
        found = ORACLES[id_](world, asked)
        if found.numerator is not None and found.denominator:
            given.append(
                round(points * min(1.0, max(0.0, found.numerator / found.denominator) / full), 2)
            )
    return Figure(None, points=round(sum(given), 2) if given else None)
