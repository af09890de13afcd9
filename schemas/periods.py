"""Periods by name, of two calendars that can't be mixed up: `report:2026-10`, `calendar:2026-10`.

Reporting periods are those of NĐ 09/2019/NĐ-CP as provinces word them (QĐ 01/2023/QĐ-UBND Khánh
Hòa, Điều 4): they begin on the 15th of the month before and end on the 14th of their last month; a
year begins on 15 December. Each is the whole period, whether it has ended or not.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

from schemas.windows import PERIOD_BEGINS, Window, add_months
from schemas.worktime import Office

_YEAR, _PART = "([1-9][0-9]{3})", "0[1-9]|1[0-2]|Q[1-4]"
_NAMES = {
    "report": re.compile(f"report:{_YEAR}(?:-({_PART}|[69]M))?"),
    "calendar": re.compile(f"calendar:{_YEAR}(?:-({_PART}))?"),
}
_SUCH_AS = {
    "report": "report:2026-10, report:2026-Q3, report:2026-6M, report:2026-9M and report:2026",
    "calendar": "calendar:2026-10, calendar:2026-Q3 and calendar:2026",
}
PERIOD_PATTERN = f"^(?:{'|'.join(name.pattern for name in _NAMES.values())})$"
_DUE_AFTER = 2  # working days after the close of a reporting period
_DAY = timedelta(days=1)


def is_period(text: str) -> bool:
    """Whether it is meant as the name of a period."""
    calendar, colon, _ = text.partition(":")
    return bool(colon) and calendar in _NAMES


def period(name: str) -> Window:
    """The days of a period.

    Raises: ValueError, which says what there is, for a name of none.
    """
    calendar = name.partition(":")[0]
    named = _NAMES[calendar].fullmatch(name)
    if named is None:
        raise ValueError(f"there is no such period; there are {_SUCH_AS[calendar]}")
    first, months = _months(named[2] or "12M")
    begins = date(int(named[1]), first, 1)
    end = add_months(begins, months - 1, 31)
    if calendar == "calendar":
        return Window(begins, end)
    return Window(add_months(begins, -1, PERIOD_BEGINS), end.replace(day=PERIOD_BEGINS - 1))


def _months(part: str) -> tuple[int, int]:
    """The first month of a part of a year, and how many there are."""
    if part.endswith("M"):
        return 1, int(part[:-1])
    if part.startswith("Q"):
        return int(part[1:]) * 3 - 2, 3
    return int(part), 1


def report_due(name: str, today: date, office: Office) -> date | None:
    """The day on which the report of a period is due: the second working day after its close. None
    while it runs, and of a calendar that nobody reports by.
    """
    _, day = period(name)
    if not name.startswith("report:") or day is None or day >= today:
        return None
    left = _DUE_AFTER
    while left:
        day += _DAY
        left -= office.opens(day)
    return day
