"""Carry out an approved plan, and follow it to its end."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext_noop

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.audit.actions import record
from amends.desk.cases import letters, refund_letters, tasks, telling
from amends.desk.cases.models import Case, CaseState, DecisionRecord, Task, TaskKind
from amends.desk.cases.payout_steps import follow_payout
from amends.desk.cases.plans import refund_plan
from amends.desk.orders import actions as orders
from amends.desk.orders.models import Line, Order, PlanChangeState
from amends.desk.payments import actions as payments
from amends.desk.payments.models import Payment, Refund
from amends.desk.payments.protocol import NEEDS_PERSON, NO_ACCESS, NO_FUNDS
from amends.desk.payments.states import ENDED_WITHOUT_MONEY, LIVE, RefundState
from amends.desk.payouts.actions import is_paid_twice, withdraw_stopped
from amends.desk.policies import actions as policies
from amends.desk.rows import instances, select
from amends.desk.unit_of_work import unit_of_work

DELAYED = ("insufficient_funds", "charge_pending")
LOW_BALANCE = ("insufficient_funds", NO_FUNDS)
LONG = timedelta(days=7)
"""How long a refund may be on its way before somebody asks."""
_CASE = f"""
SELECT {select(asked=Case, customer=Customer, line=Line, bought=Order)}
FROM cases_case AS asked JOIN accounts_customer AS customer ON customer.id = asked.customer_id
    JOIN orders_line AS line ON line.id = asked.line_id JOIN orders_order AS bought ON bought.id = line.order_id
WHERE asked.id = %s FOR NO KEY UPDATE OF asked
"""  # noqa: S608  # names of our own
_EFFECTS = f"""
SELECT {select(refund=Refund, payment=Payment)},
    (SELECT version_id FROM cases_decisionrecord WHERE case_id = asked.id ORDER BY sequence DESC LIMIT 1),
    (SELECT coalesce(jsonb_agg(jsonb_build_array(state, problem)), '[]') FROM orders_planchange
        WHERE case_id = asked.id),
    ARRAY(SELECT kind FROM cases_task WHERE case_id = asked.id AND done_at IS NULL)
FROM cases_case AS asked LEFT JOIN payments_refund AS refund ON refund.case_id = asked.id
    LEFT JOIN payments_payment AS payment ON payment.id = refund.payment_id
WHERE asked.id = %s ORDER BY refund.created_at
"""  # noqa: S608  # as above
_BAD = {
    RefundState.REJECTED: gettext_noop("The payment provider refused: %(why)s (refund %(refund)s)"),
    RefundState.FAILED: gettext_noop("The bank sent the money back: %(why)s (refund %(refund)s)"),
    RefundState.CANCELED: gettext_noop("The refund was stopped: %(why)s (refund %(refund)s)"),
}
_NOT_KNOWN = gettext_noop("Nobody knows what became of the refund: %(why)s (refund %(refund)s)")


def carry_out(case: Case, decided: DecisionRecord) -> None:
    """Write the intents of a plan: a refund of each payment that pays back, and the plan change; the workers carry them to the gateway.

    A conversion changes the plan first; its refunds are held until that is done, so that a failure leaves no money lost.
    """
    plan = decided.plan
    then = str(plan["then"])
    refunds: list[Refund] = []
    charged = case.line.order.payments
    if plan["refund"] and charged:
        is_held = then == orders.SWITCH_TO_MONTH
        wanted = refund_plan(case, plan)
        refunds = payments.request_refunds(charged, wanted, case.id, decided.plan_sha256, is_held=is_held)
    subscription = case.line.subscription
    changes_plan = then != "keep" and subscription is not None
    if changes_plan and subscription is not None:
        at = plan.get("next_charge_at")
        orders.request_plan_change(
            subscription,
            case.id,
            then,
            refund_id=refunds[0].id if refunds else None,
            next_charge_at=datetime.fromisoformat(str(at)) if at else None,
        )
    letters.decided(case, decided)
    case.state = CaseState.PAYING
    case.wakes_at = None
    case.keep("state", "wakes_at")
    record(f"case:{case.id}", "desk", "carried_out", plan_sha256=decided.plan_sha256)
    if not refunds and not changes_plan:
        _finish(case, "nothing to pay", has_tasks=True)


def follow(case_id: UUID) -> None:
    """Bring a case to where its refunds and plan changes are.

    Idempotent: called after every change, and by the sweeper.
    """
    with unit_of_work():
        case = _lock(case_id)
        effects = _look_at_effects(case)
        for refund in effects.refunds:
            if refund.by_bank:
                follow_payout(case, refund.payout)
            else:
                _follow_refund(case, refund, effects)
        for problem in effects.problems:
            tasks.give(
                case,
                TaskKind.FAILED_PLAN_CHANGE,
                gettext_noop("The plan was not changed: %(why)s"),
                why=problem,
            )
        if case.state == CaseState.PAYING and effects.are_done:
            _finish(case, "paid" if effects.refunds else "nothing to pay", has_tasks=bool(effects.open_tasks))


@dataclass(frozen=True, slots=True)
class _Effects:
    """What became of a case's plan."""

    refunds: list[Refund]
    """Those that count."""
    version_id: UUID | None
    """That the latest decision was made by."""
    changes: list[tuple[str, str]]
    """State and problem of each change of a plan."""
    open_tasks: list[str]

    @property
    def problems(self) -> list[str]:
        return [problem for state, problem in self.changes if state == PlanChangeState.FAILED]

    @property
    def are_all_sent(self) -> bool:
        return all(refund.state == RefundState.SUCCEEDED for refund in self.refunds)

    @property
    def are_done(self) -> bool:
        return self.are_all_sent and all(state == PlanChangeState.DONE for state, _ in self.changes)


