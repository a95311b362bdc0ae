from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0015_letters_to_answer"),
        ("payments", "0008_refusals"),
    ]

    operations = [
        migrations.AddField(
            model_name="task",
            name="about",
            field=models.TextField(blank=True, default=""),
            preserve_default=False,
        ),
        # Tasks that are open say which refund they are about, so that what is done for it ends them.
        migrations.RunSQL(
            "UPDATE cases_task SET about = coalesce(sentence #>> '{words,refund}', '')"
            " WHERE kind = 'failed_refund' AND done_at IS NULL",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            "UPDATE cases_task SET about = refund.instead_of_id::text FROM payments_refund AS refund"
            " WHERE cases_task.kind = 'payout' AND cases_task.done_at IS NULL"
            " AND refund.case_id = cases_task.case_id AND refund.by_bank"
            " AND refund.state NOT IN ('rejected', 'failed', 'canceled')",
            migrations.RunSQL.noop,
        ),
        migrations.RemoveConstraint(model_name="task", name="one_open_task_of_a_kind"),
        migrations.AddConstraint(
            model_name="task",
            constraint=models.UniqueConstraint(
                fields=["case", "kind", "about"],
                condition=models.Q(("done_at", None)),
                name="one_open_task_of_a_kind",
            ),
        ),
    ]
