"""The check of an approval looks at its decision after the statement, which may have written both."""

from django.db import migrations

AFTER = """
CREATE OR REPLACE FUNCTION cases_check_four_eyes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decided record;
BEGIN
    SELECT proposed_by_id, plan_sha256 INTO decided FROM cases_decisionrecord WHERE id = NEW.decision_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no decision to approve'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'approved_decision_exists';
    END IF;
    IF decided.proposed_by_id = NEW.by_id THEN
        RAISE EXCEPTION 'nobody approves a decision that they proposed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approver_is_not_proposer';
    END IF;
    IF decided.plan_sha256 <> NEW.plan_sha256 THEN
        RAISE EXCEPTION 'the approved plan is not the plan of the decision'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approved_as_shown';
    END IF;
    RETURN NEW;
END $$;
DROP TRIGGER four_eyes ON cases_approval;
CREATE TRIGGER four_eyes AFTER INSERT ON cases_approval
    FOR EACH ROW EXECUTE FUNCTION cases_check_four_eyes();
"""
BEFORE = """
DROP TRIGGER four_eyes ON cases_approval;
CREATE TRIGGER four_eyes BEFORE INSERT ON cases_approval
    FOR EACH ROW EXECUTE FUNCTION cases_check_four_eyes();
"""


class Migration(migrations.Migration):
    dependencies = (("cases", "0010_tasks_of_failures"),)
    operations = (migrations.RunSQL(AFTER, BEFORE),)
