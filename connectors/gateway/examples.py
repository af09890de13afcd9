"""One sample of every event type, as CloudEvents. Every code in them is a sample: no agency, procedure or dossier has it."""

from __future__ import annotations

from typing import Any

AGENCY = "000.00.01.SAMPLE"
OTHER_AGENCY = "000.00.02.SAMPLE"
DOSSIER = "000.00.01.SAMPLE-251103-0001"
DOCUMENT = "000.00.01.SAMPLE,2025/11/03,12/CV-SAMPLE"
SOURCE = "/sample/one-stop"
RECEPTION = {"procedure": "1.000000.SAMPLE", "channel": "online", "level": 4, "applicant": "citizen", "with_fee": True}

_DATA: dict[str, tuple[str, dict[str, Any]]] = {
    "dossier.received": ("2025-11-03T09:00:00+07:00", {**RECEPTION, "due_at": "2025-11-10T17:00:00+07:00"}),
    "dossier.corrected": ("2025-11-03T10:00:00+07:00", {**RECEPTION, "channel": "counter", "received_at": "2025-11-03T09:00:00+07:00"}),
    "dossier.step_taken": ("2025-11-04T08:30:00+07:00", {"step": "check", "unit": "one-stop desk", "status": 4}),
    "dossier.supplement_requested": ("2025-11-04T09:00:00+07:00", {}),
    "dossier.supplement_completed": ("2025-11-05T09:00:00+07:00", {"due_at": "2025-11-11T17:00:00+07:00"}),
    "dossier.suspended": ("2025-11-05T10:00:00+07:00", {}),
    "dossier.reopened": ("2025-11-05T11:00:00+07:00", {}),
    "dossier.due_changed": ("2025-11-06T08:00:00+07:00", {"due_at": "2025-11-12T17:00:00+07:00"}),
    "dossier.transferred": ("2025-11-06T09:00:00+07:00", {"from_agency": AGENCY, "to_agency": OTHER_AGENCY, "electronic": True}),
    "dossier.fee_requested": ("2025-11-06T10:00:00+07:00", {"reference": "SAMPLE-PAY-0001"}),
    "dossier.paid": ("2025-11-06T11:00:00+07:00", {"reference": "SAMPLE-PAY-0001", "amount": 50_000, "online": True, "state": "paid"}),
    "dossier.finished": ("2025-11-09T15:00:00+07:00", {"digitised": True}),
    "dossier.result_returned": ("2025-11-09T16:00:00+07:00", {"digitised": True, "how": "online"}),
    "dossier.refused": ("2025-11-03T09:30:00+07:00", {"procedure": "1.000000.SAMPLE"}),
    "dossier.withdrawn": ("2025-11-07T09:00:00+07:00", {}),
    "dossier.rated": ("2025-11-10T08:00:00+07:00", {"rating_id": "SAMPLE-RATING-0001", "satisfied": True, "score": 5}),
    "document.sent": ("2025-11-03T08:00:00+07:00", {"to": [OTHER_AGENCY], "document_type": "18", "electronic": True, "signed": True}),
    "document.status_changed": ("2025-11-03T08:05:00+07:00", {"status": "01"}),
    "document.recalled": ("2025-11-03T08:10:00+07:00", {"answer": "asked"}),
}


def _example(kind: str, time: str, data: dict[str, Any]) -> dict[str, Any]:
    thing = {"dossier_id": DOSSIER} if kind.startswith("dossier.") else {"document_id": DOCUMENT}
    return {
        "specversion": "1.0", "id": f"sample-{kind}-1", "source": SOURCE, "type": kind, "time": time,
        "data": {**thing, "agency": OTHER_AGENCY if kind == "document.status_changed" else AGENCY, **data},
    }  # fmt: skip


EXAMPLES: dict[str, dict[str, Any]] = {kind: _example(kind, time, data) for kind, (time, data) in _DATA.items()}
