"""docs/figures.md says what every measure means, and nothing that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

from schemas.cells.kinds import CELL_KINDS, counted

DOCS = Path(__file__).parents[4] / "docs"
PAGE = (DOCS / "figures.md").read_text("utf-8")
SECTIONS = {family: f"What {family} count for" for family in CELL_KINDS if counted(family)} | {
    "inventory": "What the inventory counts for"
}


def section(title: str) -> str:
    """A chapter of the page, up to the next one."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, title
    return found[1]


def rows(family: str) -> dict[str, list[tuple[str, ...]]]:
    """By kind, the table's rows: measure, what it counts, Vietnamese name."""
    kinds: dict[str, list[tuple[str, ...]]] = {}
    for kind, body in re.findall(
        r"^### `(\w+)`[^\n]*\n(.*?)(?=^### |\Z)", section(SECTIONS[family]), re.M | re.S
    ):
        kinds[kind] = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", body, re.M)
    return kinds


def test_there_is_one_row_for_every_measure() -> None:
    for family in SECTIONS:
        declared = {
            kind: list(
                dict.fromkeys(
                    re.sub(r"_le_\d+$", "_le_N", measure) for measure in declared.measures
                )
            )
            for kind, declared in counted(family).items()
        }
        assert {kind: [row[0] for row in found] for kind, found in rows(family).items()} == declared


def test_every_row_says_it_in_both_languages() -> None:
    assert all(
        cell.strip()
        for family in SECTIONS
        for found in rows(family).values()
        for row in found
        for cell in row
    )


def test_links_lead_somewhere() -> None:
    for page in ("figures.md", "exactness.md", "settings.md", "catalogue.md", "api.md"):
        for target in re.findall(r"\]\(([\w./-]+)\)", (DOCS / page).read_text("utf-8")):
            assert (DOCS / target).exists(), f"{page} links to {target}"
