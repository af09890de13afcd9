"""The commands of `lgsp vault`: names, options and help."""

from __future__ import annotations

import sys
from datetime import datetime

import click


@click.group()
def vault_group() -> None:
    """What is kept whole for a while, encrypted: erase a day, list the days, change the master
    key.
    """


@vault_group.command(name="list")
def vault_list() -> None:
    """List whose things are kept of which days, and when they go by themselves."""
    from ops.vault.run import run_list
    from schemas.settings import settings

    sys.exit(run_list(settings()))


@vault_group.command(name="erase")
@click.option("--agency", metavar="CODE", help="Of this agency (-: where none is known).")
@click.option("--client", metavar="NAME", help="Of this client (-: where none is known).")
@click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="What came on this day; without it, on any. Needed where only the agency is said.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
def vault_erase(agency: str | None, client: str | None, day: datetime | None, yes: bool) -> None:
    """Erase the keys of what came, so that nobody can read it any more, for good."""
    from ops.vault.run import run_erase
    from schemas.settings import settings

    if agency is None and client is None:
        raise click.UsageError("Say whose: --agency, --client or both.")
    if client is None and day is None:
        raise click.UsageError("Say which day: --day 2026-11-30.")
    if not yes:
        click.confirm("Make it unreadable, for good?", abort=True)
    sys.exit(run_erase(settings(), agency, client, None if day is None else day.date()))


@vault_group.command(name="rotate")
@click.option(
    "--finish",
    is_flag=True,
    help="Take the old master key out of the file, once every machine has the new one.",
)
def vault_rotate(finish: bool) -> None:
    """Change the master key: every data key is wrapped by a new one, and what is kept stays
    readable.
    """
    from ops.vault.run import run_finish, run_rotate
    from schemas.settings import settings

    sys.exit(run_finish(settings()) if finish else run_rotate(settings()))
