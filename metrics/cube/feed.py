"""What the cube is fed with: the pages of the books of one name."""

from __future__ import annotations

from operator import attrgetter

from schemas.topics import DEFAULT_BOOKS, cells_topic
from serving.store.options import FollowerOptions


def cube_options(books: str = DEFAULT_BOOKS) -> FollowerOptions:
    """How these books' cube is fed."""
    return FollowerOptions("cube", (cells_topic(books),), attrgetter("partition"))
