"""Cases as rows of a table, decided by the SQL of a policy and by `decide`, side by side."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from amends import InputError, decide
from amends.policy.answer import Decision
from amends.policy.facts import NONE, Input
from amends.policy.model import Policy
from amends.policy.sql.contract import column_names, has_companion
from amends.policy.types import Kind

Row = tuple[object, ...]
Answer = tuple[object, ...]
"""Outcome, grant, amount, clauses, missing and error."""

_DECIDING = ("grants", "denies", "refers")


def column_types(policy: Policy) -> dict[str, str]:
    """The columns of the contract, with types that DuckDB and PostgreSQL call alike."""
    types = {"id": "text", "currency": "text"}
    for declared in policy.inputs.values():
        types[declared.name] = _type_of(declared)
        if has_companion(declared):
            types[f"{declared.name}_{NONE}"] = "boolean"
    return {name: types[name] for name in column_names(policy)}


def _type_of(declared: Input) -> str:
    plain = {Kind.YES_NO: "boolean", Kind.ENUM: "text", Kind.INSTANT: "timestamptz"}
    if declared.type.kind in plain:
        return plain[declared.type.kind]
    return "bigint" if declared.type.unit else "decimal(24, 12)"


def row_of(policy: Policy, case: dict[str, object]) -> Row:
    """A case as a row of the contract."""
    found: dict[str, object] = {"id": case.get("id"), "currency": case.get("currency")}
    for declared in policy.inputs.values():
        value = case.get(declared.name)
        if has_companion(declared):
            found[f"{declared.name}_{NONE}"] = True if value == NONE else None
            value = None if value == NONE else value
        found[declared.name] = _held(declared, value)
    return tuple(found[name] for name in column_names(policy))


def _held(declared: Input, value: object) -> object:
    if isinstance(value, str) and declared.type.kind is Kind.INSTANT:
        return datetime.fromisoformat(value)
    if isinstance(value, str) and declared.type.kind is not Kind.ENUM:
        return Decimal(value)
    return value


def decided(policy: Policy, case: dict[str, object]) -> Answer:
    """What the kernel says, in the columns of the SQL."""
    try:
        decision = decide(policy, case)
    except InputError as error:
        return "error", None, 0, [], [], f"{error.code}: {error.input}"
    return (*_verdict(decision), None)


def _verdict(decision: Decision) -> Answer:
    cited = sorted(citation.id for citation in decision.clauses if citation.role in _DECIDING)
    return decision.outcome.value, decision.grant, decision.amount, cited, list(decision.missing)


def differences(
    policy: Policy, cases: Sequence[dict[str, object]], answers: Sequence[Row]
) -> Iterator[tuple[dict[str, object], Answer, Answer]]:
    """The cases in which an engine's rows, in the order of the cases, say something else than `decide`."""
    assert len(cases) == len(answers)
    for case, (name, *answer) in zip(cases, answers, strict=True):
        assert name == case["id"]
        expected = decided(policy, case)
        if expected != tuple(answer):
            yield case, expected, tuple(answer)
