"""While a broker is away, logs tell it and stay readable."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from schemas.seldom import Seldom

NOW = [0.0]
NAMES = ("aiokafka", "aiokafka.consumer.fetcher", "streams.worker")


@pytest.fixture
def said() -> Iterator[list[str]]:
    """What came through, of three loggers' repeated messages; `NOW` is the time."""
    found: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            found.append(record.getMessage())

    NOW[0] = 0.0
    handler = Kept()
    handler.addFilter(Seldom(10, lambda: NOW[0]))
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
    yield found
    for name in NAMES:
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True


def test_the_same_thing_is_said_once_in_a_while_with_how_often_it_was_left_out(said: list[str]) -> None:
    for NOW[0] in (0.0, 1.0, 9.9, 10.0, 11.0):
        logging.getLogger("aiokafka").error("no node %s", 1)
    assert said == ["no node 1", "no node 1 (and 2 more like it)"]


def test_other_things_and_the_hub_s_own_words_are_not_kept_back(said: list[str]) -> None:
    for _ in range(2):
        logging.getLogger("aiokafka").error("no node")
        logging.getLogger("aiokafka.consumer.fetcher").error("no fetch")
        logging.getLogger("streams.worker").error("a partition")
    assert said == ["no node", "no fetch", "a partition", "a partition"]
