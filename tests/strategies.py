"""Hypothesis strategies made from the event models themselves, so that a new field or event is
tested without a word here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from schemas.clock import day_start
from schemas.events import EVENT_TYPES, EVENTS_BY_FAMILY, Event
from schemas.ids import THING_ID, canonical

Json = dict[str, Any]
Strategy = st.SearchStrategy[Any]

PRINTABLE = st.characters(codec="utf-8", min_codepoint=32, exclude_characters="|\x7f")
SEEN = st.text(
    st.characters(categories=("L", "N", "P", "S"), exclude_characters="|", include_characters=" "),
    min_size=1,
    max_size=128,
)
FEWEST = 8  # with fewer, what must meet at least once may not


def examples(count: int) -> Callable[[Any], Any]:
    """Decorator: this many examples in `make test`; the profiles of conftest.py ask every property
    for fewer or more alike.
    """
    wanted = max(min(count, FEWEST), count * settings().max_examples // 100)
    return settings(
        max_examples=wanted,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def of_schema(schema: Json) -> Strategy:
    """Values that a field's JSON schema allows: the kinds that event models use."""
    if "anyOf" in schema:
        return st.one_of(*(of_schema(option) for option in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return st.sampled_from([schema["const"]] if "const" in schema else schema["enum"])
    if schema["type"] == "integer":
        return st.integers(
            schema["minimum"], schema.get("maximum", schema.get("exclusiveMaximum", 0) - 1)
        )
    if schema["type"] == "array":
        return st.lists(of_schema(schema["items"]), min_size=schema.get("minItems", 0), max_size=4)
    if schema["type"] == "string":
        return texts(schema["pattern"], schema.get("maxLength", 128))
    return {"boolean": st.booleans(), "null": st.none()}[schema["type"]]


def texts(pattern: str, longest: int) -> Strategy:
    """Texts of a pattern; ids directly, since they are most of the fields."""
    if pattern == THING_ID:
        return SEEN.map(lambda text: text[:longest]).filter(_is_canonical)
    return st.from_regex(pattern.removeprefix("^").removesuffix("$"), fullmatch=True).filter(
        lambda text: len(text) <= longest
    )


def _is_canonical(text: str) -> bool:
    try:
        return canonical(text) == text
    except ValueError:
        return False


@cache
def fields_of(model: type[Event]) -> dict[str, Strategy]:
    """A strategy for every field of a model."""
    described = model.model_json_schema(mode="serialization")["properties"]
    return {name: of_schema(schema) for name, schema in described.items()}


def events(model: type[Event], **chosen: Strategy) -> Strategy:
    """Events of one type: any that the model allows, or narrower where a field's strategy is
    given.
    """
    fields = fields_of(model)
    drawn = st.fixed_dictionaries(
        fields | {name: strategy for name, strategy in chosen.items() if name in fields}
    )
    return drawn.map(lambda values: model(**consistent(values)))


def consistent(values: Json) -> Json:
    """Ends not before beginnings, parts not greater than the whole, nothing above itself: what the
    models ask of two fields together.
    """
    begins = values.get("valid_from") or day_start(values["occurred_at"])
    if (values.get("valid_to") or begins) < begins:
        values["valid_to"] = begins
    if values.get("parent") == values["agency"]:
        values["parent"] = None
    if "period_to" in values:
        values["period_from"], values["period_to"] = sorted(
            (values["period_from"], values["period_to"])
        )
    if "from_agency" in values and not values["holds"] and values["effective_at"] is None:
        values["effective_at"] = values["occurred_at"]
    if "users" in values:
        values["authenticated"] = min(values["authenticated"], values["users"])
    return values


ANY_EVENT: Strategy = st.sampled_from(sorted(EVENT_TYPES)).flatmap(
    lambda name: events(EVENT_TYPES[name])
)


# Few values on purpose, and in each story fewer still: so that instants tie, ids repeat, moves and
# payments are told twice differently, dossiers close and reopen, and corrections come late.
NOON = 1_763_870_400_000  # 23 November 2025, 11:00 in Viet Nam
HOUR, DAY = 3_600_000, 86_400_000
INSTANTS = (
    (NOON, NOON + 1),
    (NOON, NOON + DAY),
    (NOON, NOON + HOUR, NOON + 3 * HOUR),
    (NOON - 40 * DAY, NOON, NOON + 2 * DAY),
    (NOON + 13 * HOUR - 1, NOON + 13 * HOUR, NOON + 14 * HOUR),
    (NOON - DAY, NOON, NOON + HOUR, NOON + DAY, NOON + 400 * DAY),
)
AGENCIES = (("A",), ("A", "B"), ("A", "B", "C"))
IDS = [
    "1",
    "2",
    "10",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3302",
    "Z",
]
REFERENCES = st.sampled_from(["r1", "r2"])
PAYMENTS = st.sampled_from(["paid", "paid", "paid", "refunded", "pending", "failed"])
# Types of events that decide together what a dossier counts for.
THEMES = (
    ("received", "finished", "step_taken", "result_returned", "reopened"),
    ("received", "paid", "fee_requested", "supplement_requested"),
    ("received", "due_changed", "supplement_completed", "corrected", "finished"),
    ("received", "transferred", "finished", "step_taken"),
    ("received", "refused", "reopened", "corrected"),
    ("received", "withdrawn", "suspended", "reopened"),
    ("received", "finished", "withdrawn", "result_returned", "reopened"),
    ("received", "rated", "paid"),
    ("received", "finished", "supplement_requested", "result_returned"),
    ("received", "transferred", "paid"),
    ("received", "fee_requested", "paid", "finished"),
    ("received", "finished", "voided", "restored"),
)
# Places of the types of events that are about one kind of item.
ITEMS = ((0,), (1,), (2, 3), (2, 3), (4,), (5,), (6,))


@cache
def heard(
    family: str, kind: int, things: int, instants: tuple[int, ...], agencies: tuple[str, ...]
) -> Strategy:
    """(event, broker time) of one type of a family, about few things."""
    model, at, agency = (
        EVENTS_BY_FAMILY[family][kind],
        st.sampled_from(instants),
        st.sampled_from(agencies),
    )
    pools = {
        "event_id": st.sampled_from(IDS),
        "source": st.sampled_from(["one-stop", "ministry"]),
        "occurred_at": at,
        "received_at": at,
        "agency": agency,
        "handling_agency": st.none() | agency,
        "from_agency": agency,
        "to_agency": agency,
        "unit": st.none(),
        "procedure": st.sampled_from(["p", "q"]),
        "document_type": st.sampled_from(["18", "other"]),
        "to": st.just(["B"]),
        "due_at": at if model.type in ("dossier.due_changed", "task.extended") else st.none() | at,
        "rating_id": REFERENCES,
        "reference": st.none() if model.type == "dossier.fee_requested" else REFERENCES,
        "state": PAYMENTS,
        "amount": st.sampled_from([50_000, 50_000, 0]),
        "status": st.sampled_from([4])
        if family == "dossiers"
        else st.sampled_from(["01", "02", "03", "06"]),
        "step": st.none(),
        "applicant": st.none(),
        "held_at": st.none() | at,
        "category": st.sampled_from(["c", "other"]),
        "effective_at": st.none() | st.none() | at,
        "holds": st.sampled_from([True, True, True, False]),
        "valid_from": st.none() | at,
        "valid_to": st.none() | st.none() | at,
        "period_from": at,
        "period_to": at,
        "field": st.sampled_from(["land", "other"]),
        "indicator": st.sampled_from(["i", "j"]),
        "revision": st.sampled_from([1, 1, 2]),
        "numerator": st.sampled_from([5, -3, 0]),
        "denominator": st.sampled_from([None, 7, 0]),
        "users": st.sampled_from([100, 0]),
        "authenticated": st.sampled_from([60, 0, 100]) if family == "inventory" else st.booleans(),
        "days_before": st.sampled_from([None, 10]),
        "days_now": st.sampled_from([None, 7, 0]),
        "access_means": st.integers(0, 3),
        "administrative_levels": st.sampled_from([[], ["province", "commune"], ["commune"] * 2]),
        "parent": st.none(),
        "successor": st.none(),
        "alias": st.just([]),
        "name_vi": st.none(),
        "name_en": st.none(),
        "document": st.none(),
        "document_number": st.none(),
        "document_at": st.none(),
        "lead_agency": st.none(),
        "coordinating_agencies": st.just([]),
        "product": st.none(),
        "follower": st.none() | st.just("Unit 1"),
        model.key: st.sampled_from([f"thing-{number}" for number in range(things)]),
    }
    return st.tuples(events(model, **pools), at)


@st.composite
def kinds(draw: st.DrawFn, family: str) -> list[int]:
    """Places of the types that one story is told with: a theme, or any few."""
    places = {
        model.type.partition(".")[2]: place for place, model in enumerate(EVENTS_BY_FAMILY[family])
    }
    if family == "dossiers" and draw(st.booleans()):
        return [places[name] for name in draw(st.sampled_from(THEMES))]
    if family == "inventory" and draw(st.integers(0, 3)):
        return list(draw(st.sampled_from(ITEMS)))
    any_few = draw(
        st.lists(st.sampled_from(range(len(places))), min_size=1, max_size=4, unique=True)
    )
    return any_few if draw(st.integers(0, 4)) == 0 else [0, *any_few]


@st.composite
def stories(
    draw: st.DrawFn, family: str, things: int = 2, longest: int = 14
) -> list[tuple[Event, int]]:
    """What was heard: few types of events in one story, so that they meet each other; mostly with a
    reception.
    """
    choice = st.sampled_from(draw(kinds(family)))
    instants, agencies = draw(st.sampled_from(INSTANTS)), draw(st.sampled_from(AGENCIES))
    told = choice.flatmap(lambda kind: heard(family, kind, things, instants, agencies))
    # by itself Hypothesis keeps lists too short for facts to meet
    count = draw(st.sampled_from([1, 3, 6, 10, longest]))
    return draw(st.lists(told, min_size=count, max_size=count))


def distinct(facts: list[tuple[Event, int]]) -> list[tuple[Event, int]]:
    """The facts with an id of their own each, as honest sources give them."""
    return [
        (event.model_copy(update={"event_id": f"{place:02d}-{event.event_id}"}), at)
        for place, (event, at) in enumerate(facts)
    ]
