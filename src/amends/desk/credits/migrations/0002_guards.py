"""Changes of lots are only added to."""

from django.db import migrations

from amends.desk.guards import append_only


class Migration(migrations.Migration):
    dependencies = (("credits", "0001_initial"),)
    operations = (append_only("credits_move"),)
