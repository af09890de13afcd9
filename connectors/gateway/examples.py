"""One sample of every event type, as CloudEvents. Every code in them is a sample: no agency,
procedure or dossier has it.
"""

from __future__ import annotations

from typing import Any

_AGENCY = "000.00.01.SAMPLE"
_OTHER_AGENCY = "000.00.02.SAMPLE"
_DOSSIER = "000.00.01.SAMPLE-251103-0001"
_THINGS: dict[str, dict[str, str]] = {
    "dossier": {"dossier_id": _DOSSIER},
    "document": {"document_id": "000.00.01.SAMPLE,2025/11/03,12/CV-SAMPLE"},
    "task": {"task_id": "SAMPLE-TASK-0001"},
    "activity": {"activity_id": "SAMPLE-ACTIVITY-0001"},
    "agency": {"item_id": f"agency/{_AGENCY}"},
    "procedure": {"item_id": "procedure/1.000000.SAMPLE"},
    "system": {"item_id": "system/SAMPLE-ONE-STOP"},
    "dataset": {"item_id": "dataset/SAMPLE-LAND"},
    "accounts": {"item_id": f"accounts/{_AGENCY}"},
    "figure": {"item_id": f"figure/public_payroll_cut/{_AGENCY}/year"},
}
_SOURCE = "/sample/one-stop"
_RECEPTION = {
    "procedure": "1.000000.SAMPLE",
    "channel": "online",
    "level": 4,
    "applicant": "citizen",
    "with_fee": True,
}

