"""Whether a row can be at all: its cells are of their kind, in range, and keep the rules."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.rules import as_rules, bind
from tablewright.rules.bound import BoundRule, ShareRule, Unique
from tablewright.schema import Column, Kind, Schema
from tablewright.selection.check import Floats, Judgement, Mask
from tablewright.tables.encoding.codec import Codec

Reasons = list[str]

TOLERATED = 0.01
"""Share of real rows, at least one row, that may break what is asked of candidates."""


@dataclass(frozen=True)
class _Numbers:
    """What a numeric column asks of a cell."""

    column: Column
    low: float
    high: float
    decimals: int | None


class Sanity:
    """Drop rows that cannot be: cells missing, out of range, of no known category, rules broken.

    A range or a set of values that the schema declares is taken as it is. A range that the
    schema has read off the real rows is widened, the more the fewer rows there are, but not
    beyond zero where no real value is. What real rows break too is told with their rate, and
    is not asked of candidates where more than 1 % of them (and more than one row) do so.

    Parameters
    ----------
    rules : Rules, path, list or mapping, default=None
        Rules that every row keeps, see `tablewright.rules`; hard rules alone reject a row.
    missing : {"schema", "allow"}, default="schema"
        Whether a cell may be empty in a column that has no empty cell and is not declared
        nullable. The target is never empty.
    decimals : {"ignore", "reject"}, default="ignore"
        Whether more digits after the point than the column has reject a row.
    declared : collection of (str, str), default=()
        Columns and ends (``("age", "maximum")``) that somebody has said, even if they are just the
        real extremes; those of a schema that was written by hand are known as such.

    Attributes
    ----------
    notes_ : list of str
        What real rows break, and what is therefore not asked.

    Raises
    ------
    InputError
        If an option is none of these.
    RuleError
        If a rule does not fit the schema.

    Examples
    --------
    >>> schema = Schema.build({"age": {"kind": "integer", "minimum": 18, "maximum": 99}})
    >>> real, rng = pl.DataFrame({"age": [20, 40]}), np.random.default_rng(0)
    >>> check = Sanity(rules=["age <> 50"]).fit(real, schema, rng)
    >>> check.judge(pl.DataFrame({"age": [17, 50, None, 30]}), rng).reasons
    ['age: 17 is below 18', 'breaks rule r1: age <> 50', 'age is missing', '']
    """

    name = "sanity"

    def __init__(
        self,
        rules: Any = None,
        *,
        missing: Literal["schema", "allow"] = "schema",
        decimals: Literal["ignore", "reject"] = "ignore",
        declared: Collection[tuple[str, str]] = (),
    ) -> None:
        if missing not in ("schema", "allow"):
            raise InputError(f"missing is 'schema' or 'allow', not {missing!r}")
        if decimals not in ("ignore", "reject"):
            raise InputError(f"decimals is 'ignore' or 'reject', not {decimals!r}")
        self.rules = rules
        self.missing = missing
        self.decimals = decimals
        self.declared = declared

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Learn from typed real rows what is asked of candidates."""
        self.schema_ = schema
        self.notes_: list[str] = []
        self.codec_ = Codec(schema).fit(train)
        self.real_ = train
        self.numbers_ = {
            c.name: self._numbers(train[c.name], c)
            for c in schema.modelled
            if c.kind.is_numeric or _is_scale(c)
        }
        self.values_ = {
            c.name: self._values(train[c.name], c)
            for c in schema.each()
            if (c.kind.is_discrete or c.kind is Kind.CONSTANT) and not _is_scale(c)
        }
        self.rules_ = self._usable(bind(as_rules(self.rules), schema, train), train)
        return self

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score is the number of faults of a row."""
        result: list[Reasons] = [[] for _ in range(rows.height)]
        for column in self.schema_.each():
            self._judge_missing(rows[column.name], column, result)
        for name, asked in self.numbers_.items():
            self._judge_numbers(rows[name], asked, result)
        for name, values in self.values_.items():
            self._judge_values(rows[name], values, result)
        for rule in self.rules_:
            for row in np.flatnonzero(self._broken(rule, rows)):
                result[row].append(f"breaks rule {rule.name}: {rule.rule.described()}")
        reasons = [" and ".join(faults[:2]) for faults in result]
        score = np.array([len(faults) for faults in result], dtype=float)
        return Judgement.of(score == 0, reasons, score, self.notes_)

    # what is asked --------------------------------------------------------------

    def _numbers(self, series: pl.Series, column: Column) -> _Numbers:
        real = _floats(series, column, self.codec_)
        known = real[~np.isnan(real)]
        declared = _bounds(column)
        if not len(known):
            return _Numbers(column, *declared, None)
        ends = [self._declares(column, end) for end in ("minimum", "maximum")]
        low, high = _widened(known, declared, ends)
        outside = (known < low) | (known > high)
        if outside.any():
            self._note(f"the range of {column.name}", int(outside.sum()), len(series))
            if _too_often(int(outside.sum()), len(series)):
                low, high = _widened(known, (np.nan, np.nan), ends)
        whole = column.kind is Kind.INTEGER or _is_scale(column)
        return _Numbers(column, low, high, 0 if whole else column.decimals)

    def _declares(self, column: Column, end: str) -> bool:
        """Whether somebody has said an end of a range; what was inferred says why."""
        return not column.reason or (column.name, end) in self.declared

    def _values(self, series: pl.Series, column: Column) -> pl.Series:
        """Return the values that a discrete column may have: those declared, or those seen."""
        seen = _plain(series).drop_nulls().unique()
        if column.categories is None or not len(seen):
            return seen
        declared = pl.Series(column.categories, strict=False).cast(seen.dtype, strict=False)
        unknown = ~_plain(series).is_in(declared.implode()).fill_null(True)
        if unknown.any():
            self._note(f"the values of {column.name}", int(unknown.sum()), len(series))
            if _too_often(int(unknown.sum()), len(series)):
                return pl.concat([declared, seen.rename(declared.name)]).unique()
        return declared

    def _usable(self, bound: list[BoundRule], train: pl.DataFrame) -> list[BoundRule]:
        usable = []
        for rule in bound:
            if isinstance(rule, ShareRule):
                self.notes_.append(
                    f"rule {rule.name} is about the shares of a table and rejects no single row"
                )
                continue
            if not rule.rule.hard:
                self.notes_.append(f"rule {rule.name} is soft and rejects no row")
                continue
            count = int(rule.broken(train).sum())
            kept = not rule.rule.relaxable
            if count:
                what = f"rule {rule.name} ({rule.rule.described()})"
                self._note(what, count, train.height, kept=kept)
            if kept or not _too_often(count, train.height):
                usable.append(rule)
        return usable

    def _note(self, what: str, count: int, n_rows: int, *, kept: bool = False) -> None:
        end = "" if kept or not _too_often(count, n_rows) else ", so it rejects no candidate"
        self.notes_.append(
            f"{what}: {count} of {n_rows} real rows ({count / n_rows:.1%}) break it{end}"
        )

    # what is found --------------------------------------------------------------

    def _judge_missing(self, series: pl.Series, column: Column, found: list[Reasons]) -> None:
        is_target = column.name == self.schema_.target
        nullable = column.nullable or self.missing == "allow" or not column.kind.is_modelled
        if nullable and not is_target:
            return
        if not is_target and self.real_[column.name].null_count():
            return
        for row in np.flatnonzero(_plain(series).is_null().to_numpy()):
            found[row].append(f"{column.name} is missing")

    def _judge_numbers(self, series: pl.Series, asked: _Numbers, found: list[Reasons]) -> None:
        floats = _floats(series, asked.column, self.codec_)
        name, decimals = asked.column.name, asked.decimals
        for row in np.flatnonzero(floats < asked.low):
            found[row].append(f"{name}: {series[int(row)]} is below {_text(asked, asked.low)}")
        for row in np.flatnonzero(floats > asked.high):
            found[row].append(f"{name}: {series[int(row)]} is above {_text(asked, asked.high)}")
        if decimals is None or (decimals and self.decimals == "ignore"):
            return
        rough = np.abs(floats - np.round(floats, decimals)) > 1e-9 * np.maximum(1, np.abs(floats))
        if asked.column.kind in (Kind.INTEGER, Kind.CONTINUOUS) or _is_scale(asked.column):
            digits = "is not whole" if not decimals else f"has more than {decimals} decimals"
            for row in np.flatnonzero(rough):
                found[row].append(f"{name}: {series[int(row)]} {digits}")

    def _judge_values(self, series: pl.Series, values: pl.Series, found: list[Reasons]) -> None:
        plain = _plain(series)
        known = plain.cast(values.dtype, strict=False).is_in(values.implode()).fill_null(False)
        for row in np.flatnonzero((plain.is_not_null() & ~known).to_numpy()):
            found[row].append(f"{series.name}: {series[int(row)]!r} is not among its values")

    def _broken(self, rule: BoundRule, rows: pl.DataFrame) -> Mask:
        if not isinstance(rule, Unique):
            return rule.broken(rows)
        keys = list(rule.columns)
        both = pl.concat([self.real_.select(keys), rows.select(keys)], how="vertical_relaxed")
        return rule.broken(both)[self.real_.height :]


def _is_scale(column: Column) -> bool:
    """Whether a column is a scale of whole numbers that was read off the rows, such as grades."""
    numbers = column.categories or []
    is_whole = bool(numbers) and all(
        isinstance(x, int | float) and not isinstance(x, bool) and x == int(x) for x in numbers
    )
    return column.kind is Kind.ORDINAL and is_whole and column.confidence < 1


def _floats(series: pl.Series, column: Column, codec: Codec) -> Floats:
    """Numbers of a numeric column: days of dates, microseconds of times, numbers of a scale.

    Codes that stand for something else than a value are NaN: they are in no range.
    """
    if column.kind.is_discrete:
        return series.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    floats = codec.encode_column(series)
    codes = [code for code in column.sentinels if isinstance(code, int | float)]
    return np.where(np.isin(floats, codes), np.nan, floats) if codes else floats


def _bounds(column: Column) -> tuple[float, float]:
    """Return the range that the schema has, NaN where it has none."""
    ends = (column.minimum, column.maximum)
    if _is_scale(column):
        return np.nan, np.nan
    if column.kind is Kind.DATE:
        return _moments(ends, pl.Date)
    if column.kind is Kind.DATETIME:
        return _moments(ends, pl.Datetime("us"))
    scale = 1e6 if column.kind is Kind.TIMEDELTA else 1.0
    low, high = (np.nan if end is None else float(end) * scale for end in ends)
    return low, high


def _moments(ends: tuple[Any, Any], dtype: Any) -> tuple[float, float]:
    texts = pl.Series([None if end is None else str(end) for end in ends], dtype=pl.String)
    moments = texts.str.to_datetime(strict=False, time_zone="UTC").dt.replace_time_zone(None)
    numbers = moments.cast(dtype).to_physical().cast(pl.Float64).fill_null(np.nan)
    return float(numbers[0]), float(numbers[1])


def _widened(known: Floats, said: tuple[float, float], declared: list[bool]) -> tuple[float, float]:
    """Return the range asked for: as declared, or that of the real values and some room.

    The real extremes of n rows lie within those of the population, by about the range times
    2 / sqrt(n) for normal values and small n.
    """
    low, high = float(known.min()), float(known.max())
    room = max(0.1, 2 / np.sqrt(len(known))) * (high - low)
    floor = 0.0 if low >= 0 else -np.inf
    ceiling = 0.0 if high <= 0 else np.inf
    minimum = said[0] if _holds(said[0], low, declared[0]) else max(low - room, floor)
    maximum = said[1] if _holds(said[1], high, declared[1]) else min(high + room, ceiling)
    return float(minimum), float(maximum)


def _holds(said: float, extreme: float, declared: bool) -> bool:
    """Whether an end of a range is meant: it was said, or is not just the real extreme."""
    return not np.isnan(said) and (declared or not np.isclose(said, extreme, rtol=1e-9, atol=1e-12))


def _too_often(count: int, n_rows: int) -> bool:
    return count > max(1, TOLERATED * n_rows)


def _plain(series: pl.Series) -> pl.Series:
    if series.dtype in (pl.Categorical, pl.Enum):
        return series.cast(pl.String)
    return series.fill_nan(None) if series.dtype.is_float() else series


def _text(asked: _Numbers, end: float) -> str:
    kind = asked.column.kind
    if kind is Kind.DATE:
        return str(pl.Series([int(end)]).cast(pl.Date)[0])
    if kind is Kind.DATETIME:
        return str(pl.Series([int(end)]).cast(pl.Datetime("us"))[0])
    if kind is Kind.TIMEDELTA:
        return f"{end / 1e6:g} s"
    return f"{end:.6g}"
