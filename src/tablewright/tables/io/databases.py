"""Tables of databases: read by query in pieces, written whole or not at all.

SQLite and PostgreSQL are spoken to through SQLAlchemy, DuckDB through its own library; all come
with the extra ``[sql]``. A password is shown nowhere; PostgreSQL takes it from ``PGPASSWORD`` or
``~/.pgpass`` too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import unquote, urlsplit

import polars as pl

from tablewright.display import public_url, redact
from tablewright.errors import InputError, MissingExtraError
from tablewright.schema import inner_name, outer_name
from tablewright.tables.inference.times import durations_to_text

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_ADDRESS = re.compile(r"(sqlite|postgresql|duckdb)(\+\w+)?://")
MANIFESTS = "tablewright_manifest"
"""Table of a database that holds the manifests of the tables written to it."""


def is_database(text: object) -> bool:
    """Return whether a text is the address of a database.

    Examples
    --------
    >>> is_database("sqlite:///shop.db/visits"), is_database("shop.csv")
    (True, False)
    """
    return isinstance(text, str) and _ADDRESS.match(text) is not None


@dataclass(frozen=True)
class DatabaseTable:
    """A table of a database.

    Attributes
    ----------
    url : str
        Of the database, as SQLAlchemy takes it.
    table : str
        Its name; with that of a schema before a dot where there is one.

    Examples
    --------
    >>> DatabaseTable.parse("postgresql://me:secret@host/shop/visits")
    DatabaseTable(table='visits')
    >>> str(DatabaseTable.parse("postgresql://me:secret@host/shop/visits"))
    'postgresql://host/shop/visits'
    """

    url: str = field(repr=False)
    table: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Take an address apart: the last name in it is that of the table.

        Raises
        ------
        InputError
            If it names no table.
        """
        address, mark, options = text.partition("?")
        url, _, table = address.rpartition("/")
        parts = urlsplit(url)
        if not table or not parts.path.strip("/"):
            raise InputError(
                f"{public_url(text)} names no table: write postgresql://host/database/table or "
                "sqlite:///file.db/table"
            )
        return cls(url + mark + options, unquote(table))

    @property
    def name(self) -> str:
        """The address without user and password."""
        address, _, _ = public_url(self.url).partition("?")
        return f"{address}/{self.table}"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Query:
    """Rows that a database gives.

    Attributes
    ----------
    url : str
        Of the database: ``sqlite:///file.db``, ``postgresql://host/database``,
        ``duckdb:///file.duckdb`` or ``duckdb://`` for files that the query itself names.
    sql : str
        One statement that gives rows.
    """

    url: str = field(repr=False)
    sql: str

    @classmethod
    def of(cls, address: str, sql: str | None = None) -> Self:
        """Make one of an address: with a query that of a database, else that of a table."""
        if sql is not None:
            return cls(address, sql.strip().rstrip(";"))
        place = DatabaseTable.parse(address)
        names = [name.replace('"', '""') for name in place.table.split(".")]
        return cls(place.url, "SELECT * FROM " + ".".join(f'"{name}"' for name in names))

    @property
    def name(self) -> str:
        """What is read, without user and password."""
        return f"{public_url(self.url)}: {self.sql}"

    def __str__(self) -> str:
        return self.name

    def batches(self, size: int) -> Iterator[pl.DataFrame]:
        """Read the rows piece by piece; at least one piece, which has the columns.

        Raises
        ------
        InputError
            If the database cannot be reached, or refuses the query.
        """
        for batch in self._run(self.sql, size):
            yield batch.rename(inner_name)

    def counts(self, column: str) -> tuple[pl.Series, pl.Series]:
        """Return the values of a column and how many rows have each; the database counts."""
        name = '"' + outer_name(column).replace('"', '""') + '"'
        sql = f"SELECT {name}, COUNT(*) FROM ({self.sql}) AS counted GROUP BY {name}"
        found = pl.concat(self._run(sql, 10_000), how="vertical_relaxed")
        return found.to_series(0).alias(column), found.to_series(1)

    def _run(self, sql: str, size: int) -> Iterator[pl.DataFrame]:
        if self.url.startswith("duckdb"):
            yield from _run_duckdb(self.url, sql, size)
            return
        if (missing := _new_file(self.url)) is not None:  # SQLite would make an empty one
            raise InputError(f"{public_url(self.url)}: there is no file {missing}")
        with _connected(self.url) as connection:
            streaming = connection.execution_options(stream_results=True)
            # polars infers types of each piece from all its rows
            yield from pl.read_database(
                sql, streaming, iter_batches=True, batch_size=size, infer_schema_length=None
            )


def _run_duckdb(url: str, sql: str, size: int) -> Iterator[pl.DataFrame]:
    try:
        import duckdb
        import pyarrow as pa
    except ImportError as error:
        raise MissingExtraError("a query of DuckDB", "sql") from error
    file = url.partition("://")[2].removeprefix("/")
    try:
        with duckdb.connect(file or ":memory:", read_only=bool(file)) as connection:
            reader: Any = connection.sql(sql).to_arrow_reader(size)
            yield pl.DataFrame(pa.Table.from_batches([], schema=reader.schema))
            for batch in reader:
                yield pl.DataFrame(batch)
    except duckdb.Error as error:
        raise InputError(f"{public_url(url)}: {_first_line(error)}") from error


