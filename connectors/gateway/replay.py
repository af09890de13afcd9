"""What was refused, sent through the same door again: the same checks, and the rights of its client
as they are now. What is good now is counted once, however often it is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from connectors.gateway.health import Health
from connectors.gateway.intake import Taken, count_refused, keep, publish, take
from connectors.gateway.modes import items_of
from connectors.gateway.problems import GATEWAY_PROBLEMS
from connectors.gateway.refusals import RefusalKeeper
from connectors.publishing.senders import Publishes
from connectors.quarantine.entries import Entry
from connectors.quarantine.excerpts import refused_item
from connectors.quarantine.marks import EntryState, Mark, write_mark
from connectors.quarantine.original import Original
from schemas.errors import RecordTooLarge
from schemas.settings import Settings
from serving.access.errors import NotAllowed
from serving.access.permissions import Permissions
from serving.problems import Problem


@dataclass(frozen=True, slots=True)
class Replay:
    """Of one process."""

    settings: Settings
    publisher: Publishes
    health: Health
    keeper: RefusalKeeper

    async def send(
        self, entry: Entry, original: Original, permissions: Permissions, by: str
    ) -> Mark:
        """Send an entry's original again, and mark the entry with the answer.

        One that is refused again waits on. Of a body of several items, each that is refused is an
        entry of its own from now on. Raises: KafkaUnavailable, AccessUnknown; then nothing was
        marked, and doing it again counts nothing twice.
        """
        mark = await self._sent(entry, original, permissions, by)
        await write_mark(self.publisher, self.settings, entry.origin, mark)
        return mark

    async def _sent(
        self, entry: Entry, original: Original, permissions: Permissions, by: str
    ) -> Mark:
        request = str(uuid4())
        try:
            permissions.require_door(original.door)
            taken = await self._taken(original, permissions)
            if len(taken.refusals) == 1 and not taken.events:
                count_refused(taken, self.health)
                return _refused_again(entry, taken, by)
            if not taken.refusals:
                await publish(taken, self.publisher, self.health)
                count_refused(taken, self.health)
                return Mark(state="replayed", by=by, status=202, request=request)
            unkept = await keep(
                taken, self.publisher, request, self.health, self.keeper, entry.client
            )
        except NotAllowed as error:
            return Mark(state="waiting", by=by, status=403, said=str(error))
        except RecordTooLarge as error:
            return Mark(state="waiting", by=by, status=413, said=str(error))
        except Problem as problem:
            status = GATEWAY_PROBLEMS[problem.name].status
            return Mark(state="waiting", by=by, status=status, said=problem.detail)
        said = (
            f"{len(taken.events):,} items were taken in and {len(taken.refusals):,} refused, which"
            f" are entries of their own now: http:{request}.{unkept}"
        )
        state: EntryState = "waiting" if unkept else "replayed"
        return Mark(state=state, by=by, status=422, said=said, request=request)

    async def _taken(self, original: Original, permissions: Permissions) -> Taken:
        items = items_of(original.body, original.as_headers, self.settings.batch_limit)
        return await take(items, self.settings, permissions)


def _refused_again(entry: Entry, taken: Taken, by: str) -> Mark:
    (refusal,) = taken.refusals
    reason = refused_item(entry.origin, refusal.errors, refusal.kept).reason
    return Mark(state="waiting", by=by, status=refusal.status, said=reason)
