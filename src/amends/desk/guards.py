"""What the database itself refuses, as operations of migrations."""

from django.db.migrations import RunSQL

_REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are only added to', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;
"""


def append_only(table: str) -> RunSQL:
    """Refuse every update, delete and truncate of a table, whoever asks."""
    return RunSQL(
        f"""{_REFUSE_CHANGE}
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        """,
        f"DROP TRIGGER append_only ON {table}; DROP TRIGGER append_only_whole ON {table};",
    )


def fixed_once(table: str, condition: str, *, free: tuple[str, ...] = ()) -> RunSQL:
    """Refuse to delete a row, and to change it once a condition on OLD holds, apart from the free columns."""
    kept = " - ".join(["to_jsonb({})", *(f"'{column}'" for column in free)])
    name = f"{table}_fixed"
    return RunSQL(
        f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF {condition} AND (TG_OP = 'DELETE' OR {kept.format("OLD")} <> {kept.format("NEW")}) THEN
                RAISE EXCEPTION '% of % is refused: the row is fixed', TG_OP, TG_TABLE_NAME
                    USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
        END $$;
        CREATE TRIGGER fixed BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}();
        """,
        f"DROP TRIGGER fixed ON {table}; DROP FUNCTION {name}();",
    )


def emptied_only(table: str, columns: tuple[str, ...], *, free: tuple[str, ...] = ()) -> RunSQL:
    """Refuse to delete a row and every change but emptying the text of some columns, in place of an earlier guard."""
    name = f"{table}_emptied"
    kept = " - ".join(["to_jsonb({})", *(f"'{column}'" for column in (*columns, *free))])
    written = " OR ".join(f"NEW.{column} NOT IN (OLD.{column}, '')" for column in columns)
    return RunSQL(
        f"""{_REFUSE_CHANGE}
        CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' OR {kept.format("OLD")} <> {kept.format("NEW")} OR {written} THEN
                RAISE EXCEPTION '% of % is refused: its text may be emptied and nothing else changed',
                    TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
            END IF;
            RETURN NEW;
        END $$;
        DROP TRIGGER IF EXISTS append_only ON {table};
        CREATE TRIGGER emptied_only BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}();
        """,
        f"DROP TRIGGER emptied_only ON {table}; DROP FUNCTION {name}();",
    )
