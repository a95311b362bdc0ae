"""Scenarios: a file of calls that are made to a fresh sandbox, so that a trial begins where somebody wants it to.

`docs/sandbox.md` says what a file holds.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime

from amends.sandbox.account import Account, Asked
from amends.sandbox.forms import write_form
from amends.sandbox.store import Object

_CALL = re.compile(r"(GET|POST|DELETE) (/\S+)")
_STEP = {"call", "with", "as", "refused"}
_REPEAT = {"repeat", "steps"}


class ScenarioError(Exception):
    """The file does not read, or a call went otherwise than it says; the message says where and what to do."""


def play(account: Account, text: str) -> int:
    """Make the calls of a scenario; how many they were.

    Raises: ScenarioError: the calls before stay made.
    """
    try:
        scenario = json.loads(text)
    except json.JSONDecodeError as error:
        raise ScenarioError(f"line {error.lineno} is no JSON: {error.msg}. See docs/sandbox.md.") from error
    if not isinstance(scenario, dict) or not scenario.keys() <= {"starts", "steps"}:
        raise ScenarioError(
            "a scenario is an object with “steps”, and “starts” where it begins at another time."
        )
    if "starts" in scenario:
        account.clock.advance(_seconds(scenario["starts"]) - account.clock.now())
    player = _Player(account)
    player.play(scenario.get("steps"), "step ", 0)
    return player.calls


def _seconds(said: object) -> int:
    try:
        at = datetime.fromisoformat(str(said))
    except ValueError as error:
        raise ScenarioError(f"“starts” is {said!r}; write it as 2025-09-01T10:00:00Z.") from error
    if at.tzinfo is None:
        raise ScenarioError(f"“starts” is {said!r}, without a zone; write it as 2025-09-01T10:00:00Z.")
    return int(at.timestamp())


class _Player:
    def __init__(self, account: Account) -> None:
        self.account = account
        self.named: dict[str, object] = {}
        self.calls = 0

    def play(self, steps: object, place: str, turn: int) -> None:
        if not isinstance(steps, list):
            raise ScenarioError(f"{place.strip()}: “steps” is a list of calls.")
        for number, step in enumerate(steps, 1):
            here = f"{place}{number}"
            if not isinstance(step, dict):
                raise ScenarioError(f"{here} is no object.")
            if "repeat" in step:
                self._repeat(step, here)
            else:
                self._call(step, here, turn)

    def _repeat(self, step: Mapping[str, object], here: str) -> None:
        times = step["repeat"]
        if not isinstance(times, int) or not step.keys() <= _REPEAT:
            raise ScenarioError(f"{here}: “repeat” is a number, beside “steps”.")
        for turn in range(1, times + 1):
            self.play(step.get("steps"), f"{here}, turn {turn}, step ", turn)

    def _call(self, step: Mapping[str, object], here: str, turn: int) -> None:
        if unknown := sorted(step.keys() - _STEP):
            raise ScenarioError(
                f"{here}: {', '.join(unknown)} is not known; a step has {', '.join(sorted(_STEP))}."
            )
        match = _CALL.fullmatch(str(self._filled(step.get("call", ""), here, turn)))
        if match is None:
            raise ScenarioError(f"{here}: “call” is a method and a path, such as POST /v1/customers.")
        body = self._filled(step.get("with", {}), here, turn)
        if not isinstance(body, dict):
            raise ScenarioError(f"{here}: “with” is an object of parameters.")
        reply = self.account.answer(Asked(match[1], match[2], "", write_form(body)))
        self.calls += 1
        if reply is None or reply.cut_to is not None:
            return
        answer = json.loads(reply.body)
        self._compare(answer, step.get("refused"), f"{here} ({match[0]})")
        if "as" in step:
            self.named[str(step["as"])] = answer

    def _compare(self, answer: Object, expected: object, here: str) -> None:
        error = answer.get("error")
        code = (error.get("code") or error["type"]) if isinstance(error, dict) else None
        if code != expected:
            words = error["message"] if isinstance(error, dict) else "it was carried out"
            wanted = f"should be refused as {expected}" if expected else "should be carried out"
            raise ScenarioError(f"{here} {wanted}: {words}")

    def _filled(self, value: object, here: str, turn: int) -> object:
        """Words with what they stand for: `$name.field` is a part of an earlier answer, `{n}` the turn."""
        if isinstance(value, dict):
            return {key: self._filled(part, here, turn) for key, part in value.items()}
        if isinstance(value, list):
            return [self._filled(part, here, turn) for part in value]
        if not isinstance(value, str):
            return value
        return re.sub(
            r"\$\w+(?:\.\w+)+", lambda found: self._found(found[0], here), value.replace("{n}", str(turn))
        )

    def _found(self, reference: str, here: str) -> str:
        name, *path = reference.removeprefix("$").split(".")
        value = self.named.get(name)
        for part in path:
            if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
                value = value[int(part)]
            else:
                value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            raise ScenarioError(f"{here}: {reference} leads to nothing; “as” names an answer before.")
        return str(value)
