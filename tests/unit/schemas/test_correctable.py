"""What is said of the fields of a correction where they don't fit."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.clock import LATEST_MS
from schemas.events import EVENT_TYPES
from schemas.events.explain import explain

BASE = {"event_id": "1", "source": "s", "agency": "A", "occurred_at": LATEST_MS - 1}
RECEIVED = {"dossier_id": "d", "procedure": "p", "channel": "online"}
MOVED = {"dossier_id": "d", "from_agency": "A", "to_agency": "B", "electronic": True}


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        (
            "dossier.received",
            {**RECEIVED, "holds": False},
            (
                "holds is no field of dossier.received; it is put right in another way: a reception"
                " by dossier.corrected, whatever was entered by mistake by dossier.voided,"
                " document.voided, task.voided or activity.voided"
            ),
        ),
        (
            "dossier.transferred",
            {**MOVED, "holds": False},
            "is false: say in effective_at which move, by its time",
        ),
    ],
)
def test_a_mistake_is_told_with_what_to_send_instead(
    kind: str, fields: dict[str, Any], said: str
) -> None:
    model = EVENT_TYPES[kind]
    with pytest.raises(ValidationError) as refused:
        model.model_validate(BASE | fields)
    (error,) = refused.value.errors()
    assert explain(model, str(error["loc"][0]), error) == said
