"""From the truth of the clauses to what stands: overrides, needs and agreement (semantics, rules 2-7).

Rules are numbers, sets of rules are bit masks. An unknown clause is tried both ways; instead of walking through all
2^k combinations, this module asks whether *any* of them would end otherwise, which needs no enumeration: overrides are
acyclic and work by condition alone, so a clause can win as soon as no true clause overrides it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

Signature: TypeAlias = tuple[object, ...]

REFERS: Signature = ("refers",)
DENIES: Signature = ("denied",)
UNDETERMINED: Signature = ("undetermined",)
"""Of a grant with a line that is not known."""


class Standing(StrEnum):
    """How the clauses of a case come out together."""

    AGREE = "agree"
    ASK = "ask"
    SILENT = "silent"
    CONFLICT = "conflict"
    REFERS = "refers"

    @property
    def is_review(self) -> bool:
        """Whether a person decides."""
        return self in (Standing.SILENT, Standing.CONFLICT, Standing.REFERS)


@dataclass(frozen=True, slots=True)
class Clauses:
    """The rules of one case."""

    true: int
    unknown: int
    attackers: tuple[int, ...]
    signature: Callable[[int], Signature]
    is_met: Callable[[int], bool]
    """Whether all needs of a rule are met."""

    @property
    def winning(self) -> int:
        """B: true rules that no true rule overrides."""
        return self.unattacked(self.true, self.true)

    @property
    def able_to_win(self) -> int:
        """Unknown rules that no true rule overrides."""
        return self.unattacked(self.unknown, self.true)

    def unattacked(self, among: int, by: int) -> int:
        """The rules of one set that no rule of another set overrides."""
        return mask(index for index in members(among) if not self.attackers[index] & by)


def members(rules: int) -> Iterator[int]:
    """The rule numbers in a bit mask, in order."""
    while rules:
        lowest = rules & -rules
        yield lowest.bit_length() - 1
        rules ^= lowest


def mask(rules: Iterator[int]) -> int:
    """The bit mask of rule numbers."""
    found = 0
    for index in rules:
        found |= 1 << index
    return found


def resolve(clauses: Clauses) -> Standing:
    """How the case stands, whichever way the unknown clauses fall; ASK where that makes a difference."""
    standing = settle(clauses, clauses.winning)
    if standing is Standing.ASK or not clauses.unknown:
        return standing
    if standing is Standing.AGREE:
        differs = _another_could_win(clauses) or _needs_could_lack(clauses)
    elif not clauses.true:
        differs = any(clauses.signature(index) != REFERS for index in members(clauses.unknown))
    else:
        differs = _agreement_possible(clauses)
    return Standing.ASK if differs else standing


def settle(clauses: Clauses, winning: int) -> Standing:
    """How a set of winning clauses stands if nothing is unknown."""
    if not winning:
        return Standing.SILENT
    signatures = [clauses.signature(index) for index in members(winning)]
    if UNDETERMINED in signatures:
        return Standing.ASK
    unmet = [index for index in members(winning) if not clauses.is_met(index)]
    if len(set(signatures)) == 1 and signatures[0] != REFERS:
        return Standing.ASK if len(unmet) == len(signatures) else Standing.AGREE
    if any(_agrees_without(clauses, winning, index) for index in unmet):
        return Standing.ASK
    return Standing.REFERS if REFERS in signatures else Standing.CONFLICT


def _agrees_without(clauses: Clauses, winning: int, left_out: int) -> bool:
    rest = {clauses.signature(index) for index in members(winning & ~(1 << left_out))}
    return len(rest) == 1 and REFERS not in rest


def _another_could_win(clauses: Clauses) -> bool:
    agreed = clauses.signature(next(members(clauses.winning)))
    return any(clauses.signature(index) != agreed for index in members(clauses.able_to_win))


def _needs_could_lack(clauses: Clauses) -> bool:
    """Whether unknown clauses could override every winner whose needs are met."""
    acting = clauses.true | _sustained(clauses, clauses.unknown, clauses.is_met)
    return not any(clauses.is_met(index) for index in members(clauses.unattacked(clauses.true, acting)))


def _sustained(clauses: Clauses, candidates: int, is_barred: Callable[[int], bool]) -> int:
    """The largest set of unknown clauses that may act together without a barred one of them winning."""
    while True:
        acting = clauses.true | candidates
        winning = clauses.unattacked(candidates, acting)
        barred = mask(index for index in members(winning) if is_barred(index))
        if not barred:
            return candidates
        candidates &= ~barred


def _agreement_possible(clauses: Clauses) -> bool:
    """Whether, where a person would decide now, some combination would agree or ask instead."""
    able = clauses.winning | clauses.able_to_win
    signatures = {index: clauses.signature(index) for index in members(able)}
    if UNDETERMINED in signatures.values():
        return True
    # These win whichever way the unknown clauses fall, so a champion has to agree with them.
    sure = clauses.unattacked(clauses.true, clauses.true | clauses.unknown)
    for spare in [None, *(index for index in members(able) if not clauses.is_met(index))]:
        agreed = {signatures[index] for index in members(sure) if index != spare}
        champions = [index for index in signatures if index != spare and signatures[index] != REFERS]
        if any(
            agreed <= {signatures[index]} and _could_stand_alone(clauses, index, spare) for index in champions
        ):
            return True
    return False


def _could_stand_alone(clauses: Clauses, champion: int, spare: int | None) -> bool:
    """Whether some combination leaves only clauses that agree with the champion, and perhaps one with an unmet need."""
    agreed = clauses.signature(champion)

    def disagrees(index: int) -> bool:
        return index != spare and clauses.signature(index) != agreed

    allowed = clauses.unknown & ~clauses.attackers[champion]
    acting = clauses.true | _sustained(clauses, allowed, disagrees)
    if not acting >> champion & 1:
        return False
    return not any(disagrees(index) for index in members(clauses.unattacked(clauses.true, acting)))
