"""The past of this desk, decided again by two versions of the policy.

Of past requests each case counts once, with what was known of it when it was first granted or denied, or else the last
time that it was looked at: the facts are those that its decision froze, so nothing that happened later plays a part. Of
past purchases each asks for a refund on the same day after it, which bounds what a change could cost.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.db import DataError, connection, transaction
from django.utils.translation import gettext as _
from psycopg import sql

from amends.desk.cases.hindsight import asking_after, purchases_by
from amends.desk.policies.examining import NotPossibleError, Result
from amends.policy.backtest import BacktestError, Plan, backtest
from amends.policy.backtest.plan import Row
from amends.policy.backtest.summary import report_json
from amends.policy.facts import NONE, Input
from amends.policy.model import Policy
from amends.policy.sql.compiler import Dialect
from amends.policy.sql.contract import Form, NameTakenError, has_companion
from amends.policy.sql.expressions import UncompilableError
from amends.policy.types import Kind

TABLE = "past_requests"
PURCHASES_MAX = 10_000
"""The facts of a purchase are gathered one by one; of more than so many the latest are."""
ANY_REASON = "as everybody"
"""A bound is about those who give a reason, if the policy wants one."""
COHORT = "request"
"""Beside the month of the purchase, what was asked for tells the cases apart."""
_FIRST_ANSWER = sql.SQL("""
SELECT DISTINCT ON (decided.case_id) asked.number AS id, decided.inputs
FROM cases_decisionrecord decided JOIN cases_case asked ON asked.id = decided.case_id
CROSS JOIN LATERAL (SELECT decided.outcome IN ('granted', 'denied') AS is_answer) verdict
ORDER BY decided.case_id, is_answer DESC, CASE WHEN is_answer THEN decided.sequence ELSE -decided.sequence END
""")
_NO_PURCHASES = "CREATE TEMPORARY TABLE past_purchases (id text, inputs jsonb) ON COMMIT DROP"
_ADD_PURCHASE = "INSERT INTO past_purchases VALUES (%s, %s)"
_PURCHASES = sql.SQL("SELECT id, inputs FROM past_purchases")
_TYPES = {Kind.YES_NO: "boolean", Kind.ENUM: "text", Kind.INSTANT: "timestamptz"}


def replay_requests(before: Policy, after: Policy) -> Result:
    """Decide every past request by both versions, in the database; what changes, as the back-test writes it as JSON.

    Nothing is written but a table that ends with the transaction.
    Raises: NotPossibleError: one of the versions cannot be asked like that.
    """
    with transaction.atomic():
        return _replay(before, after, _FIRST_ANSWER)


def replay_purchases(before: Policy, after: Policy, asks_on_day: int) -> Result:
    """Decide every purchase by both versions as if it had asked on a day; `left_out` counts those that are too many.

    Raises: as `replay_requests`.
    """
    purchases = purchases_by(timedelta(days=asks_on_day))
    with transaction.atomic():
        asked = asking_after(purchases[:PURCHASES_MAX], timedelta(days=asks_on_day), ANY_REASON)
        rows = [(id_, json.dumps(inputs)) for id_, inputs in asked]
        with connection.cursor() as cursor:
            cursor.execute(_NO_PURCHASES)
            cursor.executemany(_ADD_PURCHASE, rows)
        report = _replay(before, after, _PURCHASES)
    return report | {"asks_on_day": asks_on_day, "left_out": max(0, purchases.count() - PURCHASES_MAX)}


def _replay(before: Policy, after: Policy, cases: sql.SQL) -> Result:
    inputs = {**after.inputs, **before.inputs}
    cohort = inputs.get(COHORT)
    plan = Plan(by=COHORT if cohort is not None and cohort.type.kind is Kind.ENUM else None)
    try:
        source = _Past(inputs, cases)
        report = report_json(backtest(before, after, source, plan))
        return report | {"unknown": source.never_known()}
    except (BacktestError, UncompilableError, NameTakenError) as error:
        raise NotPossibleError(str(error)) from error
    except DataError as error:
        first_line = str(error).split("\n", maxsplit=1)[0]
        words = _("A past request does not fit these versions: %(why)s") % {"why": first_line}
        raise NotPossibleError(words) from error


class _Past:
    """One row for each case, in the columns that the SQL of a policy reads."""

    dialect = Dialect.POSTGRES
    table = TABLE

    def __init__(self, inputs: Mapping[str, Input], cases: sql.SQL) -> None:
        self._inputs = inputs
        self._cases = cases
        columns = [_TEXT.format(name=sql.Identifier("currency"), key=sql.Literal("currency"))]
        columns += [column for declared in inputs.values() for column in _columns(declared)]
        create = "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT id, {} FROM ({}) cases"
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(create).format(sql.Identifier(TABLE), sql.SQL(", ").join(columns), cases))
        names = ["id", "currency", *(name for declared in inputs.values() for name in _names(declared))]
        self.columns = dict.fromkeys(names, Form.TYPED)

    def rows(self, query: str) -> Sequence[Row]:
        """The answer to a query."""
        with connection.cursor() as cursor:
            cursor.execute(query)
            found: Sequence[Row] = cursor.fetchall()
        return found

    def never_known(self) -> list[str]:
        """The inputs that none of them knows, such as those that only the new version asks for."""
        keys = sql.SQL("SELECT DISTINCT jsonb_object_keys(inputs) FROM ({}) cases").format(self._cases)
        with connection.cursor() as cursor:
            cursor.execute(keys)
            stored = {str(name) for (name,) in cursor.fetchall()}
        return [name for name in self._inputs if name not in stored]


_TEXT = sql.SQL("inputs->>{key} AS {name}")
_TYPED = sql.SQL("CAST(NULLIF(inputs->>{key}, {none}) AS {type}) AS {name}")
_IS_NONE = sql.SQL("(inputs->>{key} = {none}) AS {name}")


def _names(declared: Input) -> list[str]:
    return [declared.name, f"{declared.name}_{NONE}"] if has_companion(declared) else [declared.name]


def _columns(declared: Input) -> list[sql.Composed]:
    key, none = sql.Literal(declared.name), sql.Literal(NONE)
    if declared.type.kind is Kind.ENUM:
        return [_TEXT.format(key=key, name=sql.Identifier(declared.name))]
    held = sql.SQL(_type_of(declared))
    columns = [_TYPED.format(key=key, none=none, type=held, name=sql.Identifier(declared.name))]
    if has_companion(declared):
        columns.append(_IS_NONE.format(key=key, none=none, name=sql.Identifier(f"{declared.name}_{NONE}")))
    return columns


def _type_of(declared: Input) -> str:
    return _TYPES.get(declared.type.kind) or ("bigint" if declared.type.unit else "decimal(19, 12)")
