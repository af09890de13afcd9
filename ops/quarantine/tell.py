"""How refusals are told: a table that fits eighty columns, and one refusal with what to do next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from connectors.quarantine.entries import EARLIER, Entry
from schemas.clock import DAY_MS, iso
from schemas.topics import QUARANTINE_MS, VAULT_DAYS

_ORIGIN = 22  # characters of an origin, which is as much as tells it from others
_OTHERS = 5  # origins of the same bytes


@dataclass(slots=True)
class RefusalGroup:
    """Refusals of one day, source and sort of reason."""

    day: str
    source: str
    reason: str
    items: int = 0
    at: int = 0
    newest: str = ""

    def add(self, entry: Entry) -> None:
        """One more."""
        self.items += 1
        if entry.at >= self.at:
            self.at, self.newest = entry.at, entry.origin


def grouped(console: Console, groups: Sequence[RefusalGroup], total: int, limit: int) -> None:
    """The newest groups, and how to go on from there."""
    if not groups:
        console.print(
            "Nothing was refused, or nothing that was asked for: entries go after 14 days.",
            highlight=False,
        )
        return
    table = Table(
        "day",
        "items",
        "source",
        "reason",
        "newest",
        box=SIMPLE,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    table.columns[0].no_wrap, table.columns[1].no_wrap, table.columns[1].justify = (
        True,
        True,
        "right",
    )
    table.columns[2].overflow = table.columns[3].overflow = table.columns[4].overflow = "fold"
    table.columns[2].max_width, table.columns[4].max_width = 16, _ORIGIN
    for group in groups[:limit]:
        table.add_row(
            group.day, f"{group.items:,}", group.source, group.reason, _short(group.newest)
        )
    console.print(table, markup=False, highlight=False)
    more = f", of which the newest {limit:,} are shown (--limit)" if len(groups) > limit else ""
    sorts = "1 sort" if len(groups) == 1 else f"{len(groups):,} sorts"
    console.print(f"{total:,} refused, of {sorts}{more}.", highlight=False)
    console.print(
        "Next: lgsp quarantine show ORIGIN, of the last column, tells what is kept of one and what"
        " to do.",
        highlight=False,
    )


def _short(origin: str) -> str:
    """So much of an origin as `show` needs to find it: of a request eight signs of its id, and the
    item.
    """
    if not origin.startswith("http:"):
        return origin
    request, slash, item = origin.partition("/")
    return f"{request[:13]}{slash}{item}"


def whole(console: Console, entry: Entry, times: int, same: Sequence[str]) -> None:
    """All that is kept of a refusal, and what to do next."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, text in _lines(entry, times, same):
        table.add_row(name, text)
    console.print(entry.origin, markup=False, highlight=False, style="bold")
    console.print(table, markup=False, highlight=False)
    console.print(f"Next: {_next(entry)}", markup=False, highlight=False)


def _lines(entry: Entry, times: int, same: Sequence[str]) -> Iterator[tuple[str, str]]:
    kept = entry.kept
    again = f"; noted {times:,} times, as the same place was read again" if times > 1 else ""
    yield (
        "refused",
        (
            f"{iso(entry.at)[:19].replace('T', ' ')}, kept until about"
            f" {iso(entry.at + QUARANTINE_MS)[:10]}{again}"
        ),
    )
    yield "stands", _standing(entry)
    yield "by", _door(entry)
    yield "source", entry.source
    yield "because", entry.reason or "no reason is known"
    yield "what", f"{kept.type or kept.structure or 'not told'}; {kept.length:,} bytes"
    yield from (
        ("" if number else "known of it", f"{name}: {value}")
        for number, (name, value) in enumerate(kept.fields.items())
    )
    if kept.unknown:
        fields = "1 field" if kept.unknown == 1 else f"{kept.unknown:,} fields"
        yield "unknown", f"{fields} that the hub does not know; neither name nor content is kept"
    yield "hash", f"{kept.digest} (HMAC-SHA-256, key {kept.digest_key})"
    yield "original", _original(entry)
    if same:
        more = f" and {len(same) - _OTHERS:,} more" if len(same) > _OTHERS else ""
        yield "the same", f"came as well as {', '.join(same[:_OTHERS])}{more}"
    if entry.kind == EARLIER:
        yield (
            "note",
            (
                "an earlier version kept it whole; it goes with its segment of the topic, 14 days"
                " after it came"
            ),
        )


def _standing(entry: Entry) -> str:
    if entry.marked is None or entry.marked.at < entry.at:
        return "waiting"
    at, mark = entry.marked
    when = f"{iso(at)[:19].replace('T', ' ')} by {mark.by}"
    if mark.state == "dropped":
        return f"dropped {when}; its original is gone"
    answer = f", answer {mark.status}" if mark.status else ""
    said = f": {mark.said}" if mark.said else ""
    what = "replayed" if mark.state == "replayed" else "waiting; last replayed"
    return f"{what} {when}{answer}{said}"


def _original(entry: Entry) -> str:
    if entry.ref is None or entry.state == "dropped":
        return "none is kept"
    until = iso(entry.at + VAULT_DAYS["quarantine"] * DAY_MS)[:10]
    return (
        f"in the vault, encrypted, until about {until} (show --original tells it on the hub's"
        " machine)"
    )


def _door(entry: Entry) -> str:
    if entry.door == "http":
        request, _, item = entry.origin.removeprefix("http:").partition("/")
        what = f"item {item}" if item else "the whole body"
        return f"the gateway, {what} of request {request}"
    if entry.door == "file":
        name, _, line = entry.origin.removeprefix("file:").rpartition("/")
        return f"an import, line {line} of {name}"
    return f"a worker, reading {entry.origin.removeprefix('kafka:')} (topic/partition/offset)"


def _next(entry: Entry) -> str:
    if entry.door == "http":
        return (
            f"tell {entry.source} what is wrong; its own log has the answer with each field"
            " (X-Request-Id). It sends the item again once it is mended; until then nothing of it"
            " counts. Where the hub was wrong (its settings, the client's rights, the directory),"
            f" mend that, then `lgsp quarantine replay {entry.origin}`; `drop` forgets it."
        )
    if entry.door == "file":
        return (
            "correct the row in the file of rejections beside the imported one, or in the first"
            " file where that shows #MASKED!, and import it with the same mapping."
        )
    return (
        "find out which system writes to this topic by itself, and stop it. The record stands"
        " there, and never counts; no door of the hub wrote it."
    )
