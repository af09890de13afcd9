"""While Kafka is away, logs say so once and stay readable; while it is there, what libraries repeat
is said seldom.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from connectors.publishing import publisher
from schemas.pauses import _JITTER, _SHARE, LEAST_PAUSE, MOST_PAUSE, Pauses
from schemas.settings import Settings
from serving.absence import Absence
from serving.logs import (
    CLIENTS,
    FIRST_SECONDS,
    LONGEST_SECONDS,
    REPEATS,
    Held,
    Seldom,
    configuration,
)

NAMES = ("aiokafka", "aiokafka.consumer.fetcher", "streams.worker", Absence.LOGGER)


class Broker:
    """Answers as `why` says; pauses between questions end once `go` is set."""

    def __init__(self) -> None:
        self.why = ""
        self.asked, self.now, self.step = 0, 100.0, 0.0
        self.moment = 100.0  # by the clock of who asks
        self.answers_at = 10_000  # which question it answers again
        self.go = threading.Event()

    def ask(self, bootstrap: str) -> str:
        self.asked += 1
        logging.getLogger("aiokafka").error("no node")  # as the question itself says
        if self.asked >= self.answers_at:
            self.why = ""
        return self.why

    def clock(self) -> float:
        self.now += self.step
        return self.now

    def pause(self, seconds: float) -> None:
        assert self.go.wait(30)
        self.moment += seconds


def settled(broker: Broker) -> None:
    """Wait until nobody suspects anything any more."""
    broker.go.set()
    for _ in range(100):
        watching = [thread for thread in threading.enumerate() if thread.name == Absence.THREAD]
        if not watching:
            return
        for thread in watching:
            thread.join(5)
    raise AssertionError("it is suspected for ever")


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def absence(broker: Broker) -> Absence:
    return Absence("kafka:9", broker.ask, broker.pause, lambda: broker.moment)


@pytest.fixture
def said(absence: Absence, broker: Broker) -> Iterator[list[str]]:
    """What came through, in the manner of the hub's processes."""
    found: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(re.sub(r" after \d+ s", "", record.getMessage()))

    handler = Kept()
    handler.addFilter(Held(absence, Seldom(broker.clock)))
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
    yield found
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True


def noise() -> None:
    """What one lost connection makes libraries and the hub's own attempts say."""
    for number in range(500):
        logging.getLogger("aiokafka").error("no node %s", number)
        logging.getLogger("aiokafka.consumer.fetcher").warning("no fetch: %r", OSError(number))
        logging.getLogger("streams.worker").warning("waits: %s", number, extra=REPEATS)


def test_kafka_away_is_a_line_when_it_goes_and_one_when_it_is_back(
    said: list[str], broker: Broker
) -> None:
    broker.why, broker.answers_at, broker.step = "no connection", 40, FIRST_SECONDS + 1
    for _ in range(20):  # it lasts
        noise()
    settled(broker)
    assert said == [
        "Kafka at kafka:9 does not answer (no connection); trying until it does.",
        "Kafka at kafka:9 answers again.",
    ]


def test_the_hub_s_own_words_are_not_held_back(said: list[str], broker: Broker) -> None:
    broker.why, broker.answers_at = "no connection", 3
    logging.getLogger("streams.worker").error("a transaction failed")
    assert said == ["a transaction failed"]


def test_what_a_kafka_that_answers_makes_libraries_say_is_said_once_it_lasts(
    said: list[str], broker: Broker
) -> None:
    """Of three brokers one is away, or a topic is missing: the others answer."""
    noise()
    settled(broker)
    assert not said
    broker.now += FIRST_SECONDS
    noise()
    settled(broker)
    assert [line.split(" ")[0] for line in sorted(said)] == ["no", "no", "waits:"]


