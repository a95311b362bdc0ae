"""Scripted faults: what goes wrong with the next calls to a path."""

import re
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from amends.sandbox.store import Object


class Fault(StrEnum):
    """What can go wrong with a call."""

    REFUSE = "refuse"
    """The connection is cut before anything happens."""
    LOSE_ANSWER = "lose_answer"
    """It happens, and the connection is cut."""
    ERROR_BEFORE = "error_before"
    """500, nothing happens and nothing is remembered."""
    STORED_ERROR = "stored_error"
    """500 without effect, remembered under the key."""
    STORED_ERROR_AFTER = "stored_error_after"
    """500 although it happened, remembered under the key."""
    RATE_LIMIT = "rate_limit"
    LOCK_TIMEOUT = "lock_timeout"
    KEY_IN_USE = "key_in_use"
    TRUNCATE = "truncate"
    """It happens, and half of the answer arrives."""
    GARBAGE = "garbage"
    """It happens, and the answer is a web page with status 200."""
    EMPTY = "empty"
    """It happens, and the answer is 200 with nothing in it."""
    NO_FUNDS = "no_funds"
    """400 without effect, remembered under the key, as every refusal of something that was begun."""
    REJECT = "reject"
    """The same with the code that the plan names."""
    UNAUTHORISED = "unauthorised"
    """401, as with a key that was withdrawn; nothing happens."""
    SLOW = "slow"
    """It happens, and is answered after some seconds; the same key meanwhile is refused with 409."""
    HANG = "hang"
    """No answer for some seconds, then the connection is cut; nothing happens."""


@dataclass(slots=True)
class Plan:
    """A fault for the next calls that match."""

    fault: Fault
    path: re.Pattern[str]
    method: str
    left: int
    seconds: float
    code: str
    share: float
    """How likely each call meets it, from 0 to 1."""


class Faults:
    """The faults that are planned."""

    def __init__(self) -> None:
        self._plans: list[Plan] = []
        self._dice = Random(1)  # noqa: S311  # a trial that can be repeated is the point

    def add(self, form: Object) -> None:
        """Plan a fault.

        Raises: ValueError: unknown fault or bad pattern.
        """
        self._plans.append(
            Plan(
                fault=Fault(str(form["fault"])),
                path=re.compile(str(form.get("path", ".*"))),
                method=str(form.get("method", "POST")),
                left=int(str(form.get("count", 1))),
                seconds=float(str(form.get("seconds", 1))),
                code=str(form.get("code", "charge_not_refundable")),
                share=float(str(form.get("share", 1))),
            )
        )

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._plans.clear()

    def take(self, method: str, path: str) -> Plan | None:
        """The fault of a call, which is then used up once."""
        for plan in self._plans:
            is_meant = plan.left > 0 and plan.method == method and plan.path.fullmatch(path)
            if is_meant and (plan.share >= 1 or self._dice.random() < plan.share):
                plan.left -= 1
                return plan
        return None
