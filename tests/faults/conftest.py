"""The hub that fault tests kill."""

from harness import hub

__all__ = ["hub"]
