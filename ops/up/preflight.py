"""What `lgsp up` looks at before it starts anything: whatever can be wrong with the machine or the
settings is said in one sentence.
"""

from __future__ import annotations

import asyncio
import errno
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from aiokafka.errors import KafkaError
from rich.console import Console

from metrics.catalogue.indicators import load_agencies, load_indicators
from ops.kafka.embedded import EmbeddedKafka
from ops.kafka.jars import classpath
from ops.kafka.processes import read_pid
from ops.simulate.run import MARKER
from ops.up.holders import Holder, can_be_told, holder_of
from schemas.errors import EnvironmentBroken, KafkaUnavailable, SettingsError
from schemas.kafka.topics import ensure_topics
from schemas.listening import open_to_others, require_free
from schemas.settings import Settings
from schemas.spaces import NO_HUB, OFFICIAL, is_sandbox
from schemas.storage import require_writable
from serving.access.opening import refuse_open

ORPHAN_SECONDS = 8.0  # that the processes of a killed `lgsp up` need at most to end
KAFKA_ORPHAN_SECONDS = 40.0
_QUIET_SECONDS = 1.0  # of waiting, before it is said
_PORTS = ("gateway_port", "metrics_port", "worker_port")
_SANDBOX_PORTS = ("sandbox_metrics_port", "sandbox_worker_port")


def check_machine(settings: Settings, console: Console) -> None:
    """Returns once everything can be started; says what it waits for.

    Raises: HubError naming what is wrong, and what to do.
    """
    load_indicators(settings.indicators)
    load_agencies(settings.agencies)
    if is_sandbox(settings.space):
        raise SettingsError(f"LGSP_SPACE is {settings.space}, {NO_HUB}")
    _require_different_ports(settings)
    require_writable(settings.data, "The hub")
    refuse_open(settings, "The hub")
    if warning := open_to_others("Kafka", settings.kafka_host, "LGSP_KAFKA_HOST"):
        console.print(warning, style="yellow", markup=False)
    if settings.space == OFFICIAL and (settings.data / MARKER).exists():
        console.print(
            f"An earlier version told simulated facts into the official figures of {settings.data}:"
            " for real ones set LGSP_DATA to a new folder.",
            style="yellow",
            markup=False,
        )
    for name in _ports(settings):
        if port := getattr(settings, name):
            require = partial(_require_free, settings, name, port)
            _once_free(require, partial(holder_of, port), console, ORPHAN_SECONDS)
    if settings.embedded:
        broker = EmbeddedKafka.of(settings)
        holder = partial(_holder_of_kafka, broker)
        _once_free(broker.require_startable, holder, console, KAFKA_ORPHAN_SECONDS)
        # the download shows its own progress
        classpath(home=settings.kafka_home, repository=settings.kafka_repository)
    else:
        _look_at_topics(settings)


def _ports(settings: Settings) -> list[str]:
    """What is listened on, or will be once a client is in the sandbox."""
    return [*_PORTS, *(_SANDBOX_PORTS if settings.access == "required" else ())]


def _look_at_topics(settings: Settings) -> None:
    """That a Kafka which runs already has no topics of other settings; one that does not answer is
    waited for by whoever needs it.
    """
    with suppress(KafkaUnavailable, KafkaError, OSError):
        asyncio.run(ensure_topics(settings))


def _require_different_ports(settings: Settings) -> None:
    names = [*_ports(settings), "kafka_port"] if settings.embedded else _ports(settings)
    taken: dict[int, str] = {}
    for name in names:
        port = getattr(settings, name)
        if port and port in taken:
            both = f"LGSP_{taken[port].upper()} and LGSP_{name.upper()}"
            raise SettingsError(f"{both} are both {port}: give each a port of its own.")
        taken[port] = name


def _require_free(settings: Settings, name: str, port: int) -> None:
    who, setting = f"The {name.removesuffix('_port')}", f"LGSP_{name.upper()}"
    require_free(who, settings.host, port, setting)


def _holder_of_kafka(broker: EmbeddedKafka) -> Holder | None:
    """Who has the broker's port, or else its folder."""
    owner = read_pid(broker.owner_lock)
    return holder_of(broker.port) or (None if owner is None else Holder(owner))


def _may_pass(error: EnvironmentBroken) -> bool:
    """Whether it may be because of a process that is ending: it has the port, or the folder's
    lock.
    """
    cause = error.__cause__
    return isinstance(cause, OSError) and cause.errno in (errno.EADDRINUSE, errno.EAGAIN)


def _once_free(
    require: Callable[[], None],
    holder: Callable[[], Holder | None],
    console: Console,
    seconds: float,
) -> None:
    """Wait a little for the processes of a killed `lgsp up` to end, and for nobody else's.

    Raises: EnvironmentBroken, with who has it, if it is still not free then.
    """
    began, said = time.monotonic(), False
    while True:
        try:
            require()
        except EnvironmentBroken as error:
            waited = time.monotonic() - began
            if not _may_pass(error):
                raise
            found = holder()
            if waited > seconds or _is_somebody_elses(found, waited):
                raise _held(error, found) from error.__cause__
            if waited > _QUIET_SECONDS and not said:
                said = True
                console.print(
                    f"Waiting up to {seconds:.0f} s for what a former run left behind: {error}",
                    style="dim",
                    markup=False,
                )
            time.sleep(0.2)
        else:
            return


def _is_somebody_elses(holder: Holder | None, waited: float) -> bool:
    """Whether waiting is of no use. Whom nobody can see may just be ending."""
    if holder is None:
        return can_be_told() and waited > _QUIET_SECONDS
    return not holder.left_behind


def _held(error: EnvironmentBroken, holder: Holder | None) -> EnvironmentBroken:
    """The same, with who has it where that is not said yet."""
    if holder is None or f"process {holder.pid})" in str(error):
        return error
    return EnvironmentBroken(f"{error} {holder.words()}".rstrip())
