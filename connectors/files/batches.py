"""One file as a stream of batches: rows read, mapped, validated, each event once. Reads and
computes only; publishes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from connectors.files.mapping.mapper import Draft, RowMapper, personal
from connectors.files.readers.cells import FileCell, RowRefused
from connectors.files.readers.rows import SourceRow, SourceRows
from connectors.files.rejects import quarantined
from connectors.files.seen import Seen, digest
from schemas.digests import Digest
from schemas.events import Event
from schemas.quarantine import Quarantined

_BATCH_EVENTS = 1_000  # events of a batch, more or less
# rows of a batch at most: repeated rows give no events, and progress should show all the same
_ROWS = 5_000


@dataclass(slots=True)
class FileBatch:
    """Some rows' events and rejections, and the file's totals up to and with them."""

    events: list[Event] = field(default_factory=list)
    rejected: list[Quarantined] = field(default_factory=list)
    total_rows: int = 0
    total_events: int = 0
    total_rejected: int = 0


@dataclass(slots=True)
class Tally:
    """What became of a file's rows. `repeated` events stood on an earlier row already, with the
    same content; `personal` were taken in though they hold what looks like a number of a person,
    the first of them in words.
    """

    accepted: int = 0
    rejected: int = 0
    events: int = 0
    repeated: int = 0
    personal: int = 0
    first_personal: str = ""


OnReject = Callable[[SourceRow, str, Sequence[FileCell]], None]


class FileIntake:
    """Takes one file in. `on_reject` sees each rejected row, in the file's order: with its reason,
    and its cells as they may be kept.

    `digest` makes the hashes of rejected rows; `refuse_numbers`: rows with what looks like a number
    of a person are rejected.
    """

    def __init__(
        self,
        rows: SourceRows,
        mapper: RowMapper,
        latest_ms: int,
        on_reject: OnReject,
        digest: Digest,
        *,
        refuse_numbers: bool = False,
    ) -> None:
        self.rows, self.tally = rows, Tally()
        self._mapper, self._latest_ms, self._on_reject = mapper, latest_ms, on_reject
        self._digest, self._refuse_numbers = digest, refuse_numbers
        self._seen = Seen()

    def batches(self) -> Iterator[FileBatch]:
        """All of the file; blocks, so run it outside of an event loop.

        Raises: UnreadableFile where the file breaks off.
        """
        batch, first = FileBatch(), 0
        for number, row in enumerate(self.rows, 1):
            self._take(row, batch)
            if len(batch.events) + len(batch.rejected) >= _BATCH_EVENTS or number - first >= _ROWS:
                yield self._closed(batch, number)
                batch, first = FileBatch(), number
        if self.rows.read > first:
            yield self._closed(batch, self.rows.read)

    def _closed(self, batch: FileBatch, rows: int) -> FileBatch:
        batch.total_rows = rows
        batch.total_events, batch.total_rejected = self.tally.events, self.tally.rejected
        return batch

    def _take(self, row: SourceRow, batch: FileBatch) -> None:
        try:
            events, warnings = self._events(row)
        except RowRefused as refused:
            self._reject(row, str(refused), batch)
            return
        batch.events += events
        self.tally.accepted += 1
        self.tally.events += len(events)
        self.tally.personal += len(warnings)
        if warnings and not self.tally.first_personal:
            self.tally.first_personal = f"line {row.line}: {warnings[0]}"

    def _reject(self, row: SourceRow, reason: str, batch: FileBatch) -> None:
        cells = self._mapper.uses.safe(row.cells)
        batch.rejected.append(
            quarantined(
                self.rows.path,
                row,
                reason,
                cells,
                self._mapper.uses,
                self._mapper.source,
                self._digest,
            )
        )
        self.tally.rejected += 1
        self._on_reject(row, reason, cells)

    def _events(self, row: SourceRow) -> tuple[list[Event], list[str]]:
        """The row's events that no earlier row gave, and what is amiss with them all the same.

        A row counts as a whole: one bad event rejects all of it.

        Raises: RowRefused naming column, value and what was expected.
        """
        if row.problem:
            raise RowRefused(row.problem)
        new: dict[int, int] = {}
        events: list[Event] = []
        warnings: list[str] = []
        repeated = 0
        for draft in self._mapper.drafts(row.cells):
            if self._is_repeated(draft, new, row):
                repeated += 1
                continue
            event = self._mapper.event(draft, self._latest_ms)
            kept = draft.as_kept(event)  # two spellings of one id are one event
            if kept.fields != draft.fields and self._is_repeated(kept, new, row):
                repeated += 1
            else:
                events.append(event)
                if number := personal(draft, event):
                    warnings.append(number)
        if warnings and self._refuse_numbers:
            raise RowRefused(warnings[0])
        for id_digest, content in new.items():
            self._seen.add(id_digest, content, row.line)
        self.tally.repeated += repeated
        return events, warnings

    def _is_repeated(self, draft: Draft, new: dict[int, int], row: SourceRow) -> bool:
        """Whether this row or an earlier one gave the event already; from now on it has.

        Raises: RowRefused if it did so with other content.
        """
        id_digest, content = digest(draft.name), digest(repr(draft.fields))
        known = (new[id_digest], row.line) if id_digest in new else self._seen.find(id_digest)
        if known is None:
            new[id_digest] = content
        elif known[0] != content:
            raise RowRefused(_contradiction(draft, known[1], row))
        return known is not None


def _contradiction(draft: Draft, line: int, row: SourceRow) -> str:
    where = "twice on this row" if line == row.line else f"on line {line} too"
    return (
        f"{draft.shown} ({draft.unit.origins['event_id']}) stands {where}, with other content: one"
        " id should always say the same"
    )
