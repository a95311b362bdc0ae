"""Random cases of any policy: every border of its numbers, times around its days, unknowns, `none` and bad values."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

from amends import InputError, decide
from amends.policy.facts import COUNT_MAX, NONE, Input
from amends.policy.model import Parameter, Policy
from amends.policy.money import AMOUNT_MAX
from amends.policy.types import MICROSECONDS, Kind

START = datetime(2025, 1, 31, tzinfo=UTC)
TRIES = 40
Case = dict[str, object]


class Cases:
    """A source of cases of one policy; the same seed gives the same ones."""

    def __init__(self, policy: Policy, seed: int) -> None:
        self.policy = policy
        self.random = Random(seed)  # noqa: S311 -- the same cases in every run
        self.numbers = [*policy.parameters.values(), *_cells(policy)]

    def several(self, count: int) -> list[Case]:
        """Many cases, each with its own share of unknowns; most of them possible."""
        return [self._tried(str(number)) for number in range(count)]

    def _tried(self, name: str) -> Case:
        case = self.one(name)
        for _ in range(self.random.choice((0, TRIES, TRIES, TRIES))):
            try:
                decide(self.policy, case)
            except InputError:
                case = self.one(name)
            else:
                break
        return case

    def one(self, name: str) -> Case:
        """One case."""
        unknown = self.random.choice((0, 0, 0.1, 0.4))
        bad = self.random.choice((0, 0, 0, 0.05))
        moment = START + timedelta(days=self.random.choice((0, 28, 180, 400)))
        case: Case = {"id": name, "currency": self._currency(bad)}
        for declared in self.policy.inputs.values():
            if self.random.random() >= unknown:
                case[declared.name] = self._value(declared, moment, bad)
        return case

    def _currency(self, bad: float) -> object:
        if self.random.random() < bad:
            return self.random.choice((None, "usd", "ZZZ"))
        used = {number.currency for number in self.numbers if number.currency}
        return self.random.choice((*self.policy.currencies, *sorted(used)) or ("USD", "JPY", "KWD"))

    def _value(self, declared: Input, moment: datetime, bad: float) -> object:
        type_, pick = declared.type, self.random.choice
        is_bad = self.random.random() < bad
        if type_.optional and self.random.random() < 0.3:
            return NONE
        if type_.kind is Kind.YES_NO:
            return self.random.random() < 0.7
        if type_.kind is Kind.ENUM:
            return "nonsense" if is_bad else pick(type_.members)
        if type_.kind is Kind.INSTANT:
            return "2200-01-01T00:00:00+00:00" if is_bad else self._instant(moment)
        if not type_.unit:
            return str(pick(("0.25", "0", "1", "-0.5", "0.333333333333", "1000000", "2.000000000001")))
        is_money = any(name == "money" for name, _ in type_.unit)
        if is_bad:
            return AMOUNT_MAX + 1 if is_money else -1
        return self._number(declared, is_money=is_money)

    def _number(self, declared: Input, *, is_money: bool) -> int:
        size = MICROSECONDS.get(declared.type.shown_in, 1)
        borders = [
            number.value // size
            for number in self.numbers
            if isinstance(number.value, int) and number.type.unit == declared.type.unit
        ]
        near = [border + step for border in borders for step in (-1, 0, 1) if border + step >= 0]
        usual = (0, 85, 1_900, 22_800, 29_999) if is_money else (0, 1, 2, 30)
        rare = (AMOUNT_MAX, -AMOUNT_MAX, -1) if is_money else (COUNT_MAX,)
        weighted = [*usual, *usual, *near, *near, self.random.randrange(40_000)]
        return self.random.choice(rare) if self.random.random() < 0.02 else self.random.choice(weighted)

    def _instant(self, moment: datetime) -> str:
        days = [0, 0, 1, 27, 28, 29, 30, 31, 365, 400]
        seconds = [0, 0, 1, 3_600, 36_000, 82_800, 86_399]
        for number in self.numbers:
            if isinstance(number.value, int) and number.type.unit == (("days", 1),):
                days += [number.value - 1, number.value, number.value + 1] * 2
            if isinstance(number.value, int) and number.type.unit == (("time", 1),):
                seconds += [number.value // 1_000_000 + step for step in (-1, 0, 1)]
            if number.type.kind is Kind.INSTANT and self.random.random() < 0.2:
                assert isinstance(number.value, int)
                moment = datetime.fromtimestamp(number.value // 1_000_000, UTC)
        shift = timedelta(days=self.random.choice(days) % 2_000, seconds=self.random.choice(seconds))
        if self.random.random() < 0.02:
            shift += timedelta(microseconds=self.random.randrange(1_000_000))
        return (moment + shift).isoformat()


def _cells(policy: Policy) -> Iterator[Parameter]:
    for table in policy.tables.values():
        for row in table.rows:
            yield from row.values
