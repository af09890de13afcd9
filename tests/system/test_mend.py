"""Books that somebody touched, on a real Kafka: refused by name, told by the recount, and mended by
`lgsp mend`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from aiokafka.protocol.admin import DeleteGroupsRequest
from harness import Hub, broker, hub_on_broker
from rich.console import Console
from test_ledger import SOURCE, batch, counted_otherwise, exact, ledger, read, records, soon

from connectors.publishing.publisher import Publisher
from ops.mend.run import Mending
from ops.recount import Verdict, recount
from ops.recount.report import verdict_lines
from ops.simulate.stream import events
from schemas.cells.applied import is_applied
from schemas.errors import BooksError, HubError
from schemas.kafka.clients import admin, consumer, producer
from schemas.kafka.reading import committed_offsets
from schemas.kafka.topics import ensure_topics
from schemas.topics import QUARANTINE, cells_topic, state_topic
from streams.families import FAMILIES
from streams.family_partition import Fetched
from streams.ledger import Ledger
from streams.takeover import take_over

__all__ = ["broker", "hub_on_broker", "ledger", "records"]


async def opened(hub: Hub, *partitions: int) -> list[Ledger]:
    """Ledgers as a worker that starts again opens them."""
    ledgers = [Ledger(partition, hub.settings) for partition in partitions or (0,)]
    await take_over(hub.settings, ledgers)
    return ledgers


async def count_all(hub: Hub) -> None:
    """What a worker does until nothing waits."""
    for one in await opened(hub, *range(hub.settings.partitions)):
        for topic, part in one.by_topic.items():
            if found := (await read(hub, part.source))[part.next :]:
                await one.apply({topic: [Fetched(found, None)]})
        await one.close()


async def mend(hub: Hub, **options: bool) -> tuple[int, str]:
    """Exit code and what the command says."""
    console = Console(record=True, width=160)
    chosen = {"from_zero": False, "skip_missing": False, "yes": True} | options
    code = await Mending(hub.settings, console).run(**chosen)
    return code, console.export_text()


async def set_group(hub: Hub, offset: int) -> None:
    async with consumer(hub.settings, group_id=hub.settings.app_id) as operator:
        operator.assign([SOURCE])
        await operator.commit({SOURCE: offset})


async def delete_group(hub: Hub) -> None:
    async with admin(hub.settings) as client:
        answer: Any = await client._send_request(
            DeleteGroupsRequest([hub.settings.app_id]), await client.find_coordinator("lgsp")
        )
        assert [code for _, code in answer.results] == [0]


async def verdict_of(hub: Hub) -> Verdict:
    return next(
        one for one in await recount(hub.settings) if (one.family, one.partition) == ("dossiers", 0)
    )


def said(verdicts: Sequence[Verdict]) -> str:
    return "\n".join(verdict_lines(list(verdicts), {}))


async def test_a_moved_group_offset_is_refused_told_and_set_back(
    hub: Hub, records: list, ledger: Ledger
) -> None:
    await ledger.apply(batch(records[:50], None))
    await ledger.close()
    for offset in (80, 20):
        await set_group(hub, offset)
        with pytest.raises(
            BooksError, match=rf"lgsp\.dossiers/0 \(books at 50, group at {offset}\).*`lgsp mend`"
        ):
            await opened(hub)
        assert f"the group goes on from offset {offset}" in said([await verdict_of(hub)])
        code, printed = await mend(hub)
        assert (code, "lgsp.dossiers/0 to 50" in printed) == (0, True)
    (successor,) = await opened(hub)
    await successor.apply(batch(records[50:], None))
    await successor.close()
    assert await exact(hub, len(records)) == len(records)


async def test_a_group_that_is_gone_is_taken_as_where_the_books_stand(
    hub: Hub, records: list, ledger: Ledger
) -> None:
    """A hub that was off for longer than Kafka keeps offsets starts again, and the offset is there
    again.
    """
    await ledger.apply(batch(records[:50], None))
    await ledger.close()
    await delete_group(hub)
    assert (await committed_offsets(hub.settings, "lgsp", [SOURCE])) == {SOURCE: None}
    (successor,) = await opened(hub)
    assert await soon(
        lambda: committed_offsets(hub.settings, "lgsp", [SOURCE]),
        lambda found: found == {SOURCE: 50},
    ) == {SOURCE: 50}
    await successor.apply(batch(records[50:], None))
    await successor.close()
    assert await exact(hub, len(records)) == len(records)


async def test_lost_cells_are_refused_told_and_counted_again_from_zero(
    hub: Hub, records: list
) -> None:
    """Cells and `applied` gone, the group's offset too: the facts would change no state, so no
    figure would ever come back.
    """
    await count_all(hub)
    whole = await soon(
        lambda: recount(hub.settings), lambda found: sum(one.events for one in found) > len(records)
    )
    assert not any(one.wrong for one in whole)
    async with admin(hub.settings) as client:
        await client.delete_topics([cells_topic()])
    await asyncio.sleep(1)
    await ensure_topics(hub.settings)
    await delete_group(hub)
    told = said(await recount(hub.settings))
    assert "All" not in told
    assert "the cells stand for the events before offset 0, and the states for those before" in told
    assert "lgsp mend --from-zero" in told
    with pytest.raises(
        BooksError,
        match=r"States and cells stand at different offsets: lgsp\.dossiers/0 .*lgsp\.dossiers/1 ",
    ):
        await opened(hub, 0, 1, 2, 3)
    code, printed = await mend(hub)
    assert (code, "Not mended" in printed) == (1, True)
    code, printed = await mend(hub, from_zero=True)
    assert (code, "fit together" in printed) == (0, True)
    await count_all(hub)
    again = await soon(
        lambda: recount(hub.settings),
        lambda found: sum(one.cells for one in found) == sum(one.cells for one in whole),
    )
    assert not any(one.wrong for one in again)
    assert [(one.family, one.partition, one.events, one.cells) for one in again] == [
        (one.family, one.partition, one.events, one.cells) for one in whole
    ]


async def test_books_of_rules_too_old_are_told_and_counted_again_from_zero(
    hub: Hub, records: list, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The way up to rules that need what older states did not keep."""
    await count_all(hub)
    old = FAMILIES["dossiers"]
    newer = replace(old, version=old.version + 1, states_since=old.version + 1)
    monkeypatch.setitem(FAMILIES, "dossiers", newer)
    code, printed = await mend(hub)
    assert (code, "Not mended: These books lack" in printed) == (1, True)
    with pytest.raises(BooksError, match="These books lack what the new rules need"):
        await opened(hub, 0)
    code, printed = await mend(hub, from_zero=True)
    assert (code, "fit together" in printed) == (0, True)
    await count_all(hub)
    again = await soon(
        lambda: recount(hub.settings), lambda found: sum(one.events for one in found) > len(records)
    )
    assert not any(one.wrong or one.rules for one in again)


