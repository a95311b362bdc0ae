"""Staff come in with a code by mail and a second factor, through the same pages as in life."""

import re

import pytest
from allauth.mfa.models import Authenticator

from amends.cli.totp import code_at
from amends.desk import clock
from amends.desk.accounts.actions import make_link
from amends.desk.accounts.factors import give_totp
from amends.desk.accounts.models import Role, User
from amends.desk.audit.models import AuditRow
from browsing import Browser, code_by_mail, text_of
from shop import Shop
from trade import make_customer
from web import Answer, Client

SECRET = "AMENDSDEMOSTAFFSECRETFORTRIALS22"  # noqa: S105  # of a test
CONFIRM, AUTHENTICATE, SET_UP = (
    "/account/login/code/confirm/",
    "/account/2fa/authenticate/",
    "/account/2fa/totp/activate/",
)


def with_mail_code(web: Client, user: User) -> tuple[Browser, Answer]:
    """Somebody who has entered the code that came by mail, and where that led."""
    browser = Browser(web)
    browser.post("/account/login/code/", {"email": user.email})
    return browser, browser.post(CONFIRM, {"code": code_by_mail()})


def code() -> str:
    return code_at(SECRET, clock.machine_now())


def enrolled(shop: Shop, name: str = "agent", *roles: Role) -> User:
    user = shop.staff(name, *(roles or (Role.AGENT,)))
    give_totp(user, SECRET)
    return user


def test_the_first_sign_in_sets_a_factor_up_and_shows_recovery_codes_once(shop: Shop, web: Client) -> None:
    agent = shop.staff("agent", Role.AGENT)
    browser, _ = with_mail_code(web, agent)
    assert browser.get("/console/").headers["location"] == SET_UP
    page = browser.get(SET_UP)
    assert b"<svg" in page.body
    assert b"data:image" not in page.body
    assert page.headers["cache-control"] == "no-store"
    secret = re.search(r'id="secret" type="text" value="(\w+)"', page.body.decode())
    assert secret

    codes = browser.submit(SET_UP, {"code": code_at(secret[1], clock.machine_now())})

    assert len(re.findall(r"\b\d{8}\b", codes)) == 10
    assert browser.get("/console/").status == 200
    again = browser.page("/account/2fa/recovery-codes/")
    assert "10 codes are left" in again
    assert re.findall(r"\b\d{8}\b", again) == []
    assert AuditRow.objects.get(action="second_factor_added").actor == f"staff:{agent.id}"
    assert secret[1] not in str(list(Authenticator.objects.values_list("data", flat=True)))


def test_after_the_mail_code_the_app_is_asked_for(shop: Shop, web: Client) -> None:
    browser, answer = with_mail_code(web, enrolled(shop))

    assert answer.headers["location"] == AUTHENTICATE
    assert browser.get("/console/").status == 302
    assert browser.post(AUTHENTICATE, {"code": code()}).headers["location"] == "/"
    assert browser.get("/console/").status == 200


def test_the_mail_code_alone_opens_nothing_of_the_console(shop: Shop, web: Client) -> None:
    for agent in (enrolled(shop), shop.staff("fresh", Role.AGENT)):
        browser, _ = with_mail_code(web, agent)
        for page in ("", "finance", "finance/journal.csv", "policies", "mail", "issues"):
            assert browser.get(f"/console/{page}").status == 302


def test_a_code_works_once(shop: Shop, web: Client) -> None:
    agent = enrolled(shop)
    first, _ = with_mail_code(web, agent)
    second, _ = with_mail_code(web, agent)
    shown = code()
    assert first.post(AUTHENTICATE, {"code": shown}).status == 302

    answer = second.post(AUTHENTICATE, {"code": shown})

    assert (answer.status, "Incorrect code." in text_of(answer)) == (200, True)
    assert second.get("/console/").status == 302


