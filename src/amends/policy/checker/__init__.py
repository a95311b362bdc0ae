"""Proofs about a policy: what can never happen, and cases that show what can.

A check covers all complete and possible cases: every input known, every assumption kept, times in whole seconds
over eleven years. Each case it reports has been decided again by `decide`.
"""

from amends.policy.checker.boundaries import Boundary, find_boundaries
from amends.policy.checker.clauses import (
    check_assumptions,
    check_conflicts,
    check_effect,
    check_gap,
    check_overrides,
)
from amends.policy.checker.findings import Finding
from amends.policy.checker.inquiry import Inquiry, TooManyFindings
from amends.policy.checker.lints import find_lints
from amends.policy.checker.promises import check_bounds, check_payment, check_promises
from amends.policy.checker.questions import check_questions
from amends.policy.checker.report import Report
from amends.policy.checker.rows import check_rows
from amends.policy.checker.tables import check_unclear
from amends.policy.model import Policy

__all__ = ["Finding", "Report", "check_policy"]

_QUESTIONS = (
    check_unclear,
    check_gap,
    check_effect,
    check_conflicts,
    check_overrides,
    check_promises,
    check_payment,
    check_bounds,
    check_rows,
    check_questions,
)


def check_policy(policy: Policy) -> Report:
    """Everything that the checker finds about a policy, in the order of the file, and what it proved."""
    inquiry = Inquiry(policy)
    is_complete = True
    boundaries: tuple[Boundary, ...] = ()
    try:
        if check_assumptions(inquiry):
            for question in _QUESTIONS:
                question(inquiry)
            boundaries = find_boundaries(policy)
    except TooManyFindings:
        is_complete = False
    findings = sorted(inquiry.findings, key=lambda finding: (finding.span, finding.code))
    return Report(
        tuple(findings),
        find_lints(policy),
        boundaries,
        tuple(inquiry.notes),
        inquiry.proved,
        is_complete,
        inquiry.prover.questions,
    )
