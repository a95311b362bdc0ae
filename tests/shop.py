"""A small host product for tests of the desk: plans, a customer, orders paid at the sandbox."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from amends.desk import clock
from amends.desk.accounts.models import Customer, Role, User
from amends.desk.cases.approving import approve
from amends.desk.cases.models import Case, Channel, DecisionRecord, RequestKind
from amends.desk.cases.opening import Request, open_case
from amends.desk.cases.paying import follow, follow_payment
from amends.desk.journal.models import Entry
from amends.desk.notices.models import Letter
from amends.desk.orders.actions import SoldLine, change_next_plan, record_order
from amends.desk.orders.models import Line, Plan, Price, Product, Subscription
from amends.desk.payments.inbox import sync_payment
from amends.desk.payments.models import Refund
from amends.desk.payments.sending import send_next
from amends.desk.payments.stripe_gateway import StripeGateway
from amends.desk.policies.actions import publish
from amends.desk.usage.actions import ReportedJob, take_in
from amends.desk.usage.models import PaidBy, UseOutcome
from amends.sandbox.server import Sandbox
from amends.sandbox.store import Object
from conftest import ROOT
from trade import make_charge, make_customer, refunds_at, sdk

METER = "generation"
MONTHLY, ANNUAL = 1900, 22800


def day(number: int, hour: int = 10) -> datetime:
    """A day counted from 1 September 2025."""
    return datetime(2025, 9, 1, hour, tzinfo=UTC) + timedelta(days=number)


@dataclass(slots=True)
class Shop:
    """What a test of the desk works with."""

    sandbox: Sandbox
    gateway: StripeGateway
    customer: Customer
    monthly: Plan
    annual: Plan

    @classmethod
    def open(cls, sandbox: Sandbox, gateway: StripeGateway) -> "Shop":
        publish((ROOT / "policies" / "flux-kontext.md").read_text(), None)
        monthly = Plan.objects.create(code="monthly", name="Monthly plan", interval="month")
        annual = Plan.objects.create(code="annual", name="Annual plan", interval="year", monthly=monthly)
        shop = cls(sandbox, gateway, make_customer(), monthly, annual)
        for plan, amount in ((monthly, MONTHLY), (annual, ANNUAL)):
            price = sdk(sandbox).v1.prices.create(
                {
                    "currency": "usd",
                    "product_data": {"name": plan.name},
                    "recurring": {"interval": "month" if plan.interval == "month" else "year"},
                    "unit_amount": amount,
                }
            )
            Price.objects.create(
                plan=plan, currency="USD", amount=amount, from_at=day(-300), gateway_ref=price.id
            )
        return shop

    def sell(
        self, plan: Plan, *, fee: int = 85, at: datetime | None = None, method: str = "pm_card_visa"
    ) -> Line:
        at = at or day(0)
        amount = MONTHLY if plan.interval == "month" else ANNUAL
        charge = self.gateway.charge(
            make_charge(self.sandbox, amount, method=method, fee=str(fee), created=str(int(at.timestamp())))
        )
        price = plan.prices.get()
        made = sdk(self.sandbox).v1.subscriptions.create(
            {
                "customer": sdk(self.sandbox).v1.customers.create().id,
                "collection_method": "send_invoice",
                "days_until_due": 30,
                "items": [{"price": price.gateway_ref}],
            }
        )
        subscription = Subscription.objects.create(
            customer=self.customer, plan=plan, gateway_ref=made.id, started_at=at
        )
        line = SoldLine(
            Product.SUBSCRIPTION,
            plan.name,
            amount,
            METER,
            plan=plan,
            subscription=subscription,
            period_start=at,
            period_end=at.replace(month=at.month + 1)
            if plan.interval == "month"
            else at.replace(year=at.year + 1),
        )
        order = record_order(self.customer, f"O-{made.id}", at, [charge], [line])
        return order.lines.get()

    def use(self, count: int, at: datetime, **changes: object) -> None:
        job = ReportedJob("app", "", str(self.customer.id), METER, at, UseOutcome.SUCCEEDED, PaidBy.QUOTA)
        take_in([replace(job, event_id=f"{at.isoformat()}-{n}", **changes) for n in range(count)])  # type: ignore[arg-type]  # fields of a job

    def ask(self, line: Line, kind: RequestKind = RequestKind.REFUND, **changes: object) -> Case:
        request = Request(self.customer, line, kind, Channel.API, "It is not what I expected.")
        case = open_case(replace(request, **changes))  # type: ignore[arg-type]  # fields of a request
        case.refresh_from_db()
        return case

    def work(self) -> None:
        """What the worker does, until nothing is due."""
        while change := change_next_plan(self.gateway):
            follow(change.case_id)
        while refund := send_next(self.gateway):
            assert refund.case_id
            follow(refund.case_id)

    def sync(self, line: Line) -> None:
        payment = sync_payment(self.gateway, line.order.payments[0].gateway_ref)
        assert payment
        follow_payment(payment)

    def dispute(self, line: Line) -> Object:
        """The customer's bank disputes the charge; the desk does not know yet."""
        charge = self.sandbox.store.find(line.order.payments[0].gateway_ref)
        assert charge
        return self.sandbox.api.disputes.open(charge)

    def staff(self, name: str, *roles: Role) -> User:
        return User.objects.create_user(f"{name}@desk.example", name, roles)

    def refunded(self, line: Line) -> list[int]:
        """The amounts that the gateway holds for an order."""
        return [one.amount for one in refunds_at(self.sandbox, line.order.payments[0])]


def go_to(at: datetime) -> None:
    """Move the clock of the desk and of the sandbox to an instant."""
    clock.advance(at - clock.now())


WHY = "The customer called and explained it."


def letters() -> list[str]:
    return list(Letter.objects.order_by("created_at", "id").values_list("kind", flat=True))


def now(case: Case) -> Case:
    case.refresh_from_db()
    return case


def open_tasks(case: Case) -> list[str]:
    return sorted(case.tasks.filter(done_at=None).values_list("kind", flat=True))


def nothing_moved() -> bool:
    """No intent, no posting but the sale's, and no decision that pays."""
    sales = ["charge", "fee"]
    return not Refund.objects.exists() and not Entry.objects.exclude(kind__in=sales).exists()


def latest(case: Case) -> DecisionRecord:
    record = case.decisions.order_by("-sequence").first()
    assert record
    return record


def approve_by_one(shop: Shop, case: Case, name: str = "approver") -> Case:
    record = latest(case)
    approve(case, shop.staff(name, Role.APPROVER), record.plan_sha256)
    return now(case)
