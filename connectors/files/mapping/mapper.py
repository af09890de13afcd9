"""From rows to events: the compiled mapping applied. Knows neither files nor Kafka.

A row's events come as drafts first, so that those already seen (a dossier's own columns, repeated
on its rows) need not be built and validated again.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import ValidationError

from connectors.files.mapping.compiler import ABSENT, Compiler, Unit
from connectors.files.mapping.model import Mapping
from connectors.files.readers.cells import FileCells, RowRefused
from schemas.clock import to_datetime
from schemas.declarations import Declaration
from schemas.events import Event
from schemas.events.explain import explain
from schemas.masking import quoted, shown
from schemas.personal import personal_numbers


class Draft(NamedTuple):
    """An event to be: its unit of the mapping and the fields that were read."""

    unit: Unit
    fields: dict[str, Any]

    @property
    def name(self) -> str:
        """Type and id, by which an event is known again."""
        return f"{self.unit.model.type} {self.fields['event_id']}"

    @property
    def shown(self) -> str:
        """The same, for messages."""
        return f"{self.unit.model.type} {shown(self.fields['event_id'])}"

    def as_kept(self, event: Event) -> Draft:
        """The draft with its texts as the validated event holds them."""
        return Draft(self.unit, {name: getattr(event, name) for name in self.fields})


class RowMapper:
    """A mapping, checked and ready for rows whose cells stand in the order of `columns`.

    Raises: CatalogueError naming line and place of the first part that cannot hold.
    """

    def __init__(self, mapping: Mapping, declaration: Declaration) -> None:
        compiler = Compiler(mapping, declaration)
        self._units = compiler.units()
        self._refuse_silent = mapping.no_events == "reject"
        self.source = mapping.source
        self.uses = compiler.uses
        self.columns = compiler.columns
        self.required = frozenset(compiler.required)

    def drafts(self, cells: FileCells) -> list[Draft]:
        """The events that a row gives.

        Raises: RowRefused naming column, value and what was expected.
        """
        drafts = [_draft(unit, cells) for unit in self._units if unit.applies(cells)]
        if not drafts and self._refuse_silent:
            raise RowRefused("the row gives no event: none of the mapping's conditions holds")
        return drafts

    @staticmethod
    def event(draft: Draft, latest_ms: int) -> Event:
        """The validated event; `latest_ms` is the latest time that is not yet the future.

        Raises: RowRefused naming column, value and what was expected.
        """
        if draft.fields["occurred_at"] > latest_ms:
            moment = to_datetime(draft.fields["occurred_at"]).isoformat()
            raise RowRefused(
                f"{draft.unit.origins['occurred_at']}: {moment} lies in the future, for occurred_at"
                f" of {draft.unit.model.type}"
            )
        try:
            return draft.unit.model.model_validate(draft.fields)
        except ValidationError as error:
            raise RowRefused(_reason(draft.unit, error)) from None


def personal(draft: Draft, event: Event) -> str | None:
    """The first column of which the event holds what looks like a number of a person, in words;
    None if there is none.
    """
    for found in personal_numbers(event):
        column = draft.unit.origins.get(found.field, found.field)
        return f"{column}: {found.message}, for {found.field} of {event.type}"
    return None


def _draft(unit: Unit, cells: FileCells) -> Draft:
    fields = dict(unit.constants)
    fields["event_id"] = unit.event_id(cells)
    for name, get in unit.getters:
        value = get(cells)
        if value is not ABSENT:
            fields[name] = value
    return Draft(unit, fields)


def _reason(unit: Unit, error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0])
    given = first["input"]
    told = quoted(given) if isinstance(given, str) else shown(given)
    return (
        f"{unit.origins[field]}: {told} {explain(unit.model, field, first)}, for {field} of"
        f" {unit.model.type}"
    )