def test_an_absence_after_a_false_alarm_is_noticed(said: list[str], broker: Broker) -> None:
    noise()
    settled(broker)
    broker.go.clear()
    broker.why, broker.asked, broker.answers_at = "no answer in time", 0, 2
    noise()
    settled(broker)
    assert said == [
        "Kafka at kafka:9 does not answer (no answer in time); trying until it does.",
        "Kafka at kafka:9 answers again.",
    ]


def test_a_process_without_a_further_thread_logs_all_the_same(
    said: list[str], broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at its limit of threads: no caller of a library fails because it logs, and what it said is
    not held back for ever.
    """
    broker.now += FIRST_SECONDS

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        noise()
        broker.now += FIRST_SECONDS
        noise()
    assert len(said) == 3
    broker.why, broker.answers_at = "no connection", 3
    noise()
    settled(broker)
    assert said[3:] == [
        "Kafka at kafka:9 does not answer (no connection); trying until it does.",
        "Kafka at kafka:9 answers again.",
    ]


def admitted(moments: Iterable[float], exc_info: Any = None) -> list[str]:
    """What is said of the same thing at these seconds, and when."""
    now = [0.0]
    seldom, found = Seldom(lambda: now[0]), []
    for now[0] in moments:
        record = logging.LogRecord("aiokafka", logging.ERROR, "", 1, "no node %s", (1,), exc_info)
        if seldom.admits(record):
            found.append(f"{now[0]:g}: {record.getMessage()}")
    return found


def test_what_lasts_is_said_less_and_less_often_with_how_often_it_was_left_out() -> None:
    found = admitted(map(float, range(86_400)))
    assert found[:3] == [
        "10: no node 1 (and 10 more like it)",
        "20: no node 1 (and 9 more like it)",
        "40: no node 1 (and 19 more like it)",
    ]
    assert len(found) < 86_400 / LONGEST_SECONDS + 10


def test_what_mends_itself_is_not_said() -> None:
    """A first start asks for a coordinator that is being made; and each such trouble is one of its
    own.
    """
    assert not admitted([0.0, 1.0, FIRST_SECONDS - 0.1, 1_000.0, 1_005.0])


def test_an_exception_is_said_at_once() -> None:
    assert admitted([0.0, 1.0], (ValueError, ValueError("unforeseen"), None)) == ["0: no node 1"]


def test_pauses_grow_with_the_absence_and_make_it_no_tenth_longer() -> None:
    now = 0.0
    pauses = Pauses(clock=lambda: now)
    while now < 1_000:
        pause = pauses.next()
        assert (
            LEAST_PAUSE * (1 - _JITTER) <= pause <= min(MOST_PAUSE, max(LEAST_PAUSE, _SHARE * now))
        )
        now += pause
    assert pause > MOST_PAUSE * (1 - _JITTER) - 0.001
    pauses.succeeded()
    assert pauses.next() <= LEAST_PAUSE


def test_a_gateway_reminds_of_a_long_absence_and_says_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It asks all the time by itself: a hundred routes' attempts are a line in five minutes."""
    now = [1_000.0]
    monkeypatch.setattr(publisher, "time", SimpleNamespace(monotonic=lambda: now[0]))
    gateway = publisher.Publisher(Settings(kafka_servers="kafka:9"))
    for _ in range(700):
        gateway.silent("no connection")
        now[0] += 1.0
    gateway.heard()
    gateway.heard()
    assert caplog.messages == [
        "No Kafka answers at kafka:9 (no connection); trying until one does",
        "Still no Kafka answers at kafka:9 (no connection)",
        "Still no Kafka answers at kafka:9 (no connection)",
        "Kafka answers again at kafka:9",
    ]


def test_what_single_connections_are_told_is_no_line_of_the_log() -> None:
    """A configuration resets the loggers below one that it names: a port scanner wrote a line a
    connection.
    """
    levels = {
        name: logger["level"]
        for name, logger in configuration(Settings(), "metrics")["loggers"].items()
    }
    assert levels[CLIENTS] == "ERROR"
    assert any(CLIENTS.startswith(f"{name}.") for name in levels)
