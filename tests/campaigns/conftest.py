"""The service, for worlds of the campaigns."""

from service import _committed_database, django_db_setup

__all__ = ["_committed_database", "django_db_setup"]
