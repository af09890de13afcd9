"""The hub's one exception tree. Every message says what happened, to what, and what to do.

HubError
├── SettingsError        a setting is missing or makes no sense
├── ContractError        bytes that no contract decodes, or a contract that changed incompatibly
│   └── NewerLayout      … because a later version of the hub wrote them
├── CatalogueError       a declaration (indicators, mapping, topics) that cannot hold
├── KafkaUnavailable     Kafka does not answer, or not in time: try again
│   └── TopicUnwritable  one topic is missing or may not be written; others go on
├── RecordTooLarge       a record larger than its topic takes: trying again changes nothing
├── BackupError          a backup that can't be taken or restored as asked for
│   ├── BackupDamaged    … because its files are not those that were written
│   └── RestoreUnfinished  a restore was begun here and has to come to its end first
├── VaultError           what is kept whole in the vault can't be read
│   ├── OriginalGone     … because it was erased, dropped, or its days are over
│   ├── MasterKeyMissing … because another master key wrapped its key
│   └── VaultDamaged     … because it is not what was written
├── EnvironmentBroken    a download, a program or a folder is missing or half-made
│   └── StorageTrouble   a disk is full, read-only or fails: what is on it is kept
└── LedgerError          the worker may not go on: a hole in the offsets, say
    └── BooksError       … and starting it again changes nothing: somebody has to act
"""

from __future__ import annotations

from typing import Literal

EXIT_REFUSED = 78  # sysexits' EX_CONFIG: how a process ends that a fresh start can't mend


class HubError(Exception):
    """Base of everything that the hub raises on purpose; `lgsp` prints it as one sentence and exits
    1.
    """


class SettingsError(HubError):
    """A setting is missing or makes no sense."""


class ContractError(HubError):
    """Bytes that no contract decodes, or a contract that old or new readers could not read."""


class NewerLayout(ContractError):
    """What a later version of the hub wrote, in a layout that this one does not know."""


class CatalogueError(HubError):
    """A declaration (indicators, mapping, topics) that cannot hold; names the exact place."""


class KafkaUnavailable(HubError):
    """Kafka does not answer, or not in time: nothing was promised, try again."""


class TopicUnwritable(KafkaUnavailable):
    """One topic is missing or may not be written; names it and the reason. Who writes to others is
    not held up.
    """


class RecordTooLarge(HubError):
    """A record larger than its topic takes: trying again changes nothing."""


class BackupError(HubError):
    """A backup that can't be taken or restored as asked for; says what to do."""


class BackupDamaged(BackupError):
    """Files of a backup that are missing or not those that were written; names the first."""


class RestoreUnfinished(BackupError):
    """A restore was begun here and has to come to its end before anything else of the hub
    starts.
    """


class VaultError(HubError):
    """What is kept whole in the vault can't be read; says why, and what to do."""


class OriginalGone(VaultError):
    """It was erased or dropped, or its days are over: nobody can read it any more."""


class MasterKeyMissing(VaultError):
    """Another master key than this machine's wrapped its data key."""


class VaultDamaged(VaultError):
    """It is not what was written, or does not stand where it was written."""


class EnvironmentBroken(HubError):
    """A download, a program or a folder that the hub needs is missing or half-made."""


StorageReason = Literal["full", "read-only", "denied", "failing", "busy"]


class StorageTrouble(EnvironmentBroken):
    """A disk is full, read-only or fails: what is on it is kept, and it goes on once that is
    mended.
    """

    def __init__(self, message: str, reason: StorageReason) -> None:
        super().__init__(message)
        self.reason = reason


class LedgerError(HubError):
    """The worker may not go on; a supervisor starts it afresh from the last committed
    transaction.
    """


class BooksError(LedgerError):
    """The worker may not go on, and a fresh start changes nothing: somebody has to act, as the
    message says.
    """
