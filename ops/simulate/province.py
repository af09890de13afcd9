"""The province: 60 agencies and the procedures they handle. All codes are samples.

The 38 communes and wards are those of NQ 1670/NQ-UBTVQH15 with their GSO unit codes; the province's
own agency codes are not published, so every code here says SAMPLE. The departments are typical of a
province after 2025, not an official list.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Generic, Literal, Protocol, TypeVar

from schemas.codes import AdministrativeLevel, OnlineLevel

Tier = Literal["department", "vertical", "commune"]

COMMUNES: dict[str, str] = {
    "03388": "Đoàn Kết",
    "03408": "Tân Phong",
    "03390": "Bình Lư",
    "03394": "Sin Suối Hồ",
    "03405": "Tả Lèng",
    "03424": "Bản Bo",
    "03430": "Khun Há",
    "03433": "Bum Tở",
    "03434": "Nậm Hàng",
    "03439": "Thu Lũm",
    "03442": "Pa Ủ",
    "03445": "Mường Tè",
    "03451": "Mù Cả",
    "03460": "Hua Bum",
    "03463": "Tà Tổng",
    "03466": "Bum Nưa",
    "03472": "Mường Mô",
    "03478": "Sìn Hồ",
    "03487": "Lê Lợi",
    "03503": "Pa Tần",
    "03508": "Hồng Thu",
    "03517": "Nậm Tăm",
    "03529": "Tủa Sín Chải",
    "03532": "Pu Sam Cáp",
    "03538": "Nậm Mạ",
    "03544": "Nậm Cuổi",
    "03549": "Phong Thổ",
    "03562": "Sì Lở Lầu",
    "03571": "Dào San",
    "03583": "Khổng Lào",
    "03595": "Than Uyên",
    "03598": "Tân Uyên",
    "03601": "Mường Khoa",
    "03613": "Nậm Sỏ",
    "03616": "Pắc Ta",
    "03618": "Mường Than",
    "03637": "Mường Kim",
    "03640": "Khoen On",
}
_WARDS = frozenset({"03388", "03408"})

_DEPARTMENTS: tuple[str, ...] = (
    "Văn phòng UBND tỉnh (Trung tâm Phục vụ hành chính công)",
    "Sở Nội vụ",
    "Sở Tài chính",
    "Sở Tư pháp",
    "Sở Xây dựng",
    "Sở Nông nghiệp và Môi trường",
    "Sở Công Thương",
    "Sở Khoa học và Công nghệ",
    "Sở Văn hóa, Thể thao và Du lịch",
    "Sở Giáo dục và Đào tạo",
    "Sở Y tế",
    "Sở Dân tộc và Tôn giáo",
    "Thanh tra tỉnh",
    "Ban Quản lý Khu kinh tế",
)
_VERTICALS: tuple[str, ...] = (
    "Thuế tỉnh",
    "Công an tỉnh",
    "Bộ Chỉ huy Quân sự tỉnh",
    "Kho bạc Nhà nước",
    "Bảo hiểm xã hội tỉnh",
    "Ngân hàng Nhà nước",
    "Hải quan",
    "Thống kê tỉnh",
)


@dataclass(frozen=True, slots=True)
class SampleAgency:
    """`weight` is its share of the dossiers, relative to the others."""

    code: str
    name: str
    tier: Tier
    weight: int
    tardy: bool  # its system passes facts on hours later more often than others'


@dataclass(frozen=True, slots=True)
class Procedure:
    """`days` is the legal handling time in working days (0: within the day); `fee` is in đồng (0:
    none).
    """

    code: str
    field: str
    tier: Tier
    days: int
    level: OnlineLevel
    fee: int
    weight: int

    @property
    def number(self) -> int:
        """Among the province's procedures, from 1."""
        return int(self.code.split(".")[1])

    @property
    def name_vi(self) -> str:
        """Made up."""
        return f"Thủ tục {self.number} về {FIELDS_VI[self.field]} (mẫu)"

    @property
    def name_en(self) -> str:
        """Made up."""
        return f"Procedure {self.number} of {self.field} (sample)"

    @property
    def administrative_levels(self) -> list[AdministrativeLevel]:
        """Those of communes are theirs alone, but for land, which the province handles as well."""
        if self.tier != "commune":
            return ["province"]
        return ["province", "commune"] if self.field == "land" else ["commune"]


FIELDS_VI: dict[str, str] = {
    "civil status": "hộ tịch",
    "certification": "chứng thực",
    "land": "đất đai",
    "social protection": "bảo trợ xã hội",
    "residence": "cư trú",
    "household business": "hộ kinh doanh",
    "culture": "văn hóa",
    "enterprise": "doanh nghiệp",
    "investment": "đầu tư",
    "justice records": "lý lịch tư pháp",
    "driving licence": "giấy phép lái xe",
    "construction": "xây dựng",
    "environment": "môi trường",
    "trade": "công thương",
    "health practice": "hành nghề y",
    "education": "giáo dục",
    "science": "khoa học",
    "personnel": "công chức",
    "tax": "thuế",
    "insurance": "bảo hiểm",
    "customs": "hải quan",
    "treasury": "kho bạc",
    "archives": "lưu trữ",
}


