"""Keeping what the gateway refuses: masked in the quarantine, and whole in the vault, each as much
of it as its bucket lets through.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from connectors.gateway.bucket import Bucket
from connectors.gateway.health import Health
from connectors.publishing.quarantine import send_to_quarantine
from connectors.publishing.senders import Sends
from connectors.vault.datakeys import VaultOwner
from connectors.vault.sealing import sealed_size
from connectors.vault.vault import Vault, VaultItem
from schemas.clock import now_ms
from schemas.errors import EnvironmentBroken, RecordTooLarge, TopicUnwritable
from schemas.quarantine import Quarantined
from schemas.settings import Settings
from serving.logs import REPEATS

log = logging.getLogger(__name__)


class RefusalKeeper:
    """Of one gateway. Without a vault no originals are kept."""

    def __init__(
        self, settings: Settings, publisher: Sends, health: Health, vault: Vault | None
    ) -> None:
        self._publisher, self._health, self._vault = publisher, health, vault
        self._entries = Bucket(settings.quarantine_rate)
        # of their own, so that a large body takes nothing from what is told of others
        self._originals = Bucket(settings.quarantine_rate)

    async def keep(self, refused: Sequence[Quarantined], publisher: Sends) -> str:
        """Keep what was refused, where that publisher writes; returns what was not kept and why,
        else nothing. Of what is in the sandbox no originals are kept: it is sent again by whoever
        tries it.

        Raises: KafkaUnavailable while Kafka as a whole is away.
        """
        kept = self._entries.within(refused)
        try:
            if kept:
                own = publisher is self._publisher
                await send_to_quarantine(
                    publisher, await self._with_originals(kept) if own else kept
                )
        except (TopicUnwritable, RecordTooLarge) as error:
            self._health.unkept.inc(len(refused))
            return f" What was refused was not kept: {error}"
        if left := len(refused) - len(kept):
            self._health.unkept.inc(left)
            return (
                f" {left:,} of what was refused was not kept: too much is refused"
                " (LGSP_QUARANTINE_RATE)."
            )
        return ""

    async def _with_originals(self, entries: list[Quarantined]) -> list[Quarantined]:
        """The entries, naming their originals as far as those are kept now."""
        if self._vault is None:
            return entries
        whole = [one for one in entries if one.original]
        within = self._originals.within(whole, lambda one: sealed_size(one.original))
        self._health.unvaulted.inc(len(whole) - len(within))
        if not within:
            return entries
        now = now_ms()
        items = [
            VaultItem(VaultOwner.at("quarantine", one.agency, one.client, now), one.original)
            for one in within
        ]
        try:
            refs = await self._vault.keep(self._publisher, items)
        except (TopicUnwritable, RecordTooLarge, EnvironmentBroken) as error:
            self._health.unvaulted.inc(len(within))
            log.error("Originals of what was refused are not kept: %s", error, extra=REPEATS)
            return entries
        named = {one.origin: str(ref) for one, ref in zip(within, refs, strict=True)}
        return [replace(one, vault=named.get(one.origin, "")) for one in entries]
