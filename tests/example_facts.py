"""The facts of the example that docs/figures.md works out by hand."""

from __future__ import annotations

from facts import told

EXAMPLE = [
    told(
        "dossier.received",
        "11-03 09:00",
        channel="online",
        due_at="11-10 17:00",
        procedure="1.001193",
        dossier_id="H35.20.1-251103-0001",
    ),
    told("dossier.transferred", "11-04 10:00", dossier_id="H35.20.1-251103-0001"),
    told(
        "dossier.finished",
        "11-10 16:30",
        heard="11-12 08:00",
        agency="B",
        dossier_id="H35.20.1-251103-0001",
    ),
]
