"""Prometheus rules and scrape configuration and the Grafana dashboard: valid, in step with one
another, and of metrics that exist.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import generate_latest

from connectors.gateway.health import GATEWAY_METRICS, Health
from metrics.catalogue.indicators import load_indicators
from metrics.prometheus.exposition import block, summary
from metrics.prometheus.scrape import told_of
from metrics.prometheus.table import METRICS
from schemas.settings import Settings
from schemas.windows import EXPORTED
from streams.health import WORKER_METRICS

ROOT = Path(__file__).parents[4]
RULES = ROOT / "ops/prometheus/rules.yml"
PROMETHEUS: dict[str, Any] = yaml.safe_load(
    (ROOT / "ops/prometheus/prometheus.yml").read_text("utf-8")
)
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
DASHBOARDS = sorted((ROOT / "ops/grafana/dashboards").glob("*.json"))
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]
]
VARIABLES = {
    "$agency": "A",
    "$window": "year",
    "$__rate_interval": "1m",
    "$api": "http://127.0.0.1:8081",
}
INDICATORS = load_indicators()
TOLD = {name: one for name, one in INDICATORS.items() if told_of(one)}


def tool(
    name: str, package: str, *arguments: str, text: str = ""
) -> subprocess.CompletedProcess[str]:
    program = shutil.which(name)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is missing: install Debian's package {package}")
        pytest.skip(f"{name} is missing: Debian's package {package} brings it")
    return subprocess.run(
        [program, *arguments], input=text, capture_output=True, text=True, check=False, timeout=120
    )


def promtool(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return tool("promtool", "prometheus", *arguments, text=text)


# Prometheus


@pytest.mark.parametrize("configuration", ["prometheus.yml", "local.yml"])
def test_the_scrape_configuration_and_its_rules_are_valid(configuration: str) -> None:
    done = promtool("check", "config", str(ROOT / "ops/prometheus" / configuration))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 rule files found" in done.stdout


def test_the_configuration_for_make_run_scrapes_the_same_at_the_default_ports() -> None:
    local: dict[str, Any] = yaml.safe_load((ROOT / "ops/prometheus/local.yml").read_text("utf-8"))
    assert {one: local[one] for one in ("global", "rule_files")} == {
        one: PROMETHEUS[one] for one in ("global", "rule_files")
    }
    assert [job["job_name"] for job in local["scrape_configs"]] == [
        job["job_name"] for job in PROMETHEUS["scrape_configs"]
    ]
    settings = Settings()
    for job in local["scrape_configs"]:
        port = getattr(settings, f"{job['job_name']}_port")
        assert job["static_configs"] == [{"targets": [f"{settings.host}:{port}"]}]


def test_alerts_go_to_an_alertmanager_whose_receiver_is_said() -> None:
    (manager,) = PROMETHEUS["alerting"]["alertmanagers"]
    (target,) = manager["static_configs"][0]["targets"]
    service, port = target.split(":")
    assert f"127.0.0.1:{port}:{port}" in COMPOSE["services"][service]["ports"]
    configuration = ROOT / "ops/alertmanager/alertmanager.yml"
    done = tool("amtool", "prometheus-alertmanager", "check-config", str(configuration))
    assert done.returncode == 0, done.stdout + done.stderr
    declared: dict[str, Any] = yaml.safe_load(configuration.read_text("utf-8"))
    assert declared["route"]["receiver"] in [one["name"] for one in declared["receivers"]]


def test_alerts_are_raised_when_they_should_and_only_then() -> None:
    done = promtool("test", "rules", str(ROOT / "tests/data/rules-test.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_tested_and_says_what_to_do() -> None:
    tests = (ROOT / "tests/data/rules-test.yml").read_text("utf-8")
    for alert in ALERTS:
        assert re.search(rf'alertname(="|: ){alert["alert"]}\b', tests), alert["alert"]
        assert set(alert["annotations"]) == {"summary", "action"}
        assert alert["labels"]["severity"] in ("page", "notice")


def test_every_process_of_the_hub_is_scraped_at_its_port() -> None:
    settings = Settings()
    ports = {}
    for job in PROMETHEUS["scrape_configs"]:
        for static in job.get("static_configs", []):
            (target,) = static["targets"]
            ports[target.split(":")[0]] = int(target.split(":")[1])
        for found in job.get("dns_sd_configs", []):
            ports[found["names"][0]] = found["port"]
    assert ports == {
        "gateway": settings.gateway_port,
        "worker": settings.worker_port,
        "metrics": settings.metrics_port,
    }
    assert set(ports) <= set(COMPOSE["services"])


def test_names_and_types_are_those_that_prometheus_asks_for() -> None:
    """Of every metric of metrics (one sample each), gateway and worker."""
    told = [
        summary(one, [([""] * len(one.labels), 1, 0.5)])
        if one.type == "summary"
        else block(one, [([""] * len(one.labels), 1)])
        for one in METRICS
    ]
    text = "".join(told) + Health().render().decode() + generate_latest().decode()
    assert all(
        f"# TYPE {name} " in text
        for name in ("lgsp_counts", "lgsp_gateway_kafka_up", "lgsp_worker_partitions")
    )
    done = promtool("check", "metrics", text=text)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


# Grafana


def dashboards() -> list[Any]:
    return [pytest.param(json.loads(path.read_text("utf-8")), id=path.stem) for path in DASHBOARDS]


def expressions(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]


def test_the_home_dashboard_is_mounted_where_grafana_looks() -> None:
    grafana = COMPOSE["services"]["grafana"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    provider = yaml.safe_load(
        (ROOT / "ops/grafana/provisioning/dashboards/lgsp.yml").read_text("utf-8")
    )["providers"][0]
    assert f"./ops/grafana/dashboards:{provider['options']['path']}:ro" in grafana["volumes"]
    assert home == f"{provider['options']['path']}/{DASHBOARDS[0].name}"


def test_the_datasource_is_the_composed_prometheus_and_knows_the_scrape_interval() -> None:
    (source,) = yaml.safe_load(
        (ROOT / "ops/grafana/provisioning/datasources/prometheus.yml").read_text("utf-8")
    )["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert source["jsonData"]["timeInterval"] == PROMETHEUS["global"]["scrape_interval"]


@pytest.mark.parametrize("dashboard", dashboards())
def test_panels_are_whole(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"].strip()
        if panel["type"] != "row":
            assert panel["description"].strip().endswith("."), panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
            assert panel["targets"], panel["title"]
            references = [target["refId"] for target in panel["targets"]]
            assert len(set(references)) == len(references)


@pytest.mark.parametrize("dashboard", dashboards())
def test_panels_do_not_overlap_and_stay_within_the_grid(dashboard: dict[str, Any]) -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        for cell in (
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        ):
            assert taken.setdefault(cell, panel["title"]) == panel["title"]


@pytest.mark.parametrize("dashboard", dashboards())
def test_every_datasource_is_the_provisioned_one(dashboard: dict[str, Any]) -> None:
    (source,) = yaml.safe_load(
        (ROOT / "ops/grafana/provisioning/datasources/prometheus.yml").read_text("utf-8")
    )["datasources"]
    text = json.dumps(dashboard)
    used = re.findall(r'"datasource": (\{[^}]*\})', text)
    assert used
    assert {json.loads(found)["uid"] for found in used} == {source["uid"]}


@pytest.mark.parametrize("dashboard", dashboards())
def test_every_expression_parses_and_uses_declared_variables(
    dashboard: dict[str, Any], tmp_path: Path
) -> None:
    declared = {f"${variable['name']}" for variable in dashboard["templating"]["list"]} | {
        "$__rate_interval"
    }
    assert declared == set(VARIABLES)
    used = {
        found for expression in expressions(dashboard) for found in re.findall(r"\$\w+", expression)
    }
    assert used <= declared
    rules = [
        {"record": f"lgsp:check{number}", "expr": _filled(text)}
        for number, text in enumerate(expressions(dashboard))
    ]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), "utf-8")
    done = promtool("check", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def _filled(expression: str) -> str:
    for variable, value in VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def selectors(dashboard: dict[str, Any]) -> list[str]:
    """The labels by which figures are chosen."""
    chosen = re.compile(r"lgsp_(?:indicator|dossiers|reported)_\w+({[^}]*}|)")
    return [
        labels
        for text in expressions(dashboard)
        for labels in chosen.findall(text.replace("unless lgsp_indicator_denominator", ""))
    ]


@pytest.mark.parametrize("dashboard", dashboards())
def test_figures_of_the_province_and_of_its_agencies_are_never_mixed(
    dashboard: dict[str, Any],
) -> None:
    # shares are never averaged
    assert not [text for text in expressions(dashboard) if re.search(r"\bavg\b", text)]
    for labels in selectors(dashboard):
        assert re.search(r'agency(="\$agency"|!="all"|="all")', labels), labels


@pytest.mark.parametrize("dashboard", dashboards())
def test_of_an_agency_only_what_is_told_of_agencies_is_asked(dashboard: dict[str, Any]) -> None:
    """Everything else would be blank as soon as an agency is chosen."""
    own = [
        labels
        for labels in selectors(dashboard)
        if 'agency="all"' not in labels and "indicator" in labels
    ]
    named = [
        set(name.split("|"))
        for labels in own
        for name in re.findall(r'indicator=~?"([^"]+)"', labels)
    ]
    assert len(named) == len(own)
    assert set().union(*named) == {name for name, one in TOLD.items() if one.main}


@pytest.mark.parametrize("dashboard", dashboards())
def test_windows_are_those_that_are_exported(dashboard: dict[str, Any]) -> None:
    (window,) = (
        variable for variable in dashboard["templating"]["list"] if variable["name"] == "window"
    )
    assert (
        tuple(window["query"].split(","))
        == EXPORTED
        == tuple(option["value"] for option in window["options"])
    )


def test_of_the_whole_province_every_indicator_is_shown_once_in_its_table(tmp_path: Path) -> None:
    """Asked of Prometheus' own evaluation, over one sample of each; a share whose denominator is 0
    has its parts and no value.
    """
    tables = {
        panel["title"]: panel["targets"]
        for panel in json.loads(DASHBOARDS[0].read_text("utf-8"))["panels"]
        if "targets" in panel
    }
    shares, times = (
        {name for name, one in TOLD.items() if one.unit == unit} for unit in ("share", "seconds")
    )
    lags = {name for name, one in TOLD.items() if one.percentiles}
    reported = {name for name, one in INDICATORS.items() if one.source == "reported"}
    shown = {
        tables["Mọi tỷ lệ của tỉnh / All shares of the province"][0]["expr"]: shares
        - {"satisfaction"},
        tables["Mọi tỷ lệ của tỉnh / All shares of the province"][3]["expr"]: shares,
        tables["Mọi số lượng của tỉnh / All counts of the province"][0]["expr"]: set(TOLD)
        - shares
        - times,
        tables["Thời gian của tỉnh / Times of the province"][0]["expr"]: times,
        tables["Thời gian của tỉnh / Times of the province"][2]["expr"]: lags,
        tables["Số liệu do cơ quan báo cáo / Figures that agencies report"][0]["expr"]: reported,
    }
    series = [line for name in TOLD for line in samples(name)] + [
        f'lgsp_reported_value{{indicator="{name}",agency="all"}}' for name in reported
    ]
    asked = [
        {
            "expr": _filled(text),
            "eval_time": "0m",
            "exp_samples": [{"labels": f'{{indicator="{name}"}}', "value": 1} for name in names],
        }
        for text, names in shown.items()
    ]
    test = {
        "interval": "1m",
        "input_series": [{"series": one, "values": "1"} for one in series],
        "promql_expr_test": asked,
    }
    path = tmp_path / "test.yml"
    path.write_text(
        json.dumps({"rule_files": [], "evaluation_interval": "1m", "tests": [test]}), "utf-8"
    )
    done = promtool("test", "rules", str(path))
    assert done.returncode == 0, done.stdout + done.stderr


def samples(name: str) -> list[str]:
    """What a scrape tells of an indicator, of the province and of an agency, in the year and of all
    time.
    """
    one = TOLD[name]
    metrics = [
        "numerator",
        *(["denominator"] if one.denominator else []),
        *([] if name == "satisfaction" else ["value"]),
    ]
    found = []
    for window in ("all",) if one.asks_now else ("year", "all"):
        for agency in ("all", "A"):
            labels = f'indicator="{name}",agency="{agency}",window="{window}"'
            found += [f"lgsp_indicator_{metric}{{{labels}}}" for metric in metrics]
            found += (
                [f'lgsp_indicator_percentile{{{labels},percentile="90"}}']
                if one.percentiles
                else []
            )
    return found


@pytest.mark.parametrize("dashboard", dashboards())
def test_links_lead_to_addresses_that_the_api_has(dashboard: dict[str, Any]) -> None:
    documented = "".join(
        (ROOT / "docs" / page).read_text("utf-8") for page in ("api.md", "agencies.md")
    )
    paths = set(re.findall(r'"\$\{api\}(/[^?"]*)', json.dumps(dashboard)))
    assert len(paths) > 4
    assert not [
        path
        for path in paths
        if not re.search(path.replace("${__value.raw}", "[a-z_]+") + r"\b", documented)
    ]
    (api,) = (variable for variable in dashboard["templating"]["list"] if variable["name"] == "api")
    assert api["query"] == f"http://127.0.0.1:{Settings().metrics_port}"
    assert COMPOSE["services"]["metrics"]["ports"] == [
        f"127.0.0.1:{Settings().metrics_port}:{Settings().metrics_port}"
    ]


# Names


def told_names() -> set[str]:
    """Every name that a process of the hub tells Prometheus, histograms and summaries with their
    parts.
    """
    names = {"up"}
    for metric in (*WORKER_METRICS, *GATEWAY_METRICS, *METRICS):
        names |= (
            {f"{metric.name}_bucket", f"{metric.name}_count", f"{metric.name}_sum"}
            if metric.type in ("histogram", "summary")
            else {metric.name}
        )
    return names


def names_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:lgsp_\w+|up)\b", re.sub(r'"[^"]*"', "", expression)))


def test_every_metric_that_is_asked_for_is_told() -> None:
    asked = {name for alert in ALERTS for name in names_in(alert["expr"])}
    for path in DASHBOARDS:
        asked |= {
            name
            for expression in expressions(json.loads(path.read_text("utf-8")))
            for name in names_in(expression)
        }
    assert len(asked) > 20
    assert asked - told_names() == set()
    assert "lgsp_worker_transaction_seconds_bucket" in told_names()
    assert "lgsp_worker_transaction_seconds" not in told_names()
