"""The way a case goes, in one word; and the plain cases, in which every clause is known and no two say different things.

Most rows are plain. They are told apart by the clauses themselves, in two values, so that what could become of unknown
clauses is computed only for the others.
"""

from collections.abc import Iterable
from enum import StrEnum

from amends.policy.model import Verb
from amends.policy.resolution import members
from amends.policy.sql.payments import Payments, Say
from amends.policy.sql.terms import NULL, both, case, either, is_open, opposite, word


class Way(StrEnum):
    """Where a case ends, if no grant or need is named."""

    ERROR = "error"
    STRANGER = "stranger"
    """What the policy requires before everything is not met."""
    ASKS = "asks"
    """Something unknown decides."""
    DENIES = "denies"
    REVIEW = "review"


def way_of(say: Say, names: list[str]) -> str:
    """The way of a case that is decided by what rules say."""
    return f"grants {names[say.rule.index]}" if say.verb is Verb.GRANT else Way.DENIES


def way_lacking(say: Say, names: list[str]) -> str | None:
    """The way of a case that one rule would decide, but for its needs; None where several rules could lack them."""
    return f"lacks {names[say.rule.index]}" if len(say.rules) == 1 and say.rule.needs else None


class PlainCases:
    """The rows that one thing is said of, with every clause known."""

    def __init__(self, flags: list[str], names: list[str], payments: Payments, met: list[str]) -> None:
        self.names = names
        self.says = payments.says
        self.met = met
        attackers = payments.policy.attackers
        self.wins = [
            both(flag, *(opposite(flags[attacker]) for attacker in members(attackers[index])))
            for index, flag in enumerate(flags)
        ]
        self.unknown = either(*(is_open(flag) for flag in flags))

    def way(self, early: Iterable[tuple[str, str]]) -> str:
        """The way of a plain row, NULL for any other; `early` holds what is looked at before the clauses."""
        deciding = [say for say in self.says if say.verb is not Verb.REFER]
        referring = [say for say in self.says if say.verb is Verb.REFER]
        refers = either(*(self._won(say) for say in referring))
        # Where a rule refers and lacks nothing, no need of another could change that.
        hanging = either(
            *(self._lacks(say) for say in referring), *(self._pays_unknown(say) for say in deciding)
        )
        return case(
            [
                *early,
                (self.unknown, NULL),
                (refers, case([(hanging, NULL)], word(Way.REVIEW))),
                *(
                    (self._won(say), self._decided(say, deciding[number:]))
                    for number, say in enumerate(deciding, 1)
                ),
            ],
            word(Way.REVIEW),
        )

    def _won(self, say: Say) -> str:
        return either(*(self.wins[rule.index] for rule in say.rules))

    def _lacks(self, say: Say) -> str:
        """Whether a rule that says this and wins has a need that is not met."""
        return either(
            *(both(self.wins[rule.index], opposite(self.met[rule.index])) for rule in say.rules if rule.needs)
        )

    def _pays_unknown(self, say: Say) -> str:
        """Whether this is said, and its amounts are not known."""
        return both(self._won(say), say.is_undetermined)

    def _decided(self, say: Say, others: list[Say]) -> str:
        lacking = way_lacking(say, self.names)
        return case(
            [
                *((self._won(other), NULL) for other in others),
                (say.is_undetermined, NULL),
                (self._lacks(say), word(lacking) if lacking else NULL),
            ],
            word(way_of(say, self.names)),
        )
