"""The short form of the campaign: some worlds hold, planted defects fit the source, and one of them is found."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import transaction

from amends.desk.payments.actions import request_refund
from amends.desk.payments.refund_plan import RefundPlan
from answers import try_answers
from conftest import ROOT
from planted_money import PLANTED, Planted
from planting import plant
from simulation.invariants import read_state
from simulation.network import Weather
from simulation.tables import forget_world
from simulation.world import ViolationError, World, leave

KEPT = (33, 55, 59, 60, 74, 246, 1700)
"""Seeds that found a defect, ours or a planted one."""


@pytest.fixture(autouse=True)
def _no_world_left() -> Iterator[None]:
    yield
    forget_world()
    leave()


def test_no_sequence_of_two_answers_breaks_a_promise() -> None:
    ((_, held, words),) = try_answers(2)

    assert (held, words.split(" held")[0]) == (True, "1,167")


@pytest.mark.parametrize("seed", [*range(3), *KEPT])
def test_in_every_world_each_refund_is_paid_exactly_once_and_booked(seed: int) -> None:
    World(seed).run()


class Distrustful(World):
    """A world that reads again after each step."""

    def step(self, step: Callable[[], None]) -> None:
        super().step(step)
        assert read_state() == self.reading.state()


@pytest.mark.parametrize("seed", range(40, 43))
def test_what_a_world_does_not_read_again_nobody_has_changed(seed: int) -> None:
    Distrustful(seed).run()


def test_a_seed_makes_the_same_world_again() -> None:
    lived = []
    for _ in range(2):
        world = World(7)
        world.run()
        answers = [(one.status, one.was_replay, one.is_late) for one in world.network.sendings]
        lived.append((world.trace, answers, [one["status"] for one in world.held()]))
        forget_world()

    assert lived[0] == lived[1]


def test_a_refund_that_the_gateway_has_twice_is_a_violation() -> None:
    world = World(0)
    world.network.weather = Weather()
    with transaction.atomic():
        request_refund(world.payments[0], RefundPlan(300, "refund"), uuid.uuid4(), "0" * 64)
    world.step(world.work)
    (made,) = world.held()

    form = {"charge": made["charge"], "amount": 50, "metadata": made["metadata"]}
    world.account.api.refunds.create(form)

    with pytest.raises(ViolationError, match="2 at the gateway"):
        world.step(world.outside.settle)


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_every_planted_defect_fits_the_source(tmp_path: Path, planted: Planted) -> None:
    for patch in planted.patches:
        copied = tmp_path / patch.file
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_text((ROOT / patch.file).read_text())

    plant(planted, tmp_path)

    assert all(
        (tmp_path / patch.file).read_text() != (ROOT / patch.file).read_text() for patch in planted.patches
    )
