"""The commands of `lgsp client`: names, options and help."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from serving.access.audit import AUDIT_KINDS
from serving.access.changes import FAMILY_NAMES
from serving.access.clients import ANY, DOORS, KEY_DAYS, ROLES, ClientLimits

_Command = TypeVar("_Command", bound=Callable[..., Any])
_DAYS = click.option(
    "--days", default=KEY_DAYS, show_default=True, help="How long the new key holds."
)
_ONLY_KEY = click.option("--only-key", is_flag=True, help="Print the key and nothing else.")
_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")


_RIGHTS = (
    click.option("--title-vi", help="What officials call it, in Vietnamese."),
    click.option("--title-en", help="The same in English."),
    click.option(
        "--agency",
        "agencies",
        multiple=True,
        metavar="CODE",
        help=f"It speaks for this agency and what is below it; {ANY}: all. May be repeated.",
    ),
    click.option(
        "--source",
        "sources",
        multiple=True,
        metavar="SOURCE",
        help=f"CloudEvents source that it may use; a {ANY} may end it. May be repeated.",
    ),
    click.option(
        "--door",
        "doors",
        multiple=True,
        type=click.Choice(DOORS),
        help="Where it may come in. May be repeated.",
    ),
    click.option(
        "--family",
        "families",
        multiple=True,
        type=click.Choice((*FAMILY_NAMES, ANY)),
        help="What it may send. May be repeated.",
    ),
    click.option(
        "--role", type=click.Choice(ROLES), help="What it may read; operators manage clients."
    ),
    click.option(
        "--events-a-second",
        type=int,
        help=(
            "Most events a second, at each gateway; 0: no limit."
            f"  [default: {ClientLimits().events}]"
        ),
    ),
    click.option(
        "--bytes-a-second",
        type=int,
        help=(
            f"Most bytes a second, at each gateway; 0: no limit.  [default: {ClientLimits().bytes}]"
        ),
    ),
)


def _rights(command: _Command) -> _Command:
    """The options that say what a client may."""
    for option in reversed(_RIGHTS):
        command = option(command)
    return command


@click.group()
def client_group() -> None:
    """Who may use the hub: add clients, list them, give new keys, take them away."""


@client_group.command(name="add")
@click.argument("name")
@_rights
@_DAYS
@click.option("--packets-user", default="", help="User that a one-stop system logs in with.")
@click.option(
    "--packets-password-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True),
    help="File with its password (-: standard input); without it, it is asked for.",
)
@click.option(
    "--packets-source", default="", help="CloudEvents source that its facts are kept under."
)
@click.option(
    "--success-code",
    default='"0"',
    show_default=True,
    help='What it takes for success: "0", "00", 0.',
)
@click.option("--default-channel", help="How dossiers came in that do not tell it.")
@click.option(
    "--live", is_flag=True, help="What it sends counts at once; else it begins in the sandbox."
)
@_ONLY_KEY
def client_add(only_key: bool, **options: Any) -> None:
    """Register the client NAME and print its key, which is shown this once."""
    from ops.access.run import run_add
    from schemas.settings import settings

    sys.exit(run_add(settings(), options, only_key=only_key))


@client_group.command(name="change")
@click.argument("name")
@_rights
def client_change(name: str, **options: Any) -> None:
    """Give the client NAME other rights: what is named takes the place of what it had."""
    from ops.access.run import run_change
    from schemas.settings import settings

    sys.exit(run_change(settings(), name, options))


@client_group.command(name="list")
@click.option("--all", "everyone", is_flag=True, help="Also those that are revoked.")
@_JSON
def client_list(everyone: bool, as_json: bool) -> None:
    """List clients: what each may, when its keys were last used, and which end within 30 days."""
    from ops.access.run import run_list
    from schemas.settings import settings

    sys.exit(run_list(settings(), everyone=everyone, as_json=as_json))


@client_group.command(name="show")
@click.argument("name")
@_JSON
def client_show(name: str, as_json: bool) -> None:
    """Show all that is registered of the client NAME."""
    from ops.access.run import run_show
    from schemas.settings import settings

    sys.exit(run_show(settings(), name, as_json=as_json))


@client_group.command(name="rotate")
@click.argument("name")
@_DAYS
@click.option(
    "--old-until",
    help="When the old keys end: 2026-12-31 (with that day), 2026-12-31T08:00, 7d, 12h or now.",
)
@_ONLY_KEY
def client_rotate(name: str, days: int, old_until: str | None, only_key: bool) -> None:
    """Give the client NAME a new key; those that it has still hold for seven days."""
    from ops.access.run import run_rotate
    from schemas.settings import settings

    sys.exit(run_rotate(settings(), name, days=days, old_until=old_until, only_key=only_key))


@client_group.command(name="live")
@click.argument("name")
@click.option(
    "--keep/--drop",
    default=None,
    help="Whether what it sent in the sandbox counts from now on, or is left there.",
)
@click.option("--yes", is_flag=True, help="Don't ask.")
def client_live(name: str, keep: bool | None, yes: bool) -> None:
    """Take the client NAME out of the sandbox: from now on what it sends counts."""
    from ops.access.live import run_live
    from schemas.settings import settings

    if keep is None:
        raise click.UsageError(
            "Say --keep (what it sent in the sandbox counts too) or --drop (it does not)."
        )
    if not yes:
        what = "and what it sent there counts" if keep else "and nothing of what it sent there"
        click.confirm(f"Take {name} out of the sandbox, {what}?", abort=True)
    sys.exit(run_live(settings(), name, keep=keep))


@client_group.command(name="revoke")
@click.argument("name")
@click.option("--key", metavar="ID", help="Only this key, by its id.")
@click.option("--yes", is_flag=True, help="Don't ask.")
def client_revoke(name: str, key: str | None, yes: bool) -> None:
    """Revoke the client NAME with all its keys, or one of them, at once and for good."""
    from ops.access.run import run_revoke
    from schemas.settings import settings

    if not yes:
        click.confirm(
            f"Revoke {'all of ' if key is None else f'the key {key} of '}{name}, for good?",
            abort=True,
        )
    sys.exit(run_revoke(settings(), name, key))


@click.command()
@click.option("--client", metavar="NAME", help="Only of this client, or what was done to it.")
@click.option("--since", help="Only since a day (2026-11-30) or so long ago (7d, 12h).")
@click.option("--kind", type=click.Choice(AUDIT_KINDS), help="Only of this kind.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    help="Most lines of the table, the newest ones.",
)
@click.option(
    "--csv",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write all of them into a file.",
)
def audit_command(
    client: str | None, since: str | None, kind: Any, limit: int, csv: Path | None
) -> None:
    """Who was refused for want of right, who opened a list or one thing, who changed a client."""
    from ops.access.audit import AuditFilter, run_audit
    from ops.instants import instant_of
    from schemas.settings import settings

    asked = AuditFilter(client, kind, instant_of(since) if since else 0)
    sys.exit(run_audit(settings(), asked, limit=limit, csv=csv))
