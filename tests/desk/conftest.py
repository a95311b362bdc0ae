"""The service, for tests of the rooms."""

from service import _committed_database, django_db_setup, gateway, sandbox, shop

__all__ = ["_committed_database", "django_db_setup", "gateway", "sandbox", "shop"]
