"""What agencies do besides dossiers: meetings, inspections, work records; some corrected, some
cancelled.
"""

from __future__ import annotations

from random import Random
from typing import Any, Literal, NamedTuple

from ops.simulate.dossiers import Fact, Story, Teller, latest
from ops.simulate.hours import OFFICE_DAY, from_office, to_office
from ops.simulate.province import AGENCIES_OF, CENTRE
from ops.simulate.truth import FOREVER, Truth
from schemas.codes import AdministrativeLevel
from schemas.events.activities import (
    ActivityCancelled,
    ActivityEvent,
    InspectionDone,
    MeetingHeld,
    WorkRecordHandled,
)

DeedKind = Literal["meetings", "inspections", "work_records"]


class Deed(NamedTuple):
    """One activity as it is stated."""

    kind: DeedKind
    agency: str
    level: AdministrativeLevel
    digitally: bool
    secret: bool = False


class Activity(Story):
    """One activity's facts; None stands for its cancellation."""

    __slots__ = ("said",)
    origin = "sample:office"

    def __init__(self, activity_id: str, teller: Teller) -> None:
        super().__init__(activity_id, teller)
        self.said: list[Fact[Deed | None]] = []

    def state(self, at: int, deed: Deed, held_at: int | None = None) -> None:
        """It took place at `held_at`, or just now."""
        model, fields = _event(deed)
        self._say(at, deed.agency, deed, model, level=deed.level, held_at=held_at, **fields)

    def cancel(self, at: int) -> None:
        """It did not take place."""
        newest = next(fact.value for fact in reversed(self.said) if fact.value is not None)
        self._say(at, newest.agency, None, ActivityCancelled)

    def _say(
        self, at: int, agency: str, deed: Deed | None, model: type[ActivityEvent], **fields: Any
    ) -> None:
        self.said.append(Fact(at, self._tell(model, at, agency, **fields), deed))

    def count(self, truth: Truth, before: int = FOREVER) -> None:
        """Add it to a truth, by its facts reported before an instant."""
        deed = latest(self.said, before)
        if deed is None:
            return
        names = [deed.kind, *([DIGITALLY[deed.kind]] if deed.digitally else [])]
        if deed.kind != "inspections":
            names += [f"{name}_{deed.level}" for name in names]
        truth.one(
            deed.kind,
            deed.agency,
            *(["work_records_secret"] if deed.secret else names),
            family="activities",
        )


DIGITALLY: dict[DeedKind, str] = {
    "meetings": "meetings_in_system",
    "inspections": "inspections_digital",
    "work_records": "work_records_online",
}


def _event(deed: Deed) -> tuple[type[ActivityEvent], dict[str, bool]]:
    if deed.kind == "meetings":
        return MeetingHeld, {"in_system": deed.digitally}
    if deed.kind == "inspections":
        return InspectionDone, {"digital": deed.digitally}
    return WorkRecordHandled, {"online": deed.digitally, "secret": deed.secret}


def draw_deed(rng: Random, kind: DeedKind) -> Deed:
    """Who did it, and how: the province is ahead of the communes."""
    communal = rng.random() < (
        0.6 if kind == "meetings" else 0.5 if kind == "work_records" else 0.1
    )
    level: AdministrativeLevel = "commune" if communal else "province"
    agency = AGENCIES_OF["commune" if communal else "department"].draw(rng).code
    if kind == "meetings" and not communal:
        agency = CENTRE
    digitally = (
        rng.random()
        < {"meetings": 0.8, "inspections": 0.55, "work_records": 0.85}[kind] - 0.2 * communal
    )
    return Deed(
        kind, agency, level, digitally, secret=kind == "work_records" and rng.random() < 0.02
    )


def act(rng: Random, teller: Teller, at: int, activity_id: str, kind: DeedKind) -> Activity:
    """An activity of `at` (epoch ms) with what is said of it later."""
    activity, deed = Activity(activity_id, teller), draw_deed(rng, kind)
    activity.state(at, deed)
    chance = rng.random()
    if chance < 0.02:
        activity.state(
            from_office(to_office(at) + OFFICE_DAY), deed._replace(digitally=not deed.digitally), at
        )
    elif chance < 0.04:
        activity.cancel(from_office(to_office(at) + OFFICE_DAY // 2))
    return activity
