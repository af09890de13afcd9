"""Spaces: each has topics, books and files of its own, named in one place; none is another's."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest

from schemas.errors import SettingsError
from schemas.events import EVENTS_BY_FAMILY
from schemas.settings import Settings, settings
from schemas.spaces import OFFICIAL, SIMULATED, hub_of, is_sandbox, sandbox_of
from schemas.topics import TOPICS, max_message_bytes, name_for, restoring_topic, topics_of

ROOT = Path(__file__).parents[3]
ROOMS = ("schemas", "serving", "connectors", "streams", "metrics", "ops")
# A Kafka of its own, deleted with everything on it: what it measures has the official names.
NO_SPACE = ROOT / "ops/bench"
AVRO = ROOT / "schemas/contracts/export.py"  # its namespaces begin as topics do
# what makes the name of a topic, and how many arguments say whose it is
NAMING = {
    "events_topic": 2,
    "state_topic": 2,
    "cells_topic": 1,
    "quarantine_topic": 1,
    "quarantine_marks_topic": 1,
    "vault_topic": 1,
    "vault_keys_topic": 1,
    "restoring_topic": 1,
    "clients_topic": 1,
    "clients_used_topic": 1,
    "packets_topic": 1,
    "sessions_topic": 1,
    # and what they are called for
    "FamilyPartition": 4,
    "FactIndex": 4,
    "Listing": 3,
    "cube_options": 1,
}


def of(space: str, app_id: str = "lgsp") -> Settings:
    return Settings(space=space, app_id=app_id, data=Path("d"))


def names(chosen: Settings) -> set[str]:
    """The topics of these settings, those of a restore too."""
    return {topic.name for topic in topics_of(chosen)} | {restoring_topic(chosen.space)}


def test_the_official_space_has_the_names_that_it_always_had() -> None:
    assert topics_of(of(OFFICIAL)) == TOPICS
    assert {"lgsp.dossiers", "lgsp.dossiers.state", "lgsp.cells"} < names(of(OFFICIAL))
    assert {"lgsp.quarantine", "lgsp.heartbeats"} < names(of(OFFICIAL))
    assert of(OFFICIAL).books == "lgsp"
    assert of(OFFICIAL).read_models == of(OFFICIAL).space_folder == Path("d")


def test_another_space_comes_before_every_name() -> None:
    simulated = names(of(SIMULATED))
    assert simulated == {f"simulated.{name}" for name in names(of(OFFICIAL))}
    assert len(simulated) == len(TOPICS) + 1
    assert of(SIMULATED, "lgsp-2").books == "simulated.lgsp-2"
    assert {f"simulated.lgsp.{family}" for family in EVENTS_BY_FAMILY} < simulated


def test_no_space_has_anything_of_anothers_whatever_the_names_of_books() -> None:
    """A space may be called as books are, and books as a space is; events of one space are the same
    for all its books.
    """
    words = ("official", "simulated", "dossiers", "cells", "state", "lgs", "a")
    words += ("sandbox", "simulated.sandbox", "dossiers.sandbox", "a.sandbox")
    books = ("lgsp", "simulated", "dossiers", "cells", "a", "a-0", "sandbox")
    found = {space: [of(space, one) for one in books] for space in words}
    topics = {space: set[str]().union(*map(names, found[space])) for space in words}
    groups = {space: {one.books for one in found[space]} for space in words}
    folders = {space: {one.read_models for one in found[space]} for space in words}
    for one, other in combinations(words, 2):
        assert not topics[one] & topics[other], (one, other)
        assert not groups[one] & groups[other], (one, other)
        assert not folders[one] & folders[other], (one, other)


def test_a_topic_is_kept_alike_in_every_space() -> None:
    for official, simulated in zip(TOPICS, topics_of(of(SIMULATED, "lgsp-2")), strict=True):
        assert simulated.name == name_for(official.name, of(SIMULATED, "lgsp-2"))
        assert simulated.config(of(SIMULATED)) == official.config(of(OFFICIAL))
        assert max_message_bytes(simulated.name) == official.max_message_bytes


def test_each_space_has_a_sandbox_of_its_own() -> None:
    """So that two hubs on one Kafka mix nothing, in their sandboxes either."""
    assert sandbox_of(OFFICIAL) == "sandbox"
    assert sandbox_of(SIMULATED) == "simulated.sandbox"
    for space in (OFFICIAL, SIMULATED):
        assert of(sandbox_of(space)).space == sandbox_of(space), "LGSP_SPACE takes it"
        assert is_sandbox(sandbox_of(space))
        assert hub_of(sandbox_of(space)) == hub_of(space) == space
        assert not is_sandbox(space)


def test_a_sandbox_forgets_facts_and_packets_and_nothing_else_does() -> None:
    month = str(30 * 24 * 3_600 * 1_000)
    tried = {topic.name: topic.config(of("sandbox")) for topic in topics_of(of("sandbox"))}
    for name in ("sandbox.lgsp.dossiers", "sandbox.lgsp.packets"):
        assert tried[name]["retention.ms"] == month
    assert tried["sandbox.lgsp.packets"]["cleanup.policy"] == "compact,delete"
    assert tried["sandbox.lgsp.cells"]["cleanup.policy"] == "compact", "they are made anew"
    for space in (OFFICIAL, SIMULATED):
        kept = {topic.name: topic.config(of(space)) for topic in topics_of(of(space))}
        assert month not in [config.get("retention.ms") for config in kept.values()]


@pytest.mark.parametrize(
    "wrong",
    [
        "Simulated",
        "mô phỏng",
        "a.b",
        "a-b",
        "a1",
        "",
        "x" * 33,
        "a b",
        "a.sandbox.sandbox",
        ".sandbox",
    ],
)
def test_a_name_that_is_none_is_refused_in_words(
    monkeypatch: pytest.MonkeyPatch, wrong: str
) -> None:
    """It becomes a part of topics, folders and groups, where a dot would begin another part."""
    settings.cache_clear()
    monkeypatch.setenv("LGSP_SPACE", wrong)
    if not wrong:
        assert settings().space == OFFICIAL, "an empty variable counts as not set"
    else:
        with pytest.raises(SettingsError, match=r"LGSP_SPACE is .*: it takes small letters"):
            settings()
    settings.cache_clear()


@pytest.mark.parametrize("wrong", ["official.sandbox", "sandbox.sandbox"])
def test_a_sandbox_of_nothing_is_no_space(wrong: str) -> None:
    with pytest.raises(ValueError, match="a sandbox has none"):
        Settings(space=wrong)


def test_the_word_that_official_topics_begin_with_is_no_space() -> None:
    with pytest.raises(ValueError, match="official's own topics begin with that"):
        Settings(space="lgsp")


# ---- one place names topics


def sources() -> Iterator[tuple[Path, ast.AST]]:
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            yield path, ast.parse(path.read_text("utf-8"))


def docstrings(tree: ast.AST) -> set[ast.AST]:
    """What is said about code is not code."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            found.add(node.value)
    return found


def test_no_other_module_spells_the_name_of_a_topic() -> None:
    """In a sentence for people it may stand; by itself it is a topic, or the beginning of one."""
    topics = {topic.name for topic in TOPICS} | {"lgsp.", restoring_topic()}
    spelt = []
    for path, tree in sources():
        if path in (ROOT / "schemas/topics.py", AVRO):
            continue
        said = docstrings(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node not in said and node.value in topics:
                spelt.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}")
    assert spelt == []


def test_whoever_names_a_topic_says_of_which_space() -> None:
    """Their default is the official space: who forgets the space would write real figures."""
    silent, asked = [], 0
    for path, tree in sources():
        if path == ROOT / "schemas/topics.py" or NO_SPACE in path.parents:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                wanted = NAMING.get(node.func.id, 0)
                asked += wanted > 0
                if len(node.args) + len(node.keywords) < wanted:
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert asked > 20, "the names of these functions are others now"
    assert silent == []


def test_books_are_called_in_kafka_by_their_space_too() -> None:
    """`app_id` alone is what people call them; whatever goes to Kafka takes `books`."""
    allowed = {ROOT / "schemas/settings.py", ROOT / "metrics/application.py"}
    found = []
    for path, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr == "app_id" and path not in allowed:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []
