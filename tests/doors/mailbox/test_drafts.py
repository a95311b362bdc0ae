"""A letter that belongs to no case becomes a draft; only its customer, signed in, makes a request of it."""

import re
from datetime import timedelta

import pytest
from django.core import mail

from amends.desk import clock
from amends.desk.cases.models import Case, CaseState, RequestKind
from amends.desk.mail.models import Draft, DraftState, IncomingMail, MailState, Why
from amends.desk.portal.access import user_of
from amends.desk.retention import apply_retention
from amends.desk.schedule.tasks import look_around
from browsing import Browser
from doors.mailbox.test_joining import png
from post import Post, letter, work
from shop import Shop, day, go_to, latest, nothing_moved
from trade import make_customer
from web import Client

STRANGER = "somebody@elsewhere.example"


def sent_to(address: str) -> list[str]:
    return [str(one.body) for one in mail.outbox if one.to == [address]]


def link_in(body: str) -> str:
    found = re.search(r"http://[^/]+(/drafts/\S+/\S+)", body)
    assert found
    return found[1]


def test_a_letter_is_confirmed_and_the_day_it_came_is_the_day_of_the_request(
    shop: Shop, post: Post, web: Client
) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(6))
    came = post.deliver(
        letter(shop.customer.email, f"Please refund order {line.order.number}. It is too slow.")
    )
    go_to(day(12))
    browser = Browser(web)
    link = link_in(sent_to(shop.customer.email)[-1])

    assert "Nothing is asked for before you confirm" in browser.page(link)
    assert browser.get(f"/drafts/{came.draft_id}").status == 302
    assert line.order.number in browser.submit(link, {})
    form = browser.page(f"/orders/{line.order.number}/1/request?draft={came.draft_id}")
    assert "It is too slow." in form
    asked = {"kind": "refund", "reason": "It is too slow.", "draft": str(came.draft_id)}
    foreseen = browser.post(f"/orders/{line.order.number}/1/request", asked)
    assert b"$18.15" in foreseen.body
    assert Case.objects.count() == 0
    browser.submit(f"/orders/{line.order.number}/1/request", asked | {"confirmed": "1"})

    case = Case.objects.get()
    assert (case.first_contact_at, case.channel) == (came.received_at, "mail")
    assert (latest(case).outcome, latest(case).amount) == ("granted", 1815)
    came.refresh_from_db()
    assert (came.state, came.case, Draft.objects.get().state) == (
        MailState.JOINED,
        case,
        DraftState.CONFIRMED,
    )


def test_without_the_letter_the_same_request_would_be_late(shop: Shop, post: Post, web: Client) -> None:  # noqa: ARG001  # the same setting
    line = shop.sell(shop.monthly)
    go_to(day(12))
    browser = Browser(web).sign_in(user_of(shop.customer))

    browser.submit(
        f"/orders/{line.order.number}/1/request", {"kind": "refund", "reason": "Slow.", "confirmed": "1"}
    )

    assert latest(Case.objects.get()).outcome == "denied"


def test_a_letter_by_itself_opens_no_case_and_moves_nothing(shop: Shop, post: Post) -> None:
    line = shop.sell(shop.monthly)

    came = post.deliver(letter(shop.customer.email, f"Refund {line.order.number} now."))

    assert (came.state, Case.objects.count()) == (MailState.DRAFTED, 0)
    assert nothing_moved()


def test_what_is_plain_is_read_and_the_rest_is_left_open(shop: Shop, post: Post) -> None:
    order = shop.sell(shop.annual).order
    text = f"I bought the annual plan by mistake on 1 September 2025, transaction {order.payments[0].gateway_ref}."

    came = post.deliver(letter(shop.customer.email, text))

    draft = came.draft
    assert draft
    assert (draft.order, draft.kind, str(draft.purchased_on), draft.reason) == (
        order,
        RequestKind.CONVERT,
        "2025-09-01",
        text,
    )


