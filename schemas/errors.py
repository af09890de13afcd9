"""The hub's one exception tree. Every message says what happened, to what, and what to do.

    HubError
    ├── SettingsError        a setting is missing or makes no sense
    ├── ContractError        bytes that no contract decodes, or a contract that changed incompatibly
    ├── CatalogueError       a declaration (indicators, mapping, topics) that cannot hold
    ├── KafkaUnavailable     Kafka does not answer, or not in time: try again
    │   └── TopicUnwritable  one topic is missing or may not be written; others go on
    ├── RecordTooLarge       a record larger than its topic takes: trying again changes nothing
    ├── EnvironmentBroken    a download, a program or a folder that the hub needs is missing or half-made
    └── LedgerError          the worker may not go on: a hole in the offsets, too many undecodable records
"""

from __future__ import annotations


class HubError(Exception):
    """Base of everything that the hub raises on purpose; `lgsp` prints it as one sentence and exits 1."""


class SettingsError(HubError):
    """A setting is missing or makes no sense."""


class ContractError(HubError):
    """Bytes that no contract decodes, or a contract that old or new readers could not read."""


class CatalogueError(HubError):
    """A declaration (indicators, mapping, topics) that cannot hold; names the exact place."""


class KafkaUnavailable(HubError):
    """Kafka does not answer, or not in time: nothing was promised, try again."""


class TopicUnwritable(KafkaUnavailable):
    """One topic is missing or may not be written; names it and the reason. Who writes to others is not held up."""


class RecordTooLarge(HubError):
    """A record larger than its topic takes: trying again changes nothing."""


class EnvironmentBroken(HubError):
    """A download, a program or a folder that the hub needs is missing or half-made."""


class LedgerError(HubError):
    """The worker may not go on; a supervisor starts it afresh from the last committed transaction."""
