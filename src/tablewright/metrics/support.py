"""Whether generated rows fill the region of real rows: no more, no less, and not by heart.

All on coordinates in which every feature spans about one unit, with as many real as generated
rows. One number alone misleads: a cloud at the mean has a fine precision, and in many columns a
sample shrunk to half its spread has a fine recall. Read them together, beside real rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.neighbors import NearestNeighbors

from tablewright.metrics.encoder import EncodedRows, Floats
from tablewright.metrics.references import Measured, Metric
from tablewright.metrics.scores import Direction, Score
from tablewright.threads import one_thread

MAX_ROWS = 1500
K = 5
MIN_ROWS = K + 2
_ROUNDING = 1e-6
_LEVELS = np.linspace(0, 1, 31)[1:]


Distance = Callable[[Floats, Floats], float]
"""From as many coordinates of real rows as of others to a value."""


@dataclass(frozen=True)
class Support(Metric):
    """A metric of coordinates, of as many real rows as others."""

    def __call__(
        self,
        real: EncodedRows,
        synthetic: EncodedRows,
        holdout: EncodedRows | None,
        rng: np.random.Generator,
    ) -> Score:
        """Measure cuts of the size of the smallest table, of 1,500 rows at most."""
        others = [synthetic] if holdout is None else [synthetic, holdout]
        size = min(len(real), *map(len, others), MAX_ROWS)
        if size < MIN_ROWS:
            return self.undefined(f"it needs {MIN_ROWS} rows of each table", size)
        held = None if holdout is None else holdout.cut(4 * size, rng)
        made = synthetic.cut(4 * size, rng)
        return super().__call__(real.cut(size, rng), made, held, rng)


def _support(direction: Direction, meaning: str, **options: Any) -> Callable[[Distance], Support]:
    def decorated(value: Distance) -> Support:
        def measure(real: EncodedRows, other: EncodedRows) -> Measured:
            n = min(len(real), len(other))
            if n < MIN_ROWS:
                return Measured(None, "too few rows")
            with one_thread():
                return Measured(value(real.embedded[:n], other.embedded[:n]))

        return Support(value.__name__, measure, direction, meaning, **options)

    return decorated


def _near(query: Floats, points: Floats, k: int, same: bool = False) -> tuple[Floats, Floats]:
    """Return distances to the k nearest points, none its own neighbour, and their indices."""
    model = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points)
    distances, indices = model.kneighbors(None if same else query)
    return distances, indices


@_support(Direction.HIGHER, "whether distances to the real centre are as in real rows; 1 is alike")
def alpha_precision(real: Floats, other: Floats) -> float:
    """Whether generated rows lie as far from the centre of the real rows as real ones do.

    References
    ----------
    .. [1] Alaa et al., "How Faithful is your Synthetic Data?", ICML 2022, section 3. Coordinates
       are the scaled columns, not a learned embedding, whose value changes from run to run.
    """
    centre = real.mean(axis=0)
    radii = np.quantile(np.linalg.norm(real - centre, axis=1), _LEVELS)
    away = np.sort(np.linalg.norm(other - centre, axis=1))
    inside = np.searchsorted(away, radii * (1 + 1e-9), "right") / len(away)
    return float(1 - np.abs(_LEVELS - inside).sum() / _LEVELS.sum())


@_support(Direction.HIGHER, "share of real rows that generated rows cover; compare with real rows")
def beta_recall(real: Floats, other: Floats) -> float:
    """Whether generated rows come as near to real rows as other real rows do.

    A fresh sample of the same population gets about 0.5, not 1: for half of the rows a real
    neighbour is nearer than any new row. A copy gets 1.

    References
    ----------
    .. [1] Alaa et al., "How Faithful is your Synthetic Data?", ICML 2022, section 3.
    """
    own = _near(real, real, 1, same=True)[0][:, 0]
    distance, index = (result[:, 0] for result in _near(real, other, 1))
    away = np.linalg.norm(other - other.mean(axis=0), axis=1)[index.astype(int)]
    near = distance <= own
    radii = np.quantile(away, _LEVELS)
    covered = np.array([(near & (away <= radius)).mean() for radius in radii])
    return float(1 - np.abs(_LEVELS - covered).sum() / _LEVELS.sum())


@_support(
    Direction.HIGHER, "share of generated rows that are no closer to a real row than real rows are"
)
def authenticity(real: Floats, other: Floats) -> float:
    """Share of generated rows farther from their nearest real row than that is from its own.

    0 for copies. There is no value that holds for all tables (0.37 for two normal columns, 0.72
    for 24), and rows that are wide of the mark get nearly 1: read it beside real rows. The
    implementation in synthcity looks the real distance up by a synthetic row's number, so that
    its values do not agree.
    """
    own = _near(real, real, 1, same=True)[0][:, 0]
    distance, index = (result[:, 0] for result in _near(other, real, 1))
    return float((distance > own[index.astype(int)]).mean())


@_support(
    Direction.HIGHER, "share of real rows with a generated row within reach of five neighbours"
)
def coverage(real: Floats, other: Floats) -> float:
    """Share of real rows with a generated row among their five nearest real neighbours.

    References
    ----------
    .. [1] Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", ICML
       2020. Equal rows count: a radius of 0 covers a row that is met exactly.
    """
    radius = _near(real, real, K, same=True)[0][:, -1]
    return float((_near(real, other, 1)[0][:, 0] <= radius).mean())


@_support(
    Direction.TARGET,
    "real neighbourhoods that a generated row lies in, over five; 1 is as dense",
    ideal=1.0,
    highest=np.inf,
)
def density(real: Floats, other: Floats) -> float:
    """Mean number of real neighbourhoods a generated row lies in, over five; may exceed 1.

    References
    ----------
    .. [1] Naeem et al., "Reliable Fidelity and Diversity Metrics for Generative Models", ICML
       2020.
    """
    radius = _near(real, real, K, same=True)[0][:, -1]
    inside = euclidean_distances(other, real) <= radius + _ROUNDING
    return float(inside.sum()) / (K * len(other))


def cluster_shares(
    real: EncodedRows, synthetic: EncodedRows, holdout: EncodedRows | None, rng: np.random.Generator
) -> Score:
    """Total variation distance of the shares of clusters, found by k-means on real rows.

    The details hold the entropy of the shares over its maximum: higher is not better as such.
    """
    name, meaning = "cluster_shares", "TV distance of shares of clusters of real rows; 0 is alike"
    sample = real.cut(4 * MAX_ROWS, rng)
    n_clusters = min(10, len(sample) // 20)
    if n_clusters < 2 or not len(synthetic) or not real.features:
        reason = "it needs 40 training rows"
        return Score.undefined(name, Direction.LOWER, reason, meaning, len(synthetic))
    with one_thread():
        model = KMeans(n_clusters, n_init=3, random_state=int(rng.integers(2**31)))
        model.fit(sample.embedded)

    def shares(rows: EncodedRows) -> Floats:
        with one_thread():
            result = model.predict(rows.embedded)
        return np.bincount(result, minlength=n_clusters) / len(rows)

    base = shares(sample)

    def measure(_: EncodedRows, other: EncodedRows) -> Measured:
        mine = shares(other)
        details = {"entropy": _entropy(mine), "entropy_of_real": _entropy(base)}
        return Measured(float(np.abs(mine - base).sum() / 2), details=details)

    created = synthetic.cut(4 * MAX_ROWS, rng)
    cut = None if holdout is None else holdout.cut(4 * MAX_ROWS, rng)
    return Metric(name, measure, Direction.LOWER, meaning)(sample, created, cut, rng)


def _entropy(shares: Floats) -> float:
    known = shares[shares > 0]
    return float(-(known * np.log(known)).sum() / np.log(len(shares)))