def test_wrong_codes_are_counted_and_then_a_right_one_does_not_help(shop: Shop, web: Client) -> None:
    browser, _ = with_mail_code(web, enrolled(shop))
    for _attempt in range(5):
        assert browser.post(AUTHENTICATE, {"code": "000000"}).status == 200

    answer = browser.post(AUTHENTICATE, {"code": code()})

    assert "Too many" in text_of(answer)
    assert browser.get("/console/").status == 302


def test_a_recovery_code_stands_in_once(shop: Shop, web: Client) -> None:
    browser, _ = with_mail_code(web, agent := shop.staff("agent", Role.AGENT))
    page = browser.get(SET_UP).body.decode()
    secret = re.search(r'id="secret" type="text" value="(\w+)"', page)
    assert secret
    codes = re.findall(
        r"\b\d{8}\b", browser.submit(SET_UP, {"code": code_at(secret[1], clock.machine_now())})
    )
    statuses = []
    for _time in range(2):
        later, _ = with_mail_code(web, agent)
        later.post(AUTHENTICATE, {"code": codes[0]})
        statuses.append(later.get("/console/").status)

    assert statuses == [200, 302]


def test_a_link_to_the_portal_is_no_way_into_the_console(shop: Shop, web: Client) -> None:
    agent = enrolled(shop)
    _, token = make_link(make_customer(email=agent.email), "test")
    browser = Browser(web)
    browser.post(f"/enter/{token}", {})
    assert browser.get("/orders").status == 200

    answer = browser.get("/console/")

    assert answer.status == 302
    assert (
        browser.get(answer.headers["location"]).headers["location"].startswith("/account/2fa/reauthenticate/")
    )


def test_customers_stay_with_the_mail_code(shop: Shop, web: Client) -> None:
    user = User.objects.create_user(shop.customer.email)
    browser, answer = with_mail_code(web, user)

    assert answer.headers["location"] == "/"
    assert browser.get("/orders").status == 200
    for page in (SET_UP, "/account/2fa/webauthn/add/", "/account/2fa/"):
        assert browser.get(page).status == 404
    assert browser.post(SET_UP, {"code": "000000"}).status == 404
    assert Authenticator.objects.count() == 0


def test_an_administrator_resets_somebody_elses_factor_and_ends_their_sessions(
    shop: Shop, web: Client
) -> None:
    agent, admin = enrolled(shop), enrolled(shop, "admin", Role.ADMIN)
    theirs, ours = Browser(web).sign_in(agent), Browser(web).sign_in(admin)
    assert theirs.get("/console/").status == 200
    assert agent.email in ours.page("/account/2fa/")

    page = ours.submit(f"/account/2fa/reset/{agent.id}", {})

    assert "sets up a new second factor" in page
    assert list(Authenticator.objects.values_list("user", flat=True)) == [admin.id]
    assert theirs.get("/console/").status == 302
    assert AuditRow.objects.get(action="second_factor_reset").actor == f"staff:{admin.id}"


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_nobody_else_resets_a_factor(shop: Shop, web: Client, role: Role) -> None:
    agent = enrolled(shop)
    browser = Browser(web).sign_in(shop.staff("member", role))

    assert "Your role does not include this." in browser.submit(f"/account/2fa/reset/{agent.id}", {})
    assert agent.email not in browser.page("/account/2fa/")
    assert Authenticator.objects.count() == 1


def test_an_administrator_does_not_reset_their_own(shop: Shop, web: Client) -> None:
    admin = enrolled(shop, "admin", Role.ADMIN)
    browser = Browser(web).sign_in(admin)

    assert "Somebody else" in browser.submit(f"/account/2fa/reset/{admin.id}", {})
    assert Authenticator.objects.count() == 1


def test_a_secret_of_another_key_fits_no_code(shop: Shop, web: Client, settings: object) -> None:
    agent = enrolled(shop)
    settings.SECRET_KEY = "another"  # type: ignore[attr-defined]  # noqa: S105  # pytest-django's; of a test
    browser, _ = with_mail_code(web, agent)

    assert browser.post(AUTHENTICATE, {"code": code()}).status == 200
    assert browser.get("/console/").status == 302
