"""An order may be paid by several charges; what is there keeps the one that it has."""

import django.db.models.deletion
from django.db import migrations, models

CARRY_OVER = """
INSERT INTO orders_orderpayment (order_id, payment_id, position)
    SELECT id, payment_id, 1 FROM orders_order WHERE payment_id IS NOT NULL;
"""
CARRY_BACK = """
UPDATE orders_order SET payment_id = paid.payment_id
    FROM orders_orderpayment AS paid WHERE paid.order_id = orders_order.id AND paid.position = 1;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0002_refusals"),
        ("payments", "0008_refusals"),
    ]

    operations = [
        migrations.CreateModel(
            name="OrderPayment",
            fields=[
                (
                    "payment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="of_order",
                        serialize=False,
                        to="payments.payment",
                    ),
                ),
                ("position", models.PositiveSmallIntegerField()),
                (
                    "order",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="paid_by",
                        to="orders.order",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("order", "position"), name="one_payment_per_position")
                ],
            },
        ),
        migrations.RunSQL(CARRY_OVER, CARRY_BACK),
        migrations.RemoveField(model_name="order", name="payment"),
    ]
