"""What a whole page of each queue costs the server with a thousand, a hundred thousand and a million cases in the desk."""

import sys
import time
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from statistics import median
from typing import TYPE_CHECKING

from desk import ROOT, prepare

if TYPE_CHECKING:
    from django.test import Client

    from amends.desk.accounts.models import User

SIZES = (1_000, 100_000, 1_000_000)
LOOKS = 11

# Of a hundred cases forty are closed and sixty are spread over the queues; every fourth is about a fault.
FILL = """
SET LOCAL session_replication_role = replica;
CREATE TEMP TABLE fresh ON COMMIT DROP AS
SELECT n, ('00000000-0000-4000-8000-' || lpad(to_hex(n), 12, '0'))::uuid AS id,
    timestamptz '2025-09-01 08:00Z' + n * interval '7 seconds' AS at,
    (ARRAY['open', 'open', 'waiting_on_customer', 'decided', 'paying', 'scheduled', 'closed', 'closed', 'closed', 'closed'])
        [1 + n %% 10] AS state
FROM generate_series(%(first)s::integer, %(last)s::integer) n;
INSERT INTO accounts_customer (id, external_id, email, name, locale, country, created_at)
    SELECT id, 'q-' || n, 'q-' || n || '@example.com', 'Customer ' || n, 'en', 'US', at FROM fresh;
INSERT INTO payments_payment (id, customer_id, gateway, gateway_ref, captured, currency, captured_at, method,
        method_hint, fee, settlement_currency)
    SELECT id, id, 'stripe', 'ch_q_' || n, 1900, 'USD', at, 'card', '4242', 85, 'USD' FROM fresh;
INSERT INTO orders_order (id, number, customer_id, currency, placed_at)
    SELECT id, 'Q-' || n, id, 'USD', at FROM fresh;
INSERT INTO orders_orderpayment (payment_id, order_id, position) SELECT id, id, 1 FROM fresh;
INSERT INTO orders_line (id, order_id, position, product, description, amount, tax, meter, credits, purchased_at)
    SELECT id, id, 1, 'subscription', 'Monthly plan', 1900, 0, 'generation', 0, at FROM fresh;
INSERT INTO cases_case (id, number, customer_id, line_id, request, channel, reason, answers, is_identified, state,
        assignee_id, opened_at, first_contact_at, complete_at, due_on, skipped_days, closed_at, closing)
    SELECT id, 'R-Q-' || n, id, id, CASE WHEN n %% 4 = 0 THEN 'technical' ELSE 'refund' END, 'portal', 'Not for me.',
        '{}', true, state, CASE WHEN n %% 50 = 0 THEN %(agent)s::uuid END, at, at, at, (at + interval '9 days')::date,
        '[]', CASE WHEN state = 'closed' THEN at END, CASE WHEN state = 'closed' THEN 'paid' ELSE '' END FROM fresh;
INSERT INTO cases_decisionrecord (id, case_id, sequence, version_id, inputs, core, core_sha256, explanation,
        alternatives, outcome, "grant", amount, currency, plan, plan_sha256, waived, grant_by, proposal_reason,
        usage_count, usage_watermark, usage_sha256, decided_at)
    SELECT id, id, 1, %(version)s, '{}', '{}', '', '{}', '[]', 'granted', 'refund', 1815, 'USD',
        '{"refund": 1815}', '', '{}', '', '', 0, 0, '', at FROM fresh;
INSERT INTO cases_task (id, case_id, kind, role, detail, sentence, created_at, due_at)
    SELECT id, id, CASE WHEN n %% 100 = 3 THEN 'failed_refund' ELSE 'approve' END, 'approver', '', '{}', at,
        at + interval '1 day' FROM fresh WHERE state = 'decided';
INSERT INTO issues_issue (id, customer_id, line_id, reported_at, description)
    SELECT id, id, id, at, 'Black images.' FROM fresh WHERE n %% 4 = 0;
INSERT INTO payments_dispute (gateway_ref, payment_id, charge_ref, status, amount, currency, opened_at, changed_at)
    SELECT 'dp_q_' || n, id, '', 'open', 1900, 'USD', at, at FROM fresh WHERE n %% 200 = 1;
"""


def main() -> None:
    """Print one line for each queue."""
    prepare("queues")
    from django.db import connection, transaction  # noqa: PLC0415 -- needs the settings
    from django.test import Client  # noqa: PLC0415 -- as above

    from amends.desk.accounts.models import User  # noqa: PLC0415 -- as above
    from amends.desk.console.queues import QUEUES  # noqa: PLC0415 -- as above
    from amends.desk.policies.actions import publish  # noqa: PLC0415 -- as above

    version = publish((ROOT / "policies" / "flux-kontext.md").read_text(), None)
    agent = User.objects.create(email="agent@example.com", roles=["agent"])
    browser = Client()
    _sign_in(browser, agent)
    found: dict[str, list[float]] = {name: [] for name in QUEUES}
    there = 0
    for size in SIZES:
        with transaction.atomic(), connection.cursor() as cursor:
            for statement in FILL.strip().removesuffix(";").split(";\n"):
                cursor.execute(
                    statement,
                    {"first": there + 1, "last": size, "agent": agent.id, "version": version.id},
                )
        there = size
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")
        for name, times in found.items():
            times.append(_milliseconds(partial(_look, browser, name)))
    print(f"{'page of a queue, in ms':<28}" + "".join(f"{size:>12,}" for size in SIZES))
    for name, times in found.items():
        print(f"{name:<28}" + "".join(f"{one:>12.1f}" for one in times))


def _sign_in(browser: "Client", agent: "User") -> None:
    """A session in which the second factor was shown, as allauth keeps it."""
    from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY  # noqa: PLC0415 -- as above

    browser.force_login(agent)
    session = browser.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "mfa", "at": time.time()}]
    session[f"{AUTHENTICATION_METHODS_SESSION_KEY}_user"] = str(agent.pk)
    session.save()


def _look(browser: "Client", queue: str) -> None:
    """What the server does for one page: session, factor, numbers of the tabs, rows, template."""
    answer = browser.get("/console/", {"queue": queue}, headers={"host": "localhost"})
    if answer.status_code != HTTPStatus.OK:
        sys.exit(f"amends: the page of {queue} answered {answer.status_code}")


def _milliseconds(work: Callable[[], object]) -> float:
    def once() -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    work()
    return median(once() for _ in range(LOOKS)) * 1000


if __name__ == "__main__":
    main()
