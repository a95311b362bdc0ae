"""Letters that nobody should send: each leaves a record, none costs much time, and nothing is lost."""

import logging
import smtplib
import socket
import time

import pytest
from django.core import mail
from django.db import connection

from amends.desk.mail.markup import text_of_html
from amends.desk.mail.models import Draft, IncomingMail, MailState, Original, Why
from amends.desk.mail.quoting import own_words
from amends.desk.mail.reading import HEADER_BYTES_MAX, NESTED_MAX, TEXT_LENGTH_MAX, read_letter
from amends.desk.mailbox.server import LETTER_BYTES_MAX
from post import CONTACT, Post, letter, work
from shop import Shop, nothing_moved

ADA = "ada@customers.example"
SECONDS_MAX = 5
"""Of the processor, so that a busy machine makes no difference."""


def nested(depth: int) -> bytes:
    """A letter in parts of parts."""
    head, tail = b"", b""
    for number in range(depth):
        head += b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (number, number)
        tail = b"\r\n--b%d--\r\n" % number + tail
    return f"From: {ADA}\r\n".encode() + head + b"Content-Type: text/plain\r\n\r\nhello\r\n" + tail


LETTERS = {
    "parts of parts of parts": nested(2_000),
    "a letter in a letter in a letter": f"From: {ADA}\r\n".encode()
    + b"Content-Type: message/rfc822\r\n\r\n" * 2_000
    + b"hello",
    "a hundred thousand parts": f'From: {ADA}\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'.encode()
    + b"--b\r\n\r\nx\r\n" * 100_000,
    "a header without an end": f"From: {ADA}\r\n".encode() + b"X-Filler: y\r\n" * 100_000 + b"\r\nhello",
}


@pytest.mark.parametrize("raw", LETTERS.values(), ids=LETTERS.keys())
def test_what_cannot_be_taken_apart_waits_for_a_person_as_it_came(
    shop: Shop,  # noqa: ARG001  # the tables
    post: Post,
    raw: bytes,
) -> None:
    begun = time.process_time()

    came = post.deliver(raw, sender=ADA, to=CONTACT)

    assert time.process_time() - begun < SECONDS_MAX
    assert (came.state, came.why) == (MailState.QUARANTINED, Why.UNREADABLE)
    assert bytes(Original.objects.get().content).rstrip() == raw.rstrip()
    assert mail.outbox == []


def test_a_letter_nested_as_deep_as_allowed_is_read() -> None:
    assert read_letter(nested(NESTED_MAX)).text == "hello"


READ = {
    "an unknown charset": (b"Content-Type: text/plain; charset=klingon", "Gr\u00fcezi".encode()),
    "a charset that is none": (b"Content-Type: text/plain; charset=zlib", "Gr\u00fcezi".encode()),
    "a charset of host names": (b"Content-Type: text/plain; charset=idna", b"Gr\xfcezi"),
    "the wrong charset": (b"Content-Type: text/plain; charset=utf-8", b"Gr\xfcezi"),
    "broken base64": (b"Content-Transfer-Encoding: base64", b"R3I=\x00=====!!"),
    "nothing at all": (b"Content-Type: text/plain", b""),
    "NUL": (b"Content-Type: text/plain", b"a\x00b"),
    "a charset of RFC 2231 that is none": (b"Content-Type: text/plain; charset*=nope'x'%ff", b"hello"),
    "half a character": (b"Content-Type: text/plain; charset=utf-8", b"\xed\xa0\x80"),
    "a file name in no encoding": (b"Content-Disposition: attachment; filename*=nope''%ff", b"hello"),
    "a kind of file that is none": (b"Content-Type: x\x00/\xff\xfe; name=x", b"hello"),
    "a parted file name": (b"Content-Disposition: attachment; filename*0*=x''a; filename*=b", b"hello"),
}


@pytest.mark.parametrize("field, body", READ.values(), ids=READ.keys())
def test_what_is_badly_written_is_read_as_well_as_it_can_be(
    shop: Shop, post: Post, field: bytes, body: bytes
) -> None:
    head = f"From: {shop.customer.email}\r\nSubject: =?utf-8?b?!!!?= =?nope?q?x?=\r\n".encode()

    came = post.deliver(head + field + b"\r\n\r\n" + body, sender=shop.customer.email, to=CONTACT)

    assert came.state == MailState.DRAFTED
    assert "\0" not in came.text
    assert nothing_moved()


