"""docs/new-family.md, followed to the letter: what its blocks say becomes a family that counts what
its example says, and nothing but the declarations knows families by name.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from types import ModuleType
from typing import Any

import facts
import pytest
from facts import Record, named, told

from metrics.tracing.flags import FLAGS
from schemas import contracts, states, topics
from schemas import families as declared
from schemas.cells import kinds
from schemas.events import EVENT_TYPES, EVENTS_BY_FAMILY
from schemas.wire import encode
from streams import families
from streams.families.dates import DATES
from streams.families.texts import TEXTS
from streams.family_state import FamilyState

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "new-family.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"```python\n# (\S+)\n(.*?)```", PAGE, re.S))


def module(name: str, text: str) -> ModuleType:
    """A module of this text; where annotations are looked up later, it must be known by its
    name.
    """
    made = ModuleType(name)
    exec(compile(text, name, "exec"), made.__dict__)
    return made


@pytest.fixture
def complaints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The page's family, declared as the page says."""
    for path in contracts.FOLDER.glob("*.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(contracts, "FOLDER", tmp_path)
    events = ModuleType("schemas.events.complaints")
    monkeypatch.setitem(sys.modules, events.__name__, events)
    exec(BLOCKS["schemas/events/complaints.py"], events.__dict__)
    monkeypatch.setitem(EVENTS_BY_FAMILY, "complaints", events.EVENTS)
    for event in events.EVENTS:
        monkeypatch.setitem(EVENT_TYPES, event.type, event)
    declared_kinds = eval(
        "{" + BLOCKS["schemas/cells/kinds.py"] + "}", {"CellKind": kinds.CellKind}
    )
    monkeypatch.setitem(kinds.CELL_KINDS, "complaints", declared_kinds["complaints"])
    exec(BLOCKS["schemas/states.py"], states.__dict__)
    assert [line.partition(" as ")[0] for line in contracts.write_lock()] == [
        "complaint.received version 1",
        "complaint.answered version 1",
    ]
    family = module("streams.families.complaints", BLOCKS["streams/families/complaints.py"]).FAMILY
    monkeypatch.setitem(families.FAMILIES, "complaints", family)
    yield family
    del states.Complaint, states.ComplaintFact  # type: ignore[attr-defined]
    contracts.contracts.cache_clear()
    contracts.latest_contracts.cache_clear()


def test_the_family_of_the_page_counts_what_its_example_says(complaints: Any) -> None:
    example = module(
        "example",
        "from facts import answer, ms, told\n" + BLOCKS["tests/unit/test_complaints_figures.py"],
    )
    tests = [value for name, value in vars(example).items() if name.startswith("test_")]
    assert len(tests) == 1
    tests[0]()


def test_its_merges_are_joins(complaints: Any) -> None:
    told_ = [
        told("complaint.received", "11-03 09:00", due_at="11-10 17:00"),
        told("complaint.received", "11-04 09:00", due_at="11-05 17:00"),
        told("complaint.answered", "11-06 09:00"),
        told("complaint.answered", "11-08 09:00"),
    ]
    found = []
    for order in permutations([*told_, told_[0]]):
        family_state = FamilyState(complaints)
        family_state.keep(
            family_state.fold(
                [Record(event.thing.encode(), encode(event), at) for event, at in order]
            )
        )
        found.append(named(family_state.pages.items()))
    assert all(figures == found[0] for figures in found)
    assert found[0]["answered", "A", "-", 20251106] == {"answered": 1, "late": 1}


def test_what_the_page_names_is_there() -> None:
    new = {
        "schemas/events/complaints.py",
        "schemas/contracts/complaints.json",
        "streams/families/complaints.py",
        "tests/unit/test_complaints_figures.py",
    }
    assert BLOCKS.keys() < new | {
        "schemas/families.py",
        "schemas/states.py",
        "schemas/cells/kinds.py",
    }
    named_ = set(
        re.findall(r"`((?:schemas|streams|connectors|metrics|tests|docs|ops)/[\w./-]+)`", PAGE)
    )
    assert len(named_) > 12
    assert {path for path in named_ - new if not (ROOT / path).exists()} == set()
    assert "DEFAULTS" in vars(facts)


def test_its_topics_are_those_of_its_row() -> None:
    (row,) = eval(
        "(" + BLOCKS["schemas/families.py"] + ")",
        {"FamilyDeclaration": declared.FamilyDeclaration},
    )
    made = [topics._events(row), topics._states(row)]
    assert [topic.name for topic in made] == ["lgsp.complaints", "lgsp.complaints.state"]
    assert {topic.name for topic in topics.TOPICS} >= {
        name
        for family in declared.FAMILY_NAMES
        for name in (topics.events_topic(family), topics.state_topic(family))
    }


def test_every_family_is_declared_once_and_everywhere() -> None:
    assert tuple(EVENTS_BY_FAMILY) == tuple(kinds.CELL_KINDS) == declared.FAMILY_NAMES
    assert tuple(families.FAMILIES) == declared.FAMILY_NAMES
    assert tuple(DATES) == tuple(TEXTS) == tuple(FLAGS) == declared.LISTED_FAMILIES


# Where a family's name may stand, and why.
DECLARATIONS = (
    "schemas/families.py",
    "schemas/events/",
    "schemas/cells/kinds.py",
    "schemas/cells/since.py",
    "streams/families/",
)
OTHERS = {
    "schemas/codes.py": "a kind of system is called documents",
    "metrics/catalogue/indicators.py": "figures are counted in dossiers, documents or tasks",
    "metrics/figures/counts.py": "dossiers are told as of the end of a day too",
    "metrics/reports/form_06a.py": "the form is about dossiers",
    "metrics/prometheus/scrape.py": "which are due soon is asked of open dossiers",
    "metrics/tracing/flags.py": "what is wrong with a thing, in words",
    "ops/bench/": "what is measured is a load of dossiers",
    "ops/simulate/": "a simulated province tells facts of each family, and knows its figures",
}


def test_nothing_else_knows_families_by_name() -> None:
    """Whoever needs a list of families, derives it from the declarations."""
    name = re.compile(rf"(lgsp\.)?({'|'.join(declared.FAMILY_NAMES)})(\.state|\|.*)?").fullmatch
    knowing = {
        str(path.relative_to(ROOT))
        for package in ("schemas", "serving", "connectors", "streams", "metrics", "ops")
        for path in (ROOT / package).rglob("*.py")
        if any(map(name, _texts(path)))
    }
    others = {path for path in knowing if not path.startswith(DECLARATIONS)}
    assert {path for path in others if not path.startswith(tuple(OTHERS))} == set()
    unused = {allowed for allowed in OTHERS if not any(path.startswith(allowed) for path in others)}
    assert unused == set()


def _texts(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
