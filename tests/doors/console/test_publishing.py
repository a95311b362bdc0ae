"""The pages on which a version of the policy is written, proved, proposed, agreed to and called off."""

import re
from urllib.parse import urlsplit

import pytest

from amends.desk.accounts.models import Role
from amends.desk.policies.actions import publish
from amends.desk.policies.models import Draft, DraftText, Examination, PolicyVersion, Proposal
from authoring import CHANGED, SHIPPED, broken, install, later, small, work_on_policies
from browsing import Browser
from shop import Shop, day, go_to
from web import Client


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """A desk with a small policy in force."""
    install(small("2025-08-18", window="7 days"))
    return shop


def author(web: Client, shop: Shop, name: str = "author", *roles: Role) -> Browser:
    return Browser(web).sign_in(shop.staff(name, *(roles or (Role.POLICY_OWNER,))))


def started(browser: Browser) -> str:
    answer = browser.post("/console/policies/drafts", {"note": "A longer window"})
    assert answer.status == 302
    return urlsplit(answer.headers["location"]).path


def saved(browser: Browser, text: str) -> str:
    """The address of a draft with a text that was saved and examined."""
    place = started(browser)
    browser.submit(f"{place}/save", {"text": text, "seen": "1"})
    work_on_policies()
    return place


def hash_on(page: str) -> str:
    found = re.search(r'name="text_sha256" value="(\w{64})"', page)
    assert found
    return found[1]


def test_from_a_draft_to_a_version_that_waits_for_its_day(web: Client, shop: Shop) -> None:
    owner = author(web, shop)
    place = started(owner)
    assert "window" in owner.get(place).body.decode()

    said = owner.submit(f"{place}/save", {"text": small(), "seen": "1"})
    assert "Saved. A worker checks it." in said
    assert "A worker has been asked" in said
    work_on_policies()
    page = owner.get(place).body.decode()
    assert "every clause can decide a case (2 rules)" in page
    said = owner.submit(f"{place}/propose", {"text_sha256": hash_on(page), "reason": CHANGED})
    assert "Proposed. Somebody else has to agree." in said
    assert "You proposed it; somebody else has to agree." in said

    second = author(web, shop, "second", Role.ADMIN)
    page = second.get(place).body.decode()
    said = second.submit(f"{place}/approve", {"text_sha256": hash_on(page)})
    assert "Published. Version 2025-10-01" in said
    versions = second.page("/console/policies")
    assert "2025-10-01 scheduled" in versions
    assert "2025-08-18 in force" in versions
    version = PolicyVersion.objects.get(version="2025-10-01")
    shown = second.page(f"/console/policies/{version.id}")
    assert "Comes into force by itself on 1 Oct 2025" in shown
    assert "Proposed author" in shown
    assert "Agreed second" in shown
    assert "Proof report" in shown
    assert "every clause can decide a case (2 rules)" in shown


def test_findings_are_shown_with_their_line_and_a_case_in_words(web: Client, shop: Shop) -> None:
    owner = author(web, shop)

    shown = owner.page(saved(owner, broken()))

    assert "The check found 1 defect." in shown
    assert re.search(r"gap line \d+ No clause decides this case", shown)
    assert "No clause decides this case." in shown
    assert "When you asked 2025-10-15" in shown
    assert "A person" in shown
    assert "Propose it to a second person" not in shown


def test_warnings_about_words_and_the_sides_of_numbers_are_shown_and_block_nothing(
    web: Client, shop: Shop
) -> None:
    owner = author(web, shop)
    text = small().replace("- Days are calendar days; the day of the purchase is day 0. {.info}\n", "")

    shown = owner.page(saved(owner, f"{text}\n- We never charge a fee. {{.info}}\n"))

    assert "unstated-boundary line" in shown
    assert "promise-without-proof line" in shown
    assert "full age: 14 days yes, 15 days no" in shown
    assert "Propose it to a second person" in shown


