"""Two policies side by side: who gains, who loses, how much, with a case for each; or a proof of no difference.

The whole verdict counts: outcome, grant, lines and the clauses cited. Cases are complete; an input that only one of
the policies knows ranges freely (semantics, rule 35).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import product

from amends.policy.answer import Decision, Outcome
from amends.policy.checker.calendar import Calendar
from amends.policy.checker.encoding import Encoding, Frame, Wider, currencies_of, currency_beside
from amends.policy.checker.findings import cell_of
from amends.policy.checker.outcome import REFUSED, Ending
from amends.policy.checker.situation import Situation, owes_otherwise, pays_otherwise
from amends.policy.checker.smt import Answer, Prover, Term, both, either, equal, opposite
from amends.policy.checker.values import Encoded, Moment, Quantity
from amends.policy.checker.witness import Case, read_case, settle
from amends.policy.decision import decide
from amends.policy.errors import InputError
from amends.policy.facts import Input
from amends.policy.model import Policy, Verb
from amends.policy.money import Money
from amends.policy.versions import known_inputs

DIFFERENCES_MAX = 60
"""Comparing stops here: a policy that differs in more ways is another policy."""
PAYMENT = 10_000
"""The payment, in minor units, by which the largest gain or loss is measured."""
_RANK = (REFUSED, Outcome.DENIED, Outcome.NEEDS_REVIEW, Outcome.NEEDS_INFORMATION, Outcome.GRANTED)
_DECIDING = ("grants", "denies", "refers")


class DifferentInputsError(ValueError):
    """No case fits both policies; the message says which input to rename."""


class Change(StrEnum):
    """What a difference means for the customer."""

    GAINS = "gains"
    LOSES = "loses"
    SAME = "same result, other reasons"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one policy says in a case."""

    outcome: str
    amount: int
    clauses: tuple[str, ...]
    lines: tuple[tuple[str, int], ...]
    grant: str | None
    then: str | None
    payouts: tuple[tuple[str, int], ...]
    owed: tuple[tuple[str, int], ...]

    @property
    def gain(self) -> int:
        """What the customer gets, less what the customer owes, in minor units."""
        return self.amount - sum(amount for _, amount in self.owed)

    def __str__(self) -> str:
        """The outcome and the clauses behind it."""
        return f"{self.outcome} ({', '.join(self.clauses)})" if self.clauses else self.outcome


