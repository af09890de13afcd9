"""What the recount of one partition of one family found."""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.cells import CellKey, Sums

Cells = dict[CellKey, Sums]
Difference = tuple[CellKey, Sums, Sums]  # key, published, recounted


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
    begins: int = 0  # the first offset that the log still holds; facts before it can't be proved any more
    differences: list[Difference] = field(default_factory=list)
    states: list[bytes] = field(default_factory=list)  # keys of things whose published state is not what the events say
    faults: list[str] = field(default_factory=list)  # what does not fit together, in sentences
    junk: list[str] = field(default_factory=list)  # where somebody else wrote among states and pages; passed over

    @property
    def wrong(self) -> bool:
        """Whether anything published is not what the events say."""
        return bool(self.differences or self.states or self.faults)
