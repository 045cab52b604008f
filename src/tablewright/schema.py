"""What a table is made of: columns, their kinds, and the values they may take."""

from __future__ import annotations

import codecs
import difflib
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from importlib import import_module
from typing import Any, Literal, NamedTuple, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from tablewright.errors import SchemaError

MAX_DECIMALS = 15
"""More digits after the point than a float can hold make no sense."""

MAX_PREAMBLE = 10_000
"""Characters above the header of a file that are kept and written again."""

DECLARED = "said by the user"
"""Reason of a column whose values a person named; language models may be told them."""

_OLD_FIELDS = {"why": "reason", "meaning": "description"}
"""Fields of `Column` under the names that files of earlier versions have."""

Scalar = bool | int | float | str
"""A cell as JSON can hold it; dates and times as ISO 8601 text."""


_MARK = "\u200b"


def inner_name(name: str) -> str:
    """Return the name that a column has inside: polars reads ``^...$``, ``*`` and "" otherwise.

    Examples
    --------
    >>> inner_name("age"), outer_name(inner_name("^a.*$"))
    ('age', '^a.*$')
    """
    is_pattern = name in ("", "*") or (name.startswith("^") and name.endswith("$"))
    return name + _MARK if is_pattern else name


def outer_name(name: str) -> str:
    """Return the name that the user knows a column by; undoes `inner_name`."""
    plain = name.removesuffix(_MARK)
    return plain if inner_name(plain) == name else name


class Kind(StrEnum):
    """What the values of a column mean."""

    CONTINUOUS = "continuous"
    INTEGER = "integer"
    ORDINAL = "ordinal"
    CATEGORICAL = "categorical"
    BOOLEAN = "boolean"
    DATETIME = "datetime"
    DATE = "date"
    TIMEDELTA = "timedelta"
    TEXT = "text"
    IDENTIFIER = "identifier"
    CONSTANT = "constant"

    @property
    def is_numeric(self) -> bool:
        """Whether the values lie on a line: numbers, dates, times, spans."""
        return self in _NUMERIC

    @property
    def is_discrete(self) -> bool:
        """Whether the values are a listed set."""
        return self in (Kind.CATEGORICAL, Kind.ORDINAL, Kind.BOOLEAN)

    @property
    def is_modelled(self) -> bool:
        """Whether generators learn the column; identifiers and constants are made anew."""
        return self not in (Kind.IDENTIFIER, Kind.CONSTANT)


_NUMERIC = frozenset({Kind.CONTINUOUS, Kind.INTEGER, Kind.DATETIME, Kind.DATE, Kind.TIMEDELTA})


class Column(BaseModel):
    """One column of a table.

    Parameters
    ----------
    name : str
        As it stands in the table; blanks and any letters are allowed.
    kind : Kind
        What the values mean.
    dtype : str or None, default=None
        polars data type of the values as they came in (``"Int64"``, ``"String"``);
        rows that are written get it back.
    categories : list or None, default=None
        The values of a discrete column. For an ordinal one, in ascending order.
    minimum, maximum : float, str or None, default=None
        Range of a numeric column in its own unit; ISO 8601 text for dates and times,
        seconds for spans of time.
    decimals : int or None, default=None
        Digits after the point that the values are written with.
    nullable : bool, default=False
        Whether values may be missing.
    sentinels : list, default=[]
        Codes that stand for something else than a value, such as -1, 999 or "?".
    missing : {"usual", "declared", "empty"}, default="usual"
        Which texts stand for a missing value besides an empty cell: the usual ones such as NA;
        those that a person listed in `sentinels` as well; or none at all (``sentinels: []``).
    format : str or None, default=None
        How numbers (``"$#,##0.00"``) or dates (strptime) are written in a text column, or the
        pattern of an identifier.
    confidence : float, default=1.0
        How sure inference was of the kind, from 0 to 1; 1 where a person said it.
    reason : str, default=""
        One sentence: what the kind was inferred from.
    description : str, default=""
        What the values say, in a person's words; language models are told it.
    note : str, default=""
        What a person should know of how the cells were read or will be written.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    kind: Kind
    dtype: str | None = None
    categories: list[Scalar] | None = None
    minimum: float | str | None = None
    maximum: float | str | None = None
    decimals: int | None = Field(default=None, ge=0, le=MAX_DECIMALS)
    nullable: bool = False
    sentinels: list[Scalar] = Field(default_factory=list)
    missing: Literal["usual", "declared", "empty"] = "usual"
    format: str | None = Field(default=None, max_length=1000)
    confidence: float = Field(default=1.0, ge=0.0, le=1.0)
    reason: str = ""
    description: str = ""
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _rename_old(cls, fields: Any) -> Any:
        return renamed(fields) if isinstance(fields, Mapping) else fields

    def values(self) -> str:
        """Return the values in a few words: a range, or the first categories.

        Examples
        --------
        >>> Column(name="age", kind="integer", minimum=18, maximum=90).values()
        '18 to 90'
        >>> Column(name="city", kind="categorical", categories=list("abcde")).values()
        'a, b, c, d, ... (5)'
        """
        if self.categories is not None:
            few = ", ".join(map(str, self.categories[:4]))
            return few if len(self.categories) <= 4 else f"{few}, ... ({len(self.categories)})"
        ends = (self.minimum, self.maximum)
        if None in ends:
            return ""
        return " to ".join(f"{end:g}" if isinstance(end, float) else str(end) for end in ends)

    @model_validator(mode="after")
    def _check_range(self) -> Self:
        low, high = self.minimum, self.maximum
        if isinstance(low, float) and isinstance(high, float) and low > high:
            raise ValueError(f"minimum {low:g} is above maximum {high:g}")
        return self


def renamed(fields: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return the fields of a column under their names of today."""
    return {_OLD_FIELDS.get(key, key): value for key, value in fields.items()}


