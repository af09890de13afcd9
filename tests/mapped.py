"""Mappings of receptions and payments, and what rows become by them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from connectors.files.mapping.mapper import RowMapper
from connectors.files.mapping.model import load_mapping
from connectors.files.readers.cells import RowRefused
from schemas.events import Event

NEVER = 1 << 50
RECEIVED = """\
    source: sample/test
    events:
      - event: dossier.received
        id: "{id}/received"
        fields:
          dossier_id: "{id}"
          agency: SAMPLE.A
          occurred_at: "{at}"
          procedure: SAMPLE.P
          channel: online
"""
PAID = """\
    source: sample/test
    tables:
      paid: {values: {"00": paid, "04": failed}, otherwise: pending}
    events:
      - event: dossier.paid
        id: "{id}/paid/{ref}"
        fields:
          dossier_id: "{id}"
          agency: SAMPLE.A
          occurred_at: {column: at}
          reference: "{ref}"
          amount: "{amount}"
          online: "{online}"
          state: {column: state, table: paid, default: pending}
"""
PAYMENT = {
    "id": "D-1",
    "ref": "R-1",
    "at": "2025-11-03 09:00",
    "amount": "50000",
    "online": "1",
    "state": "00",
}


def mapper_of(folder: Path, text: str) -> RowMapper:
    path = folder / "map.yaml"
    path.write_text(dedent(text), "utf-8")
    return RowMapper(*load_mapping(path))


def events_of(mapper: RowMapper, **cells: Any) -> list[Event]:
    row = tuple(cells.get(column.replace(" ", "_")) for column in mapper.columns)
    return [mapper.event(draft, NEVER) for draft in mapper.drafts(row)]


def refusal(mapper: RowMapper, **cells: Any) -> str:
    with pytest.raises(RowRefused) as refused:
        events_of(mapper, **cells)
    return str(refused.value)
