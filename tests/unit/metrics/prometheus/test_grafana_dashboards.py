"""The Grafana dashboards: whole, of valid expressions, and of what the hub exports."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from monitored import (
    COMPOSE,
    DASHBOARDS,
    INDICATORS,
    PROMETHEUS,
    ROOT,
    TOLD,
    VARIABLES,
    dashboards,
    expressions,
    promtool,
)

from schemas.settings import Settings
from schemas.windows import EXPORTED


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
