"""Whether generated rows are too near to the rows that they were learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import gammaln

from tablewright.metrics.neighbours import distance_blocks, nearest
from tablewright.metrics.outcomes import auc, auc_error
from tablewright.metrics.preparation import Feature, Floats, Rows
from tablewright.metrics.scores import Direction, Score
from tablewright.schema import Kind

__all__ = [
    "distance_share",
    "exact_copies",
    "internal_duplicates",
    "membership_inference",
    "near_copies",
    "wilson",
]

MAX_QUERIES = 5000
"""Rows whose neighbours are searched; the intervals state what this costs."""


def exact_copies(
    real: Rows, synthetic: Rows, holdout: Rows | None, rng: np.random.Generator
) -> Score:
    """Share of generated rows that equal a training row, every cell at the schema's precision.

    All rows are looked up. One minus it is NewRowSynthesis of sdmetrics, which matches numbers
    within 1 % of their value instead.
    """
    meaning = "share of generated rows that equal a training row; compare with real rows"
    if not len(synthetic):
        return Score.undefined(
            "exact_copies", Direction.LOWER, "there are no generated rows", meaning
        )
    known = row_keys(real)
    hits = int(np.isin(row_keys(synthetic), known).sum())
    reference = {"copy": 1.0}
    if holdout is not None and len(holdout):
        reference["real"] = float(np.isin(row_keys(holdout), known).mean())
    return _share("exact_copies", hits, len(synthetic), meaning, reference)


def internal_duplicates(
    real: Rows, synthetic: Rows, holdout: Rows | None, rng: np.random.Generator
) -> Score:
    """Share of generated rows that repeat an earlier generated row."""
    meaning = "share of generated rows that repeat another generated row"
    if not len(synthetic):
        reason = "there are no generated rows"
        return Score.undefined("internal_duplicates", Direction.LOWER, reason, meaning)
    cut = real.cut(len(synthetic), rng)
    reference = {"real": 1 - len(np.unique(row_keys(cut))) / len(cut)}
    repeats = len(synthetic) - len(np.unique(row_keys(synthetic)))
    return _share("internal_duplicates", repeats, len(synthetic), meaning, reference)


def row_keys(rows: Rows) -> NDArray[np.uint64]:
    """One number per row, equal for rows whose cells are equal at the schema's precision."""
    columns = [
        _key(feature, rows.values[:, j], rows.frame[feature.name]).alias(str(j))
        for j, feature in enumerate(rows.features)
    ]
    return pl.DataFrame(columns).hash_rows(seed=0).to_numpy()


def _key(feature: Feature, values: Floats, series: pl.Series) -> pl.Series:
    if feature.column.kind == Kind.TEXT:
        return series.cast(pl.String, strict=False)
    if feature.levels is not None:
        unseen = values == len(feature.levels)
        text = series.cast(pl.String, strict=False)
        known = pl.Series(values, dtype=pl.Float64).cast(pl.String)
        return known.zip_with(pl.Series(~unseen), "unseen " + text)
    return pl.Series(np.round(values, _decimals(feature)) + 0.0, dtype=pl.Float64)


def _decimals(feature: Feature) -> int:
    if feature.column.kind == Kind.INTEGER:
        return 0
    return 9 if feature.column.decimals is None else feature.column.decimals