def test_several_letters_about_one_order_make_one_draft_of_the_first_day(shop: Shop, post: Post) -> None:
    number = shop.sell(shop.monthly).order.number
    first = post.deliver(letter(shop.customer.email, "Please refund me."))
    go_to(day(2))
    post.deliver(letter(shop.customer.email, f"It is order {number}."))
    go_to(day(3))
    post.deliver(letter(STRANGER, f"I wrote about {number} from my other address."))

    (draft,) = Draft.objects.all()
    assert (draft.order.number if draft.order else None, draft.first_contact_at) == (
        number,
        first.received_at,
    )
    assert IncomingMail.objects.filter(draft=draft).count() == 3


def test_a_stranger_cannot_say_which_order_a_letter_of_the_customer_is_about(shop: Shop, post: Post) -> None:
    number = shop.sell(shop.monthly).order.number
    own = post.deliver(letter(shop.customer.email, "Please refund me."))

    other = post.deliver(letter(STRANGER, f"It is about {number}."))

    assert own.draft
    assert own.draft_id != other.draft_id
    own.draft.refresh_from_db()
    assert own.draft.order is None


def test_a_stranger_hears_the_same_whether_the_order_exists_or_not(shop: Shop, post: Post) -> None:
    number = shop.sell(shop.monthly).order.number

    there = post.deliver(letter(STRANGER, f"Refund order {number}."))
    missing = post.deliver(letter("other@elsewhere.example", "Refund order O-sub_000000."))

    assert (there.state, missing.state, missing.why) == (
        MailState.DRAFTED,
        MailState.QUARANTINED,
        Why.STRANGER,
    )
    (one,), (two,) = sent_to(STRANGER), sent_to("other@elsewhere.example")
    assert one == two
    assert number not in one
    (invited,) = sent_to(shop.customer.email)
    assert "/drafts/" in invited
    assert STRANGER not in invited


def test_an_address_is_answered_once_a_day(shop: Shop, post: Post) -> None:
    number = shop.sell(shop.monthly).order.number
    for text in ("One.", f"Two, about {number}.", "Three."):
        post.deliver(letter(STRANGER, text))
        post.deliver(letter(shop.customer.email, text))

    assert (len(sent_to(STRANGER)), len(sent_to(shop.customer.email))) == (1, 1)

    go_to(day(1))
    post.deliver(letter(STRANGER, "Four."))

    assert len(sent_to(STRANGER)) == 2


def test_a_draft_that_could_not_be_answered_that_day_is_the_next_day(shop: Shop, post: Post) -> None:
    first, second = shop.sell(shop.monthly).order.number, shop.sell(shop.annual).order.number
    post.deliver(letter(shop.customer.email, f"Refund {first}."))
    post.deliver(letter(shop.customer.email, f"Refund {second}."))
    assert len(sent_to(shop.customer.email)) == 1

    go_to(day(0))
    look_around()
    work()

    assert [second in body for body in sent_to(shop.customer.email)] == [False, True]


@pytest.mark.parametrize(
    "fields, sender, why",
    [
        ({"Auto_Submitted": "auto-replied"}, None, Why.AUTO_REPLY),
        ({"Auto_Submitted": "auto-generated (rejected)"}, None, Why.AUTO_REPLY),
        ({"Precedence": "bulk"}, None, Why.LIST),
        ({"Precedence": "auto_reply"}, None, Why.AUTO_REPLY),
        ({"List_Id": "<news.example>"}, None, Why.LIST),
        ({"List_Unsubscribe": "<https://news.example>"}, None, Why.LIST),
        ({}, "", Why.BOUNCE),
    ],
)
def test_what_a_machine_wrote_is_kept_and_not_answered(
    shop: Shop, post: Post, fields: dict[str, str], sender: str | None, why: Why
) -> None:
    number = shop.sell(shop.monthly).order.number

    came = post.deliver(letter(shop.customer.email, f"About {number}.", **fields), sender=sender)

    assert (came.state, came.why, came.text) == (MailState.AUTOMATIC, why, f"About {number}.")
    assert (Draft.objects.count(), mail.outbox) == (0, [])


def test_a_letter_that_says_a_person_wrote_it_is_read(shop: Shop, post: Post) -> None:
    came = post.deliver(letter(shop.customer.email, "Hello.", Auto_Submitted="no"))

    assert came.state == MailState.DRAFTED


