import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("announcements", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="kind",
            field=models.CharField(
                choices=[
                    ("case.opened", "Case Opened"),
                    ("case.decided", "Case Decided"),
                    ("case.closed", "Case Closed"),
                    ("refund.sent", "Refund Sent"),
                    ("refund.failed", "Refund Failed"),
                    ("fault.handed_over", "Fault Handed Over"),
                ],
                max_length=20,
            ),
        ),
        migrations.AlterField(
            model_name="endpoint",
            name="kinds",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(
                    choices=[
                        ("case.opened", "Case Opened"),
                        ("case.decided", "Case Decided"),
                        ("case.closed", "Case Closed"),
                        ("refund.sent", "Refund Sent"),
                        ("refund.failed", "Refund Failed"),
                        ("fault.handed_over", "Fault Handed Over"),
                    ],
                    max_length=20,
                ),
                size=None,
            ),
        ),
    ]
