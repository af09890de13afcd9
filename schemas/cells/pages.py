"""Which page a cell is on, and which cells a page holds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from schemas.cells.applied import in_todays_layout
from schemas.cells.codec import CellSums, decode_page
from schemas.cells.kinds import APPLIED, CELL_KINDS
from schemas.clock import day
from schemas.errors import ContractError
from schemas.masking import quoted


class CellKey(NamedTuple):
    """What a cell belongs to."""

    family: str
    kind: str
    agency: str
    category: str
    at: int


def parse_key(key: bytes) -> CellKey:
    """A cell's key as counts name it, `family|kind|agency|category|at`, taken apart.

    Raises: ContractError for a key that is no cell's.
    """
    try:
        family, kind, agency, category, at = key.decode().split("|")
        if kind not in CELL_KINDS[family]:
            raise KeyError(kind)
        return CellKey(family, kind, agency, category, int(at))
    except (ValueError, KeyError) as error:
        raise ContractError(
            f"{quoted(key)} is no key of a cell (family|kind|agency|category|at)"
        ) from error


def page_of(key: bytes) -> tuple[bytes, str]:
    """The page that a cell's key belongs to, and its name there. Quick: on the path of every
    event.
    """
    family, kind, agency, category, at = key.decode().split("|")
    if CELL_KINDS[family][kind].at == "instant":
        return (
            f"{family}|{agency}|{day(int(at)) if at != '0' else 0}".encode(),
            f"{kind}|{category}|{at}",
        )
    return f"{family}|{agency}|{at}".encode(), f"{kind}|{category}"


def cells_of_page(key: bytes | None, value: bytes | None) -> Iterator[tuple[CellKey, CellSums]]:
    """The cells of a page; a tombstone has none.

    Raises: ContractError for what is no page, before the first cell or on the way.
    """
    try:
        family, agency, part = (key or b"").decode().split("|")
        kinds, at = CELL_KINDS[family], 0 if part == APPLIED else int(part)
    except (ValueError, KeyError) as error:
        raise ContractError(f"{quoted(key)} is no key of a page (family|agency|day)") from error
    for name, sums in decode_page(value).items():
        if part == APPLIED:
            sums = in_todays_layout(sums)
        try:
            kind, category, *instant = name.split("|")
            if bool(instant) != (kinds[kind].at == "instant"):
                raise ValueError(name)
            yield CellKey(family, kind, agency, category, int(*instant) if instant else at), sums
        except (ValueError, KeyError, TypeError) as error:
            raise ContractError(
                f"{quoted(name)} on page {quoted(key)} is no cell (kind|category, and |at for an"
                " instant)"
            ) from error