def test_our_own_letter_that_comes_back_is_a_loop(shop: Shop, post: Post) -> None:
    post.deliver(letter(shop.customer.email, "Hello."))
    own = mail.outbox[-1].extra_headers["Message-ID"]

    came = post.deliver(letter(shop.customer.email, "Hello.", message_id=own))

    assert (came.state, came.why) == (MailState.AUTOMATIC, Why.LOOP)


def test_a_draft_is_its_customers_alone(shop: Shop, post: Post, web: Client) -> None:
    line = shop.sell(shop.monthly)
    came = post.deliver(letter(shop.customer.email, f"Refund {line.order.number}."))
    other = Browser(web).sign_in(user_of(make_customer()))
    own = Browser(web).sign_in(user_of(shop.customer))
    annual = shop.sell(shop.annual)

    assert other.get(f"/drafts/{came.draft_id}").status == 404
    assert other.post(f"/drafts/{came.draft_id}/discard", {}).status == 404
    assert own.get(f"/orders/{annual.order.number}/1/request?draft={came.draft_id}").status == 404
    assert own.get(f"/orders/{line.order.number}/1/request?draft=x").status == 404
    assert Draft.objects.get().state == DraftState.OPEN


def test_a_link_works_once_and_seven_days(shop: Shop, post: Post, web: Client) -> None:
    post.deliver(letter(shop.customer.email, "Refund me."))
    link = link_in(sent_to(shop.customer.email)[0])
    assert Browser(web).post(link, {}).status == 302
    assert Browser(web).post(link, {}).status == 410

    go_to(day(1))
    post.deliver(letter(shop.customer.email, "Refund me."))
    Draft.objects.update(invited_on=None)
    go_to(day(2))
    look_around()
    work()
    late = link_in(sent_to(shop.customer.email)[-1])
    go_to(clock.now() + timedelta(days=7, seconds=1))

    answer = Browser(web).post(late, {})
    assert (answer.status, b"Your letter is still here" in answer.body) == (410, True)


def test_a_letter_without_an_order_counts_for_what_was_bought_by_then(
    shop: Shop, post: Post, web: Client
) -> None:
    came = post.deliver(letter(shop.customer.email, "Please refund me."))
    line = shop.sell(shop.monthly, at=day(0))
    go_to(day(12))
    browser = Browser(web).sign_in(user_of(shop.customer))
    asked = {"kind": "refund", "reason": "Slow.", "draft": str(came.draft_id), "confirmed": "1"}

    browser.submit(f"/orders/{line.order.number}/1/request", asked)

    case = Case.objects.get()
    assert case.first_contact_at > day(11)
    assert latest(case).outcome == "denied"


def test_a_letter_about_a_request_under_way_joins_it_when_its_customer_says_so(
    shop: Shop, post: Post, web: Client
) -> None:
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR)
    came = post.deliver(letter(shop.customer.email, f"One more thing about {case.line.order.number}."))
    browser = Browser(web).sign_in(user_of(shop.customer))
    assert f"Add it to your request {case.number}" in browser.page(f"/drafts/{came.draft_id}")

    browser.submit(f"/drafts/{came.draft_id}/join/{case.number}", {})

    assert case.messages.filter(text__startswith="One more thing", channel="mail").count() == 1
    assert browser.post(f"/drafts/{came.draft_id}/join/{case.number}", {}).status == 302
    assert case.messages.filter(text__startswith="One more thing").count() == 1


def test_a_discarded_draft_asks_for_nothing(shop: Shop, post: Post, web: Client) -> None:
    line = shop.sell(shop.monthly)
    came = post.deliver(letter(shop.customer.email, f"Refund {line.order.number}."))
    browser = Browser(web).sign_in(user_of(shop.customer))

    browser.submit(f"/drafts/{came.draft_id}/discard", {})
    asked = {"kind": "refund", "reason": "-", "draft": str(came.draft_id), "confirmed": "1"}

    assert browser.post(f"/orders/{line.order.number}/1/request", asked).status == 404
    assert (Case.objects.count(), Draft.objects.get().state) == (0, DraftState.DISCARDED)


