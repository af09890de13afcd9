"""What is configured for Prometheus and Grafana, and the programs that check it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from metrics.catalogue.indicators import load_indicators
from metrics.prometheus.scrape import exported

ROOT = Path(__file__).parents[1]
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
TOLD = {name: one for name, one in INDICATORS.items() if exported(one)}


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


def dashboards() -> list[Any]:
    return [pytest.param(json.loads(path.read_text("utf-8")), id=path.stem) for path in DASHBOARDS]


def expressions(dashboard: dict[str, Any]) -> list[str]:
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
