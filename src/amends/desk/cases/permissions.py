"""Which roles may do what in a case."""

from django.utils.translation import gettext as _

from amends.desk.accounts.models import Role, User
from amends.desk.cases.approving import NotAllowedError

HANDLERS = (Role.AGENT, Role.APPROVER)
"""Who states facts, sets clauses aside, asks, merges and declines."""
GIVERS = (Role.APPROVER, Role.FINANCE)
"""Who gives goodwill credits."""
REASON_LENGTH_MIN = 10


def demand_role(by: User, *roles: Role) -> None:
    """Refuse what a role does not include.

    Raises: NotAllowedError.
    """
    if not by.has_role(*roles):
        raise NotAllowedError(_("Your role does not include this."))


def demand_reason(by: User, reason: str, *roles: Role) -> None:
    """Refuse what a role does not include, or what nobody says a reason for.

    Raises: NotAllowedError.
    """
    demand_role(by, *roles)
    if len(reason.strip()) < REASON_LENGTH_MIN:
        raise NotAllowedError(_("Please say why, in a few words."))