class Dialect(BaseModel):
    """How a text file is written; files that are written for it are written alike.

    What a person sets (``dialect:`` in a schema file) wins over what is found in the file.

    Parameters
    ----------
    separator : str, default=","
        Between cells.
    decimal : {".", ","} or None, default=None
        Decimal mark of most columns that show one; None where no column does.
    grouping : str or None, default=None
        Mark between thousands, of most columns that show one.
    encoding : str, default="utf-8"
        As Python names it; ``"utf-8-sig"`` begins with a byte order mark.
    line_end : {"lf", "crlf", "cr"}, default="lf"
        What ends a line.
    preamble : str, default=""
        Lines above the header, such as a title.
    names_separator : bool, default=False
        Whether the first line names the separator, as in ``sep=;``.
    spaced : bool, default=False
        Whether a blank follows each separator, as in ``a, b``.

    Examples
    --------
    >>> str(Dialect(separator=";", line_end="crlf"))
    "separator ';', utf-8, lines end in CRLF"
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    separator: str = Field(default=",", min_length=1, max_length=1)
    decimal: Literal[".", ","] | None = None
    grouping: Literal[".", ",", "'", "’", " ", "\u00a0", "\u202f", "\u2009"] | None = None
    encoding: str = "utf-8"
    line_end: Literal["lf", "crlf", "cr"] = "lf"
    preamble: str = Field(default="", max_length=MAX_PREAMBLE)
    names_separator: bool = False
    spaced: bool = False

    @field_validator("separator")
    @classmethod
    def _one_octet(cls, value: str) -> str:
        if value in '\r\n"' or not value.isascii():
            raise ValueError("a separator is a comma, a semicolon, a tab, a bar or the like")
        return value

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            return codecs.lookup(value).name.replace("_", "-")
        except (LookupError, ValueError) as error:
            raise ValueError(f"there is no text encoding {value[:40]!r}") from error

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if self.grouping is not None and self.grouping == self.decimal:
            raise ValueError(f"{self.decimal!r} is the mark of decimals and of thousands")
        return self

    def updated(self, declared: Dialect | None) -> Dialect:
        """Return a copy in which what a person set wins."""
        set_fields = declared.model_dump(exclude_unset=True) if declared else {}
        return self.model_copy(update=set_fields)

    def __str__(self) -> str:
        parts = [f"separator {self.separator!r}"]
        if self.decimal:
            parts.append(f"decimal mark {self.decimal!r}")
        if self.grouping:
            parts.append(f"thousands mark {self.grouping!r}")
        parts.append(self.encoding)
        if self.line_end != "lf":
            parts.append(f"lines end in {self.line_end.upper()}")
        if self.names_separator:
            parts.append("the first line names the separator")
        if self.spaced:
            parts.append("a blank after each separator")
        if n_lines := len(self.preamble.splitlines()):
            parts.append(f"{n_lines} line{'s' * (n_lines > 1)} above the header")
        return ", ".join(parts)


class SchemaFile(NamedTuple):
    """What a schema file declares; the rest is inferred."""

    columns: dict[str, Any]
    target: str | None = None
    dialect: Dialect | None = None


class Schema(BaseModel):
    """The columns of a table, in order, and which of them is the target.

    Parameters
    ----------
    columns : list of Column
        In the order of the table; a mapping from name to kind, or to a mapping of the
        fields of `Column`, is accepted too.
    target : str or None, default=None
        Name of the column that a model is to predict.
    dialect : Dialect or None, default=None
        How the text file was written that the columns were read from.

    Raises
    ------
    SchemaError
        If a name occurs twice or the target is not a column.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "city": "categorical"}, target="city")
    >>> schema["age"].kind.value
    'integer'
    >>> schema.override(age="ordinal")["age"].kind.value
    'ordinal'
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    columns: list[Column]
    target: str | None = None
    dialect: Dialect | None = None

    @field_validator("columns", mode="before")
    @classmethod
    def _from_mapping(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            return [
                {"name": name, **(spec if isinstance(spec, Mapping) else {"kind": spec})}
                for name, spec in value.items()
            ]
        return value

    @model_validator(mode="after")
    def _check(self) -> Self:
        seen: set[str] = set()
        for column in self.columns:
            if column.name in seen:
                raise ValueError(f"column {column.name!r} occurs twice")
            seen.add(column.name)
        if self.target is not None and self.target not in seen:
            raise ValueError(
                f"the target {self.target!r} is not a column{suggest(self.target, seen)}"
            )
        return self

    @classmethod
    def build(
        cls, columns: Any, target: str | None = None, dialect: Dialect | None = None
    ) -> Schema:
        """Make a schema from columns or a mapping; errors are one sentence.

        Raises
        ------
        SchemaError
            If the columns do not make a schema.
        """
        try:
            return cls.model_validate({"columns": columns, "target": target, "dialect": dialect})
        except ValidationError as error:
            raise SchemaError(f"schema: {_first_error(error)}") from error

    @classmethod
    def infer(cls, data: Any, target: str | None = None) -> Schema:
        """Find out what the columns of a table mean.

        Parameters
        ----------
        data : frame, path or array
        target : str or None, default=None
            The column that a model is to predict.

        Returns
        -------
        Schema
            Each column with the confidence and the reason of its kind; `override` settles one.

        Raises
        ------
        InputError
            If the data cannot be read or make no table.

        Examples
        --------
        >>> import polars as pl
        >>> table = pl.DataFrame({"age": list(range(40)), "member": ["yes", "no"] * 20})
        >>> Schema.infer(table, target="member")["age"].kind.value
        'integer'
        """
        # What infers stands above the schema, which everything reads: it is found when called.
        loading = import_module("tablewright.tables.io.loading")
        schema: Schema = loading.load_as_said(data, None, target).schema
        return schema

    def __getitem__(self, name: str) -> Column:
        for inner in (name, inner_name(name)):
            for column in self.columns:
                if column.name == inner:
                    return column
        raise SchemaError(f"unknown column {name!r}{suggest(name, self.names)}")

    def __contains__(self, name: object) -> bool:
        return any(column.name == name for column in self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def each(self) -> Iterator[Column]:
        """Columns in order."""
        return iter(self.columns)

    @property
    def names(self) -> list[str]:
        """Column names in order."""
        return [column.name for column in self.columns]

    @property
    def modelled(self) -> list[Column]:
        """The columns that generators learn."""
        return [column for column in self.columns if column.kind.is_modelled]

    def replace(self, column: Column) -> Schema:
        """Return a copy with one column put in place of the one of the same name."""
        self[column.name]
        columns = [column if old.name == column.name else old for old in self.columns]
        return self.model_copy(update={"columns": columns})

    def with_target(self, target: str | None) -> Schema:
        """Return a copy with another target.

        Raises
        ------
        SchemaError
            If `target` is not a column.
        """
        named = None if target is None else self[target].name
        return self.model_copy(update={"target": named})

    def override(self, **kinds: str | Kind | Mapping[str, Any]) -> Schema:
        """Return a copy in which a person has the last word on some columns.

        Parameters
        ----------
        **kinds : str, Kind or mapping
            For each column its kind, or a mapping of fields of `Column`.

        Raises
        ------
        SchemaError
            If a column or a kind is unknown.
        """
        schema = self
        for name, spec in kinds.items():
            fields = renamed(spec) if isinstance(spec, Mapping) else {"kind": spec}
            values = {"categories", "minimum", "maximum"} & set(fields)
            reason = DECLARED if values else "its kind was said by the user"
            reported = {"confidence": 1.0, "reason": reason, **fields}
            if set(fields) == {"description"}:  # says nothing of kind or values
                reported = fields
            try:
                column = Column.model_validate({**schema[name].model_dump(), **reported})
            except ValidationError as error:
                raise SchemaError(f"column {name!r}: {_first_error(error)}") from error
            schema = schema.replace(column)
        return schema

    def to_yaml(self) -> str:
        """Write the schema as text for ``schema.yaml``."""
        columns = {
            column.name: column.model_dump(mode="json", exclude={"name"}, exclude_defaults=True)
            for column in self.columns
        }
        data: dict[str, Any] = {"version": self.version, "target": self.target}
        if self.dialect is not None:
            data["dialect"] = self.dialect.model_dump(exclude_defaults=True)
        data["columns"] = columns
        return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))

    @staticmethod
    def overrides_from_yaml(text: str) -> SchemaFile:
        """Read a ``schema.yaml``: what it declares of columns, target and dialect.

        The file may name a few columns only (``columns: {age: ordinal}``); what it leaves
        out is inferred.

        Raises
        ------
        SchemaError
            If the text is not YAML of that form.
        """
        data = _load_yaml(text)
        if not isinstance(data, Mapping) or not isinstance(data.get("columns", {}), Mapping):
            raise SchemaError("a schema file holds 'columns:' with one line per column")
        unknown = set(data) - {"version", "target", "dialect", "columns"}
        if unknown:
            raise SchemaError(
                "a schema file has 'version', 'target', 'dialect' and 'columns', "
                f"not {sorted(map(str, unknown))}"
            )
        if data.get("version", 1) != 1:
            raise SchemaError(f"schema: version is 1, not {str(data['version'])[:40]!r}")
        target = data.get("target")
        if isinstance(target, Mapping | list):
            raise SchemaError("schema: 'target' is the name of one column")
        columns = {
            str(name): _check_fields(name, spec) for name, spec in data.get("columns", {}).items()
        }
        return SchemaFile(
            columns, None if target is None else str(target), _read_dialect(data.get("dialect"))
        )


