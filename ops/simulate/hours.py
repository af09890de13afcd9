"""Office time: 7:00–11:30 and 13:30–17:00, Monday to Friday, in the province's zone.

Office seconds are the seconds of office time since Monday 5 January 1970, 7:00; the sums that
deadlines and handling times need are then plain additions. Public holidays are no part of the
simulation.
"""

from __future__ import annotations

from schemas.clock import DAY_MS, OFFSET_MS

OPENS = 7 * 3_600
_NOON = 11 * 3_600 + 1_800
_RESUMES = 13 * 3_600 + 1_800
CLOSES = 17 * 3_600
_MORNING = _NOON - OPENS
OFFICE_DAY = _MORNING + CLOSES - _RESUMES
_WORKDAYS = 5
_FIRST_MONDAY = 4  # day number (days since 1 January 1970) of Monday 5 January 1970


def workday(day_number: int) -> bool:
    """Whether the day (days since 1 January 1970, province's zone) is Monday to Friday."""
    return (day_number - _FIRST_MONDAY) % 7 < _WORKDAYS


def instant_on(day_number: int, seconds: int) -> int:
    """Epoch ms of a second of the day."""
    return day_number * DAY_MS - OFFSET_MS + seconds * 1_000


def closing(office_day: int) -> int:
    """Epoch ms of 17:00 on an office day (office seconds // OFFICE_DAY)."""
    week, weekday = divmod(office_day, _WORKDAYS)
    return instant_on(_FIRST_MONDAY + week * 7 + weekday, CLOSES)


def to_office(ms: int) -> int:
    """Office seconds at an instant; outside office hours those of the next opening."""
    day, rest = divmod(ms + OFFSET_MS, DAY_MS)
    week, weekday = divmod(day - _FIRST_MONDAY, 7)
    if weekday >= _WORKDAYS:
        return (week + 1) * _WORKDAYS * OFFICE_DAY
    return (week * _WORKDAYS + weekday) * OFFICE_DAY + _of_day(rest // 1_000)


def _of_day(second: int) -> int:
    if second < _RESUMES:
        return max(0, min(second, _NOON) - OPENS)
    return min(second, CLOSES) - _RESUMES + _MORNING


def from_office(seconds: int) -> int:
    """Epoch ms of an office second."""
    days, rest = divmod(seconds, OFFICE_DAY)
    week, weekday = divmod(days, _WORKDAYS)
    return instant_on(
        _FIRST_MONDAY + week * 7 + weekday,
        rest + OPENS if rest < _MORNING else rest - _MORNING + _RESUMES,
    )
