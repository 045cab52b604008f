"""Options that mean the same on every command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tablewright.progress import alone

if TYPE_CHECKING:
    from tablewright.tables.io.databases import DatabaseTable

F = TypeVar("F", bound=Callable[..., Any])

path: click.Path = click.Path(path_type=Path)
"""A path as it was typed; what stands there is checked where it is read."""


class _Place(click.ParamType):  # type: ignore[type-arg]  # generic in click's stub alone
    """A path, or the address of a table of a database."""

    name = "path"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path | DatabaseTable:
        if "://" not in str(value):
            return Path(value)
        from tablewright.tables.io.databases import DatabaseTable, is_database

        if not is_database(value):
            self.fail("an address begins with sqlite://, postgresql:// or duckdb://", param, ctx)
        return DatabaseTable.parse(value)


class _Source(_Place):
    """A path, a table of a database, or with --query what that gives."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        sql = None if ctx is None else ctx.params.get("query")
        sql = sql if isinstance(sql, str) else None  # click has a mark of its own for "not given"
        if sql is None and "://" not in str(value):
            return Path(value)
        from tablewright.tables.io.databases import Query, is_database

        if not is_database(value):
            self.fail(
                "--query goes with a database: sqlite://, postgresql:// or duckdb://", param, ctx
            )
        return Query.of(value, sql)


def _rows(auto: bool) -> Callable[[click.Context, click.Parameter, str], int | str]:
    """Make the reader of a number of rows: at least 1, or ``auto`` where that is allowed."""

    def read(context: click.Context, option: click.Parameter, text: str) -> int | str:
        if auto and text == "auto":
            return text
        number = int(text) if text.isdecimal() else 0
        if number < 1:
            either = ", or 'auto'" if auto else ""
            raise click.BadParameter(f"the number of rows is 1 or more{either}, not {text!r}")
        return number

    return read


def _settings(
    context: click.Context, option: click.Parameter, texts: tuple[str, ...]
) -> dict[str, Any]:
    """Read settings, ``name=value`` each; a value is read as YAML reads it."""
    import yaml

    result = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise click.BadParameter(f"a setting is name=value, not {text!r}")
        try:
            result[name.strip()] = yaml.safe_load(value)
        except yaml.YAMLError:
            result[name.strip()] = value
    return result


def _encoding(context: click.Context, option: click.Parameter, name: str | None) -> str | None:
    """Have all text files of this command read in an encoding."""
    import codecs

    from tablewright.tables.io.files import ENCODING

    if name is not None:
        try:
            codecs.lookup(name)
        except (LookupError, ValueError) as error:
            raise click.BadParameter(
                f"there is no text encoding {name!r}; usual ones are cp1252, latin-1, utf-16"
            ) from error
        token = ENCODING.set(name)
        context.call_on_close(lambda: ENCODING.reset(token))
    return name


def _balance(
    context: click.Context, option: click.Parameter, text: str | None
) -> str | dict[str, int] | None:
    """Read a word, or the number of rows of each class."""
    if text is None or text in ("equal", "fill"):
        return text
    result = {}
    for part in text.split(","):
        name, equals, number = part.rpartition("=")
        if not equals or not number.strip().isdecimal():
            raise click.BadParameter(
                f"'equal', 'fill', or rows by class such as yes=50,no=50, not {text!r}"
            )
        result[name.strip()] = int(number)
    return result


def _settled_seed(context: click.Context, option: click.Parameter, number: int | None) -> int:
    """Return the seed, or a fresh one; the manifest names it, so that the run can be redone."""
    import secrets

    return secrets.randbits(32) if number is None else number


def _checked(context: click.Context, option: click.Parameter, name: Path | None) -> Path | None:
    """Check before any work that a file can be written."""
    from tablewright.tables.io.writing import check_output

    if name is not None:
        check_output(name)
    return name


def file(*names: str, help: str, required: bool = False) -> Callable[[F], F]:
    """Return the option of a file."""
    return click.option(*names, type=path, required=required, help=help)


def written(*names: str, help: str, required: bool = False) -> Callable[[F], F]:
    """Return the option of a file that the command writes."""
    return click.option(*names, type=path, callback=_checked, required=required, help=help)


