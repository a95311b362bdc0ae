"""What waits for its customer has a last day; what waits since before has thirty days from now, as nobody was told."""

from django.db import migrations, models

LAST_DAY = "UPDATE mail_draft SET expires_on = coalesce(ended_at::date, current_date + 30)"


class Migration(migrations.Migration):
    dependencies = (("mail", "0001_initial"),)
    operations = (
        migrations.AddField("draft", "expires_on", models.DateField(null=True)),
        migrations.RunSQL(LAST_DAY, migrations.RunSQL.noop),
        migrations.AlterField("draft", "expires_on", models.DateField()),
        migrations.AlterField(
            "draft",
            "state",
            models.CharField(
                choices=[
                    ("open", "Open"),
                    ("confirmed", "Confirmed"),
                    ("discarded", "Discarded"),
                    ("expired", "Expired"),
                ],
                default="open",
                max_length=10,
            ),
        ),
        migrations.AddIndex(
            "draft",
            models.Index(fields=["expires_on"], condition=models.Q(state="open"), name="draft_expiring"),
        ),
    )
