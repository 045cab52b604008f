"""How rows and columns hang together: target, time, groups, keys, twins."""

from __future__ import annotations

import re
from itertools import combinations

import polars as pl

from tablewright.evaluation.profile.models import Finding
from tablewright.schema import Column, Kind, Schema
from tablewright.tables.inference.kinds import is_named_like_a_key

MAX_CLASSES = 20
MIN_STEPS = 10

_TARGET_NAME = re.compile(
    r"^(y|target|label|labels|class|outcome|response|diagnosis|default|churn|fraud|survived)$"
    r"|[_ .-](target|label|class|outcome)$|^(target|label|class|outcome)[_ .-]",
    re.IGNORECASE,
)
_TIME_NAME = re.compile(r"(year|month|week|date|time|timestamp|period|step|tick)$", re.IGNORECASE)


def find_target(frame: pl.DataFrame, schema: Schema) -> tuple[str | None, str]:
    """Guess which column a model is to predict.

    Returns
    -------
    name : str or None
        None where the schema names a target, or no column looks like one.
    why : str
    """
    if schema.target is not None:
        return None, "named by the user"
    named = [c for c in schema.modelled if _TARGET_NAME.search(c.name)]
    if named:
        best = max(named, key=lambda c: (_is_class(frame, c), schema.names.index(c.name)))
        return best.name, "its name says so"
    for name, index in ((schema.names[-1], "last"), (schema.names[0], "first")):
        if schema[name].kind.is_discrete and _is_class(frame, schema[name]):
            n = frame[name].drop_nulls().n_unique()
            return name, f"it is the {index} column and has {n} classes"
    return None, "no column is named like a target, and neither the last nor the first has classes"


def _is_class(frame: pl.DataFrame, column: Column) -> bool:
    return 2 <= frame[column.name].drop_nulls().n_unique() <= MAX_CLASSES


def find_sequences(frame: pl.DataFrame, schema: Schema) -> list[Finding]:
    """Find rows that stand in the order of time."""
    result = []
    for column in schema.each():
        timed = column.kind in (Kind.DATE, Kind.DATETIME) or (
            column.kind is Kind.INTEGER and bool(_TIME_NAME.search(column.name))
        )
        if timed and _is_sorted(frame[column.name]):
            result.append(_say_sequence(column.name, "the rows stand in its order"))
            continue
        group = _panel(frame, schema, column.name) if timed else None
        if group is not None:
            result.append(_say_sequence(column.name, f"within each {group!r} it moves on"))
    return result


def _is_sorted(series: pl.Series) -> bool:
    if series.null_count() or series.n_unique() < MIN_STEPS:
        return False
    return series.is_sorted() or series.is_sorted(descending=True)


def _panel(frame: pl.DataFrame, schema: Schema, time: str) -> str | None:
    """Give the column within whose values time never stands still: repeated measurements."""
    for column in schema.each():
        if column.name == time or not is_named_like_a_key(column.name):
            continue
        n = frame[column.name].n_unique()
        pairs = frame.select(column.name, time)
        if 1 < n <= frame.height / 2 and pairs.n_unique() == frame.height:
            return column.name
    return None


def _say_sequence(name: str, why: str) -> Finding:
    sentence = (
        f"{name!r} looks like time and {why}: sequences are not supported yet, rows are "
        "taken as independent, and new rows will not follow on each other"
    )
    return Finding.warning("sequence", sentence, name)


def find_missing_header(frame: pl.DataFrame, schema: Schema) -> list[Finding]:
    """Find names that are values of their own columns: the first line holds data."""
    alike = [c.name for c in schema.each() if _holds_its_name(frame[c.name])]
    if len(alike) < max(2, frame.width / 4):
        return []
    sentence = (
        f"the names {', '.join(map(repr, alike[:5]))} occur as values of their own columns: the "
        "file seems to have no header, and its first row was taken for one; add a line with names"
    )
    return [Finding.warning("missing header", sentence, *alike)]


def _holds_its_name(series: pl.Series) -> bool:
    if series.dtype.is_numeric():
        number = pl.Series([series.name]).cast(pl.Float64, strict=False)[0]
        return number is not None and bool((series.cast(pl.Float64) == number).any())
    if series.dtype == pl.Duration:
        return False
    return bool((series.cast(pl.String) == series.name).any())


def find_foreign_keys(frame: pl.DataFrame, schema: Schema) -> list[Finding]:
    """Find columns that point to something of which there are several rows."""
    result = []
    for column in schema.each():
        n = frame[column.name].drop_nulls().n_unique()
        repeats = frame.height / max(n, 1)
        if not is_named_like_a_key(column.name) or column.kind is Kind.CONSTANT:
            continue
        if column.kind is not Kind.IDENTIFIER and n > MAX_CLASSES and repeats > 1:
            result.append(_say_foreign_key(column.name, n, repeats))
    return result


def _say_foreign_key(name: str, n: int, repeats: float) -> Finding:
    sentence = (
        f"{name!r} looks like a foreign key or a group ({n} values, {repeats:.1f} rows each): "
        "keys and groups are not supported yet, its values are drawn like categories; leave "
        f"it out, and pass --groups {name!r} to evaluate so that groups are not split"
    )
    return Finding.warning("foreign key", sentence, name)


def find_duplicate_columns(frame: pl.DataFrame, schema: Schema) -> list[Finding]:
    """Find pairs of columns of which each decides the other."""
    counts = {c.name: frame[c.name].n_unique() for c in schema.modelled}
    names = [name for name, n in counts.items() if 2 < n < frame.height / 2]
    result = []
    for one, other in combinations(names, 2):
        if counts[one] == counts[other] == frame.select(one, other).n_unique():
            sentence = (
                f"{one!r} and {other!r} say the same in other words: each value of one goes "
                "with one value of the other; leave one out, or keep them by a rule"
            )
            result.append(Finding.note("twin columns", sentence, one, other))
    return result
