"""One case as two policies see it, for the solver."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product

from amends.policy.checker.calendar import Calendar
from amends.policy.checker.encoding import Encoding, Frame, Wider, currencies_of, currency_beside
from amends.policy.checker.outcome import Ending
from amends.policy.checker.situation import Situation, owes_otherwise, pays_otherwise
from amends.policy.checker.smt import Prover, Term, both, either, equal, opposite
from amends.policy.checker.values import Encoded, Moment, Quantity
from amends.policy.checker.witness import Case, read_case, settle
from amends.policy.comparison.difference import Difference, Verdict, change_of, verdict_of
from amends.policy.facts import Input
from amends.policy.model import Policy, Verb
from amends.policy.versions import known_inputs

PAYMENT = 10_000
"""The payment, in minor units, by which the largest gain or loss is measured."""


class DifferentInputsError(ValueError):
    """No case fits both policies; the message says which input to rename."""


class Pair:
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
        self.prover.require(either(*(situation.is_possible for situation in self.situations)))
        self.is_clear = [_is_clear(situation) for situation in self.situations]
        differs = self._differs_in_result()
        self.differs_in_result = both(*self.is_clear, differs)
        self.differs_in_reasons = both(*self.is_clear, opposite(differs), self._differs_in_reasons())
        self.is_unclear = opposite(both(*self.is_clear))
        """A table without a row, or money of another currency: what the policies say then, `decide` has to tell."""

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
        for is_clear, ending in zip(self.is_clear, self.endings, strict=True):
            rules, clauses = ending.policy.rules, ending.policy.clauses
            told = [is_clear]
            if self.prover.value(is_clear):
                terms.append(equal(ending.outcome, int(self.prover.value(ending.outcome))))
                told += [ending.cites(clause) for clause in clauses]
            else:
                told += [ending.situation.unclear(rule.index) for rule in rules]
            terms += [term if self.prover.value(term) else opposite(term) for term in told]
        return both(*terms)

    def difference(self, *terms: Term) -> Difference | None:
        """The difference in cases of the kind that the last possible question found, with the plainest of them."""
        gained = self.endings[1].refund - self.endings[0].refund
        amount = self._largest(gained, *terms) if all(map(self.prover.value, self.is_clear)) else None
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
        return Difference(change_of(*verdicts), *verdicts, amount or moved or None, case)

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
            verdict_of(policy, known_inputs(policy, self.policies, case)) for policy in self.policies
        )
        return before, after


def _is_clear(situation: Situation) -> Term:
    """Whether nothing is unknown that a policy looks at: what it refuses, or asks for first, it does not."""
    asks_first = either(opposite(situation.is_required), situation.waits)
    return either(opposite(situation.is_possible), asks_first, situation.is_clear)


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
