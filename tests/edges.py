"""Questions as they are mistyped and at the ends of the calendar, at every address of the API."""

from __future__ import annotations

import re

SHARE = "/v1/indicators/dossiers_on_time_share?"
LISTS = "/v1/dossiers?kind=received&measure=received&"
EDGES = [
    *(
        SHARE + query
        for query in (
            "from=2024-02-29&to=2024-02-29&compare=last_year",
            "from=2024-03-31&to=2024-03-31&compare=previous",
            "from=2024-02-01&to=2024-02-29&compare=last_year",
            "from=2023-02-01&to=2023-02-28&compare=last_year",
            "from=0001-01-01&to=0001-01-31&compare=last_year",
            "from=0001-01-01&to=0001-01-31&compare=previous",
            "from=9999-12-01&to=9999-12-31",
            "from=9999-12-01&to=9999-12-31&compare=previous",
            "to=9999-12-31&by=day",
            "from=0001-01-01&to=9999-12-31&compare=previous",
            "from=1900-01-01&to=2100-01-01&by=day",
            "from=2026-11-30&to=2026-11-01",
            "from=2026-02-30",
            "from=20261103",
            "from=2026-W45-2",
            "from=1790000000",
            "from=2026-11-03T00:00:00",
            "from=%EF%BC%92%EF%BC%90%EF%BC%92%EF%BC%96-11-03",
            "from=",
            "window=MONTH",
            "window=month&from=2026-11-01",
            "from=2026-11-01&from=2026-11-02",
            "agency=",
            "agency=%00",
            "agency=%FF",
            "agency=TST.A%20",
            "agency=tst.a",
            "agency=TST.A&agency=TST.X01",
            "by=agency,category",
            "by=day&window=all",
            "compare=previous&window=all",
            "format=CSV",
            "format=csv&by=agency",
            "foo=1",
            "level=x%C3%A3",
            "limit=5",
            "from=9999-12-31&to=9999-12-31",
            "from=0001-01-01&to=0001-01-01",
            "from=9999-01-01&to=9999-12-31&compare=last_year",
            "from=0002-02-28&to=0002-03-01&compare=last_year&by=category",
            "to=9999-12-31&by=agency&roll_up=commune",
            "from=0001-01-01&agency=TST.A&history=true",
        )
    ),
    *(
        "/v1/counts?" + query
        for query in (
            "family=dossiers&from=9999-12-31",
            "family=dossiers&to=0001-01-01",
            "family=inventory&kind=procedures&by=day&from=0001-01-01&to=9999-12-31",
            "family=inventory&to=0001-01-01",
            "family=inventory&to=9999-12-31",
            "family=dossiers&kind=nope",
            "",
            "by=day&from=0001-01-01&to=9999-12-31",
            "to=9999-12-31&by=category",
        )
    ),
    *(
        "/v1/dossiers?" + query
        for query in (
            "indicator=dossiers_on_time_share&from=0001-01-01&to=9999-12-31",
            "kind=received&measure=received&limit=0",
            "kind=received&measure=received&limit=1001",
            "kind=received&measure=received&after=abc",
            "kind=received&measure=received&after=%00",
            "kind=received&measure=received&to=9999-12-31",
            "indicator=dossiers_carried_over&from=0001-01-01",
            "indicator=dossiers_carried_over&from=9999-12-31",
        )
    ),
    "/v1/documents?kind=sent&measure=documents&to=9999-12-31",
    "/v1/tasks?kind=assigned&measure=assigned&from=0001-01-01",
    *(
        "/v1/agencies" + query
        for query in (
            "?day=0001-01-01",
            "?day=9999-12-31",
            "/..%2f..%2fetc",
            "/%00",
            "/TST.A?day=0001-01-01",
        )
    ),
    "/v1/procedures?day=9999-12-31",
    "/v1/procedures?day=0001-01-01",
    *(
        "/v1/coverage?" + query
        for query in (
            "from=0001-01-01&to=9999-12-31",
            "from=9999-12-31",
            "to=0001-01-01",
            "to=9999-12-31",
        )
    ),
    *(
        "/v1/scores/766?" + query
        for query in (
            "from=0001-01-01&to=0001-01-02",
            "from=9999-12-01&to=9999-12-31",
            "to=9999-12-31",
        )
    ),
    *(
        "/v1/reports/06a?" + query
        for query in (
            "from=0001-01-01&to=0001-01-02",
            "from=0001-01-01&to=9999-12-31&by=agency",
            "from=9999-12-31",
            "window=report:2026-Q5",
            "as_of=0001-01-01&window=all",
            "as_of=9999-12-31",
            "agency=TST.A&own=true&window=all",
        )
    ),
    SHARE + "as_of=0001-01-01",
    SHARE + "as_of=0001-01-01&window=all&by=day",
    "/v1/indicators?as_of=2025-11-11&by=day&window=all",
    "/v1/indicators/dossiers_open?from=0001-01-01&to=9999-12-31&by=day",
    "/v1/indicators/%FF",
    "/v1/indicators?books=nope",
    "/metrics?books=nope",
    "/v1/indicators?to=9999-12-31&by=day",
    "/v1/indicators?from=0001-01-01&to=0001-12-31&compare=last_year",
    "/v1/indicators?from=0001-01-01&to=9999-12-31&by=category",
    "/v1/indicators?from=0001-01-15&to=0001-02-14&compare=previous&by=agency",
    "/v1/indicators?from=9999-12-31&by=level",
]
JARGON = re.compile(
    r"Input should|Value error|unable to parse|Extra"
    r" inputs|\^|\\d|Error\b|Exception|\b\d{12,}\b|Traceback|sqlite",
    re.I,
)
