"""The live table of the main figures, asked from the reporting API like anybody would; complete on
a screen of 80 by 24.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from ops.up.parts import TIMEOUT, UNANSWERED, HubPart, times
from schemas.clock import now_ms, to_ms
from schemas.settings import Settings
from schemas.spaces import OFFICIAL
from serving.tls import base_url, own_context

_TITLE = "Cả tỉnh, năm nay / The whole province, this year"
_SHORT_TITLE = "Cả tỉnh, năm nay"  # over the names, where it costs no line
INCOMPLETE = "* chưa đầy đủ, hoặc chưa rõ / incomplete, or not known (see /v1/coverage)"
_USUAL = "usual: 10 to 30 s; busy machine: to 2 min"
_COLUMNS = ("giá trị / value", "trên / of", "mục tiêu / target", "cơ quan / agencies")
_SHORT_COLUMNS = ("giá trị", "trên/of", "đích", "cơ quan")
_WIDE = 100  # columns from which there is room for full names
# Where there is no room for names in full, in a line of their own each: what they are known by, in
# both languages.
SHORT_LEGEND = {
    "dossiers_received": "Hồ sơ tiếp nhận / received",
    "dossiers_open": "Hồ sơ đang giải quyết / open",
    "dossiers_online_share": "Hồ sơ trực tuyến / handled online",
    "transfers_electronic_share": "Luân chuyển điện tử / moved online",
    "payments_online_share": "Trả tiền trực tuyến / paid online",
    "results_digitised_share": "Kết quả số hóa / results digitised",
    "satisfaction": "Mức độ hài lòng / satisfaction",
    "dossiers_on_time_share": "Hồ sơ đúng hạn / closed on time",
    "dossiers_overdue": "Hồ sơ đang quá hạn / overdue",
    "dossiers_due_soon": "Sắp đến hạn / due in 8 work hours",
    "sync_lag": "Trễ báo kết thúc / end to report",
    "documents_electronic_share": "Văn bản điện tử / documents signed",
    "tasks_on_time_share": "Nhiệm vụ đúng hạn / tasks on time",
    "tasks_overdue": "Nhiệm vụ quá hạn / tasks overdue",
}


@dataclass(frozen=True)
class LiveAnswers:
    """What the API said, or why it did not."""

    indicators: list[dict[str, Any]]
    problem: str = ""


def fetch(settings: Settings, headers: Mapping[str, str]) -> LiveAnswers:
    """The main indicators of the current year, and of now those that are told of no other time;
    asked for with these headers.
    """
    url = f"{base_url(settings, settings.metrics_port)}/v1/indicators?main=1"
    try:
        request = urllib.request.Request(url, headers=dict(headers))
        with urllib.request.urlopen(
            request, timeout=TIMEOUT, context=own_context(settings)
        ) as answer:
            return LiveAnswers(json.load(answer)["indicators"])
    except urllib.error.HTTPError as error:
        return LiveAnswers([], _detail(error))
    except (*UNANSWERED, ValueError, KeyError, TypeError) as error:
        return LiveAnswers([], f"no answer from {url} ({error})")


def _detail(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["detail"])
    except (*UNANSWERED, ValueError, KeyError, TypeError):
        return str(error)


class Screen:
    """Everything somebody sees who runs the hub: first what is starting, then the figures; below
    them health and addresses, always.
    """

    def __init__(
        self, parts: Sequence[HubPart], addresses: Sequence[str], space: str = OFFICIAL
    ) -> None:
        self.parts, self.addresses, self.space = parts, addresses, space
        self.answers = LiveAnswers([])
        self.started = False  # every part answered once
        self._began = time.monotonic()
        self._before: dict[str, tuple[Any, Any]] = {}
        self._moved: set[str] = set()
        self._compared = self.answers

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As much as the screen has room for."""
        if not self.started:
            yield self._steps()
            return
        below = [*self._notes(), self._health(), *(_line(text) for text in self.addresses)]
        rows = sum(len(text.wrap(console, options.max_width)) for text in below)
        height = (options.height or console.size.height) - rows
        yield Group(self._table(options.max_width, height), *below)

    def table_only(self) -> Group:
        """For an output that is no terminal, where the addresses were printed already."""
        return Group(self._table(0, 0), *self._notes(), self._health())

    def _steps(self) -> Group:
        lines = [
            Text(
                f"Đang khởi động / starting: {time.monotonic() - self._began:.0f} s ({_USUAL})",
                style="bold",
            )
        ]
        for part in self.parts:
            words = f"ok, after {part.took:.0f} s" if part.well else part.words()
            style = "green" if part.well else ""
            shown = Text if part.service.refused else _line
            lines.append(shown(f"  {part.title:<12}{words}", style=style))
        return Group(*lines, _line("Ctrl-C dừng tất cả. / Ctrl-C stops everything.", "dim"))

    def _table(self, width: int, height: int) -> Group:
        self._compare()
        full = width >= _WIDE and height >= 2 * len(self.answers.indicators) + 2
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
        style = "bold" if self.space == OFFICIAL else "bold yellow"
        short = Text(f"{_SHORT_TITLE} · {self.space}", style=style)
        heading = "Chỉ số / indicator" if full else short
        table.add_column(heading, no_wrap=True, overflow="ellipsis")
        for column in _COLUMNS if full else _SHORT_COLUMNS:
            table.add_column(column, justify="right", no_wrap=True)
        for answer in self.answers.indicators:
            table.add_row(_name(answer, full=full), *self._figures(answer))
        title = _line(f"{_TITLE} · không gian / space: {self.space}", style)
        if not self.answers.indicators:
            return Group(title)
        return Group(title, table) if full else Group(table)

    def _compare(self) -> None:
        """Which figures moved with the newest answer."""
        if self.answers is self._compared:
            return
        self._compared = self.answers
        now = {
            answer["id"]: (answer["numerator"], answer["denominator"])
            for answer in self.answers.indicators
        }
        self._moved = {
            name for name, numbers in now.items() if self._before.get(name, numbers) != numbers
        }
        self._before |= now

    def _figures(self, answer: dict[str, Any]) -> tuple[RenderableType, ...]:
        style = "bold green" if answer["id"] in self._moved else ""
        told = Text(_value(answer, "value"), style=style), Text(_of(answer), style=style)
        return *told, _value(answer, "target"), _covered(answer["coverage"])

    def _notes(self) -> list[Text]:
        lines = [_line(self.answers.problem, "yellow")] if self.answers.problem else []
        if self.answers.indicators:
            age = (
                now_ms()
                - to_ms(datetime.fromisoformat(self.answers.indicators[0]["as_of"]["instant"]))
            ) / 1000
            lines.append(
                _line(
                    f"Gồm mọi việc nhận đến {_duration(age)} trước. / Everything accepted up to"
                    f" {_duration(age)} ago.",
                    "dim",
                )
            )
            if any(answer["coverage"]["complete"] is False for answer in self.answers.indicators):
                lines.append(_line(INCOMPLETE, "dim"))
        return lines + self._troubles()

    def _troubles(self) -> list[Text]:
        """What is wrong, a line each, with everybody whom it is wrong with. What somebody has to
        do is never cut.
        """
        ill = [(part.words(), part) for part in self.parts if not part.well]
        titles: dict[str, list[str]] = {}
        for words, part in ill:
            titles.setdefault(words, []).append(part.title)
        refusals = {words for words, part in ill if part.service.refused}
        lines = [(f"{', '.join(who)}: {words}", words) for words, who in titles.items()]
        return [
            Text(text, style="yellow") if words in refusals else _line(text, "yellow")
            for text, words in lines
        ]

    def _health(self) -> Text:
        return Text(" · ".join(dict.fromkeys(_of_part(part) for part in self.parts)))


