"""What the recount of one partition of one family found."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.cells.applied import CountingRules
from schemas.cells.codec import CellSums
from schemas.cells.pages import CellKey

VerdictCells = dict[CellKey, CellSums]
Difference = tuple[CellKey, CellSums, CellSums]  # key, published, recounted


@dataclass
class Verdict:
    """Counts for the table, and everything that is wrong."""

    family: str
    partition: int
    events: int = 0
    things: int = 0
    cells: int = 0
    refused: int = 0  # events that don't count, and are in quarantine with their reason
    behind: int = 0  # events in Kafka that the workers have not applied yet
    applied: int = 0  # the offset of the first event that the published cells do not stand for
    # the first offset that the log still holds; facts before it can't be proved any more
    begins: int = 0
    differences: list[Difference] = field(default_factory=list)
    # keys of things whose published state is not what the events say
    states: list[bytes] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # what does not fit together, in sentences
    # that counted what is published, and this command's, where they are not the same
    rules: tuple[CountingRules, CountingRules] | None = None
    # where somebody else wrote among states and pages; passed over
    junk: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> bool:
        """Whether anything published is not what the events say."""
        return bool(self.differences or self.states or self.faults)