@pytest.mark.parametrize("days, state", [(30, DraftState.OPEN), (31, DraftState.EXPIRED)])
def test_what_nobody_confirms_is_discarded_after_its_last_day(
    shop: Shop, post: Post, days: int, state: DraftState
) -> None:
    line = shop.sell(shop.monthly)
    came = post.deliver(letter(shop.customer.email, f"Refund {line.order.number}."))
    until = came.received_at + timedelta(days=30)
    words = sent_to(shop.customer.email)[-1].replace("\n", " ")
    assert f"if nobody confirms the request by {until:%-d %B %Y}, it is discarded by itself" in words
    assert "Anybody may have written the letter" in words

    go_to(came.received_at + timedelta(days=days))
    look_around()

    draft = Draft.objects.get()
    came.refresh_from_db()
    assert (draft.state, draft.expires_on) == (state, until.date())
    assert (came.state == MailState.DISCARDED) == (state == DraftState.EXPIRED)
    assert (Case.objects.count(), nothing_moved()) == (0, True)


def test_a_further_letter_gives_a_draft_its_days_anew(shop: Shop, post: Post) -> None:
    line = shop.sell(shop.monthly)
    first = post.deliver(letter(shop.customer.email, f"Refund {line.order.number}."))
    go_to(first.received_at + timedelta(days=20))
    post.deliver(letter(shop.customer.email, f"Again about {line.order.number}."))

    go_to(first.received_at + timedelta(days=49))
    look_around()

    draft = Draft.objects.get()
    assert (draft.state, draft.first_contact_at) == (DraftState.OPEN, first.received_at)
    assert draft.expires_on == (first.received_at + timedelta(days=50)).date()


def test_an_expired_draft_says_so_and_cannot_be_confirmed(shop: Shop, post: Post, web: Client) -> None:
    line = shop.sell(shop.monthly)
    came = post.deliver(letter(shop.customer.email, f"Refund {line.order.number}."))
    browser = Browser(web).sign_in(user_of(shop.customer))
    assert "It can be confirmed until" in browser.page(f"/drafts/{came.draft_id}")
    go_to(came.received_at + timedelta(days=31))
    look_around()

    shown = browser.page(f"/drafts/{came.draft_id}")
    asked = {"kind": "refund", "reason": "-", "draft": str(came.draft_id), "confirmed": "1"}

    assert "Nobody confirmed it by" in shown
    assert "You can ask from your orders." in shown
    assert browser.post(f"/orders/{line.order.number}/1/request", asked).status == 404
    assert Case.objects.count() == 0


@pytest.mark.parametrize("days, words", [(179, "Too slow."), (181, "")])
def test_what_was_read_in_it_is_erased_by_retention(shop: Shop, post: Post, days: int, words: str) -> None:
    line = shop.sell(shop.monthly)
    came = post.deliver(letter(shop.customer.email, "Too slow.", subject=f"Refund {line.order.number}"))
    go_to(came.received_at + timedelta(days=31))
    look_around()
    ended_at = Draft.objects.get().ended_at
    assert ended_at

    go_to(ended_at + timedelta(days=days))
    apply_retention()

    assert Draft.objects.get().reason == words


def test_pictures_of_a_letter_are_evidence_once_it_is_a_case(shop: Shop, post: Post, web: Client) -> None:
    line = shop.sell(shop.monthly)
    shop.use(60, day(1))
    go_to(day(4))
    written = letter(shop.customer.email, f"Order {line.order.number}: the editor crashes, see the picture.")
    written.add_attachment(png(), maintype="image", subtype="png", filename="crash.png")
    came = post.deliver(written)
    asked = {"kind": "technical", "reason": "It crashes.", "draft": str(came.draft_id), "confirmed": "1"}

    Browser(web).sign_in(user_of(shop.customer)).submit(f"/orders/{line.order.number}/1/request", asked)

    case = Case.objects.get()
    assert list(case.evidence.values_list("name", flat=True)) == ["crash.png"]
    assert case.state != CaseState.WAITING_ON_CUSTOMER


def test_a_job_that_was_lost_is_found_and_the_letter_read(shop: Shop, post: Post) -> None:
    post.send(letter(shop.customer.email, "Refund me."))
    go_to(clock.now() + timedelta(minutes=3))

    look_around()
    work()

    assert IncomingMail.objects.get().state == MailState.DRAFTED
