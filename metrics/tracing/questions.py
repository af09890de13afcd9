"""One thing, asked by its id: facts from Kafka's log, the state from the listing, and the figures
of this moment that it is in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from metrics.catalogue.indicators import Name
from metrics.errors import NotFound, NotReady, wrong
from metrics.figures import absence
from metrics.figures.compute import reading
from metrics.figures.naming import Naming
from metrics.figures.origins import origin_of
from metrics.figures.query import Query
from metrics.figures.readers import EVERYTHING, Reader
from metrics.figures.view import Views
from metrics.lists.listing import ListingRow, Meaning
from metrics.lists.reader import applied, dates, texts
from metrics.tracing.counts import FigureParts, counted_on, flags_of, traced_cells
from metrics.tracing.facts import Facts
from metrics.tracing.index import Fact, FactIndex, indexed
from metrics.tracing.log import Log, Read, Wanted
from metrics.tracing.trace import ThingState, Trace, TraceProgress
from schemas.clock import iso
from schemas.errors import KafkaUnavailable
from schemas.families import thing_of
from schemas.ids import LONGEST_ID, is_thing_id, text_in
from schemas.masking import shown
from schemas.partitioner import partition_of
from schemas.topics import events_topic, state_topic
from serving.store.disposable import Snapshots
from serving.store.progress import Progress

_LARGEST = 1 << 62  # of the numbers that SQLite compares

NO_STATE = Name(
    vi=(
        "Không được tính ở đâu: chưa có thông tin nào được tính, tất cả đều bị từ chối, hoặc mọi"
        " điều đã báo đã được hủy."
    ),
    en=(
        "It counts nowhere: none of its facts is counted yet, all were refused, or all that was"
        " said of it was taken back."
    ),
)
NO_KAFKA = Name(
    vi=(
        "Kafka không trả lời nên không đọc được các thông tin; trạng thái vẫn như lần cuối đã biết."
        " Hãy hỏi lại sau."
    ),
    en=(
        "Kafka does not answer, so the facts can't be read; the state is as it was last known. Ask"
        " again later."
    ),
)


@dataclass(frozen=True, slots=True)
class TraceQuery:
    """A page of one thing's facts. `books`: the name by which the reader asks for other books than
    the first, as addresses of figures have it.
    """

    limit: int
    after: str | None = None  # `next` of the page before
    books: str | None = None


@dataclass(frozen=True, slots=True)
class ListedState:
    """What the listing holds of a thing. `counted`: by partition up to which fact the states stand,
    None where one can't say.
    """

    dates: Mapping[str, str]
    texts: Mapping[str, str]
    rows: Sequence[ListingRow] | None  # None: it is not listed
    counted: Mapping[int, int] | None


class Traces:
    """Answers, in the calling thread.

    Raises (from every method): QueryError; NotReady; NotFound; Unreadable; NotAllowed.
    """

    def __init__(
        self,
        views: Views,
        lists: Snapshots,
        index: FactIndex,
        facts: Snapshots,
        log: Log,
        meanings: Sequence[Meaning],
        *,
        listed: Callable[[], Progress],
    ) -> None:
        """`listed`: how far the listing is."""
        self._views, self._lists, self._index, self._facts, self._log = (
            views,
            lists,
            index,
            facts,
            log,
        )
        self._meanings = {meaning.family: meaning for meaning in meanings}
        self._telling = {
            meaning.family: Facts(meaning, index.partitions, self._naming) for meaning in meanings
        }
        self._listed = listed
        self._indicators = [
            indicator for indicator in views.catalogue.values() if origin_of(indicator).listed
        ]

    def trace(self, family: str, id_: str, asked: TraceQuery, reader: Reader = EVERYTHING) -> Trace:
        """One thing of a family that the reader may open."""
        after = _after(asked.after)
        if not (progress := self._listed()).ready:
            raise NotReady(
                f"The list is being built from Kafka: {progress.percent:.1f} % ({progress.doing}).",
            )
        ids = self._for(reader, family, spellings(id_))
        found = [self._answer(family, one, asked, after) for one in ids]
        known = [
            answer for answer in found if answer.state is not None or answer.facts or answer.next
        ]
        if known:
            return known[0]
        if any(answer.facts is None for answer in found):
            raise NotReady(
                "Kafka does not answer, and nothing is counted under this id: ask again later.",
            )
        if left := max(answer.left for answer in found):
            raise NotReady(
                f"{left:,} facts are still to be looked through for this id: ask again in a"
                " moment.",
            )
        if after is not None:
            return found[0]
        raise NotFound(
            f"Nothing was ever told of a {thing_of(family)} {shown(id_)}: see how its source writes"
            " the id, capitals and signs included.",
        )

    def _for(self, reader: Reader, family: str, ids: list[str]) -> list[str]:
        """Those that count for one of the reader's agencies, on the day of a count or today: what
        it finds in a list it may open.

        Raises: NotAllowed, alike for what others have and for what there is not.
        """
        if reader.agencies is None:
            return ids
        with self._views.open() as view:
            directory, today = view.directory, view.moment.today
        theirs = [
            one
            for one in ids
            if any(
                reader.may_read(directory, cell.agency, day)
                for cell in traced_cells(self._state(family, one).rows or ())
                for day in (counted_on(cell) or today, today)
            )
        ]
        if not theirs:
            raise reader.refuse_thing(thing_of(family))
        return theirs

    def _answer(self, family: str, id_: str, asked: TraceQuery, after: Fact | None) -> Trace:
        # The state first: a fact that is read afterwards is either in it or behind it.
        state = self._state(family, id_)
        home = partition_of(id_.encode(), self._index.partitions)
        read, more, next_offset = self._read(family, id_, home, after, asked.limit)
        counted = self._counted(state)
        whole = after is None and more is None
        facts = (
            None
            if read is None
            else self._telling[family].tell(id_.encode(), read.records, counted, whole=whole)
        )
        return Trace(
            id=id_,
            name=self._naming(self._views.today).thing(id_, family),
            family=family,
            state=self._state_of(family, state, asked),
            state_missing=NO_STATE if state.rows is None else None,
            facts=facts,
            facts_missing=NO_KAFKA if read is None else _not_all(read),
            left=0 if read is None else read.left,
            next=None if more is None else f"{more.offset}.{more.partition}",
            as_of=TraceProgress(
                partition=home,
                counted=counted.get(home, 0),
                indexed=next_offset,
                log=None if read is None else read.end,
            ),
        )

    def _naming(self, day: date) -> Naming:
        """What codes are called on a day; it is told even where there are no figures."""
        return Naming(self._views.directory, self._views.declared, day)

    def _counted(self, state: ListedState) -> Mapping[int, int | None]:
        return (
            dict.fromkeys(range(self._index.partitions))
            if state.counted is None
            else dict(state.counted)
        )

    def _state(self, family: str, id_: str) -> ListedState:
        meaning = self._meanings[family]
        with self._lists.snapshot() as db:
            row = db.execute(f"SELECT listed FROM {family} WHERE thing = ?", (id_,)).fetchone()
            known = dates(db, family, [id_]).get(id_) or ()
            said = texts(db, family, [id_]).get(id_) or ()
            counted = applied(db, state_topic(family, self._views.kafka_name))
        named = zip(meaning.date_names, known, strict=False)
        in_words = zip(meaning.text_names, said, strict=False)
        return ListedState(
            {name: iso(ms) for name, ms in named if ms is not None},
            {name: text for name, text in in_words if text is not None},
            _rows(row[0]) if row else None,
            counted,
        )

    def _state_of(self, family: str, state: ListedState, asked: TraceQuery) -> ThingState | None:
        if state.rows is None:
            return None
        cells, ours = traced_cells(state.rows), self._meanings[family].rules
        indicators = [one for one in self._indicators if family in one.families]
        with self._views.open() as view:
            theirs = view.snapshot.rules().get(family, [])
            missing = None if theirs in ([], [ours]) else absence.other_rules(family, theirs, ours)
            asked_now = reading(view, Query(), indicators)
            parts = FigureParts(asked_now, indicators, asked.books, cells)
            counts_for = [parts.cell(cell) for cell in cells] if missing is None else None
        return ThingState(
            dates=dict(state.dates),
            texts=dict(state.texts),
            flags=flags_of(cells),
            counts_for=counts_for,
            missing=missing,
        )

    def _read(
        self, family: str, id_: str, home: int, after: Fact | None, limit: int
    ) -> tuple[Read | None, Fact | None, int]:
        """A page of facts (None: Kafka does not answer), behind which one there are more, and how
        far the index is.
        """
        topic = events_topic(family, self._views.space)
        with self._facts.snapshot() as db:
            # one more, to know whether there is a next page
            places = self._index.facts(db, family, id_.encode(), after, limit + 1)
            next_offset = indexed(db, topic, home)
        more = places[limit - 1] if len(places) > limit else None
        try:
            wanted = Wanted(topic, places[:limit], home, next_offset if more is None else None)
            return self._log.read(wanted), more, next_offset
        except KafkaUnavailable:
            return None, more, next_offset


def spellings(id_: str) -> list[str]:
    """The id as it is kept today, and as it was asked for where things of before may be kept like
    that.

    Raises: QueryError for what is no id in any form.
    """
    kept = [id_] if is_thing_id(id_) else []
    try:
        return list(dict.fromkeys([*kept, text_in(LONGEST_ID)(id_)]))
    except ValueError as error:
        if kept:
            return kept
        raise wrong("id", str(error)) from error


def _not_all(read: Read) -> Name | None:
    if read.left:
        return Name(
            vi=f"Còn {read.left} thông tin chưa được rà: có thể thiếu, hãy hỏi lại sau giây lát.",
            en=(
                f"{read.left} facts are still to be looked through: some of this one may be among"
                " them, ask again in a moment."
            ),
        )
    if read.gone:
        return Name(
            vi=f"{read.gone} thông tin không còn trong Kafka: đã bị xóa.",
            en=(
                f"{read.gone} facts are no longer in Kafka: somebody deleted them. Run `lgsp"
                " recount`."
            ),
        )
    return None


def _after(token: str | None) -> Fact | None:
    """The fact that a token names.

    Raises: QueryError for any other text.
    """
    if token is None:
        return None
    offset, point, partition = token.partition(".")
    if not (
        point
        and offset.isascii()
        and offset.isdigit()
        and partition.isascii()
        and partition.isdigit()
    ):
        raise wrong("after", "is no place among the facts: take `next` of the page before")
    found = Fact(int(partition[:5]), int(offset[:20]))
    if found.offset * max(found.partition, 1024) >= _LARGEST:
        raise wrong("after", "is no place among the facts: take `next` of the page before")
    return found


_rows = msgspec.msgpack.Decoder(list[tuple[int | str, ...]]).decode
