"""Whether filled cells are nearer to the truth than simple means to fill them come."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.metrics.encoder import EncodedRows, Floats
from tablewright.metrics.neighbours import nearest
from tablewright.metrics.scores import Direction, Score

MAX_ROWS = 2000


def imputation_error(
    impute: Callable[[pl.DataFrame], pl.DataFrame],
    real: EncodedRows,
    holdout: EncodedRows,
    rng: np.random.Generator,
    share: float = 0.2,
) -> Score:
    """Error of filled cells that were known and had been emptied at random.

    Parameters
    ----------
    impute : callable
        From a frame with empty cells to the same frame with them filled.
    real : EncodedRows
        Training rows, from which the simple imputers learn.
    holdout : EncodedRows
        Real rows that were not trained on; some of their known cells are emptied.
    rng : numpy Generator
    share : float, default=0.2
        Share of known cells to empty, at most 1.

    Returns
    -------
    Score
        Mean over columns of the error of emptied cells: for numbers the root mean square over
        the standard deviation of the training rows, for categories the share that is wrong. The
        references are the mean and mode, a random training value (``"draw"``), and the mean or
        the vote of ten neighbours.
    """
    meaning = "error of filled cells (standard deviations, or share wrong); 0 is exact"
    rows = holdout.cut(MAX_ROWS, rng)
    emptied = _choose(rows, share, rng)
    if not emptied.any():
        reason = "there is no known cell to empty"
        return Score.undefined("imputation_error", Direction.LOWER, reason, meaning)
    filled = rows.encoder.rows(impute(_empty(rows, emptied)), "imputed")
    error = _errors(rows, filled.values, emptied)
    reference = {
        name: float(np.mean(list(_errors(rows, values, emptied).values())))
        for name, values in _simple(real, rows, emptied, rng).items()
    }
    value = float(np.mean(list(error.values())))
    interval = _bootstrap(rows, filled.values, emptied, rng)
    return Score(
        "imputation_error",
        value,
        Direction.LOWER,
        meaning,
        interval,
        reference,
        rows=len(rows),
        details={"columns": error},
    )


def _choose(rows: EncodedRows, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    chosen = (rng.random(rows.values.shape) < share) & ~np.isnan(rows.values)
    for j, feature in enumerate(rows.features):
        if feature.levels is not None:
            chosen[:, j] &= rows.values[:, j] < len(feature.levels)
    return np.asarray(chosen)


def _empty(rows: EncodedRows, emptied: NDArray[np.bool_]) -> pl.DataFrame:
    columns = [
        pl.select(pl.when(pl.Series(~emptied[:, j])).then(rows.frame[feature.name]))
        .to_series()
        .alias(feature.name)
        for j, feature in enumerate(rows.features)
    ]
    return rows.frame.with_columns(columns)


def _errors(rows: EncodedRows, filled: Floats, emptied: NDArray[np.bool_]) -> dict[str, float]:
    result = {}
    for j, feature in enumerate(rows.features):
        if emptied[:, j].any():
            truth, guess = rows.values[emptied[:, j], j], filled[emptied[:, j], j]
            result[feature.name] = _error(truth, guess, feature.scale, feature.levels is not None)
    return result


def _error(truth: Floats, guess: Floats, scale: float, listed: bool) -> float:
    if listed:
        return float((guess != truth).mean())
    off = np.where(np.isnan(guess), scale, guess - truth) / scale
    return float(np.sqrt((off**2).mean()))


def _simple(
    real: EncodedRows, rows: EncodedRows, emptied: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, Floats]:
    centre = np.array([0.0 if f.levels is not None else f.mean for f in rows.features])
    known = np.where(emptied, np.nan, rows.values)
    emptied_rows = EncodedRows(rows.encoder, known, rows.frame)
    draws = np.column_stack(
        [_draw(real.values[:, j], len(rows), rng) for j in range(len(rows.features))]
    )
    return {
        "mean or mode": np.where(emptied, centre, known),
        "draw": np.where(emptied, draws, known),
        "neighbours": np.where(emptied, _neighbours(real, emptied_rows, rng), known),
    }


def _draw(column: Floats, n_rows: int, rng: np.random.Generator) -> Floats:
    known = column[~np.isnan(column)]
    if not len(known):
        return np.full(n_rows, np.nan)
    return np.asarray(rng.choice(known, size=n_rows))


def _neighbours(real: EncodedRows, known: EncodedRows, rng: np.random.Generator) -> Floats:
    """Mean or vote of ten near training rows; what is missing there counts as average."""
    pool = real.cut(MAX_ROWS, rng)
    _, near = nearest(known.gower, pool.gower, min(10, len(pool)))
    votes = pool.values[near]
    means = np.ma.masked_invalid(votes).mean(axis=1).filled(np.nan)
    columns = [
        means[:, j] if feature.levels is None else _vote(votes[:, :, j])
        for j, feature in enumerate(real.features)
    ]
    return np.column_stack(columns)


def _vote(votes: Floats) -> Floats:
    agreeing = (votes[:, :, None] == votes[:, None, :]).sum(axis=2)
    return np.asarray(votes[np.arange(len(votes)), agreeing.argmax(axis=1)])


def _bootstrap(
    rows: EncodedRows, filled: Floats, emptied: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[float, float]:
    values = []
    for _ in range(200):
        at = rng.integers(len(rows), size=len(rows))
        errors = _errors(rows.take(at), filled[at], emptied[at])
        values.append(float(np.mean(list(errors.values()))) if errors else np.nan)
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