@pytest.mark.parametrize(
    "sender",
    [
        "From: a@b.example, c@d.example",
        "From: a@b.example\r\nFrom: c@d.example",
        "From: nobody",
        "From: =?utf-8?q?ada=40customers=2Eexample=2C?= <c@d.example>, <ada@customers.example>",
        "From: <>",
        "Subject: none",
        "From: ada@customers.example)c@d.example",
        "From: " + "a" * 2_000 + "@b.example",
    ],
)
def test_a_letter_without_one_plain_sender_waits_for_a_person(
    shop: Shop,  # noqa: ARG001  # the tables
    post: Post,
    sender: str,
) -> None:
    came = post.deliver(f"{sender}\r\n\r\nRefund me.".encode(), sender=ADA, to=CONTACT)

    assert (came.state, came.why, mail.outbox) == (MailState.QUARANTINED, Why.SENDER_UNCLEAR, [])


def test_an_address_that_is_hidden_in_a_name_is_not_the_sender() -> None:
    disguised = b"From: =?utf-8?q?=3Cada=40customers=2Eexample=3E?= <c@d.example>\r\n\r\nhello"

    assert read_letter(disguised).sender == "c@d.example"


def test_a_date_in_the_future_or_the_past_changes_nothing(shop: Shop, post: Post) -> None:
    for year in ("1999", "2099"):
        came = post.deliver(letter(shop.customer.email, year, Date=f"Fri, 01 Jan {year} 00:00:00 +0000"))

        assert came.received_at.year == 2025


