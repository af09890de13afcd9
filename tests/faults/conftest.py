"""The hub that fault tests kill."""

from harness import hub
from quick_kafka import quick_brokers

__all__ = ["hub", "quick_brokers"]
