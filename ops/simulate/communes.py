"""How the province was divided before 1 July 2025: eight districts and 106 communes, of which 38
were made (NQ 1670/NQ-UBTVQH15).

Districts are named as they were, and Tủa Sín Chải with what it was made of. The other former
communes are numbered samples: which of them went into which new one is arranged here so that the
counts are right (36 made of 104, two unchanged).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from ops.simulate.province import AGENCIES_OF, COMMUNES, Procedure, SampleAgency, Urn
from schemas.clock import DAY_MS, ZONE, to_ms
from schemas.codes import AdministrativeLevel

PROVINCE_CODE = "H35.SAMPLE"
ENDED = to_ms(datetime(2025, 7, 1, tzinfo=ZONE))
# when the merger is told, with the day from which it holds
MERGER_TOLD = ENDED - 11 * DAY_MS
LONG_AGO = to_ms(datetime(2021, 1, 1, tzinfo=ZONE))

# District -> the communes that its land went to; the first named is taken as its successor (a
# sample: an agency names one).
DISTRICTS: dict[str, tuple[str, ...]] = {
    "TP Lai Châu": ("03388", "03408"),
    "Tam Đường": ("03390", "03405", "03424", "03430"),
    "Mường Tè": ("03445", "03433", "03439", "03442", "03451", "03460", "03463", "03466"),
    "Sìn Hồ": ("03478", "03503", "03508", "03517", "03529", "03532", "03538", "03544"),
    "Phong Thổ": ("03549", "03394", "03562", "03571", "03583"),
    "Than Uyên": ("03595", "03618", "03637", "03640"),
    "Tân Uyên": ("03598", "03601", "03613", "03616"),
    "Nậm Nhùn": ("03434", "03472", "03487"),
}
UNCHANGED = ("03451", "03463")  # Mù Cả and Tà Tổng
_MADE_OF_TWO = ("03388", "03408", "03434", "03472")  # so that 104 former communes went into 36
_NAMED = {"03529": ("Tủa Sín Chải", "Làng Mô", "Tả Ngảo")}


@dataclass(frozen=True, slots=True)
class Former:
    """A commune that ended on 30 June 2025."""

    code: str
    name: str
    district: str
    successor: str


def district_code(name: str) -> str:
    """A sample code."""
    return f"{PROVINCE_CODE}.D{list(DISTRICTS).index(name) + 1:02}"


def commune_code(unit: str) -> str:
    """The code of one of the 38 of today."""
    return f"{PROVINCE_CODE}.{unit}"


def former_communes() -> list[Former]:
    """The 104 that became 36."""
    found: list[Former] = []
    for district, units in DISTRICTS.items():
        for unit in units:
            if unit in UNCHANGED:
                continue
            for number in range(2 if unit in _MADE_OF_TWO else 3):
                name = (
                    _NAMED[unit][number]
                    if unit in _NAMED
                    else f"{COMMUNES[unit]} {number + 1} (mẫu)"
                )
                found.append(
                    Former(
                        f"{PROVINCE_CODE}.X{len(found) + 1:03}",
                        name,
                        district_code(district),
                        commune_code(unit),
                    )
                )
    return found


# The successor of each agency that ended.
HEIRS: dict[str, str] = {one.code: one.successor for one in former_communes()} | {
    district_code(name): commune_code(units[0]) for name, units in DISTRICTS.items()
}
# What districts handled, until they ended and communes took it over.
_OF_DISTRICTS = frozenset({"land", "household business", "social protection", "culture"})


def _urns_before() -> tuple[Urn[SampleAgency], Urn[SampleAgency]]:
    """Communes and districts as they were; a former commune had a part of what its heir has now."""
    heirs = {one.code: one for one in AGENCIES_OF["commune"].drawn}
    communes = [heirs[commune_code(unit)] for unit in UNCHANGED]
    for one in former_communes():
        heir = heirs[one.successor]
        communes.append(
            replace(heir, code=one.code, name=one.name, weight=max(1, heir.weight // 3))
        )
    districts = [
        SampleAgency(district_code(name), name, "commune", 10 * len(units), tardy=False)
        for name, units in DISTRICTS.items()
    ]
    return Urn(tuple(communes)), Urn(tuple(districts))


_COMMUNES_BEFORE, _DISTRICTS_BEFORE = _urns_before()


def communes_at(at: int) -> Urn[SampleAgency]:
    """The communes of an instant (epoch ms)."""
    return AGENCIES_OF["commune"] if at >= ENDED else _COMMUNES_BEFORE


def handlers_at(at: int, procedure: Procedure) -> Urn[SampleAgency]:
    """Who may handle a procedure at an instant (epoch ms)."""
    if procedure.tier != "commune":
        return AGENCIES_OF[procedure.tier]
    if at < ENDED and procedure.field in _OF_DISTRICTS:
        return _DISTRICTS_BEFORE
    return communes_at(at)


def heir_of(agency: str, at: int) -> str:
    """Who does an agency's work at an instant (epoch ms)."""
    return HEIRS.get(agency, agency) if at >= ENDED else agency


def band_of(agency: str) -> AdministrativeLevel:
    """The band of form 06a that an agency's dossiers stand in."""
    unit = agency.removeprefix(f"{PROVINCE_CODE}.")
    if unit.startswith("D"):
        return "district"
    return "commune" if unit in COMMUNES or unit.startswith("X") else "province"