def rows(auto: bool = False) -> Callable[[F], F]:
    """``-n``: how many rows."""
    declared = " Leave it out, or say 'auto', with --balance fill or rows by class." if auto else ""
    return click.option(
        "-n",
        "--rows",
        "n_rows",
        required=not auto,
        default="auto" if auto else None,
        metavar="N",
        callback=_rows(auto),
        help=f"Number of rows to write.{declared}",
    )


train = click.argument("train", type=_Source())
query = click.option(
    "--query",
    metavar="SQL",
    is_eager=True,
    help="Statement whose rows are learned, where TRAIN is the address of a database.",
)
out = click.option(
    "--out",
    required=True,
    type=_Place(),
    help="File to write: .csv, .tsv, .parquet or .arrow, a manifest goes beside it; or a new "
    "table: sqlite:///file.db/table, postgresql://host/database/table.",
)
parts_out = click.option(
    "--out",
    required=True,
    type=_Place(),
    help="As with generate; or, without an ending, a folder of Parquet files, which goes on where "
    "it was stopped.",
)
engine = click.option(
    "--engine",
    metavar="NAME",
    help="What writes the files of a folder: process (the default), dask or ray.",
)
workers = click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Processes that write a folder; as many as there are cores where left out.",
)
engine_address = click.option(
    "--engine-address",
    metavar="ADDRESS",
    help="Cluster of the engine that runs already, such as tcp://10.0.0.1:8786 (dask) or "
    "10.0.0.1:6379 (ray); one is started here and stopped where left out.",
)
target = click.option("--target", metavar="COL", help="Column that a model is to predict.")
method = click.option(
    "--method",
    default="auto",
    show_default=True,
    metavar="NAME",
    help="What makes the rows; see 'tablewright methods'.",
)
settings = click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_settings,
    help="Setting of the method, such as min_samples_leaf=20; may be repeated.",
)
schema = click.option(
    "--schema",
    "schema_file",
    type=path,
    help="schema.yaml or SDV metadata (JSON) that settles kinds of columns.",
)
seed = click.option(
    "--seed",
    type=click.IntRange(min=0),
    callback=_settled_seed,
    help="Random seed: same seed, same rows. A fresh one is noted in the manifest.",
)
fixed_seed = click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Random seed."
)
encoding = click.option(
    "--encoding",
    metavar="NAME",
    expose_value=False,
    callback=_encoding,
    help="Encoding of text files to read, such as cp1252; UTF-8 and UTF-16 are known.",
)
where = click.option(
    "--where",
    metavar="EXPR",
    help="Condition that every row meets, as SQL: \"age BETWEEN 25 AND 34 AND job = 'nurse'\".",
)
balance = click.option(
    "--balance",
    metavar="equal|fill|CLASS=N,...",
    callback=_balance,
    help="equal: the same number of rows per class; fill: rows for the classes below the largest; "
    "or rows by class, such as yes=50,no=50 (without -n).",
)
drop = click.option(
    "--drop",
    multiple=True,
    metavar="COL",
    help="Column to leave out; may be repeated.",
)
rules = click.option(
    "--rules", type=path, help="File of rules that every row keeps; see 'tablewright rules'."
)
spreadsheet = click.option(
    "--spreadsheet-safe",
    is_flag=True,
    help="Write an apostrophe before cells of CSV that a spreadsheet would run (= + - @).",
)


def _without_bars(context: click.Context, option: click.Parameter, quiet: bool) -> bool:
    """Have what a quiet command calls show no bars either."""
    if quiet:
        context.with_resource(alone("all"))
    return quiet


quiet = click.option(
    "--quiet", is_flag=True, callback=_without_bars, help="Print nothing but errors."
)


def of_table(schema_file: Path | None, drop: Sequence[str] = ()) -> list[str]:
    """Return the options with which another command reads the table as this one does."""
    from tablewright.tables.io.files import ENCODING

    encoding_name = ENCODING.get()
    result = [] if schema_file is None else ["--schema", str(schema_file)]
    result += [part for name in drop for part in ("--drop", name)]
    return [*result, *(["--encoding", encoding_name] if encoding_name else [])]
