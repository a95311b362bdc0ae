"""A difference in words, the same for the page and for the command."""

from amends.desk.languages import reader_locale
from amends.desk.reconciliation.models import Discrepancy
from amends.policy.explanation import format_amount


def sides(one: Discrepancy) -> tuple[str, str]:
    """What stands here and what stands there: the amount, and the state where there is one."""
    return _side(one.ours, one.currency, one.our_state), _side(one.theirs, one.currency, one.their_state)


def in_words(one: Discrepancy) -> str:
    """A line for the command."""
    ours, theirs = sides(one)
    owner = f"for {one.role}, by {one.due_at:%Y-%m-%d %H:%M} UTC"
    return f"{one.ref} of {one.charge_ref}: {one.get_kind_display()}; here {ours}, there {theirs}; {owner}"


def _side(amount: int, currency: str, state: str) -> str:
    shown = format_amount(amount, currency, reader_locale())
    return f"{shown}, {state}" if state else shown
