"""The pure parts of `lgsp bench`: how figures are made, judged and told."""

from __future__ import annotations

import os
from contextlib import nullcontext
from io import StringIO
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ops.bench import api, failover, latency, machine, report, run, soak
from ops.bench.decoding import Rate
from ops.bench.job import job_lines
from ops.bench.load import DAYS, EVENTS_A_DOSSIER, YEAR, dossiers_for
from ops.bench.machine import Usage, clock_seconds, usage
from ops.bench.names import ASKED_FOR, MEASUREMENTS, WHOLE_JOB_EVENTS, Scale
from ops.bench.offsets import PartitionOffsets
from ops.bench.report import Need, ReportLine, number, percentile
from ops.bench.requests import bodies
from ops.bench.stage import deadline, stage_environment
from ops.bench.takeover import Opened, takeover_lines
from ops.cli import cli
from ops.simulate.run import START
from ops.simulate.stream import events
from schemas.clock import to_datetime
from schemas.errors import EnvironmentBroken
from schemas.settings import Settings

FAST, SLOW = (
    ReportLine("a", 60_000, "events/s", Need("at least", 50_000)),
    ReportLine("b", 14, "s", Need("at most", 7), "median of 3"),
)


def test_a_ratio_above_one_meets_the_need_whichever_way_it_points() -> None:
    assert (FAST.ratio, FAST.met) == (1.2, True)
    assert (SLOW.ratio, SLOW.met) == (0.5, False)
    assert ReportLine("exactly", 7, "s", Need("at most", 7)).met is True
    assert ReportLine("at once", 0, "s", Need("at most", 7)).met is True
    assert (ReportLine("told", 3).ratio, ReportLine("told", 3).met) == (None, None)


def test_a_line_tells_what_was_needed_and_how_it_went() -> None:
    assert FAST.cells() == ("a", "≥ 50,000 events/s", "60,000 events/s", "1.20", "yes")
    assert SLOW.cells() == ("b", "≤ 7 s", "14 s (median of 3)", "0.50", "no")
    assert ReportLine("memory", 431.4, "MB").cells() == ("memory", "–", "431 MB", "–", "–")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.2849, "0.28"),
        (7, "7"),
        (7.04, "7.04"),
        (9.996, "10.0"),
        (14.46, "14.5"),
        (99.96, "100"),
        (64_123.4, "64,123"),
    ],
)
def test_numbers_show_what_counts(value: float, text: str) -> None:
    assert number(value) == text


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(value) for value in range(200, 0, -1)]
    assert (percentile(values, 50), percentile(values, 99), percentile(values, 100)) == (
        100,
        198,
        200,
    )
    assert percentile([5.0], 50) == percentile([5.0], 99) == 5.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.integers(1, 100))
def test_a_percentile_is_the_least_value_that_enough_do_not_exceed(
    values: list[float], percent: int
) -> None:
    found = percentile(values, percent)
    enough = len(values) * percent / 100
    assert found in values
    assert sum(value <= found for value in values) >= enough
    assert sum(value < found for value in values) < enough


def test_markdown_is_one_table_with_the_machine_below() -> None:
    text = report.report_markdown([FAST, ReportLine("x|y", 1)], "Measured on: a machine.")
    assert text.splitlines() == [
        "| what | needed | measured | ratio | met? |",
        "| --- | --- | --- | --- | --- |",
        "| a | ≥ 50,000 events/s | 60,000 events/s | 1.20 | yes |",
        "| x\\|y | – | 1 | – | – |",
        "",
        "Measured on: a machine.",
    ]


def test_the_terminal_shows_every_line() -> None:
    console = Console(file=StringIO(), width=200)
    console.print(report.report_table([FAST, SLOW], "title", "caption"))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(cell in shown for line in (FAST, SLOW) for cell in line.cells())
    assert "title" in shown
    assert "caption" in shown


def test_the_whole_scale_is_that_of_the_needs() -> None:
    whole = Scale.of(WHOLE_JOB_EVENTS)
    assert (whole.events, whole.books, whole.kills, whole.probes >= 200, whole.whole) == (
        WHOLE_JOB_EVENTS,
        1_000_000,
        3,
        True,
        True,
    )
    assert Scale.of(2 * WHOLE_JOB_EVENTS).books == 1_000_000
    small = Scale.of(2_000)
    assert not small.whole
    assert small.books < 2_000
    assert small.kills == 1
    assert (whole.province, whole.asked) == (300_000, 200)
    assert small.province < 600


def test_the_job_is_told_beside_the_mean_of_what_decoding_took_before_and_after() -> None:
    before, job, after = Rate(1_000_000, 5, 5), Rate(1_000_000, 16, 15), Rate(1_000_000, 10, 9)
    whole, share, cpu, memory = job_lines(1_000_100, before, job, after, Usage(20, 300, 310), 4.0)
    assert whole.measured == 62_500
    assert share.measured == pytest.approx(62_500 / 150_000)
    assert "200,000 before, 100,000 after" in share.note
    assert (cpu.measured, cpu.note) == (15, "plain decoding 5.0 and 9.0 s, broker 4.0 s")
    assert (memory.measured, whole.met, share.met) == (300, True, True)


