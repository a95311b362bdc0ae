"""The sandbox against other people's clients: `bin/campaign gateway [PART …]`; it needs node and npm.

Parts: node (the official Node client tells a story), cli (the official Stripe CLI triggers events), mock (the same
refunds at stripe-stateful-mock; each difference stands with its reason in campaigns/clients/differences.json).
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amends.sandbox.clock import Clock
from amends.sandbox.server import Sandbox
from arguments import add_choices, reader

CLIENTS = Path(__file__).parent / "clients"
ROOM = Path(__file__).parents[1] / "var" / "clients"
PARTS = ("node", "cli", "mock")
STORY = {
    "subscription": "active",
    "paid": 9900,
    "refund": ["succeeded", 8583],
    "sameRefund": True,
    "replayed": "true",
    "otherParameters": [400, "StripeIdempotencyError", None, None],
    "tooMuch": [400, "StripeInvalidRequestError", "amount_too_large", "amount"],
    "unknownParameter": [400, "StripeInvalidRequestError", "parameter_unknown", "chrge"],
    "missing": [404, "StripeInvalidRequestError", "resource_missing", "id"],
    "declined": [402, "StripeCardError", "card_declined", None],
    "events": [True, True],
}
TRIGGERS = [
    "charge.captured",
    "charge.dispute.closed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.failed",
    "charge.refund.updated",
    "charge.refunded",
    "charge.succeeded",
    "customer.created",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.deleted",
    "customer.subscription.updated",
    "customer.updated",
    "invoice.created",
    "invoice.deleted",
    "invoice.finalized",
    "invoice.marked_uncollectible",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.payment_succeeded",
    "invoice.sent",
    "invoice.updated",
    "invoice.voided",
    "invoiceitem.created",
    "invoiceitem.deleted",
    "payment_intent.amount_capturable_updated",
    "payment_intent.canceled",
    "payment_intent.created",
    "payment_intent.payment_failed",
    "payment_intent.succeeded",
    "payment_method.attached",
    "payment_method.detached",
    "price.created",
    "price.updated",
    "product.created",
    "product.deleted",
    "product.updated",
    "subscription.payment_failed",
    "subscription.payment_succeeded",
]
MOCK_PORT = 8641


def main() -> None:
    """Run the parts that are named, or all; exit 1 where something did not hold."""
    parser = reader("gateway", __doc__)
    add_choices(parser, "parts", PARTS)
    parts = parser.parse_args().parts or PARTS
    if not (shutil.which("node") and shutil.which("npm")):
        sys.exit("amends: this campaign needs node and npm (on Debian: apt-get install nodejs npm).")
    _install()
    broken = []
    for part in parts:
        found = list({"node": try_node, "cli": try_cli, "mock": try_mock}[part]())
        print(f"{part}: {'; '.join(found) or 'held'}", flush=True)
        broken += found
    sys.exit(1 if broken else 0)


def _install() -> None:
    """Bring the pinned packages, once for each lock file."""
    lock = (CLIENTS / "package-lock.json").read_text(encoding="utf-8")
    stamp = ROOM / "installed"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == lock:
        return
    ROOM.mkdir(parents=True, exist_ok=True)
    for file in CLIENTS.iterdir():
        shutil.copy(file, ROOM / file.name)
    subprocess.run(["npm", "install"], cwd=ROOM, check=True)  # noqa: S607  # looked for on PATH on purpose
    stamp.write_text(lock, encoding="utf-8")


@contextmanager
def serving() -> Iterator[Sandbox]:
    """A fresh sandbox."""
    server = Sandbox(0, state=None, clock=Clock(None))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def try_node() -> Iterator[str]:
    """What the Node client tells otherwise than it should."""
    shutil.copy(CLIENTS / "story.mjs", ROOM)
    with serving() as sandbox:
        command = ["node", "story.mjs", sandbox.address]
        told = json.loads(subprocess.run(command, cwd=ROOM, check=True, stdout=subprocess.PIPE).stdout)
    yield from (
        f"{name} is {told[name]}, not {wanted}" for name, wanted in STORY.items() if told[name] != wanted
    )


def try_cli() -> Iterator[str]:
    """Events that the Stripe CLI cannot trigger, or that do not come of it."""
    (tool,) = (ROOM / "node_modules" / "@stripe").glob("cli-*/bin/stripe")
    with serving() as sandbox:
        options = ["--api-base", sandbox.address, "--api-key", "sk_test_123456789012"]
        for event in TRIGGERS:
            done = subprocess.run(
                [str(tool), "trigger", event, *options],
                env=os.environ | {"XDG_CONFIG_HOME": str(ROOM), "STRIPE_CLI_TELEMETRY_OPTOUT": "1"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if "Trigger succeeded" not in done.stdout:
                yield f"{event}: {done.stdout.strip().splitlines()[-1]}"


class Face:
    """One of the two gateways, over HTTP."""

    def __init__(self, address: str) -> None:
        self.address = address

    def call(
        self, method: str, path: str, key: str = "", **form: object
    ) -> tuple[list[object], dict[str, object]]:
        """Status, code, parameter and whether it was replayed; and the whole answer."""
        body = urllib.parse.urlencode(form).encode() if form or method == "POST" else None
        headers = (
            {"Authorization": "Bearer sk_test_campaign", "Idempotency-Key": key}
            if key
            else {"Authorization": "Bearer sk_test_campaign"}
        )
        request = urllib.request.Request(f"{self.address}{path}", body, headers, method=method)  # noqa: S310  # our own
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # as above
                replayed = answer.headers.get("Idempotent-Replayed") == "true"
                return [answer.status, None, None, replayed], json.load(answer)
        except urllib.error.HTTPError as refused:
            error = json.load(refused)["error"]
            replayed = refused.headers.get("Idempotent-Replayed") == "true"
            return [refused.code, error.get("code") or error["type"], error.get("param"), replayed], error

    def charge(self, card: str = "visa", *, is_captured: bool = True) -> str:
        """A charge of 1000."""
        if self.address.endswith(str(MOCK_PORT)):
            made = self.call(
                "POST",
                "/v1/charges",
                amount=1000,
                currency="usd",
                source=f"tok_{card}",
                capture=str(is_captured).lower(),
            )[1]
            return str(made["id"])
        paid = {"payment_method": f"pm_card_{card}", "confirm": "true"}
        hold = {} if is_captured else {"capture_method": "manual"}
        form = {"amount": "1000", "currency": "usd"} | paid | hold
        return str(self.call("POST", "/v1/payment_intents", **form)[1]["latest_charge"])


def refunds(face: Face) -> dict[str, list[object]]:
    """The same calls at either face, by what they try."""
    charge, disputed, held = face.charge(), face.charge("createDispute"), face.charge(is_captured=False)
    # The mock takes what is no number, and its charge is none afterwards.
    spare = face.charge()
    told: dict[str, list[object]] = {}

    def ask(name: str, key: str = "", **form: object) -> None:
        told[name] = face.call("POST", "/v1/refunds", key, **form)[0]

    ask("a part", charge=charge, amount=300)
    ask("more than is left", charge=charge, amount=701)
    ask("nothing", charge=charge, amount=0)
    ask("less than nothing", charge=charge, amount=-5)
    ask("no number", charge=spare, amount="many")
    ask("an unknown charge", charge="ch_missing")
    ask("no charge at all", amount=5)
    ask("a reason that is none", charge=spare, amount=1, reason="whim")
    ask("an unknown parameter", charge=spare, amount=1, chrge="x")
    ask("with a key", "one", charge=charge, amount=100)
    ask("with the key again", "one", charge=charge, amount=100)
    ask("with the key and another amount", "one", charge=charge, amount=101)
    ask("too much with a key", "two", charge=charge, amount=999)
    ask("too much with that key again", "two", charge=charge, amount=999)
    ask("a wrong number with a key", "three", charge=spare, amount="many")
    ask("a wrong number with that key again", "three", charge=spare, amount="many")
    ask("the rest", charge=charge)
    ask("once more", charge=charge)
    ask("a disputed charge", charge=disputed)
    ask("a part of what is only held", charge=held, amount=1)
    ask("all of what is only held", charge=held)
    told["a refund that is not there"] = face.call("GET", "/v1/refunds/re_missing")[0]
    told["a list after what is not there"] = face.call(
        "GET", f"/v1/refunds?charge={charge}&starting_after=re_x"
    )[0]
    listed = face.call("GET", f"/v1/refunds?charge={charge}&limit=2")[1]
    data = listed["data"]
    assert isinstance(data, list)
    told["the newest two"] = [[one["amount"] for one in data], listed["has_more"]]
    whole = face.call("GET", f"/v1/charges/{charge}")[1]
    told["what the charge says"] = [whole["amount_refunded"], whole["refunded"]]
    return told


def try_mock() -> Iterator[str]:
    """Differences from stripe-stateful-mock that nobody explained, and explanations of differences that are gone."""
    explained = json.loads((CLIENTS / "differences.json").read_text(encoding="utf-8"))
    shutil.copy(CLIENTS / "mock.cjs", ROOM)
    mock = subprocess.Popen(["node", "mock.cjs", str(MOCK_PORT)], cwd=ROOM)  # noqa: S607  # as npm
    try:
        theirs = Face(f"http://127.0.0.1:{MOCK_PORT}")
        _wait_for(theirs)
        with serving() as sandbox:
            here, there = refunds(Face(sandbox.address)), refunds(theirs)
    finally:
        mock.terminate()
        mock.wait()
    for name, answer in here.items():
        known = explained.pop(name, None)
        said = {"sandbox": answer, "mock": there[name]}
        if answer != there[name] and (known is None or {key: known[key] for key in said} != said):
            yield f"{name}: {json.dumps(said)}"
        elif answer == there[name] and known:
            yield f"{name}: the difference is gone"
    yield from (f"{name}: is not tried" for name in explained)


def _wait_for(face: Face) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            face.call("GET", "/v1/refunds")
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    sys.exit(f"amends: stripe-stateful-mock does not answer at {face.address}.")


if __name__ == "__main__":
    main()