@dataclass(frozen=True, slots=True)
class Difference:
    """Cases that two policies answer differently, for the same clauses of each."""

    change: Change
    before: Verdict
    after: Verdict
    amount: int | None
    """The most found that one of them gains or loses where PAYMENT was paid, None where no amount changes."""
    case: Case


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every way in which two policies differ."""

    before: Policy
    after: Policy
    differences: tuple[Difference, ...]
    is_complete: bool
    """Whether the solver has proved that there is no other."""


def compare(before: Policy, after: Policy) -> Comparison:
    """Every pair of reasons with which two policies answer a case differently.

    Raises: DifferentInputsError: no case fits both.
    """
    pair = _Pair(before, after)
    found: list[Difference] = []
    is_complete = True
    for differs in (pair.differs_in_result, pair.differs_in_reasons):
        seen: list[Term] = []
        while len(seen) < DIFFERENCES_MAX and (answer := pair.prover.ask(differs, *seen)) is Answer.POSSIBLE:
            pattern = pair.pattern()
            difference = pair.difference(differs, pattern)
            seen.append(opposite(pattern))
            if difference is None:
                is_complete = False
            else:
                found.append(difference)
        is_complete = is_complete and answer is Answer.IMPOSSIBLE
    return Comparison(before, after, tuple(_sorted(found)), is_complete)


def _sorted(found: list[Difference]) -> list[Difference]:
    order = list(Change)
    return sorted(found, key=lambda one: (order.index(one.change), -(one.amount or 0)))


class _Pair:
    """One case as both policies see it."""

    def __init__(self, before: Policy, after: Policy) -> None:
        self.policies = (before, after)
        self.prover = Prover()
        first = min(before.effective, after.effective)
        frame = Frame(self.prover, Calendar(self.prover, before.zone, first), wider=_wider(before, after))
        encoding = Encoding(before, frame)
        calendar = frame.calendar
        if after.zone != before.zone:
            calendar = Calendar(self.prover, after.zone, first)
        shared = _shared_inputs(encoding, after, calendar)
        other = Encoding(after, replace(frame, calendar=calendar), shared, encoding.currency)
        self.encodings = (encoding, other)
        self.situations = (Situation(encoding), Situation(other))
        self.endings = (Ending(self.situations[0]), Ending(self.situations[1]))
        for one in self.situations:
            # What a policy does not take it refuses, whatever is unknown then.
            self.prover.require(either(opposite(one.encoding.is_taken), one.is_clear))
        self.prover.require(either(*(situation.is_possible for situation in self.situations)))
        self.differs_in_result = self._differs_in_result()
        self.differs_in_reasons = both(opposite(self.differs_in_result), self._differs_in_reasons())

    def _differs_in_result(self) -> Term:
        before, after = self.endings
        pays = self._differs(Verb.GRANT, pays_otherwise)
        owes = self._differs(Verb.DENY, owes_otherwise)
        return either(
            opposite(equal(before.outcome, after.outcome)),
            both(before.is_granted, after.is_granted, pays),
            both(before.is_denied, after.is_denied, owes),
        )

    def _differs(self, verb: Verb, otherwise: Callable[[Situation, int, Situation, int], Term]) -> Term:
        """Whether two rules that win, one of each policy, come to something else."""
        old, new = self.situations
        pairs = product(old.of_verb(verb), new.of_verb(verb))
        found = ((first, second, otherwise(old, first, new, second)) for first, second in pairs)
        return either(*(both(differs, old.wins[first], new.wins[second]) for first, second, differs in found))

    def _differs_in_reasons(self) -> Term:
        before, after = self.endings
        clauses = dict.fromkeys([*self.policies[0].clauses, *self.policies[1].clauses])
        return either(*(opposite(equal(before.cites(clause), after.cites(clause))) for clause in clauses))

    def pattern(self) -> Term:
        """What the last possible question found, as outcomes and clauses cited: the kind of case it is."""
        terms = []
        for policy, ending in zip(self.policies, self.endings, strict=True):
            terms.append(equal(ending.outcome, int(self.prover.value(ending.outcome))))
            cited = (ending.cites(clause) for clause in policy.clauses)
            terms += [term if self.prover.value(term) else opposite(term) for term in cited]
        return both(*terms)

    def difference(self, *terms: Term) -> Difference | None:
        """The difference in cases of the kind that the last possible question found, with the plainest of them."""
        gained = self.endings[1].refund - self.endings[0].refund
        amount = self._largest(gained, *terms)
        if amount is not None:
            terms = (*terms, gained > 0 if amount > 0 else gained < 0)
        case = self._plain(*terms)
        verdicts = self._verdicts(case)
        if verdicts[0] == verdicts[1]:
            return None
        for name in list(case)[::-1]:
            fewer = {key: value for key, value in case.items() if key != name}
            if name != "currency" and self._verdicts(fewer) == verdicts:
                case = fewer
        moved = verdicts[1].gain - verdicts[0].gain
        return Difference(_change(*verdicts), *verdicts, amount or moved or None, case)

    def _plain(self, *terms: Term) -> Case:
        before, after = self.encodings
        own = {name: value for name, value in after.inputs.items() if name not in before.inputs}
        with self.prover.scope(*terms):
            settle(before, before.inputs)
            settle(after, own)
        return read_case(after) | read_case(before)

    def _largest(self, gained: Term, *terms: Term) -> int | None:
        """The most found that is gained, or else lost, where PAYMENT was paid; None where no amount changes."""
        paid = [
            equal(number.top, PAYMENT)
            for encoding in self.encodings
            if (role := encoding.policy.roles.paid) and isinstance(number := encoding.inputs[role], Quantity)
        ]
        for sign in (1, -1):
            if self.prover.allows(*terms, *paid, sign * gained > 0):
                return sign * self._most(sign * gained, *terms, *paid)
        return None

    def _most(self, gained: Term, *terms: Term) -> int:
        low, high = int(self.prover.value(gained)), 2 * PAYMENT
        while low < high:
            middle = (low + high + 1) // 2
            if self.prover.allows(*terms, gained >= middle):
                low = int(self.prover.value(gained))
            else:
                high = middle - 1
        return low

    def _verdicts(self, case: Case) -> tuple[Verdict, Verdict]:
        before, after = (
            _verdict(policy, known_inputs(policy, self.policies, case)) for policy in self.policies
        )
        return before, after


def _shared_inputs(encoding: Encoding, after: Policy, calendar: Calendar) -> dict[str, Encoded]:
    """The inputs of one policy as the other sees them, where both know them.

    Raises: DifferentInputsError: an input of one name is of two kinds, so that no case fits both.
    """
    shared = {}
    for name, value in encoding.inputs.items():
        if name in after.inputs:
            before = encoding.policy.inputs[name]
            seen = value if calendar is encoding.frame.calendar else _seen(calendar, name, value)
            _demand_one_kind(before, after.inputs[name])
            shared[name] = seen
    return shared


def _seen(calendar: Calendar, name: str, value: Encoded) -> Encoded:
    if not isinstance(value, Moment):
        return value
    return replace(value, local_day=calendar.local_day(name, value.day, value.second))


def _demand_one_kind(before: Input, after: Input) -> None:
    kinds = [(one.type.kind, one.type.unit, one.type.shown_in) for one in (before, after)]
    if kinds[0] != kinds[1]:
        message = f"`{after.name}` is `{before.type}` in one policy and `{after.type}` in the other. Rename one of them."
        raise DifferentInputsError(message)


def _wider(before: Policy, after: Policy) -> dict[str, Wider]:
    """What either policy takes, where the two differ: what one of them alone takes, the other refuses."""
    found = {}
    if before.currencies != after.currencies or currencies_of(before) != currencies_of(after):
        currencies = (*currencies_of(before), *currencies_of(after))
        is_any = not (before.currencies and after.currencies)
        more = (currency_beside(currencies),) if is_any else ()
        found["currency"] = Wider((*currencies, *more), optional=False)
    for name in (name for name in before.inputs if name in after.inputs):
        types = (before.inputs[name].type, after.inputs[name].type)
        if types[0] != types[1]:
            members = (*types[0].members, *types[1].members)
            found[name] = Wider(members, any(one.optional for one in types))
    return found


def _verdict(policy: Policy, case: Mapping[str, object]) -> Verdict:
    try:
        decision = decide(policy, case)
    except InputError:
        return Verdict(REFUSED, 0, (), (), None, None, (), ())
    return Verdict(
        decision.outcome.value,
        decision.amount,
        _deciding(decision),
        tuple((line.id, line.amount) for line in decision.lines),
        decision.grant,
        decision.then,
        tuple((payout.to, payout.amount) for payout in decision.payouts),
        tuple((line.id, line.amount) for line in decision.owed),
    )


def _deciding(decision: Decision) -> tuple[str, ...]:
    return tuple(citation.id for citation in decision.clauses if citation.role in _DECIDING)


def _change(before: Verdict, after: Verdict) -> Change:
    ranks = [(_RANK.index(one.outcome), one.gain) for one in (before, after)]
    if ranks[0] == ranks[1]:
        return Change.SAME
    return Change.GAINS if ranks[0] < ranks[1] else Change.LOSES


def summarise(comparison: Comparison) -> str:
    """The comparison as Markdown, fit for a pull request."""
    before, after = comparison.before, comparison.after
    title = f"## {before.title}: {before.version} to {after.version}"
    found = comparison.differences
    if not found and comparison.is_complete:
        return f"{title}\n\nNo difference. Proved over all complete cases: same outcome, amount, lines and clauses."
    counts = [f"{sum(one.change is change for one in found)} {change}" for change in Change]
    parts = [title, f"Kinds of case that differ: {len(found)}. {'; '.join(counts)}."]
    if not comparison.is_complete:
        parts.append(
            "**There may be more:** the solver did not finish, so nothing is proved about other cases."
        )
    rows = ["| | customer | before | after | most found, of 100.00 paid |", "|---|---|---|---|---|"]
    rows += [f"| {number} | {_summary_row(one)} |" for number, one in enumerate(found, 1)]
    parts.append("\n".join(rows))
    parts += [_example(comparison, number, one) for number, one in enumerate(found, 1)]
    return "\n\n".join(parts)


def _summary_row(one: Difference) -> str:
    amount = "" if one.amount is None else f"{'+' if one.amount > 0 else '-'}{_plain(abs(one.amount), 'USD')}"
    return f"{one.change} | {one.before} | {one.after} | {amount}"


def _plain(amount: int, currency: str) -> str:
    return str(Money(amount, currency)).removeprefix(f"{currency} ")


def _example(comparison: Comparison, number: int, one: Difference) -> str:
    currency = str(one.case["currency"])
    amounts = f"{_plain(one.before.amount, currency)} becomes {_plain(one.after.amount, currency)}"
    policies = (comparison.after, comparison.before)
    facts = ", ".join(f"{name} {_fact(policies, one.case, name)}" for name in one.case)
    return f"Case {number}: {facts}. {one.before} becomes {one.after}; {amounts}{_otherwise(one, currency)}."


def _otherwise(one: Difference, currency: str) -> str:
    """What changes beside clauses and amount: a debt, or other things where both grant."""
    before, after = (_besides(side, currency) for side in (one.before, one.after))
    said = [name for name in before if before[name] and after.get(name)]
    changed = [name for name in said if before[name] != after[name]]
    return "".join(f"; {name}: {before[name]} becomes {after[name]}" for name in changed)


def _besides(side: Verdict, currency: str) -> dict[str, str]:
    owed = _plain(sum(amount for _, amount in side.owed), currency)
    if side.then is None:
        return {"owed": owed}
    return {
        "owed": owed,
        "plan": side.then,
        "grant": side.grant or "",
        "paid as": _ways(side.payouts, currency),
    }


def _ways(payouts: tuple[tuple[str, int], ...], currency: str) -> str:
    """Where a refund goes, with the amounts where it is split."""
    if len(payouts) == 1:
        return payouts[0][0]
    return " and ".join(f"{to} {_plain(amount, currency)}" for to, amount in payouts)


def _fact(policies: tuple[Policy, Policy], case: Case, name: str) -> str:
    policy = next((policy for policy in policies if name in policy.inputs), policies[0])
    return cell_of(policy, case, name)


def comparison_json(comparison: Comparison) -> dict[str, object]:
    """The comparison for programs."""
    return {
        "before": {"version": comparison.before.version, "sha256": comparison.before.sha256},
        "after": {"version": comparison.after.version, "sha256": comparison.after.sha256},
        "differences": list(_differences_json(comparison)),
        "complete": comparison.is_complete,
    }


def _differences_json(comparison: Comparison) -> Iterator[dict[str, object]]:
    for one in comparison.differences:
        sides = {
            name: {
                "outcome": side.outcome,
                "amount": side.amount,
                "owed": sum(amount for _, amount in side.owed),
                "clauses": list(side.clauses),
            }
            for name, side in (("before", one.before), ("after", one.after))
        }
        yield {"change": one.change.value, **sides, "most_found": one.amount, "case": one.case}
