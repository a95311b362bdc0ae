"""A request comes in."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from amends.desk import clock, ids
from amends.desk.accounts.models import Customer, User
from amends.desk.audit.actions import record
from amends.desk.cases import telling
from amends.desk.cases.deciding import decide_locked
from amends.desk.cases.models import Audience, Case, Channel, Message, RequestKind
from amends.desk.issues import actions as issues
from amends.desk.orders.actions import lock_purchase
from amends.desk.orders.models import Line
from amends.desk.questions import Question, ask
from amends.desk.unit_of_work import add, unit_of_work, write_now

_UNDER_WAY = "SELECT number FROM cases_case WHERE line_id = %s AND state <> 'closed' ORDER BY id LIMIT 1"


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
        write_now()
        line = lock_purchase(request.customer.id, request.line.id)
        known, under_way = _ask_known(request.client_key), _ask_under_way(line)
        ask(known, under_way)
        if known.answer is not None:
            return Case.objects.get(id=known.answer)
        if under_way.answer is not None:
            raise OpenCaseError(under_way.answer)
        case = _draft(request, line)
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


def _ask_known(client_key: str | None) -> Question[UUID | None]:
    return Question("SELECT id FROM cases_case WHERE client_key = %s", [client_key], lambda key: key)


def _ask_under_way(line: Line) -> Question[str | None]:
    return Question(_UNDER_WAY, [line.id], lambda number: number)


def _actor(request: Request) -> str:
    return f"staff:{request.opened_by.id}" if request.opened_by else f"customer:{request.customer.id}"


def _draft(request: Request, line: Line) -> Case:
    now = clock.now()
    return Case(
        number=ids.make_number("R"),
        client_key=request.client_key,
        customer=request.customer,
        line=line,
        request=request.kind,
        channel=request.channel,
        reason=request.reason,
        answers=request.answers,
        is_identified=line.order.customer_id == request.customer.id,
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
