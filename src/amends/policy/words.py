"""Rules in words, for the public page and for agents."""

from collections.abc import Iterable
from dataclasses import dataclass
from gettext import NullTranslations

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
from amends.policy.translation import LOCALE, noop, translation
from amends.policy.types import YES_NO

_RELATIONS = {
    "==": noop("%(left)s is %(right)s"),
    "!=": noop("%(left)s is not %(right)s"),
    "<": noop("%(left)s is below %(right)s"),
    "<=": noop("%(left)s is at most %(right)s"),
    ">": noop("%(left)s is above %(right)s"),
    ">=": noop("%(left)s is at least %(right)s"),
}
_OPERATORS = {
    "+": noop("%(left)s plus %(right)s"),
    "-": noop("%(left)s minus %(right)s"),
    "*": noop("%(left)s times %(right)s"),
    "/": noop("%(left)s divided by %(right)s"),
}
_FUNCTIONS = {
    "days_between": noop("the days from %(first)s to %(second)s"),
    "elapsed": noop("the time from %(first)s to %(second)s"),
    "months_started": noop("the months begun from %(first)s to %(second)s"),
    "min": noop("the smaller of %(all)s"),
    "max": noop("the larger of %(all)s"),
    "clamp": noop("%(first)s, but at least %(second)s and at most %(third)s"),
    "round": noop("%(first)s, rounded"),
    "round_down": noop("%(first)s, rounded down"),
    "round_up": noop("%(first)s, rounded up"),
    "round_half_even": noop("%(first)s, rounded half to even"),
}
_PLACES = ("first", "second", "third")


def say(policy: Policy, node: Node, locale: str = LOCALE) -> str:
    """An expression in plain words; numbers as the sentences show them, facts by their names in the policy."""
    return _Voice(policy, translation(locale)).say(node)


@dataclass(frozen=True, slots=True)
class _Voice:
    policy: Policy
    catalogue: NullTranslations

    def say(self, node: Node) -> str:
        match node:
            case Literal():
                return self._value(node.value)
            case Given() | Derived() | Number() | Cell() | Result() | DeniedBy():
                return self._name(node)
            case Not():
                return self._fill(noop("not (%(condition)s)"), condition=self.say(node.operand))
            case All():
                return self._and(self._grouped(part) for part in node.operands)
            case Some():
                return self._or(self._grouped(part) for part in node.operands)
            case Compare():
                sides = {"left": self.say(node.left), "right": self.say(node.right)}
                return self._fill(_RELATIONS[node.operator], **sides)
            case Among():
                members = self._or(_plain(member) for member in node.members)
                return self._fill(_RELATIONS["=="], left=self.say(node.operand), right=members)
            case _:
                return self._calculation(node)

    def _calculation(self, node: Node) -> str:
        match node:
            case Arithmetic(operator="-", left=Literal(value=0)):
                return self._fill(noop("minus %(operand)s"), operand=self.say(node.right))
            case Arithmetic():
                sides = {"left": self._inner(node.left), "right": self._inner(node.right)}
                return self._fill(_OPERATORS[node.operator], **sides)
            case Call():
                parts = [self.say(argument) for argument in node.arguments]
                named = dict(zip(_PLACES, parts, strict=False))
                return self._fill(_FUNCTIONS[node.function], all=self._and(parts), **named)
            case Choice():
                return self._fill(
                    noop("%(then)s if %(condition)s, else %(otherwise)s"),
                    then=self.say(node.then),
                    condition=self.say(node.condition),
                    otherwise=self.say(node.otherwise),
                )
            case _:
                raise TypeError(f"no words for {type(node).__name__}")

    def _name(self, node: Node) -> str:
        match node:
            case Given() if node.type == YES_NO:
                return self._fill(noop("yes to “%(question)s”"), question=_plain(node.name))
            case Given() | Derived():
                return _plain(node.name)
            case Number():
                return self.policy.parameters[node.name].text
            case Cell():
                return self._fill(noop("%(column)s in the table"), column=_plain(node.column))
            case Result():
                return self._fill(noop("the %(result)s"), result=node.name)
            case DeniedBy():
                return self._fill(noop("denied by %(clause)s"), clause=node.clause)
            case _:
                raise TypeError(f"no name in {type(node).__name__}")

    def _value(self, value: Value) -> str:
        if isinstance(value, bool):
            return self.catalogue.gettext("yes") if value else self.catalogue.gettext("no")
        return _plain(str(value))

    def _fill(self, message: str, **words: str) -> str:
        return self.catalogue.gettext(message) % words

    def _and(self, parts: Iterable[str]) -> str:
        # Translators: stands between the parts of a condition.
        return self.catalogue.pgettext("between parts", " and ").join(parts)

    def _or(self, parts: Iterable[str]) -> str:
        # Translators: stands between the parts of a condition.
        return self.catalogue.pgettext("between parts", " or ").join(parts)

    def _grouped(self, node: Node) -> str:
        return f"({self.say(node)})" if isinstance(node, All | Some) else self.say(node)

    def _inner(self, node: Node) -> str:
        return f"({self.say(node)})" if isinstance(node, Arithmetic | Choice) else self.say(node)


def _plain(word: str) -> str:
    return word.replace("_", " ")
