"""The parameters of questions about the directory itself, and about who reports."""

from __future__ import annotations

from typing import Literal, Self, get_args

from pydantic import Field, model_validator

from metrics.api.parameters import BooksParameters, Day, FamilyName, FigureParameters, Format
from metrics.errors import wrong
from schemas.codes import AgencyLevel

BesidePart = Literal["problems", "unknown"]  # a table beside the one that is asked for


class DayParameters(BooksParameters):
    """Parameters of every question about a day."""

    day: Day | None = Field(
        None, description="The day, in the province's time zone; without it today"
    )
    format: Format = "json"


class TableParameters(DayParameters):
    """Parameters of an answer of several tables, of which a CSV file holds one."""

    @model_validator(mode="after")
    def _one_table(self) -> Self:
        """Raises: QueryError for a table chosen of JSON, which has them all, and for what limits
        another table than the one chosen.
        """
        chosen = {name: value for name, value in self if name in self.model_fields_set}
        if chosen.get("part") is None:
            return self
        if self.format != "csv":
            raise wrong("part", "goes with format=csv: JSON has every table")
        if chosen["part"] in get_args(BesidePart) and (
            beside := chosen.keys() - {"part", "format", "books"}
        ):
            raise wrong(min(beside), f"does not go with part={chosen['part']}, which is told whole")
        return self


class AgencyParameters(TableParameters):
    """Parameters of the tree of a day."""

    level: AgencyLevel | None = Field(None, description="Only the agencies of this level")
    part: Literal["agencies", BesidePart] = Field(
        "agencies", description="With format=csv: which table"
    )


class ProcedureParameters(TableParameters):
    """Parameters of the procedures of a day."""

    part: Literal["procedures", BesidePart] = Field(
        "procedures", description="With format=csv: which table"
    )
    field: str | None = Field(None, description="Only the procedures of this field (lĩnh vực)")
    agency: str | None = Field(None, description="Only the procedures of this agency")


class CoverageParameters(FigureParameters):
    """Parameters of the question who reports."""

    family: FamilyName | None = Field(
        None,
        description="Only counts of this family: dossiers, documents, tasks, activities, inventory",
    )
