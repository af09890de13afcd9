"""Whether a process may listen as its settings say: open to everybody only where nobody but this
machine reaches it.
"""

from __future__ import annotations

from schemas.errors import SettingsError
from schemas.listening import is_loopback
from schemas.settings import Settings


def refuse_open(settings: Settings, who: str) -> None:
    """Look, before anything is listened on. `who` begins the sentence.

    Raises: SettingsError that says how to make the first client.
    """
    if settings.access == "open" and not is_loopback(settings.host):
        raise SettingsError(
            f"{who} does not listen on {settings.host} (LGSP_HOST) while access is open: make the"
            " first client with `lgsp client add operator --role operator --title-vi 'Quản trị'"
            " --title-en Operator`, then set LGSP_ACCESS=required, or unset LGSP_HOST."
        )
