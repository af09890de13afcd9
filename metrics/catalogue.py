"""The catalogue of indicators: declared in YAML, validated against the kinds of cells before anything is served."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from metrics.layout import TABLES, Table
from schemas.codes import AGENCY
from schemas.errors import CatalogueError

SHIPPED = Path(__file__).with_name("indicators.yaml")
Text = Annotated[str, Field(min_length=1)]
Number = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class Declared(BaseModel):
    """Base of everything that a catalogue declares."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Name(Declared):
    """A text in both languages."""

    vi: Text
    en: Text


class Term(Declared):
    """Sum of `measures` less the sum of `less`; `due` asks an instant kind what is past now, or due within eight office hours."""

    kind: Text
    measures: Annotated[tuple[Text, ...], Field(min_length=1)]
    less: tuple[Text, ...] = ()
    due: Literal["past", "soon"] | None = None

    @property
    def all_measures(self) -> tuple[str, ...]:
        """Everything that has to be read."""
        return self.measures + self.less

    def of(self, sums: list[int]) -> int:
        """The term's number from the sums of `all_measures`."""
        return sum(sums[: len(self.measures)]) - sum(sums[len(self.measures) :])


class Percentiles(Declared):
    """Percentiles from a histogram: the measures `{classes}_le_{bound}` and `{classes}_more` of a kind."""

    kind: Text
    classes: Text
    of: Annotated[tuple[Annotated[int, Field(ge=1, le=99)], ...], Field(min_length=1)]


class Filters(Declared):
    """What an indicator is limited to."""

    categories: Annotated[tuple[Text, ...], Field(min_length=1)]


class Indicator(Declared):
    """One indicator: numerator ÷ denominator over cells of one family; without a denominator it is a count."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: Name
    unit: Literal["share", "dossiers", "documents", "seconds"]
    direction: Literal["up", "down"]
    version: Annotated[int, Field(ge=1, strict=True)]
    clause: Text
    definition: Name
    family: Text
    numerator: Term
    denominator: Term | None = None
    percentiles: Percentiles | None = None
    filters: Filters | None = None
    targets: dict[Annotated[int, Field(ge=2000, le=2100)], Number] = {}

    @model_validator(mode="after")
    def _holds(self) -> Self:
        """Every kind and measure exists, and terms can be divided by one another."""
        for term in self.terms:
            _check(self.family, term.kind, term.all_measures)
            if (TABLES[self.family, term.kind].declared.at == "instant") != (term.due is not None):
                raise ValueError(f"kind {term.kind}: `due` (past, soon) goes with kinds whose `at` is an instant, and they need it")
        if self.percentiles is not None:
            _check(self.family, self.percentiles.kind, (f"{self.percentiles.classes}_more",))
        if (self.unit == "share") != (self.denominator is not None and self.percentiles is None):
            raise ValueError("unit share goes with a denominator, and a count has none")
        return self

    def __hash__(self) -> int:
        """By id, which a catalogue has once."""
        return hash(self.id)

    @property
    def terms(self) -> tuple[Term, ...]:
        """Numerator and, if there is one, denominator."""
        return (self.numerator,) if self.denominator is None else (self.numerator, self.denominator)

    @property
    def asks_now(self) -> bool:
        """Whether it is a question about this moment (overdue), which no window changes."""
        return any(term.due for term in self.terms)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """The tables that its figures are read from."""
        kinds = dict.fromkeys([*(term.kind for term in self.terms), *([self.percentiles.kind] if self.percentiles else [])])
        return tuple(TABLES[self.family, kind] for kind in kinds)

    @cached_property
    def bounds(self) -> tuple[tuple[str, int | None], ...]:
        """The histogram's measures in order, each with its upper bound; the last one is open."""
        if self.percentiles is None:
            return ()
        prefix = f"{self.percentiles.classes}_le_"
        measures = TABLES[self.family, self.percentiles.kind].declared.measures
        closed = [(measure, int(measure.removeprefix(prefix))) for measure in measures if measure.startswith(prefix)]
        return (*closed, (f"{self.percentiles.classes}_more", None))

    def target(self, year: int) -> float | None:
        """The milestone in force in a year: its own, else the next one; behind the last one, the last."""
        if not self.targets:
            return None
        milestone = min((found for found in self.targets if found >= year), default=max(self.targets))
        return self.targets[milestone]


