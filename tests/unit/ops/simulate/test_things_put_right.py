"""Tasks, documents and activities that the simulation puts right or voids: their truth is what the
workers' rules give, after every report.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hub_rules import hub_counts

from ops.simulate import documents, tasks
from ops.simulate.activities import simulate_activity
from ops.simulate.documents import SimulatedDocument, simulate_document
from ops.simulate.history import HistoryTeller
from ops.simulate.run import START
from ops.simulate.tasks import simulate_task
from ops.simulate.things import FOREVER
from ops.simulate.truth import Truth
from schemas.clock import HOUR_MS

# kinds that the truth counts, but for how long things took
KINDS = frozenset(
    {"assigned", "open", "completed", "cancelled", "voided", "sent", "received", "recalled"}
    | {"meetings", "inspections", "work_records"}
)


def simulated(family: str, number: int, rng: Random) -> Any:
    """One thing with everything that becomes of it."""
    teller, at, name = HistoryTeller(rng), START + number * HOUR_MS, f"SAMPLE-{number}"
    if family == "tasks":
        return simulate_task(rng, teller, at, name)
    if family == "documents":
        return simulate_document(rng, teller, at, name)
    return simulate_activity(rng, teller, at, name, rng.choice(("meetings", "inspections")))


def truth_of(thing: Any, before: int) -> Truth:
    truth = Truth()
    if isinstance(thing, SimulatedDocument):
        truth.add_document(thing, before)
    else:
        thing.count(truth, before)
    return truth


@pytest.mark.parametrize("family", ["tasks", "documents", "activities"])
def test_their_truth_is_what_the_workers_rules_give(
    family: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "TASKS_PUT_RIGHT", 1.0)
    monkeypatch.setattr(documents, "DOCUMENTS_PUT_RIGHT", 1.0)
    rng, seen = Random(family), set[str]()
    for number in range(400):
        thing = simulated(family, number, rng)
        for before in (FOREVER, *sorted({at for at, _ in thing.events})):
            sums, _ = hub_counts([one for one in thing.events if one.at < before])
            found = {key: n for key, n in sums.items() if n and key[1] in KINDS}
            found = {key: n for key, n in found.items() if not key[3].endswith("_days")}
            counts = truth_of(thing, before).counts
            assert found == {key: n for key, n in counts.items() if n and key[1] in KINDS}
        for _, event in thing.events:
            anew = getattr(event, "effective_at", None) is not None
            seen |= {f"{event.type} anew"} if anew else set()
            seen |= {event.type} if not getattr(event, "holds", True) else set()
            seen |= {event.type} if event.type.endswith(("voided", "restored")) else set()
    assert len(seen) >= {"tasks": 7, "documents": 5, "activities": 5}[family], seen
