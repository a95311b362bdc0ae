"""Straight-line Python for expressions of the model, in three values."""

from collections.abc import Mapping
from typing import TypeAlias

from amends.policy import dates
from amends.policy.evaluation import ROUNDINGS, calculate, cell_value
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
from amends.policy.money import round_exact
from amends.policy.types import YES_NO

Fixed: TypeAlias = Mapping[str, Value]
"""Inputs whose value is known while the code is made."""

Test: TypeAlias = tuple[str, str]
"""Two Python conditions: known true, known false."""

ALWAYS: Test = ("True", "False")
NEVER: Test = ("False", "True")
UNKNOWN: Test = ("False", "False")


class Code:
    """The body of one function of the facts `f`, statement by statement."""

    def __init__(self, policy: Policy, fixed: Fixed) -> None:
        self.policy = policy
        self.fixed = fixed
        self.on_unknown: str | None = None
        """A statement that leaves the function; once set, no value made from then on is unknown behind it."""
        self.results: Mapping[str, str] = {}
        """What stands for the results of a decision, where they are not in `r`."""
        self.lines: list[str] = []
        self.constants: dict[str, object] = {}
        self._names: dict[int, str] = {}
        self._reads: dict[str, str] = {}
        self._nones: dict[str, str] = {}
        self._doubtful: set[str] = {"None"}
        self._values: dict[Node, str] = {}
        self._tests: dict[str, Test] = {}

    def build(self, arguments: str = "f") -> object:
        """The function, compiled from the statements so far."""
        body = "\n ".join(self.lines) or "pass"
        scope = dict(self.constants)
        exec(f"def function({arguments}):\n {body}\n", scope)  # noqa: S102  # made from the typed model, see above
        return scope["function"]

    def value(self, node: Node) -> str:
        """A Python name or constant that holds the value of an expression, None where unknown."""
        if node not in self._values:
            self._values[node] = self._make_value(node)
        name = self._values[node]
        if self.on_unknown is not None and name in self._doubtful:
            self.lines.append(f"if {name} is None: {self.on_unknown}")
            self._doubtful.discard(name)
        return name

    def test(self, node: Node) -> Test:
        """The conditions under which a yes-or-no expression is known true and known false."""
        match node:
            case Literal():
                return UNKNOWN if node.value is None else ALWAYS if node.value else NEVER
            case Not():
                true, false = self.test(node.operand)
                return false, true
            case All():
                return self._test_all(node)
            case Some():
                tests = [self.test(part) for part in node.operands]
                return _or([true for true, _ in tests]), _and([false for _, false in tests])
            case Compare():
                return self._compare(node)
            case Among():
                return self._among(node)
            case Derived():
                return self._derived_test(node)
            case DeniedBy():
                held = f"{node.clause!r} in {self._result('denials')}.split()"
                return held, f"not {held}"
            case _:
                name = self.value(node)
                return f"{name} is True", f"{name} is False"

    def _test_all(self, node: All) -> Test:
        tests = []
        for part in node.operands:
            test = self.test(part)
            # What stands behind a false part is never looked at, so no code is made for it.
            if test == NEVER:
                return NEVER
            tests.append(test)
        return _and([true for true, _ in tests]), _or([false for _, false in tests])

    def _derived_test(self, node: Derived) -> Test:
        if node.name not in self._tests:
            test = self.test(self.policy.derived[node.name])
            if test not in (ALWAYS, NEVER, UNKNOWN):
                name = self._store(f"True if {test[0]} else False if {test[1]} else None")
                test = (f"{name} is True", f"{name} is False")
            self._tests[node.name] = test
        return self._tests[node.name]

    def _compare(self, node: Compare) -> Test:
        left, right = self.value(node.left), self.value(node.right)
        if left == "None" or right == "None":
            return UNKNOWN
        fixed = [name.startswith("'") for name in (left, right)]
        if all(fixed):
            return ALWAYS if (left == right) is (node.operator == "==") else NEVER
        names = [name for name in (left, right) if name in self._doubtful]
        known = "".join(f"{name} is not None and " for name in names)
        compared = f"{left} {node.operator} {right}"
        if right == "'none'":
            compared = self._is_none(left) if node.operator == "==" else f"(not {self._is_none(left)})"
        return f"({known}{compared})", f"({known}not {compared})"

    def _among(self, node: Among) -> Test:
        name = self.value(node.operand)
        if name == "None":
            return UNKNOWN
        if name.startswith("'"):
            return ALWAYS if name in map(repr, node.members) else NEVER
        members = self.constant(frozenset(node.members))
        return f"{name} in {members}", f"({name} is not None and {name} not in {members})"

    def _make_value(self, node: Node) -> str:
        match node:
            case Literal():
                return repr(node.value)
            case Given():
                return self._given(node)
            case Number():
                return self._number(node)
            case Derived():
                return self._derived(node)
            case Result():
                return self._result(node.name)
            case Cell():
                return self._cell(node)
            case Choice():
                return self._choice(node)
            case Arithmetic():
                return self._calculated(node.operator, self.value(node.left), self.value(node.right))
            case Call():
                return self._call(node.function, [self.value(argument) for argument in node.arguments])
            case _:
                return self._tristate(node)

    def _given(self, node: Given) -> str:
        if node.name in self.fixed:
            return repr(self.fixed[node.name])
        declared = self.policy.inputs.get(node.name)
        if node.name not in self._reads:
            self._reads[node.name] = self._store(f"f[{node.name!r}]")
        name = self._reads[node.name]
        return (
            self._without_none(name)
            if declared and declared.type.optional and not node.type.optional
            else name
        )

    def _derived(self, node: Derived) -> str:
        if node.type == YES_NO:
            return self._tristate(node)
        definition = self.policy.derived[node.name]
        name = self.value(definition)
        return self._without_none(name) if definition.type.optional and not node.type.optional else name

    def _without_none(self, name: str) -> str:
        """The value where a condition has excluded `none`; elsewhere it is never looked at, so unknown will do."""
        return self._store(f"None if {self._is_none(name)} else {name}")

    def _is_none(self, name: str) -> str:
        """Whether a value is the known `none`; asked once, as comparing a number with a word is slow."""
        if name not in self._nones:
            self._nones[name] = self._store(f"{name} == 'none'", may_be_unknown=False)
        return self._nones[name]

    def _tristate(self, node: Node) -> str:
        true, false = self.test(node)
        return self._store(f"True if {true} else False if {false} else None")

    def _number(self, node: Number) -> str:
        parameter = self.policy.parameters[node.name]
        name = repr(parameter.value) if isinstance(parameter.value, int) else self.constant(parameter.value)
        if parameter.currency is None:
            return name
        return self._store(f"{name} if f['currency'] == {parameter.currency!r} else None")

    def _cell(self, node: Cell) -> str:
        table = self.policy.tables[node.table]
        keys = "".join(f"{self.value(key)}, " for key in table.keys)
        column = table.columns.index(node.column)
        return self._store(
            f"{self.constant(cell_value)}({self.constant(table)}, {column}, ({keys}), f['currency'])"
        )

    def _choice(self, node: Choice) -> str:
        true, false = self.test(node.condition)
        if (true, false) in (ALWAYS, NEVER):
            return self.value(node.then if true == "True" else node.otherwise)
        then, otherwise = self._branches(node)
        same = f"{then} if {then} == {otherwise} else None"
        return self._store(f"{then} if {true} else {otherwise} if {false} else {same}")

    def _branches(self, node: Choice) -> tuple[str, str]:
        """Both values of a choice; the one that is not chosen may be unknown."""
        on_unknown, self.on_unknown = self.on_unknown, None
        names = self.value(node.then), self.value(node.otherwise)
        self.on_unknown = on_unknown
        return names

    def _result(self, name: str) -> str:
        return self.results.get(name, f"r.{name}")

    def _calculated(self, operator: str, left: str, right: str) -> str:
        if operator == "/":
            code = f"{self.constant(calculate)}('/', {left}, {right})"
            # Unknown also where the divisor is 0, so the name stays in doubt whatever its parts are.
            return self._store(self._known_or_none((left, right), code))
        return self._guarded((left, right), f"{left} {operator} {right}")

    def _call(self, function: str, arguments: list[str]) -> str:
        listed = ", ".join(arguments)
        zone = self.policy.zone
        match function:
            case "days_between" if zone == "UTC":
                day = dates.MICROSECONDS_PER_DAY
                code = f"{arguments[1]} // {day} - {arguments[0]} // {day}"
            case "days_between" | "months_started":
                code = f"{self.constant(getattr(dates, function))}({listed}, {zone!r})"
            case "elapsed":
                code = f"{arguments[1]} - {arguments[0]}"
            case "min" | "max" if len(arguments) == 2:  # noqa: PLR2004  # a pair needs no call
                first, second = arguments
                code = f"{first} if {first} {'<=' if function == 'min' else '>='} {second} else {second}"
            case "min" | "max":
                code = f"{function}({listed})"
            case "clamp":
                code = f"max({arguments[1]}, min({arguments[0]}, {arguments[2]}))"
            case _:
                mode = self.constant(ROUNDINGS.get(function, self.policy.rounding))
                code = f"{self.constant(round_exact)}({listed}, {mode})"
        return self._guarded(arguments, code)

    def _guarded(self, names: list[str] | tuple[str, ...], code: str) -> str:
        """The value of the code where all names are known, else None."""
        guarded = self._known_or_none(names, code)
        return self._store(guarded, may_be_unknown=guarded != code)

    def _known_or_none(self, names: list[str] | tuple[str, ...], code: str) -> str:
        doubtful = list(dict.fromkeys(name for name in names if name in self._doubtful))
        unknown = " or ".join(f"{name} is None" for name in doubtful)
        return f"None if {unknown} else {code}" if doubtful else code

    def _store(self, code: str, *, may_be_unknown: bool = True) -> str:
        name = f"v{len(self.lines)}"
        self.lines.append(f"{name} = {code}")
        if may_be_unknown:
            self._doubtful.add(name)
        return name

    def constant(self, value: object) -> str:
        """The name under which the code finds a value."""
        name = self._names.setdefault(id(value), f"c{len(self.constants)}")
        self.constants[name] = value
        return name


def _and(tests: list[str]) -> str:
    kept = [test for test in dict.fromkeys(tests) if test != "True"]
    if "False" in kept:
        return "False"
    return f"({' and '.join(kept)})" if kept else "True"


def _or(tests: list[str]) -> str:
    kept = [test for test in dict.fromkeys(tests) if test != "False"]
    if "True" in kept:
        return "True"
    return f"({' or '.join(kept)})" if kept else "False"
