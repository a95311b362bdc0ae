"""What a letter is about, in either language: read where it is plain, left open where it is not."""

import pytest

from amends.desk.cases.models import RequestKind
from post import Post, letter
from shop import Shop

CONVERT, BILLING = RequestKind.CONVERT, RequestKind.BILLING_ERROR
TECHNICAL, REFUND = RequestKind.TECHNICAL, RequestKind.REFUND


@pytest.mark.parametrize(
    "text, kind",
    [
        ("I bought the yearly plan instead of the monthly one.", CONVERT),
        ("Ich habe aus Versehen das Jahresabo gekauft.", CONVERT),
        ("Das Jahresabo war ein Irrtum, ich wollte es statt des Monatsabos nicht.", CONVERT),
        ("Bitte auf das Monatsabo umstellen.", CONVERT),
        ("I was charged twice.", BILLING),
        ("Mir wurde der Betrag doppelt abgebucht.", BILLING),
        ("Auf dem Konto steht eine falsche Abbuchung.", BILLING),
        ("Every picture ends with an error.", TECHNICAL),
        ("Seit gestern funktioniert die Erzeugung nicht.", TECHNICAL),
        ("Es kommt immer eine Fehlermeldung, ich möchte mein Geld zurück.", TECHNICAL),
        ("Please give me my money back.", REFUND),
        ("Ich widerrufe den Kauf und bitte um Rückerstattung.", REFUND),
        ("Das Jahresabo war mein Fehler: Geld zurück bitte.", REFUND),
        ("Mir wurde das Jahresabo aus Versehen doppelt abgebucht.", None),
        ("Wo finde ich die Rechnung?", None),
    ],
)
def test_the_kind_is_read_in_both_languages(
    shop: Shop, post: Post, text: str, kind: RequestKind | None
) -> None:
    shop.sell(shop.annual)

    draft = post.deliver(letter(shop.customer.email, text)).draft

    assert draft
    assert (draft.kind or None) == kind


@pytest.mark.parametrize(
    "words, day",
    [
        ("on 1 September 2025", "2025-09-01"),
        ("on September 1st, 2025", "2025-09-01"),
        ("on 2025-09-01", "2025-09-01"),
        ("am 1. September 2025", "2025-09-01"),
        ("am 3. März 2025", "2025-03-03"),
        ("am 1. Dez. 2025", "2025-12-01"),
        ("am 03.09.2025", "2025-09-03"),
        ("am 31.09.2025", None),
        ("on 03/09/2025", None),
        ("am 1. oder 2. September", None),
    ],
)
def test_a_day_is_read_where_it_is_one_day_everywhere(
    shop: Shop, post: Post, words: str, day: str | None
) -> None:
    shop.sell(shop.annual)

    draft = post.deliver(letter(shop.customer.email, f"Gekauft {words}.")).draft

    assert draft
    assert (str(draft.purchased_on) if draft.purchased_on else None) == day