async def test_facts_that_were_deleted_before_they_were_counted(
    hub: Hub, records: list, ledger: Ledger
) -> None:
    """A take-over refuses and names them, a running worker ends; whoever knows that they are gone
    lets the books go on.
    """
    await ledger.apply(batch(records[:50], None))
    async with admin(hub.settings) as client:
        await client.delete_records({SOURCE: RecordsToDelete(before_offset=60)})
    with pytest.raises(Exception, match="facts 50 to 59 were deleted before they were counted"):
        await ledger.apply(batch(records[60:], 49))
    await ledger.close()
    with pytest.raises(BooksError, match=r"lgsp\.dossiers/0 \(facts 50 to 59\)"):
        await opened(hub)
    told = said([await verdict_of(hub)])
    assert "begins at offset 60: what was told before it can't be proved" in told
    code, _ = await mend(hub)
    assert code == 1
    code, _ = await mend(hub, skip_missing=True)
    assert code == 0
    (successor,) = await opened(hub)
    await successor.apply(batch(records[60:], None))
    assert successor.by_topic[SOURCE.topic].next == records[-1].offset + 1
    await successor.close()


async def test_behind_a_gap_books_are_counted_by_todays_rules_first(
    hub: Hub, records: list, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else they would say that today's rules counted what others did; and books that newer rules
    keep are left alone.
    """
    await ledger.apply(batch(records[:50], None))
    await ledger.close()
    async with admin(hub.settings) as client:
        await client.delete_records({SOURCE: RecordsToDelete(before_offset=60)})
    today = FAMILIES["dossiers"]
    with monkeypatch.context() as patched:
        patched.setitem(FAMILIES, "dossiers", counted_otherwise())
        assert (await mend(hub, skip_missing=True))[0] == 0
        await opened(hub)
    pages = [
        record
        for record in await read(hub, TopicPartition(cells_topic(), 0))
        if record.key.startswith(b"dossiers|")
    ]
    newest = {record.key: record.value for record in pages if not is_applied(record.key)}
    assert any(b"refused" in (value or b"") for value in newest.values())
    assert not any(b"received" in (value or b"") for value in newest.values())
    with pytest.raises(
        HubError, match=f"version {today.version + 1} of the rules counted these books"
    ):
        await mend(hub, from_zero=True)


async def test_facts_that_only_states_still_hold_are_not_thrown_away_unasked(
    hub: Hub, records: list, ledger: Ledger
) -> None:
    await ledger.apply(batch(records, None))
    await ledger.close()
    async with admin(hub.settings) as client:
        await client.delete_records({SOURCE: RecordsToDelete(before_offset=60)})
    with pytest.raises(
        HubError, match=r"lgsp\.dossiers/0 begins at offset 60.*--from-zero --skip-missing"
    ):
        await mend(hub, from_zero=True)
    (successor,) = await opened(hub)
    await successor.close()


async def test_lost_states_are_not_hidden_behind_a_gap(
    hub: Hub, records: list, ledger: Ledger
) -> None:
    await ledger.apply(batch(records[:50], None))
    await ledger.close()
    async with admin(hub.settings) as client:
        await client.delete_topics([state_topic("dossiers")])
        await client.delete_records({SOURCE: RecordsToDelete(before_offset=60)})
    await asyncio.sleep(1)
    assert (await mend(hub, skip_missing=True))[0] == 1
    with pytest.raises(BooksError, match="states at 0, cells at 50"):
        await opened(hub)


async def test_what_others_wrote_is_passed_over_named_and_kept_in_quarantine(
    hub: Hub, records: list, ledger: Ledger
) -> None:
    """Junk among states and cells, and a good record on a partition that is not its key's."""
    await ledger.apply(batch(records[:50], None))
    await ledger.close()
    elsewhere = TopicPartition(SOURCE.topic, 1)
    async with producer(hub.settings) as sender:
        for topic in (cells_topic(), state_topic("dossiers")):
            for key in (b"dossiers|X|1", b"NOPE"):
                await sender.send_and_wait(topic, b"junk", key=key, partition=0)
        good = records[0]
        foreign = await sender.send_and_wait(
            SOURCE.topic, good.value, key=good.key, headers=list(good.headers), partition=1
        )
    others = await read(hub, elsewhere)
    for one in await opened(hub, 0, 1):
        await one.apply(
            {
                SOURCE.topic: [Fetched(records[50:], None)]
                if one.partition == 0
                else [Fetched(others, None)]
            }
        )
        await one.close()
    verdicts = await soon(
        lambda: recount(hub.settings),
        lambda found: sum(one.events for one in found) == len(records) + len(others),
    )
    assert not any(one.wrong for one in verdicts)
    assert [one.refused for one in verdicts if (one.family, one.partition) == ("dossiers", 1)] == [
        1
    ]
    origins = {record.key.decode() for record in await read(hub, TopicPartition(QUARANTINE, 0))}
    assert f"kafka:{SOURCE.topic}/1/{foreign.offset}" in origins
    assert {origin.rpartition("/")[0] for origin in origins} >= {
        "kafka:lgsp.cells/0",
        "kafka:lgsp.dossiers.state/0",
    }
    assert "lgsp.dossiers.state/0/" in said(verdicts)


async def test_states_that_are_not_what_the_events_say_are_told(
    hub: Hub, records: list, ledger: Ledger
) -> None:
    """Cells alone don't show it: the next fact about the thing would be counted wrongly."""
    await ledger.apply(batch(records[:50], None))
    states = dict(ledger.by_topic[SOURCE.topic].family_state.states.items())
    await ledger.close()
    wrong, other = list(states)[:2]
    async with producer(hub.settings) as sender:
        await sender.send_and_wait(state_topic("dossiers"), states[other], key=wrong, partition=0)
    (successor,) = await opened(hub)
    await successor.apply(batch(records[50:51], None))
    await successor.close()
    verdict = await soon(lambda: verdict_of(hub), lambda found: found.events == 51)
    assert wrong in verdict.states
    assert wrong.decode() in said([verdict])


async def test_a_recount_by_other_rules_says_so_and_nothing_else(
    hub: Hub, records: list, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await ledger.apply(batch(records[:50], None))
    await ledger.close()
    monkeypatch.setitem(
        FAMILIES,
        "dossiers",
        replace(FAMILIES["dossiers"], version=FAMILIES["dossiers"].version + 1),
    )
    told = said([await verdict_of(hub)])
    assert "Not compared:" in told
    assert "differ" not in told
    assert "mend" not in told


async def test_nothing_is_mended_while_workers_run(hub: Hub) -> None:
    worker = hub.service("worker", "worker")
    async with Publisher(hub.settings) as publisher:
        await publisher.publish([event for _, event in events(11, 20, 1_767_546_000_000, 20)])
    await hub.settle()
    code, printed = await mend(hub)
    assert (code, "fit together" in printed) == (0, True)
    with pytest.raises(Exception, match=r"Workers of lgsp run .*: stop all of them first"):
        await mend(hub, from_zero=True)
    assert worker.running
