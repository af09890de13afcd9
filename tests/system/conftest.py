"""The hub that system tests use as its users do."""

from harness import hub

__all__ = ["hub"]