def _agencies() -> tuple[SampleAgency, ...]:
    departments = [
        SampleAgency(f"H35.SAMPLE.S{n:02}", name, "department", 30, n % 5 == 0)
        for n, name in enumerate(_DEPARTMENTS, 1)
    ]
    verticals = [
        SampleAgency(f"H35.SAMPLE.N{n:02}", name, "vertical", 12, n % 4 == 0)
        for n, name in enumerate(_VERTICALS, 1)
    ]
    communes = [
        SampleAgency(
            f"H35.SAMPLE.{code}",
            ("P. " if code in _WARDS else "Xã ") + name,
            "commune",
            45 if code in _WARDS else 14 + n % 9,
            n % 9 == 0,
        )
        for n, (code, name) in enumerate(COMMUNES.items(), 1)
    ]
    return (*departments, *verticals, *communes)


AGENCIES: tuple[SampleAgency, ...] = _agencies()
CENTRE = AGENCIES[0].code  # the provincial service centre takes in dossiers for every department
# field, tier, days, level, fee, weight
_PROCEDURES: tuple[tuple[str, Tier, int, OnlineLevel, int, int], ...] = (
    ("civil status", "commune", 0, 4, 8_000, 22),
    ("civil status", "commune", 0, 4, 0, 14),
    ("civil status", "commune", 3, 4, 15_000, 8),
    ("certification", "commune", 0, 3, 2_000, 34),
    ("certification", "commune", 0, 2, 10_000, 8),
    ("land", "commune", 10, 3, 50_000, 7),
    ("land", "commune", 20, 3, 100_000, 4),
    ("social protection", "commune", 5, 4, 0, 9),
    ("social protection", "commune", 22, 3, 0, 4),
    ("residence", "commune", 3, 4, 10_000, 8),
    ("household business", "commune", 3, 4, 100_000, 5),
    ("culture", "commune", 15, 2, 0, 2),
    ("enterprise", "department", 3, 4, 100_000, 14),
    ("enterprise", "department", 3, 4, 0, 8),
    ("investment", "department", 15, 3, 0, 3),
    ("justice records", "department", 10, 4, 200_000, 12),
    ("driving licence", "department", 5, 4, 135_000, 16),
    ("construction", "department", 20, 3, 150_000, 4),
    ("land", "department", 15, 3, 100_000, 8),
    ("environment", "department", 30, 3, 5_000_000, 2),
    ("trade", "department", 7, 4, 0, 4),
    ("health practice", "department", 20, 3, 430_000, 5),
    ("education", "department", 10, 4, 0, 5),
    ("science", "department", 20, 2, 0, 1),
    ("personnel", "department", 15, 2, 0, 3),
    ("tax", "vertical", 3, 4, 0, 10),
    ("tax", "vertical", 5, 3, 0, 4),
    ("insurance", "vertical", 5, 4, 0, 12),
    ("insurance", "vertical", 10, 3, 0, 4),
    ("customs", "vertical", 1, 4, 20_000, 6),
    ("treasury", "vertical", 1, 4, 0, 5),
    ("archives", "vertical", 3, 3, 30_000, 0),  # that nobody asks for
)
PROCEDURES: tuple[Procedure, ...] = tuple(
    Procedure(f"SAMPLE.{number:06}.H35", *row) for number, row in enumerate(_PROCEDURES, 1)
)
FIELD_OF: dict[str, str] = {one.code: one.field.replace(" ", "-") for one in PROCEDURES}
# has no legal days that a review could cut
SAME_DAY = next(one for one in PROCEDURES if not one.days)


class Weighted(Protocol):
    """Anything drawn with a weight."""

    @property
    def weight(self) -> int:
        """Relative to the others of its urn."""


_Drawn = TypeVar("_Drawn", bound=Weighted)


class Urn(Generic[_Drawn]):
    """What is drawn by its weight."""

    def __init__(self, drawn: tuple[_Drawn, ...]) -> None:
        self.drawn = drawn
        self._weights = list(accumulate(one.weight for one in drawn))

    def draw(self, rng: Random) -> _Drawn:
        """One of them; it stays in the urn."""
        return rng.choices(self.drawn, cum_weights=self._weights)[0]


TIERS: tuple[Tier, ...] = ("commune", "department", "vertical")
AGENCIES_OF: dict[Tier, Urn[SampleAgency]] = {
    tier: Urn(tuple(agency for agency in AGENCIES if agency.tier == tier)) for tier in TIERS
}
PROCEDURES_OF: dict[Tier, Urn[Procedure]] = {
    tier: Urn(tuple(one for one in PROCEDURES if one.tier == tier)) for tier in TIERS
}
TARDY: frozenset[str] = frozenset(agency.code for agency in AGENCIES if agency.tardy)
