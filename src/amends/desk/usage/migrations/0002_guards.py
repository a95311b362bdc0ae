"""Usage is only added to."""

from django.db import migrations

from amends.desk.guards import append_only


class Migration(migrations.Migration):
    dependencies = (("usage", "0001_initial"),)
    operations = (append_only("usage_usageevent"),)
