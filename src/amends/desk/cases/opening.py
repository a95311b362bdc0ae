"""A request comes in."""

from dataclasses import dataclass, field
from datetime import datetime

from amends.desk import clock, ids
from amends.desk.accounts.models import Customer, User
from amends.desk.audit.actions import record
from amends.desk.cases import telling
from amends.desk.cases.deciding import decide_locked
from amends.desk.cases.models import Audience, Case, CaseState, Channel, Message, RequestKind
from amends.desk.issues import actions as issues
from amends.desk.orders.actions import whole_line
from amends.desk.orders.models import Line
from amends.desk.unit_of_work import add, unit_of_work


class OpenCaseError(Exception):
    """Another request about the same purchase is under way; `number` is its case."""

    def __init__(self, number: str) -> None:
        self.number = number
        super().__init__(number)


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for."""

    customer: Customer
    line: Line
    kind: RequestKind
    channel: Channel
    reason: str = ""
    answers: dict[str, bool] = field(default_factory=dict)
    first_contact_at: datetime | None = None
    client_key: str | None = None
    """Names the one intent of the sender, so that sending it twice opens one case."""
    opened_by: User | None = None


def open_case(request: Request) -> Case:
    """Open a case, decide it, and tell the customer.

    Locks: the customer, so that two requests about one purchase cannot both open.
    Idempotent: by `client_key`.
    Raises: OpenCaseError: nothing is written.
    """
    with unit_of_work():
        Customer.objects.select_for_update(no_key=True).get(id=request.customer.id)
        known = Case.objects.filter(client_key=request.client_key).first() if request.client_key else None
        if known is not None:
            return known
        under_way = Case.objects.filter(line=request.line).exclude(state=CaseState.CLOSED).first()
        if under_way is not None:
            raise OpenCaseError(under_way.number)
        case = _draft(request)
        case.keep()
        if request.reason:
            _say(case, request)
        if request.kind == RequestKind.TECHNICAL:
            issues.report(request.customer, request.line.id, request.reason, case.first_contact_at)
        record(
            f"case:{case.id}",
            _actor(request),
            "opened",
            request=request.kind.value,
            line=str(request.line.id),
        )
        telling.opened(case)
        decide_locked(case)
    return case


def _actor(request: Request) -> str:
    return f"staff:{request.opened_by.id}" if request.opened_by else f"customer:{request.customer.id}"


def _draft(request: Request) -> Case:
    now = clock.now()
    return Case(
        number=ids.make_number("R"),
        client_key=request.client_key,
        customer=request.customer,
        line=whole_line(request.line.id),
        request=request.kind,
        channel=request.channel,
        reason=request.reason,
        answers=request.answers,
        is_identified=request.line.order.customer_id == request.customer.id,
        opened_by=request.opened_by,
        opened_at=now,
        first_contact_at=request.first_contact_at or now,
    )


def _say(case: Case, request: Request) -> None:
    said = Message(
        case=case,
        author=_actor(request),
        audience=Audience.CUSTOMER,
        channel=request.channel,
        text=request.reason,
        at=case.opened_at,
    )
    add(said)
