"""`lgsp simulate`: a finished stretch of history with its exact figures, or a live stream behind
some weeks of history.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec
from rich.console import Console

from connectors.publishing.publisher import Publisher
from ops.simulate.form06a import date_of, ordinal_day
from ops.simulate.live import LiveProvince
from ops.simulate.live_beside import LiveBeside
from ops.simulate.sinks import GatewaySink, Sink
from ops.simulate.truth import Truth
from ops.simulate.verdict import print_figures, write_figures
from ops.simulate.whole import whole_province
from schemas.clock import DAY_MS, ZONE, day_number, now_ms, to_ms
from schemas.errors import EnvironmentBroken, SettingsError
from schemas.events import Event
from schemas.kafka.topics import ensure_topics
from schemas.periods import period
from schemas.settings import Settings
from schemas.spaces import OFFICIAL, SIMULATED

START = 1_767_546_000_000  # Monday 5 January 2026, 0:00 in the province
# A finished history ends here, so that a run repeats to the byte; it holds the reporting year 2025
# and the first quarter of 2026.
ENDS = to_ms(datetime(2026, 3, 15, tzinfo=ZONE))
_SEED, _DOSSIERS, _DAYS = 1, 10_000, 455
_BATCH = 2_000
_LIVE_RATE = 5.0
_LIVE_DOSSIERS = 12_000
_TO_NEW_YEAR = 17  # days from the beginning of a reporting year to that of the year
MARKER = "simulated.json"


@dataclass(frozen=True)
class Past:
    """The history behind a live stream, as kept in the marker file: it is told once and is the same
    whenever it is told again.
    """

    seed: int
    dossiers: int
    days: int
    start: int
    told: bool = False


def require_made_up(settings: Settings) -> None:
    """Made-up facts stay out of the official figures: nothing that was told can be untold.

    Raises: SettingsError in the official space.
    """
    if settings.space == OFFICIAL:
        raise SettingsError(
            f"A simulation tells made-up facts, and the space {OFFICIAL} holds real ones: nothing"
            f" was told. Set LGSP_SPACE={SIMULATED} for this command and for those that look at"
            " what it tells; `make run` does."
        )


async def simulate(
    settings: Settings,
    *,
    seed: int = _SEED,
    dossiers: int = _DOSSIERS,
    days: int = _DAYS,
    start: int | None = None,
    rate: float = 0.0,
    live: bool = False,
    future: bool = True,
    publisher: Sink,
    stop: asyncio.Event | None = None,
) -> Truth:
    """Tell events and return their exact figures.

    Without `start` (epoch ms) a history ends on 14 March 2026. `rate` is in events/s, 0 for as fast
    as the publisher takes them. With `live`, `start` is not used: history of `days` days up to now
    is told unless the data folder says that it was, then facts of the present until `stop` is set.
    Without `future` no event lies ahead of its report: the gateway would refuse it.

    Raises: KafkaUnavailable when events could not be stored.
    """
    stop = stop or asyncio.Event()
    if live:
        return await _live(
            settings,
            publisher,
            Past(seed, dossiers, days, now_ms() - days * DAY_MS),
            rate or _LIVE_RATE,
            stop,
            future,
        )
    truth, begins = Truth(), ENDS - days * DAY_MS if start is None else start
    told = (
        event
        for _, event in whole_province(seed, dossiers, begins, days, truth=truth, future=future)
    )
    await _tell(publisher, told, rate, stop)
    return truth


async def _tell(publisher: Sink, told: Iterator[Event], rate: float, stop: asyncio.Event) -> None:
    clock = asyncio.get_running_loop().time
    began, count = clock(), 0
    size = _BATCH if not rate else max(1, min(_BATCH, int(rate / 10)))
    while not stop.is_set() and (batch := list(islice(told, size))):
        await publisher.publish(batch)
        count += len(batch)
        if rate:
            await _pause(stop, began + count / rate - clock())


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), max(0.0, seconds))


async def _live(
    settings: Settings,
    publisher: Sink,
    wanted: Past,
    rate: float,
    stop: asyncio.Event,
    future: bool,
) -> Truth:
    truth = Truth()
    path = settings.space_folder / MARKER
    past = read_past(path) or wanted
    if not past.told:
        write_past(path, past)  # first, so that a killed start tells the very same history again
        history = whole_province(
            past.seed, past.dossiers, past.start, past.days, truth=truth, backfill=True
        )
        await _tell(publisher, (event for _, event in history), 0.0, stop)
        if not stop.is_set():
            write_past(path, Past(past.seed, past.dossiers, past.days, past.start, told=True))
    province, beside = LiveProvince(wanted.seed, now_ms()), LiveBeside(wanted.seed, now_ms())
    if not stop.is_set():
        await publisher.publish(beside.opening(now_ms(), future=future))
    await _tell(publisher, _present(province, beside), rate, stop)
    truth.include(province.truth())
    truth.include(beside.truth())
    return truth


def _present(province: LiveProvince, beside: LiveBeside) -> Iterator[Event]:
    while True:
        yield beside.next(now_ms()) if beside.turn() else province.next(now_ms())


def read_past(path: Path) -> Past | None:
    """What the marker file says; None before the first live run.

    Raises: EnvironmentBroken for a marker that can't be understood.
    """
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Past)
    except msgspec.DecodeError as error:
        raise EnvironmentBroken(
            f"{path} is damaged ({error}): delete the data folder to begin anew, or set SIMULATE=0."
        ) from error


def write_past(path: Path, past: Past) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".tmp")
    fresh.write_bytes(msgspec.json.encode(asdict(past)))
    fresh.replace(path)


def run_simulate(
    settings: Settings,
    *,
    seed: int = _SEED,
    dossiers: int | None = None,
    days: int | None = None,
    rate: float = 0.0,
    live: bool = False,
    via_gateway: bool = False,
    figures: Path | None = None,
    console: Console | None = None,
) -> int:
    """What `lgsp simulate` does; prints the exact figures at the end, of a live stream too; returns
    the exit code.

    Raises: SettingsError in the official space.
    """
    require_made_up(settings)
    truth = asyncio.run(_run(settings, seed, dossiers, days, rate, live, via_gateway))
    asked_at = now_ms()
    print_figures(truth, console or Console(), asked_at)
    if figures is not None:
        write_figures(truth, figures, asked_at)
    return 0


def days_of_history(now: int) -> int:
    """How many days of history are behind a live stream: since the beginning of the reporting year
    before this one, which is then as full as this one.
    """
    begun = period(f"report:{date_of(day_number(now) + _TO_NEW_YEAR).year - 1}").bounds[0]
    return day_number(now) - ordinal_day(begun)


async def _run(
    settings: Settings,
    seed: int,
    dossiers: int | None,
    days: int | None,
    rate: float,
    live: bool,
    via_gateway: bool,
) -> Truth:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    if not via_gateway:
        # the first to tell anything to a space
        await ensure_topics(settings)
    async with GatewaySink(settings) if via_gateway else Publisher(settings) as publisher:
        return await simulate(
            settings,
            seed=seed,
            dossiers=dossiers or (_LIVE_DOSSIERS if live else _DOSSIERS),
            days=days or (days_of_history(now_ms()) if live else _DAYS),
            rate=rate,
            live=live,
            future=not via_gateway,
            publisher=publisher,
            stop=stop,
        )
