"""Questions about clauses: gaps, conflicts, and sentences without effect."""

from collections.abc import Iterator
from functools import partial

from amends.policy.answer import Decision
from amends.policy.checker.findings import Finding
from amends.policy.checker.inquiry import Inquiry
from amends.policy.checker.smt import Answer, Term, both, either, opposite
from amends.policy.checker.witness import judged
from amends.policy.model import Rule, Verb
from amends.policy.source import Span

_DECIDING = ("grants", "denies", "refers")


def check_assumptions(inquiry: Inquiry) -> bool:
    """Whether any case can keep the assumptions."""
    policy = inquiry.policy
    span = policy.assumptions[0].span if policy.assumptions else Span(1, 1)
    message = "No case keeps all assumptions at once."
    fix = "Correct `assume:`. Two of its lines, or a line and `requires:`, contradict each other."
    finding = Finding("impossible-assumptions", (), span, message, fix)
    found = inquiry.can(finding)
    if found is False:
        inquiry.report(finding)
    return bool(found)


def check_gap(inquiry: Inquiry) -> None:
    """Whether some clause decides every case."""
    situation = inquiry.situation
    first = next(iter(inquiry.policy.clauses.values())).span
    fix = "Write the sentence for this case, or widen the one that was meant for it."
    finding = Finding("gap", (), first, "No clause decides this case.", fix)
    inquiry.rule_out(
        finding,
        judged(inquiry.policy, lambda decision: decision.reason == "silent"),
        opposite(either(situation.any_grants, situation.any_denies, situation.any_refers)),
        situation.is_clear,
    )


def check_effect(inquiry: Inquiry) -> None:
    """Whether every clause can decide a case, and says something of its own."""
    situation = inquiry.situation
    for rule in inquiry.policy.rules:
        finding = Finding("redundant-rule", (rule.clause,), rule.span, f"`{rule.clause}` may be idle.", "")
        if inquiry.can(finding, situation.alone[rule.index]):
            inquiry.proved["dead-clause"] += 1
        elif _can_win(inquiry, rule):
            _check_redundancy(inquiry, rule)


def _can_win(inquiry: Inquiry, rule: Rule) -> bool:
    situation, clause = inquiry.situation, rule.clause
    message = f"`{clause}` can never hold: its condition contradicts itself or the assumptions."
    fix = "Correct the condition, or take the sentence out."
    dead = Finding("dead-clause", (clause,), rule.span, message, fix)
    holds = inquiry.can(dead, situation.holds[rule.index])
    if not holds:
        if holds is False:
            inquiry.report(dead)
        return False
    attackers = _attackers(inquiry, rule)
    message = f"Whenever `{clause}` holds, {' or '.join(f'`{name}`' for name in attackers)} overrides it."
    fix = "Narrow the clause that overrides it, or take the sentence out."
    shadowed = Finding("shadowed-clause", (clause, *attackers), rule.span, message, fix)
    wins = inquiry.can(shadowed, situation.wins[rule.index])
    if wins is False:
        terms = (situation.holds[rule.index], situation.is_clear)
        is_overridden = judged(inquiry.policy, lambda decision: _is_cited(decision, clause, "overridden"))
        inquiry.report_case(shadowed, is_overridden, *terms)
    return bool(wins)


def _attackers(inquiry: Inquiry, rule: Rule) -> list[str]:
    rules = inquiry.policy.rules
    found = (other.clause for other in rules if rule.clause in other.overrides)
    return list(dict.fromkeys(found))


def _check_redundancy(inquiry: Inquiry, rule: Rule) -> None:
    """Whether one other rule wins in every case in which this one does, and says the same."""
    situation, policy = inquiry.situation, inquiry.policy
    for index in situation.of_verb(rule.verb):
        other = policy.rules[index]
        if index == rule.index or not set(rule.overrides) <= set(other.overrides):
            continue
        message = f"`{other.clause}` says the same in every case in which `{rule.clause}` decides."
        fix = f"Take `{rule.clause}` out, mark its sentence `{{.info}}`, or narrow `{other.clause}`."
        finding = Finding("redundant-rule", (rule.clause, other.clause), rule.span, message, fix)
        own = both(
            situation.wins[rule.index],
            either(opposite(_wins_met(inquiry, index)), situation.differ(rule.index, index)),
        )
        if inquiry.can(finding, own) is False:
            cited = (rule.clause, other.clause)
            terms = (situation.wins[rule.index], situation.is_clear)
            inquiry.report_case(finding, judged(policy, partial(_all_decide, cited)), *terms)
            return
    inquiry.proved["redundant-rule"] += 1