def test_who_gains_is_shown_with_a_case_in_words(web: Client, shop: Shop) -> None:
    owner = author(web, shop)
    place = started(owner)
    owner.submit(f"{place}/save", {"text": small(), "seen": "1"})
    work_on_policies()

    shown = owner.page(place)

    assert "Who gains and who loses against 2025-08-18" in shown
    assert "gains at most $100.00 Deny late → becomes Grant $100.00 full" in shown
    assert "When it was bought 2025-08-18" in shown


def test_what_past_requests_would_have_come_to_is_shown_as_numbers_and_bars(web: Client, shop: Shop) -> None:
    install(SHIPPED)
    lines = [shop.sell(shop.monthly), shop.sell(shop.monthly)]
    go_to(day(3))
    shop.ask(lines[0])
    go_to(day(9))
    late = shop.ask(lines[1])
    install(small("2025-08-18", window="7 days"))
    owner = author(web, shop)
    place = saved(owner, small("2025-11-01"))

    shown = owner.page(place)

    assert "2 past requests, decided again by 2025-08-18 and by this text" in shown
    assert "Grant 1 2 Deny 1 0" in shown
    assert "2025-09 2 $19.00 $38.00 1 (+$19.00) 0" in shown
    assert f"{late.number} denied (late) → becomes granted USD 19.00 (full)" in shown
    body = owner.get(place).body.decode()
    assert 'data-table="backtest-by-month" data-rows="[data-currency=USD]"' in body
    assert body.count('<td class="number" data-value="1900">$19.00</td>') == 2


def test_what_a_change_could_cost_if_everybody_asked_on_a_day_is_shown(web: Client, shop: Shop) -> None:
    install(SHIPPED)
    shop.sell(shop.monthly)
    shop.sell(shop.monthly, at=day(5))
    go_to(day(12))
    owner = author(web, shop)
    place = saved(owner, later())
    assert "Nobody has tried a day with this text yet." in owner.page(place)

    owner.submit(f"{place}/bound", {"asks_on_day": "10"})
    assert "A worker decides every purchase by both versions, asked on day 10." in owner.page(place)
    work_on_policies()

    shown = owner.page(place)
    assert "1 purchase, asked on day 10, decided by 2025-08-18 and by this text." in shown
    assert "denied (late) → becomes granted USD 18.15 (full)" in shown
    assert "The past requests" in shown or "Nobody has asked for anything yet." in shown


@pytest.mark.parametrize(
    "day_named, said",
    [
        ("", "Please name the day as a whole number, such as 7."),
        ("soon", "Please name the day as a whole number, such as 7."),
        ("-1", "Please name the day as a whole number, such as 7."),
        ("3651", "Please name a day from 0 to 3650."),
    ],
)
def test_a_day_that_is_none_is_refused_and_nothing_is_asked(
    web: Client, shop: Shop, day_named: str, said: str
) -> None:
    owner = author(web, shop)
    place = saved(owner, small())
    asked = Examination.objects.count()

    assert said in owner.submit(f"{place}/bound", {"asks_on_day": day_named})

    assert Examination.objects.count() == asked


def test_a_text_that_does_not_read_is_saved_with_what_is_wrong(web: Client, shop: Shop) -> None:
    owner = author(web, shop)
    place = started(owner)

    said = owner.submit(
        f"{place}/save", {"text": small().replace("age <= window", "age <= windw"), "seen": "1"}
    )

    assert "Saved. The text does not read yet." in said
    assert "unknown-name" in said
    assert "The text does not read: 1 problem." in said
    assert "Check it" not in said


def test_while_typing_the_text_is_read_and_nothing_is_saved(web: Client, shop: Shop) -> None:
    owner = author(web, shop)

    good = owner.post("/console/policies/reading", {"text": small().replace("\n", "\r\n")}).body.decode()
    bad = owner.post(
        "/console/policies/reading", {"text": small().replace("{#late}", "{#lat}")}
    ).body.decode()

    assert "The text reads: version 2025-10-01" in good
    assert "does not read" in bad
    assert 'data-line="' in bad
    assert not Draft.objects.exists()


