"""`lgsp`: the command line. Each command's work is in the package it belongs to; here are only
names, options and help.
"""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

import click

from ops.access.commands import audit_command, client_group
from ops.bench.names import MEASUREMENTS, WHOLE_JOB_EVENTS
from ops.entry import INTERRUPTED, SENTENCE
from ops.quarantine.commands import quarantine_group
from ops.vault.commands import vault_group
from schemas.errors import HubError
from schemas.settings import Settings, config_file, settings
from schemas.settings_words import setting_text

_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
_EPILOG = "Settings come from LGSP_* variables or a lgsp.toml; `lgsp settings` lists them all."


class Commands(click.Group):
    """Turns the hub's own errors into one sentence and exit code 1, and Ctrl-C into one and 130, as
    shells end then.
    """

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except HubError as error:
            click.secho(str(error), fg="red", err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            click.echo(SENTENCE, err=True)
            sys.exit(INTERRUPTED)


@click.group(
    cls=Commands,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(package_name="lgsp-hub")
def cli() -> None:
    """The province's hub: agencies' facts in, live exact figures out."""
    from ops.up.lossy import lose_what_does_not_fit
    from ops.up.supervise import SUPERVISOR, follow_supervisor

    if SUPERVISOR in os.environ:
        lose_what_does_not_fit()
    follow_supervisor()


@cli.command()
@click.option(
    "--simulate/--no-simulate",
    default=True,
    envvar="SIMULATE",
    help="Feed a simulated province (SIMULATE=0: don't).",
)
def up_command(simulate: bool) -> None:
    """Run everything on this machine: Kafka, gateway, worker, metrics; show a live table. Ctrl-C
    stops it all.
    """
    from ops.up.run import run_up

    sys.exit(run_up(settings(), simulate=simulate))


@cli.group(name="kafka", invoke_without_command=True)
@click.pass_context
def kafka_group(context: click.Context) -> None:
    """Run the embedded Kafka alone; or, with `acls`, say who may do what in any Kafka."""
    if context.invoked_subcommand is None:
        from ops.kafka.foreground import run_kafka

        sys.exit(run_kafka(settings()))


@kafka_group.command(name="acls")
@click.option("--connectors", default="lgsp-gateway", show_default=True, help="User of gateways.")
@click.option("--streams", default="lgsp-worker", show_default=True, help="User of workers.")
@click.option("--metrics", default="lgsp-metrics", show_default=True, help="User of metrics.")
@click.option("--ops", default="lgsp-ops", show_default=True, help="User of all other commands.")
@click.option("--apply", is_flag=True, help="Make the rights, instead of printing the commands.")
def kafka_acls(apply: bool, connectors: str, streams: str, metrics: str, ops: str) -> None:
    """The rights that let connectors alone write events, streams alone states and cells, and
    metrics only read and write the audit.
    """
    from ops.kafka.acls import RoomUsers, run_acls

    users = RoomUsers(connectors, streams, metrics, ops)
    sys.exit(run_acls(settings(), users, apply=apply))


@cli.command()
def gateway_command() -> None:
    """Run the gateway: POST /v1/events."""
    from connectors.gateway.server import run_gateway

    sys.exit(run_gateway(settings()))


@cli.command()
def worker_command() -> None:
    """Run a worker: events to states and cells. Start as many as there are cores; they share the
    partitions.
    """
    from streams.worker import run_worker

    sys.exit(run_worker(settings()))


@cli.command()
def metrics_command() -> None:
    """Run the cube with the reporting API and /metrics."""
    from metrics.server import run
    from ops.meanings import meanings
    from streams.families import families

    sys.exit(run(settings(), meanings(families(settings()))))


@cli.command(name="import")
@click.argument("files", nargs=-1, required=True, type=_EXISTING)
@click.option("--map", "map_path", required=True, type=_EXISTING, help="How columns become events.")
@click.option(
    "--again", is_flag=True, help="Send what is already imported once more (changes no figure)."
)
@click.option("--dry-run", is_flag=True, help="Read, check and count, but send nothing.")
def import_command(files: tuple[Path, ...], map_path: Path, again: bool, dry_run: bool) -> None:
    """Import events from FILES (CSV, XLSX, JSON lines; .gz too). Exit code 3: some rows were
    rejected.
    """
    from connectors.files.importer import run_import

    sys.exit(run_import(settings(), files, map_path, again=again, dry_run=dry_run))


@cli.command()
@click.option(
    "--seed",
    default=1,
    show_default=True,
    help="The same seed gives the same province, to the byte.",
)
@click.option("--dossiers", type=click.IntRange(1), help="How many dossiers of history.")
@click.option("--days", type=click.IntRange(1), help="Over how many days.")
@click.option(
    "--rate", default=0.0, help="Events a second; 0: as fast as Kafka takes them (live: 5)."
)
@click.option("--live", is_flag=True, help="Go on with facts of the present until stopped.")
@click.option(
    "--via-gateway",
    is_flag=True,
    help="Send over HTTP like an agency, instead of straight to Kafka.",
)
@click.option(
    "--figures",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the exact figures there as JSON.",
)
def simulate_command(**options: Any) -> None:
    """Feed a made-up province and print the exact figures it generated."""
    from ops.simulate.run import run_simulate

    sys.exit(run_simulate(settings(), **options))


@cli.command()
def recount_command() -> None:
    """Compute every cell and state again from the first event and compare. Exit code 1 if any
    differs.
    """
    from ops.recount.report import run_recount

    sys.exit(run_recount(settings()))


@cli.command()
@click.option(
    "--from-zero",
    is_flag=True,
    help="Delete states and cells, so that workers count everything from the first event.",
)
@click.option(
    "--skip-missing", is_flag=True, help="Let books go on behind facts that are gone for good."
)
@click.option("--yes", is_flag=True, help="Don't ask.")
def mend_command(from_zero: bool, skip_missing: bool, yes: bool) -> None:
    """Show where books, group and log stand, and put them right, while no worker runs. Exit code 1
    if they still don't fit.
    """
    from ops.mend.run import run_mend

    sys.exit(run_mend(settings(), from_zero=from_zero, skip_missing=skip_missing, yes=yes))


cli.add_command(quarantine_group, "quarantine")
cli.add_command(vault_group, "vault")
cli.add_command(client_group, "client")
cli.add_command(audit_command, "audit")


@cli.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--check",
    is_flag=True,
    help="Take none: read the backup in DIR and compare every file with its hash.",
)
def backup_command(folder: Path, check: bool) -> None:
    """Back up facts, states and cells into DIR, while everything runs; again into the same DIR adds
    only what is new.
    """
    from ops.backup.commands import run_backup, run_check

    sys.exit(run_check(folder) if check else run_backup(settings(), folder))


@cli.command()
@click.argument(
    "folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--events-only",
    is_flag=True,
    help="Leave states and cells out: workers count everything anew, by their own rules.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="FAMILY:ID",
    help="Leave this thing out for good; events only. May be repeated.",
)
def restore_command(folder: Path, events_only: bool, without: tuple[str, ...]) -> None:
    """Restore the backup in DIR into an empty Kafka, and recount. Interrupted: run it again. Exit
    code 1 if figures differ.
    """
    from ops.backup.commands import run_restore

    sys.exit(run_restore(settings(), folder, events_only=events_only, without=without))


@cli.command()
@click.argument("names", nargs=-1, type=click.Choice(tuple(MEASUREMENTS)), metavar="[NAMES]...")
@click.option(
    "--events",
    type=click.IntRange(1_000),
    default=WHOLE_JOB_EVENTS,
    show_default=True,
    help="Of the whole job; fewer shrink the rest.",
)
@click.option(
    "--markdown",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the table there as Markdown.",
)
def bench_command(names: tuple[str, ...], events: int, markdown: Path | None) -> None:
    """Measure the hub on this machine, on a Kafka of its own, beside what is needed.

    NAMES choose among job, takeover, failover, gateway, latency, api and soak; without any, all but
    the soak are measured.
    """
    from ops.bench.run import run_bench

    sys.exit(run_bench(settings(), names, events=events, markdown=markdown))


@cli.command()
@click.option("--source", required=True, help="CloudEvents source of the system that was wrong.")
@click.option("--from", "since", required=True, help="When it began: 2026-11-30T08:00.")
@click.option("--to", "until", required=True, help="When it was over: 2026-11-30T09:00.")
@click.option("--send", is_flag=True, help="Void them; without it, they are only counted.")
@click.option("--restore", is_flag=True, help="Restore instead what was voided.")
@click.option(
    "--left",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write there, as CSV, what is left alone since others spoke of it too.",
)
def void_command(
    source: str, since: str, until: str, send: bool, restore: bool, left: Path | None
) -> None:
    """Void what a system told by mistake within a while, by when the hub took it in: every dossier,
    document, task and activity of which nobody else spoke. Times are the province's.
    """
    from ops.void.run import VoidOptions, run_void
    from ops.void.touched import Mistaken, moment

    mistaken = Mistaken(source, moment("--from", since), moment("--to", until))
    sys.exit(run_void(settings(), mistaken, VoidOptions(send, restore, left)))


@cli.command()
@click.option("--write", is_flag=True, help="Lock changed event models as new contract versions.")
def contracts_command(write: bool) -> None:
    """List the Avro contracts and the models that differ from them."""
    from schemas.contracts import contracts, unlocked, write_lock

    for added in write_lock() if write else []:
        click.echo(f"locked {added}")
    for contract in sorted(contracts().values(), key=lambda found: found.id):
        click.echo(f"{contract.id:4d}  {contract.type} v{contract.version}")
    changed = unlocked()
    if changed:
        names = ", ".join(changed)
        raise HubError(
            f"Models that differ from their contract: {names}. `lgsp contracts --write` locks them"
            " as new versions."
        )


@cli.command(name="settings")
def settings_command() -> None:
    """List every setting: its variable, its value now, what it is for."""
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "variable",
        "value",
        "what it is for",
        title=f"Settings (from LGSP_* variables, then {config_file()})",
    )
    for name, field in Settings.model_fields.items():
        table.add_row(
            f"LGSP_{name.upper()}",
            setting_text(getattr(settings(), name)) or "(empty)",
            field.description,
        )
    Console().print(table)


def main() -> None:
    """The command line, from beginning to end."""
    # all that it writes, and whatever it starts (Kafka's storage too), is its own user's alone
    os.umask(0o077)
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    # where nothing sets up logging, what they repeat would be printed among our sentences
    for library in ("aiokafka", "asyncio"):
        logging.getLogger(library).addHandler(logging.NullHandler())
    cli()


if __name__ == "__main__":
    main()
