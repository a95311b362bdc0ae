"""What a check can find, and how it is said: what, where, why, what to do, and a case that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass

from amends.policy.cases import shown_answer, write_cell
from amends.policy.decision import decide
from amends.policy.model import Policy
from amends.policy.source import Span

WHY = {
    "impossible-assumptions": "No case can keep all assumptions, so the policy decides nothing.",
    "gap": "A request that no clause decides waits for a person, and the page does not say what will happen.",
    "conflict": "Two clauses that disagree leave the answer to a person, and customers cannot rely on either.",
    "dead-clause": "Customers read a sentence that no case can ever meet.",
    "shadowed-clause": "Customers read a sentence that another one sets aside in every case.",
    "never-pays": "Customers read that money comes back, and a promise or another clause takes it away every time.",
    "vacuous-override": "The line says that two clauses meet, and they never do.",
    "redundant-rule": "The sentence changes nothing: another one always says the same.",
    "broken-promise": "The page promises what its own rules do not keep; such a case goes to a person.",
    "out-of-bounds": "A refund is never below zero and never more than is left of the payment.",
    "table-gap": "A case without a row in the table cannot be decided.",
    "other-currency": "A number in one currency says nothing about a case in another.",
    "idle-row": "Customers read a row, and the answer is the same whatever it says.",
    "needless-question": "Somebody is asked for a fact that does not change the answer.",
    "unproved": "The solver could neither prove this nor find a case against it, so nobody knows.",
    "not-confirmed": "The solver found a case that `decide` answers otherwise. That is a fault of the checker; report it.",
}
LINTS = {
    "opposite-words": "Customers read the words and are judged by the rule.",
    "boundary-words": "Whoever stands on the boundary reads one thing, and the rule decides the other.",
    "unstated-boundary": "Whoever stands on the boundary reads the sentence one way, and the rule decides the other.",
    "unread-input": "A fact that no decision reads looks as if it had an effect.",
    "promise-without-proof": "Customers rely on the word, and the next change of a rule may break it unseen.",
}
"""What a solver cannot see: warnings about words."""


@dataclass(frozen=True, slots=True)
class Witness:
    """One or two cases that show a finding, as anybody can decide them again."""

    policy: Policy
    cases: tuple[Mapping[str, object], ...]

    def rows(self) -> list[dict[str, str]]:
        """For each case, what the policy answers, in the words of worked cases."""
        answers = [shown_answer(decide(self.policy, case)) for case in self.cases]
        return [
            {name: answer[name] for name in ("outcome", "grant", "amount", "clauses")} for answer in answers
        ]

    def as_worked_cases(self, title: str) -> str:
        """A section of worked cases that can be pasted into the file beside the policy."""
        names = list(dict.fromkeys(name for case in self.cases for name in case))
        shared = [name for name in names if len({repr(case.get(name)) for case in self.cases}) == 1]
        own = [name for name in names if name not in shared]
        facts = [f"| {name} | {cell_of(self.policy, self.cases[0], name)} |" for name in shared]
        answers = self.rows()
        columns = ["case", *own, *answers[0]]
        lines = [_row(columns), _row(["---"] * len(columns))]
        for number, (case, answer) in enumerate(zip(self.cases, answers, strict=True), 1):
            label = title if len(self.cases) == 1 else f"{title} {number}"
            lines.append(_row([label, *(cell_of(self.policy, case, name) for name in own), *answer.values()]))
        return "\n".join([f"## {title}", "", "| fact | value |", "|---|---|", *facts, "", *lines])


def cell_of(policy: Policy, case: Mapping[str, object], name: str) -> str:
    """A fact of a case as worked cases write it; `?` where it is not known."""
    if name not in case:
        return "?"
    if name == "currency":
        return str(case[name])
    return write_cell(policy.inputs[name], case[name], str(case["currency"]), policy.zone)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a check found."""

    code: str
    clauses: tuple[str, ...]
    span: Span
    message: str
    fix: str
    witness: Witness | None = None
    open_claim: str = ""
    """Of what is unproved or not confirmed: the code of what it leaves open."""

    def render(self, name: str) -> str:
        """The finding in full; `name` is the file."""
        said = f"{name}:{self.span.line}: {self.code}: {self.message}\n  why: {self.why}\n  do:  {self.fix}"
        if self.witness is None:
            return said
        return f"{said}\n\n{self.witness.as_worked_cases(self.title)}"

    @property
    def why(self) -> str:
        """Why it matters."""
        return WHY.get(self.code) or LINTS[self.code]

    @property
    def title(self) -> str:
        """A short name for its worked case."""
        return f"{self.code}: {' and '.join(self.clauses)}" if self.clauses else self.code

    def as_json(self, name: str) -> dict[str, object]:
        """The finding for programs."""
        shown: dict[str, object] = {
            "kind": "lint" if self.code in LINTS else "finding",
            "code": self.code,
            "clauses": list(self.clauses),
            "file": name,
            "line": self.span.line,
            "message": self.message,
            "why": self.why,
            "fix": self.fix,
        }
        if self.witness is not None:
            shown["witness"] = [dict(case) for case in self.witness.cases]
            shown["worked_cases"] = self.witness.as_worked_cases(self.title)
        return shown
