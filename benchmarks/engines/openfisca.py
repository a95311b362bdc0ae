"""OpenFisca: variables with formulas over arrays; one case at a time, as a desk would ask it, or all at once."""

from collections.abc import Callable, Sequence

import numpy as np
from openfisca_core.entities import build_entity
from openfisca_core.periods import DateUnit
from openfisca_core.simulation_builder import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

from engines import Engine, Facts, with_numbers
from hand_written import FIX_TIME, FREE_USE, WINDOW

PERIOD = "2025-09"
OUTCOMES = ("granted", "denied", "needs_information", "needs_review")
GRANTS = (None, "refund", "partial_refund", "convert_to_monthly")
CASE = build_entity(key="request", plural="requests", label="A request", is_person=True)

FLAGS = (
    "identified",
    "reason_given",
    "accidental",
    "converted_before",
    "prevents_use",
    "continuous",
    "evidence",
)
WORDS = {
    "request": ("refund", "convert", "technical", "billing_error"),
    "product": ("subscription", "credits"),
    "interval": ("month", "year", "none"),
    "dispute": ("none", "open", "lost"),
}
NUMBERS = (
    *("paid", "fee", "refunded", "monthly_price", "generations"),
    *("age", "months", "days_open", "broken_days", "period_days"),
)


def engine() -> Engine:
    system = _system()
    return Engine(
        name="OpenFisca",
        says="outcome, grant, amount",
        prepare=lambda facts: _arrays([facts]),
        decide=lambda arrays: [found[0] for found in _calculate(system, arrays)],
        read=lambda found: (OUTCOMES[found[0]], GRANTS[found[1]], int(found[2])),
    )


def population(facts: Sequence[Facts], repeats: int) -> Callable[[], list[tuple[object, ...]]]:
    """A function that counts and sums what is said of all cases, each repeated; its inputs lie ready in arrays."""
    system = _system()
    arrays = {name: np.tile(array, repeats) for name, array in _arrays(facts).items()}

    def verdicts():
        outcome, kind, amount = _calculate(system, arrays)
        keys = outcome * len(GRANTS) + kind
        rows, sums = np.bincount(keys), np.bincount(keys, weights=amount)
        return [
            (OUTCOMES[key // len(GRANTS)], GRANTS[key % len(GRANTS)], int(rows[key]), int(sums[key]))
            for key in np.flatnonzero(rows)
        ]

    return verdicts


def _system():
    system = TaxBenefitSystem([CASE])
    for name in (*FLAGS, *WORDS, *NUMBERS):
        system.add_variable(_variable(name))
    for formula in (_early, _left, _rest, _branch, _outcome, _kind, _amount):
        system.add_variable(_variable(formula.__name__.strip("_"), formula))
    return system


def _calculate(system, arrays):
    """Outcome, grant and amount of each case."""
    simulation = SimulationBuilder().build_default_simulation(system, count=len(arrays["paid"]))
    for name, array in arrays.items():
        simulation.set_input(name, PERIOD, array)
    return [simulation.calculate(name, PERIOD) for name in ("outcome", "kind", "amount")]


def _arrays(facts):
    """The inputs of the cases, with words as numbers."""
    known = [with_numbers(case) for case in facts]
    words = {name: np.array([members.index(case[name]) for case in known]) for name, members in WORDS.items()}
    return words | {name: np.array([case[name] for case in known]) for name in (*FLAGS, *NUMBERS)}


def _variable(name, formula=None):
    """An integer of one request; the engine wants a class of its own for each."""
    declared = {"value_type": int, "entity": CASE, "definition_period": DateUnit.MONTH}
    return type(name, (Variable,), declared | ({"formula": formula} if formula else {}))


def _early(case, period):
    return (case("age", period) <= WINDOW) * (case("generations", period) <= FREE_USE)


def _left(case, period):
    return case("paid", period) - case("refunded", period) - case("fee", period)


def _rest(case, period):
    return case("left", period) - case("monthly_price", period) * case("months", period)


def _branch(case, period):
    """Which row of the rules applies, the first that holds."""

    def get(name):
        return case(name, period)

    converts, asks = get("request") == 1, get("request") == 0
    lasting = get("prevents_use") * get("continuous") * (get("days_open") > FIX_TIME)
    conditions = [
        get("identified") == 0,
        (get("request") == 3) + (get("dispute") == 1),
        get("product") == 1,
        converts * ((get("interval") != 1) + (get("accidental") == 0)),
        converts * get("converted_before"),
        converts * (get("rest") > 0),
        converts,
        get("early") * asks * (get("reason_given") == 0),
        get("early"),
        asks + (lasting == 0),
        get("evidence") == 0,
    ]
    return np.select([condition.astype(bool) for condition in conditions], range(11), 11)


def _outcome(case, period):
    return np.array([2, 3, 1, 1, 3, 0, 1, 2, 0, 1, 2, 0])[case("branch", period)]


def _kind(case, period):
    return np.array([0, 0, 0, 0, 0, 3, 0, 0, 1, 0, 0, 2])[case("branch", period)]


def _amount(case, period):
    left, days = case("left", period), case("period_days", period)
    share = (case("paid", period) - case("fee", period)) * case("broken_days", period)
    partial = np.minimum((2 * share + days) // (2 * days), left)
    amounts = (0 * left, case("rest", period), np.maximum(0, left), np.maximum(0, partial))
    chosen = np.array([0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 3])[case("branch", period)]
    return np.choose(chosen, amounts)
