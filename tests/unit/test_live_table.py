"""The live table: a figure to which not every agency contributed says so."""

from __future__ import annotations

from io import StringIO
from typing import Any

from rich.console import Console

from ops.live_table import INCOMPLETE, Answers, LiveTable


def answer(reporting: int, expected: int) -> dict[str, Any]:
    return {
        "id": "sample_share", "name": {"vi": "Tỷ lệ mẫu", "en": "Sample share"}, "unit": "share",
        "numerator": 1, "denominator": 4, "value": 0.25, "target": 0.5, "as_of": {"instant": "2025-11-12T10:00:00.000+07:00"},
        "coverage": {"reporting": reporting, "expected": expected, "complete": reporting == expected},
    }  # fmt: skip


def shown(*answers: dict[str, Any]) -> str:
    console = Console(file=StringIO(), width=160)
    console.print(LiveTable().render(Answers(list(answers)), []))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


def test_a_complete_figure_is_told_without_a_star() -> None:
    text = shown(answer(38, 38))
    assert "38/38 " in text
    assert "*" not in text


def test_where_coverage_does_not_apply_there_is_none() -> None:
    registered = answer(0, 0) | {"coverage": {"reporting": None, "expected": None, "complete": None}}
    text = shown(registered)
    assert "None" not in text
    assert "*" not in text


def test_one_that_is_not_has_a_star_and_a_sentence() -> None:
    text = shown(answer(38, 38), answer(30, 38))
    assert "30/38 *" in text
    assert "38/38 *" not in text
    assert INCOMPLETE in text.replace("\n", "")
