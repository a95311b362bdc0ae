"""The one namespace of a policy: inputs, parameters, tables and derived facts."""

import keyword
import re
from dataclasses import dataclass, field

from amends.policy.errors import Problems, nearest
from amends.policy.expression import Node
from amends.policy.facts import Input
from amends.policy.model import RESERVED, Parameter, Table
from amends.policy.reader.syntax import NAME_LENGTH_MAX, is_name
from amends.policy.source import Fragment, Span
from amends.policy.types import Type


@dataclass(slots=True)
class Scope:
    """Everything an expression may name, and what it has named so far."""

    inputs: dict[str, Input] = field(default_factory=dict)
    parameters: dict[str, Parameter] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    definitions: dict[str, Fragment] = field(default_factory=dict)
    """The text of each `define`, before it is resolved."""
    derived: dict[str, Node] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)
    """Where each name was declared; columns as `table.column`."""
    broken: set[str] = field(default_factory=set)
    """Names whose declaration has a problem of its own: using them is no second one."""
    is_partial: bool = False
    """Whether names may be missing because a whole list of them could not be read."""
    has_nameless: bool = False
    """Whether a declaration has no name of its own, so that a name used elsewhere may be meant for it."""
    used: set[str] = field(default_factory=set)
    """Names that an expression reads; columns as `table.column`."""
    divisions: list[tuple[Node, Fragment]] = field(default_factory=list)
    """Divisors that must be shown not to be zero."""
    repeats: list[tuple[Fragment, Fragment]] = field(default_factory=list)
    """Numbers that a sentence says again: the name, and what is shown."""

    def declare(self, key: Fragment, problems: Problems) -> bool:
        """Note where a new name stands; false where it is malformed, reserved or taken."""
        name = key.text
        if name in RESERVED:
            fix = f"Choose another name, such as `the_{name}`."
            problems.add("reserved-name", key.span(), f"`{name}` has a fixed meaning in the language.", fix)
        elif not is_name(name):
            problems.add("bad-name", key.span(), f"`{name}` cannot be a name.", name_advice(name))
        elif name in self.places:
            message = f"`{name}` is already declared in line {self.places[name].line}."
            problems.add("duplicate-name", key.span(), message, "Give one of the two another name.")
            self.has_nameless = True
        else:
            self.places[name] = key.span()
            return True
        # Also the parts that an expression would make of `paid-amount`.
        self.broken.update(re.findall(r"\w+", name))
        return False

    def names(self) -> set[str]:
        """All names that can stand alone in an expression."""
        return {*self.inputs, *self.parameters, *self.definitions}

    def may_be_declared(self, name: str) -> bool:
        """Whether an unknown name is probably the fault of another problem."""
        if self.is_partial or name in self.broken:
            return True
        return self.has_nameless and nearest(name, {*self.names(), *self.tables}) is None

    def known_type(self, name: str) -> Type | None:
        """The type of a name that is already resolved."""
        if name in self.inputs:
            return self.inputs[name].type
        if name in self.parameters:
            return self.parameters[name].type
        return self.derived[name].type if name in self.derived else None


def name_advice(name: str) -> str:
    """How a name could be written instead."""
    if len(name) > NAME_LENGTH_MAX:
        return f"A name has at most {NAME_LENGTH_MAX} characters."
    if keyword.iskeyword(name):
        return f"The word is kept for expressions; choose another, such as `the_{name}`."
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
    plain = re.sub(r"[^a-z0-9]+", "_", spaced, flags=re.ASCII).strip("_")
    if is_name(plain):
        return f"Write `{plain}`: small letters, digits and `_`."
    return "Use small letters, digits and `_`, and begin with a letter."
