"""What agencies do besides dossiers: meetings, inspections, work records; some corrected,
cancelled or voided.
"""

from __future__ import annotations

from random import Random
from typing import Any, Literal, NamedTuple

from ops.simulate.hours import OFFICE_DAY, from_office, to_office
from ops.simulate.province import AGENCIES_OF, CENTRE
from ops.simulate.things import (
    FOREVER,
    FactGroup,
    SimulatedThing,
    StatedFact,
    Teller,
    latest,
    latest_value,
)
from ops.simulate.truth import Truth
from schemas.codes import AdministrativeLevel
from schemas.events.activities import (
    ActivityCancelled,
    ActivityEvent,
    ActivityRestored,
    ActivityVoided,
    InspectionDone,
    MeetingHeld,
    WorkRecordHandled,
)

ActivityKind = Literal["meetings", "inspections", "work_records"]


# the measure of those that were digital, how many communes hold, and how many are digital at the
# province's level
_DIGITAL: dict[ActivityKind, str] = {
    "meetings": "meetings_in_system",
    "inspections": "inspections_digital",
    "work_records": "work_records_online",
}
_COMMUNAL: dict[ActivityKind, float] = {"meetings": 0.6, "inspections": 0.1, "work_records": 0.5}
_DIGITALLY: dict[ActivityKind, float] = {"meetings": 0.8, "inspections": 0.55, "work_records": 0.85}


class StatedActivity(NamedTuple):
    """One activity as it is stated."""

    kind: ActivityKind
    agency: str
    level: AdministrativeLevel
    digitally: bool
    secret: bool = False


class SimulatedActivity(SimulatedThing):
    """One activity's facts; None stands for its cancellation."""

    __slots__ = ("statements", "voids")
    origin = "sample:office"

    def __init__(self, activity_id: str, teller: Teller) -> None:
        super().__init__(activity_id, teller)
        self.statements: list[StatedFact[StatedActivity | None]] = []
        self.voids: FactGroup[bool] = FactGroup()  # False: restored

    def state(self, at: int, stated: StatedActivity, held_at: int | None = None) -> None:
        """It took place at `held_at`, or just now."""
        model, fields = _event(stated)
        self._say(at, stated.agency, stated, model, level=stated.level, held_at=held_at, **fields)

    def cancel(self, at: int) -> None:
        """It did not take place."""
        newest = next(fact.value for fact in reversed(self.statements) if fact.value is not None)
        self._say(at, newest.agency, None, ActivityCancelled)

    def correct(self, at: int, stated: StatedActivity, held_at: int, *, holds: bool) -> None:
        """It was otherwise at `held_at`, or never took place."""
        model, fields = _event(stated)
        said = stated if holds else None
        self._say(
            at,
            stated.agency,
            said,
            model,
            level=stated.level,
            effective_at=held_at,
            holds=holds,
            **fields,
        )

    def void(self, at: int, agency: str) -> None:
        """Entered by mistake."""
        self.voids.add(at, self.tell(ActivityVoided, at, agency), True)

    def restore(self, at: int, agency: str) -> None:
        """Voided by mistake."""
        self.voids.add(at, self.tell(ActivityRestored, at, agency), False)

    def _say(
        self,
        at: int,
        agency: str,
        stated: StatedActivity | None,
        model: type[ActivityEvent],
        **fields: Any,
    ) -> None:
        reported = self.tell(model, at, agency, **fields)
        self.statements.append(StatedFact(at, reported, stated))

    def count(self, truth: Truth, before: int = FOREVER) -> None:
        """Add it to a truth, by its facts reported before an instant."""
        stated, void = latest_value(self.statements, before), latest(self.voids.known(before))
        if void is not None and void.value:
            agency = self.newest.agency if stated is None else stated.agency
            truth.one("voided", agency, "voided", family="activities")
        if stated is None or (void is not None and void.value):
            return
        truth.one(stated.kind, stated.agency, *_measures(stated), family="activities")


def _measures(stated: StatedActivity) -> list[str]:
    if stated.secret:
        return ["work_records_secret"]
    measures: list[str] = [stated.kind]
    if stated.digitally:
        measures.append(_DIGITAL[stated.kind])
    if stated.kind != "inspections":
        measures += [f"{measure}_{stated.level}" for measure in measures]
    return measures


def _event(stated: StatedActivity) -> tuple[type[ActivityEvent], dict[str, bool]]:
    if stated.kind == "meetings":
        return MeetingHeld, {"in_system": stated.digitally}
    if stated.kind == "inspections":
        return InspectionDone, {"digital": stated.digitally}
    return WorkRecordHandled, {"online": stated.digitally, "secret": stated.secret}


def draw_activity(rng: Random, kind: ActivityKind) -> StatedActivity:
    """Who did it, and how: the province is ahead of the communes."""
    communal = rng.random() < _COMMUNAL[kind]
    level: AdministrativeLevel = "commune" if communal else "province"
    agency = AGENCIES_OF["commune" if communal else "department"].draw(rng).code
    if kind == "meetings" and not communal:
        agency = CENTRE
    digitally = rng.random() < _DIGITALLY[kind] - 0.2 * communal
    secret = kind == "work_records" and rng.random() < 0.02
    return StatedActivity(kind, agency, level, digitally, secret)


def simulate_activity(
    rng: Random, teller: Teller, at: int, activity_id: str, kind: ActivityKind
) -> SimulatedActivity:
    """An activity of `at` (epoch ms) with what is said of it later."""
    activity, stated = SimulatedActivity(activity_id, teller), draw_activity(rng, kind)
    activity.state(at, stated)
    chance = rng.random()
    if chance < 0.02:
        corrected = stated._replace(digitally=not stated.digitally)
        activity.state(from_office(to_office(at) + OFFICE_DAY), corrected, held_at=at)
    elif chance < 0.04:
        activity.cancel(from_office(to_office(at) + OFFICE_DAY // 2))
    elif chance < 0.06:
        later = from_office(to_office(at) + OFFICE_DAY * 3)
        otherwise = stated._replace(digitally=not stated.digitally)
        activity.correct(later, otherwise, at, holds=chance < 0.05)
    elif chance < 0.08:
        later = from_office(to_office(at) + OFFICE_DAY * 3)
        activity.void(later, stated.agency)
        if chance < 0.065:
            activity.restore(later + 3_600_000, stated.agency)
    return activity
