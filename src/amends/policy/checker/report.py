"""The result of a check, in words and as JSON."""

from collections import Counter
from dataclasses import dataclass

from amends.policy.checker.boundaries import Boundary
from amends.policy.checker.findings import Finding

PROVED = {
    "gap": "some clause decides every case",
    "conflict": "clauses that hold together agree ({} pairs or groups)",
    "dead-clause": "every clause can decide a case ({} rules)",
    "vacuous-override": "every override can be needed ({})",
    "broken-promise": "every promise is kept by every clause ({} proofs)",
    "never-pays": "every grant can pay ({} rules)",
    "out-of-bounds": "no refund is below zero or above what is left ({} rules)",
}
"""What is proved where nothing is found; {} is how often."""
DISPROVED_BY = {"shadowed-clause": "dead-clause"}
"""Findings that another proof would deny."""

NOTED = {
    "idle-row": "Read by no case:",
    "needless-question": "Asked needlessly (--json shows the case):",
}
"""What stands above the notes of each kind."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found and proved."""

    findings: tuple[Finding, ...]
    lints: tuple[Finding, ...]
    """Warnings about words, of which the solver knows nothing."""
    boundaries: tuple[Boundary, ...]
    """On which side of each number the number itself is, as cases show it."""
    notes: tuple[Finding, ...]
    """What is worth knowing, and no defect."""
    proved: Counter[str]
    is_complete: bool
    """Whether every question was asked."""
    questions: int

    def render(self, name: str) -> str:
        """The whole report in words; `name` is the file."""
        parts = [finding.render(name) for finding in self.findings]
        for code, words in NOTED.items():
            notes = [
                f"  - {name}:{note.span.line}: {note.message}" for note in self.notes if note.code == code
            ]
            parts += ["\n".join([words, *notes])] if notes else []
        if self.is_complete:
            proofs = "\n".join(f"  - {line}" for line in self.proofs())
            parts.append(
                f"Proved, over all complete and possible cases:\n{proofs}" if proofs else "Nothing is proved."
            )
        else:
            parts.append(f"Checking stopped after {len(self.findings)} findings; correct these first.")
        if self.lints:
            lints = "\n\n".join(lint.render(name) for lint in self.lints)
            parts.append(f"Not proved, but read: words that may mislead (--strict counts them).\n\n{lints}")
        return "\n\n".join(parts)

    def proofs(self) -> list[str]:
        """What was proved without exception."""
        found = {finding.open_claim or finding.code for finding in self.findings}
        found |= {DISPROVED_BY[code] for code in found if code in DISPROVED_BY}
        return [
            words.format(self.proved[code])
            for code, words in PROVED.items()
            if self.proved[code] and code not in found
        ]

    def as_json(self, name: str) -> dict[str, object]:
        """The report for programs."""
        return {
            "findings": [finding.as_json(name) for finding in self.findings],
            "lints": [lint.as_json(name) for lint in self.lints],
            "boundaries": [one.as_json() for one in self.boundaries],
            "notes": [note.as_json(name) for note in self.notes],
            "proved": self.proofs(),
            "complete": self.is_complete,
            "questions": self.questions,
        }
