"""Refunds without a case: asked for, and worked on until nothing is due."""

import uuid
from datetime import timedelta

from django.db import transaction

from amends.desk import clock
from amends.desk.payments.actions import request_refund
from amends.desk.payments.models import Payment, Refund
from amends.desk.payments.refund_plan import RefundPlan
from amends.desk.payments.sending import send_next
from amends.desk.payments.stripe_gateway import StripeGateway

PLAN = RefundPlan(amount=1815, purpose="refund", fee_retained=85)


def ask(payment: Payment, plan: RefundPlan = PLAN) -> Refund:
    with transaction.atomic():
        return request_refund(payment, plan, uuid.uuid4(), "0" * 64)


def send_until_quiet(gateway: StripeGateway, *, hours: int = 0) -> None:
    """Work as the worker does, with time passing whenever nothing is due."""
    for _ in range(60):
        if send_next(gateway) is None:
            clock.advance(timedelta(hours=hours, minutes=16))
        if not Refund.objects.filter(state__in=["planned", "sending", "unknown"]).exists():
            return


def settled(refund: Refund) -> Refund:
    refund.refresh_from_db()
    return refund