def _read_dialect(declared: Any) -> Dialect | None:
    if declared is None:
        return None
    if not isinstance(declared, Mapping):
        raise SchemaError("schema: 'dialect' holds fields such as 'separator: \";\"'")
    for key in map(str, declared):
        if key not in Dialect.model_fields:
            raise SchemaError(
                f"schema: dialect has no field {key!r}{suggest(key, Dialect.model_fields)}"
            )
    try:
        return Dialect.model_validate(dict(declared))
    except ValidationError as error:
        raise SchemaError(f"schema: dialect: {_first_error(error)}") from error


def _load_yaml(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise SchemaError(f"the schema is not YAML{line}: {problem}") from error
    except (RecursionError, ValueError, OverflowError) as error:
        raise SchemaError(
            "the schema cannot be read: it is nested too deeply, or holds a value that is none"
        ) from error


def _check_fields(name: Any, spec: Any) -> Any:
    """Check each field of a column on its own; what is left out is not asked for."""
    fields = renamed(spec) if isinstance(spec, Mapping) else {"kind": spec}
    known = set(Column.model_fields) - {"name"}
    for key in fields:
        if key not in known:
            raise SchemaError(
                f"column {str(name)!r}: {key!r} is no field{suggest(str(key), sorted(known))}"
            )
    if not isinstance(fields.get("kind", ""), str):
        raise SchemaError(f"column {str(name)!r}: kind is one of {', '.join(Kind)}")
    try:
        Column.model_validate({"name": "", **fields, "kind": Kind.CONSTANT})
    except ValidationError as error:
        raise SchemaError(f"column {str(name)!r}: {_first_error(error)}") from error
    return fields if isinstance(spec, Mapping) else spec


def _first_error(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    given = "" if first["type"] == "value_error" else f", not {_short(first['input'])}"
    return f"{where + ': ' if where else ''}{message}{given}"


def _short(value: object) -> str:
    """Show a value that is wrong; nothing long or nested is repeated."""
    if isinstance(value, str | int | float | bool | None):
        text = (
            repr(value) if not isinstance(value, int) or abs(value) < 1 << 100 else "so large a one"
        )
        return text if len(text) <= 40 else text[:37] + "..."
    return f"a {type(value).__name__}"


def suggest(name: str, known: Iterable[object]) -> str:
    """Return ``"; did you mean 'x'?"`` for a near miss, else the names that exist.

    Examples
    --------
    >>> suggest("agee", ["age", "city"])
    "; did you mean 'age'?"
    >>> suggest("gen", ["generate", "fit"])
    "; did you mean 'generate'?"
    """
    names = [outer_name(str(item)) for item in known]
    begun = [item for item in names if len(name) >= 3 and item.startswith(name)]
    near = difflib.get_close_matches(name, names, n=1) or begun
    if near:
        return f"; did you mean {near[0]!r}?"
    shown = ", ".join(repr(item) for item in names[:12]) + (", ..." if len(names) > 12 else "")
    return f"; there are {shown}" if names else ""
