"""An answer finds its case by the token in its address, and by nothing else."""

import io
from email.policy import SMTP

import pytest
from django.core import mail
from PIL import Image

from amends.desk.accounts.models import Role
from amends.desk.audit.models import AuditRow
from amends.desk.cases.models import Case, CaseState, Evidence, Message, RequestKind
from amends.desk.cases.stating import ask
from amends.desk.mail.models import IncomingMail, MailState, Why
from amends.desk.notices.models import Letter
from amends.desk.notices.reply_address import reply_address
from post import Post, answer_to, letter, work
from shop import Shop, day, go_to, latest, letters, nothing_moved, now, open_tasks

LOCAL_PART_MAX = 64
"""Of RFC 5321."""


def png() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(written, "PNG")
    return written.getvalue()


def asked_case(shop: Shop) -> Case:
    """A case in which the desk waits for an answer."""
    case = shop.ask(shop.sell(shop.monthly), RequestKind.BILLING_ERROR, reason="Not the price I saw.")
    ask(case, shop.staff("agent", Role.AGENT), "Which price did you see?")
    return now(case)


@pytest.mark.parametrize("lmtp", [False, True])
def test_an_answer_to_a_letter_stands_in_its_case(shop: Shop, post: Post, lmtp: bool) -> None:  # noqa: FBT001  # of the table
    case = asked_case(shop)
    work()
    sent = mail.outbox[-1]
    reply = letter(
        case.customer.email, "It was $15.\n\nOn Mon we wrote:\n> Which price?", to=sent.reply_to[0]
    )
    reply["In-Reply-To"] = sent.extra_headers["Message-ID"]

    came = post.deliver(reply, lmtp=lmtp)

    said = case.messages.order_by("-at")[0]
    assert (said.text, said.author, said.channel) == ("It was $15.", f"customer:{case.customer_id}", "mail")
    assert (came.state, came.case, came.via) == (MailState.JOINED, case, "lmtp" if lmtp else "smtp")
    assert "> Which price?" in came.text
    assert now(case).state == CaseState.OPEN
    assert "answer" in open_tasks(case)


def test_an_answer_without_the_plus_is_found_by_the_message_that_it_answers(shop: Shop, post: Post) -> None:
    case = asked_case(shop)
    message_id = Letter.objects.filter(case_id=case.id)[0].message_id

    came = post.deliver(letter(case.customer.email, "It was $15.", In_Reply_To=message_id))

    assert (came.state, came.case) == (MailState.JOINED, case)


def test_a_token_in_the_hands_of_somebody_else_opens_nothing(shop: Shop, post: Post) -> None:
    case = asked_case(shop)
    before = case.messages.count()

    came = post.deliver(answer_to(case, "Pay it to me.", sender="stranger@elsewhere.example"))

    assert (came.state, came.why, came.case) == (MailState.QUARANTINED, Why.NOT_A_PARTICIPANT, None)
    assert (case.messages.count(), now(case).state) == (before, CaseState.WAITING_ON_CUSTOMER)


@pytest.mark.parametrize("changed", [0, 25, 26, 41])
def test_a_token_with_one_other_letter_is_not_ours(shop: Shop, post: Post, changed: int) -> None:
    case = asked_case(shop)
    local, _, domain = reply_address(case.id).partition("@")
    start = len("support+") + changed
    other = "a" if local[start] != "a" else "b"

    came = post.deliver(
        letter(case.customer.email, "It was $15.", to=f"{local[:start]}{other}{local[start + 1 :]}@{domain}")
    )

    assert (came.state, came.why) == (MailState.QUARANTINED, Why.FORGED_TOKEN)
    assert now(case).state == CaseState.WAITING_ON_CUSTOMER


def test_a_subject_with_the_number_of_a_case_joins_nothing(shop: Shop, post: Post) -> None:
    case = asked_case(shop)
    before = case.messages.count()

    came = post.deliver(letter(case.customer.email, "It was $15.", subject=f"Re: {case.number}"))

    assert (came.state, case.messages.count()) == (MailState.DRAFTED, before)


def test_a_token_in_capitals_is_the_same_token(shop: Shop, post: Post) -> None:
    case = asked_case(shop)

    came = post.deliver(letter(case.customer.email, "It was $15.", to=reply_address(case.id).upper()))

    assert came.case == case


def test_a_reason_by_mail_answers_the_policy_that_asks_for_one(shop: Shop, post: Post) -> None:
    line = shop.sell(shop.monthly)
    go_to(day(2))
    case = shop.ask(line, reason="")
    assert latest(case).outcome == "needs_information"

    post.deliver(answer_to(case, "It is too slow for me."))

    assert (now(case).reason, latest(case).outcome, latest(case).amount) == (
        "It is too slow for me.",
        "granted",
        1815,
    )


