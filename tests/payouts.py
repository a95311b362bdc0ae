"""Payouts of tests: a refund that the gateway refuses, an account, two people who agree."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connection

from amends.desk.accounts.models import Role, User
from amends.desk.cases import paying_out
from amends.desk.cases.models import Case
from amends.desk.journal.actions import balances
from amends.desk.payments.clearing import ClearingError
from amends.desk.payments.models import Refund
from amends.desk.payouts.actions import PayoutError, terms_sha256
from amends.desk.payouts.models import Payout
from shop import Shop, day, go_to, now
from trade import sdk

IBAN, OTHER_IBAN = "DE89370400440532013000", "FR1420041010050500013M02606"
WHY = "The card is closed."


def refused(shop: Shop) -> Case:
    """A case whose refund the gateway refuses for good."""
    line = shop.sell(shop.monthly)
    go_to(day(3))
    case = shop.ask(line)
    shop.sandbox.api.faults.add({"fault": "reject", "path": "/v1/refunds", "count": "1"})
    shop.work()
    return now(case)


def finance(shop: Shop) -> tuple[User, User]:
    return shop.staff("fiona", Role.FINANCE), shop.staff("felix", Role.FINANCE)


def asked(shop: Shop, by: User) -> tuple[Case, Payout]:
    case = refused(shop)
    return case, paying_out.open_payout(Refund.objects.get(case_id=case.id), by, WHY)


def released(shop: Shop, first: User, second: User) -> tuple[Case, Payout]:
    case, payout = asked(shop, first)
    paying_out.give_account([payout], "Ada Lovelace", IBAN)
    paying_out.propose(payout, first, terms(payout))
    paying_out.release(payout, second, terms(payout))
    return case, fresh(payout)


def terms(payout: Payout) -> str:
    return terms_sha256(fresh(payout))


def fresh(payout: Payout) -> Payout:
    return Payout.objects.select_related("refund__payment", "refund__instead_of").get(
        refund_id=payout.refund_id
    )


def held(account: str) -> int:
    return balances().get((account, "USD"), 0)


def pay_late(shop: Shop, root: Refund) -> None:
    """The gateway makes the refund after all, under our id."""
    sdk(shop.sandbox).v1.refunds.create(
        {"charge": root.payment.gateway_ref, "amount": root.amount, "metadata": {"refund_id": str(root.id)}}
    )


def both(first: Callable[[], object], second: Callable[[], object]) -> list[str]:
    """Two people at once; what each came to."""

    def run(work: Callable[[], object]) -> str:
        try:
            work()
        except (PayoutError, ClearingError):
            return "refused"
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(run, (first, second)))
