"""The books are only added to, and every entry balances when its transaction ends."""

from django.db import migrations

from amends.desk.guards import append_only

BALANCE = """
CREATE FUNCTION journal_check_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    checked uuid := coalesce(to_jsonb(NEW) ->> 'entry_id', to_jsonb(NEW) ->> 'id')::uuid;
    wrong text;
BEGIN
    IF NOT EXISTS (SELECT FROM journal_posting WHERE entry_id = checked) THEN
        RAISE EXCEPTION 'journal entry % has no postings', checked USING ERRCODE = 'check_violation';
    END IF;
    SELECT currency INTO wrong FROM journal_posting WHERE entry_id = checked GROUP BY currency
        HAVING sum(CASE side WHEN 'debit' THEN amount ELSE -amount END) <> 0 LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'journal entry % does not balance in %', checked, wrong
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON journal_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal_check_balance();
CREATE CONSTRAINT TRIGGER balanced AFTER INSERT ON journal_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION journal_check_balance();
"""
UNDO = """
DROP TRIGGER balanced ON journal_entry;
DROP TRIGGER balanced ON journal_posting;
DROP FUNCTION journal_check_balance();
"""


class Migration(migrations.Migration):
    dependencies = (("journal", "0001_initial"),)
    operations = (
        append_only("journal_entry"),
        append_only("journal_posting"),
        migrations.RunSQL(BALANCE, UNDO),
    )
