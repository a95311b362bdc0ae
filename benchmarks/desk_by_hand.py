"""The floor of a refund: what the rooms have to keep, written by hand through the database's own client.

Nothing is decided here and no letter is worded: the words of a refund that the rooms carried out are copied. What is
left is the price of keeping a decision with its reasons, the letters, the audit trail and the books, with one index
for each way in which they are looked up, in three transactions around the call.
"""

import os
from collections.abc import Mapping
from uuid import UUID, uuid4

import psycopg
import stripe
from psycopg.types.json import Jsonb

TABLES = """
CREATE TABLE hand_payment (ref text PRIMARY KEY, captured bigint NOT NULL, returned bigint NOT NULL DEFAULT 0);
CREATE TABLE hand_case (id uuid PRIMARY KEY, payment text NOT NULL REFERENCES hand_payment, reason text NOT NULL,
    state text NOT NULL, decision jsonb NOT NULL);
CREATE INDEX ON hand_case (payment);
CREATE TABLE hand_refund (id uuid PRIMARY KEY REFERENCES hand_case, amount bigint NOT NULL, state text NOT NULL,
    sends integer NOT NULL, ref text UNIQUE);
CREATE TABLE hand_letter ("case" uuid NOT NULL REFERENCES hand_case, kind text NOT NULL, subject text NOT NULL,
    text text NOT NULL, html text NOT NULL, PRIMARY KEY ("case", kind));
CREATE TABLE hand_audit (subject text NOT NULL, sequence integer NOT NULL, action text NOT NULL, detail jsonb NOT NULL,
    sha256 text NOT NULL, PRIMARY KEY (subject, sequence));
CREATE TABLE hand_posting (id bigserial PRIMARY KEY, refund uuid NOT NULL REFERENCES hand_refund,
    account text NOT NULL, amount bigint NOT NULL);
CREATE INDEX ON hand_posting (refund);
"""
_RESERVE = """
UPDATE hand_payment SET returned = returned + %(amount)s WHERE ref = %(payment)s AND returned + %(amount)s <= captured
"""
_DECIDE = """
WITH decided AS (
    INSERT INTO hand_case VALUES (%(id)s, %(payment)s, %(reason)s, 'paying', %(decision)s)
), planned AS (INSERT INTO hand_refund VALUES (%(id)s, %(amount)s, 'planned', 0)
), told AS (INSERT INTO hand_letter SELECT %(id)s, * FROM jsonb_to_recordset(%(told_first)s)
    AS letter(kind text, subject text, text text, html text))
INSERT INTO hand_audit SELECT %(subject)s, * FROM jsonb_to_recordset(%(audited_first)s)
    AS audited(sequence integer, action text, detail jsonb, sha256 text)
"""
_SEND = "UPDATE hand_refund SET state = 'sending', sends = sends + 1 WHERE id = %s AND state = 'planned'"
_CLOSE = """
WITH settled AS (UPDATE hand_refund SET state = %(state)s, ref = %(ref)s WHERE id = %(id)s
), closed AS (UPDATE hand_case SET state = 'closed' WHERE id = %(id)s
), posted AS (INSERT INTO hand_posting (refund, account, amount) SELECT %(id)s, * FROM jsonb_to_recordset(%(postings)s)
    AS posting(account text, amount bigint)
), told AS (INSERT INTO hand_letter SELECT %(id)s, * FROM jsonb_to_recordset(%(told_last)s)
    AS letter(kind text, subject text, text text, html text))
INSERT INTO hand_audit SELECT %(subject)s, * FROM jsonb_to_recordset(%(audited_last)s)
    AS audited(sequence integer, action text, detail jsonb, sha256 text)
"""
_WORDS = """
SELECT asked.reason, to_jsonb(decided) AS decision,
    (SELECT jsonb_agg(jsonb_build_object('kind', kind, 'subject', subject, 'text', text, 'html', html))
        FROM notices_letter WHERE case_id = asked.id AND kind <> 'refund_sent') AS told_first,
    (SELECT jsonb_agg(jsonb_build_object('kind', kind, 'subject', subject, 'text', text, 'html', html))
        FROM notices_letter WHERE case_id = asked.id AND kind = 'refund_sent') AS told_last,
    (SELECT jsonb_agg(jsonb_build_object('sequence', place, 'action', action, 'detail', detail, 'sha256', sha256))
        FROM {trail} WHERE action NOT IN ('succeeded', 'closed')) AS audited_first,
    (SELECT jsonb_agg(jsonb_build_object('sequence', place, 'action', action, 'detail', detail, 'sha256', sha256))
        FROM {trail} WHERE action IN ('succeeded', 'closed')) AS audited_last,
    (SELECT jsonb_agg(jsonb_build_object('account', account, 'amount', posting.amount))
        FROM journal_posting AS posting JOIN journal_entry AS entry ON entry.id = posting.entry_id
        WHERE entry.reference = 'refund:' || refund.id) AS postings
FROM cases_case AS asked JOIN cases_decisionrecord AS decided ON decided.case_id = asked.id
    JOIN payments_refund AS refund ON refund.case_id = asked.id
WHERE asked.state = 'closed' LIMIT 1
"""
_TRAIL = """(SELECT *, row_number() OVER (ORDER BY id) AS place FROM audit_auditrow
    WHERE subject IN ('case:' || asked.id, 'refund:' || refund.id)) AS trail"""


class ByHand:
    """A connection of its own, and the words of one refund that the rooms carried out."""

    def __init__(self, sdk: stripe.StripeClient, amount: int) -> None:
        self.sdk, self.amount, self.statements = sdk, amount, 0
        self.database = psycopg.connect(os.environ["DATABASE_URL"])
        self.database.execute(TABLES)
        self.database.commit()
        self.words = self._copy_words()

    def _copy_words(self) -> dict[str, object]:
        names = ("reason", "decision", "told_first", "told_last", "audited_first", "audited_last", "postings")
        row = self.database.execute(_WORDS.format(trail=_TRAIL)).fetchone()
        assert row is not None
        self.database.commit()
        reason, *contents = row
        return {"reason": reason} | dict(zip(names[1:], map(Jsonb, contents), strict=True))

    def prepare(self, charges: list[str], captured: int) -> None:
        """Payments of which something is left."""
        with self.database.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO hand_payment (ref, captured) VALUES (%s, %s)",
                [(ref, captured) for ref in charges],
            )
        self.database.commit()

    def refund(self, charge: str) -> None:
        """Four statements: what is left, the intent with all that is kept of it, the send, the answer."""
        key = uuid4()
        about = self.words | {"id": key, "payment": charge, "amount": self.amount, "subject": f"case:{key}"}
        with self.database.transaction():
            self._execute(_RESERVE, about)
            self._execute(_DECIDE, about)
        with self.database.transaction():
            self._execute(_SEND, [key])
        made = self.sdk.v1.refunds.create(
            {"charge": charge, "amount": self.amount, "metadata": {"refund_id": str(key)}},
            {"idempotency_key": str(key)},
        )
        with self.database.transaction():
            self._execute(_CLOSE, about | {"state": made.status, "ref": made.id})

    def _execute(self, statement: str, parameters: Mapping[str, object] | list[UUID]) -> None:
        self.statements += 1
        assert self.database.execute(statement, parameters).rowcount > 0
