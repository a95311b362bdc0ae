"""One check of one policy: its questions to the solver, what was found, and what was proved."""

from collections import Counter
from dataclasses import replace

from amends.policy.checker.findings import Finding, Witness
from amends.policy.checker.situation import Situation, encode
from amends.policy.checker.smt import Answer, Term
from amends.policy.checker.witness import Case, Shows, is_shown, smallest_case, without_idle_facts
from amends.policy.model import Policy

FINDINGS_MAX = 100
"""Checking stops here: nobody corrects more at once."""


class TooManyFindings(Exception):  # noqa: N818 -- it ends a check, and is no error
    """The check has found as much as it reports."""


class Inquiry:
    """What has been asked, found and proved so far."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.encoding = encode(policy)
        self.prover = self.encoding.prover
        self.situation = Situation(self.encoding)
        self.situation.assume()
        self.findings: list[Finding] = []
        self.notes: list[Finding] = []
        self.proved: Counter[str] = Counter()

    def can(self, finding: Finding, *terms: Term) -> bool | None:
        """Whether the terms can hold; where the solver cannot say, the finding it would prove is reported as unproved."""
        answer = self.prover.ask(*terms)
        if answer is Answer.UNKNOWN:
            fix = "Say it more simply, or leave the claim out. Until then, a person has to judge it."
            message = f"Not known whether this can happen: {finding.message}"
            self.report(replace(finding, code="unproved", message=message, fix=fix, open_claim=finding.code))
            return None
        return answer is Answer.POSSIBLE

    def rule_out(self, finding: Finding, shows: Shows, *terms: Term, wishes: tuple[Term, ...] = ()) -> bool:
        """Prove that the terms cannot hold, or report the finding with the smallest case in which they do.

        `wishes` make the case plainer; one that is not possible beside the others is left out.
        Returns: whether they can hold.
        """
        found = self.can(finding, *terms)
        if found is False:
            self.proved[finding.code] += 1
        if not found:
            return False
        for wish in wishes:
            if self.prover.allows(*terms, wish):
                terms = (*terms, wish)
        self.report_case(finding, shows, *terms)
        return True

    def report_case(self, finding: Finding, shows: Shows, *terms: Term) -> None:
        """Report a finding with the smallest case in which the terms hold."""
        case = smallest_case(self.encoding, *terms)
        self.report_cases(finding, shows, () if case is None else (case,))

    def report_cases(self, finding: Finding, shows: Shows, cases: tuple[Case, ...]) -> None:
        """Report a finding with cases that the solver found, once `decide` confirms them."""
        if not cases or not is_shown(cases, shows):
            message = f"{finding.code}: {finding.message}"
            finding = replace(finding, code="not-confirmed", message=message, open_claim=finding.code)
        else:
            cases = without_idle_facts(self.policy, cases, shows)
        self.report(replace(finding, witness=Witness(self.policy, cases) if cases else None))

    def report(self, finding: Finding) -> None:
        """Note a finding.

        Raises: TooManyFindings: there are as many as are reported.
        """
        self.findings.append(finding)
        if len(self.findings) >= FINDINGS_MAX:
            raise TooManyFindings
