"""Who stands below whom, during days on which that does not change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date

from serving.directory.links import Codes, Links


class Tree:
    """The hierarchy during days on which it does not change."""

    def __init__(self, codes: Codes, links: Links, day: date) -> None:
        # every known code, other forms too
        self.owner = {code: codes.canonical(code, day) for code in codes.known}
        self.up: dict[str, str] = {}
        self.replaced: set[str] = set()  # ended, and under their successor
        self.level: dict[str, str] = {}
        # of an agency: its own code and the others
        self.forms: defaultdict[str, list[str]] = defaultdict(list)
        self._below: defaultdict[str, list[str]] = defaultdict(list)
        for code, owner in self.owner.items():
            self.forms[owner].append(code)
        for agency in self.forms:
            self._place(agency, codes, links, day)

    def _place(self, agency: str, codes: Codes, links: Links, day: date) -> None:
        self.level[agency] = codes.piece(agency, day).agency.fields.level
        above, replaced = links.up(agency, day)
        if above is not None:
            self.up[agency] = above
            self._below[above].append(agency)
        if replaced:
            self.replaced.add(agency)

    def chain(self, agency: str) -> Iterator[str]:
        """The agency and what stands above it, those left out that were replaced."""
        above: str | None = agency
        while above is not None:
            if above not in self.replaced:
                yield above
            above = self.up.get(above)

    def subtree(self, agency: str) -> list[str]:
        """The agency and everything below it, with those that it replaced."""
        found = [agency]
        for one in found:
            found += self._below.get(one, ())
        return found

    def all_forms(self, agencies: Iterable[str]) -> frozenset[str]:
        """Every code under which cells of these agencies may be."""
        return frozenset(code for agency in agencies for code in self.forms.get(agency, (agency,)))

    def group(self, code: str, level: str | None) -> str:
        """The agency of a level that a code's counts are told under; without one, the nearest that
        is there.
        """
        owner = self.owner.get(code, code)
        if level is None or owner not in self.level:
            return owner
        chain = list(self.chain(owner))
        return next((one for one in chain if self.level[one] == level), chain[0])