def _wins_met(inquiry: Inquiry, index: int) -> Term:
    return both(inquiry.situation.wins[index], inquiry.situation.met[index])


def check_conflicts(inquiry: Inquiry) -> None:
    """Whether clauses that win together always agree."""
    situation = inquiry.situation
    for index in situation.of_verb(Verb.GRANT):
        denials = situation.of_verb(Verb.DENY)
        _check_grant_against(inquiry, index, denials)
        for other in sorted(situation.meeting.get(index, ())):
            if other > index:
                _check_pair(inquiry, index, other)
    for first, second in situation.debt_pairs():
        _check_pair(inquiry, first, second)


def _check_grant_against(inquiry: Inquiry, index: int, denials: list[int]) -> None:
    situation = inquiry.situation
    rest = list(denials)
    together = inquiry.prover.ask(situation.wins[index], situation.any_denies)
    while together is Answer.POSSIBLE:
        found = [other for other in rest if inquiry.prover.value(situation.wins[other])]
        for other in found:
            _check_pair(inquiry, index, other)
        rest = [other for other in rest if other not in found]
        together = inquiry.prover.ask(
            situation.wins[index], either(*(situation.wins[other] for other in rest))
        )
    if together is Answer.UNKNOWN:
        for other in rest:
            _check_pair(inquiry, index, other)
    inquiry.proved["conflict"] += len(rest)


def _check_pair(inquiry: Inquiry, first: int, second: int) -> None:
    situation, rules = inquiry.situation, inquiry.policy.rules
    names = (rules[first].clause, rules[second].clause)
    quoted = " and ".join(f"`{name}`" for name in names)
    message = f"{quoted} hold together and disagree, and neither overrides the other."
    fix = f"Let one of {quoted} override the other, or narrow one of them."
    terms = (_wins_met(inquiry, first), _wins_met(inquiry, second), situation.differ(first, second))
    inquiry.rule_out(
        Finding("conflict", names, rules[second].span, message, fix),
        judged(inquiry.policy, lambda one: one.reason == "conflict" and _all_decide(names, one)),
        *terms,
        opposite(situation.any_refers),
        situation.is_clear,
        wishes=(*_both_pay(inquiry, first, second), _no_third_wins(inquiry, first, second)),
    )


def _both_pay(inquiry: Inquiry, first: int, second: int) -> Iterator[Term]:
    for index in (first, second):
        payment = inquiry.situation.payments[index]
        if payment is not None:
            yield payment.total > 0


def _no_third_wins(inquiry: Inquiry, first: int, second: int) -> Term:
    wins = inquiry.situation.wins
    return opposite(either(*(won for index, won in enumerate(wins) if index not in (first, second))))


def check_overrides(inquiry: Inquiry) -> None:
    """Whether the clauses that an override names can meet."""
    situation = inquiry.situation
    for rule in inquiry.policy.rules:
        for name, overridden in _overridden(inquiry, rule):
            message = f"`{rule.clause}` overrides `{name}`, but the two never hold together."
            fix = f"Take `{name}` out of the line `overrides:`, or correct one of the two conditions."
            finding = Finding("vacuous-override", (rule.clause, name), rule.span, message, fix)
            together = either(*(situation.holds[index] for index in overridden))
            found = inquiry.can(finding, situation.holds[rule.index], together)
            if found is False:
                inquiry.report(finding)
            elif found:
                inquiry.proved["vacuous-override"] += 1


def _overridden(inquiry: Inquiry, rule: Rule) -> Iterator[tuple[str, list[int]]]:
    for name in rule.overrides:
        yield name, [other.index for other in inquiry.policy.rules if other.clause == name]


def _is_cited(decision: Decision, clause: str, role: str) -> bool:
    return any(citation.id == clause and citation.role == role for citation in decision.clauses)


def _all_decide(clauses: tuple[str, ...], decision: Decision) -> bool:
    deciding = {citation.id for citation in decision.clauses if citation.role in _DECIDING}
    return set(clauses) <= deciding
