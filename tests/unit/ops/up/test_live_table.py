"""What somebody sees who runs the hub: everything on a screen of 80 by 24, in words and in both
languages.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from metrics.catalogue.indicators import load_indicators
from ops.up.live_table import INCOMPLETE, SHORT_LEGEND, LiveAnswers, Screen, _duration
from ops.up.parts import HubPart
from ops.up.run import addresses
from ops.up.supervise import Service
from schemas.errors import EXIT_REFUSED
from schemas.settings import Settings

MAIN = [indicator for indicator in load_indicators().values() if indicator.main]


def answer(reporting: int | None = 38, expected: int | None = 38, **other: Any) -> dict[str, Any]:
    return {
        "id": "sample_share",
        "name": {"vi": "Tỷ lệ mẫu", "en": "Sample share"},
        "unit": "share",
        "numerator": 1,
        "denominator": 4,
        "value": 0.25,
        "target": 0.5,
        "as_of": {"instant": "2025-11-12T10:00:00.000+07:00"},
        "coverage": {
            "reporting": reporting,
            "expected": expected,
            "complete": None if expected is None else reporting == expected,
        },
    } | other


def shipped() -> list[dict[str, Any]]:
    """Every main indicator that ships, with figures as large as a province's, none of them
    complete.
    """
    large = {"numerator": 1_234_567, "denominator": 2_345_678, "value": 1.0}
    of_unit = {
        "share": large,
        "count": large | {"denominator": None, "value": 1_234_567},
        "seconds": large | {"value": 126_000.0},
    }
    return [
        answer(
            150,
            163,
            id=one.id,
            name=one.name.model_dump(),
            unit=one.unit,
            target=1.0,
            **of_unit.get(one.unit, large),
        )
        for one in MAIN
    ]


def part(name: str, *, well: bool = True) -> HubPart:
    one = HubPart(name, name, Service(name, [], Path("none")), lambda: True)
    one.answered = one.answers_now = well
    if well:
        one.service.process = RUNNING
    return one


class Running:
    def poll(self) -> None:
        return None


class Refused:
    returncode = EXIT_REFUSED

    def poll(self) -> int:
        return EXIT_REFUSED


RUNNING: Any = Running()
REFUSED: Any = Refused()
PARTS = [part(name) for name in ("Kafka", "worker", "metrics", "gateway", "simulation")]


def shown(
    answers: Sequence[dict[str, Any]],
    *,
    width: int = 160,
    height: int = 50,
    parts: Sequence[HubPart] = PARTS,
    started: bool = True,
) -> list[str]:
    screen = Screen(parts, addresses(Settings(), sandbox=any(one.within for one in parts)))
    screen.started, screen.answers = started, LiveAnswers(list(answers))
    console = Console(
        file=StringIO(), width=width, height=height, force_terminal=True, color_system=None
    )
    console.print(screen)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return str(text).splitlines()


def test_everything_is_on_a_screen_of_80_by_24() -> None:
    lines = shown(shipped(), width=80, height=24)
    assert len(lines) < 24, "the cursor's own line is the last"
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    assert "…" not in text, "nothing is cut"
    for indicator in MAIN:
        assert SHORT_LEGEND[indicator.id] in text
    assert text.count("1,234,567/2,345,678") + text.count(" 1,234,567 ") + text.count(
        " 2,345,678 "
    ) >= len(MAIN)
    for told in (
        "http://127.0.0.1:8080/v1/events",
        "http://127.0.0.1:8081/v1/indicators",
        "127.0.0.1:9092",
        "Ctrl-C",
        INCOMPLETE,
    ):
        assert told in text
    for one in PARTS:
        assert f"{one.title} ok" in text


def test_with_a_sandbox_too_everything_is_on_a_screen_of_80_by_24() -> None:
    parts = [*PARTS, part("sandbox worker"), part("sandbox metrics")]
    for one in parts[-2:]:
        one.within = "sandbox"
    text = "\n".join(lines := shown(shipped(), width=80, height=24, parts=parts))
    assert len(lines) < 24
    assert "…" not in text, "nothing is cut"
    assert "simulation ok · sandbox ok" in text
    assert "http://127.0.0.1:8091/v1/indicators" in text
    parts[-1].answers_now = False
    text = " ".join(" ".join(shown(shipped(), width=80, height=24, parts=parts)).split())
    assert "sandbox ok · sandbox !" in text
    assert "sandbox metrics: " in text, "which of them, and why"


def test_without_kafka_nobody_is_told_to_be_well_and_all_of_it_fits_a_screen() -> None:
    """Services answer all the same, with what they know; who waits for it stands in one line."""
    parts = [part(name) for name in ("Kafka", "worker", "metrics", "gateway", "simulation")]
    parts[0].answers_now = False
    for one in parts[1:4]:
        one._began, one.held_up = 0.0, lambda: "no Kafka answers at 127.0.0.1:9092; waits for it"
    text = "\n".join(lines := shown(shipped(), width=80, height=24, parts=parts))
    assert len(lines) < 25
    assert "Ctrl-C" in lines[-1], "nothing is cut off"
    assert "Kafka ! · worker ! · metrics ! · gateway ! · simulation ok" in text
    assert text.count("no Kafka answers at 127.0.0.1:9092") == 1
    assert "worker, metrics, gateway: no Kafka answers" in text


@pytest.mark.parametrize("started", [True, False])
def test_what_somebody_has_to_do_is_not_cut(tmp_path: Path, started: bool) -> None:
    """A worker that refuses its books ends each minute; the line of its log holds the way out."""
    parts = [part(name) for name in ("Kafka", "worker", "metrics", "gateway")]
    worker = parts[1]
    worker.service = Service("worker", [], tmp_path / "worker.log")
    worker.service.log.write_text("These books lack much, " + "so " * 60 + "run `lgsp mend`\n")
    worker.service.process, worker.answers_now, worker._began = REFUSED, False, 0.0
    lines = shown(shipped(), width=80, height=24, parts=parts, started=started)
    assert "run `lgsp mend`" in " ".join(" ".join(lines).split())
    assert max(map(len, lines)) <= 80


def test_every_main_indicator_has_a_short_name_and_no_other() -> None:
    assert SHORT_LEGEND.keys() == {indicator.id for indicator in MAIN}


def test_with_room_names_are_in_full_in_both_languages() -> None:
    text = "\n".join(shown(shipped()))
    for indicator in MAIN:
        assert indicator.name.vi in text
        assert indicator.name.en in text


def test_an_indicator_of_ones_own_has_its_name() -> None:
    assert "Tỷ lệ mẫu" in "\n".join(shown([answer()], width=80, height=24))


def test_a_complete_figure_is_told_without_a_star() -> None:
    text = "\n".join(shown([answer()]))
    assert "38/38" in text
    assert "*" not in text


def test_where_coverage_does_not_apply_there_is_none() -> None:
    text = "\n".join(shown([answer(None, None)]))
    assert "None" not in text
    assert "*" not in text


def test_one_that_is_not_complete_has_a_star_and_a_sentence() -> None:
    text = "\n".join(shown([answer(), answer(30, 38)]))
    assert "30/38 *" in text
    assert "38/38 *" not in text
    assert INCOMPLETE in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0, "0.0 s"),
        (-1.0, "0.0 s"),
        (59, "59 s"),
        (900, "15 min"),
        (10_578, "2.9 h"),
        (400_000, "4.6 d"),
    ],
)
def test_times_are_in_the_unit_that_people_say_them_in(seconds: float, said: str) -> None:
    assert _duration(seconds) == said


@pytest.mark.parametrize(
    ("restarts", "said"), [(1, "restarted once"), (2, "restarted twice"), (5, "restarted 5 times")]
)
def test_how_often_a_part_was_started_again_is_in_words(restarts: int, said: str) -> None:
    one = part("worker")
    one.service.restarts = restarts
    assert f"worker ok ({said})" in "\n".join(shown([answer()], parts=[one]))


def test_a_part_that_ended_says_why_and_what_happens(tmp_path: Path) -> None:
    one = part("Kafka", well=False)
    one.service.log = tmp_path / "kafka.log"
    one.service.log.write_text(
        "started\nKafka ended while starting (No space left on device): mend that.\n"
    )
    one._began = 0.0
    lines = shown(shipped(), width=120, height=40, parts=[one, *PARTS[1:]])
    assert (
        "Kafka: ended, starts again in 0 s: Kafka ended while starting (No space left on device):"
        " mend that." in "\n".join(lines)
    )


def test_what_starts_is_told_from_the_first_second() -> None:
    starting, waits = part("Kafka", well=False), part("worker", well=False)
    waits.after = ("kafka",)
    starting._began, starting.service.process = 0.0, RUNNING
    screen = Screen([starting, waits], [])
    console = Console(file=StringIO(), width=80, height=24)
    console.print(screen)
    lines = console.file.getvalue().splitlines()  # type: ignore[attr-defined]
    assert lines[0].startswith("Đang khởi động / starting: 0 s (usual: 10 to 30 s")
    assert lines[1].startswith("  Kafka       starting, ")
    assert lines[2] == "  worker      waits for kafka"
