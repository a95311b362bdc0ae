"""Objects of the sandbox, kept in one SQLite file so that a restart loses nothing."""

import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

Object: TypeAlias = dict[str, object]

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Store:
    """Objects by id, in the order in which they were made; used by one thread at a time."""

    def __init__(self, path: Path | None) -> None:
        self._database = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None)
        self._database.executescript(
            """
            PRAGMA journal_mode = WAL;
            CREATE TABLE IF NOT EXISTS object (
                number INTEGER PRIMARY KEY, id TEXT UNIQUE, kind TEXT NOT NULL, content TEXT NOT NULL);
            CREATE INDEX IF NOT EXISTS object_by_kind ON object (kind, number);
            CREATE TABLE IF NOT EXISTS answer (
                key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
                at INTEGER NOT NULL);
            """
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is done inside is kept together, or not at all where it ends with an error."""
        with self._database:
            self._database.execute("BEGIN")
            yield

    def add(self, item: Object) -> Object:
        """Store a fresh object."""
        self._database.execute(
            "INSERT INTO object (id, kind, content) VALUES (?, ?, ?)",
            (item["id"], item["object"], json.dumps(item)),
        )
        return item

    def save(self, item: Object) -> Object:
        """Store a changed object."""
        self._database.execute("UPDATE object SET content = ? WHERE id = ?", (json.dumps(item), item["id"]))
        return item

    def remove(self, id_: str) -> None:
        """Forget an object."""
        self._database.execute("DELETE FROM object WHERE id = ?", (id_,))

    def find(self, id_: str) -> Object | None:
        """The object with an id."""
        row = self._database.execute("SELECT content FROM object WHERE id = ?", (id_,)).fetchone()
        return json.loads(row[0]) if row else None

    def all(self, kind: str, keep: Callable[[Object], bool] = lambda _: True) -> list[Object]:
        """The objects of a kind that pass, newest first."""
        rows = self._database.execute(
            "SELECT content FROM object WHERE kind = ? ORDER BY number DESC", (kind,)
        )
        return [item for (content,) in rows if keep(item := json.loads(content))]

    def is_empty(self) -> bool:
        """Whether nothing was ever made here."""
        return self._database.execute("SELECT 1 FROM object LIMIT 1").fetchone() is None

    def answered(self, key: str, since: int) -> tuple[str, int, bytes] | None:
        """The stored request and answer of an idempotency key, if it is not too old."""
        row = self._database.execute(
            "SELECT request, status, body FROM answer WHERE key = ? AND at >= ?", (key, since)
        )
        found = row.fetchone()
        return (found[0], found[1], found[2]) if found else None

    def keep_answer(self, key: str, request: str, status: int, body: bytes, at: int) -> None:
        """Store the answer to a key; an old one that was pruned is replaced."""
        self._database.execute(
            "INSERT OR REPLACE INTO answer VALUES (?, ?, ?, ?, ?)", (key, request, status, body, at)
        )


def fresh_id(prefix: str) -> str:
    """An id in Stripe's form, such as `re_3Nq…`."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(24))}"
