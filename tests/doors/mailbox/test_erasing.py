"""What somebody wrote by mail goes with them, and with time; that it came stays."""

from datetime import timedelta

from amends.desk import clock
from amends.desk.mail.models import AutomaticAnswer, Draft, IncomingMail, MailState, Original
from amends.desk.retention import apply_retention, erase_person
from post import Post, letter
from shop import Shop, day, go_to


def test_a_person_is_erased_with_their_letters_and_those_in_their_name(shop: Shop, post: Post) -> None:
    number = shop.sell(shop.monthly).order.number
    post.deliver(letter(shop.customer.email, f"I am Ada, refund {number}."))
    post.deliver(letter("ada@elsewhere.example", f"Also Ada, about {number}."))
    other = post.deliver(letter("other@elsewhere.example", "I am not Ada."))

    erase_person(shop.customer, "test")

    assert list(Original.objects.values_list("mail", flat=True)) == [other.id]
    emptied = IncomingMail.objects.exclude(id=other.id)
    assert {(one.sender, one.subject, one.text, one.envelope_from) for one in emptied} == {("", "", "", "")}
    assert (Draft.objects.get().reason, emptied.count()) == ("", 2)
    assert [one.address for one in AutomaticAnswer.objects.all()] == ["other@elsewhere.example"]


def test_letters_that_are_over_are_emptied_after_their_time_and_others_wait(shop: Shop, post: Post) -> None:
    go_to(day(0))
    automatic = post.deliver(letter(shop.customer.email, "I am away.", Auto_Submitted="auto-replied"))
    waiting = post.deliver(letter("other@elsewhere.example", "Hello?"))

    go_to(clock.now() + timedelta(days=180) - timedelta(minutes=1))
    assert apply_retention().mail == 0
    go_to(clock.now() + timedelta(minutes=2))
    assert apply_retention().mail == 1

    automatic.refresh_from_db()
    assert (automatic.text, automatic.state) == ("", MailState.AUTOMATIC)
    assert list(Original.objects.values_list("mail", flat=True)) == [waiting.id]
