"""A checked mapping turned into plain functions of a row's cells, so that a million rows pay for
its meaning only once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from connectors.files.mapping.checks import FieldRule, check_every_event, field_rules
from connectors.files.mapping.model import CodeTable, Condition, EventRule, Mapping
from connectors.files.mapping.notation import overridden
from connectors.files.mapping.numbers import NumberReader
from connectors.files.mapping.templates import Template, parse_template
from connectors.files.mapping.values import Convert, TimeReader, boolean_of, list_reader
from connectors.files.readers.cells import (
    MASKED,
    PRESENT,
    FileCell,
    FileCells,
    RowRefused,
    Unexpected,
    cell_spellings,
    cell_text,
    code_of,
    is_blank,
    part_of,
)
from schemas.declarations import Declaration
from schemas.events import ACCEPTED, Event
from schemas.masking import is_plain, quoted
from schemas.personal import personal_number

_Getter = Callable[[FileCells], Any]
_Test = Callable[[FileCells], bool]
ABSENT: Any = object()  # what a getter gives for a field that the event goes without
_LISTED = 12  # codes of a table that a reason names


@dataclass(frozen=True, slots=True)
class Unit:
    """One event of the mapping, ready to be read off a row."""

    model: type[Event]
    tests: tuple[_Test, ...]
    event_id: _Getter
    constants: dict[str, Any]
    getters: tuple[tuple[str, _Getter], ...]
    origins: dict[str, str]  # field -> the columns it comes from, for reasons

    def applies(self, cells: FileCells) -> bool:
        """Whether all conditions hold for a row."""
        return all(test(cells) for test in self.tests)


class Uses(NamedTuple):
    """What a mapping does with its columns, by their places: of those that are only looked at, the
    texts that its conditions name.
    """

    columns: tuple[str, ...]
    looked_at: dict[int, frozenset[str]]

    def safe(self, cells: FileCells) -> list[FileCell]:
        """A row's cells as rejections may hold them, none where nobody can tell which is which.

        What looks like a number of a person, in the place of whatever field, and what no field
        takes, is masked, so that the row can't come back from there; what only has to be there is
        there.
        """
        if not cells:
            return [MASKED] * len(self.columns)
        return [self._safe(index, cell) for index, cell in enumerate(cells)]

    def _safe(self, index: int, cell: FileCell) -> FileCell:
        if index in self.looked_at:
            named = not self.looked_at[index].isdisjoint(cell_spellings(cell))
            return cell if named or is_blank(cell) else PRESENT
        if isinstance(cell, dict) and cell:
            return MASKED
        if isinstance(cell, list):
            return [self._safe(index, part) for part in cell]
        text = cell_text(cell)
        # a time whose fractions of a second look like one is none
        return MASKED if personal_number(text) and not is_plain(text) else cell


class Compiler:
    """Compiles one mapping; `columns` and `required` are complete once `units` was called."""

    def __init__(self, mapping: Mapping, declaration: Declaration) -> None:
        self._mapping, self._declaration = mapping, declaration
        self._default_times = TimeReader(mapping.times)
        self._indexes: dict[str, int] = {}
        self._values: set[str] = set()
        self._conditions: dict[str, frozenset[str]] = {}
        self.required: set[str] = set()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that rows must bring, in the order that the getters count on."""
        return tuple(self._indexes)

    @property
    def uses(self) -> Uses:
        """What is done with each column."""
        looked_at = {
            self._indexes[name]: texts
            for name, texts in self._conditions.items()
            if name not in self._values
        }
        return Uses(self.columns, looked_at)

    def units(self) -> tuple[Unit, ...]:
        """Raises: CatalogueError for the first part of the mapping that cannot hold."""
        check_every_event(self._mapping, self._declaration)
        return tuple(self._unit(index, rule) for index, rule in enumerate(self._mapping.events))

    def _unit(self, index: int, rule: EventRule) -> Unit:
        rules = field_rules(self._mapping, index, self._declaration)
        constants: dict[str, Any] = {"source": self._mapping.source}
        getters: list[tuple[str, _Getter]] = []
        for found in rules:
            if found.value.columns:
                getters.append((found.name, self._getter(found, rule)))
            else:
                constants[found.name] = self._constant(found)
        origins = {found.name: _named(found.value.columns) for found in rules} | {
            "event_id": _named(parse_template(rule.id).columns)
        }
        tests = tuple(self._test(condition) for condition in rule.when)
        return Unit(
            ACCEPTED[rule.event], tests, self._event_id(rule), constants, tuple(getters), origins
        )

    def _index(self, column: str) -> int:
        return self._indexes.setdefault(column, len(self._indexes))

    def _test(self, condition: Condition) -> _Test:
        index = self._index(condition.column)
        self._conditions.setdefault(condition.column, frozenset())
        if condition.present is not None:
            wanted = not condition.present
            return lambda cells: is_blank(cells[index]) is wanted
        texts = frozenset(map(cell_text, condition.among or [condition.equals or ""]))
        self._conditions[condition.column] = self._conditions[condition.column] | texts
        return lambda cells: not texts.isdisjoint(cell_spellings(cells[index]))

    def _event_id(self, rule: EventRule) -> _Getter:
        template = parse_template(rule.id)
        self._values.update(template.columns)
        if not rule.when:
            self.required.update(template.columns)
        read = self._joined(template, f"the id of {rule.event}")

        def event_id(cells: FileCells) -> Any:
            found = read(cells)
            if found is None:
                raise RowRefused(f"{_blank(template.columns)}, so {rule.event} has no id")
            return found

        return event_id

    def _joined(self, template: Template, purpose: str) -> Callable[[FileCells], str | None]:
        """A template's text; None as soon as one of its cells is blank."""
        first, indexes = template.texts[0], map(self._index, template.columns)
        pairs = list(zip(template.columns, indexes, template.texts[1:], strict=True))

        def joined(cells: FileCells) -> str | None:
            whole = first
            for column, index, text in pairs:
                try:
                    part = part_of(cells[index])
                except Unexpected as error:
                    raise RowRefused(
                        f"column {column}: {_shown(cells[index])} should be {error}, for {purpose}"
                    ) from None
                if not part:
                    return None
                whole += part + text
            return whole

        return joined

    def _constant(self, rule: FieldRule) -> Any:
        if rule.value.constant is not None:
            return [rule.value.constant] if rule.kind == "list" else rule.value.constant
        text = parse_template(rule.value.text or "").texts[0]
        try:
            return rule.adapter.validate_python(self._convert(rule)(text))
        except ValueError as error:  # pydantic's is one too
            problem = f"does not fit {rule.name}"
            if isinstance(error, Unexpected):
                problem = f"should be {error}"
            raise self._declaration.error(rule.location, f"{text!r} {problem}") from error

    def _convert(self, rule: FieldRule) -> Convert:
        table = self._mapping.tables.get(rule.value.table or "")
        item = code_of if table is None else _table_reader(rule.value.table or "", table)
        if rule.kind == "list":
            return list_reader(rule.value.split, item)
        if table is not None:
            return item
        if rule.kind == "time" and rule.value.time is None:
            return self._default_times  # it remembers what it read
        if rule.kind == "time":
            return TimeReader(overridden(self._mapping.times, rule.value.time))
        if rule.kind == "number":
            return NumberReader(overridden(self._mapping.numbers, rule.value.number))
        return boolean_of if rule.kind == "boolean" else code_of

    def _getter(self, rule: FieldRule, event: EventRule) -> _Getter:
        value, convert = rule.value, self._convert(rule)
        column = value.whole_column
        columns, purpose = _named(value.columns), f"{rule.name} of {event.event}"
        if column is not None:
            read = self._cell(column)
        else:
            read = self._joined(parse_template(value.text or ""), purpose)
        blank = self._when_blank(rule)
        self._values.update(value.columns)
        if blank is _REFUSED and not event.when:
            self.required.update(value.columns)

        def get(cells: FileCells) -> Any:
            cell = read(cells)
            if is_blank(cell):
                if blank is _REFUSED:
                    raise RowRefused(f"{_blank(value.columns)}, and {purpose} needs it")
                return blank
            try:
                return convert(cell)
            except Unexpected as error:
                raise RowRefused(
                    f"{columns}: {_shown(cell)} should be {error}, for {purpose}"
                ) from None

        return get

    def _cell(self, column: str) -> Callable[[FileCells], FileCell]:
        index = self._index(column)
        return lambda cells: cells[index]

    def _when_blank(self, rule: FieldRule) -> Any:
        table = self._mapping.tables.get(rule.value.table or "")
        if table is not None and "" in table.values:
            return table.values[""]
        if rule.value.optional:
            return ABSENT
        if rule.value.default is not None:
            return [rule.value.default] if rule.kind == "list" else rule.value.default
        return _REFUSED


_REFUSED: Any = object()


def _table_reader(name: str, table: CodeTable) -> Convert:
    """Looks texts up in a code table."""
    codes = {cell_text(text): code for text, code in table.values.items()}
    listed = [text for text in codes if text]
    expected = (
        f"one of code table {name}"
        f" ({', '.join(listed[:_LISTED])}{', …' if len(listed) > _LISTED else ''})"
    )

    def read(cell: FileCell) -> Any:
        code = next(
            (codes[text] for text in cell_spellings(cell) if text in codes), table.otherwise
        )
        if code == "reject":
            raise Unexpected(expected)
        return code

    return read


def _named(columns: tuple[str, ...]) -> str:
    return f"column{'s' if len(columns) > 1 else ''} {', '.join(columns)}"


def _blank(columns: tuple[str, ...]) -> str:
    return f"{'one of ' if len(columns) > 1 else ''}{_named(columns)} is blank"


def _shown(cell: FileCell) -> str:
    return quoted(cell_text(cell))
