"""Prometheus rules and scrape configuration: valid, in step with one another, and of metrics that
exist, as the Grafana dashboards are.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from monitored import ALERTS, COMPOSE, DASHBOARDS, PROMETHEUS, ROOT, expressions, promtool, tool
from prometheus_client import generate_latest

from connectors.gateway.health import GATEWAY_METRICS, Health
from metrics.prometheus.exposition import block, summary
from metrics.prometheus.table import METRICS
from schemas.settings import Settings
from serving.access.expiry import ACCESS_METRICS
from serving.spaces import SPACE
from serving.tls import TLS_METRICS
from streams.health import WORKER_METRICS

# Prometheus


@pytest.mark.parametrize("configuration", ["prometheus.yml", "local.yml"])
def test_the_scrape_configuration_and_its_rules_are_valid(
    tmp_path: Path, configuration: str
) -> None:
    (tmp_path / "metrics-token").write_text("a token")  # which is there only where the hub runs
    (tmp_path / "rules.yml").write_bytes((ROOT / "ops/prometheus/rules.yml").read_bytes())
    text = (ROOT / "ops/prometheus" / configuration).read_text("utf-8")
    (tmp_path / configuration).write_text(text.replace("/run/secrets", str(tmp_path)), "utf-8")
    done = promtool("check", "config", str(tmp_path / configuration))
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
    """Of every metric of metrics (one sample each), gateway and worker; of which space they are
    all tell, so each page is looked at by itself.
    """
    told = [
        summary(one, [([""] * len(one.labels), 1, 0.5)])
        if one.type == "summary"
        else block(one, [([""] * len(one.labels), 1)])
        for one in METRICS
    ]
    pages = {
        "lgsp_counts": "".join(told) + block(SPACE, [(("official",), 1)]),
        "lgsp_gateway_kafka_up": Health().render().decode(),
        "lgsp_worker_partitions": generate_latest().decode(),
    }
    for name, text in pages.items():
        assert f"# TYPE {name} " in text
        assert f"# TYPE {SPACE.name} " in text
        done = promtool("check", "metrics", text=text)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


# Names


def told_names() -> set[str]:
    """Every name that a process of the hub tells Prometheus, histograms and summaries with their
    parts.
    """
    names = {"up"}
    for metric in (
        *WORKER_METRICS,
        *GATEWAY_METRICS,
        *ACCESS_METRICS,
        *TLS_METRICS,
        *METRICS,
        SPACE,
    ):
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
