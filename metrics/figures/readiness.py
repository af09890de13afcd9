"""Whether figures may be told yet: the cube is built, and the workers have counted what there was
to count.
"""

from __future__ import annotations

from collections.abc import Callable

from metrics.cube.snapshot import Readers, Snapshot
from metrics.errors import NotReady
from metrics.workers import Standing
from schemas.spaces import OFFICIAL
from serving.store.progress import Progress


class Readiness:
    """Of one name of books. Raises (from every method): NotReady; Unreadable."""

    def __init__(
        self,
        readers: Readers,
        progress: Callable[[], Progress],
        standing: Callable[[], Standing | None],
        books: str,
        space: str = OFFICIAL,
    ) -> None:
        self._readers, self._progress, self._standing = readers, progress, standing
        self._books, self._space, self._caught_up = books, space, False

    def ready(self) -> Progress:
        """How far the feed is, once every figure is complete."""
        progress = self._progress()
        if not progress.ready:
            raise NotReady(
                f"The figures are being built from Kafka: {progress.percent:.1f} %"
                f" ({progress.doing})."
            )
        return progress

    def caught_up(self) -> Progress:
        """As `ready`, and the workers have counted every fact that Kafka held when this process
        first asked; from then on it stays so. Until then it is said how far they are.
        """
        progress = self.ready()
        if not self._caught_up:
            with self._readers.snapshot() as snapshot:
                if not snapshot.begun():
                    raise not_begun(self._books, self._space)
                self._require_counted(snapshot)
            self._caught_up = True
        return progress

    def _require_counted(self, snapshot: Snapshot) -> None:
        if (standing := self._standing()) is None:
            raise NotReady(
                "It is not known yet how many facts there are to count: Kafka is being asked."
            )
        counted = _counted(snapshot, standing)
        facts = sum(end - first for first, end in standing.values())
        if counted < facts:
            advice = (
                "if that stands still, see that `lgsp worker` runs with"
                f" {_variables(self._books, self._space)}"
            )
            raise NotReady(f"{counted:,} of {facts:,} facts are counted: {advice}.")


def not_begun(books: str, space: str) -> NotReady:
    """Nobody ever counted anything for these books."""
    advice = (
        f"where none was just started, start `lgsp worker` with {_variables(books, space)},"
        " or ask for other books"
    )
    where = "" if space == OFFICIAL else f" of the space {space}"
    return NotReady(f"No worker has counted anything for the books {books}{where} yet: {advice}.")


def _variables(books: str, space: str) -> str:
    """How a worker of these books is set up."""
    named = f"LGSP_APP_ID={books}"
    return named if space == OFFICIAL else f"LGSP_SPACE={space} and {named}"


def _counted(snapshot: Snapshot, standing: Standing) -> int:
    """How many of the events that stood in Kafka are in these figures."""
    up_to = {
        family: snapshot.counted_up_to(family) for family in {family for family, _ in standing}
    }
    found = 0
    for (family, partition), (first, end) in standing.items():
        if (known := up_to[family].get(partition)) is not None:
            offset, _ = known
            found += max(0, min(offset, end) - first)
    return found
