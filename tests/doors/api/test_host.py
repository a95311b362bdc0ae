"""The host product of `docs/how-to-connect.md` works as it stands there."""

import os
import subprocess
import sys

from amends.desk.cases.models import Case
from amends.desk.usage.models import UsageEvent
from amends.sandbox.server import Sandbox
from conftest import ROOT
from shop import Shop, day, go_to
from trade import sdk
from web import Client


def test_the_host_product_sells_reports_asks_and_shows_the_answer(
    program: Client, shop: Shop, sandbox: Sandbox
) -> None:
    go_to(day(3))
    environment = os.environ | {
        "DESK_URL": f"http://127.0.0.1:{program.port}",
        "DESK_KEY": program.headers["Authorization"].removeprefix("Bearer "),
        "STRIPE_API_BASE": sandbox.address,
    }

    done = subprocess.run(
        [sys.executable, ROOT / "examples" / "host" / "shop.py"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    shop.work()

    assert done.returncode == 0, done.stderr
    case = Case.objects.get()
    # The sandbox keeps 2.9 % and 30 cents of 19.00.
    assert case.decisions.get().amount == 1900 - 85
    assert f"{case.number}: Your request is granted." in done.stdout
    assert "  Refund                  1815 USD\n" in done.stdout
    assert "#full\n" in done.stdout
    assert UsageEvent.objects.filter(customer=case.customer).count() == 12
    (refund,) = sdk(sandbox).v1.refunds.list({"limit": 10}).data
    assert refund.amount == 1815


def test_the_guide_shows_the_host_product_as_it_is() -> None:
    guide = (ROOT / "docs" / "how-to-connect.md").read_text()
    source = (ROOT / "examples" / "host" / "shop.py").read_text()
    blocks = [part.partition("```")[0] for part in guide.split("```py\n")[1:]]

    assert len(blocks) == 5
    for block in blocks:
        assert block in source