def test_what_somebody_typed_is_not_lost_when_another_text_was_saved(web: Client, shop: Shop) -> None:
    owner, other = author(web, shop), author(web, shop, "other")
    place = started(owner)
    other.submit(f"{place}/save", {"text": small(), "seen": "1"})

    answer = owner.post(f"{place}/save", {"text": small(window="11 days"), "seen": "1"})

    assert answer.status == 409
    assert "[11 days]" in answer.body.decode()
    assert "other saved another text meanwhile" in answer.body.decode()
    assert DraftText.objects.count() == 2


def test_others_read_drafts_and_change_nothing(web: Client, shop: Shop) -> None:
    owner = author(web, shop)
    place = saved(owner, small())
    agent = author(web, shop, "agent", Role.AGENT)

    page = agent.page(place)
    assert "Save and check" not in page
    assert "Start a draft" not in agent.page("/console/policies")
    for action, form in (
        ("save", {"text": small(window="9 days"), "seen": "2"}),
        ("propose", {"text_sha256": DraftText.objects.latest("id").sha256, "reason": CHANGED}),
        ("discard", {}),
        ("bound", {"asks_on_day": "7"}),
    ):
        answer = agent.post(f"{place}/{action}", form)
        assert answer.status in (302, 409)
    assert agent.post("/console/policies/drafts", {"note": "x"}).status == 302
    assert agent.post("/console/policies/reading", {"text": small()}).status == 404

    assert (Draft.objects.count(), DraftText.objects.count(), Proposal.objects.count()) == (1, 2, 0)


def test_a_short_notice_is_offered_to_administrators_only(web: Client, shop: Shop) -> None:
    owner = author(web, shop)
    place = saved(owner, small("2025-09-03"))
    admin = author(web, shop, "admin", Role.ADMIN)

    assert "Only an administrator can propose it" in owner.page(place)
    assert "Why customers are told so late" not in owner.page(place)
    assert "Why customers are told so late" in admin.page(place)


def test_a_scheduled_version_is_called_off(web: Client, shop: Shop) -> None:
    owner, second = author(web, shop), author(web, shop, "second")
    place = saved(owner, small())
    sha256 = DraftText.objects.latest("id").sha256
    owner.submit(f"{place}/propose", {"text_sha256": sha256, "reason": CHANGED})
    second.submit(f"{place}/approve", {"text_sha256": sha256})
    version = PolicyVersion.objects.get(version="2025-10-01")
    assert "2025-10-01" in Browser(web).page("/policy")

    said = second.submit(f"/console/policies/{version.id}/cancel", {"reason": "The counsel objects."})

    assert "Called off. Whoever was told of it is told." in said
    assert "second called it off" in said
    assert "2025-10-01 called off" in second.page("/console/policies")
    assert "2025-10-01" not in Browser(web).page("/policy")


def test_a_case_names_the_version_at_the_purchase_and_the_one_at_the_request(web: Client, shop: Shop) -> None:
    install(SHIPPED)
    publish(later(), None)
    line = shop.sell(shop.monthly, at=day(25))
    go_to(day(31))
    case = shop.ask(line)

    shown = author(web, shop).page(f"/console/cases/{case.number}")

    assert "Policy at the purchase 2025-08-18 Policy at the request 2025-10-01 both are asked" in shown


def test_customers_see_which_version_is_in_force_and_which_is_scheduled(web: Client, shop: Shop) -> None:  # noqa: ARG001  # its versions
    publish(small(), None)

    shown = Browser(web).page("/policy?version=2025-10-01")

    assert "Version 2025-10-01 comes into force on 1 Oct 2025" in shown
    assert "2025-10-01 What changed in 2025-10-01 scheduled" in shown
    assert "2025-08-18 in force in force from" in shown


@pytest.mark.parametrize("path", ["/console/policies/drafts/00000000-0000-7000-8000-000000000000"])
def test_a_draft_that_is_not_there_is_not_found(web: Client, shop: Shop, path: str) -> None:
    owner = author(web, shop)

    assert owner.get(path).status == 404
    assert owner.post(f"{started(owner)}/waive", {"finding": "9" * 5_000}).status == 404
    assert owner.post(f"{started(owner)}/save", {"text": small(), "seen": "9" * 5_000}).status == 409
    assert owner.post(f"{path}/save", {"text": small()}).status == 404
    assert owner.post(f"{started(owner)}/publish", {}).status == 404
