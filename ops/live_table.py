"""The live table of the main figures, asked from the reporting API like anybody would."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ops.supervise import Service
from schemas.clock import now_ms, to_ms
from schemas.settings import Settings

TIMEOUT = 2.0
INCOMPLETE = "* Số liệu chưa đầy đủ, hoặc chưa biết ai phải báo cáo. / Incomplete, or not known to be complete (GET /v1/coverage)."


@dataclass(frozen=True)
class Answers:
    """What the API said, or why it did not."""

    indicators: list[dict[str, Any]]
    problem: str = ""


def answers(host: str, port: int, path: str) -> bool:
    """Whether a service answers well at a path."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=TIMEOUT) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def fetch(settings: Settings) -> Answers:
    """The main indicators of the current year, and of now those that are told of no other time."""
    url = f"http://{settings.host}:{settings.metrics_port}/v1/indicators?main=1"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            return Answers(json.load(answer)["indicators"])
    except urllib.error.HTTPError as error:
        return Answers([], str(json.load(error).get("detail", error)))
    except (OSError, ValueError) as error:
        return Answers([], f"no answer from {url} ({error})")


class LiveTable:
    """Renders the table; remembers the last good answer's numbers to show which moved."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[Any, Any]] = {}

    def render(self, answers: Answers, services: Sequence[Service]) -> Group:
        """Table, freshness, and the services that are not running."""
        table = Table(title="This year, the whole province", title_justify="left")
        table.add_column("Chỉ số / indicator")
        for column in ("numerator", "denominator", "value", "target", "agencies"):
            table.add_column(column, justify="right")
        for answer in answers.indicators:
            table.add_row(*self._row(answer))
        return Group(table, Text(self._footer(answers, services), style="dim"))

    def _row(self, answer: dict[str, Any]) -> tuple[str, ...]:
        numbers = (answer["numerator"], answer["denominator"])
        moved = answer["id"] in self._before and self._before[answer["id"]] != numbers
        self._before[answer["id"]] = numbers
        name = f"{answer['name']['vi']}\n[dim]{answer['id']}[/]"
        figures = (_number(numbers[0]), _number(numbers[1]), _value(answer, "value"))
        told = (f"[bold green]{figure}" if moved else figure for figure in figures)
        return name, *told, _value(answer, "target"), _covered(answer["coverage"])

    def _footer(self, answers: Answers, services: Sequence[Service]) -> str:
        lines = [answers.problem] if answers.problem else []
        if answers.indicators:
            age = (now_ms() - to_ms(datetime.fromisoformat(answers.indicators[0]["as_of"]["instant"]))) / 1000
            lines.append(f"These figures stand for everything accepted up to {max(0.0, age):.1f} s ago.")
            if any(answer["coverage"]["complete"] is False for answer in answers.indicators):
                lines.append(INCOMPLETE)
        lines += [f"{service.name} is not running: {service.last_words()}" for service in services if not service.running]
        lines += [f"{service.name} was started again {service.restarts} times." for service in services if service.restarts]
        return "\n".join(lines)


def _covered(coverage: dict[str, Any]) -> str:
    """Agencies reporting of those expected; with a star when some do not."""
    if coverage["expected"] is None:
        return "–"
    told = f"{coverage['reporting']}/{coverage['expected']}"
    return told if coverage["complete"] else f"[yellow]{told} *"


def _number(number: int | None) -> str:
    return "" if number is None else f"{number:,}"


def _value(answer: dict[str, Any], name: str) -> str:
    value = answer[name]
    if value is None:
        return "–"
    if answer["unit"] == "share":
        return f"{value:.1%}"
    if answer["unit"] == "seconds":
        return f"{value:,.0f} s"
    return f"{value:,}"
