"""The codes that pages of the console show, as words that can be translated."""

from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

_KNOWN = frozenset(
    {
        # What a decision came to, and why it needs a person.
        _("granted"),
        _("denied"),
        _("needs information"),
        _("needs review"),
        _("silent"),
        _("conflict"),
        _("unanswerable"),
        _("broken promise"),
        # The part of a clause.
        _("grants"),
        _("denies"),
        _("refers"),
        # Who answers for a fact.
        _("customer"),
        _("staff"),
        _("desk"),
        # What becomes of the plan, and where the money goes.
        _("keep"),
        _("end now"),
        _("end at period end"),
        _("switch to month"),
        _("original payment method"),
        # Where a refund is.
        _("planned"),
        _("sending"),
        _("unknown"),
        _("pending"),
        _("requires action"),
        _("succeeded"),
        _("rejected"),
        _("failed"),
        _("canceled"),
        # The ledger.
        _("gateway cash"),
        _("bank cash"),
        _("refunds in transit"),
        _("payouts in transit"),
        _("subscription revenue"),
        _("credit liability paid"),
        _("credit liability promotional"),
        _("processing fees"),
        _("fees retained"),
        _("tax"),
        _("goodwill"),
        _("dispute losses"),
        _("rounding"),
        _("debit"),
        _("credit"),
    }
)


def say_code(code: str) -> str:
    """A code as people read it; one that has no words of its own, such as an action of the trail, stays English."""
    words = code.replace("_", " ")
    return gettext(words) if words in _KNOWN else words
