"""The one namespace of a policy: inputs, parameters, tables and derived facts."""

from dataclasses import dataclass, field

from amends.policy.expression import Node
from amends.policy.facts import Input
from amends.policy.model import Parameter, Table
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
    """Where each name was declared."""
    used: set[str] = field(default_factory=set)
    """Names that an expression reads; columns as `table.column`."""
    divisions: list[tuple[Node, Span]] = field(default_factory=list)
    """Divisors that must be shown not to be zero."""

    def names(self) -> set[str]:
        """All names that can stand alone in an expression."""
        return {*self.inputs, *self.parameters, *self.definitions}

    def known_type(self, name: str) -> Type | None:
        """The type of a name that is already resolved."""
        if name in self.inputs:
            return self.inputs[name].type
        if name in self.parameters:
            return self.parameters[name].type
        return self.derived[name].type if name in self.derived else None
