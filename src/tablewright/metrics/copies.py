"""Copies that a look for equal rows misses: one cell changed, shifted by a column, rescaled.

All three were found in recorded output of language models, which recite tables they know.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.metrics.encoder import EncodedRows, Floats
from tablewright.metrics.neighbours import distance_blocks
from tablewright.metrics.privacy import share_score
from tablewright.metrics.row_keys import Keys, among, keys_without_each, row_keys
from tablewright.metrics.scores import Direction, Score

MIN_COLUMNS = 3
N_TRIES = 1000
"""Pairs of points that are tried: with one true pair in eleven, 1 search of 4,000 misses it."""
MAX_ROWS = 5000
MAX_SHIFTED = 200_000
"""Rows that are looked up moved by a column: all cells of them are held as text on the way."""
_CLOSE = 1e-4

Line = tuple[float, float]
"""Slope and intercept."""


def one_off_copies(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Share of generated rows that equal a training row in every column but one.

    The details count the changed columns: the target among them is a copy with another label.
    In a table of few categories real rows do so too; the reference shows how often.
    """
    name, meaning = "one_off_copies", "share of rows that equal a training row but for one column"
    if len(real.features) < MIN_COLUMNS or not len(synthetic):
        reason = f"it needs {MIN_COLUMNS} columns and generated rows"
        return Score.undefined(name, Direction.LOWER, reason, meaning, len(synthetic))
    result, reference = one_off(real, synthetic), {}
    if holdout is not None and len(holdout):
        reference["real"] = float(one_off(real, holdout).any(axis=1).mean())
    counts = result.sum(axis=0)
    columns = {f.name: int(n) for f, n in zip(real.features, counts, strict=True) if n}
    hits = int(result.any(axis=1).sum())
    return share_score(name, hits, len(synthetic), meaning, reference, {"columns": columns})


def one_off(real: EncodedRows, other: EncodedRows) -> NDArray[np.bool_]:
    """Mark, by column, the rows that are no copy and become one when the column is left out."""
    pairs = zip(keys_without_each(other), keys_without_each(real), strict=True)
    hits = np.column_stack([among(keys, known) for keys, known in pairs])
    hits[among(row_keys(other), row_keys(real))] = False
    return hits


