"""The past requests of this desk, decided again by two versions of the policy.

Each case counts once, with what was known of it when it was first granted or denied, or else the last time that it was
looked at: the facts are those that its decision froze, so nothing that happened later plays a part.
"""

from collections.abc import Mapping, Sequence

from django.db import DataError, connection, transaction
from django.utils.translation import gettext as _
from psycopg import sql

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
COHORT = "request"
"""Beside the month of the purchase, what was asked for tells the cases apart."""
_FIRST_ANSWER = sql.SQL("""
SELECT DISTINCT ON (decided.case_id) asked.number AS id, decided.inputs
FROM cases_decisionrecord decided JOIN cases_case asked ON asked.id = decided.case_id
CROSS JOIN LATERAL (SELECT decided.outcome IN ('granted', 'denied') AS is_answer) verdict
ORDER BY decided.case_id, is_answer DESC, CASE WHEN is_answer THEN decided.sequence ELSE -decided.sequence END
""")
_TYPES = {Kind.YES_NO: "boolean", Kind.ENUM: "text", Kind.INSTANT: "timestamptz"}


def replay_requests(before: Policy, after: Policy) -> Result:
    """Decide every past request by both versions, in the database; what changes, as the back-test writes it as JSON.

    Nothing is written but a table that ends with the transaction.
    Raises: NotPossibleError: one of the versions cannot be asked like that.
    """
    inputs = {**after.inputs, **before.inputs}
    cohort = inputs.get(COHORT)
    plan = Plan(by=COHORT if cohort is not None and cohort.type.kind is Kind.ENUM else None)
    try:
        with transaction.atomic():
            source = _PastRequests(inputs)
            report = report_json(backtest(before, after, source, plan))
            return report | {"unknown": source.never_known()}
    except (BacktestError, UncompilableError, NameTakenError) as error:
        raise NotPossibleError(str(error)) from error
    except DataError as error:
        first_line = str(error).split("\n", maxsplit=1)[0]
        words = _("A past request does not fit these versions: %(why)s") % {"why": first_line}
        raise NotPossibleError(words) from error


class _PastRequests:
    """One row for each case, in the columns that the SQL of a policy reads."""

    dialect = Dialect.POSTGRES
    table = TABLE

    def __init__(self, inputs: Mapping[str, Input]) -> None:
        self._inputs = inputs
        columns = [_TEXT.format(name=sql.Identifier("currency"), key=sql.Literal("currency"))]
        columns += [column for declared in inputs.values() for column in _columns(declared)]
        create = "CREATE TEMPORARY TABLE {} ON COMMIT DROP AS SELECT id, {} FROM ({}) first_answers"
        with connection.cursor() as cursor:
            cursor.execute(
                sql.SQL(create).format(sql.Identifier(TABLE), sql.SQL(", ").join(columns), _FIRST_ANSWER)
            )
        names = ["id", "currency", *(name for declared in inputs.values() for name in _names(declared))]
        self.columns = dict.fromkeys(names, Form.TYPED)

    def rows(self, query: str) -> Sequence[Row]:
        """The answer to a query."""
        with connection.cursor() as cursor:
            cursor.execute(query)
            found: Sequence[Row] = cursor.fetchall()
        return found

    def never_known(self) -> list[str]:
        """The inputs that no past request knows, such as those that only the new version asks for."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT DISTINCT jsonb_object_keys(inputs) FROM cases_decisionrecord")
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
