"""Instants and the province's calendar days.

An instant is epoch milliseconds, UTC. A day is the calendar day in the province's time zone as the
integer YYYYMMDD. Viet Nam has kept UTC+7 without daylight saving since 1975, so the zone is a
constant and a replay gives the same days.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

ZONE = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LOCAL_EPOCH = EPOCH.astimezone(ZONE)
MILLISECOND = timedelta(milliseconds=1)
HOUR_MS = 3_600_000
OFFSET_MS = 7 * HOUR_MS
DAY_MS = 86_400_000
# 1 January 1980: older times are typing errors, and the zone was another
EARLIEST_MS = 315_532_800_000
LATEST_MS = 4_102_444_800_000  # 1 January 2100

_days: dict[int, int] = {}


def day_number(ms: int) -> int:
    """Days since 1 January 1970 in the province's zone, for differences between days."""
    return (ms + OFFSET_MS) // DAY_MS


def day(ms: int) -> int:
    """The province's calendar day of an instant, as YYYYMMDD."""
    number = (ms + OFFSET_MS) // DAY_MS
    return _days.get(number) or numbered_day(number)


def numbered_day(number: int) -> int:
    """The calendar day of so many days since 1 January 1970, as YYYYMMDD."""
    known = _days.get(number)
    if known is None:
        known = _days[number] = _yyyymmdd(number)
    return known


def _yyyymmdd(number: int) -> int:
    # An absurd due time must not stop a worker: it counts at the end of the calendar.
    return yyyymmdd(date(1970, 1, 1) + timedelta(days=min(max(number, -719_162), 2_932_896)))


def day_start(ms: int) -> int:
    """The first instant of the province's calendar day that an instant lies in."""
    return ms - (ms + OFFSET_MS) % DAY_MS


def yyyymmdd(day_: date) -> int:
    """A date as the integer that cells carry."""
    return day_.year * 10_000 + day_.month * 100 + day_.day


def as_date(day_: int) -> date:
    """The date of a YYYYMMDD integer."""
    return date(day_ // 10_000, day_ // 100 % 100, day_ % 100)


def to_ms(moment: datetime) -> int:
    """Epoch milliseconds of an aware datetime, exactly (no float on the way)."""
    return (moment - EPOCH) // MILLISECOND


def to_datetime(ms: int) -> datetime:
    """The instant in the province's zone."""
    return LOCAL_EPOCH + timedelta(milliseconds=ms)


def iso(ms: int) -> str:
    """The instant in the province's zone as ISO 8601; quick, since lists tell thousands of them."""
    number, rest = divmod(ms + OFFSET_MS, DAY_MS)
    second, fraction = divmod(rest, 1_000)
    return (
        f"{_date_text(number)}T{_time_text(second)}{f'.{fraction:03}000' if fraction else ''}+07:00"
    )


def iso_milliseconds(ms: int) -> str:
    """The same, always with three digits behind the second."""
    return to_datetime(ms).isoformat(timespec="milliseconds")


@lru_cache(maxsize=8_192)
def _date_text(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


@lru_cache(maxsize=86_400)
def _time_text(second: int) -> str:
    return str(time(second // 3_600, second // 60 % 60, second % 60))


def now_ms() -> int:
    """The wall clock. Never called by streams: a replay must give the same cells."""
    return to_ms(datetime.now(UTC))
