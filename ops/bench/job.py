"""The whole job: events waiting in Kafka, one real worker process, from its first commit to its
last; plain decoding before and after.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from ops.bench.decoding import Rate, decode_only
from ops.bench.load import write_province
from ops.bench.machine import Usage, usage
from ops.bench.names import Scale
from ops.bench.offsets import POLL_SECONDS, AppliedOffsets, PartitionOffsets, require_written
from ops.bench.report import Need, ReportLine
from ops.bench.stage import Stage, deadline, in_own_process, require_running
from ops.up.supervise import Service

_LONGEST = 900.0


def measure_job(stage: Stage, scale: Scale) -> list[ReportLine]:
    """Decode, job, decode: all three on the same events, so that what else the machine does meets
    them alike.
    """
    with stage.counting("Events are made", scale.events) as advance:
        ends = asyncio.run(write_province(stage.settings, scale.events, advance))
    asyncio.run(require_written(stage.settings, ends))
    before = _decoded(stage, ends)
    job, worker, broker = _job(stage, ends)
    after = _decoded(stage, ends)
    return job_lines(sum(ends.values()), before, job, after, worker, broker)


def job_lines(
    events: int, before: Rate, job: Rate, after: Rate, worker: Usage, broker: float
) -> list[ReportLine]:
    """The figures; `broker` is its CPU-seconds meanwhile."""
    ceiling = (before.per_second + after.per_second) / 2
    around = f"decoding alone {before.per_second:,.0f} before, {after.per_second:,.0f} after"
    beside = [before.per_million(before.cpu), after.per_million(after.cpu), job.per_million(broker)]
    return [
        ReportLine(
            f"whole job, one worker, {events:,} events waiting",
            job.per_second,
            "events/s",
            Need("at least", 50_000),
        ),
        ReportLine(
            "… of plain aiokafka decode-only",
            job.per_second / ceiling if ceiling else 0.0,
            "",
            Need("at least", 0.25),
            around,
        ),
        ReportLine(
            "… CPU-seconds per million events, worker",
            job.per_million(job.cpu),
            "s",
            note="plain decoding {:.1f} and {:.1f} s, broker {:.1f} s".format(*beside),
        ),
        ReportLine(
            "… memory of the worker at the end",
            worker.memory,
            "MB",
            note=f"at most {worker.peak:,.0f} MB",
        ),
    ]


def _decoded(stage: Stage, ends: PartitionOffsets) -> Rate:
    with stage.waiting("Plain decoding"):
        return in_own_process(decode_only, stage.settings, ends)


def _job(stage: Stage, ends: PartitionOffsets) -> tuple[Rate, Usage, float]:
    worker = stage.service("worker")
    with stage.counting("Whole job", sum(ends.values())) as advance:
        worker.start()
        found = asyncio.run(_follow(stage, worker, ends, advance))
    worker.stop()
    return found


async def _follow(
    stage: Stage, worker: Service, ends: PartitionOffsets, advance: Callable[[int], None]
) -> tuple[Rate, Usage, float]:
    total, broker = sum(ends.values()), stage.broker.pid or 0
    async with AppliedOffsets(stage.settings) as applied:
        first = await _progress(applied, worker, ends, 1, advance)
        began, cpu, broker_cpu = (
            time.monotonic(),
            usage(require_running(worker)).cpu,
            usage(broker).cpu,
        )
        await _progress(applied, worker, ends, total, advance)
        seconds, used = time.monotonic() - began, usage(require_running(worker))
        return Rate(total - first, seconds, used.cpu - cpu), used, usage(broker).cpu - broker_cpu


async def _progress(
    applied: AppliedOffsets,
    worker: Service,
    ends: PartitionOffsets,
    goal: int,
    advance: Callable[[int], None],
) -> int:
    """Wait until so many events are applied; how many are."""
    in_time = deadline("The whole job", _LONGEST)
    while (done := await applied.total(ends)) < goal:
        require_running(worker)
        in_time()
        advance(done)
        await asyncio.sleep(POLL_SECONDS)
    return done
