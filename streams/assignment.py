"""Which worker keeps which partitions: Faust's assignor, told how many partitions there are instead
of asking.
"""

from __future__ import annotations

from typing import Any

from aiokafka.cluster import ClusterMetadata
from faust.assignor.partition_assignor import (
    MemberAssignmentMapping,
    MemberMetadataMapping,
    PartitionAssignor,
)


class DeclaredPartitions:
    """Stands in for a cluster's metadata: every topic has as many partitions as the hub
    declares.
    """

    def __init__(self, partitions: int) -> None:
        self._partitions = set(range(partitions))

    def partitions_for_topic(self, topic: str) -> set[int]:
        """The partitions of any topic, by number."""
        return self._partitions


class DeclaredAssignor(PartitionAssignor):
    """Gives out every declared partition, whatever the group's leader happens to know of the
    topics.

    Faust passes over a topic that is missing in the leader's metadata. Right after a broker came
    back a leader may know none, since its client asks once and then only every five minutes: nobody
    would be given anything, and all would wait without a word. A worker joins only after
    `ensure_topics`, so the declared partitions exist.
    """

    def assign(  # type: ignore[override]  # Faust's signature, which differs from aiokafka's
        self, cluster: ClusterMetadata, member_metadata: MemberMetadataMapping
    ) -> MemberAssignmentMapping:
        """By member: its partitions, the same numbers of all topics."""
        declared: Any = DeclaredPartitions(self.app.conf.topic_partitions)
        return super().assign(declared, member_metadata)
