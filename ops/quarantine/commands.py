"""The commands of `lgsp quarantine`: names, options and help."""

from __future__ import annotations

import sys
from typing import Any

import click

_ORIGINS = click.argument("origins", nargs=-1, required=True, metavar="ORIGIN...")
_EVERY = click.option(
    "--all",
    "every",
    is_flag=True,
    help="Every entry that waits and begins so: http:REQUEST/ is all of a request.",
)


@click.group()
def quarantine_group() -> None:
    """What could not be taken in: list it by source, reason and day, show one refusal, replay it
    after a fix, or drop it.
    """


@quarantine_group.command(name="list")
@click.option("--source", default="", help="Only of sources that hold this text.")
@click.option("--reason", default="", help="Only for reasons that hold this text.")
@click.option("--since", help="Only since a day (2026-11-30) or so long ago (7d, 12h).")
@click.option(
    "--state",
    type=click.Choice(("waiting", "replayed", "dropped")),
    help="Only those that stand so; without it all but the dropped ones.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    help="Most lines, the newest ones.",
)
@click.option(
    "--json", "form", flag_value="json", help="The refusals themselves, one JSON object a line."
)
@click.option("--csv", "form", flag_value="csv", help="The same as CSV.")
def quarantine_list(
    source: str, reason: str, since: str | None, state: Any, limit: int, form: Any
) -> None:
    """Count refusals by day, source and reason, newest first."""
    from ops.instants import instant_of
    from ops.quarantine.run import EntryFilter, run_list
    from schemas.settings import settings

    asked = EntryFilter(source, reason, instant_of(since) if since else 0, limit, state)
    sys.exit(run_list(settings(), asked, form or "table"))


@quarantine_group.command(name="show")
@click.argument("origin")
@click.option(
    "--original",
    is_flag=True,
    help="Print the original as it came, decrypted. It may hold personal data.",
)
def quarantine_show(origin: str, original: bool) -> None:
    """Tell all that is kept of a refusal and what to do next. ORIGIN is of the list's last column,
    or begins one.
    """
    from ops.quarantine.again import run_original
    from ops.quarantine.run import run_show
    from schemas.settings import settings

    sys.exit(run_original(settings(), origin) if original else run_show(settings(), origin))


@quarantine_group.command(name="replay")
@_ORIGINS
@_EVERY
def quarantine_replay(origins: tuple[str, ...], every: bool) -> None:
    """Send the originals through the gateway's door again, with their client's rights as of now.
    Exit code 3: some wait on.
    """
    from ops.quarantine.again import run_replay
    from schemas.settings import settings

    sys.exit(run_replay(settings(), origins, every=every))


@quarantine_group.command(name="drop")
@_ORIGINS
@_EVERY
@click.option("--yes", is_flag=True, help="Don't ask.")
def quarantine_drop(origins: tuple[str, ...], every: bool, yes: bool) -> None:
    """Forget refusals and their originals, for good."""
    from ops.quarantine.again import run_drop
    from schemas.settings import settings

    if not yes:
        click.confirm("Forget them and their originals, for good?", abort=True)
    sys.exit(run_drop(settings(), origins, every=every))
