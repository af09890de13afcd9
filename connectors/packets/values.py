"""Values of packets as they come: nearly everything as text, some as numbers, blanks as they like.

Each reader gives what the value says, or raises WrongField.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from connectors.packets.wrong import WrongField
from schemas.clock import EARLIEST_MS, LATEST_MS, ZONE, to_datetime, to_ms
from schemas.codes import AGENCY_PATTERN, CODE_PATTERN
from schemas.ids import code_in
from schemas.personal import personal_number

MOST_ENTRIES = 1_000  # of a list within a packet
_MOST_MONEY = 10**15
_LARGEST = 10**30
_FORM = re.compile(r"\d{14}", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)
_WHOLE = re.compile(r"(\d{1,16})(?:[.,]0+)?", re.ASCII)
_dossier = code_in(r"^[0-9A-Za-z][0-9A-Za-z._:/-]{0,63}$", 64, "._:/-")
_procedure = code_in(CODE_PATTERN, 64, "._:-")
_agency = code_in(AGENCY_PATTERN, 35, "._-")
_YES, _NO = {"1", "true"}, {"", "0", "false"}


def plain(value: Any) -> str:
    """A single value as text, without blanks around it; "" where there is none."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int | float):
        raise WrongField("text")
    if isinstance(value, int) and abs(value) >= _LARGEST:
        raise WrongField("number")  # Python itself refuses to write out thousands of digits
    text = str(value)
    return text if len(text) > 1_024 else text.strip()


def packet_time(value: Any) -> int:
    """Epoch milliseconds; 0 for a blank one.

    yyyyMMddHHmmss in the province's zone, or as .NET writes it (2026-11-03T09:00:00), of which the
    year 1 stands for none. Some systems write by a clock of twelve hours (02 for 14): nothing tells
    which is meant, so it is taken as it is.
    """
    text = plain(value)
    if not text:
        return 0
    if _FORM.fullmatch(text):
        form = "%Y%m%d%H%M%S"
    elif not _ISO.match(text):
        raise WrongField("time")
    else:
        form = ""
    try:
        moment = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
    except ValueError:
        raise WrongField("no_such_time") from None
    if not form and moment.year == 1:
        return 0
    if not 1970 < moment.year < 2200:
        raise WrongField("years")
    at = to_ms(moment if moment.tzinfo else moment.replace(tzinfo=ZONE))
    if not EARLIEST_MS <= at < LATEST_MS:
        raise WrongField("years")
    return at


def written_time(at: int) -> str:
    """An instant as packets write it; blank for 0. Milliseconds are cut off."""
    return to_datetime(at).strftime("%Y%m%d%H%M%S") if at else ""


def number_in(value: Any) -> int | None:
    """A small whole number, such as a state's; None for a blank."""
    text = plain(value)
    if not text:
        return None
    found = _WHOLE.fullmatch(text)
    if found is None:
        raise WrongField("choice")
    return int(found[1])


def money(value: Any) -> int:
    """An amount in đồng; 0 for a blank."""
    text = plain(value)
    found = _WHOLE.fullmatch(text or "0")
    if found is None or int(found[1]) > _MOST_MONEY:
        raise WrongField("number")
    return int(found[1])


def yes(value: Any) -> bool:
    """1 or True; 0, False or a blank."""
    text = plain(value).lower()
    if text not in _YES | _NO:
        raise WrongField("choice")
    return text in _YES


def dossier_code(value: Any) -> str:
    """A dossier's code (MaHoSo) in its canonical form."""
    return _checked(value, _dossier)


def procedure_code(value: Any) -> str:
    """A procedure's code (MaTTHC)."""
    return _checked(value, _procedure)


def agency_code(value: Any) -> str:
    """An agency's code (madonvi)."""
    return _checked(value, _agency)


def _checked(value: Any, check: Callable[[str], str]) -> str:
    text = plain(value)
    if not text:
        raise WrongField("missing")
    try:
        text = check(text)
    except ValueError:
        raise WrongField("code") from None
    if personal_number(text) is not None:
        raise WrongField("personal")
    return text


def list_entries(value: Any) -> Iterator[Mapping[str, Any]]:
    """The objects of a list; none for a blank."""
    if value is None or value == "":
        return
    if not isinstance(value, list):
        raise WrongField("list")
    if len(value) > MOST_ENTRIES:
        raise WrongField("too_many")
    for entry in value:
        if not isinstance(entry, dict):
            raise WrongField("list")
        yield entry
