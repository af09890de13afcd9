"""Sample agencies as items of the inventory, for tests of the directory. Codes and names are
samples, not real ones.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from schemas.clock import ZONE, to_ms
from schemas.states import InventoryItem, pack_id
from serving.directory.directory import Directory

Items = dict[str, InventoryItem]
MERGER = "2025-07-01"


def instant(text: str) -> int:
    """Epoch ms of a day's beginning, or of a time, in the province's zone."""
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZONE))


def state(
    items: Items,
    item: str,
    type_: str,
    agency: str,
    first: str,
    until: str | None = None,
    said: int = 0,
    **fields: Any,
) -> Items:
    """State an item for a while; `said` orders statements about it."""
    known = items.setdefault(item, InventoryItem(statements={}))
    at = instant("2020-01-01") + said
    end = None if until is None else instant(until)
    known.statements[instant(first)] = (
        at,
        pack_id(f"{item}@{first}#{said}"),
        type_,
        agency,
        end,
        fields,
    )
    return items


def agency(
    items: Items,
    code: str,
    level: str,
    parent: str | None = None,
    first: str = "2015-01-01",
    until: str | None = None,
    *,
    said: int = 0,
    item: str = "",
    **fields: Any,
) -> Items:
    """State an agency for a while."""
    return state(
        items,
        item or f"agency/{code}",
        "agency.registered",
        code,
        first,
        until,
        said,
        level=level,
        parent=parent,
        **fields,
    )


def merged_communes() -> Items:
    """A sample province: a department, two districts whose communes became two on 1 July 2025; one
    commune went on as it was.

    Communes T.1 and T.2 of district T became N.1, communes T.3 and U.1 (of two districts) became
    N.2, U.2 stayed; the districts ended without a successor. The department has an old code form,
    000.01.P, and so has N.1.
    """
    items: Items = {}
    agency(items, "P", "province", name_vi="Tỉnh mẫu", name_en="Sample province")
    agency(
        items,
        "P.D",
        "department",
        "P",
        alias=["000.01.P"],
        name_vi="Sở mẫu",
        name_en="Sample department",
    )
    for district in ("T", "U"):
        agency(items, district, "district", "P", until=MERGER)
    for commune, successor in (("T.1", "N.1"), ("T.2", "N.1"), ("T.3", "N.2"), ("U.1", "N.2")):
        agency(items, commune, "commune", commune[0], until=MERGER, successor=successor)
    agency(items, "U.2", "commune", "U", until=MERGER)
    agency(items, "U.2", "commune", "P", first=MERGER)
    agency(items, "N.1", "commune", "P", first=MERGER, alias=["000.N1.P"])
    agency(items, "N.2", "commune", "P", first=MERGER)
    return items


def kinds(directory: Directory) -> list[tuple[str, str]]:
    """Which mistakes were found, and where."""
    return [(mistake.kind, mistake.place) for mistake in directory.mistakes]