def _share(name: str, hits: int, n: int, meaning: str, reference: dict[str, float]) -> Score:
    details = {"count": hits}
    return Score(
        name, hits / n, Direction.LOWER, meaning, wilson(hits, n), reference, None, "", n, details
    )


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927).

    Examples
    --------
    >>> [round(bound, 2) for bound in wilson(0, 100)]
    [0.0, 0.04]
    """
    z2 = 1.96**2
    centre = (hits + z2 / 2) / (n + z2)
    width = 1.96 / (n + z2) * np.sqrt(hits * (n - hits) / n + z2 / 4)
    return max(0.0, float(centre - width)), min(1.0, float(centre + width))


@dataclass(frozen=True)
class Distances:
    """Gower distances of some rows to the nearest training and holdout rows.

    Attributes
    ----------
    first, second : ndarray of shape (n_rows,)
        To the nearest and the second nearest training row.
    holdout : ndarray of shape (n_rows,)
        To the nearest holdout row.
    nearer, as_near : ndarray of shape (n_rows,)
        Training rows nearer than, and at most as far as, the nearest holdout row.
    """

    first: Floats
    second: Floats
    holdout: Floats
    nearer: Floats
    as_near: Floats


def distances(rows: Rows, real: Rows, holdout: Rows) -> Distances:
    """Search the neighbours of rows among training and holdout rows."""
    away = nearest(rows.gower, holdout.gower)[0][:, 0]
    found = np.empty((4, len(rows)))
    kth = min(1, len(real) - 1)
    for at, block in distance_blocks(rows.gower, real.gower):
        found[:2, at] = np.partition(block, kth, axis=1)[:, [0, kth]].T
        found[2, at] = (block < away[at, None]).sum(axis=1)
        found[3, at] = (block <= away[at, None]).sum(axis=1)
    return Distances(found[0], found[1], away.astype(float), found[2], found[3])


def distance_share(
    real: Rows, synthetic: Rows, holdout: Rows | None, rng: np.random.Generator
) -> Score:
    """Share of generated rows nearer to the training rows than to as many holdout rows.

    0.5 says that the generator does not know its training rows better than other rows of the
    same kind; ties count one half. The training rows are cut to the size of the holdout: the
    value is the mean over all such cuts, in closed form. sdmetrics' DCROverfittingProtection is
    ``min(1, 2 (1 - share))`` of one cut, with ties counted as not nearer, which hides copying in
    tables of categories. It misses real leaks, so 0.5 is no proof of privacy.
    """
    name, direction = "distance_share", Direction.TARGET
    meaning = "share of generated rows nearer to training than to holdout rows; 0.5 is no memory"
    if holdout is None or len(holdout) < 2 or not len(synthetic):
        return Score.undefined(name, direction, "it needs generated and holdout rows", meaning)
    found = distances(synthetic.cut(MAX_QUERIES, rng), real, holdout)
    share = _shares(found, len(real), len(holdout))
    value, error = float(share.mean()), float(share.std() / np.sqrt(len(share)))
    base = distances(holdout.cut(MAX_QUERIES, rng), real, real)
    details = {
        "distance_to_training": _points(found.first),
        "holdout_to_training": _points(base.first),
        "ratio": _points(ratios(found)),
        "holdout_ratio": _points(ratios(base)),
    }
    interval = (max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error))
    reference = {"real": 0.5, "copy": 1.0}
    return Score(name, value, direction, meaning, interval, reference, 0.5, "", len(share), details)


def _shares(found: Distances, n_real: int, n_holdout: int) -> Floats:
    """Chance that a cut of the training rows has a nearer one, plus half that of a tie."""
    size = min(n_real, n_holdout)
    nearer = 1 - _none_drawn(found.nearer, n_real, size)
    as_near = 1 - _none_drawn(found.as_near, n_real, size)
    return (nearer + as_near) / 2


def _none_drawn(marked: Floats, n: int, size: int) -> Floats:
    """Chance that `size` draws from `n` rows without replacement avoid the marked ones."""
    free = n - marked
    safe = np.maximum(free, size)
    logs = gammaln(safe + 1) - gammaln(safe - size + 1) - gammaln(n + 1) + gammaln(n - size + 1)
    return np.where(free >= size, np.exp(logs), 0.0)


def ratios(found: Distances) -> Floats:
    """Nearest over second nearest distance; 1 where both are 0."""
    return np.where(found.second > 0, found.first / np.where(found.second > 0, found.second, 1), 1)


def _points(values: Floats) -> dict[str, float]:
    return {f"{q}%": float(np.percentile(values, q)) for q in (1, 5, 50)}


def near_copies(
    real: Rows, synthetic: Rows, holdout: Rows | None, rng: np.random.Generator
) -> Score:
    """Share of generated rows nearer to a training row than 99 % of real holdout rows are."""
    name, direction = "near_copies", Direction.LOWER
    meaning = "share of generated rows nearer to a training row than 99 % of holdout rows are"
    if holdout is None or len(holdout) < 20 or not len(synthetic):
        return Score.undefined(name, direction, "it needs 20 holdout rows", meaning)
    base = nearest(holdout.cut(MAX_QUERIES, rng).gower, real.gower)[0][:, 0]
    found = nearest(synthetic.cut(MAX_QUERIES, rng).gower, real.gower)[0][:, 0]
    border = float(np.percentile(base, 1))
    reference = {"real": float((base <= border).mean()), "copy": 1.0}
    return _share(name, int((found <= border).sum()), len(found), meaning, reference)


def membership_inference(
    real: Rows, synthetic: Rows, holdout: Rows | None, rng: np.random.Generator
) -> Score:
    """AUC of an attacker who says "was trained on" of rows that are near to a generated row.

    Members are training rows, others holdout rows, in equal numbers. The mean hides the few who
    are exposed, so the details give the hits at 1 % false alarms and the AUC among the tenth of
    rows that lie farthest from their own kind.
    """
    name, direction = "membership_inference", Direction.TARGET
    meaning = "AUC of guessing from distances who was trained on; 0.5 is a coin"
    if holdout is None or min(len(holdout), len(real)) < 20 or not len(synthetic):
        return Score.undefined(name, direction, "it needs 20 training and 20 holdout rows", meaning)
    size = min(len(real), len(holdout), MAX_QUERIES)
    members, others = real.cut(size, rng), holdout.cut(size, rng)
    pool = synthetic.cut(4 * MAX_QUERIES, rng).gower
    near = [-nearest(rows.gower, pool)[0][:, 0].astype(float) for rows in (others, members)]
    value, error = auc(near[0], near[1]), auc_error(near[0], near[1])
    alarm = float(np.quantile(near[0], 0.99))
    details = {
        "hits_at_1%_false_alarms": float((near[1] > alarm).mean()),
        "auc_of_isolated": _isolated(members, others, near),
    }
    interval = (max(0.0, value - 1.96 * error), min(1.0, value + 1.96 * error))
    reference = {"real": 0.5, "copy": _copy_auc(others, members)}
    return Score(name, value, direction, meaning, interval, reference, 0.5, "", size, details)


def _copy_auc(others: Rows, members: Rows) -> float:
    away = nearest(others.gower, members.gower)[0][:, 0]
    return auc(-away.astype(float), np.zeros(len(members)))


def _isolated(members: Rows, others: Rows, near: list[Floats]) -> float | None:
    lonely = []
    for rows, scores in zip((others, members), near, strict=True):
        alone = nearest(rows.gower, rows.gower, same=True)[0][:, 0]
        lonely.append(scores[alone >= np.quantile(alone, 0.9)])
    return auc(lonely[0], lonely[1]) if min(map(len, lonely)) > 2 else None