_DATA: dict[str, tuple[str, dict[str, Any]]] = {
    "dossier.received": (
        "2025-11-03T09:00:00+07:00",
        {**_RECEPTION, "due_at": "2025-11-10T17:00:00+07:00"},
    ),
    "dossier.corrected": (
        "2025-11-03T10:00:00+07:00",
        {**_RECEPTION, "channel": "counter", "received_at": "2025-11-03T09:00:00+07:00"},
    ),
    "dossier.step_taken": (
        "2025-11-04T08:30:00+07:00",
        {"step": "check", "unit": "one-stop desk", "status": 4},
    ),
    "dossier.supplement_requested": ("2025-11-04T09:00:00+07:00", {}),
    "dossier.supplement_completed": (
        "2025-11-05T09:00:00+07:00",
        {"due_at": "2025-11-11T17:00:00+07:00"},
    ),
    "dossier.suspended": ("2025-11-05T10:00:00+07:00", {}),
    "dossier.reopened": ("2025-11-05T11:00:00+07:00", {}),
    "dossier.due_changed": ("2025-11-06T08:00:00+07:00", {"due_at": "2025-11-12T17:00:00+07:00"}),
    "dossier.transferred": (
        "2025-11-06T09:00:00+07:00",
        {"from_agency": _AGENCY, "to_agency": _OTHER_AGENCY, "electronic": True},
    ),
    "dossier.fee_requested": ("2025-11-06T10:00:00+07:00", {"reference": "SAMPLE-PAY-0001"}),
    "dossier.paid": (
        "2025-11-06T11:00:00+07:00",
        {"reference": "SAMPLE-PAY-0001", "amount": 50_000, "online": True, "state": "paid"},
    ),
    "dossier.finished": ("2025-11-09T15:00:00+07:00", {"digitised": True}),
    "dossier.result_returned": ("2025-11-09T16:00:00+07:00", {"digitised": True, "how": "online"}),
    "dossier.refused": ("2025-11-03T09:30:00+07:00", {"procedure": "1.000000.SAMPLE"}),
    "dossier.withdrawn": ("2025-11-07T09:00:00+07:00", {}),
    "dossier.rated": (
        "2025-11-10T08:00:00+07:00",
        {"rating_id": "SAMPLE-RATING-0001", "satisfied": True, "score": 5},
    ),
    "dossier.voided": ("2025-11-20T08:00:00+07:00", {}),
    "dossier.restored": ("2025-11-20T09:00:00+07:00", {}),
    "document.sent": (
        "2025-11-03T08:00:00+07:00",
        {"to": [_OTHER_AGENCY], "document_type": "18", "electronic": True, "signed": True},
    ),
    "document.status_changed": ("2025-11-03T08:05:00+07:00", {"status": "01"}),
    "document.recalled": ("2025-11-03T08:10:00+07:00", {"answer": "asked"}),
    "document.voided": ("2025-11-20T08:00:00+07:00", {}),
    "document.restored": ("2025-11-20T09:00:00+07:00", {}),
    "task.assigned": (
        "2025-11-03T08:00:00+07:00",
        {
            "to_agency": _OTHER_AGENCY,
            "category": "plan",
            "due_at": "2025-11-10T17:00:00+07:00",
            "document_number": "12/TB-SAMPLE",
            "document_at": "2025-11-01T00:00:00+07:00",
            "coordinating_agencies": [_AGENCY],
            "product": "Report",
            "follower": "Unit 1",
        },
    ),
    "task.progressed": ("2025-11-05T08:00:00+07:00", {"progress": "running"}),
    "task.extended": ("2025-11-07T08:00:00+07:00", {"due_at": "2025-11-14T17:00:00+07:00"}),
    "task.completed": ("2025-11-10T15:00:00+07:00", {}),
    "task.returned": ("2025-11-11T08:00:00+07:00", {}),
    "task.cancelled": ("2025-11-12T08:00:00+07:00", {}),
    "task.voided": ("2025-11-20T08:00:00+07:00", {}),
    "task.restored": ("2025-11-20T09:00:00+07:00", {}),
    "activity.meeting_held": (
        "2025-11-04T08:00:00+07:00",
        {"level": "province", "in_system": True},
    ),
    "activity.inspection_done": (
        "2025-11-05T16:00:00+07:00",
        {"level": "province", "digital": True},
    ),
    "activity.work_record_handled": (
        "2025-11-06T16:00:00+07:00",
        {"level": "commune", "online": True},
    ),
    "activity.cancelled": ("2025-11-04T09:00:00+07:00", {}),
    "activity.voided": ("2025-11-20T08:00:00+07:00", {}),
    "activity.restored": ("2025-11-20T09:00:00+07:00", {}),
    "agency.registered": (
        "2025-06-20T08:00:00+07:00",
        {
            "level": "commune",
            "parent": "000.00.00.SAMPLE",
            "alias": ["SAMPLE.1"],
            "name_vi": "Xã Mẫu",
            "name_en": "Sample commune",
            "valid_from": "2025-07-01T00:00:00+07:00",
        },
    ),
    "procedure.registered": (
        "2025-06-20T08:00:00+07:00",
        {
            "procedure": "1.000000.SAMPLE",
            "field": "land",
            "level": 4,
            "on_national_portal": True,
            "with_fee": True,
            "payable_online": True,
            "access_means": 2,
            "mobile": True,
            "days_before": 20,
            "days_now": 14,
        },
    ),
    "system.registered": (
        "2025-06-20T08:00:00+07:00",
        {"kind": "one_stop", "citizen_facing": True, "on_national_portal": True},
    ),
    "system.heartbeat": ("2025-11-03T08:00:00+07:00", {}),
    "dataset.registered": ("2025-06-20T08:00:00+07:00", {"shared": True}),
    "accounts.counted": ("2025-10-31T17:00:00+07:00", {"users": 12_000, "authenticated": 9_000}),
    "figure.reported": (
        "2025-11-10T08:00:00+07:00",
        {
            "indicator": "public_payroll_cut",
            "period_from": "2024-01-01T00:00:00+07:00",
            "period_to": "2024-12-31T00:00:00+07:00",
            "numerator": 37,
            "denominator": 1_000,
            "document": "12/BC-SAMPLE",
            "revision": 1,
        },
    ),
}
# done by whoever has the document or task
_AT_THE_OTHER = {"document.status_changed", "task.progressed", "task.completed"}


def _example(kind: str, time: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"sample-{kind}-1",
        "source": _SOURCE,
        "type": kind,
        "time": time,
        "data": {
            **_THINGS[kind.partition(".")[0]],
            "agency": _OTHER_AGENCY if kind in _AT_THE_OTHER else _AGENCY,
            **data,
        },
    }


EXAMPLES: dict[str, dict[str, Any]] = {
    kind: _example(kind, time, data) for kind, (time, data) in _DATA.items()
}
