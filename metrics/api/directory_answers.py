"""Questions about the directory itself, answered in the calling thread: agencies of a day, one
agency's history, procedures, and who reports.

Raises (from every function): QueryError; NotFound; NotReady; Unreadable; NotAllowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace

from metrics.api.directory_parameters import (
    AgencyParameters,
    CoverageParameters,
    DayParameters,
    ProcedureParameters,
)
from metrics.api.directory_shapes import (
    AgenciesAnswer,
    AgencyAnswer,
    AgencyCoverage,
    AgencyOf,
    CoverageAnswer,
    MistakeOf,
    Predecessor,
    ProcedureOf,
    ProceduresAnswer,
    UnknownOf,
)
from metrics.api.shapes import Names, as_of, days_of, names
from metrics.cube.tables import FAMILIES
from metrics.errors import NotFound, instead, wrong
from metrics.figures.coverage import AgencyReports, by_agency
from metrics.figures.naming import Naming, naming_of
from metrics.figures.view import Views
from schemas.clock import iso_milliseconds
from schemas.families import INVENTORY
from schemas.masking import shown
from schemas.windows import Window
from serving.directory.directory import Directory
from serving.directory.items import Mistake, ProcedureFields, Statement
from serving.directory.links import AgencyStatement


def answer_agencies(views: Views, asked: AgencyParameters) -> AgenciesAnswer:
    """The agencies valid on a day, and what is wrong or unknown."""
    with views.open() as view:
        directory, heard, day = view.directory, view.heard, asked.day or view.moment.today
        naming = naming_of(view, Window(None, day))
    return AgenciesAnswer(
        space=views.space,
        books=views.books,
        day=day,
        agencies=[one for one in _in_order(naming) if asked.level in (None, one.level)],
        problems=_mistakes(directory.mistakes, naming),
        unknown=_unregistered(directory.unknown(heard), heard),
    )


def answer_agency(views: Views, code: str, asked: DayParameters) -> AgencyAnswer:
    """Everything that is known of a code."""
    with views.open() as view:
        directory, heard, day = view.directory, view.heard, asked.day or view.moment.today
        naming = naming_of(view, Window(None, day))
    if not directory.known(code) and code not in heard:
        raise NotFound(
            f"{shown(code)} was never registered, and nothing counts for it; GET /v1/agencies"
            " lists the agencies."
        )
    agency = directory.canonical(code, day)
    forms, piece = directory.tree(day).forms.get(agency, [agency]), directory.piece(code, day)
    predecessors = sorted(directory.predecessors(agency).items())
    above = [one for one in directory.roll_up(agency, day) if one != agency]
    below = directory.children(agency, day)
    mistakes = (mistake for mistake in directory.mistakes if mistake.agency == agency)
    return AgencyAnswer(
        space=views.space,
        books=views.books,
        code=agency,
        name=names(naming.agency(agency)),
        known=directory.known(code),
        day=day,
        valid=piece is not None and piece.status == "valid",
        above=above,
        below=below,
        names=_names_of([*above, *below], naming),
        predecessors=[
            Predecessor(code=one, name=names(naming.agency(one)), until=until)
            for one, until in predecessors
        ],
        last_event=_newest(heard, forms),
        statements=[
            _agency(replace(naming, day=one.first), one) for one in directory.history(agency)
        ],
        problems=_mistakes(mistakes, naming),
    )


def answer_procedures(views: Views, asked: ProcedureParameters) -> ProceduresAnswer:
    """The procedures valid on a day, and codes of procedures that are unknown."""
    with views.open() as view:
        directory, day = view.directory, asked.day or view.moment.today
        _require_field(directory, asked.field)
        counted = view.snapshot.last_of_procedures()
        view.require_known(asked.agency)
        naming = naming_of(view, Window(None, day))
    agency = None if asked.agency is None else directory.canonical(asked.agency, day)
    found = [
        _procedure(one, naming)
        for one in directory.procedures_on(day)
        if asked.field in (None, one.fields.field)
        and agency in (None, directory.canonical(one.agency, day))
    ]
    mistakes = [one for one in directory.mistakes if one.place.startswith("procedure/")]
    return ProceduresAnswer(
        space=views.space,
        books=views.books,
        day=day,
        procedures=found,
        problems=_mistakes(mistakes, naming),
        unknown=_unregistered(directory.unknown_procedures(counted), counted),
    )


def _require_field(directory: Directory, field: str | None) -> None:
    """Raises: QueryError for a field of which no procedure was ever registered."""
    if field is None or directory.procedures_of_field(field):
        return
    known = sorted({one.fields.field for one in directory.procedures})
    raise wrong(
        "field", f"no procedure of field {shown(field)} was registered; {instead(field, known)}"
    )


def _in_order(naming: Naming) -> Iterator[AgencyOf]:
    """The agencies valid on a day, each after the one above it, in order of code."""
    directory, day = naming.directory, naming.day
    paths = {
        code: tuple(reversed(directory.roll_up(code, day))) for code in directory.agencies(day)
    }
    for code in sorted(paths, key=lambda one: paths[one]):
        piece = directory.piece(code, day)
        if piece is not None:
            yield _agency(naming, piece.agency)


def _agency(naming: Naming, one: AgencyStatement) -> AgencyOf:
    directory, day = naming.directory, naming.day
    above = [code for code in directory.roll_up(one.agency, day) if code != one.agency]
    return AgencyOf(
        code=one.agency,
        level=one.fields.level,
        name=Names(vi=one.fields.name_vi, en=one.fields.name_en),
        parent=above[0] if above else None,
        parent_name=names(naming.agency(above[0])) if above else None,
        depth=len(above),
        other_codes=directory.forms(one.agency, day),
        expected=one.fields.expected,
        valid_from=one.first,
        valid_to=one.end,
        successor=one.fields.successor,
        successor_name=names(naming.agency(one.fields.successor)),
    )


def _procedure(one: Statement[ProcedureFields], naming: Naming) -> ProcedureOf:
    said = one.fields
    return ProcedureOf(
        procedure=said.procedure,
        name=names(naming.thing(one.item, INVENTORY)),
        agency=one.agency,
        agency_name=names(naming.agency(one.agency)),
        field=said.field,
        level=said.level,
        internal=said.internal,
        published=said.published,
        eligible_online=said.eligible_online,
        on_national_portal=said.on_national_portal,
        with_fee=said.with_fee,
        payable_online=said.payable_online,
        days_before=said.days_before,
        days_now=said.days_now,
        administrative_levels=list(said.administrative_levels),
        one_stop=said.one_stop,
        process_issued=said.process_issued,
        channel=said.channel,
        valid_from=one.first,
        valid_to=one.end,
    )


def _names_of(agencies: Iterable[str], naming: Naming) -> dict[str, Names]:
    """By code, of those that have one."""
    found = ((code, names(naming.agency(code))) for code in agencies)
    return {code: name for code, name in found if name is not None}


def _mistakes(mistakes: Iterable[Mistake], naming: Naming) -> list[MistakeOf]:
    return [
        MistakeOf(**asdict(one), agency_name=names(naming.agency(one.agency))) for one in mistakes
    ]


def _unregistered(codes: Iterable[str], heard: Mapping[str, int]) -> list[UnknownOf]:
    """Codes that nobody registered, with when a count of each last changed."""
    return [UnknownOf(code=code, last_event=iso_milliseconds(heard[code])) for code in codes]


def _newest(heard: Mapping[str, int], codes: list[str]) -> str | None:
    """When a count of any of the codes last changed."""
    found = [heard[code] for code in codes if code in heard]
    return iso_milliseconds(max(found)) if found else None


def answer_coverage(views: Views, asked: CoverageParameters) -> CoverageAnswer:
    """Each expected agency: whether it reports, on how many days, since when it is silent."""
    query = asked.query()
    with views.open() as view:
        view.require_known(query.agency)
        query.require_over(view.moment.today)
        days = [query.days(view.moment.today)]
        view.reader.require(view.directory, query, days)
        families = [asked.family] if asked.family else FAMILIES
        found, agencies = by_agency(view, query, families)
        provenance = view.as_of
    assert found.reporting is not None
    assert found.expected is not None
    return CoverageAnswer(
        window=days_of(query.days(view.moment.today)),
        rule=query.rule,
        day=query.as_of,
        family=asked.family,
        reporting=found.reporting,
        expected=found.expected,
        share=found.share,
        complete=found.note is None,
        note=None if found.note is None else Names(**found.note.model_dump()),
        as_of=as_of(provenance),
        agencies=[_reports(one, now=query.as_of is None) for one in agencies],
    )


def _reports(one: AgencyReports, *, now: bool) -> AgencyCoverage:
    """When it last reported is known of this instant only."""
    agency, silent_since = one.agency, one.silent_since_ms if now else None
    return AgencyCoverage(
        code=agency.code,
        level=agency.level,
        name=Names(vi=agency.name_vi, en=agency.name_en),
        reporting=one.days > 0,
        days_with_counts=one.days,
        last_event=None if one.last_ms is None or not now else iso_milliseconds(one.last_ms),
        silent_since=None if silent_since is None else iso_milliseconds(silent_since),
    )
