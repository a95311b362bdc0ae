"""The audit trail is only added to."""

from django.db import migrations

from amends.desk.guards import append_only


class Migration(migrations.Migration):
    dependencies = (("audit", "0001_initial"),)
    operations = (append_only("audit_auditrow"), append_only("audit_dayroot"))
