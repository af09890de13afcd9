"""The command: what was compared as a table, what is wrong in sentences, and what to do about
it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import chain

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ops.bars import bars
from ops.recount.compare import recount
from ops.recount.twins import Twins, twins_of
from ops.recount.verdict import Difference, Verdict
from schemas.cells.codec import CellSums
from schemas.cells.kinds import CELL_KINDS
from schemas.cells.pages import CellKey
from schemas.kafka.topics import ensure_topics
from schemas.settings import Settings
from streams.families import FAMILIES

_SHOWN = 20  # of a kind that are printed; the count says how many there are
_TO_DO = (
    "What to do: stop the workers. `lgsp mend` shows where books, group and log stand, and puts"
    " right what it can; `lgsp mend --from-zero` counts everything again from the events, which are"
    " never changed. Then recount."
)


def run_recount(settings: Settings) -> int:
    """Print what was found; exit code 0 if everything published is what the events say, 1 if
    anything is not.
    """

    async def run() -> int:
        await ensure_topics(settings)
        return await tell(settings, Console())

    return asyncio.run(run())


async def tell(settings: Settings, console: Console) -> int:
    """The same where the topics are there already."""
    with bars(console) as progress:
        verdicts = await recount(settings, progress)
    twins = {
        name: await twins_of(settings, name)
        for name, family in FAMILIES.items()
        if family.recounted
    }
    console.print(verdict_table(verdicts, settings.books))
    for line in verdict_lines(verdicts, twins):
        console.print(line)
    return 1 if any(verdict.wrong for verdict in verdicts) else 0


def verdict_table(verdicts: list[Verdict], books: str) -> Table:
    """A row for each partition of each family, no wider than 80 columns for millions of each."""
    found = Table(
        title=f"Recount of {books} from the first event",
        box=SIMPLE_HEAD,
        padding=0,
        show_edge=False,
    )
    found.add_column("family", no_wrap=True, min_width=max(map(len, FAMILIES)))
    for column in (
        "part",
        "events",
        "refused",
        "things",
        "cells",
        "wrong\ncells",
        "wrong\nstates",
        "waiting",
    ):
        # words of headings stay whole, and what is wider is folded: no figure is cut off
        widest = max(map(len, column.split()))
        found.add_column(column, justify="right", overflow="fold", min_width=widest)
    for v in verdicts:
        row = (v.events, v.refused, v.things, v.cells, len(v.differences), len(v.states), v.behind)
        found.add_row(
            v.family,
            str(v.partition),
            *(f"{number:,}" for number in row),
            style="bold red" if v.wrong else "",
        )
    return found


def verdict_lines(verdicts: list[Verdict], twins: dict[str, Twins]) -> Iterator[str]:
    """What is to be said beside the table, in rich's markup."""
    yield from _remarks(verdicts, twins)
    if others := [verdict for verdict in verdicts if verdict.rules]:
        yield from _other_rules(others)
    comparable = [verdict for verdict in verdicts if not verdict.rules]
    differences: list[Difference] = []
    states: list[str] = []
    faults: list[str] = []
    for verdict in comparable:
        differences += verdict.differences
        for key in verdict.states:
            states.append(f"{verdict.family}: {key.decode(errors='backslashreplace')}")
    for verdict in verdicts:
        for fault in verdict.faults:
            faults.append(f"{verdict.family}/{verdict.partition}: {fault}.")
    if not (differences or states or faults):
        if comparable:
            cells = sum(verdict.cells for verdict in comparable)
            things = sum(verdict.things for verdict in comparable)
            if cells or things:
                yield f"All {cells:,} cells and {things:,} states agree."
            else:
                yield (
                    "There is nothing to compare: no facts are in this space. `make run` tells"
                    " simulated ones in another (LGSP_SPACE=simulated)."
                )
        return
    yield from _wrong(differences, states, faults)
    begins = [bool(verdict.begins) for verdict in comparable if verdict.wrong]
    if True in begins:
        yield (
            "Where the log has lost its beginning, that alone makes them differ: what was told"
            " before it is in no recount any more."
        )
    if False in begins:
        yield _TO_DO


def _wrong(differences: list[Difference], states: list[str], faults: list[str]) -> Iterator[str]:
    if differences:
        yield (
            f"[bold red]{len(differences):,} cells differ.[/] Published figures are not what the"
            " events say."
        )
        yield from _some(map(_difference, differences), len(differences))
    if states:
        yield (
            f"[bold red]{len(states):,} states differ.[/] The next facts about these things would"
            " be counted wrongly."
        )
        yield from _some(iter(states), len(states))
    if faults:
        yield "[bold red]Offsets do not fit together:[/]"
        yield from _some(iter(faults), len(faults))


def _other_rules(verdicts: list[Verdict]) -> Iterator[str]:
    """Nothing is wrong with such books; they are only not this command's."""
    where = ", ".join(f"{verdict.family}/{verdict.partition}" for verdict in verdicts)
    theirs, ours = verdicts[0].rules or ("", "")
    yield (
        f"[bold red]Not compared:[/] {where} were counted by other rules or office hours ({theirs})"
        f" than this command has ({ours}). Give it the workers' settings and version, or wait until"
        " workers of this version have taken over."
    )


def _remarks(verdicts: list[Verdict], twins: dict[str, Twins]) -> Iterator[str]:
    """What is no fault of the figures, but should be known."""
    for verdict in verdicts:
        if verdict.begins:
            yield (
                f"The log of {verdict.family}/{verdict.partition} begins at offset"
                f" {verdict.begins}: what was told before it can't be proved any more."
            )
    junk = list(chain.from_iterable(verdict.junk for verdict in verdicts))
    if junk:
        yield (
            f"{len(junk):,} records among states and pages are none of the hub's, and were passed"
            " over: who else writes there?"
        )
        yield from _some(iter(junk), len(junk))
    pairs: list[str] = []
    for name, of_family in twins.items():
        for ids in of_family.values():
            pairs.append(f"{name}: {', '.join(map(repr, ids))}")
    if pairs:
        yield (
            f"{len(pairs):,} ids are told in several spellings, each a thing of its own; today they"
            " would be one (docs/send-events.md):"
        )
        yield from _some(iter(pairs), len(pairs))


def _some(found: Iterator[str], count: int) -> Iterator[str]:
    for _, line in zip(range(_SHOWN), found, strict=False):
        yield f"  {escape(line)}"
    if count > _SHOWN:
        yield f"  … and {count - _SHOWN:,} more"


def _difference(difference: Difference) -> str:
    key, published, counted = difference
    return (
        f"{'|'.join(map(str, key))}: published {_named(key, published)}, recounted"
        f" {_named(key, counted)}"
    )


def _named(key: CellKey, sums: CellSums) -> str:
    """Counts by the names of their measures; a newer worker's further measures by their places."""
    measures = dict(enumerate(CELL_KINDS[key.family][key.kind].measures))
    named = [
        f"{measures.get(index, str(index))} {amount:,}" for index, amount in sorted(sums.items())
    ]
    return ", ".join(named) or "nothing"
