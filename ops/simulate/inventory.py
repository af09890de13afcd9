"""The province's inventory: agencies before and after 1 July 2025, procedures, systems with
heartbeats, datasets, accounts, and the figures that agencies report. Codes and numbers are samples.

What is told holds for good or has ended by the time the simulation ends, so its stock is what is
valid then. The merger of communes is told in June 2025; a simulation that begins later knows of it
from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ops.simulate.communes import (
    DISTRICTS,
    ENDED,
    LONG_AGO,
    MERGER_TOLD,
    PROVINCE_CODE,
    UNCHANGED,
    commune_code,
    district_code,
    former_communes,
)
from ops.simulate.province import AGENCIES, COMMUNES, PROCEDURES, Procedure, SampleAgency
from ops.simulate.registered import DATASETS, FIGURES_OF_YEAR, SYSTEMS, SampleSystem
from ops.simulate.things import ReportedEvent, Teller
from ops.simulate.truth import Truth
from schemas.clock import DAY_MS
from schemas.codes import AgencyLevel
from schemas.events.inventory import (
    AccountsCounted,
    AgencyRegistered,
    DatasetRegistered,
    FigureReported,
    InventoryEvent,
    ProcedureRegistered,
    SystemHeartbeat,
    SystemRegistered,
)

SOURCE = "sample:register"
PROVINCE_OFFICE = AGENCIES[0].code
_YEAR = 365 * DAY_MS
_INTERNAL = 12  # procedures between state agencies
SILENT = ("H35.SAMPLE.U01", "H35.SAMPLE.U02")  # expected to report, and never do
_HOSPITALS = ("Bệnh viện Đa khoa tỉnh (mẫu)", "Trung tâm Y tế (mẫu)")
_LEVELS: dict[str, AgencyLevel] = {
    "department": "department",
    "vertical": "vertical",
    "commune": "commune",
}


class Inventory:
    """Tells the inventory at the beginning, and what is heard of it day by day."""

    def __init__(self, teller: Teller, start: int, end: int, truth: Truth) -> None:
        self.teller, self.start, self.end, self.truth = teller, start, end, truth
        # whether the merger is known at the beginning, and at the end
        self.merged, self.merges = start >= MERGER_TOLD, end > MERGER_TOLD

    def events(self) -> Iterator[ReportedEvent]:
        """Everything, in report order."""
        yield from self._in_the_beginning()
        if self.merges and not self.merged:
            for event in (*self._communes(MERGER_TOLD), *self._former(MERGER_TOLD, ended=True)):
                yield ReportedEvent(MERGER_TOLD, event)
        yield from self._day_by_day()

    def _in_the_beginning(self) -> Iterator[ReportedEvent]:
        at = self.start - DAY_MS
        tellers: tuple[Callable[[int], Iterator[InventoryEvent]], ...] = (
            self._agencies,
            self._divided,
            self._procedures,
            self._internal,
            self._systems,
            self._datasets,
        )
        for tell in tellers:
            for event in tell(at):
                yield ReportedEvent(self.start, event)
        for reported in self._years():
            for event in self._figures(reported):
                yield ReportedEvent(reported, event)

    def _years(self) -> Iterator[int]:
        """When figures of a year are reported: as the simulation begins, and every year since, the
        last time a month before it ends.
        """
        at = self.end - 30 * DAY_MS
        while at > self.start + _YEAR // 2:
            yield at
            at -= _YEAR
        yield self.start

    def _event(
        self, model: type[InventoryEvent], item: str, at: int, agency: str, **fields: Any
    ) -> InventoryEvent:
        return model(
            event_id=self.teller.event_id(),
            source=SOURCE,
            agency=agency,
            occurred_at=at,
            backfill=self.teller.backfill,
            item_id=item,
            **fields,
        )

    def _heartbeat(self, system: str, at: int) -> InventoryEvent:
        return self._event(SystemHeartbeat, f"system/SAMPLE-{system}", at, PROVINCE_OFFICE)

    def _count(self, kind: str, agency: str, *measures: str) -> None:
        self.truth.one(kind, agency, *measures, family="inventory")

    def _agency(
        self, at: int, code: str, level: AgencyLevel, name: str, **fields: Any
    ) -> InventoryEvent:
        return self._event(
            AgencyRegistered, f"agency/{code}", at, code, level=level, name_vi=name, **fields
        )

    def _stays(self, agency: str) -> None:
        self._count("agencies", agency, "agencies", "agencies_expected")

    def _agencies(self, at: int) -> Iterator[InventoryEvent]:
        """Those that the merger leaves as they are."""
        alias = ["000.00.00.SAMPLE"]
        name = "UBND tỉnh (mẫu)"
        self._stays(PROVINCE_CODE)
        yield self._agency(at, PROVINCE_CODE, "province", name, valid_from=LONG_AGO, alias=alias)
        for number, one in enumerate(AGENCIES, 1):
            if one.tier != "commune":
                yield self._today(at, number, one, LONG_AGO)
        for code, name in zip(SILENT, _HOSPITALS, strict=True):
            self._stays(code)
            yield self._agency(at, code, "unit", name, parent=PROVINCE_CODE, valid_from=LONG_AGO)

    def _today(self, at: int, number: int, one: SampleAgency, begins: int) -> InventoryEvent:
        self._stays(one.code)
        given = {"valid_from": begins, "alias": [f"000.00.{number:02}.SAMPLE"]}
        level = _LEVELS[one.tier]
        return self._agency(at, one.code, level, one.name, parent=PROVINCE_CODE, **given)

    def _divided(self, at: int) -> Iterator[InventoryEvent]:
        """Districts and communes, as far as is known of them at the beginning."""
        if self.merged:
            yield from self._communes(at)
        yield from self._former(at, ended=self.merged)

    def _communes(self, at: int) -> Iterator[InventoryEvent]:
        """Those of today, from 1 July 2025 on."""
        for number, one in enumerate(AGENCIES, 1):
            if one.tier == "commune":
                yield self._today(at, number, one, ENDED)

    def _former(self, at: int, *, ended: bool) -> Iterator[InventoryEvent]:
        """What there was until 30 June 2025: once it has ended, with who came after it. Two of the
        communes went on, under the province.
        """
        validity = {"valid_from": LONG_AGO} | ({"valid_to": ENDED} if ended else {})
        level: AgencyLevel = "district"
        for name, units in DISTRICTS.items():
            district = district_code(name)
            heir = {"successor": commune_code(units[0])} if ended else {}
            upper = {"parent": PROVINCE_CODE, **heir, **validity}
            yield self._past(at, district, level, f"UBND {name} (mẫu)", **upper)
            for unit in units:
                if unit in UNCHANGED:
                    code, commune = commune_code(unit), f"Xã {COMMUNES[unit]}"
                    yield self._past(at, code, "commune", commune, parent=district, **validity)
        for one in former_communes():
            heir = {"successor": one.successor} if ended else {}
            given = {"parent": one.district, **heir, **validity}
            yield self._past(at, one.code, "commune", f"Xã {one.name}", **given)

    def _past(
        self, at: int, code: str, level: AgencyLevel, name: str, **fields: Any
    ) -> InventoryEvent:
        if not self.merges:  # nobody knows yet that it will end
            self._stays(code)
        return self._agency(at, code, level, name, **fields)

    def _procedures(self, at: int) -> Iterator[InventoryEvent]:
        for number, procedure in enumerate(PROCEDURES):
            yield self._procedure(at, number, procedure)

    def _procedure(self, at: int, number: int, procedure: Procedure) -> InventoryEvent:
        """By turns, so that of everything there is some and not all."""
        owner = PROVINCE_CODE if procedure.tier == "commune" else PROVINCE_OFFICE
        portal, payable, mobile = number % 7 > 0, number % 5 > 0, number % 9 > 0
        eligible = procedure.level >= 3 or number % 2 > 0
        before = procedure.days * 3 // 2
        offered, full = eligible and procedure.level >= 3, procedure.level == 4
        self._count(
            "procedures",
            owner,
            "procedures",
            "eligible_online" if eligible else "",
            "offered_online" if offered else "",
            "on_national_portal" if offered and portal else "",
            "with_fee" if procedure.fee else "",
            "payable_online" if procedure.fee and payable else "",
            "full_online" if full else "",
            "full_online_multichannel" if full and mobile else "",
        )
        one_stop, issued = number % 6 > 0, number % 4 > 0
        self._form_07b(owner, procedure, one_stop=one_stop, process_issued=issued)
        if procedure.days:
            self.truth.counts["inventory", "procedures", owner, "days_before"] += before
            self.truth.counts["inventory", "procedures", owner, "days_now"] += procedure.days
        return self._event(
            ProcedureRegistered,
            f"procedure/{procedure.code}",
            at,
            owner,
            procedure=procedure.code,
            field=procedure.field.replace(" ", "-"),
            level=procedure.level,
            eligible_online=eligible,
            on_national_portal=portal,
            with_fee=procedure.fee > 0,
            payable_online=payable,
            access_means=3,
            mobile=mobile,
            days_before=before if procedure.days else None,
            days_now=procedure.days or None,
            name_vi=procedure.name_vi,
            name_en=procedure.name_en,
            administrative_levels=procedure.administrative_levels,
            one_stop=one_stop,
            process_issued=issued,
            valid_from=LONG_AGO,
        )

    def _form_07b(self, owner: str, procedure: Procedure, **told: bool) -> None:
        """What form 07b counts of a procedure, in all and at each level."""
        for name in [name for name, holds in told.items() if holds]:
            self._count("procedures", owner, name)
        for level in procedure.administrative_levels:
            self._count("procedures", owner, f"procedures_{level}")
            for name in [name for name, holds in told.items() if holds]:
                self._count("procedures", owner, f"{name}_{level}")

    def _internal(self, at: int) -> Iterator[InventoryEvent]:
        for number in range(1, _INTERNAL + 1):
            code, published = f"SAMPLE.I{number:03}.H35", number != _INTERNAL
            self._count(
                "procedures", PROVINCE_OFFICE, "internal", "internal_published" if published else ""
            )
            yield self._event(
                ProcedureRegistered,
                f"procedure/{code}",
                at,
                PROVINCE_OFFICE,
                procedure=code,
                field="internal",
                internal=True,
                published=published,
                eligible_online=False,
                valid_from=LONG_AGO,
            )

    def _systems(self, at: int) -> Iterator[InventoryEvent]:
        for system in SYSTEMS:
            self._count("systems", PROVINCE_OFFICE, *_system_measures(system))
            yield self._event(
                SystemRegistered,
                f"system/SAMPLE-{system.code}",
                at,
                PROVINCE_OFFICE,
                kind=system.kind,
                citizen_facing=system.citizen_facing,
                on_national_portal=system.on_national_portal,
                on_document_axis=system.on_document_axis,
                on_lgsp=system.on_lgsp,
                on_national_reporting=system.on_national_reporting,
                valid_from=LONG_AGO,
            )
            if system.answers:
                yield self._heartbeat(system.code, at)

    def _datasets(self, at: int) -> Iterator[InventoryEvent]:
        for code, shared, open_data in DATASETS:
            self._count(
                "datasets",
                PROVINCE_OFFICE,
                "datasets",
                "datasets_shared" if shared else "",
                "datasets_open" if open_data else "",
            )
            yield self._event(
                DatasetRegistered,
                f"dataset/SAMPLE-{code}",
                at,
                PROVINCE_OFFICE,
                shared=shared,
                open_data=open_data,
            )

    def _figures(self, at: int) -> Iterator[InventoryEvent]:
        """For the twelve months that end at an instant; of one of them a first revision that was
        put right.
        """
        for number, (indicator, numerator, denominator) in enumerate(FIGURES_OF_YEAR):
            agency = AGENCIES[1 + number % 6].code
            item = f"figure/{indicator}/{agency}/year"
            fields: dict[str, Any] = {
                "indicator": indicator,
                "numerator": numerator,
                "denominator": denominator,
                "period_from": at - _YEAR,
                "period_to": at - 1,
                "document": f"{number + 1}/BC-SAMPLE",
            }
            if number == 0:
                first = fields | {"numerator": numerator - 9, "document": "0/BC-SAMPLE"}
                yield self._event(FigureReported, item, at, agency, **first)
                fields["revision"] = 2
            yield self._event(FigureReported, item, at, agency, **fields)
            self._count(
                "reported", agency, "figures", "without_denominator" if denominator is None else ""
            )
            self.truth.counts["inventory", "reported", agency, "numerator"] += numerator
            self.truth.counts["inventory", "reported", agency, "denominator"] += denominator or 0

    def _day_by_day(self) -> Iterator[ReportedEvent]:
        """Each morning the systems' heartbeats; every thirty days the accounts are counted."""
        users = authenticated = 0
        for number, at in enumerate(range(self.start, self.end, DAY_MS)):
            if number % 30 == 0:
                users = 41_000 + 30 * number
                authenticated = min(28_000 + 36 * number, 40_000 + 30 * number)
                counted = self._event(
                    AccountsCounted,
                    f"accounts/{PROVINCE_CODE}",
                    at,
                    PROVINCE_CODE,
                    users=users,
                    authenticated=authenticated,
                )
                yield ReportedEvent(at, counted)
            if number == 0:  # told in the beginning
                continue
            for system in SYSTEMS:
                if system.answers:
                    yield ReportedEvent(at, self._heartbeat(system.code, at))
        self.truth.counts["inventory", "accounts", PROVINCE_CODE, "users"] += users
        self.truth.counts["inventory", "accounts", PROVINCE_CODE, "users_authenticated"] += (
            authenticated
        )


def _system_measures(system: SampleSystem) -> list[str]:
    """What the system counts as, empty names for what it does not."""
    portal = system.kind in ("portal", "one_stop")
    reporting = system.kind == "reporting"
    connected = system.on_document_axis and system.on_lgsp and system.answers
    return [
        "systems",
        "portals" if portal else "",
        "portals_connected" if portal and system.on_national_portal and system.answers else "",
        "information_systems" if system.citizen_facing else "",
        "information_systems_connected" if system.citizen_facing and connected else "",
        "reporting_systems" if reporting else "",
        "reporting_systems_connected" if reporting and system.on_national_reporting else "",
    ]
