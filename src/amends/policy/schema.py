"""JSON Schema of a case, with who answers each input."""

from amends.policy.facts import COUNT_MAX, Input
from amends.policy.model import Policy
from amends.policy.money import AMOUNT_MAX, EXPONENTS
from amends.policy.types import Kind, Type


def case_schema(policy: Policy) -> dict[str, object]:
    """The schema that every case of the policy satisfies (JSON Schema 2020-12)."""
    properties: dict[str, object] = {"id": {}, "currency": _currency(policy)}
    properties |= {name: _input_schema(policy, declared) for name, declared in policy.inputs.items()}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A case of {policy.title}, version {policy.version}",
        "type": "object",
        "properties": properties,
        "required": ["currency"],
        "additionalProperties": False,
    }


def _currency(policy: Policy) -> dict[str, object]:
    return {"enum": list(policy.currencies) or sorted(EXPONENTS), "description": "ISO 4217", "x-from": "desk"}


def _input_schema(policy: Policy, declared: Input) -> dict[str, object]:
    known = _type_schema(declared.type)
    choices = [known, {"type": "null"}]
    if declared.type.optional:
        choices.insert(1, {"const": "none"})
    shown: dict[str, object] = {
        "anyOf": choices,
        "description": declared.label,
        "x-from": declared.answered_by,
    }
    questions = [need.question for rule in policy.rules for need in rule.needs if need.input == declared.name]
    if questions and questions[0]:
        shown["x-question"] = questions[0]
    return shown


def _type_schema(type_: Type) -> dict[str, object]:
    if type_.kind is Kind.YES_NO:
        return {"type": "boolean"}
    if type_.kind is Kind.ENUM:
        return {"enum": list(type_.members)}
    if type_.kind is Kind.INSTANT:
        return {"type": "string", "format": "date-time"}
    if not type_.unit:
        return {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": r"^-?\d{1,12}(\.\d{1,12})?$"}]}
    if any(name == "money" for name, _ in type_.unit):
        return {"type": "integer", "minimum": -AMOUNT_MAX, "maximum": AMOUNT_MAX, "x-unit": "minor units"}
    return {"type": "integer", "minimum": 0, "maximum": COUNT_MAX, "x-unit": str(type_)}