def test_answers_are_told_by_median_and_tail_with_the_slowest_list() -> None:
    pages = {"late numerator": [0.01, 0.02, 0.09], "open numerator": [0.03, 0.03, 0.03]}
    first, last = api._AS_OF
    run = api.Run(
        figures=[0.02, 0.03, 0.2],
        scrapes=[0.1],
        pages=pages,
        forms={"agency": [0.2], "field": [2.0]},
        days={first: [0.006], last: [0.005]},
    )
    found = api.api_lines(run, Scale.of(WHOLE_JOB_EVENTS))
    assert [round(line.measured) for line in found[:-1]] == [30, 200, 30, 90, 100, 100, 200, 2_000]
    assert [line.met for line in found[:7]] == [True, False, True, True, True, True, True]
    assert [line.met for line in found[7:]] == [False, False]
    assert found[-1].measured == pytest.approx(1.2)
    assert found[0].what == "every indicator of 300,000 dossiers, p50"
    assert found[3].note == "2 lists, 6 pages; slowest open numerator, 30 ms"


def test_a_list_that_is_not_its_figure_is_no_measurement() -> None:
    api._require_whole("absent", {"figure": None, "same_moment": None})
    api._require_whole("equal", {"figure": 3, "adds": 3, "same_moment": True})
    with pytest.raises(
        EnvironmentBroken, match="The list of late adds up to 2 and its figure is 3"
    ):
        api._require_whole("late", {"figure": 3, "adds": 2, "same_moment": False})


def test_memory_is_the_whole_process_per_million_dossiers() -> None:
    opened = Opened(
        3.0,
        {"dossiers": 500_000, "documents": 60_000, "heartbeats": 0},
        400_000,
        Usage(9, 300, 320),
    )
    time, memory = takeover_lines(opened)
    assert (time.measured, time.met) == (3.0, True)
    assert (memory.measured, memory.met) == (600, False)
    assert "60,000 documents" in time.note


def test_what_the_system_tells_of_this_process() -> None:
    used = usage(os.getpid())
    assert used.cpu > 0
    assert used.peak >= used.memory > 10
    assert usage(os.getpid()).cpu >= used.cpu
    with pytest.raises(ProcessLookupError):
        usage(2**22 + 1)  # beyond the greatest process number of Linux


@pytest.mark.parametrize(
    ("text", "seconds"), [("0:01.50", 1.5), ("01:02:03", 3723.0), ("12", 12.0)]
)
def test_times_as_ps_tells_them(text: str, seconds: float) -> None:
    assert clock_seconds(text) == seconds


def test_two_cores_at_most_and_all_given_back() -> None:
    before = machine.cores()
    with machine.two_cores() as chosen:
        assert machine.cores() == chosen == before[:2]
    assert machine.cores() == before


def test_a_process_gets_every_setting_but_the_empty_ones() -> None:
    variables = stage_environment(Settings(kafka_servers="", app_id="bench", worker_port=0))
    assert variables["LGSP_APP_ID"] == "bench"
    assert variables["LGSP_WORKER_PORT"] == "0"
    assert not {"LGSP_KAFKA_SERVERS", "LGSP_KAFKA_HOME"} & variables.keys()


def test_a_wait_that_takes_too_long_says_what_did_not_happen() -> None:
    deadline("The start", 60)()
    with pytest.raises(EnvironmentBroken, match="The start did not happen within"):
        deadline("The start", -1)()


def test_about_so_many_events_are_made() -> None:
    made = sum(1 for _ in events(3, 1_000, YEAR, DAYS))
    assert made == pytest.approx(1_000 * EVENTS_A_DOSSIER, rel=0.1)
    assert dossiers_for(1) == 1


def test_requests_hold_whole_batches_of_the_past() -> None:
    made = [msgspec.json.decode(body) for body in bodies(5, 300, 50)]
    assert made
    assert {len(batch) for batch in made} == {50}
    assert max(event["time"] for batch in made for event in batch) < to_datetime(START).isoformat()


def test_the_ways_to_look_take_turns() -> None:
    api, metrics = latency.Sight(0, [0.1, 5.0, 0.2]), latency.Sight(1, [5.0, 0.3])
    assert (api.own, metrics.own) == ([0.1, 0.2], [0.3])
    assert [api.looking(accepted) for accepted in (3, 4, 5, 6)] == [False, False, True, True]
    assert [metrics.looking(accepted) for accepted in (2, 3, 4)] == [False, False, True]