def _of_part(part: HubPart) -> str:
    state = "ok" if part.well else "!"
    again = f" (restarted {times(part.service.restarts)})" if part.service.restarts else ""
    return f"{part.within or part.title} {state}{again}"


def _line(text: str, style: str = "") -> Text:
    """One line, cut where the screen ends."""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _name(answer: dict[str, Any], *, full: bool) -> RenderableType:
    name: dict[str, str] = answer["name"]
    if full:
        return Text.assemble(name["vi"], "\n", (name["en"], "dim"))
    return SHORT_LEGEND.get(answer["id"], name["vi"])


def _covered(coverage: dict[str, Any]) -> Text:
    """Agencies reporting of those expected; with a star when some do not."""
    if coverage["expected"] is None:
        return Text("–")
    told = f"{coverage['reporting']}/{coverage['expected']}"
    return Text(told) if coverage["complete"] else Text(f"{told} *", style="yellow")


def _of(answer: dict[str, Any]) -> str:
    """What a value is made of: a share of how many of how many, a mean of how many."""
    numerator, denominator = answer["numerator"], answer["denominator"]
    if denominator is None:
        return ""
    if answer["unit"] == "seconds" or numerator is None:
        return f"{denominator:,}"
    return f"{numerator:,}/{denominator:,}"


def _value(answer: dict[str, Any], name: str) -> str:
    value = answer[name]
    if value is None:
        return "–"
    if answer["unit"] == "share":
        return f"{value:.1%}"
    return _duration(value) if answer["unit"] == "seconds" else f"{value:,}"


def _duration(seconds: float) -> str:
    """A time in the unit that people say it in."""
    if seconds < 100:
        return f"{max(0.0, seconds):.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 6_000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3_600:,.1f} h" if seconds < 172_800 else f"{seconds / 86_400:,.1f} d"