def _lock(case_id: UUID) -> Case:
    with connection.cursor() as cursor:
        cursor.execute(_CASE, [case_id])
        found = cursor.fetchone()
    assert found is not None
    case: Case
    case, case.customer, case.line, order = instances(found, Case, Customer, Line, Order)
    case.line.order = order
    return case


def _look_at_effects(case: Case) -> _Effects:
    with connection.cursor() as cursor:
        cursor.execute(_EFFECTS, [case.id])
        found = cursor.fetchall()
    refunds = []
    for row in found:
        refund, payment = instances(row, Refund, Payment)
        if refund is not None:
            refund.payment = payment
            refunds.append(refund)
    version_id, changes, open_tasks = found[0][-3:]
    return _Effects(_that_count(refunds), version_id, json.loads(changes), open_tasks)


def refunds_that_count(case_id: UUID) -> list[Refund]:
    """The refunds of a case, each that ended without money replaced by what was paid in its place, if anything was.

    That is a payout by bank transfer, what the gateway paid after all, or a new refund after the case was approved again.
    """
    refunds = Refund.objects.filter(case_id=case_id).order_by("created_at")
    return _that_count(list(refunds.select_related("payment")))


def _that_count(of_case: list[Refund]) -> list[Refund]:
    intents = [refund for refund in of_case if refund.instead_of_id is None]
    latest = {(refund.payment_id, refund.purpose): refund.id for refund in intents}
    refunds = [
        refund
        for refund in intents
        if refund.id in latest.values() or refund.state not in ENDED_WITHOUT_MONEY
    ]
    ended = {refund.id: refund for refund in refunds if refund.state in ENDED_WITHOUT_MONEY}
    if not ended:
        return refunds
    stand_ins = Refund.objects.filter(instead_of__in=ended).exclude(state__in=ENDED_WITHOUT_MONEY)
    instead = {}
    for one in stand_ins.select_related("payment", "payout").order_by("by_bank"):
        assert one.instead_of_id is not None
        if one.amount == ended[one.instead_of_id].amount:
            instead[one.instead_of_id] = one
    return [instead.get(refund.id, refund) for refund in refunds]


def follow_left_behind(limit: int = 100) -> None:
    """Bring along cases whose worker died after the answer was written down."""
    ended = Refund.objects.filter(case_id=OuterRef("id"), by_bank=False).exclude(state__in=LIVE)
    waiting = Refund.objects.filter(case_id=OuterRef("id"), by_bank=True, state__in=LIVE)
    given = Task.objects.filter(case=OuterRef("id"), kind=TaskKind.FAILED_PLAN_CHANGE, done_at=None)
    behind = Case.objects.filter(Exists(ended), ~Exists(given), ~Exists(waiting), state=CaseState.PAYING)
    for case_id in behind.values_list("id", flat=True)[:limit]:
        follow(case_id)


