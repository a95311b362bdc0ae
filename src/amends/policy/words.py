"""Rules in words, for the public page and for agents."""

from amends.policy.expression import (
    All,
    Among,
    Arithmetic,
    Call,
    Cell,
    Choice,
    Compare,
    DeniedBy,
    Derived,
    Given,
    Literal,
    Node,
    Not,
    Number,
    Result,
    Some,
)
from amends.policy.facts import Value
from amends.policy.model import Policy
from amends.policy.types import YES_NO

_RELATIONS = {
    "==": "is",
    "!=": "is not",
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
}
_OPERATORS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
_FUNCTIONS = {
    "days_between": "the days from {0} to {1}",
    "elapsed": "the time from {0} to {1}",
    "months_started": "the months begun from {0} to {1}",
    "min": "the smaller of {}",
    "max": "the larger of {}",
    "clamp": "{0}, but at least {1} and at most {2}",
    "round": "{0}, rounded",
    "round_down": "{0}, rounded down",
    "round_up": "{0}, rounded up",
    "round_half_even": "{0}, rounded half to even",
}


def say(policy: Policy, node: Node) -> str:
    """An expression in plain words; numbers as the sentences show them."""
    match node:
        case Literal():
            return _say_value(node.value)
        case Given() | Derived() | Number() | Cell() | Result() | DeniedBy():
            return _say_name(policy, node)
        case Not():
            return f"not ({say(policy, node.operand)})"
        case All():
            return " and ".join(_grouped(policy, part) for part in node.operands)
        case Some():
            return " or ".join(_grouped(policy, part) for part in node.operands)
        case Compare():
            return f"{say(policy, node.left)} {_RELATIONS[node.operator]} {say(policy, node.right)}"
        case Among():
            return f"{say(policy, node.operand)} is {' or '.join(_plain(member) for member in node.members)}"
        case _:
            return _say_calculation(policy, node)


def _say_calculation(policy: Policy, node: Node) -> str:
    match node:
        case Arithmetic(operator="-", left=Literal(value=0)):
            return f"minus {say(policy, node.right)}"
        case Arithmetic():
            return f"{_inner(policy, node.left)} {_OPERATORS[node.operator]} {_inner(policy, node.right)}"
        case Call():
            parts = [say(policy, argument) for argument in node.arguments]
            return _FUNCTIONS[node.function].replace("{}", " and ".join(parts)).format(*parts)
        case Choice():
            then, otherwise = say(policy, node.then), say(policy, node.otherwise)
            return f"{then} if {say(policy, node.condition)}, else {otherwise}"
        case _:
            raise TypeError(f"no words for {type(node).__name__}")


def _say_name(policy: Policy, node: Node) -> str:
    match node:
        case Given():
            name = _plain(node.name)
            return f"yes to “{name}”" if node.type == YES_NO else name
        case Derived():
            return _plain(node.name)
        case Number():
            return policy.parameters[node.name].text
        case Cell():
            return f"{_plain(node.column)} in the table"
        case Result():
            return f"the {node.name}"
        case DeniedBy():
            return f"denied by {node.clause}"
        case _:
            raise TypeError(f"no name in {type(node).__name__}")


def _say_value(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _plain(str(value))


def _plain(word: str) -> str:
    return word.replace("_", " ")


def _grouped(policy: Policy, node: Node) -> str:
    return f"({say(policy, node)})" if isinstance(node, All | Some) else say(policy, node)


def _inner(policy: Policy, node: Node) -> str:
    return f"({say(policy, node)})" if isinstance(node, Arithmetic | Choice) else say(policy, node)