@contextmanager
def writing_table(place: DatabaseTable) -> Iterator[DatabaseWriter]:
    """Write a table of a database in one transaction: all that the block writes, or nothing.

    Raises
    ------
    InputError
        If the database cannot be reached, or has the table already.
    """
    if place.url.startswith("duckdb"):
        raise InputError(
            "rows go to SQLite or PostgreSQL; for DuckDB write Parquet, which it reads"
        )
    file = _new_file(place.url)
    try:
        with _connected(place.url) as connection, connection.begin():
            writer = DatabaseWriter(place, connection)
            writer.check_absent()
            yield writer
    except BaseException:
        if file is not None:
            file.unlink(missing_ok=True)
        raise


class DatabaseWriter:
    """Writes rows and a manifest in a transaction that somebody else ends.

    Parameters
    ----------
    place : DatabaseTable
    connection : Connection
    """

    def __init__(self, place: DatabaseTable, connection: Connection) -> None:
        self.place, self._connection = place, connection
        self._table: Any = None

    def check_absent(self) -> None:
        """Refuse a table that is there."""
        from sqlalchemy import inspect

        schema, name = self._schema_and_name
        if inspect(self._connection).has_table(name, schema=schema):
            raise InputError(f"{self.place} is there already; name another table, or drop it first")

    @property
    def _schema_and_name(self) -> tuple[str | None, str]:
        schema, _, name = self.place.table.rpartition(".")
        return schema or None, name

    def write(self, chunk: pl.DataFrame) -> None:
        """Add rows; every chunk has the same columns."""
        chunk = chunk.rename(outer_name)
        spans = [s for s in chunk if s.dtype == pl.Duration]
        chunk = chunk.with_columns(durations_to_text(s.cast(pl.Duration("us"))) for s in spans)
        if self._table is None:
            self._table = self._create(chunk)
        chunk.columns = [f"c{at}" for at in range(chunk.width)]
        if chunk.height:
            self._connection.execute(self._table.insert(), chunk.to_dicts())

    def _create(self, chunk: pl.DataFrame) -> Any:
        from sqlalchemy import Column, MetaData, Table

        schema, name = self._schema_and_name
        # names of columns may be anything, keys are what rows are given by
        columns = [Column(s.name, _type(s.dtype), key=f"c{at}") for at, s in enumerate(chunk)]
        table = Table(name, MetaData(), *columns, schema=schema)
        table.create(self._connection)
        return table

    def add_manifest(self, text: str) -> None:
        """Put the manifest of the table beside it, as a row of a table of manifests."""
        from sqlalchemy import Column, MetaData, Table, Text

        name, text_column = Column("table_name", Text, primary_key=True), Column("manifest", Text)
        table = Table(MANIFESTS, MetaData(), name, text_column)
        table.create(self._connection, checkfirst=True)
        self._connection.execute(table.delete().where(table.c.table_name == self.place.table))
        row = {"table_name": self.place.table, "manifest": text}
        self._connection.execute(table.insert(), row)


def _type(dtype: pl.DataType) -> Any:
    import sqlalchemy as sa

    if dtype == pl.Boolean:
        return sa.Boolean()
    if dtype.is_integer():
        return sa.BigInteger()
    if dtype.is_float():
        return sa.Double()
    if isinstance(dtype, pl.Decimal):
        return sa.Numeric(dtype.precision, dtype.scale)
    if isinstance(dtype, pl.Datetime):
        return sa.DateTime(timezone=dtype.time_zone is not None)
    if dtype == pl.Date:
        return sa.Date()
    return sa.Time() if dtype == pl.Time else sa.Text()


@contextmanager
def _connected(url: str) -> Iterator[Connection]:
    """Connect to a database; what it refuses is said in one sentence, without a password."""
    engine = _engine(url)
    from sqlalchemy.exc import SQLAlchemyError

    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise _refused(url, getattr(error, "orig", None) or error) from None
    finally:
        engine.dispose()


def _engine(url: str) -> Engine:
    try:
        from sqlalchemy import create_engine, event, make_url
        from sqlalchemy.exc import SQLAlchemyError
    except ImportError as error:
        raise MissingExtraError("a table of a database", "sql") from error
    try:
        made = make_url(url)
        if made.drivername == "postgresql":
            made = made.set(drivername="postgresql+psycopg")
        engine = create_engine(made, hide_parameters=True)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise _refused(url, error) from None
    if made.get_backend_name() == "sqlite":
        # Python's sqlite3 begins no transaction before CREATE TABLE unless it is left to us
        event.listen(engine, "connect", lambda raw, _: setattr(raw, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return engine


def _refused(url: str, error: BaseException) -> InputError:
    """Make the sentence; raised from None, since the cause may hold a password."""
    try:
        password = urlsplit(url).password or ""
    except ValueError:
        password = ""
    secrets = {text for text in (password, unquote(password)) if text}
    return InputError(f"{public_url(url)}: {redact(_first_line(error), secrets)}")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _new_file(url: str) -> Path | None:
    """Return the file that writing to a database will make; None where there is one, or no file."""
    if not url.startswith("sqlite"):
        return None
    path = Path(urlsplit(url).path.removeprefix("/"))
    return None if path.exists() or path.parts[0].startswith("file:") else path
