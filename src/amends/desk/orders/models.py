"""Plans, orders, subscriptions and plan changes."""

from functools import cached_property

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from amends.desk import ids
from amends.desk.accounts.models import Customer
from amends.desk.payments.models import Payment


class Interval(models.TextChoices):
    """How often a plan is charged."""

    MONTH = "month"
    YEAR = "year"


class Plan(models.Model):
    """What can be subscribed to."""

    code = models.TextField(primary_key=True)
    name = models.TextField()
    interval = models.CharField(max_length=5, choices=Interval.choices)
    monthly = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True)
    """Of an annual plan, the monthly one that it stands beside."""


class Price(models.Model):
    """What a plan costs in a currency from an instant on."""

    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="prices")
    currency = models.CharField(max_length=3)
    amount = models.BigIntegerField()
    from_at = models.DateTimeField()
    gateway_ref = models.TextField(blank=True)
    """The gateway's id of the price."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["plan", "currency", "from_at"], name="one_price_at_a_time"),
        )


class SubscriptionStatus(models.TextChoices):
    """Whether a customer has the plan."""

    ACTIVE = "active", _("Active")
    ENDING = "ending", _("Ending")
    """Ends with the current period."""
    ENDED = "ended", _("Ended")


class Subscription(models.Model):
    """A customer's plan, now."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT)
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT)
    status = models.CharField(
        max_length=10, choices=SubscriptionStatus.choices, default=SubscriptionStatus.ACTIVE
    )
    gateway_ref = models.TextField(unique=True)
    started_at = models.DateTimeField()
    next_charge_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)


class Order(models.Model):
    """One purchase."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    number = models.TextField(unique=True)
    """As customers know it."""
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="orders")
    currency = models.CharField(max_length=3)
    placed_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=["customer", "-placed_at"], name="order_by_customer"),)

    @cached_property
    def payments(self) -> list[Payment]:
        """What it was paid by, in the order in which it was charged; none where nothing was charged."""
        return list(Payment.objects.filter(of_order__order=self.id).order_by("of_order__position"))

    @property
    def captured(self) -> int:
        """What was charged for it in all."""
        return sum(payment.captured for payment in self.payments)


class OrderPayment(models.Model):
    """One of the payments of an order, all of which are in its currency; a payment belongs to one order."""

    payment = models.OneToOneField(
        Payment, on_delete=models.PROTECT, primary_key=True, related_name="of_order"
    )
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="paid_by", db_index=False)
    position = models.PositiveSmallIntegerField()
    """In the order in which they were charged, from 1."""

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["order", "position"], name="one_payment_per_position"),
        )


class Product(models.TextChoices):
    """What a line sells."""

    SUBSCRIPTION = "subscription"
    CREDITS = "credits"


class Line(models.Model):
    """One thing in an order; what was true at the sale stays on it."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    position = models.PositiveSmallIntegerField()
    product = models.CharField(max_length=20, choices=Product.choices)
    description = models.TextField()
    amount = models.BigIntegerField()
    """What was paid for it, tax included, in the order's currency."""
    tax = models.BigIntegerField(default=0)
    """The tax in it."""
    meter = models.TextField()
    """What its use is counted by."""
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True)
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, null=True, blank=True)
    monthly_price = models.BigIntegerField(null=True, blank=True)
    """Of the monthly plan beside it, at the sale (reading R5)."""
    credits = models.BigIntegerField(default=0)
    purchased_at = models.DateTimeField()
    """When the charge was made; each is a purchase of its own (reading R8)."""
    period_start = models.DateTimeField(null=True, blank=True)
    period_end = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["order", "position"], name="one_line_per_position"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="line_not_negative"),
        )


class PlanChangeState(models.TextChoices):
    """Where a plan change is."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"


class PlanChange(models.Model):
    """The effect of a grant on a plan: intent first, then the gateway, then our own row."""

    id = models.UUIDField(primary_key=True, default=ids.make_id, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT)
    case_id = models.UUIDField()
    effect = models.CharField(max_length=20)
    """The grant's own verb: end now, end at period end, switch to month."""
    refund_id = models.UUIDField(null=True, blank=True)
    """The refund that is held until the plan is changed."""
    to_plan = models.ForeignKey(Plan, on_delete=models.PROTECT, null=True, blank=True)
    next_charge_at = models.DateTimeField(null=True, blank=True)
    """Of a conversion: when the last month that was kept ends (reading R23)."""
    state = models.CharField(max_length=10, choices=PlanChangeState.choices, default=PlanChangeState.PLANNED)
    sends = models.PositiveIntegerField(default=0)
    refusals = models.PositiveIntegerField(default=0)
    """How many keys stand for a refusal that passes, such as too low a balance: each next try takes a fresh one."""
    next_try_at = models.DateTimeField()
    problem = models.TextField(blank=True)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["case_id", "effect"], name="one_change_per_case"),)
        indexes = (
            models.Index(
                fields=["next_try_at"],
                condition=Q(state__in=["planned", "sending", "unknown"]),
                name="plan_change_queue",
            ),
        )

    @property
    def key(self) -> str:
        """The idempotency key of the next call."""
        return f"{self.id}.{self.refusals}" if self.refusals else str(self.id)
