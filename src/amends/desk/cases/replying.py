"""What a person answers to what a customer wrote; it changes nothing else in the case, and a closed one stays closed."""

from django.utils.translation import gettext as _

from amends.desk import clock
from amends.desk.accounts.models import User
from amends.desk.audit.actions import record
from amends.desk.cases import letters, tasks
from amends.desk.cases.answering import lock_survivor
from amends.desk.cases.approving import NotAllowedError, OutdatedError
from amends.desk.cases.models import Audience, Case, Channel, Message, TaskKind
from amends.desk.cases.permissions import HANDLERS, demand_role
from amends.desk.unit_of_work import unit_of_work


def say(case: Case, by: User, text: str, audience: Audience) -> Message:
    """Put what a member of staff writes into the thread of a case."""
    return Message.objects.create(
        case=case,
        author=f"staff:{by.id}",
        audience=audience,
        channel=Channel.CONSOLE,
        text=text,
        at=clock.now(),
    )


def reply(case: Case, by: User, text: str) -> Message:
    """Write to the customer: a letter, and a message in the thread of the case in which the request goes on.

    Raises: NotAllowedError: nothing was written.
    """
    demand_role(by, *HANDLERS)
    if not text.strip():
        raise NotAllowedError(_("Please write something."))
    with unit_of_work():
        case = lock_survivor(case)
        message = say(case, by, text, Audience.CUSTOMER)
        tasks.finish(case, TaskKind.ANSWER, by=by)
        record(f"case:{case.id}", f"staff:{by.id}", "replied", message=str(message.id))
        letters.replied(case, str(message.id), text)
    return message


def mark_read(case: Case, by: User) -> None:
    """What the customer wrote needs no answer, such as a thank-you.

    Raises: NotAllowedError, OutdatedError: nothing was written.
    """
    demand_role(by, *HANDLERS)
    with unit_of_work():
        case = lock_survivor(case)
        if not case.tasks.to_answer().exists():
            raise OutdatedError(_("Nothing waits for an answer in this case."))
        tasks.finish(case, TaskKind.ANSWER, by=by)
        record(f"case:{case.id}", f"staff:{by.id}", "read")
