"""The real log of a municipality, through the whole hub: its known figures come out of the API and
of /metrics, twice in a row.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from harness import Hub, until
from prometheus_client.parser import text_string_to_metric_families

EXAMPLES = Path(__file__).parents[2] / "ops" / "examples"
# Counted from the file itself by a few lines of plain Python, outside the hub.
RECEIVED = {
    "received": 1434,
    "received_online": 1250,
    "received_counter": 109,
    "received_post": 53,
    "received_email": 21,
    "received_internal": 1,
}
CLOSED = {"finished": 1329, "on_time": 952, "late": 377}
STILL_OPEN = 105


def lgsp(hub: Hub, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a user would."""
    environment = hub.environment | {"PATH": "/usr/bin:/bin", "COLUMNS": "120"}
    command = [sys.executable, "-m", "ops.cli", *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


def get(hub: Hub, path: str) -> str:
    """The body of an answer of the metrics process."""
    with urllib.request.urlopen(
        f"http://127.0.0.1:{hub.settings.metrics_port}{path}", timeout=10
    ) as answer:
        return answer.read().decode()  # type: ignore[no-any-return]


def counts(hub: Hub) -> dict[str, int]:
    """Every count of the dossiers, over all time."""
    found: dict[str, int] = {}
    for asked in ("window=all", "kind=open"):  # what is open is told of now alone
        answer: dict[str, Any] = json.loads(get(hub, f"/v1/counts?family=dossiers&{asked}"))
        found |= {
            measure: count for kind in answer["kinds"] for measure, count in kind["counts"].items()
        }
    return found


def samples(hub: Hub) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of /metrics."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(get(hub, "/metrics"))
        for sample in family.samples
    }


def check(hub: Hub) -> None:
    """The known figures, in the API and in /metrics."""
    found = counts(hub)
    expected = RECEIVED | CLOSED | {"open": STILL_OPEN}
    assert {measure: found[measure] for measure in expected} == expected
    share = json.loads(get(hub, "/v1/indicators/dossiers_on_time_share?window=all"))
    assert (share["numerator"], share["denominator"], share["value"]) == (952, 1329, 952 / 1329)
    metrics = samples(hub)
    for kind, measures in (("received", RECEIVED), ("closed", CLOSED)):
        for measure, count in measures.items():
            labels = (
                ("family", "dossiers"),
                ("kind", kind),
                ("measure", measure),
                ("window", "all"),
            )
            assert metrics["lgsp_counts", labels] == count, measure
    assert metrics["lgsp_dossiers_open", (("agency", "all"),)] == STILL_OPEN
    on_time = (("agency", "all"), ("indicator", "dossiers_on_time_share"), ("window", "all"))
    assert metrics["lgsp_indicator_numerator", on_time] == 952
    assert metrics["lgsp_indicator_denominator", on_time] == 1329


def test_the_known_figures_come_out_twice_in_a_row(hub: Hub) -> None:
    """Imported, checked, imported again with --again, checked again, and recounted."""
    for name in ("worker", "metrics"):
        hub.service(name, name)
    log = [str(EXAMPLES / "coselog-receipt.csv.gz"), "--map", str(EXAMPLES / "receipt.yaml")]
    first = lgsp(hub, "import", *log)
    assert first.returncode == 0, first.stdout + first.stderr
    until(lambda: counts(hub)["received"] == 1434 and counts(hub)["finished"] == 1329)
    settled(hub)
    check(hub)
    again = lgsp(hub, "import", "--again", *log)
    assert again.returncode == 0, again.stdout + again.stderr
    settled(hub)
    check(hub)
    recount = lgsp(hub, "recount")
    assert recount.returncode == 0, recount.stdout + recount.stderr


def settled(hub: Hub) -> None:
    """Every event is applied and every cell has reached the cube."""

    def nothing_waits() -> bool:
        waiting = {
            key: value
            for key, value in samples(hub).items()
            if key[0] in ("lgsp_worker_lag_records", "lgsp_cube_lag_records")
        }
        return len(waiting) > 1 and not any(waiting.values())

    time.sleep(2.5)  # the lag is looked at every two seconds
    until(nothing_waits)