def test_pictures_become_evidence_and_other_files_are_named_to_the_sender(shop: Shop, post: Post) -> None:
    line = shop.sell(shop.monthly)
    shop.use(60, day(1))
    go_to(day(4))
    case = shop.ask(line, RequestKind.TECHNICAL, reason="Black pictures.")
    reply = answer_to(case, "Here is a screenshot.")
    reply.add_attachment(png(), maintype="image", subtype="png", filename="black.png")
    reply.add_attachment(b"PK\x03\x04", maintype="application", subtype="zip", filename="all.zip")
    reply.add_attachment(b"<svg/>", maintype="image", subtype="png", filename="drawn.png")

    came = post.deliver(reply)

    assert list(Evidence.objects.values_list("case", "name")) == [(case.id, "black.png")]
    assert [(file["name"], bool(file["refused"])) for file in came.files] == [
        ("black.png", False),
        ("all.zip", True),
        ("drawn.png", True),
    ]
    told = Letter.objects.get(kind="files_refused")
    assert "all.zip" in told.text
    assert "black.png" not in told.text


def test_an_answer_to_a_closed_case_is_read_by_a_person_and_pays_nothing(shop: Shop, post: Post) -> None:
    case = shop.ask(shop.sell(shop.monthly))
    shop.work()
    assert now(case).state == CaseState.CLOSED
    refunds = shop.refunded(case.line)

    came = post.deliver(answer_to(case, "Thank you, and one more thing."))

    assert (came.state, now(case).state) == (MailState.JOINED, CaseState.CLOSED)
    assert "answer" in open_tasks(case)
    assert shop.refunded(case.line) == refunds


def test_the_same_letter_delivered_twice_is_one(shop: Shop, post: Post) -> None:
    case = asked_case(shop)
    reply = answer_to(case, "It was $15.")
    before = case.messages.count()

    post.deliver(reply)
    post.deliver(
        b"Received: from another.example\r\n" + reply.as_bytes(policy=SMTP),
        sender=case.customer.email,
        to=str(reply["To"]),
    )

    (kept,) = IncomingMail.objects.all()
    assert (kept.deliveries, case.messages.count()) == (2, before + 1)


def test_another_letter_under_the_same_id_waits_for_a_person(shop: Shop, post: Post) -> None:
    case = asked_case(shop)
    post.deliver(answer_to(case, "It was $15."))
    (first,) = IncomingMail.objects.all()
    forged = answer_to(case, "It was $1500.")
    del forged["Message-ID"]
    forged["Message-ID"] = first.message_id

    came = post.deliver(forged)

    assert (came.state, came.why) == (MailState.QUARANTINED, Why.SAME_ID)
    assert not Message.objects.filter(text__contains="1500").exists()


@pytest.mark.parametrize(
    "results, trusted, state",
    [
        ("mx.desk.example; dmarc=fail header.from=example.com", "mx.desk.example", MailState.QUARANTINED),
        ("mx.desk.example; dkim=pass; dmarc=pass", "mx.desk.example", MailState.JOINED),
        ("mx.elsewhere.example; dmarc=fail", "mx.desk.example", MailState.JOINED),
        ("mx.desk.example; dmarc=fail", "", MailState.JOINED),
    ],
)
def test_only_our_own_mail_server_says_whether_a_letter_is_authentic(
    shop: Shop, post: Post, settings: object, results: str, trusted: str, state: MailState
) -> None:
    settings.TRUSTED_MAIL_SERVER = trusted  # type: ignore[attr-defined]  # pytest-django's
    case = asked_case(shop)
    reply = answer_to(case, "It was $15.")
    reply["Authentication-Results"] = results

    came = post.deliver(reply)

    assert came.state == state


def test_a_result_that_somebody_put_there_before_us_makes_all_of_them_worthless(
    shop: Shop, post: Post, settings: object
) -> None:
    settings.TRUSTED_MAIL_SERVER = "mx.desk.example"  # type: ignore[attr-defined]  # pytest-django's
    reply = answer_to(asked_case(shop), "It was $15.")
    reply["Authentication-Results"] = "mx.desk.example; dmarc=fail"
    reply["Authentication-Results"] = "mx.desk.example; dmarc=pass"

    assert post.deliver(reply).authentication == {}


def test_what_joined_a_case_stands_in_its_trail(shop: Shop, post: Post) -> None:
    case = asked_case(shop)

    came = post.deliver(answer_to(case, "It was $15."))

    row = AuditRow.objects.get(subject=f"case:{case.id}", action="mail_joined")
    assert (row.actor, row.detail) == ("desk", {"mail": str(came.id), "sender_fits": True})
    assert nothing_moved()
    assert "received" in letters()


def test_every_letter_about_a_case_says_where_answers_go(shop: Shop, post: Post) -> None:  # noqa: ARG001  # the mail server
    case = asked_case(shop)

    work()

    about = [sent for sent in mail.outbox if case.number in sent.subject]
    assert len(about) == 2
    assert {sent.reply_to[0] for sent in about} == {reply_address(case.id)}
    assert len(reply_address(case.id).partition("@")[0]) <= LOCAL_PART_MAX
    assert len({sent.extra_headers["Message-ID"] for sent in about}) == 2
