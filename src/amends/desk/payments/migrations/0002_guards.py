"""Our own reservation never exceeds what is left; what the gateway reports is always stored."""

from django.db import migrations

RESERVE = """
CREATE FUNCTION payments_check_reserve() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    charged record;
    taken bigint;
BEGIN
    IF NEW.origin <> 'desk' THEN
        RETURN NEW;
    END IF;
    SELECT captured, currency INTO charged FROM payments_payment WHERE id = NEW.payment_id
        FOR NO KEY UPDATE;
    IF charged.currency <> NEW.currency THEN
        RAISE EXCEPTION 'a refund of % cannot be in %', charged.currency, NEW.currency
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_in_currency_of_charge';
    END IF;
    SELECT coalesce(sum(amount), 0) INTO taken FROM payments_refund
        WHERE payment_id = NEW.payment_id AND state NOT IN ('rejected', 'failed', 'canceled');
    SELECT taken + coalesce(sum(amount), 0) INTO taken FROM payments_dispute
        WHERE payment_id = NEW.payment_id AND status = 'lost';
    IF taken + NEW.amount > charged.captured THEN
        RAISE EXCEPTION 'refund of % exceeds what is left: % of %', NEW.amount,
            charged.captured - taken, charged.captured
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_within_what_is_left';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reserve BEFORE INSERT ON payments_refund
    FOR EACH ROW EXECUTE FUNCTION payments_check_reserve();
"""
FIXED = """
CREATE FUNCTION payments_refund_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR (OLD.payment_id, OLD.amount, OLD.currency, OLD.purpose, OLD.plan_sha256, OLD.origin)
            IS DISTINCT FROM (NEW.payment_id, NEW.amount, NEW.currency, NEW.purpose, NEW.plan_sha256, NEW.origin)
            OR (OLD.state IN ('rejected', 'failed', 'canceled') AND OLD.state <> NEW.state) THEN
        RAISE EXCEPTION '% of a refund is refused: what it pays is fixed', TG_OP
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fixed BEFORE UPDATE OR DELETE ON payments_refund
    FOR EACH ROW EXECUTE FUNCTION payments_refund_fixed();
"""
UNDO = """
DROP TRIGGER reserve ON payments_refund;
DROP TRIGGER fixed ON payments_refund;
DROP FUNCTION payments_check_reserve();
DROP FUNCTION payments_refund_fixed();
"""


class Migration(migrations.Migration):
    dependencies = (("payments", "0001_initial"),)
    operations = (migrations.RunSQL(RESERVE + FIXED, UNDO),)
