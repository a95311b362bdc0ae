"""A published version never changes."""

from django.db import migrations

from amends.desk.guards import append_only, fixed_once


class Migration(migrations.Migration):
    dependencies = (("policies", "0001_initial"),)
    operations = (
        fixed_once("policies_policyversion", "OLD.published_at IS NOT NULL"),
        append_only("policies_acknowledgement"),
        append_only("policies_notification"),
    )
