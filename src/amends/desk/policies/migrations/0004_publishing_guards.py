"""Nobody publishes what they proposed, nothing is published otherwise than it was agreed to, and what was said stays."""

from django.db import migrations

from amends.desk.guards import append_only, fixed_once

FOUR_EYES = """
CREATE FUNCTION policies_check_answer() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    proposed record;
BEGIN
    SELECT p.proposed_by_id, t.sha256 INTO proposed FROM policies_proposal p
        JOIN policies_drafttext t ON t.id = p.text_id WHERE p.id = NEW.proposal_id;
    IF proposed.proposed_by_id = NEW.by_id THEN
        RAISE EXCEPTION 'nobody answers a version that they proposed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'publisher_is_not_proposer';
    END IF;
    IF proposed.sha256 <> NEW.text_sha256 THEN
        RAISE EXCEPTION 'the text that was answered is not the one that is proposed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'answered_as_shown';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER four_eyes BEFORE INSERT ON policies_answer
    FOR EACH ROW EXECUTE FUNCTION policies_check_answer();
"""
FOUR_EYES_UNDO = "DROP TRIGGER four_eyes ON policies_answer; DROP FUNCTION policies_check_answer();"

AS_AGREED = """
CREATE FUNCTION policies_check_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.proposal_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM policies_answer
        WHERE proposal_id = NEW.proposal_id AND verdict = 'approve' AND text_sha256 = NEW.sha256
    ) THEN
        RAISE EXCEPTION 'nobody agreed to this text'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'published_as_agreed';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER as_agreed BEFORE INSERT OR UPDATE ON policies_policyversion
    FOR EACH ROW EXECUTE FUNCTION policies_check_version();
"""
AS_AGREED_UNDO = "DROP TRIGGER as_agreed ON policies_policyversion; DROP FUNCTION policies_check_version();"

BEFORE_ITS_DAY = """
CREATE FUNCTION policies_check_cancellation() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.at >= (SELECT effective_at FROM policies_policyversion WHERE id = NEW.version_id) THEN
        RAISE EXCEPTION 'a version that is in force is not called off'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'canceled_before_its_day';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER before_its_day BEFORE INSERT ON policies_cancellation
    FOR EACH ROW EXECUTE FUNCTION policies_check_cancellation();
"""
BEFORE_ITS_DAY_UNDO = (
    "DROP TRIGGER before_its_day ON policies_cancellation; DROP FUNCTION policies_check_cancellation();"
)


class Migration(migrations.Migration):
    dependencies = (("policies", "0003_drafts"),)
    operations = (
        append_only("policies_drafttext"),
        append_only("policies_waiver"),
        append_only("policies_proposal"),
        append_only("policies_answer"),
        append_only("policies_cancellation"),
        fixed_once("policies_examination", "OLD.finished_at IS NOT NULL"),
        migrations.RunSQL(FOUR_EYES, FOUR_EYES_UNDO),
        migrations.RunSQL(AS_AGREED, AS_AGREED_UNDO),
        migrations.RunSQL(BEFORE_ITS_DAY, BEFORE_ITS_DAY_UNDO),
    )
