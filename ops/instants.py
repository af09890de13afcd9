"""Times as people write them for `--since`, the same for every command."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from schemas.clock import DAY_MS, HOUR_MS, ZONE, now_ms, to_ms
from schemas.errors import HubError

_AGO = re.compile(r"(\d{1,4})([dh])")


def instant_of(text: str) -> int:
    """`2026-11-30`, `7d` or `12h` as an instant (epoch ms).

    Raises: HubError
    """
    if found := _AGO.fullmatch(text):
        return now_ms() - int(found[1]) * (HOUR_MS if found[2] == "h" else DAY_MS)
    try:
        return to_ms(datetime.combine(date.fromisoformat(text), time(), ZONE))
    except ValueError:
        raise HubError(
            "--since should be a day such as 2026-11-30, or how long ago: 7d, 12h."
        ) from None
