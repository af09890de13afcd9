"""The truth of a simulated province told: as plain data, as a JSON file, as a table."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ops.simulate.communes import band_of
from ops.simulate.form06a import FORM_COLUMNS, DossierDays, date_of, form_06a, standing
from ops.simulate.province import FIELD_OF
from ops.simulate.truth import Truth
from schemas.clock import day_number, to_datetime
from schemas.periods import period

Form = dict[int, int]  # by column

# (indicator, numerator, denominator), each (family, kind, measure)
SHARES: dict[str, tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    "dossiers_online_share": (
        ("dossiers", "closed", "finished_online"),
        ("dossiers", "closed", "finished"),
    ),
    "transfers_electronic_share": (
        ("dossiers", "closed", "moved_electronically"),
        ("dossiers", "closed", "moved"),
    ),
    "payments_online_share": (
        ("dossiers", "paid", "transactions_online"),
        ("dossiers", "paid", "transactions"),
    ),
    "results_digitised_share": (
        ("dossiers", "closed", "results_digitised"),
        ("dossiers", "closed", "results"),
    ),
    "satisfaction": (("dossiers", "rated", "satisfied"), ("dossiers", "rated", "ratings")),
    "dossiers_on_time_share": (("dossiers", "closed", "on_time"), ("dossiers", "closed", "closed")),
    "documents_electronic_share": (
        ("documents", "sent", "electronic_signed"),
        ("documents", "sent", "documents"),
    ),
    "tasks_on_time_share": (("tasks", "completed", "on_time"), ("tasks", "completed", "completed")),
    "meetings_in_system_share": (
        ("activities", "meetings", "meetings_in_system"),
        ("activities", "meetings", "meetings"),
    ),
    "inspections_digital_share": (
        ("activities", "inspections", "inspections_digital"),
        ("activities", "inspections", "inspections"),
    ),
    "work_records_online_share": (
        ("activities", "work_records", "work_records_online"),
        ("activities", "work_records", "work_records"),
    ),
    "procedures_online_share": (
        ("inventory", "procedures", "offered_online"),
        ("inventory", "procedures", "eligible_online"),
    ),
    "procedures_online_payment_share": (
        ("inventory", "procedures", "payable_online"),
        ("inventory", "procedures", "with_fee"),
    ),
    "portals_connected_share": (
        ("inventory", "systems", "portals_connected"),
        ("inventory", "systems", "portals"),
    ),
    "authenticated_users_share": (
        ("inventory", "accounts", "users_authenticated"),
        ("inventory", "accounts", "users"),
    ),
}

_PARTS = (*(f"-{month:02}" for month in range(1, 13)), *(f"-Q{n}" for n in range(1, 5)))


def figures_of(truth: Truth, now: int) -> dict[str, Any]:
    """Everything as plain data: sums by family, kind and measure, indicators, the same sums by
    agency, overdue at `now`; how dossiers stood at the end of the last whole day that was told, and
    form 06a of every period.
    """
    last = _last_day(truth, now)
    return {
        **_sums(truth, now),
        "day": _day(truth, last),
        "forms": _forms(truth, last, periods_of(truth.dossiers, last)),
    }


def _sums(truth: Truth, now: int) -> dict[str, Any]:
    totals: dict[str, dict[str, dict[str, int]]] = {}
    agencies: dict[str, dict[str, dict[str, dict[str, int]]]] = {}
    for (family, kind, agency, measure), count in sorted(truth.counts.items()):
        for place in (totals, agencies.setdefault(agency, {})):
            sums = place.setdefault(family, {}).setdefault(kind, {})
            sums[measure] = sums.get(measure, 0) + count
    shares = {
        name: {"numerator": truth.total(*up), "denominator": truth.total(*down)}
        for name, (up, down) in SHARES.items()
    }
    return {
        "events": truth.events,
        "duplicates": truth.duplicates,
        "as_of": truth.as_of,
        "asked_at": now,
        "overdue": truth.overdue(now),
        "tasks_overdue": truth.tasks_overdue(now),
        "indicators": shares,
        "totals": totals,
        "agencies": agencies,
    }


def _last_day(truth: Truth, now: int) -> date:
    """The last whole day that was told."""
    return date_of(day_number(truth.as_of or now)) - timedelta(days=1)


def _day(truth: Truth, on: date) -> dict[str, Any]:
    agencies = {
        agency: one._asdict() for agency, one in sorted(standing(truth.dossiers, on).items())
    }
    whole: Counter[str] = Counter()
    for sums in agencies.values():
        whole.update(sums)
    return {"day": on.isoformat(), "whole": dict(whole), "agencies": agencies}


def periods_of(dossiers: list[DossierDays], last: date) -> Iterator[str]:
    """The names of the periods of both calendars that have begun by a day, from the one that holds
    the first reception on.
    """
    begun = [one.received for one in dossiers if date_of(one.received) <= last]
    first = date_of(min(begun)) if begun else last
    for year in range(first.year, last.year + 2):
        for calendar, more in (("report", ("-6M", "-9M", "")), ("calendar", ("",))):
            for part in (*_PARTS, *more):
                begins, ends = period(f"{calendar}:{year}{part}").bounds
                if begins <= last and ends >= first:
                    yield f"{calendar}:{year}{part}"


def _forms(truth: Truth, last: date, periods: Iterable[str]) -> dict[str, dict[str, Any]]:
    """By period, up to a day: of all, by agency, and by band and field."""
    forms = {}
    for name in periods:
        begins, ends = period(name).bounds
        rows = form_06a(
            truth.dossiers, begins, min(ends, last), lambda one: (one.handler, one.procedure)
        )
        forms[name] = _form(rows)
    return forms


def _form(rows: dict[tuple[str, str], Counter[int]]) -> dict[str, Any]:
    whole: Counter[int] = Counter()
    agencies: dict[str, Counter[int]] = {}
    fields: dict[str, Counter[int]] = {}
    for (agency, procedure), sums in sorted(rows.items()):
        field = f"{band_of(agency)}/{FIELD_OF[procedure]}"
        for place in (
            whole,
            agencies.setdefault(agency, Counter()),
            fields.setdefault(field, Counter()),
        ):
            place.update(sums)
    return {
        "whole": _in_order(whole),
        "agencies": {agency: _in_order(sums) for agency, sums in agencies.items()},
        "fields": {field: _in_order(sums) for field, sums in fields.items()},
    }


def _in_order(sums: Counter[int]) -> Form:
    return {column: sums[column] for column in FORM_COLUMNS}


def write_figures(truth: Truth, path: Path, now: int) -> None:
    """The figures as a JSON file."""
    text = json.dumps(figures_of(truth, now), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", "utf-8")


def print_figures(truth: Truth, console: Console, now: int) -> None:
    """The figures as a table, and form 06a of every year and of the shorter periods of the last
    day.
    """
    last = _last_day(truth, now)
    console.print(_table(_sums(truth, now), _day(truth, last)))
    shown = [
        name
        for name in periods_of(truth.dossiers, last)
        if "-" not in name or period(name).holds(last)
    ]
    console.print(_form_table(_forms(truth, last, shown), last))


def _table(figures: dict[str, Any], of_day: dict[str, Any]) -> Table:
    table = Table(
        title=(
            f"What was generated: {figures['events']:,} events, {figures['duplicates']:,} of them"
            " sent twice"
        )
    )
    table.add_column("figure")
    table.add_column("count", justify="right")
    table.add_column("of", justify="right")
    table.add_column("share", justify="right")
    for family, kinds in figures["totals"].items():
        for kind, measures in kinds.items():
            for measure, count in measures.items():
                table.add_row(f"{family} · {kind} · {measure}", f"{count:,}")
    asked_at = f"{to_datetime(figures['asked_at']):%Y-%m-%d %H:%M}"
    table.add_row(f"dossiers overdue on {asked_at}", f"{figures['overdue']:,}")
    table.add_row(f"tasks overdue on {asked_at}", f"{figures['tasks_overdue']:,}")
    for name, count in of_day["whole"].items():
        table.add_row(f"dossiers at the end of {of_day['day']} · {name}", f"{count:,}")
    table.add_section()
    for name, share in figures["indicators"].items():
        up, down = share["numerator"], share["denominator"]
        table.add_row(
            name, f"{up:,}", f"{down:,}", f"{100 * up / down:.2f} %" if down else "no value"
        )
    return table


def _form_table(forms: dict[str, dict[str, Any]], last: date) -> Table:
    table = Table(title=f"Form 06a of the whole province, up to {last}")
    table.add_column("period")
    for column in FORM_COLUMNS:
        table.add_column(f"({column})", justify="right")
    for name, form in forms.items():
        table.add_row(name, *(f"{form['whole'][column]:,}" for column in FORM_COLUMNS))
    return table
