"""The published search: a discriminator that is updated batch by batch, and its accuracy."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.linear_model import SGDClassifier

from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.schema import Schema
from tablewright.systems.mallm_gan.discriminator import Evidence

Floats = NDArray[np.float64]

BATCH = 50
"""Real rows of a batch."""
_ENOUGH = 0.8
"""Share of a batch that has to be written, or it is not scored."""
_SCORED = 0.2


def epochs(n_rows: int) -> int:
    """Return passes over the real rows by their number: 5, 4, 3, 2 to 100, 200, 400 and above.

    Examples
    --------
    >>> [epochs(n) for n in (25, 100, 200, 400, 800)]
    [5, 5, 4, 3, 2]
    """
    return 5 - sum(n_rows > bound for bound in (100, 200, 400))


@dataclass
class Accuracy:
    """Accuracy of the newest discriminator on the rows of one process that it was not fitted on.

    It changes with every batch. Rows that were too few to be scored count as told for certain.
    """

    loss: float = 1.0
    inputs: Floats | None = field(default=None, repr=False)
    y: Floats | None = field(default=None, repr=False)
    evidence: tuple[Evidence, ...] = ()


class IncrementalDiscriminator:
    """Logistic regression by one pass of gradient steps over each batch, on unscaled inputs.

    Parameters
    ----------
    real : DataFrame
        Typed real rows.
    schema : Schema
    seed : int, default=0

    Attributes
    ----------
    n_batches : int
        Batches so far.

    Examples
    --------
    >>> real = pl.DataFrame({"x": np.arange(100.0)})
    >>> schema = Schema.build({"x": "continuous"})
    >>> discriminator = IncrementalDiscriminator(real, schema)
    >>> far = discriminator.judge(np.arange(50), pl.DataFrame({"x": np.arange(50) - 900.0}))
    >>> far.loss, len(far.y)
    (1.0, 20)
    """

    def __init__(self, real: pl.DataFrame, schema: Schema, seed: int = 0) -> None:
        self.encoder, self.seed = FeatureEncoder.fit(real, schema), seed
        self.real = _inputs(self.encoder.rows(real, "training"))
        self.model = SGDClassifier(loss="log_loss", random_state=seed % 2**31)
        self.n_batches = 0
        self.history: list[Accuracy] = []

    def judge(self, batch: NDArray[np.intp], frame: pl.DataFrame) -> Accuracy:
        """Learn from four fifths of a batch and its written rows, and score all that were."""
        scored = Accuracy()
        rng = np.random.default_rng([self.seed, self.n_batches])
        self.n_batches += 1
        if frame.height < max(2.0, _ENOUGH * len(batch)):
            return scored
        made = _inputs(self.encoder.rows(frame, "generated"))
        x = np.vstack([self.real[batch], made])
        y = np.repeat([1.0, 0.0], [len(batch), len(made)])
        order = rng.permutation(len(y))
        held_out, fitted = np.split(order, [max(1, round(_SCORED * len(y)))])
        self.model.partial_fit(x[fitted], y[fitted], classes=[0.0, 1.0])
        scored.inputs, scored.y = x[held_out], y[held_out]
        self.history.append(scored)
        for one in self.history:
            one.loss = float(self.model.score(one.inputs, one.y))
        return scored


def _inputs(rows: EncodedRows) -> Floats:
    """Lay rows out as the authors' program does: numbers as they are, codes as indicators."""
    blocks = [
        np.nan_to_num(rows.values[:, [j]])
        if feature.levels is None
        else feature.indicators(rows.values[:, j])
        for j, feature in enumerate(rows.features)
    ]
    return np.hstack(blocks)
