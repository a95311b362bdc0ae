"""Compare with the gateway, payment by payment, and keep what differs: one way for the command, the worker and the page."""

from collections.abc import Iterable
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.audit.actions import record
from amends.desk.cases.approving import OutdatedError
from amends.desk.cases.paying import follow_payment
from amends.desk.cases.permissions import demand_reason
from amends.desk.payments.comparing import Comparison, Mismatch, unknown_there
from amends.desk.payments.gateway import GatewayError, Rejected
from amends.desk.payments.inbox import compare_due, compare_payment, compare_unknown
from amends.desk.payments.models import Payment
from amends.desk.payments.stripe_gateway import StripeGateway, connect
from amends.desk.reconciliation.models import Discrepancy, Run, Scope
from amends.desk.unit_of_work import unit_of_work

OWNERS = (Role.FINANCE,)
"""Who sees to differences."""
DUE_IN = timedelta(days=1)


def reconcile() -> Run:
    """Compare every payment, take over what the gateway holds, and bring the cases along.

    Idempotent: what is known already stays as it is.
    Raises: GatewayError: those before were compared, and a second run goes on where it matters.
    """
    gateway = connect()
    run = Run.objects.create(scope=Scope.ALL, began_at=clock.now())
    refs = Payment.objects.order_by("-captured_at").values_list("gateway_ref", flat=True)
    try:
        for ref in refs.iterator():
            _keep(run, _compare(gateway, ref))
        for compared in compare_unknown(gateway):
            _keep(run, compared)
    except GatewayError as error:
        run.problem = error.code
        raise
    finally:
        _end(run)
    return run


def reconcile_lately(gateway: StripeGateway) -> Run:
    """Compare the payments that moved lately, each once a day, and those of refunds that we do not know."""
    run = Run.objects.create(scope=Scope.LATELY, began_at=clock.now())
    try:
        for compared in compare_unknown(gateway):
            _keep(run, compared)
    except GatewayError as error:
        # What cannot be asked now is asked in an hour.
        run.problem = error.code
    for compared in compare_due(gateway):
        _keep(run, compared)
    _end(run)
    return run


def open_discrepancies() -> QuerySet[Discrepancy]:
    """What somebody has to see to, the most urgent first."""
    waiting = Discrepancy.objects.filter(is_taken_over=False, gone_at=None, handled_at=None)
    return waiting.select_related("payment", "refund").order_by("due_at", "id")


def handle(discrepancy: Discrepancy, by: User, reason: str) -> None:
    """Say what became of a difference; the same one is not asked about again, another amount is.

    Locks: the difference, so that it is handled once.
    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    demand_reason(by, reason, *OWNERS)
    with unit_of_work():
        discrepancy.refresh_from_db(from_queryset=Discrepancy.objects.select_for_update(no_key=True))
        if discrepancy.handled_at is not None or discrepancy.gone_at is not None:
            raise OutdatedError(_("Somebody has seen to it already, or it is gone."))
        discrepancy.handled_at, discrepancy.handled_by, discrepancy.reason = clock.now(), by, reason
        discrepancy.save(update_fields=["handled_at", "handled_by", "reason"])
        subject = (
            f"payment:{discrepancy.payment_id}"
            if discrepancy.payment_id
            else f"charge:{discrepancy.charge_ref}"
        )
        record(subject, f"staff:{by.id}", "difference_handled", key=discrepancy.key, reason=reason)


def _compare(gateway: StripeGateway, ref: str) -> Comparison:
    try:
        compared = compare_payment(gateway, ref)
    except Rejected:
        return unknown_there(Payment.objects.get(gateway_ref=ref))
    assert compared is not None
    return compared


def _keep(run: Run, compared: Comparison) -> None:
    """Write down what a comparison found, and that what it no longer found is gone; the cases follow."""
    with unit_of_work():
        keys = [_keep_one(run, compared, mismatch) for mismatch in compared.mismatches]
        if compared.payment is not None:
            before = Discrepancy.objects.filter(payment=compared.payment, gone_at=None, is_taken_over=False)
            before.exclude(key__in=keys).update(gone_at=clock.now())
            run.payments += 1
        run.refunds += _count_taken_over(compared.mismatches)
    if compared.payment is not None:
        follow_payment(compared.payment)


def _count_taken_over(mismatches: Iterable[Mismatch]) -> int:
    return sum(one.is_taken_over and one.kind.startswith("refund") for one in mismatches)


def _keep_one(run: Run, compared: Comparison, found: Mismatch) -> str:
    now = clock.now()
    sides = (found.ours, found.theirs, found.our_state, found.their_state)
    key = ":".join(map(str, (found.kind, found.ref, *sides)))
    Discrepancy.objects.update_or_create(
        key=key,
        defaults={"run": run, "gone_at": None},
        create_defaults={
            "run": run,
            "kind": found.kind,
            "payment": compared.payment,
            "refund_id": found.refund_id,
            "ref": found.ref,
            "charge_ref": compared.charge_ref,
            "currency": found.currency,
            "ours": found.ours,
            "theirs": found.theirs,
            "our_state": found.our_state,
            "their_state": found.their_state,
            "is_taken_over": found.is_taken_over,
            "role": OWNERS[0],
            "found_at": now,
            "due_at": now + DUE_IN,
        },
    )
    return key


def _end(run: Run) -> None:
    run.ended_at = clock.now()
    run.save(update_fields=["ended_at", "payments", "refunds", "problem"])


def last_runs() -> list[Run]:
    """The last finished run of each scope, the latest first."""
    finished = Run.objects.filter(ended_at__isnull=False)
    latest = (finished.filter(scope=scope).order_by("-began_at").first() for scope in Scope)
    return sorted((run for run in latest if run), key=lambda run: run.began_at, reverse=True)


def settled_discrepancies(runs: Iterable[Run]) -> QuerySet[Discrepancy]:
    """What the last runs took over, and what people saw to, the latest first."""
    settled = Q(is_taken_over=True, run__in=[run.id for run in runs]) | Q(handled_at__isnull=False)
    found = Discrepancy.objects.filter(settled).select_related("payment", "refund", "handled_by")
    return found.order_by("-found_at", "id")
