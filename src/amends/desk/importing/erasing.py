"""A person leaves what was fetched of them: the rows stay, with the hash of what they held."""

from amends.desk.accounts.models import Customer
from amends.desk.importing.models import Fetched


def erase_fetched(customer: Customer) -> None:
    """Empty every object of a customer."""
    refs = [customer.external_id]
    own = Fetched.objects.filter(kind="customer", content__metadata__amends_customer=customer.external_id)
    refs += own.values_list("ref", flat=True)
    mine = Fetched.objects.filter(customer_ref__in=refs)
    charges = list(mine.filter(kind__in=("charge", "invoice")).values_list("ref", flat=True))
    (mine | Fetched.objects.filter(parent_ref__in=charges)).update(content={})
