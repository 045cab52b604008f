"""Whether generated rows are too near to the rows that they were learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import gammaln

from tablewright.metrics.encoder import EncodedRows, Floats
from tablewright.metrics.neighbours import distance_blocks, nearest
from tablewright.metrics.outcomes import auc, auc_error
from tablewright.metrics.row_keys import among, n_kinds, row_keys
from tablewright.metrics.scores import Direction, Score

MAX_QUERIES = 5000
"""Rows whose neighbours are searched; the intervals state what this costs."""
MAX_REAL = 50_000
"""Training rows among which they are searched."""


def exact_copies(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Share of generated rows that equal a training row, every cell at the schema's precision.

    All rows are looked up. One minus it is NewRowSynthesis of sdmetrics, which matches numbers
    within 1 % of their value instead.
    """
    meaning = "share of generated rows that equal a training row; compare with real rows"
    known = row_keys(real)
    hits = int(among(row_keys(synthetic), known).sum())
    reference = {"copy": 1.0}
    if holdout is not None and len(holdout):
        reference["real"] = float(among(row_keys(holdout), known).mean())
    return share_score("exact_copies", hits, len(synthetic), meaning, reference)


def internal_duplicates(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Share of generated rows that repeat an earlier generated row."""
    meaning = "share of generated rows that repeat another generated row"
    repeats, real_repeats = (
        len(rows) - n_kinds(row_keys(rows)) for rows in (synthetic, real.cut(len(synthetic), rng))
    )
    reference = {"real": real_repeats / max(1, min(len(real), len(synthetic)))}
    return share_score("internal_duplicates", repeats, len(synthetic), meaning, reference)


def share_score(
    name: str,
    hits: int,
    n: int,
    meaning: str,
    reference: Mapping[str, float],
    details: Mapping[str, Any] | None = None,
) -> Score:
    """Return a share of rows, lower being better, with Wilson's interval and the count."""
    if not n:
        reason = "there are no generated rows"
        return Score.undefined(name, Direction.LOWER, reason, meaning)
    interval = stats.binomtest(hits, n).proportion_ci(method="wilson")
    return Score(
        name,
        hits / n,
        Direction.LOWER,
        meaning,
        (float(interval.low), float(interval.high)),
        reference,
        rows=n,
        details={"count": hits, **(details or {})},
    )


def _coin_score(
    name: str,
    meaning: str,
    value: float,
    error: float,
    copy: float,
    n: int,
    details: Mapping[str, Any] | None = None,
) -> Score:
    """Return a share or an AUC that is 0.5 where nothing was memorised."""
    interval, reference = (value - 1.96 * error, value + 1.96 * error), {"real": 0.5, "copy": copy}
    score = Score(
        name, value, Direction.TARGET, meaning, interval, reference, 0.5, "", n, details or {}
    )
    return score.within(0.0, 1.0)


@dataclass(frozen=True)
class Distances:
    """Gower distances of generated and of holdout rows to their nearest real rows.

    Attributes
    ----------
    first, second : ndarray of shape (n_generated,)
        To the nearest and the second nearest training row.
    nearer, as_near : ndarray of shape (n_generated,)
        Training rows nearer than, and at most as far as, the nearest holdout row.
    base_first, base_second : ndarray of shape (n_holdout,)
        From holdout rows to the nearest and second nearest training row.
    n_real, n_holdout : int
        Rows that were searched.
    """

    first: Floats
    second: Floats
    nearer: Floats
    as_near: Floats
    base_first: Floats
    base_second: Floats
    n_real: int
    n_holdout: int


def search(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Distances | None:
    """Search neighbours once for `distance_share`, `distance_ratio` and `near_copies`.

    Up to 5,000 generated rows are searched for among up to 50,000 training rows. None where
    there are fewer than 20 holdout or training rows, or no generated ones.
    """
    if holdout is None or min(len(holdout), len(real)) < 20 or not len(synthetic):
        return None
    real = real.cut(MAX_REAL, rng)
    held = holdout.cut(min(len(real), MAX_QUERIES), rng)
    rows = synthetic.cut(MAX_QUERIES, rng).gower
    away = nearest(rows, held.gower)[0]
    nearer, as_near, two = np.empty(len(rows)), np.empty(len(rows)), np.empty((len(rows), 2))
    for at, block in distance_blocks(rows, real.gower):
        nearer[at] = (block < away[at]).sum(axis=1)
        as_near[at] = (block <= away[at]).sum(axis=1)
        two[at] = np.partition(block, 1, axis=1)[:, :2]
    base = nearest(held.gower, real.gower, 2)[0].astype(float)
    return Distances(
        two[:, 0], two[:, 1], nearer, as_near, base[:, 0], base[:, 1], len(real), len(held)
    )


_NEEDS = "it needs 20 training rows, 20 holdout rows and generated rows"


def distance_share(distances: Distances | None) -> Score:
    """Share of generated rows nearer to the training rows than to as many holdout rows.

    0.5 says that the generator does not know its training rows better than other rows of the
    same kind; ties count one half. The training rows are cut to the size of the holdout: the
    value is the mean over all such cuts, in closed form. sdmetrics' DCROverfittingProtection is
    ``min(1, 2 (1 - share))`` of one cut, with ties counted as not nearer, which hides copying in
    tables of categories. It misses real leaks, so 0.5 is no proof of privacy.
    """
    name, direction = "distance_share", Direction.TARGET
    meaning = "share of generated rows nearer to training than to holdout rows; 0.5 is no memory"
    if distances is None:
        return Score.undefined(name, direction, _NEEDS, meaning)
    share = _shares(distances)
    value, error = float(share.mean()), float(share.std() / np.sqrt(len(share)))
    details = {
        "searched": {"training": distances.n_real, "holdout": distances.n_holdout},
        "distance_to_training": _points(distances.first),
        "holdout_to_training": _points(distances.base_first),
    }
    return _coin_score(name, meaning, value, error, 1.0, len(share), details)


def _shares(distances: Distances) -> Floats:
    """Chance that a cut of the training rows has a nearer one, plus half that of a tie."""
    nearer = 1 - _none_drawn(distances.nearer, distances.n_real, distances.n_holdout)
    as_near = 1 - _none_drawn(distances.as_near, distances.n_real, distances.n_holdout)
    return (nearer + as_near) / 2


def _none_drawn(marked: Floats, n: int, size: int) -> Floats:
    """Chance that `size` draws from `n` rows without replacement avoid the marked ones."""
    free = n - marked
    safe = np.maximum(free, size)
    logs = gammaln(safe + 1) - gammaln(safe - size + 1) - gammaln(n + 1) + gammaln(n - size + 1)
    return np.where(free >= size, np.exp(logs), 0.0)


def _points(values: Floats) -> dict[str, float]:
    return {f"{q}%": float(np.percentile(values, q)) for q in (1, 5, 50)}


def distance_ratio(distances: Distances | None, rng: np.random.Generator) -> Score:
    """Nearest over second nearest distance to training rows: its 5 % point.

    Near 0, a generated row stands alone beside one training row, as beside an outlier that was
    learned by heart. A row that meets two equal training rows has the ratio 1.
    """
    name, direction = "distance_ratio", Direction.HIGHER
    meaning = "5 % point of nearest over second nearest distance; compare with real rows"
    if distances is None:
        return Score.undefined(name, direction, _NEEDS, meaning)
    ratio = distance_ratios(distances.first, distances.second)
    reference = {
        "real": float(
            np.percentile(distance_ratios(distances.base_first, distances.base_second), 5)
        ),
        "copy": 0.0,
    }
    points = [np.percentile(rng.choice(ratio, len(ratio)), 5) for _ in range(200)]
    interval = (float(np.percentile(points, 2.5)), float(np.percentile(points, 97.5)))
    value = float(np.percentile(ratio, 5))
    return Score(name, value, direction, meaning, interval, reference, rows=len(ratio))


def distance_ratios(first: Floats, second: Floats) -> Floats:
    """Return the nearest over the second nearest distance, and 1 where both are 0."""
    return np.where(second > 0, first / np.where(second > 0, second, 1), 1.0)


def near_copies(distances: Distances | None) -> Score:
    """Share of generated rows nearer to a training row than 99 % of real holdout rows are."""
    name, direction = "near_copies", Direction.LOWER
    meaning = "share of generated rows nearer to a training row than 99 % of holdout rows are"
    if distances is None:
        return Score.undefined(name, direction, _NEEDS, meaning)
    border = float(np.percentile(distances.base_first, 1, method="lower"))
    reference = {"real": float((distances.base_first <= border).mean()), "copy": 1.0}
    hits = int((distances.first <= border).sum())
    return share_score(name, hits, len(distances.first), meaning, reference, {"border": border})


def membership_inference(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
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
    return _coin_score(name, meaning, value, error, _copy_auc(others, members), size, details)


def _copy_auc(others: EncodedRows, members: EncodedRows) -> float:
    away = nearest(others.gower, members.gower)[0][:, 0]
    return auc(-away.astype(float), np.zeros(len(members)))


def _isolated(members: EncodedRows, others: EncodedRows, near: list[Floats]) -> float | None:
    isolated = []
    for rows, scores in zip((others, members), near, strict=True):
        alone = nearest(rows.gower, rows.gower, same=True)[0][:, 0]
        isolated.append(scores[alone >= np.quantile(alone, 0.9)])
    return auc(isolated[0], isolated[1]) if min(map(len, isolated)) > 2 else None


def density_inference(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """AUC of an attacker who compares how dense generated and other real rows lie about a row.

    The ratio of the distances to the fifth nearest row of a reference sample and of the
    generated rows. Half of the holdout is the reference, half the non-members: one sample in
    both roles, as elsewhere, would flatter the attacker.

    References
    ----------
    .. [1] van Breugel et al., "Membership Inference Attacks against Synthetic Data through
       Overfitting Detection", AISTATS 2023 (DOMIAS); with neighbours in place of its densities.
    """
    name, direction = "density_inference", Direction.TARGET
    meaning = "AUC of guessing from densities who was trained on; 0.5 is a coin"
    if holdout is None or min(len(holdout), len(real), len(synthetic)) < 40:
        reason = "it needs 40 training, 40 holdout and 40 generated rows"
        return Score.undefined(name, direction, reason, meaning)
    size = min(len(holdout) // 2, len(real), MAX_QUERIES)
    indices = rng.permutation(len(holdout))
    others, known = holdout.take(indices[:size]), holdout.take(indices[-size:])
    members, pool = real.cut(size, rng), synthetic.cut(4 * MAX_QUERIES, rng)
    sides = [_density_ratio(rows, known, pool) for rows in (others, members)]
    value, error = auc(*sides), auc_error(*sides)
    copies = [_density_ratio(rows, known, members) for rows in (others, members)]
    return _coin_score(name, meaning, value, error, auc(*copies), size)


def _density_ratio(rows: EncodedRows, known: EncodedRows, pool: EncodedRows) -> Floats:
    radii = [nearest(rows.gower, other.gower, 5)[0][:, -1] for other in (known, pool)]
    return np.asarray(np.log(radii[0] + 1e-6) - np.log(radii[1] + 1e-6), dtype=float)
