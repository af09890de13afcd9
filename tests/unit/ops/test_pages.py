"""The pages lead to one another: every link to a place that is there, and every page from the
README.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
ROOMS = "schemas|serving|connectors|streams|metrics|ops|tests|docs"
FILE = re.compile(rf"(?<![\w/.-])((?:{ROOMS})/[\w/-]*\w\.(?:py|md|ya?ml|json|avsc))\b")


def links(page: Path) -> set[tuple[Path, str]]:
    """The files that a page names, and the headings in them."""
    named = re.findall(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)", page.read_text("utf-8"))
    return {((page.parent / file).resolve() if file else page, heading) for file, heading in named}


def headings(page: Path) -> set[str]:
    """As links name them."""
    found = re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_every_link_leads_somewhere() -> None:
    for page in PAGES:
        for file, heading in links(page):
            assert file.exists(), (page.name, file)
            assert not heading or heading in headings(file), (page.name, file.name, heading)


def test_every_file_that_pages_and_code_name_is_there() -> None:
    """But for those of the family that docs/new-family.md adds."""
    code = [path for room in ROOMS.split("|") for path in (ROOT / room).rglob("*.py")]
    for path in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "Makefile", *code]:
        named = {name for name in FILE.findall(path.read_text("utf-8")) if "complaints" not in name}
        assert {name for name in named if not (ROOT / name).exists()} == set(), path


def test_the_readme_leads_to_every_page() -> None:
    assert {*PAGES[1:]} <= {file for file, _ in links(PAGES[0])}
