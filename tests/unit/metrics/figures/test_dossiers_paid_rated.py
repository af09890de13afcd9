"""What payments and ratings of dossiers count for."""

from __future__ import annotations

import pytest
from facts import answer, family_state_of, named, record, told

RECEIVED = told("dossier.received", "11-03 09:00", due_at="11-10 17:00")


def test_paid_online_is_told_of_the_reception_even_if_the_dossier_moves_in_the_same_batch() -> None:
    received = told("dossier.received", "11-03 09:00", with_fee=True)
    moved, paid = (
        told("dossier.transferred", "11-04 09:00"),
        told("dossier.paid", "11-05 09:00", agency="B"),
    )
    books = family_state_of([received])
    books.keep(books.fold([record(*moved), record(*paid)]))
    assert named(books.pages.items())["received", "A", "p", 20251103]["paid_online"] == 1
    books.keep(
        books.fold([record(*told("dossier.paid", "11-06 09:00", agency="B", state="refunded"))])
    )
    assert "paid_online" not in named(books.pages.items())["received", "A", "p", 20251103]


def test_payments_count_once_per_reference_with_their_newest_state() -> None:
    paid = told("dossier.paid", "11-05 09:00", amount=100)
    cell = ("paid", "A", "p", 20251105)
    assert (
        answer(RECEIVED, paid, told("dossier.paid", "11-05 09:00", amount=100, event_id="again"))[
            cell
        ]["transactions"]
        == 1
    )
    counter = told("dossier.paid", "11-05 10:00", reference="r2", amount=30, online=False)
    assert answer(RECEIVED, paid, counter)[cell] == {
        "transactions": 2,
        "transactions_online": 1,
        "amount": 130,
        "amount_online": 100,
    }
    for state in ("pending", "failed", "refunded"):
        assert not any(
            kind == "paid"
            for kind, *_ in answer(RECEIVED, told("dossier.paid", "11-06 09:00", state=state), paid)
        )
    assert cell in answer(RECEIVED, told("dossier.paid", "11-04 09:00", state="pending"), paid)
    assert cell in answer(
        RECEIVED, told("dossier.paid", "11-05 09:00", state="pending", event_id="z"), paid
    ), "of one instant, paid wins"


@pytest.mark.parametrize(
    ("about", "satisfied", "measures"),
    [
        ("procedure", True, ["ratings", "satisfied"]),
        ("procedure", False, ["ratings"]),
        ("agency", True, ["ratings_agency", "satisfied_agency"]),
        ("health", True, ["ratings_health_education", "satisfied_health_education"]),
        ("education", False, ["ratings_health_education"]),
    ],
)
def test_ratings_count_by_what_they_are_about(
    about: str, satisfied: bool, measures: list[str]
) -> None:
    rating = told("dossier.rated", "11-13 09:00", about=about, satisfied=satisfied)
    assert answer(RECEIVED, rating, rating)["rated", "A", "p", 20251113] == dict.fromkeys(
        measures, 1
    )


def test_a_rating_that_is_changed_counts_as_last_given() -> None:
    figures = answer(
        RECEIVED,
        told("dossier.rated", "11-13 09:00"),
        told("dossier.rated", "11-14 09:00", satisfied=False),
    )
    assert {cell: figures[cell] for cell in figures if cell[0] == "rated"} == {
        ("rated", "A", "p", 20251114): {"ratings": 1}
    }
