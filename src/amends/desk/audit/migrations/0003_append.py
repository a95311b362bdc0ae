"""A function that adds rows to their chains: one call locks the chains, looks at their ends, hashes and writes."""

from django.db import migrations

# Each row comes as the canonical JSON that is hashed, in two pieces: what stands before the place of `previous` and
# `sequence`, and what stands behind it. The columns are read from what was hashed, so that they cannot differ from it.
# A statement in a function sees what was committed before it began: also what the one before it waited for.
APPEND = """
CREATE FUNCTION audit_append(added jsonb) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    piece record;
    ended record;
    content text;
    said jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('audit:' || chain.subject, 0)) FROM (
        SELECT DISTINCT one ->> 'subject' COLLATE "C" AS subject FROM jsonb_array_elements(added) AS one ORDER BY 1
    ) AS chain;
    FOR piece IN SELECT * FROM jsonb_to_recordset(added) AS one(subject text, before text, behind text) LOOP
        SELECT sequence, sha256 INTO ended FROM audit_auditrow WHERE subject = piece.subject
            ORDER BY sequence DESC LIMIT 1;
        content := format('%s,"previous":"%s","sequence":%s,%s', piece.before, coalesce(ended.sha256, ''),
            coalesce(ended.sequence, 0) + 1, piece.behind);
        said := content::jsonb;
        INSERT INTO audit_auditrow (subject, sequence, at, actor, action, detail, previous_sha256, sha256)
            VALUES (said ->> 'subject', (said ->> 'sequence')::integer, (said ->> 'at')::timestamptz,
                said ->> 'actor', said ->> 'action', said -> 'detail', said ->> 'previous',
                encode(sha256(convert_to(content, 'UTF8')), 'hex'));
    END LOOP;
    RETURN jsonb_array_length(added);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = (("audit", "0002_guards"),)
    operations = (migrations.RunSQL(APPEND, "DROP FUNCTION audit_append(jsonb);"),)
