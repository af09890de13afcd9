"""The hub that system tests use as its users do."""

from harness import hub
from quick_kafka import quick_brokers

__all__ = ["hub", "quick_brokers"]
