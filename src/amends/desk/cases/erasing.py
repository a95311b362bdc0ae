"""What people wrote and sent in cases, taken away; what was decided, and why, stays."""

from collections.abc import Sequence

from django.db.models import Q

from amends.desk import clock
from amends.desk.accounts.models import Customer
from amends.desk.audit.actions import record
from amends.desk.cases.models import Appeal, Case, CaseState, Evidence, Message, Statement, Task
from amends.desk.payments.models import Refund
from amends.desk.payments.states import RefundState
from amends.desk.unit_of_work import unit_of_work

_SETTLED = [RefundState.SUCCEEDED, RefundState.FAILED, RefundState.CANCELED, RefundState.REJECTED]


def unfinished(customer: Customer) -> list[str]:
    """The numbers of cases that still need the person: open ones, and those whose money is on its way."""
    moving = Refund.objects.filter(payment__customer=customer).exclude(state__in=_SETTLED)
    needed = ~Q(state=CaseState.CLOSED) | Q(id__in=moving.values("case_id"))
    return list(
        Case.objects.filter(needed, customer=customer).order_by("number").values_list("number", flat=True)
    )


def erase_words(customer: Customer) -> None:
    """Empty the messages, reasons, appeals and tasks of a person's cases; what is gone waits for no answer."""
    cases = Case.objects.filter(customer=customer)
    Message.objects.filter(case__in=cases).exclude(text="").update(text="")
    Statement.objects.filter(case__in=cases).exclude(reason="").update(reason="")
    Appeal.objects.filter(case__in=cases).update(text="", result="")
    Evidence.objects.filter(case__in=cases).update(name="", judgement="")
    # The name of a file, or an answer of a person, may stand in a task.
    Task.objects.filter(case__in=cases).update(detail="", sentence={})
    Task.objects.to_answer().filter(case__in=cases).update(done_at=clock.now())
    cases.update(reason="")


def erase_files(evidence: Sequence[Evidence]) -> int:
    """Delete the files and keep the rows, whose hashes say what was looked at; how many there were.

    The row is emptied first: a file without a row does no harm when the deletion fails, a row without a file would.
    """
    for one in evidence:
        file, storage = one.file.name, one.file.storage
        with unit_of_work():
            Evidence.objects.filter(id=one.id).update(file="")
            record(f"case:{one.case_id}", "desk", "evidence_erased", evidence=str(one.id))
        if file:
            storage.delete(file)
    return len(evidence)
