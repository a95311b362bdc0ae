"""Fill an empty desk: customers, plans, orders paid at the sandbox, usage with failures, cases in every state."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import stripe

from amends.desk import clock
from amends.desk.accounts.actions import create_key
from amends.desk.accounts.factors import give_totp
from amends.desk.accounts.models import Customer, Role, Scope, User
from amends.desk.cases.answering import Speaker, write_message
from amends.desk.cases.deciding import decide_case
from amends.desk.cases.models import Case, Channel, RequestKind
from amends.desk.cases.opening import Request, open_case
from amends.desk.cases.stating import ask, state_fact, waive
from amends.desk.issues import actions as issues
from amends.desk.orders.actions import SoldLine, record_order
from amends.desk.orders.models import Line, Plan, Price, Product, Subscription
from amends.desk.payments.stripe_gateway import API_VERSION, StripeGateway, connect
from amends.desk.policies.actions import acknowledge, publish, version_at_purchase
from amends.desk.policies.models import PolicyVersion
from amends.desk.usage.actions import ReportedJob, take_in
from amends.desk.usage.models import PaidBy, UseOutcome

METER = "generation"
DEMO_KEY = "amk_demo_shop_key_for_trials"
STAFF = {
    "agent": (Role.AGENT,),
    "approver": (Role.APPROVER,),
    "second": (Role.APPROVER, Role.FINANCE),
    "finance": (Role.FINANCE,),
    "owner": (Role.POLICY_OWNER,),
    "admin": (Role.ADMIN,),
}
PRICES = {"monthly": 1900, "annual": 22800}
CREDIT_PACK = 1000
CREDIT_PACK_PRICE = 2500
FAILING = 7
"""Every seventh job fails."""
POLICIES = Path(__file__).parents[4] / "policies"


@dataclass(frozen=True, slots=True)
class Story:
    """One customer and what happens to them: days count back from today."""

    name: str
    plan: str
    days_ago: int
    used: int
    act: Callable[["Shop", Line], None] | None = None
    method: str = "pm_card_visa"
    first_part: int = 0
    """What was paid by PayPal before the rest was paid by the method."""
    locale: str = "en_US"
    country: str = "US"
    broken_days: int = 0
    """The last days, on which every job failed."""


def seed(gateway_address: str, totp_secret: str) -> str:
    """Fill the desk, unless it has been filled; staff get an authenticator app with the secret.

    Returns what there is, in words.
    """
    if not PolicyVersion.objects.exists():
        _Seeding(gateway_address).run()
        for member in User.objects.exclude(roles=[]):
            give_totp(member, totp_secret)
    return (
        f"{Customer.objects.count()} customers, {Line.objects.count()} purchases, {Case.objects.count()} cases, "
        f"{User.objects.count()} people of staff."
    )


class Shop:
    """What the stories need: the product's own side of things."""

    def __init__(self, gateway_address: str) -> None:
        self.sdk = stripe.StripeClient(
            "sk_test_demo",
            stripe_version=API_VERSION,
            base_addresses={"api": gateway_address},
            max_network_retries=0,
        )
        self.gateway: StripeGateway = connect()
        self.staff = {
            name: User.objects.create_user(f"{name}@example.com", name.capitalize(), roles)
            for name, roles in STAFF.items()
        }
        self.plans: dict[str, Plan] = {}

    def request(self, line: Line, kind: RequestKind, reason: str, **answers: bool) -> Case:
        """The customer of a purchase asks for something, now."""
        request = Request(line.order.customer, line, kind, Channel.PORTAL, reason, answers)
        return open_case(replace(request, first_contact_at=clock.now()))


