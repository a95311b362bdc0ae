"""Give work to people, and take it back when it is done."""

from datetime import timedelta
from uuid import UUID

from amends.desk import clock
from amends.desk.accounts.models import Role, User
from amends.desk.cases.models import Case, Task, TaskKind

_OWNERS = {
    TaskKind.REVIEW: (Role.AGENT, timedelta(days=2)),
    TaskKind.STATE_FACTS: (Role.AGENT, timedelta(days=2)),
    TaskKind.JUDGE_EVIDENCE: (Role.AGENT, timedelta(days=2)),
    TaskKind.APPROVE: (Role.APPROVER, timedelta(days=1)),
    TaskKind.MISSING_AT_DESK: (Role.FINANCE, timedelta(days=1)),
    TaskKind.FAILED_REFUND: (Role.FINANCE, timedelta(days=1)),
    TaskKind.WAITING_REFUND: (Role.FINANCE, timedelta(days=1)),
    TaskKind.FAILED_PLAN_CHANGE: (Role.FINANCE, timedelta(days=1)),
    TaskKind.PAYOUT: (Role.FINANCE, timedelta(days=3)),
    TaskKind.OVER_RETURNED: (Role.FINANCE, timedelta(days=1)),
    TaskKind.APPEAL: (Role.APPROVER, timedelta(days=3)),
    TaskKind.ANSWER: (Role.AGENT, timedelta(days=2)),
}


def give(case: Case, kind: TaskKind, sentence: str, *, about: UUID | None = None, **words: object) -> Task:
    """Open a task of a kind, with its owner and its date; one that is open already stays.

    The sentence is kept with its words apart, so that it is read in whatever language its reader has. `about` names a
    refund that has a task of its own.
    """
    role, due_in = _OWNERS[kind]
    now = clock.now()
    task, _is_fresh = Task.objects.get_or_create(
        case=case,
        kind=kind,
        about=str(about or ""),
        done_at=None,
        defaults={
            "role": role,
            "detail": sentence % words,
            "sentence": {"text": sentence, "words": {name: str(word) for name, word in words.items()}},
            "created_at": now,
            "due_at": now + due_in,
        },
    )
    return task


def finish(case: Case, *kinds: TaskKind, by: User | None = None, about: UUID | None = None) -> None:
    """Close the open tasks of these kinds, or all that end with the case; with `about`, those of one refund.

    A new case has none. What a customer wrote does not end with the case: a person answers it.
    """
    if case.is_unwritten:
        return
    waiting = Task.objects.filter(case=case, done_at=None)
    waiting = waiting.filter(kind__in=kinds) if kinds else waiting.exclude(kind=TaskKind.ANSWER)
    if about is not None:
        waiting = waiting.filter(about=str(about))
    waiting.update(done_at=clock.now(), done_by=by)