def test_a_file_of_twenty_megabytes_is_kept_out_and_the_letter_read(shop: Shop, post: Post) -> None:
    head = (
        f"From: {shop.customer.email}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the film."
        "\r\n--b\r\nContent-Type: video/mp4; name=film.mp4\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    )
    film = (b"A" * 996 + b"\r\n") * (20 * 1024 * 1024 * 4 // 3 // 996)

    came = post.deliver(head.encode() + film + b"--b--\r\n", sender=shop.customer.email, to=CONTACT)

    assert (came.state, came.text) == (MailState.DRAFTED, "See the film.")
    assert [file["name"] for file in came.files] == ["film.mp4"]


def test_a_letter_beyond_the_limit_is_refused_and_the_refusal_is_recorded(
    shop: Shop,  # noqa: ARG001  # the tables
    post: Post,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "amends.events"), pytest.raises(smtplib.SMTPException):
        post.send(
            b"From: a@b.example\r\n\r\n" + b"x\r\n" * (LETTER_BYTES_MAX // 3 + 1), sender=ADA, to=CONTACT
        )

    assert IncomingMail.objects.count() == 0
    assert "mail_refused" in [record.message for record in caplog.records]


def test_nothing_is_passed_on_to_other_addresses(
    shop: Shop,  # noqa: ARG001  # the tables
    post: Post,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for address in ("victim@elsewhere.example", "supporter@example.com", "support@example.com.evil.example"):
        with caplog.at_level(logging.INFO, "amends.events"), pytest.raises(smtplib.SMTPRecipientsRefused):
            post.send(letter(ADA), to=address)

    assert (IncomingMail.objects.count(), mail.outbox) == (0, [])
    assert len([record for record in caplog.records if record.message == "mail_refused"]) == 3


def test_a_letter_that_cannot_be_kept_is_asked_for_again_and_not_lost(shop: Shop, post: Post) -> None:
    written = letter(shop.customer.email, "Refund me.")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE mail_original RENAME TO mail_away")
    try:
        with pytest.raises(smtplib.SMTPDataError) as refused:
            post.send(written)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE mail_away RENAME TO mail_original")

    assert (refused.value.smtp_code, IncomingMail.objects.count()) == (451, 0)
    assert post.deliver(written).state == MailState.DRAFTED


def test_an_envelope_in_half_characters_loses_no_letter(shop: Shop, post: Post) -> None:
    with socket.create_connection(("127.0.0.1", post.port)) as line, line.makefile("rwb") as talk:
        for said in (b"EHLO x", b"MAIL FROM:<\xff@b.example>", b"RCPT TO:<support@example.com>", b"DATA"):
            talk.write(said + b"\r\n")
            talk.flush()
            while (heard := talk.readline())[3:4] == b"-" or heard.startswith(b"220"):
                continue
        talk.write(f"From: {shop.customer.email}\r\n\r\nRefund me.\r\n.\r\n".encode())
        talk.flush()

        assert talk.readline().startswith(b"250")
    assert IncomingMail.objects.count() == 1


def test_a_line_longer_than_the_rules_allow_is_taken(shop: Shop, post: Post) -> None:
    long = f"From: {shop.customer.email}\r\n\r\n".encode() + b"word " * 20_000

    assert post.deliver(long, sender=shop.customer.email, to=CONTACT).state == MailState.DRAFTED


def test_spam_is_not_answered_again(shop: Shop, post: Post) -> None:
    post.deliver(letter(shop.customer.email, "Buy this."))
    IncomingMail.objects.update(state=MailState.SPAM)
    Draft.objects.update(state="discarded")
    mail.outbox.clear()

    came = post.deliver(letter(shop.customer.email, "Buy that."))

    assert (came.state, came.why, mail.outbox) == (MailState.QUARANTINED, Why.SPAM_BEFORE, [])


@pytest.mark.parametrize("markup", ["<!--", "<a ", "&#", "<![", "</", "<p>", "<head>", "<blockquote>"])
def test_malformed_markup_costs_little_time(markup: str) -> None:
    begun = time.process_time()
    text_of_html(markup * 50_000)

    assert time.process_time() - begun < SECONDS_MAX


def test_the_words_of_a_page_are_read_without_its_scripts_and_quotations() -> None:
    page = (
        "<html><head><title>no</title><style>p{}</style></head><body><p>It is <b>too</b> slow.</p>"
        "<script>alert(1)</script><blockquote><p>Which price?</p></blockquote></body></html>"
    )

    assert own_words(text_of_html(page)) == "It is too slow."


QUOTATIONS = {
    "below": "Yes.\n\nOn Mon, 1 Sep 2025 at 10:00, Support <s@example.com> wrote:\n> Which?\n> Price?",
    "introduced in two lines": "Yes.\n\nOn Mon, 1 Sep 2025 at 10:00,\nSupport <s@example.com> wrote:\n\n> Which?",
    "in German": "Yes.\n\nAm 01.09.2025 um 10:00 schrieb Support:\n> Welcher?",
    "copied": "Yes.\n\n-----Original Message-----\nFrom: Support\nWhich?",
    "copied with its header": "Yes.\n\nFrom: Support <s@example.com>\nSent: Monday\nTo: Ada\n\nWhich?",
    "with a signature": "Yes.\n-- \nAda\nFluxpaint fan",
}


@pytest.mark.parametrize("text", QUOTATIONS.values(), ids=QUOTATIONS.keys())
def test_a_quotation_is_cut(text: str) -> None:
    assert own_words(text) == "Yes."


def test_answers_between_quoted_lines_stay_and_a_letter_of_quotations_stays_whole() -> None:
    assert own_words("> Which?\n15\n> When?\nMonday") == "15\nMonday"
    assert own_words("> Which?\n> When?") == "> Which?\n> When?"


def test_a_header_as_large_as_allowed_is_read() -> None:
    head = f"From: {ADA}\r\n".encode()
    head += b"X-Filler: y\r\n" * ((HEADER_BYTES_MAX - 2 - len(head)) // 13)

    assert read_letter(head + b"\r\nhello").text == "hello"
    assert len(read_letter(head + b"\r\n" + b"x" * (TEXT_LENGTH_MAX * 2)).text) == TEXT_LENGTH_MAX


def test_a_worker_that_reads_a_letter_twice_does_it_once(shop: Shop, post: Post) -> None:
    came = post.deliver(letter(shop.customer.email, "Refund me."))
    sent = len(mail.outbox)
    from amends.desk.schedule.tasks import sort_one_mail  # noqa: PLC0415  # read only here

    sort_one_mail(str(came.id))
    work()

    assert (Draft.objects.count(), len(mail.outbox)) == (1, sent)
