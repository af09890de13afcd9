"""How times and numbers are written in a file, as `times` and `numbers` of a mapping say it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, timezone, tzinfo
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from connectors.files.strict import StrictModel
from schemas.clock import ZONE

DONG = ("đ", "₫", "đồng", "VND", "VNĐ")
PROBE = datetime(2026, 11, 3, 21, 45, 58, tzinfo=UTC)  # none of its parts can be taken for another


class Times(StrictModel):
    """How times are written."""

    formats: list[str] = Field(
        ["iso"],
        min_length=1,
        description=(
            "Formats tried in turn: `iso` (2026-11-03 09:00:00+07:00; zone and clock may be"
            " missing), `epoch_ms`, `epoch_s`, or a pattern of Python's strptime such as"
            " `%Y%m%d%H%M%S`"
        ),
    )
    zone: str = Field(
        "Asia/Ho_Chi_Minh",
        description=(
            "Zone of times that name none: an IANA name, `UTC`, or an offset such as `+07:00`"
        ),
    )
    clock: str = Field(
        "00:00",
        description=(
            "Clock time (HH:MM or HH:MM:SS) of values that are only a day; `17:00` suits due days"
        ),
    )

    @field_validator("formats")
    @classmethod
    def _known_formats(cls, formats: list[str]) -> list[str]:
        for pattern in formats:
            if pattern not in ("iso", "epoch_ms", "epoch_s"):
                _check_pattern(pattern)
        return formats

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        zone_of(zone)
        return zone

    @field_validator("clock")
    @classmethod
    def _clock(cls, clock: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?", clock):
            raise ValueError(f"{clock!r} should be a clock time such as '17:00' (in quotes)")
        return clock

    @property
    def clock_time(self) -> time:
        """The clock time of values that are only a day."""
        return time.fromisoformat(self.clock)


class Numbers(StrictModel):
    """How whole numbers are written."""

    thousands: Literal[".", ",", " ", "'"] | None = Field(
        None,
        description=(
            "Sign between groups of three digits: `.` for 1.250.000, `,` for 1,250,000, a blank or"
            " `'`; left out: there is none"
        ),
    )
    decimal: Literal[".", ","] | None = Field(
        None,
        description=(
            "Sign before decimals, which may be one or two zeros (more only where `thousands` is"
            " left out); left out: the other one of point and comma"
        ),
    )
    unit: str | None = Field(
        None,
        min_length=1,
        max_length=32,
        description=(
            "Unit that may stand beside the number, such as `đ`; any of đ, ₫, đồng, VND and VNĐ"
            " stands for all of them"
        ),
    )

    @model_validator(mode="after")
    def _two_signs(self) -> Numbers:
        if self.thousands is not None and self.thousands == self.decimal:
            raise ValueError(
                f"has {self.decimal!r} for thousands and for decimals, so that 50{self.decimal}000"
                " would be two numbers"
            )
        return self


_Notation = TypeVar("_Notation", Times, Numbers)


def overridden(common: _Notation, own: _Notation | None) -> _Notation:
    """A field's own options over the mapping's: what it leaves out is as there."""
    if own is None:
        return common
    return type(common).model_validate(
        common.model_dump(exclude_unset=True) | own.model_dump(exclude_unset=True)
    )


def _check_pattern(pattern: str) -> None:
    """A pattern must be able to tell one day from another; writing and reading it back shows
    that.
    """
    try:
        read = datetime.strptime(PROBE.strftime(pattern), pattern)  # noqa: DTZ007 (only its day is looked at)
    except ValueError as error:
        raise ValueError(
            f"{pattern!r} is neither iso, epoch_ms, epoch_s nor a strptime pattern ({error})"
        ) from None
    if read.date() != PROBE.date():
        raise ValueError(
            f"{pattern!r} does not give year, month and day: use a pattern such as '%d/%m/%Y %H:%M'"
        )


def zone_of(name: str) -> tzinfo:
    """The zone of a name or offset.

    Raises: ValueError for a name that is no zone.
    """
    if name == ZONE.tzname(None):
        return ZONE
    offset = re.fullmatch(r"([+-])(\d\d):([0-5]\d)", name)
    try:
        if offset:
            minutes = int(offset[2]) * 60 + int(offset[3])
            return timezone(timedelta(minutes=-minutes if offset[1] == "-" else minutes))
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError(
            f"{name!r} is no time zone: use a name such as Asia/Ho_Chi_Minh, UTC, or an offset such"
            " as +07:00"
        ) from None
