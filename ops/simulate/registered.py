"""What the province has registered beside agencies and procedures, and figures of a year that
agencies report: samples all of them.
"""

from __future__ import annotations

from typing import NamedTuple

from schemas.codes import SystemKind


class SampleSystem(NamedTuple):
    """What a system is registered as, and whether it was ever heard."""

    code: str
    kind: SystemKind
    citizen_facing: bool = False
    on_national_portal: bool = False
    on_document_axis: bool = False
    on_lgsp: bool = True
    on_national_reporting: bool = False
    answers: bool = True


SYSTEMS: tuple[SampleSystem, ...] = (
    SampleSystem(
        "PORTAL", "portal", citizen_facing=True, on_national_portal=True, on_document_axis=True
    ),
    SampleSystem(
        "ONE-STOP",
        "one_stop",
        citizen_facing=True,
        on_national_portal=True,
        on_document_axis=True,
    ),
    SampleSystem(
        "ONE-STOP-LAND", "one_stop", citizen_facing=True, on_national_portal=True, answers=False
    ),
    SampleSystem("DOCUMENTS", "documents", on_document_axis=True),
    SampleSystem("REPORTS", "reporting", on_document_axis=True, on_national_reporting=True),
    SampleSystem("STATISTICS", "reporting"),
    SampleSystem("LAND", "specialised", citizen_facing=True, on_document_axis=True),
    SampleSystem(
        "HEALTH", "specialised", citizen_facing=True, on_document_axis=True, on_lgsp=False
    ),
    SampleSystem("SCHOOLS", "specialised", citizen_facing=True, on_lgsp=False),
    SampleSystem("STAFF", "specialised"),
)


class SampleDataset(NamedTuple):
    """A dataset of the province."""

    code: str
    shared: bool
    open_data: bool


DATASETS: tuple[SampleDataset, ...] = (
    SampleDataset("LAND", shared=True, open_data=False),
    SampleDataset("POPULATION", shared=True, open_data=False),
    SampleDataset("SCHOOLS", shared=True, open_data=True),
    SampleDataset("ROADS", shared=False, open_data=False),
    SampleDataset("BUDGET", shared=True, open_data=True),
)


class SampleFigure(NamedTuple):
    """A figure as one agency reports it for a year; without denominator the numerator is it."""

    indicator: str
    numerator: int
    denominator: int | None


FIGURES_OF_YEAR: tuple[SampleFigure, ...] = (
    SampleFigure("legal_documents_correct_share", 192, 200),
    SampleFigure("legal_documents_reviewed_share", 188, 200),
    SampleFigure("regulations_cut", 46, 210),
    SampleFigure("compliance_cost_cut", 1_830, 9_000),
    SampleFigure("public_payroll_cut", 1_021, 10_400),
    SampleFigure("leaders_capacity_share", 88, 310),
    SampleFigure("commune_officials_qualified_share", 905, 960),
    SampleFigure("self_financed_units_share", 61, 402),
    SampleFigure("units_converted_share", 7, 8),
    SampleFigure("direct_spending_cut", 118, 1_240),
    SampleFigure("adults_with_bank_account_share", 208_000, 321_000),
)
