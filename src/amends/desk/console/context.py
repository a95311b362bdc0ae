"""What stands beside a case: who asks, what was bought and paid, what was used, and what happened."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from amends.desk import clock
from amends.desk.accounts.models import Customer, User
from amends.desk.audit.models import AuditRow
from amends.desk.cases.diagnosis import Diagnosis, examine
from amends.desk.cases.facts import requested_at
from amends.desk.cases.models import Case, DecisionRecord, RequestKind
from amends.desk.cases.progress import refund_in_words
from amends.desk.console.rows import FaultClock, fault_clock
from amends.desk.credits.models import Lot
from amends.desk.issues import actions as issues
from amends.desk.issues.models import Issue
from amends.desk.orders.models import Product
from amends.desk.payments.models import Payment, Refund
from amends.desk.policies import actions as policies
from amends.desk.policies.models import PolicyVersion
from amends.desk.usage.actions import count_failed, count_used
from amends.policy.model import Parameter

SHOWN_MAX = 20
AUDIT_MAX = 50
_BARE_ACTORS = {"desk": gettext_lazy("the desk"), "gateway": gettext_lazy("the payment provider")}


@dataclass(frozen=True, slots=True)
class Used:
    """Jobs since the purchase: those that count, those that do not, and what the policy allows."""

    counted: int
    failed: int
    limits: list[Parameter]
    is_frozen: bool
    """Counted when the request was complete, not now."""

    @property
    def scale(self) -> int:
        """What a full bar stands for: what is allowed, or what was used where that is more."""
        allowed = [ceil(limit.value) for limit in self.limits if isinstance(limit.value, int | Fraction)]
        return max(self.counted, self.failed, *allowed, 1)


@dataclass(frozen=True, slots=True)
class Fault:
    """A reported fault, its clock, and what the jobs since the report say until now."""

    issue: Issue
    clock: FaultClock | None
    diagnosis: Diagnosis | None


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the audit trail, for people."""

    row: AuditRow
    actor: str


def usage_of(case: Case, record: DecisionRecord | None) -> Used | None:
    """What was used of a subscription."""
    line = case.line
    if line.product != Product.SUBSCRIPTION:
        return None
    until = case.complete_at or clock.now()
    counted = count_used(case.customer_id, line.meter, line.purchased_at, until).count
    failed = count_failed(case.customer_id, line.meter, line.purchased_at, until)
    limits = policies.limits_on(policies.read(record.version), "generations") if record else []
    return Used(counted, failed, limits, case.complete_at is not None)


def fault_of(case: Case, record: DecisionRecord | None) -> Fault | None:
    """The fault that a technical case is about."""
    issue = issues.latest(case.line_id) if case.request == RequestKind.TECHNICAL else None
    if issue is None:
        return None
    if record is None:
        return Fault(issue, None, None)
    policy = policies.read(record.version)
    return Fault(
        issue, fault_clock(issue, policy), examine([policy], case.line, issue, clock.now(), stated={})
    )


def versions_of(case: Case) -> tuple[PolicyVersion, PolicyVersion]:
    """The version at the purchase and the one at the request, which both decide (reading R15)."""
    at_purchase = policies.version_at_purchase(case.line.purchased_at)
    return at_purchase, policies.version_at(settings.POLICY_NAME, requested_at(case))


def refunds_of(charged: Sequence[Payment]) -> list[dict[str, object]]:
    """Every refund of the payments of an order, with where it is."""
    return [
        {"refund": refund, "words": refund_in_words(refund)}
        for refund in Refund.objects.filter(payment__in=charged).order_by("created_at")
    ]


def totals_of(customer: Customer) -> dict[str, dict[str, int]]:
    """What a customer paid and got back, by currency."""
    paid = Payment.objects.filter(customer=customer).values_list("currency").annotate(total=Sum("captured"))
    back = Refund.objects.filter(payment__customer=customer, state="succeeded")
    returned = dict(back.values_list("currency").annotate(total=Sum("amount")))
    return {
        currency: {"paid": total, "returned": returned.get(currency, 0)}
        for currency, total in paid.order_by("currency")
    }


def lots_of(customer: Customer) -> list[Lot]:
    """The wallet, the newest lots first."""
    return list(Lot.objects.filter(customer=customer).order_by("-created_at")[:SHOWN_MAX])


def other_cases(case: Case) -> list[Case]:
    """What else the customer asked for."""
    others = Case.objects.filter(customer=case.customer_id).exclude(id=case.id)
    return list(others.select_related("line").order_by("-opened_at")[:SHOWN_MAX])


def trail_of(case: Case) -> list[Event]:
    """What happened in the case, the newest first."""
    rows = list(AuditRow.objects.filter(subject=f"case:{case.id}").order_by("-sequence")[:AUDIT_MAX])
    names = names_of(row.actor for row in rows)
    return [Event(row, names[row.actor]) for row in rows]


def names_of(actors: Iterable[str]) -> dict[str, str]:
    """Who stands behind `staff:ID` and the like, in words."""
    wanted = set(actors)
    staff = User.objects.in_bulk(_ids_of("staff", sorted(wanted)))
    return {actor: _name(actor, staff) for actor in wanted}


def _ids_of(kind: str, actors: Sequence[str]) -> list[UUID]:
    return [UUID(actor.partition(":")[2]) for actor in actors if actor.startswith(f"{kind}:")]


def _name(actor: str, staff: dict[UUID, User]) -> str:
    kind, _colon, id_ = actor.partition(":")
    match kind:
        case "staff":
            user = staff.get(UUID(id_))
            return (user.name or user.email) if user else _("a former member of staff")
        case "customer":
            return _("the customer")
        case "key":
            return _("the host product")
        case _:
            return str(_BARE_ACTORS.get(actor, actor))
