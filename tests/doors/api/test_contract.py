"""The contract's own examples: what it sends is taken, and what it shows is what comes back."""

import json
import re
from typing import Any

from amends.desk.announcements.models import Delivery
from amends.desk.cases.models import Case
from amends.desk.policies.actions import publish
from amends.sandbox.server import Sandbox
from conftest import ROOT
from shop import day, go_to
from trade import make_charge
from web import Client

BLOCK = re.compile(r"```json\n(.*?)```", re.DOTALL)
VARIES = {
    "number",
    "case",
    "url",
    "created_at",
    "sent_at",
    "opened_at",
    "case_id",
    "id",
    "event_id",
    "subject",
}
"""Members that differ each time, or that the page shortens to `…`."""


def examples() -> list[Any]:
    text = (ROOT / "docs" / "contract.md").read_text()
    return [json.loads(block) for block in BLOCK.findall(text)]


def assert_shown(shown: object, found: object, place: str = "") -> None:
    """Everything that the page shows is in what was found; what it shortens is only there."""
    if isinstance(shown, dict):
        assert isinstance(found, dict)
        for name, value in shown.items():
            assert name in found, f"{place}.{name} is not in the answer"
            if name not in VARIES:
                assert_shown(value, found[name], f"{place}.{name}")
    elif isinstance(shown, list):
        assert isinstance(found, list)
        assert len(shown) <= len(found), f"{place} has {len(found)} items"
        for number, value in enumerate(shown):
            assert_shown(value, found[number], f"{place}.{number}")
    elif isinstance(shown, str) and "…" in shown:
        assert str(found).startswith(shown.partition("…")[0].rstrip()), f"{place} is {found}"
    else:
        assert shown == found, f"{place} is {found}, and the page says {shown}"


def test_the_examples_of_the_contract_are_taken_and_answered_as_it_says(
    program: Client, sandbox: Sandbox
) -> None:
    invalid, customer, usage, _wallet, shown_policy, annual, subscription, order, recorded = examples()[:9]
    events, results, asked, preview, case, endpoint, event = examples()[9:]
    go_to(day(-1))
    publish((ROOT / "policies" / "flux-kontext.md").read_text(), None)
    charge = make_charge(sandbox, 1900, fee="85", created=str(int(day(0).timestamp())))
    order["charge"] = recorded["payments"][0]["charge"] = charge
    price = {"currency": "USD", "amount": 1900, "gateway_id": "price_0"}
    monthly = annual | {"id": "monthly", "interval": "month", "monthly": None, "prices": [price]}
    go_to(day(0, 12))

    refused = program.post("/api/v1/customers", customer | {"email": "nowhere"})
    assert_shown(invalid, refused.json)
    for path, body in (
        ("customers", customer),
        ("acknowledgements", shown_policy),
        ("plans", monthly),
        ("plans", annual),
        ("subscriptions", subscription),
        ("webhook-endpoints", endpoint | {"events": ["case.decided"]}),
    ):
        made = program.post(f"/api/v1/{path}", body)
        assert made.status == 201, made.body
        assert_shown(body, made.json)
    made = program.post("/api/v1/orders", order)
    assert_shown(recorded, made.json)

    batch = {"Content-Type": "application/cloudevents-batch+json"}
    program.send("POST", "/api/v1/usage/events", [events[0] | {"id": "job-0"}], batch)
    changed = events[0] | {"id": "job-0", "data": events[0]["data"] | {"outcome": "failed"}}
    told = program.send("POST", "/api/v1/usage/events", [*events, changed], batch)
    assert_shown(results, told.json)
    for number in range(10):
        program.send("POST", "/api/v1/usage/events", [events[0] | {"id": f"more-{number}"}], batch)
    assert_shown(usage, program.get("/api/v1/customers/user-17/usage").json)

    go_to(day(3))
    assert_shown(preview, program.post("/api/v1/decisions/preview", asked).json)
    opened = program.post("/api/v1/cases", asked)
    assert_shown(case | {"refunds": [], "letters": []}, opened.json)
    assert set(case["refunds"][0]) == set(opened.json["refunds"][0])
    assert set(case["letters"][0]) == set(opened.json["letters"][0])
    assert Case.objects.count() == 1
    assert_shown(event, json.loads(Delivery.objects.get().body) | {"timestamp": event["timestamp"]})
