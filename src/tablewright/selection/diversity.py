"""Whether rows spread over the kinds of real rows: the entropy of their clusters."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score
from sklearn.neural_network import MLPClassifier

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.selection.check import Floats, Judgement
from tablewright.selection.feature_space import RealRows
from tablewright.threads import one_thread

Rule = Literal["no_harm", "non_negative", "absolute", "relative", "headroom", "percentile"]
RULES = ("no_harm", "non_negative", "absolute", "relative", "headroom", "percentile")

N_NULL = 1000


class Diversity:
    """Reject a batch that makes the rows less evenly spread over clusters of the real ones.

    Real rows are clustered by their features, with as many clusters, 3 to 5, as the silhouette
    likes best. The gain of a batch is the entropy of the clusters over real rows and batch
    together, minus that over real rows. How large it has to be is said in one number of 30 % by
    the paper, which can be read in several ways.

    Parameters
    ----------
    rule : str, default="no_harm"
        ``"no_harm"``: at least the 5 % point of the gain of 1,000 bootstrap batches.
        ``"non_negative"``: at least 0. ``"absolute"``: at least `threshold` nats. ``"relative"``:
        at least `threshold` of the entropy of real rows, which is impossible wherever that is
        over ``1 / (1 + threshold)`` of its maximum. ``"headroom"``: at least `threshold` of what
        is missing to the maximum. ``"percentile"``: among the `threshold` best of all batches.
    threshold : float, default=0.3
    assigner : {"centroid", "mlp"}, default="centroid"
        How a row gets its cluster: the nearest centroid, or a network that learned them.
    fate : {"reject", "select"}, default="reject"
        Whether a batch that fails goes as a whole, or loses rows of its fullest clusters until it
        passes.
    max_removed : float, default=0.2
        Largest share of a batch that is lost in this way: evenness is not worth more rows.

    Attributes
    ----------
    n_clusters_ : int
    entropy_ : float
        Of the real rows, in nats.

    Raises
    ------
    InputError
        If an option is none of these.

    References
    ----------
    Zhang, Lin, Bao, Huang: Team, Then Trim, section on diversity; the no-harm rule is ours.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> real = pl.DataFrame({"x": [0.0, 0.1, 0.2, 5, 5.1, 5.2, 9, 9.1, 9.2], "y": list("abc") * 3})
    >>> schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    >>> check = Diversity().fit(real, schema, rng)
    >>> spread, crowded = (pl.DataFrame({"x": x, "y": ["a"] * 9}) for x in (real["x"], [0.1] * 9))
    >>> bool(check.judge(spread, rng).keep.all()), bool(check.judge(crowded, rng).keep.any())
    (True, False)
    """

    name = "diversity"

    def __init__(
        self,
        rule: Rule = "no_harm",
        threshold: float = 0.3,
        *,
        assigner: Literal["centroid", "mlp"] = "centroid",
        fate: Literal["reject", "select"] = "reject",
        max_removed: float = 0.2,
    ) -> None:
        if rule not in RULES:
            raise InputError(f"rule is one of {', '.join(RULES)}, not {rule!r}")
        if assigner not in ("centroid", "mlp"):
            raise InputError(f"assigner is 'centroid' or 'mlp', not {assigner!r}")
        if fate not in ("reject", "select"):
            raise InputError(f"fate is 'reject' or 'select', not {fate!r}")
        self.rule: Rule = rule
        self.threshold = threshold
        self.assigner = assigner
        if not 0 <= max_removed <= 1:
            raise InputError(f"max_removed lies between 0 and 1, not {max_removed!r}")
        self.fate = fate
        self.max_removed = max_removed

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Cluster typed real rows."""
        self.real_rows_ = RealRows.fit(train, schema)
        features = self.real_rows_.design(self.real_rows_.real).linear
        self.labels_, self._assign = _clusters(features, self.assigner, rng)
        self.n_clusters_ = int(self.labels_.max()) + 1
        self.counts_ = np.bincount(self.labels_, minlength=self.n_clusters_)
        self.entropy_ = float(stats.entropy(self.counts_))
        self.best_ = np.nan
        self.null_: dict[int, float] = {}
        return self

    def prepare(self, batches: Sequence[pl.DataFrame]) -> None:
        """See all batches of typed rows beforehand, as the rule ``"percentile"`` has to."""
        gains = [self.gain(self.assign(batch)) for batch in batches if batch.height]
        if gains:
            self.best_ = float(np.quantile(gains, 1 - self.threshold))

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        """Judge typed rows; the score of rejected ones is the gain of the batch, in nats."""
        if not rows.height or self.n_clusters_ < 2:
            return Judgement.all_pass(rows.height)
        clusters = self.assign(rows)
        gain, limit = self.gain(clusters), self.limit(rows.height, rng)
        score = np.full(rows.height, gain)
        if gain >= limit:
            return Judgement.all_pass(rows.height)
        declared = (
            f"the batch changes the entropy of clusters by {gain:+.3f} nats (needs {limit:+.3f})"
        )
        if self.fate == "reject":
            return Judgement.of(np.zeros(rows.height, dtype=bool), declared, score)
        keep = self._select(clusters, rng)
        return Judgement.of(keep, f"its cluster is overfull: {declared}", score)

    def assign(self, rows: pl.DataFrame) -> NDArray[np.intp]:
        """Return the cluster of each typed row."""
        features = self.real_rows_.design(self.real_rows_.rows(rows)).linear
        return np.asarray(self._assign(features), dtype=np.intp)

    def gain(self, clusters: NDArray[np.intp]) -> float:
        """Return what rows of these clusters add to the entropy, in nats."""
        counts = np.bincount(clusters, minlength=self.n_clusters_)
        return float(stats.entropy(self.counts_ + counts)) - self.entropy_

    def limit(self, n_rows: int, rng: np.random.Generator) -> float:
        """Return the least gain with which a batch of so many rows passes, in nats."""
        if self.rule == "no_harm":
            if n_rows not in self.null_:
                shares = self.counts_ / self.counts_.sum()
                drawn = rng.multinomial(n_rows, shares, size=N_NULL)
                gains = stats.entropy(self.counts_ + drawn, axis=-1) - self.entropy_
                self.null_[n_rows] = float(np.quantile(gains, 0.05))
            return self.null_[n_rows]
        room = float(np.log(self.n_clusters_)) - self.entropy_
        return {
            "non_negative": 0.0,
            "absolute": self.threshold,
            "relative": self.threshold * self.entropy_,
            "headroom": self.threshold * room,
            "percentile": self.best_,
        }[self.rule]

    def _select(self, clusters: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Drop rows of the fullest cluster, a few at a time, until the rest passes or is few."""
        keep = np.ones(len(clusters), dtype=bool)
        step = max(1, len(clusters) // 50)
        minimum = max(1, int(np.ceil((1 - self.max_removed) * len(clusters))))
        while keep.sum() > minimum and self.gain(clusters[keep]) < self.limit(int(keep.sum()), rng):
            together = self.counts_ + np.bincount(clusters[keep], minlength=self.n_clusters_)
            own = [(clusters[keep] == k).any() for k in range(self.n_clusters_)]
            fullest = int(np.argmax(np.where(own, together, -1)))
            rows = np.flatnonzero(keep & (clusters == fullest))
            keep[rng.permutation(rows)[: min(step, int(keep.sum()) - minimum)]] = False
        return keep


def _clusters(
    features: Floats, assigner: str, rng: np.random.Generator
) -> tuple[NDArray[np.intp], Callable[[Floats], Any]]:
    """Cluster rows; return their clusters, and what gives other rows theirs."""
    different = len(np.unique(features, axis=0))
    best: tuple[float, Any] = (-np.inf, None)
    seed = int(rng.integers(2**31))
    with one_thread():
        for k in (3, 4, 5):
            if k >= len(features) or k > different:
                break
            result = KMeans(k, n_init=10, random_state=seed).fit(features)
            fit = float(silhouette_score(features, result.labels_))
            if fit > best[0]:
                best = fit, result
        model = best[1]
        if model is None:
            return np.zeros(len(features), dtype=np.intp), lambda rows: np.zeros(len(rows))
        if assigner == "mlp":
            network = MLPClassifier(max_iter=500, random_state=seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                return model.labels_, network.fit(features, model.labels_).predict
    return model.labels_, model.predict
