"""What would have changed a decision: found by search over the inputs, never written by hand for a rule.

One input that the customer or time controls is moved to the nearest value at which some comparison changes; it is
reported only if `decide` then grants (semantics, rule 33). Where no single move is enough, two together are tried.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, combinations, islice, product

from amends.policy import dates
from amends.policy.answer import Decision, Outcome
from amends.policy.boundaries import first_change, nearest_day_of_change
from amends.policy.compiled import program_of
from amends.policy.decision import decide_facts
from amends.policy.errors import InputError
from amends.policy.evaluation import Evaluation
from amends.policy.expression import All, Choice, Compare, Derived, Node, Not, Some, children
from amends.policy.facts import COUNT_MAX, Facts, Input, Value
from amends.policy.model import Policy, inputs_read
from amends.policy.program import interpreted
from amends.policy.types import INSTANT, YES_NO, Kind
from amends.policy.verdict import verdict_of

DAYS_BACK = 3660
PAIRS_MAX = 500
"""How many pairs of moves are tried."""
VALUES_MAX = 40
"""How many values of an input are tried, the nearest first: one that is further away helps nobody."""
ASSUMED_MAX = 3
"""How many answers of the customer an offer may suppose."""


@dataclass(frozen=True, slots=True)
class Move:
    """One input at another value."""

    input: str
    value: Value
    before: Value


@dataclass(frozen=True, slots=True)
class Change:
    """The moves that it takes, and the grant they would bring."""

    moves: tuple[Move, ...]
    decision: Decision


@dataclass(frozen=True, slots=True)
class Offer:
    """Another kind of request on the same facts, with the answers it supposes, and what it would bring."""

    input: str
    value: str
    supposing: tuple[tuple[str, Value], ...]
    decision: Decision


def find_changes(policy: Policy, facts: Facts) -> tuple[Change, ...]:
    """The nearest changes that turn the case into a grant: of one input, or else of two."""
    comparisons = _comparisons(policy)
    moves = [
        [
            Move(name, value, facts[name])
            for value in islice(_candidates(policy, facts, declared, comparisons), VALUES_MAX)
        ]
        for name, declared in policy.inputs.items()
        if name not in policy.requires and facts[name] is not None
    ]
    single = [_first_grant(policy, facts, ((move,) for move in of_one)) for of_one in moves]
    found = tuple(change for change in single if change)
    if found:
        return found
    tries = islice(chain.from_iterable(product(*pair) for pair in combinations(moves, 2)), PAIRS_MAX)
    both = _first_grant(policy, facts, tries)
    return (both,) if both else ()


def _first_grant(policy: Policy, facts: Facts, tries: Iterable[tuple[Move, ...]]) -> Change | None:
    for moves in tries:
        changed = facts | {move.input: move.value for move in moves}
        if _is_granted(policy, changed):
            return Change(moves, decide_facts(program_of(policy), changed))
    return None


def find_offers(policy: Policy, facts: Facts) -> tuple[Offer, ...]:
    """Other requests that the customer could make instead."""
    offers: list[Offer] = []
    for declared in policy.inputs.values():
        if declared.answered_by != "customer" or declared.type.kind is not Kind.ENUM:
            continue
        others = (member for member in declared.type.members if member != facts[declared.name])
        offers.extend(offer for member in others if (offer := _offer(policy, facts, declared.name, member)))
    return tuple(offers)


def _offer(policy: Policy, facts: Facts, name: str, member: str) -> Offer | None:
    changed = {**facts, name: member}
    decision = _try(policy, changed)
    if decision is None:
        return None
    if decision.outcome is Outcome.GRANTED:
        return Offer(name, member, (), decision) if decision.amount else None
    open_ = [policy.inputs[missing] for missing in decision.missing]
    if not open_ or len(open_) > ASSUMED_MAX or not all(_is_own_answer(declared) for declared in open_):
        return None
    for answers in product((True, False), repeat=len(open_)):
        supposed = tuple((declared.name, answer) for declared, answer in zip(open_, answers, strict=True))
        decision = _try(policy, {**changed, **dict(supposed)})
        if decision is not None and decision.outcome is Outcome.GRANTED and decision.amount:
            return Offer(name, member, supposed, decision)
    return None


def _is_own_answer(declared: Input) -> bool:
    return declared.answered_by == "customer" and declared.type == YES_NO


def _is_granted(policy: Policy, facts: Facts) -> bool:
    try:
        return verdict_of(policy)(facts)[0] is Outcome.GRANTED
    except InputError:
        return False


def _try(policy: Policy, facts: Facts) -> Decision | None:
    try:
        return decide_facts(program_of(policy), facts)
    except InputError:
        return None


def _candidates(policy: Policy, facts: Facts, declared: Input, comparisons: list[Compare]) -> Iterator[Value]:
    """Other values of one input, the nearest first."""
    name, before = declared.name, facts[declared.name]
    if name == policy.roles.asked and declared.type == INSTANT and isinstance(before, int):
        yield from _other_days(policy, before, facts, comparisons)
    elif declared.type == YES_NO and declared.answered_by != "desk":
        yield not before
    elif _is_count(declared) and isinstance(before, int):
        yield from _other_counts(policy, name, before, facts, comparisons)


def _is_count(declared: Input) -> bool:
    unit = declared.type.unit
    return declared.type.kind is Kind.NUMBER and all(name != "money" for name, _ in unit) and bool(unit)


def _other_days(policy: Policy, before: int, facts: Facts, comparisons: list[Compare]) -> Iterator[int]:
    zone = policy.zone
    today = dates.day_number(before, zone)
    relevant = [c for c in comparisons if policy.roles.asked in inputs_read(policy, c)]
    limits = (max(today - DAYS_BACK, dates.day_number(dates.INSTANT_MIN, zone) + 1), today + DAYS_BACK)
    days = {
        day
        for c in relevant
        for limit in limits
        if (day := nearest_day_of_change(policy, facts, interpreted(policy, c), today, limit))
    }
    for day in sorted(days, key=lambda day: (abs(day - today), day)):
        # Earlier: the last moment of the day. Later: its first.
        yield dates.day_start(day + 1, zone) - 1_000_000 if day < today else dates.day_start(day, zone)


def _other_counts(
    policy: Policy, name: str, before: int, facts: Facts, comparisons: list[Compare]
) -> Iterator[int]:
    relevant = [c for c in comparisons if name in inputs_read(policy, c)]
    values = set()
    for comparison in relevant:

        def answer(value: int, comparison: Compare = comparison) -> object:
            return Evaluation(policy, {**facts, name: value}).value(comparison)

        values |= {first_change(answer, before, limit) for limit in (0, min(2 * before + 1_000, COUNT_MAX))}
    known = [value for value in values if value is not None]
    yield from sorted(known, key=lambda value: (abs(value - before), value))


def _comparisons(policy: Policy) -> list[Compare]:
    """Every comparison in the rules, through derived facts, each once."""
    found: dict[Compare, None] = {}
    waiting: list[Node] = [rule.when for rule in policy.rules]
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        match node:
            case Compare():
                found[node] = None
            case Derived() if node.name not in seen:
                seen.add(node.name)
                waiting.append(policy.derived[node.name])
            case All() | Some() | Not() | Choice():
                waiting.extend(children(node))
            case _:
                pass
    return list(found)
