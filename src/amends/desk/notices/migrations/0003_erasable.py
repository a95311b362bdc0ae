"""A letter's words may be emptied; that it was sent is noted; nothing else of it may change."""

from django.db import migrations

from amends.desk.guards import emptied_only


class Migration(migrations.Migration):
    dependencies = (("notices", "0002_guards"),)
    operations = (
        migrations.RunSQL(
            "DROP TRIGGER fixed ON notices_letter; DROP FUNCTION notices_letter_fixed();",
            migrations.RunSQL.noop,
        ),
        emptied_only("notices_letter", ("text", "html"), free=("sent_at",)),
    )
