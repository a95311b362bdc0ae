"""A payout goes only the ways of its table, its account is fixed once it is in a file, and a file is never changed."""

from django.db import migrations

from amends.desk.guards import emptied_only

WAYS = """
CREATE FUNCTION payouts_check() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.refund_id <> NEW.refund_id THEN
        RAISE EXCEPTION '% of a payout is refused', TG_OP USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
        ('asked', 'given'), ('asked', 'withdrawn'), ('given', 'proposed'), ('given', 'withdrawn'),
        ('proposed', 'given'), ('proposed', 'released'), ('proposed', 'withdrawn'), ('released', 'given'),
        ('released', 'exported'), ('released', 'withdrawn'), ('exported', 'paid'), ('exported', 'returned'),
        ('paid', 'returned')) THEN
        RAISE EXCEPTION 'a payout does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.sealed_account <> NEW.sealed_account AND NEW.sealed_account <> '' AND NEW.state <> 'given' THEN
        RAISE EXCEPTION 'the account of a payout that is % is fixed', NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.batch_id IS NOT NULL AND OLD.batch_id IS DISTINCT FROM NEW.batch_id THEN
        RAISE EXCEPTION 'a payout is in one file for ever' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER ways BEFORE UPDATE OR DELETE ON payouts_payout FOR EACH ROW EXECUTE FUNCTION payouts_check();
"""
UNDO = "DROP TRIGGER ways ON payouts_payout; DROP FUNCTION payouts_check();"


class Migration(migrations.Migration):
    dependencies = (("payouts", "0001_initial"),)
    operations = (
        migrations.RunSQL(WAYS, UNDO),
        emptied_only("payouts_batch", ("sealed_csv", "sealed_xml")),
    )