def _check(family: str, kind: str, measures: tuple[str, ...]) -> None:
    if (table := TABLES.get((family, kind))) is None:
        raise ValueError(f"family {family} has no kind of cells {kind}")
    if unknown := [measure for measure in measures if measure not in table.declared.measures]:
        raise ValueError(f"kind {kind} of family {family} has no measure {', '.join(unknown)}")


class Agency(Declared):
    """An agency that is expected to report."""

    code: Annotated[str, Field(pattern=AGENCY)]
    name: Text | Name | None = None
    level: Literal["province", "district", "commune"] | None = None


def load_indicators(path: Path | None = None) -> dict[str, Indicator]:
    """The catalogue by id, in the order of the file.

    Raises: CatalogueError naming file, line and entry of each mistake.
    """
    return {entry.id: entry for entry in _load(path or SHIPPED, list[Indicator], "id")}


def load_agencies(path: Path | None) -> dict[str, Agency]:
    """The agencies expected to report, by code; none without a file.

    Raises: CatalogueError naming file, line and entry of each mistake.
    """
    return {entry.code: entry for entry in _load(path, list[Agency], "code")} if path is not None else {}


def _load(path: Path, shape: Any, key: str) -> list[Any]:
    try:
        text = path.read_text("utf-8")
        tree, data = yaml.compose(text, Loader=yaml.SafeLoader), yaml.safe_load(text)
    except OSError as error:
        raise CatalogueError(f"{path} cannot be read ({error.strerror}): correct the setting that names it.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise CatalogueError(f"{path} is no YAML: {' '.join(str(error).split())}.") from error
    mistakes = list(_twice(tree, ()))
    try:
        entries: list[Any] = TypeAdapter(shape).validate_python(data)
    except ValidationError as error:
        mistakes += [(item["loc"], item["msg"].removeprefix("Value error, ")) for item in error.errors()]
        entries = []
    seen: set[str] = set()
    for place, entry in enumerate(entries):
        if getattr(entry, key) in seen:
            mistakes.append(((place, key), f"{getattr(entry, key)} is there twice"))
        seen.add(getattr(entry, key))
    if mistakes:
        raise CatalogueError("; ".join(f"{path}, line {_line(tree, loc)}, {_path(data, loc, key)}: {what}" for loc, what in mistakes) + ".")
    return entries


def _twice(node: yaml.Node | None, loc: tuple[int | str, ...]) -> Iterator[tuple[tuple[int | str, ...], str]]:
    """Keys that a mapping gives twice, of which YAML would silently take the last."""
    if isinstance(node, yaml.SequenceNode):
        for place, item in enumerate(node.value):
            yield from _twice(item, (*loc, place))
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for name, value in node.value:
            if name.value in seen:
                yield (*loc, name.value), "is given twice"
            seen.add(name.value)
            yield from _twice(value, (*loc, name.value))


def _line(node: yaml.Node | None, loc: tuple[int | str, ...]) -> int:
    """The line of the place that an error names, or of the nearest thing around it."""
    line = node.start_mark.line + 1 if node is not None else 1
    if not loc or node is None:
        return line
    children: dict[str, tuple[int, yaml.Node]] = {}
    if isinstance(node, yaml.MappingNode):
        children = {name.value: (name.start_mark.line + 1, value) for name, value in node.value}
    elif isinstance(node, yaml.SequenceNode):
        children = {str(place): (item.start_mark.line + 1, item) for place, item in enumerate(node.value)}
    if str(loc[0]) not in children:
        return line
    line, child = children[str(loc[0])]
    return _line(child, loc[1:]) if loc[1:] and not isinstance(child, yaml.ScalarNode) else line


def _path(data: Any, loc: tuple[int | str, ...], key: str) -> str:
    """`dossiers_overdue.numerator.kind`: the entry by its id where it has one."""
    if not loc:
        return "the whole file"
    entry = data[loc[0]] if isinstance(data, list) and isinstance(loc[0], int) else None
    first = entry[key] if isinstance(entry, dict) and key in entry else f"entry {int(loc[0]) + 1}" if isinstance(loc[0], int) else loc[0]
    return ".".join(str(part) for part in (first, *loc[1:]))
