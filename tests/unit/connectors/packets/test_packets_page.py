"""docs/packets.md says what is declared."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from gateways import Remembers, publisher
from packet_doors import OneStop

from connectors.packets.answers import refusal_table
from connectors.packets.fields import DOSSIER_FIELDS, STATUS_FIELDS, STEP_FIELDS, field_table
from connectors.packets.requests import SERVICES
from connectors.packets.wrong import mistake_table

__all__ = ["publisher"]  # fixture

PAGE = (Path(__file__).parents[4] / "docs" / "packets.md").read_text("utf-8")
TABLES = {
    "dossier fields": field_table(DOSSIER_FIELDS),
    "step fields": field_table(STEP_FIELDS),
    "status fields": field_table(STATUS_FIELDS),
    "refusals": refusal_table(),
    "mistakes": mistake_table(),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_those_of_the_code(name: str) -> None:
    found = re.search(rf"<!-- {name} -->\n(.*?)\n?<!-- /{name} -->", PAGE, re.DOTALL)
    assert found is not None
    assert found[1] == TABLES[name], f"docs/packets.md should have this:\n{TABLES[name]}"


def test_every_service_is_on_it() -> None:
    assert [service for service in SERVICES if service not in PAGE] == []


async def test_what_it_shows_works(publisher: Remembers) -> None:
    """Its commands, without a shell."""
    system = OneStop(publisher)
    (login,) = re.findall(r"/login -d '(.*?)' \|", PAGE)
    session = (await system.post("/login", json.loads(login)))["session"]
    shown = PAGE.replace("'$session'", session)
    bodies = re.findall(r"/send -d '(.*?)'\n", shown, re.DOTALL)
    sent, asked = [await system.post("/send", json.loads(body)) for body in bodies]
    (answer,) = re.findall(r"```json\n(.*?)\n```", PAGE)
    assert sent == json.loads(answer)
    assert [one["MaHoSo"] for one in asked["result"]] == ["H00.SAMPLE-251103-0001"]