def shifted_copies(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Share of generated rows that are a training row moved by one column, either way.

    A parser that drops or adds a separator makes them: the values are real, in the wrong place.
    The last column is not looked at, since a target often stays where it was.
    """
    name, meaning = "shifted_copies", "share of rows that are a training row moved by one column"
    if len(real.features) < MIN_COLUMNS + 2 or not len(synthetic):
        reason = f"it needs {MIN_COLUMNS + 2} columns and generated rows"
        return Score.undefined(name, Direction.LOWER, reason, meaning, len(synthetic))
    base, rows = _plain_cells(real), synthetic.cut(MAX_SHIFTED, rng)
    hits = int(_shifted(base, _plain_cells(rows)).sum())
    reference = {}
    if holdout is not None and len(holdout):
        held = holdout.cut(MAX_SHIFTED, rng)
        reference["real"] = float(_shifted(base, _plain_cells(held)).mean())
    return share_score(name, hits, len(rows), meaning, reference)


def _plain_cells(rows: EncodedRows) -> Keys:
    """One number per cell that is the same for equal values in any column; 0 for missing."""
    columns = []
    for feature in rows.features:
        value = _plain(rows.frame[feature.name])
        columns.append(value.hash(seed=1).zip_with(value.is_not_null(), _zeros(len(value))))
    return np.column_stack([column.to_numpy() for column in columns])


def _plain(cells: pl.Series) -> pl.Series:
    """Return cells as text, numbers with seven digits however they were written."""
    if cells.dtype == pl.Float64:  # the same without the detour, which takes most of the time
        return cells.round_sig_figs(7).cast(pl.String)
    plain = cells.cast(pl.Int64) if cells.dtype == pl.Duration else cells
    text = plain.cast(pl.String, strict=False).str.strip_chars()
    number = text.cast(pl.Float64, strict=False).round_sig_figs(7).cast(pl.String)
    return pl.select(pl.coalesce(number, text)).to_series()


def _zeros(n: int) -> pl.Series:
    return pl.Series(np.zeros(n, dtype=np.uint64))


def _shifted(real: Keys, other: Keys) -> NDArray[np.bool_]:
    right = among(_joined(other[:, 1:-1]), _joined(real[:, :-2]))
    left = among(_joined(other[:, :-2]), _joined(real[:, 1:-1]))
    kinds = (np.diff(np.sort(other, axis=1), axis=1) != 0).sum(axis=1) + 1
    return np.asarray((right | left) & (kinds >= MIN_COLUMNS))


def _joined(cells: Keys) -> Keys:
    return np.asarray(pl.DataFrame(cells).hash_rows(seed=0).to_numpy())


def rescaled_copies(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Share of generated rows that are a training row with columns shifted and scaled.

    A table that was standardised on the way has no equal row and is out of range, and yet every
    row is real. Columns whose values are hardly ever real ones are suspects. For each, a line
    from training values to generated values is sought: between means and spreads, which finds a
    whole table, and on pairs of rows that agree in the other columns, which finds a part. A row
    counts where one training row agrees with it in all but a fifth of these columns.
    """
    name, meaning = "rescaled_copies", "share of rows that are a rescaled training row"
    if not len(synthetic):
        reason = "there are no generated rows"
        return Score.undefined(name, Direction.LOWER, reason, meaning)
    rows = synthetic.cut(MAX_ROWS, rng)
    kept = _familiar(real, rows)
    lines = _lines(real, rows, kept, rng)
    matched = _meeting(real, rows, lines, kept) if lines else np.zeros(len(rows), dtype=bool)
    names = {real.features[j].name: list(line) for j, line in lines.items()}
    details = {"lines": names if matched.any() else {}}
    reference = {"real": 0.0, "copy": 0.0}
    return share_score(name, int(matched.sum()), len(rows), meaning, reference, details)


def _lines(
    real: EncodedRows, other: EncodedRows, kept: list[int], rng: np.random.Generator
) -> dict[int, Line]:
    """Lines of the suspects, where two of them and at least half have one."""
    suspects = [j for j in range(len(real.features)) if j not in kept and _varies(other, j)]
    if len(suspects) < 2:
        return {}
    pairs = _pairs(real, other, kept, rng)
    result = {}
    for j in suspects:
        line = _whole_line(real.values[:, j], other.values[:, j])
        line = line or _line(pairs, real.values[:, j], other.values[:, j], rng)
        if line is not None:
            result[j] = line
    return result if len(result) >= max(2, len(suspects) / 2) else {}


def _familiar(real: EncodedRows, other: EncodedRows) -> list[int]:
    """Columns of which at least half of the values occur among the training rows."""
    return [
        j
        for j in range(len(real.features))
        # polars types a mean as any value; of truths it is a number
        if other.take_column(j).is_in(real.take_column(j).implode(), nulls_equal=True).mean() >= 0.5  # type: ignore[operator]
    ]


def _varies(rows: EncodedRows, index: int) -> bool:
    values = rows.values[~np.isnan(rows.values[:, index]), index]
    return rows.features[index].levels is None and len(np.unique(values)) >= 5


Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Rows of the real and of the other table that agree in the familiar columns."""


def _pairs(
    real: EncodedRows, other: EncodedRows, kept: list[int], rng: np.random.Generator
) -> Pairs:
    frames = [
        pl.DataFrame([rows.take_column(j).alias(str(j)) for j in kept] or [_zeros(len(rows))])
        .with_row_index("row")
        .sample(fraction=1.0, shuffle=True, seed=int(rng.integers(2**31)))
        for rows in (real, other)
    ]
    columns = [name for name in frames[0].columns if name != "row"]
    few = frames[0].group_by(columns, maintain_order=True).head(40)
    joined = frames[1].join(few, on=columns, how="inner", nulls_equal=True, suffix="_real")
    joined = joined.sort("row", "row_real")
    return joined["row_real"].to_numpy().astype(int), joined["row"].to_numpy().astype(int)


def _whole_line(real: Floats, other: Floats) -> Line | None:
    """Line between the means and spreads, where the whole table was rescaled."""
    x, y = real[~np.isnan(real)], other[~np.isnan(other)]
    if not x.std():
        return None
    slope = float(y.std() / x.std())
    line = slope, float(y.mean() - slope * x.mean())
    mapped = np.sort(line[0] * x + line[1])
    index = np.clip(np.searchsorted(mapped, y), 1, len(mapped) - 1)
    off = np.minimum(np.abs(y - mapped[index]), np.abs(y - mapped[index - 1]))
    return line if (off < _CLOSE * y.std()).mean() > 0.5 else None


def _line(pairs: Pairs, real: Floats, other: Floats, rng: np.random.Generator) -> Line | None:
    """Line that most generated values meet with a partner of their row, by random pairs."""
    x, y = real[pairs[0]], other[pairs[1]]
    known = np.flatnonzero(~np.isnan(x) & ~np.isnan(y))
    if len(known) < 10:
        return None
    at = rng.choice(known, size=min(len(known), 4000), replace=False)
    x, y = x[at], y[at]
    best, line = 0, None
    for _ in range(N_TRIES):
        a, b = rng.integers(len(x), size=2)
        if x[a] == x[b] or y[a] == y[b]:
            continue
        slope = (y[a] - y[b]) / (x[a] - x[b])
        near = np.abs(y - y[a] - slope * (x - x[a])) < _CLOSE * y.std()
        hits = len(np.unique(y[near]))
        if hits > best:
            best, line = hits, (float(slope), float(y[a] - slope * x[a]))
    return line if best >= max(5, 0.2 * len(np.unique(y))) else None


def _meeting(
    real: EncodedRows, other: EncodedRows, lines: dict[int, Line], kept: list[int]
) -> NDArray[np.bool_]:
    """Mark generated rows that one training row meets, but for one in five of the lines."""
    result = np.zeros(len(other), dtype=bool)
    columns = [*kept, *lines]
    mapped = _scaled(real, lines, mapped=True)[:, columns]
    asked = _scaled(other, lines, mapped=False)[:, columns]
    allowed = (0.2 * len(lines) + 0.1) / len(columns)
    for at, block in distance_blocks(asked, mapped):
        result[at] = block.min(axis=1) <= allowed
    return result


def _scaled(rows: EncodedRows, lines: dict[int, Line], mapped: bool) -> NDArray[np.float32]:
    """Cells of which a difference of 1 says that they do not agree."""
    cells = rows.gower * np.float32(1e4)
    for j, (slope, intercept) in lines.items():
        values = slope * rows.values[:, j] + intercept if mapped else rows.values[:, j]
        tolerance = 1e-2 * abs(slope) * rows.features[j].scale
        cells[:, j] = np.where(np.isnan(values), -1e9, values / tolerance)
    return cells
