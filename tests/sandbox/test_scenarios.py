"""A scenario is a file of calls; one that goes otherwise says where."""

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import stripe

from amends.sandbox.scenarios import ScenarioError, play
from amends.sandbox.server import Sandbox
from conftest import ROOT
from gateways import serving

SHIPPED = ROOT / "examples" / "sandbox" / "a-year.json"


def test_the_shipped_scenario_plays(sandbox: Sandbox, sdk: stripe.StripeClient) -> None:
    play(sandbox.account, SHIPPED.read_text())

    assert [one.status for one in sdk.v1.disputes.list()] == ["lost"]
    assert {one.status for one in sdk.v1.refunds.list()} == {"succeeded", "pending"}
    assert len(list(sdk.v1.customers.list({"limit": 100}))) == 13
    assert sdk.v1.customers.list({"limit": 1}).data[0].created < 1_800_000_000


def test_the_scenario_in_the_documents_plays(sandbox: Sandbox) -> None:
    written = (ROOT / "docs" / "sandbox.md").read_text().split("```json\n")[1].split("```")[0]

    assert play(sandbox.account, written) == 9


@pytest.mark.parametrize(
    "scenario, message",
    [
        ("{", "line 1 is no JSON"),
        ({"step": []}, "a scenario is an object with “steps”"),
        ({"steps": {}}, "step: “steps” is a list of calls."),
        ({"starts": "yesterday", "steps": []}, "write it as 2025-09-01T10:00:00Z"),
        ({"starts": "2025-09-01T10:00:00", "steps": []}, "without a zone"),
        ({"steps": ["go"]}, "step 1 is no object."),
        ({"steps": [{"call": "PUT /v1/customers"}]}, "step 1: “call” is a method and a path"),
        ({"steps": [{"call": "POST /v1/customers", "whit": {}}]}, "step 1: whit is not known"),
        (
            {"steps": [{"call": "POST /v1/customers", "with": {"nmae": "A"}}]},
            "should be carried out: Received unknown",
        ),
        ({"steps": [{"call": "POST /v1/customers", "refused": "card_declined"}]}, "it was carried out"),
        ({"steps": [{"call": "GET /v1/charges/$sale.id"}]}, "$sale.id leads to nothing"),
        ({"steps": [{"repeat": "2", "steps": []}]}, "step 1: “repeat” is a number"),
        ({"steps": [{"repeat": 2, "steps": [{"call": "x"}]}]}, "step 1, turn 1, step 1:"),
    ],
)
def test_a_scenario_that_does_not_play_says_where_and_why(
    sandbox: Sandbox, scenario: object, message: str
) -> None:
    text = scenario if isinstance(scenario, str) else json.dumps(scenario)

    with pytest.raises(ScenarioError) as raised:
        play(sandbox.account, text)

    assert message in str(raised.value)


def test_the_command_plays_a_scenario_into_a_fresh_sandbox_only(tmp_path: Path) -> None:
    scenario = tmp_path / "one.json"
    scenario.write_text(json.dumps({"steps": [{"call": "POST /v1/customers"}]}))
    said = [run(tmp_path, "--scenario", str(scenario)) for _ in range(2)]

    assert "made 1 calls" in said[0]
    assert "holds objects already" in said[1]
    assert said[1].count('"customer"') == 1


def test_the_command_refuses_a_port_that_is_taken_and_a_scenario_that_does_not_play(tmp_path: Path) -> None:
    scenario = tmp_path / "one.json"
    scenario.write_text("[]")
    with serving() as busy:
        port = busy.server_address[1]
        taken = command(tmp_path, "--port", str(port)).communicate(timeout=20)[0]
    wrong = command(tmp_path, "--port", "0", "--scenario", str(scenario)).communicate(timeout=20)[0]

    assert taken.startswith(f"Error: Port {port} is taken")
    assert wrong.startswith(f"Error: {scenario}: a scenario is an object")


def command(state: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "amends", "sandbox", "--state", str(state), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(state: Path, *options: str) -> str:
    """What the command says until it listens, and the customers that it holds."""
    process = command(state, "--port", "0", *options)
    assert process.stdout
    said = ""
    end = time.monotonic() + 20
    while "listens at " not in said and time.monotonic() < end:
        said += process.stdout.readline()
    address = said.split("listens at ")[1].split(";")[0]
    request = urllib.request.Request(f"{address}/v1/customers", headers={"Authorization": "Bearer sk_test"})  # noqa: S310  # our own server
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # as above
        said += str(answer.read(), "utf-8")
    process.terminate()
    process.communicate(timeout=10)
    return said
