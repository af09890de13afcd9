"""docs/import-files.md and the examples say what the mapping's models say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.files.importer import ALL_ACCEPTED, DOES_NOT_ADD_UP, SOME_REJECTED
from connectors.files.mapping import model

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "import-files.md").read_text("utf-8")
SECTIONS = {
    "The mapping": model.Mapping,
    "`files`": model.FileOptions,
    "`times`, and `time` of a field": model.Times,
    "`numbers`, and `number` of a field": model.Numbers,
    "`tables`: each": model.Table,
    "`events`: each": model.EventRule,
    "`when`: each condition": model.Condition,
    "`fields`: each value": model.Value,
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
        for part in vars(model).values()
        if isinstance(part, type) and issubclass(part, model.Part)
    }
    assert parts - {model.Part} == set(SECTIONS.values())


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
