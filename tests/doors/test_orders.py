"""What stands beside each purchase of a customer: what could come back, until when, or what came back."""

from amends.desk.portal.access import user_of
from browsing import Browser
from shop import Shop, day, go_to
from web import Client

LIMIT = "up to 50 generations leave the refund open"


def test_a_purchase_says_what_would_come_back_and_then_what_came_back(web: Client, shop: Shop) -> None:
    shop.use(12, day(1))
    line = shop.sell(shop.monthly)
    go_to(day(2))
    browser = Browser(web).sign_in(user_of(shop.customer))
    before = browser.page("/orders")
    assert "You would get back $18.15." in before
    assert LIMIT in before

    shop.ask(line)
    assert "Request under way" in browser.page("/orders")
    shop.work()
    after = browser.page("/orders")

    assert "Refunded $18.15 went back to you, or is on its way." in after
    for words in ("You would get back", "Not refundable today", LIMIT):
        assert words not in after


def test_a_purchase_of_which_nothing_came_back_says_why_not(web: Client, shop: Shop) -> None:
    shop.sell(shop.monthly)
    go_to(day(8))

    shown = Browser(web).sign_in(user_of(shop.customer)).page("/orders")

    assert "Not refundable today" in shown
    assert "later than 7 days after buying it" in shown
    assert "went back to you" not in shown


def test_a_refund_that_the_bank_sent_back_is_not_told_as_received(web: Client, shop: Shop) -> None:
    line = shop.sell(shop.monthly, method="pm_card_refundFail")
    shop.ask(line)
    shop.work()
    browser = Browser(web).sign_in(user_of(shop.customer))
    assert "went back to you" in browser.page("/orders")

    go_to(day(25))
    shop.sandbox.api.refunds.settle()
    shop.sync(line)

    assert "went back to you" not in browser.page("/orders")
