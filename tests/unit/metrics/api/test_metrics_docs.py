"""docs/metrics.md and docs/api.md say everything that there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from connectors.gateway.health import GATEWAY_METRICS
from connectors.packets.tally import PACKET_METRICS
from metrics.api.indicator_shapes import IndicatorAnswer
from metrics.api.parameters import CountParameters, IndicatorParameters
from metrics.api.problems import API_PROBLEMS
from metrics.catalogue.indicators import Agency, Indicator
from metrics.prometheus.table import METRICS
from schemas.windows import COMPARISONS, EXPORTED, WINDOW_NAMES
from serving.access.expiry import ACCESS_METRICS
from serving.connections import CONNECTION_METRICS
from serving.problems import SERVER_PROBLEMS, problem_table
from serving.spaces import SPACE
from serving.telemetry import Metric
from serving.tls import TLS_METRICS
from streams.health import WORKER_METRICS

DOCS = Path(__file__).parents[4] / "docs"
METRICS_PAGE, API_PAGE = ((DOCS / name).read_text("utf-8") for name in ("metrics.md", "api.md"))
EVERY_METRIC = (
    *METRICS,
    *GATEWAY_METRICS,
    *ACCESS_METRICS,
    *PACKET_METRICS,
    *TLS_METRICS,
    *CONNECTION_METRICS,
    *WORKER_METRICS,
    SPACE,
)


@pytest.mark.parametrize("metric", EVERY_METRIC, ids=lambda metric: metric.name)
def test_every_metric_is_documented_as_it_is_declared(metric: Metric) -> None:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"
    row = f"| `{metric.name}` | {labels} | {metric.means} | {metric.do} |"
    assert row in METRICS_PAGE, f"docs/metrics.md lacks this line:\n{row}"


def test_no_metric_is_documented_that_is_not_there() -> None:
    documented = set(re.findall(r"^\| `(lgsp_\w+)`", METRICS_PAGE, re.M))
    assert documented <= {metric.name for metric in EVERY_METRIC}
    assert all(f"`{window}`" in METRICS_PAGE for window in EXPORTED)


def test_every_parameter_window_and_problem_of_the_api_is_documented() -> None:
    fields = {**CountParameters.model_fields, **IndicatorParameters.model_fields}
    parameters = {field.alias or name for name, field in fields.items()}
    for word in (*parameters, *WINDOW_NAMES, *COMPARISONS):
        assert f"`{word}`" in API_PAGE, word
    assert problem_table({**SERVER_PROBLEMS, **API_PROBLEMS}) in API_PAGE, (
        "paste serving.problems.problem_table of both kinds"
    )


def test_the_example_has_every_field() -> None:
    example = re.search(r"```json\n(\{\n.*?\n\})\n```", API_PAGE, re.S)
    assert example is not None
    answer = {
        field.serialization_alias or name for name, field in IndicatorAnswer.model_fields.items()
    }
    assert set(yaml.safe_load(example[1])) == answer


def test_the_agencies_of_the_page_are_valid() -> None:
    example = re.search(r"```yaml\n(.*?)```", API_PAGE, re.S)
    assert example is not None
    assert len(TypeAdapter(list[Agency]).validate_python(yaml.safe_load(example[1]))) == 2


def test_the_fields_of_an_indicator_are_documented() -> None:
    assert [
        name
        for name, field in Indicator.model_fields.items()
        if f"`{field.alias or name}`" not in API_PAGE
    ] == []
