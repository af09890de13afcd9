"""docs/backup.md and docs/upgrade.md: every command and option that they name is there, and what
they say is kept is what is kept.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ops.backup.commands import LEFT_OUT
from ops.backup.copying import CHUNK_BYTES, RECOUNTED
from ops.cli import cli
from schemas.topics import BY_NAME, MARKS, TOPICS, VAULT, VAULT_KEYS

DOCS = Path(__file__).parents[4] / "docs"
COMMAND = re.compile(r"lgsp (backup|restore|mend|recount|kafka)\b([^`\n#]*)")


@pytest.mark.parametrize("page", ["backup.md", "upgrade.md", "exactness.md"])
def test_commands_are_there_with_their_options(page: str) -> None:
    named = COMMAND.findall((DOCS / page).read_text("utf-8"))
    assert named
    for name, rest in named:
        known = {option for parameter in cli.commands[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, (name, rest)


def test_what_is_backed_up_is_what_is_kept_for_ever_and_counted() -> None:
    page = (DOCS / "backup.md").read_text("utf-8")
    row = next(line for line in page.splitlines() if line.startswith("| facts of"))
    assert all(family in row for family in RECOUNTED)
    assert {f"lgsp.{family}" for family in RECOUNTED} == {
        one.name for one in TOPICS if one.kept == "for ever" and one.broker_time
    }
    assert f"at most {CHUNK_BYTES >> 20} MiB of facts a partition" in " ".join(page.split())


def test_what_is_forgotten_is_in_no_backup_and_the_page_says_so() -> None:
    """Books are what streams owns, facts what is counted: neither holds the vault."""
    page = (DOCS / "backup.md").read_text("utf-8")
    for name in (VAULT, VAULT_KEYS, MARKS):
        topic = BY_NAME[name]
        assert topic.owner != "streams"
        assert name not in {f"lgsp.{family}" for family in RECOUNTED}
        assert re.search(rf"^\| .*`{re.escape(name)}`.*\| no: ", page, re.MULTILINE)
    assert "vault" in LEFT_OUT
