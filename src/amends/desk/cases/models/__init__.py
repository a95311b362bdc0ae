"""Everything that belongs to a case."""

from amends.desk.cases.models.case import Case, CaseState, Channel, RequestKind
from amends.desk.cases.models.conversation import Audience, Evidence, EvidenceState, Message
from amends.desk.cases.models.decision import (
    Approval,
    ApprovalLimit,
    DecisionRecord,
    Statement,
    Verdict,
)
from amends.desk.cases.models.work import Appeal, Task, TaskKind

__all__ = [
    "Appeal",
    "Approval",
    "ApprovalLimit",
    "Audience",
    "Case",
    "CaseState",
    "Channel",
    "DecisionRecord",
    "Evidence",
    "EvidenceState",
    "Message",
    "RequestKind",
    "Statement",
    "Task",
    "TaskKind",
    "Verdict",
]
