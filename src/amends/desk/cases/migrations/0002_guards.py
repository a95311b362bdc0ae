"""Decisions, statements and messages are only added to; nobody approves what they proposed."""

from django.db import migrations

from amends.desk.guards import append_only

FOUR_EYES = """
CREATE FUNCTION cases_check_four_eyes() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decided record;
BEGIN
    SELECT proposed_by_id, plan_sha256 INTO decided FROM cases_decisionrecord WHERE id = NEW.decision_id;
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
CREATE TRIGGER four_eyes BEFORE INSERT ON cases_approval
    FOR EACH ROW EXECUTE FUNCTION cases_check_four_eyes();
"""
UNDO = "DROP TRIGGER four_eyes ON cases_approval; DROP FUNCTION cases_check_four_eyes();"


class Migration(migrations.Migration):
    dependencies = (("cases", "0001_initial"),)
    operations = (
        append_only("cases_message"),
        append_only("cases_statement"),
        append_only("cases_decisionrecord"),
        append_only("cases_approval"),
        migrations.RunSQL(FOUR_EYES, UNDO),
    )
