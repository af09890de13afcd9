"""Every measurement at its smallest, on a real Kafka: the counts add up. How long anything took is
nobody's business here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from rich.console import Console

from ops.bars import bars
from ops.bench import api, failover, gateway, job, latency, soak, takeover
from ops.bench.load import DAYS, YEAR, no_events, province, waiting_record
from ops.bench.machine import two_cores
from ops.bench.names import Scale
from ops.bench.offsets import AppliedOffsets, PartitionOffsets, ends_of, require_written
from ops.bench.report import ReportLine
from ops.bench.run import run_bench
from ops.bench.stage import Stage
from ops.simulate.stream import events
from schemas.cells.kinds import APPLIED, APPLIED_MEASURES
from schemas.cells.pages import cells_of_page
from schemas.errors import EnvironmentBroken
from schemas.kafka.clients import consumer
from schemas.kafka.reading import read_to_end
from schemas.settings import Settings
from schemas.topics import CELLS

pytestmark = pytest.mark.kafka
SMALL = Scale.of(2_000)


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    access = getattr(request, "param", "open")
    with (
        two_cores() as cores,
        bars(Console(file=StringIO())) as progress,
        Stage(Settings(access=access), progress, cores) as found,
    ):
        yield found


def test_the_province_comes_from_two_processes_in_the_order_of_report() -> None:
    made = list(province(40, 4))
    times = [at for at, *_ in made]
    assert times == sorted(times)
    alone = [
        waiting_record(event, at, 4)
        for seed in (1, 2)
        for at, event in events(seed, 20, YEAR, DAYS)
    ]
    assert sorted(made) == sorted(alone)


def held(stage: Stage) -> int:
    """Events in Kafka."""
    return sum(asyncio.run(ends_of(stage.settings, no_events(stage.settings))).values())


def applied(stage: Stage) -> PartitionOffsets:
    async def ask() -> PartitionOffsets:
        async with AppliedOffsets(stage.settings) as found:
            return await found.offsets()

    return asyncio.run(ask())


def said(line: ReportLine) -> int:
    """The number of things that a line is about."""
    found = re.search(r"(\d[\d,]*) (events|dossiers|probes)", f"{line.what} {line.note}")
    assert found is not None
    return int(found[1].replace(",", ""))


async def published(stage: Stage) -> dict[tuple[str, str], int]:
    """Sums of the first measure of every kind of cell (of how far they are applied: of the offset),
    read from the topic.
    """
    sums: dict[tuple[str, str], int] = {}
    async with consumer(stage.settings) as reader:
        for number in range(stage.settings.partitions):
            partition, newest = TopicPartition(CELLS, number), {}
            reader.assign([partition])
            async for _, records in read_to_end(reader, partition):
                newest |= {record.key: record.value for record in records}
            for cell, counts in (
                found for page in newest.items() for found in cells_of_page(*page)
            ):
                first = APPLIED_MEASURES.index("offset") if cell.kind == APPLIED else 0
                sums[cell.family, cell.kind] = sums.get((cell.family, cell.kind), 0) + counts.get(
                    first, 0
                )
    return sums


def test_job(stage: Stage) -> None:
    whole, *_, memory = job.measure_job(stage, SMALL)
    assert said(whole) == held(stage) == sum(applied(stage).values()) > 1_500
    sums = asyncio.run(published(stage))
    assert sums["dossiers", APPLIED] + sums["documents", APPLIED] == held(stage)
    assert memory.measured > 10


def test_takeover(stage: Stage) -> None:
    time, memory = takeover.measure_takeover(stage, SMALL)
    assert said(time) == SMALL.books
    sums = asyncio.run(published(stage))
    assert 0 < sums["dossiers", "received"] <= SMALL.books
    assert time.measured > 0
    assert memory.measured > 0


def test_failover(stage: Stage) -> None:
    (line,) = failover.measure_failover(stage, SMALL)
    assert line.measured > 0
    assert sum(applied(stage).values()) > SMALL.history / 2


@pytest.mark.parametrize("stage", ["open", "required"], indirect=True)
def test_gateway(stage: Stage) -> None:
    """Also where each request has to say who sends it."""
    rate, share = gateway.measure_gateway(stage, SMALL)
    assert "500" in rate.note
    assert held(stage) % 500 == 0
    assert f"{held(stage):,} events" in rate.note
    assert rate.measured > 0
    assert share.measured > 0


def test_latency(stage: Stage) -> None:
    *lines, busy = latency.measure_latency(stage, SMALL)
    assert [said(line) for line in lines if line.note] == [
        SMALL.probes // latency.WAYS
    ] * latency.WAYS
    assert all(name in busy.note for name in ("gateway", "worker", "metrics", "Kafka"))
    assert sum(applied(stage).values()) >= held(stage) > SMALL.history / 2 + SMALL.probes
    for median, tail in (lines[:2], lines[2:]):
        assert 0 <= median.measured <= tail.measured


def test_api(stage: Stage) -> None:
    lines = api.measure_api(stage, SMALL)
    figures, slowest, page, slow_page, scrape, slow_scrape, *others = lines
    assert [line.what for line in others[:2]] == [
        "form 06a of a year by agency, p50",
        "form 06a of a year by field, p50",
    ]
    assert all(line.measured > 0 for line in others)
    assert f"{SMALL.province:,} dossiers" in figures.what
    assert slowest.note == f"{SMALL.asked} answers"
    lists = len(list(api.listed()))
    assert slow_page.note.startswith(f"{lists} lists, ")
    assert lists > 50
    for median, tail in ((figures, slowest), (page, slow_page), (scrape, slow_scrape)):
        assert 0 < median.measured <= tail.measured


def test_soak(stage: Stage) -> None:
    found = soak.measure_soak(stage, SMALL)
    whole = re.search(r"([\d,]+) events", found[-1].note)
    assert whole is not None
    assert int(whole[1].replace(",", "")) == SMALL.held + round(soak.RATE * SMALL.soak)
    assert {line.what.partition(":")[0] for line in found[:4]} == {"Kafka", *soak.PROCESSES}
    assert all(line.measured > 0 for line in found)


def test_the_command_writes_its_table_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    console = Console(file=StringIO(), width=200)
    assert (
        run_bench(
            Settings(), ["gateway"], events=1_000, markdown=tmp_path / "table.md", console=console
        )
        == 0
    )
    text = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert text.startswith("| what | needed | measured | ratio | met? |")
    assert "Shrunk to 1,000 events" in text
    assert "gateway, one core" in console.file.getvalue()  # type: ignore[attr-defined]
    assert [found.name for found in tmp_path.iterdir()] == ["table.md"]


def test_lost_events_are_no_measurement(stage: Stage) -> None:
    ends = no_events(stage.settings)
    asyncio.run(require_written(stage.settings, ends))
    with pytest.raises(EnvironmentBroken, match="holds 0 of 1 events"):
        asyncio.run(require_written(stage.settings, ends | {("lgsp.dossiers", 0): 1}))