class _Seeding:
    def __init__(self, gateway_address: str) -> None:
        publish((POLICIES / "flux-kontext.md").read_text(encoding="utf-8"), None)
        create_key("Shop", list(Scope), DEMO_KEY)
        self.shop = Shop(gateway_address)
        self._make_plans()

    def run(self) -> None:
        for number, story in enumerate(STORIES, 1):
            line = self._sell(number, story)
            self._use(line, story)
            if story.act is not None:
                story.act(self.shop, line)

    def _make_plans(self) -> None:
        product = self.shop.sdk.v1.products.create({"id": "fluxpaint", "name": "Fluxpaint"})
        for code, interval in (("monthly", "month"), ("annual", "year")):
            plan = Plan.objects.create(
                code=code,
                name=f"Fluxpaint {code}",
                interval=interval,
                monthly=self.shop.plans.get("monthly") if interval == "year" else None,
            )
            price = self.shop.sdk.v1.prices.create(
                {
                    "product": product.id,
                    "currency": "usd",
                    "unit_amount": PRICES[code],
                    "recurring": {"interval": "month" if interval == "month" else "year"},
                }
            )
            since = clock.now() - timedelta(days=700)
            Price.objects.create(
                plan=plan, currency="USD", amount=PRICES[code], from_at=since, gateway_ref=price.id
            )
            self.shop.plans[code] = plan

    def _sell(self, number: int, story: Story) -> Line:
        at = clock.now() - timedelta(days=story.days_ago)
        first = story.name.split()[0].lower()
        customer = Customer.objects.create(
            external_id=f"user-{number}",
            email=f"{first}@customers.example",
            name=story.name,
            locale=story.locale,
            country=story.country,
            created_at=at,
        )
        sold = self._what(customer, story, at)
        charges = [self.shop.gateway.charge(ref) for ref in self._charges(sold.amount, story, at)]
        order = record_order(customer, f"FP-{1000 + number}", at, charges, [sold])
        acknowledge(customer, version_at_purchase(at), "checkout")
        return order.lines.get()

    def _what(self, customer: Customer, story: Story, at: datetime) -> SoldLine:
        if story.plan == "credits":
            words = f"{CREDIT_PACK} credits"
            return SoldLine(Product.CREDITS, words, CREDIT_PACK_PRICE, METER, credits=CREDIT_PACK)
        plan = self.shop.plans[story.plan]
        price = plan.prices.get()
        payer = self.shop.sdk.v1.customers.create({"email": customer.email, "name": customer.name})
        made = self.shop.sdk.v1.subscriptions.create(
            {
                "customer": payer.id,
                # Each purchase of the demo is a charge of its own, dated back.
                "collection_method": "send_invoice",
                "days_until_due": 30,
                "items": [{"price": price.gateway_ref}],
            }
        )
        subscription = Subscription.objects.create(
            customer=customer, plan=plan, gateway_ref=made.id, started_at=at
        )
        days = 365 if plan.interval == "year" else 30
        return SoldLine(
            Product.SUBSCRIPTION,
            plan.name,
            price.amount,
            METER,
            plan=plan,
            subscription=subscription,
            period_start=at,
            period_end=at + timedelta(days=days),
        )

    def _charges(self, amount: int, story: Story, at: datetime) -> list[str]:
        rest = self._charge(amount - story.first_part, story.method, at)
        if not story.first_part:
            return [rest]
        return [self._charge(story.first_part, "pm_paypal", at - timedelta(minutes=2)), rest]

    def _charge(self, amount: int, method: str, at: datetime) -> str:
        intent = self.shop.sdk.v1.payment_intents.create(
            {
                "amount": amount,
                "currency": "usd",
                "confirm": True,
                "payment_method": method,
                "metadata": {"created": str(int(at.timestamp()))},
            }
        )
        return str(intent.latest_charge)

    def _use(self, line: Line, story: Story) -> None:
        """Jobs spread over the time since the purchase; every seventh failed, and all while it was broken."""
        broken_from = clock.now() - timedelta(days=story.broken_days)
        span = clock.now() - line.purchased_at
        paid_by = PaidBy.CREDITS if line.product == Product.CREDITS else PaidBy.QUOTA
        events = []
        for number in range(story.used + story.used // 6):
            at = line.purchased_at + span * (number + 1) / (story.used + story.used // 6 + 1)
            failed = at >= broken_from or (number % FAILING == 0 and number > 0)
            events.append(
                ReportedJob(
                    source="fluxpaint",
                    event_id=f"{line.order.number}-{number}",
                    customer_id=str(line.order.customer_id),
                    meter=METER,
                    at=at,
                    outcome=UseOutcome.FAILED if failed else UseOutcome.SUCCEEDED,
                    paid_by=paid_by,
                )
            )
        take_in(events)


def _refund(reason: str) -> Callable[[Shop, Line], None]:
    def act(shop: Shop, line: Line) -> None:
        shop.request(line, RequestKind.REFUND, reason)

    return act


def _denied_and_wrote(shop: Shop, line: Line) -> None:
    case = shop.request(line, RequestKind.REFUND, "I do not use it.")
    customer = Speaker(f"customer:{case.customer_id}", Channel.PORTAL)
    write_message(case, customer, "I see. Until when can I go on making pictures?")


def _convert(shop: Shop, line: Line) -> None:
    shop.request(line, RequestKind.CONVERT, "I meant to take the monthly plan.", accidental=True)


def _convert_without_saying_why(shop: Shop, line: Line) -> None:
    shop.request(line, RequestKind.CONVERT, "Please make it monthly.")


def _fault(shop: Shop, line: Line) -> None:
    shop.request(line, RequestKind.TECHNICAL, "Every picture comes out black since yesterday.")


def _fault_stated(shop: Shop, line: Line) -> None:
    case = shop.request(line, RequestKind.TECHNICAL, "The editor does not load at all.")
    for name in ("prevents_use", "continuous"):
        state_fact(
            case, shop.staff["agent"], name, value=True, reason="Reproduced with the customer's account."
        )


def _double_charge(shop: Shop, line: Line) -> None:
    shop.request(line, RequestKind.BILLING_ERROR, "My card shows this charge twice.")


def _asked_back(shop: Shop, line: Line) -> None:
    case = shop.request(line, RequestKind.BILLING_ERROR, "This is not the price I saw.")
    ask(case, shop.staff["agent"], "Which price did you see, and on which page?")


def _waived(shop: Shop, line: Line) -> None:
    case = shop.request(line, RequestKind.REFUND, "I was in hospital and could not write earlier.")
    waive(
        case,
        shop.staff["agent"],
        frozenset({"late"}),
        "Hospital letter seen; the delay was not theirs.",
        "full",
    )


def _fault_of_weeks(shop: Shop, line: Line) -> None:
    issues.report(line.order.customer, line.id, "Downloads are broken.", clock.now() - timedelta(days=16))
    case = shop.request(line, RequestKind.TECHNICAL, "Downloads are still broken.")
    decide_case(case)


STORIES = (
    Story("Ada Lindqvist", "monthly", 3, 12, _refund("It does not do portraits the way I need.")),
    Story("Bruno Carvalho", "monthly", 9, 20, _denied_and_wrote),
    Story("Chidi Okafor", "monthly", 2, 63, _refund("Too slow for my work.")),
    Story("Dana Weiss", "monthly", 1, 4, _refund("")),
    Story("Emre Yilmaz", "annual", 6, 30, _convert),
    Story("Fatima Haddad", "annual", 40, 200, _convert),
    Story("Grace Kim", "annual", 5, 10, _convert_without_saying_why),
    Story("Hugo Moreau", "monthly", 12, 80, _fault, locale="fr_FR", country="FR"),
    Story("Ines Duarte", "monthly", 15, 55, _fault_stated),
    Story("Jonas Berg", "monthly", 25, 70, _fault_of_weeks, broken_days=16),
    Story("Kavya Rao", "monthly", 4, 8, _double_charge),
    Story("Liam Byrne", "monthly", 8, 15, _asked_back),
    Story("Mei Tanaka", "monthly", 20, 10, _waived),
    Story("Noor Aziz", "credits", 2, 120, _refund("I have too many credits.")),
    Story("Olga Petrova", "monthly", 5, 49, _refund("I found another tool."), method="pm_card_pendingRefund"),
    Story("Pablo Reyes", "annual", 3, 6, _refund("Changed my mind."), first_part=5000),
    Story("Quinn Adler", "monthly", 6, 50, _refund("No reason of interest."), method="pm_card_refundFail"),
    Story("Rosa Conti", "annual", 200, 900),
    Story("Sven Holm", "credits", 30, 400),
    Story("Tara Singh", "monthly", 0, 0),
)
