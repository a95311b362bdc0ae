"""What people wrote may be emptied, and nothing else of it may change."""

from django.db import migrations

from amends.desk.guards import emptied_only


class Migration(migrations.Migration):
    dependencies = (("cases", "0002_guards"),)
    operations = (
        emptied_only("cases_message", ("text",)),
        emptied_only("cases_statement", ("reason",)),
    )
