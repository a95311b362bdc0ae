"""Tables of past requests, where they live: a file through DuckDB or Spark, or PostgreSQL."""

import csv
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urldefrag

import click

from amends.policy.backtest import BacktestError
from amends.policy.backtest.plan import Row
from amends.policy.sql.compiler import Dialect
from amends.policy.sql.contract import Form

MEMORY = "2GB"
_SEPARATORS = ",;\t"
_UNEVEN = re.compile(r"Line: (\d+).*Expected Number of Columns: (\d+) Found: (\d+)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
_TEXT = ("varchar", "text", "string", "character varying")
_TYPED = ("boolean", "tinyint", "smallint", "integer", "bigint", "int", "hugeint")
_INSTANT = ("timestamp with time zone", "timestamptz", "timestamp_ltz")


def form_of(name: str, kind: str) -> Form:
    """How a column of some type holds an input.

    Raises: BacktestError: the type would lose something, or leaves open what is meant.
    """
    plain = kind.lower()
    if plain.startswith(_TEXT) or plain.startswith("enum"):
        return Form.TEXT
    if plain in _TYPED or plain in _INSTANT or plain.startswith(("decimal", "numeric")):
        return Form.TYPED
    fix = "Store whole numbers, decimals, booleans, texts, or times with an offset."
    if plain.startswith("timestamp"):
        fix = "A time without an offset leaves open which moment it is: store it with its time zone."
    elif plain.startswith(("float", "double", "real")):
        fix = "Floating point cannot hold amounts: store whole minor units."
    raise BacktestError(f"Column `{name}` is {kind}. {fix}")


class DuckTable:
    """A Parquet or CSV file, read by DuckDB in bounded memory."""

    dialect = Dialect.DUCKDB

    def __init__(self, path: Path, names: frozenset[str]) -> None:
        import duckdb  # noqa: PLC0415 -- a quarter of a second to load

        self._spill = tempfile.TemporaryDirectory(prefix="amends-")
        self._engine = duckdb.connect()
        settings = {
            "TimeZone": "UTC",
            "memory_limit": MEMORY,
            "temp_directory": self._spill.name,
            "preserve_insertion_order": "false",
            # It is asked for how far it is, and says nothing by itself.
            "enable_progress_bar": "true",
            "enable_progress_bar_print": "false",
            # It copies a column's expression to every place that reads the column, step upon step.
            "disabled_optimizers": "partial_aggregate_pushdown",
        }
        for name, value in settings.items():
            self._engine.execute(f"SET {name} = '{value}'")
        self.table = "orders"
        try:
            self.columns = _forms(self._open(path), names)
        except duckdb.Error as error:
            self.close()
            raise BacktestError(f"{path} cannot be read: {_fault(error)}") from None
        except BacktestError:
            self.close()
            raise

    def _open(self, path: Path) -> dict[str, str]:
        self._path = path
        reader = _csv_reader(path) if path.suffix == ".csv" else f"read_parquet({_quoted(str(path))})"
        self._engine.execute(f"CREATE VIEW orders AS SELECT * FROM {reader}")  # noqa: S608 -- a quoted path
        described = self._engine.execute("DESCRIBE orders").fetchall()
        return {str(name): str(kind) for name, kind, *_ in described}

    def rows(self, query: str) -> Sequence[Row]:
        """The answer, with progress on a terminal; Ctrl-C stops the engine.

        Raises: BacktestError: a row or a value in the file cannot be read.
        """
        import duckdb  # noqa: PLC0415 -- loaded when the file was opened

        done = Event()
        watcher = Thread(target=self._show_progress, args=(done,), daemon=True)
        if sys.stderr.isatty():
            watcher.start()
        try:
            return self._engine.execute(query).fetchall()
        except RuntimeError as error:
            # DuckDB says so when Ctrl-C stopped it.
            if "interrupt" in str(error).lower():
                raise KeyboardInterrupt from None
            raise
        except duckdb.Error as error:
            raise BacktestError(f"{self._path} cannot be read: {_fault(error)}") from None
        finally:
            done.set()
            if watcher.is_alive():
                watcher.join()

    def close(self) -> None:
        """Give back memory and spilled files."""
        self._engine.close()
        self._spill.cleanup()

    def _show_progress(self, done: Event) -> None:
        while not done.wait(1):
            share = self._engine.query_progress()
            if share >= 0:
                click.echo(f"\r{share:3.0f} % of the rows", nl=False, err=True)
        click.echo("\r" + " " * 24 + "\r", nl=False, err=True)


class PostgresTable:
    """A table of a PostgreSQL database, read in one transaction that cannot write."""

    dialect = Dialect.POSTGRES

    def __init__(self, address: str, names: frozenset[str]) -> None:
        import psycopg  # noqa: PLC0415 -- only where the data lives there

        url, table = urldefrag(address)
        if not _NAME.fullmatch(table):
            message = "Name the table behind `#`, as in postgres://user@host/shop#orders or #public.orders."
            raise BacktestError(message)
        try:
            self._connection = psycopg.connect(url)
            self._connection.read_only = True
            self._connection.execute("SET TIME ZONE 'UTC'")
            described = self._connection.execute(
                "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute "
                "WHERE attrelid = CAST(%s AS regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                (table,),
            ).fetchall()
        except psycopg.Error as error:
            raise BacktestError(f"The table `{table}` cannot be read: {_first_line(error)}") from None
        self.table = ".".join(f'"{part}"' for part in table.split("."))
        self.columns = _typed(_forms(dict(described), names))

    def rows(self, query: str) -> Sequence[Row]:
        """The answer."""
        import psycopg  # noqa: PLC0415 -- loaded when the table was opened

        try:
            return self._connection.execute(query.encode()).fetchall()
        except psycopg.Error as error:
            raise BacktestError(f"PostgreSQL cannot decide the rows: {_first_line(error)}") from None

    def close(self) -> None:
        """End the transaction, in which nothing was written."""
        self._connection.close()


class SparkTable:
    """A Parquet or CSV file, read by Spark on this machine."""

    dialect = Dialect.SPARK

    def __init__(self, path: Path, names: frozenset[str]) -> None:
        try:
            from pyspark.sql import SparkSession  # noqa: PLC0415 -- 400 MB that most do without
        except ImportError:
            raise BacktestError(
                "Spark is not installed: `pip install pyspark`, and Java 17 or newer."
            ) from None
        builder: Any = SparkSession.builder
        session = builder.master("local[*]").config("spark.ui.enabled", "false")
        settings = {
            "spark.sql.session.timeZone": "UTC",
            "spark.sql.ansi.enabled": "true",
            # A long policy is more than Spark compiles at a time; it says so with a trace, and goes on part by part.
            "spark.log.level": "FATAL",
            # It copies a column's expression to every place that reads the column, step upon step.
            "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.CollapseProject",
            "spark.ui.showConsoleProgress": "false",
        }
        for name, value in settings.items():
            session = session.config(name, value)
        self._session = session.getOrCreate()
        reader = self._session.read
        found = (
            reader.option("header", "true").csv(str(path))
            if path.suffix == ".csv"
            else reader.parquet(str(path))
        )
        found.createOrReplaceTempView("orders")
        self.table = "orders"
        self.columns = _forms(_spark_types(found.dtypes), names)

    def rows(self, query: str) -> Sequence[Row]:
        """The answer.

        Raises: BacktestError: a value in the table cannot be read.
        """
        from pyspark.errors import PySparkException  # noqa: PLC0415 -- as above

        try:
            return [tuple(row) for row in self._session.sql(query).collect()]
        except PySparkException as error:
            raise BacktestError(f"Spark could not decide the rows: {str(error).splitlines()[0]}") from None

    def close(self) -> None:
        """End the session and its Java process."""
        self._session.stop()


def _csv_reader(path: Path) -> str:
    """How DuckDB reads a CSV file: by its header, and without guessing where the rows begin.

    Raises: BacktestError: the file has no header, or a column stands twice.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
    except UnicodeDecodeError:
        raise BacktestError(f"{path} cannot be read: it is not UTF-8.") from None
    mark = max(_SEPARATORS, key=first.count)
    names = next(csv.reader([first], delimiter=mark), [])
    if not any(names):
        raise BacktestError(
            f"{path} has no header: its first line names the columns, such as id,currency,paid."
        )
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BacktestError(f"{path}: two columns are called `{twice}`. Rename or remove one.")
    columns = ", ".join(f"{_quoted(name)}: 'VARCHAR'" for name in names)
    form = f"auto_detect = false, header = true, delim = {_quoted(mark)}, quote = '\"', escape = '\"'"
    return f"read_csv({_quoted(str(path))}, {form}, columns = {{{columns}}})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _fault(error: Exception) -> str:
    """What DuckDB says, in one sentence."""
    found = _UNEVEN.search(str(error))
    if found is None:
        return _first_line(error)
    line, columns, fields = map(int, found.groups())
    shown = f"{fields} fields" if fields < columns else "more fields"
    return f"line {line} has {shown}, and the header names {columns} columns."


def _spark_types(described: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Spark's plain timestamp is a moment; its time without a zone has a name of its own."""
    return {name: "timestamptz" if kind == "timestamp" else kind for name, kind in described}


def _forms(described: Mapping[str, str], names: frozenset[str]) -> dict[str, Form]:
    """The columns; the type of one that no policy reads does not matter."""
    return {name: form_of(name, kind) if name in names else Form.TYPED for name, kind in described.items()}


def _typed(forms: dict[str, Form]) -> dict[str, Form]:
    return dict.fromkeys(forms, Form.TYPED)


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
