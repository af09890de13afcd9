"""docs/import-files.md and the examples say what the mapping's models say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.files import mapping
from connectors.files.importer import ALL_ACCEPTED, DOES_NOT_ADD_UP, SOME_REJECTED

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "import-files.md").read_text("utf-8")
SECTIONS = {
    "The mapping": mapping.Mapping,
    "`files`": mapping.FileOptions,
    "`times`, and `time` of a field": mapping.Times,
    "`numbers`, and `number` of a field": mapping.Numbers,
    "`tables`: each": mapping.Table,
    "`events`: each": mapping.EventRule,
    "`when`: each condition": mapping.Condition,
    "`fields`: each value": mapping.Value,
}


@pytest.mark.parametrize("title", SECTIONS)
def test_every_key_is_documented_as_its_model_describes_it(title: str) -> None:
    section = PAGE.split(f"### {title}\n")[1].split("\n### ")[0]
    documented = re.findall(r"^\| `(.+?)` \| (.+) \|$", section, re.MULTILINE)
    described = [
        (info.alias or name, info.description)
        for name, info in SECTIONS[title].model_fields.items()
    ]
    assert documented == described


def test_no_part_of_the_mapping_is_left_out() -> None:
    parts = {
        part
        for part in vars(mapping).values()
        if isinstance(part, type) and issubclass(part, mapping.Part)
    }
    assert parts - {mapping.Part} == set(SECTIONS.values())


def test_exit_codes_are_documented() -> None:
    assert (ALL_ACCEPTED, DOES_NOT_ADD_UP, SOME_REJECTED) == (0, 1, 3)
    assert (
        "| Exit code | 0 all rows accepted · 3 some rejected · 1 failed, or the account does not"
        " hold |" in PAGE
    )


def test_what_the_page_names_is_there() -> None:
    for path in re.findall(r"ops/examples/[\w.-]+", PAGE):
        assert (ROOT / path).is_file(), path
    listed = set(
        re.findall(
            r"`([\w.-]+\.(?:yaml|csv|csv\.gz))`",
            (ROOT / "ops" / "examples" / "README.md").read_text("utf-8"),
        )
    )
    assert listed == {
        path.name for path in (ROOT / "ops" / "examples").iterdir() if path.suffix != ".md"
    }