def _follow_refund(case: Case, refund: Refund, effects: _Effects) -> None:
    state = RefundState(refund.state)
    if state is RefundState.SUCCEEDED:
        assert effects.version_id is not None
        version = policies.find_version(effects.version_id)
        refund_letters.refund_sent(case, refund, policies.read(version))
        telling.refund_sent(case, refund)
    elif state in _BAD or refund.reason == NEEDS_PERSON:
        _reopen_for_person(case, refund)
    elif state is RefundState.REQUIRES_ACTION:
        refund_letters.details_needed(case, refund)
    elif refund.reason in (*DELAYED, *LOW_BALANCE):
        refund_letters.refund_delayed(case, refund)
    if why := _why_it_waits(refund):
        tasks.give(case, TaskKind.WAITING_REFUND, why, refund=refund.id)
    elif TaskKind.WAITING_REFUND in effects.open_tasks and effects.are_all_sent:
        tasks.finish(case, TaskKind.WAITING_REFUND)


def _why_it_waits(refund: Refund) -> str:
    """What a person has to see to before the refund goes on; empty where nothing is."""
    if refund.state not in LIVE:
        return ""
    if refund.reason in LOW_BALANCE:
        return gettext_noop(
            "Our balance at the payment provider is too low: top it up, and it is sent by itself (refund %(refund)s)"
        )
    if refund.reason == NO_ACCESS:
        return gettext_noop(
            "The payment provider does not accept our key: set a valid one, and it is sent by itself (refund %(refund)s)"
        )
    if clock.now() - refund.created_at > LONG:
        return gettext_noop(
            "It has been on its way for more than a week: ask the payment provider (refund %(refund)s)"
        )
    return ""


def _reopen_for_person(case: Case, refund: Refund) -> None:
    sentence = _BAD.get(RefundState(refund.state), _NOT_KNOWN)
    words = {"why": refund.reason, "refund": str(refund.id)}
    given = case.tasks.filter(kind=TaskKind.FAILED_REFUND, detail=sentence % words)
    last = given.order_by("-created_at", "-id").first()
    if last is not None and not _has_come_back(refund, last):
        return
    tasks.finish(case, TaskKind.PAYOUT, about=refund.id)
    tasks.give(case, TaskKind.FAILED_REFUND, sentence, about=refund.id, **words)
    telling.refund_failed(case, refund)
    if refund.state == RefundState.FAILED:
        refund_letters.refund_failed(case, refund)
    case.state, case.closed_at, case.closing = CaseState.OPEN, None, ""
    case.keep("state", "closed_at", "closing")
    record(f"case:{case.id}", "gateway", "refund_not_paid", refund=str(refund.id), why=refund.reason)


def _has_come_back(refund: Refund, task: Task) -> bool:
    """Whether what ended a task did not help: it was sent again, or paid by bank and called off or sent back."""
    if task.done_at is None:
        return False
    if refund.last_sent_at is not None and refund.last_sent_at > task.done_at:
        return True
    ended = refund.stand_ins.filter(by_bank=True, state__in=ENDED_WITHOUT_MONEY)
    return ended.filter(changed_at__gte=task.done_at).exists()


def _finish(case: Case, why: str, *, has_tasks: bool) -> None:
    case.state, case.closed_at, case.closing, case.wakes_at = CaseState.CLOSED, clock.now(), why, None
    case.keep("state", "closed_at", "closing", "wakes_at")
    if has_tasks:
        tasks.finish(case)
    record(f"case:{case.id}", "desk", "closed", why=why)
    telling.closed(case)


def follow_payment(payment: Payment) -> None:
    """After anything changed at a payment: payouts that must not go out, its cases, and the alarm for what is too much.

    Also for the payments to which a dispute of this one was linked.
    """
    for touched in (payment, *payments.linked_with(payment)):
        _follow_one(touched)


def _follow_one(payment: Payment) -> None:
    with unit_of_work():
        withdraw_stopped(payment)
    case_ids = list(
        Refund.objects.filter(payment=payment, case_id__isnull=False).values_list("case_id", flat=True)
    )
    for case_id in dict.fromkeys(case_ids):
        assert case_id is not None
        follow(case_id)
    stands = payments.standing(payment)
    if is_paid_twice(payment):
        _alarm(payment, gettext_noop("Our bank and the payment provider both paid one refund: get one back"))
    elif stands.taken > payment.captured:
        _alarm(payment, gettext_noop("More was returned of this payment than was charged"))
    elif stands.is_open and stands.refunds:
        _alarm(
            payment, gettext_noop("The bank disputes a charge that was refunded: answer it with the refund")
        )


def _alarm(payment: Payment, sentence: str) -> None:
    case = (
        Case.objects.filter(line__order__paid_by__payment=payment, merged_into=None)
        .order_by("-opened_at")
        .first()
    )
    if case is not None:
        tasks.give(case, TaskKind.OVER_RETURNED, sentence)
