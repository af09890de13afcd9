"""docs/metrics.md and docs/api.md say everything that there is."""

from __future__ import annotations

import re
from pathlib import Path

import prometheus_client
import pytest
import yaml
from pydantic import TypeAdapter

from connectors.gateway.health import METRICS as GATEWAY
from metrics.api.parameters import CountsAsked, IndicatorsAsked
from metrics.api.problems import KINDS
from metrics.api.shapes import IndicatorAnswer
from metrics.catalogue.indicators import Agency, Indicator
from metrics.prometheus.exposition import METRICS
from schemas.windows import COMPARISONS, EXPORTED, WINDOW_NAMES
from serving import KINDS as SERVER_KINDS
from serving import METRICS as SERVER
from serving.problems import table
from streams import health as worker

DOCS = Path(__file__).parents[4] / "docs"
METRICS_PAGE, API_PAGE = ((DOCS / name).read_text("utf-8") for name in ("metrics.md", "api.md"))
KINDS_OF_METRIC = prometheus_client.Counter | prometheus_client.Gauge | prometheus_client.Histogram
WORKER = [
    (next(iter(found.describe())), found._labelnames)
    for found in vars(worker).values()
    if isinstance(found, KINDS_OF_METRIC)
]


@pytest.mark.parametrize(
    "metric", [*METRICS, *GATEWAY.values(), *SERVER], ids=lambda metric: metric.name
)
def test_every_metric_is_documented_as_it_is_declared(metric: object) -> None:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "–"  # type: ignore[attr-defined]
    row = f"| `{metric.name}` | {labels} | {metric.means} | {metric.do} |"  # type: ignore[attr-defined]
    assert row in METRICS_PAGE, f"docs/metrics.md lacks this line:\n{row}"


@pytest.mark.parametrize(("metric", "names"), WORKER, ids=lambda one: getattr(one, "name", ""))
def test_every_metric_of_the_worker_is_documented(
    metric: prometheus_client.Metric, names: tuple[str, ...]
) -> None:
    name = f"{metric.name}_total" if metric.type == "counter" else metric.name
    labels = ", ".join(f"`{label}`" for label in names) or "–"
    assert f"| `{name}` | {labels} | {metric.documentation} |" in METRICS_PAGE


def test_no_metric_is_documented_that_is_not_there() -> None:
    workers = {name for metric, _ in WORKER for name in (metric.name, f"{metric.name}_total")}
    there = {metric.name for metric in (*METRICS, *SERVER)} | set(GATEWAY) | workers
    documented = set(re.findall(r"^\| `(lgsp_\w+)`", METRICS_PAGE, re.M))
    assert documented <= there
    assert all(f"`{window}`" in METRICS_PAGE for window in EXPORTED)


def test_every_parameter_window_and_problem_of_the_api_is_documented() -> None:
    fields = {**CountsAsked.model_fields, **IndicatorsAsked.model_fields}
    parameters = {field.alias or name for name, field in fields.items()}
    for word in (*parameters, *WINDOW_NAMES, *COMPARISONS):
        assert f"`{word}`" in API_PAGE, word
    assert table({**SERVER_KINDS, **KINDS}) in API_PAGE, (
        "paste serving.problems.table of both kinds"
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
