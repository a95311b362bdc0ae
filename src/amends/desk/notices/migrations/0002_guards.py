"""A letter's words never change; only that it was sent is noted."""

from django.db import migrations

from amends.desk.guards import fixed_once


class Migration(migrations.Migration):
    dependencies = (("notices", "0001_initial"),)
    operations = (fixed_once("notices_letter", "TRUE", free=("sent_at",)),)
