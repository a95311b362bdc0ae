"""What became of an action, said on the page that comes next."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest

from amends import InputError
from amends.desk.cases.approving import NotAllowedError, OutdatedError
from amends.desk.console.entries import BadEntryError
from amends.desk.policies.drafting import RefusedError


def act_and_tell(request: HttpRequest, act: Callable[[], str]) -> bool:
    """Do one thing, and say what it came to or why it was refused; whether it was done."""
    try:
        said = act()
    except (NotAllowedError, OutdatedError, BadEntryError, RefusedError) as error:
        messages.error(request, str(error), extra_tags="bad")
        return False
    except InputError as error:
        messages.error(request, error.message, extra_tags="bad")
        return False
    messages.success(request, said, extra_tags="good")
    return True
