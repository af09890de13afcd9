"""docs/import-files.md and the examples say what the mapping's models say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.files.importer import ALL_ACCEPTED, DOES_NOT_ADD_UP, SOME_REJECTED
from connectors.files.mapping.model import CodeTable, Condition, EventRule, Mapping, ValueSource
from connectors.files.mapping.notation import Numbers, Times
from connectors.files.readers.options import FileOptions
from connectors.files.strict import StrictModel

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "import-files.md").read_text("utf-8")
SECTIONS: dict[str, type[StrictModel]] = {
    "The mapping": Mapping,
    "`files`": FileOptions,
    "`times`, and `time` of a field": Times,
    "`numbers`, and `number` of a field": Numbers,
    "`tables`: each": CodeTable,
    "`events`: each": EventRule,
    "`when`: each condition": Condition,
    "`fields`: each value": ValueSource,
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
    assert set(StrictModel.__subclasses__()) == set(SECTIONS.values())


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
