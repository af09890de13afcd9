"""What docs/corrections.md says of each kind of thing, and cases that show it: what counts before
and after.
"""

from __future__ import annotations

import re
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

from facts import Heard, answer
from oracle_facts import Figures

PAGE = (Path(__file__).parents[1] / "docs" / "corrections.md").read_text("utf-8")


class Case(NamedTuple):
    """Facts, what is sent to put them right, and what counts before and after."""

    facts: list[Heard]
    send: list[Heard]
    before: Figures
    after: Figures


def rows(section: str) -> dict[str, str]:
    """What was wrong -> what to send, of one section of the page."""
    found = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, section
    return dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|$", found[1], re.M)[1:])


def check(case: Case, send: str) -> None:
    """The page's row names what is sent, and that puts it right, in whatever order it comes."""
    for event, _ in case.send:
        assert f"`{event.type}`" in send
        fields = event.model_dump()
        assert ("`effective_at`" in send) >= (fields.get("effective_at") is not None)
        assert ('`"holds": false`' in send) >= (not fields.get("holds", True))
    assert answer(*case.facts) == case.before
    facts = [*case.facts, *case.send]
    for order in permutations(facts):
        assert answer(*order, facts[0]) == case.after, [event.type for event, _ in order]