def test_going_on_means_every_partition_past_the_kill() -> None:
    goals: PartitionOffsets = {("t", 0): 5, ("t", 1): 0}
    assert not failover._passed({("t", 0): 6}, goals)
    assert not failover._passed({("t", 0): 5, ("t", 1): 1}, goals)
    assert failover._passed({("t", 0): 6, ("t", 1): 1}, goals)


def test_each_probe_is_seen_once_when_the_count_reaches_it() -> None:
    sight, accepted = latency.Sight(0), [10.0, 11.0, 12.0]
    sight.seen(0, accepted, 10.5)
    assert sight.took == []
    sight.seen(2, accepted, 11.5)
    sight.seen(2, accepted, 11.9)
    assert sight.took == [1.5, 0.5]
    sight.seen(4, accepted, 11.95)  # the fourth is there before its 202 was heard of
    assert sight.took == [1.5, 0.5, 0.0]


def test_the_probed_agency_in_the_exposition() -> None:
    text = (
        'lgsp_dossiers_open{agency="H35.SAMPLE.S01"}'
        f' 9\nlgsp_dossiers_open{{agency="{latency.PROBED}"}} 17\nother 3\n'
    )
    assert latency.in_exposition(text) == 17
    assert latency.in_exposition("lgsp_dossiers_open 4\n") == 0


def test_median_and_99th_percentile_of_one_way_to_look() -> None:
    sight = latency.Sight(
        0, [took for own in [0.05] * 98 + [0.4] * 2 for took in (own, 9.9)], looks=300
    )
    median, tail = latency.latency_lines("the API", sight, 999.6)
    assert (median.measured, median.met) == (50, True)
    assert (tail.measured, tail.met) == (400, False)
    assert tail.note == "100 probes at 1,000 events/s, 300 looks"


def test_one_measurement_that_fails_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fails(*_: object) -> list[ReportLine]:
        raise EnvironmentBroken("Kafka holds 1 of 2 events written: measure again.")

    monkeypatch.setattr(run, "Stage", lambda *_: nullcontext())
    monkeypatch.setattr("ops.bench.job.measure_job", fails)
    monkeypatch.setattr("ops.bench.gateway.measure_gateway", lambda *_: [FAST])
    console, table = Console(file=StringIO(), width=200), tmp_path / "table.md"
    assert run.run_bench(Settings(), ["gateway", "job"], markdown=table, console=console) == 1
    assert "job could not be measured: Kafka holds 1 of 2" in console.file.getvalue()  # type: ignore[attr-defined]
    assert "| a | ≥ 50,000 events/s |" in table.read_text(encoding="utf-8")
    assert run.run_bench(Settings(), ["gateway"], console=console) == 0


def test_only_what_exists_can_be_measured() -> None:
    found = CliRunner().invoke(cli, ["bench", "speed"])
    assert found.exit_code == 2
    assert all(name in found.output for name in MEASUREMENTS)


def test_the_scales_of_the_parts_are_in_order() -> None:
    scales = [Scale.of(events) for events in (1_000, 10_000, 100_000, WHOLE_JOB_EVENTS)]
    assert all(
        one.books <= other.books and one.probes <= other.probes for one, other in pairwise(scales)
    )


def grown(samples: list[soak.Sample]) -> dict[str, ReportLine]:
    return {
        line.what: line
        for line in soak.soak_lines(
            soak.Soak(500_000, {"worker": samples}, {"lists on disk": 40.0})
        )
    }


def test_a_soak_compares_the_end_with_what_was_after_a_third() -> None:
    """What a process needs at its start is not what it grows by."""
    rising = [soak.Sample(100 + min(30, number), 50) for number in range(90)]
    found = grown(rising)
    memory = found["worker: memory at the end / after a third"]
    assert (memory.measured, memory.met, memory.note) == (1.0, True, "130 → 130 MB")
    leaking = grown([soak.Sample(100 + number, 50 + number) for number in range(90)])
    assert leaking["worker: memory at the end / after a third"].met is False
    assert leaking["worker: descriptors at the end / after a third"].met is False


def test_a_soak_tells_the_disk_of_a_million_events_and_no_descriptors_where_there_are_none() -> (
    None
):
    found = grown([soak.Sample(100, 0)] * 30)
    assert found["lists on disk, a million events"].measured == 80
    assert [what for what in found if "descriptors" in what] == []


def test_own_descriptors_are_counted() -> None:
    before = machine.descriptors(os.getpid())
    with open(os.devnull):
        assert machine.descriptors(os.getpid()) == before + 1 > 1
    assert machine.descriptors(2**22 + 1) == 0


def test_the_soak_is_measured_only_where_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []
    monkeypatch.setattr(
        run, "_measured", lambda settings, name, *_: measured.append(name) or [FAST]
    )
    assert run.run_bench(Settings(), console=Console(file=StringIO())) == 0
    assert set(measured) == MEASUREMENTS.keys() - ASKED_FOR
    measured.clear()
    run.run_bench(Settings(), ["soak"], console=Console(file=StringIO()))
    assert measured == ["soak"]
