"""Avro contracts: exported from the event models, locked with their ids in one file a family, read
at start.

A locked contract never changes: a changed model gets a new version with a new id (`lgsp contracts
--write`), which old and new readers must both be able to read (FULL_TRANSITIVE);
`tests/unit/schemas/test_contracts.py` refuses anything else. The id is what the Confluent wire
format carries in front of every record.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import fastavro

from schemas.contracts.export import avro_schema
from schemas.errors import ContractError
from schemas.events import EVENT_TYPES, EVENTS_BY_FAMILY

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Contract:
    """One version of one event type's Avro schema, as locked."""

    id: int
    type: str
    version: int
    family: str
    schema: dict[str, Any]
    parsed: Any  # fastavro's parsed form


@lru_cache(maxsize=1)
def contracts() -> dict[int, Contract]:
    """Every locked contract by its id.

    Raises: ContractError for an id that is given twice or a contract file that is not JSON.
    """
    found: dict[int, Contract] = {}
    for family in EVENTS_BY_FAMILY:
        for entry in locked(family):
            if entry["id"] in found:
                raise ContractError(
                    f"Contract id {entry['id']} stands twice, again in {family}.json: give the"
                    " newer one a free id."
                )
            parsed = fastavro.parse_schema(entry["schema"], named_schemas={})
            found[entry["id"]] = Contract(
                entry["id"], entry["type"], entry["version"], family, entry["schema"], parsed
            )
    return found


def locked(family: str) -> list[dict[str, Any]]:
    """The entries of a family's contract file, oldest first; none if there is no file yet."""
    path = FOLDER / f"{family}.json"
    if not path.exists():
        return []
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise ContractError(
            f"{path.name} is not JSON ({error}): restore it from version control."
        ) from error
    return entries


@lru_cache(maxsize=1)
def latest_contracts() -> dict[str, Contract]:
    """The newest contract of each event type: what is written."""
    newest: dict[str, Contract] = {}
    for contract in contracts().values():
        if contract.type not in newest or contract.version > newest[contract.type].version:
            newest[contract.type] = contract
    return newest


def write_lock() -> list[str]:
    """Lock every model that differs from its newest contract as a new version; returns what was
    added.
    """
    added: list[str] = []
    next_id = (
        max([entry["id"] for family in EVENTS_BY_FAMILY for entry in locked(family)], default=0) + 1
    )
    for family, events in EVENTS_BY_FAMILY.items():
        entries = locked(family)
        for event in events:
            versions = [entry for entry in entries if entry["type"] == event.type]
            schema = avro_schema(event)
            if versions and versions[-1]["schema"] == schema:
                continue
            entries.append(
                {"id": next_id, "type": event.type, "version": len(versions) + 1, "schema": schema}
            )
            added.append(f"{event.type} version {len(versions) + 1} as id {next_id}")
            next_id += 1
        text = json.dumps(entries, indent=1, ensure_ascii=False)
        (FOLDER / f"{family}.json").write_text(text + "\n", "utf-8")
    contracts.cache_clear()
    latest_contracts.cache_clear()
    return added


def unlocked() -> list[str]:
    """Event types whose model differs from the newest locked contract."""
    return [
        name
        for name, event in EVENT_TYPES.items()
        if name not in latest_contracts() or latest_contracts()[name].schema != avro_schema(event)
    ]
