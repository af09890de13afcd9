"""What the codes of an answer are called: the one place that answers, lists, traces and Prometheus
ask.

A name is that of the day that is told of: the window's last one, or the day on which a fact
occurred.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from metrics.catalogue.indicators import Agency
from metrics.figures.reading import Reading
from metrics.figures.view import View
from schemas.families import INVENTORY, are_by_procedure
from schemas.windows import Window
from serving.directory.directory import Directory
from serving.directory.names import CodeName


@dataclass(frozen=True, slots=True)
class Naming:
    """What codes are called on a day: agencies as registered, or else as the settings declare
    them; procedures as registered. None: nobody said.
    """

    directory: Directory
    declared: Mapping[str, Agency]
    day: date

    def agency(self, code: str | None) -> CodeName | None:
        """Of an agency's code."""
        if code is None:
            return None
        if self.directory.known(code):
            return self.directory.names.agency(code, self.day)
        name = self.declared[code].name if code in self.declared else None
        if name is None:
            return None
        return CodeName(name, None) if isinstance(name, str) else CodeName(name.vi, name.en)

    def procedure(self, code: str | None) -> CodeName | None:
        """Of a procedure's code."""
        return None if code is None else self.directory.names.procedure(code, self.day)

    def category(self, category: str, families: Sequence[str]) -> CodeName | None:
        """Of a category of these families' cells, where that is a procedure."""
        return self.procedure(category) if are_by_procedure(families) else None

    def group(self, group: str, by: str | None, families: Sequence[str]) -> CodeName | None:
        """Of a group of figures, where groups are agencies or procedures."""
        if by == "agency":
            return self.agency(group)
        return self.category(group, families) if by in ("category", "procedure") else None

    def thing(self, thing: str, family: str) -> CodeName | None:
        """Of a thing itself, where that is registered."""
        return self.directory.names.item(thing, self.day) if family == INVENTORY else None


def naming_of(view: View, window: Window) -> Naming:
    """Of a window's last day; of one without an end, today."""
    return Naming(view.directory, view.declared, window.last or view.moment.today)


def naming_for(reading: Reading) -> Naming:
    """Of the day of a query."""
    return naming_of(reading.view, reading.window)
