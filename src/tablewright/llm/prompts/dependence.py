"""How one column goes with another, in numbers for a prompt, as far as a table may leave."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import polars as pl

from tablewright.llm.prompts.sharing import Shared, Sharing, plain
from tablewright.schema import Column, Schema

_GROUPS = 4
_VALUES = 4
_QUARTILES = (0.25, 0.5, 0.75)
_BOUNDS = (1 / 3, 2 / 3)


def describe_dependence(
    sharing: Sharing, schema: Schema, frame: pl.DataFrame, pairs: Sequence[tuple[str, str]]
) -> Shared:
    """Describe an effect in each group of rows of a cause, a line each.

    A number is told by its quartiles, another column by the shares of its values. Groups and
    values of fewer rows than a summary names are left out, as are redacted columns.

    Examples
    --------
    >>> frame = pl.DataFrame({"smokes": ["yes", "no"] * 3, "pay": [9, 1, 8, 2, 7, 3]})
    >>> schema = Schema.build({"smokes": "categorical", "pay": "integer"})
    >>> print(describe_dependence(Sharing("summary"), schema, frame, [("smokes", "pay")]).text)
    {"where smokes is": "yes", "pay": [7.5, 8.0, 8.5]}
    {"where smokes is": "no", "pay": [1.5, 2.0, 2.5]}
    """
    lines: list[str] = []
    counts: dict[str, int] = {}
    for cause, effect in pairs if sharing.allows("summary") else ():
        if {cause, effect} & set(sharing.redact):
            continue
        for group, rows in _groups(schema[cause], frame, sharing.min_count):
            told, n_values = _told(schema[effect], rows[effect], sharing.min_count)
            if n_values:
                line = {f"where {cause} is": group, effect: told}
                lines.append(json.dumps(line, ensure_ascii=False))
                counts[cause] = counts.get(cause, 0) + 1
                counts[effect] = counts.get(effect, 0) + n_values
    return Shared("\n".join(lines), counts)


def _groups(
    column: Column, frame: pl.DataFrame, min_count: int
) -> Iterator[tuple[object, pl.DataFrame]]:
    """Give the rows of the commonest values of a column, or of the thirds of a number."""
    known = frame.filter(pl.col(column.name).is_not_null())
    values = known[column.name]
    if column.kind.is_discrete:
        counted = values.value_counts(sort=True).head(_GROUPS)
        common = counted.filter(pl.col("count") >= min_count)[column.name]
        for value in (one for one in values.unique(maintain_order=True) if one in set(common)):
            yield plain(value), known.filter(values == value)
    elif values.dtype.is_numeric() and known.height >= 3 * min_count:
        low, high = (float(values.quantile(level, "linear") or 0.0) for level in _BOUNDS)
        if low < high:
            yield f"below {_short(low):g}", known.filter(values < low)
            yield f"above {_short(high):g}", known.filter(values > high)


def _told(column: Column, values: pl.Series, min_count: int) -> tuple[object, int]:
    """Return the quartiles of a number or the shares of common values, and how many there are."""
    values = values.drop_nulls()
    if len(values) < min_count:
        return None, 0
    if column.kind.is_discrete:
        counted = values.value_counts(sort=True).head(_VALUES)
        common = counted.filter(pl.col("count") >= min_count)
        shares = {str(plain(v)): round(n / len(values), 2) for v, n in common.iter_rows()}
        return shares, len(shares)
    if not values.dtype.is_numeric():
        return None, 0
    points = [values.quantile(level, "linear") or 0.0 for level in _QUARTILES]
    return [_short(float(point)) for point in points], len(points)


def _short(number: float) -> float:
    """Return a number to four digits: more say nothing of a group and cost tokens."""
    return float(f"{number:.4g}")
