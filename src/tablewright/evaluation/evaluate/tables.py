"""The three tables of an evaluation on one encoder, and how much work it does."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tablewright.errors import InputError
from tablewright.metrics.encoder import EncodedRows
from tablewright.schema import Schema


@dataclass(frozen=True)
class Effort:
    """How much work an evaluation does.

    Attributes
    ----------
    n_halves : int
        Random halves on which arms are fitted again: the degrees of freedom of intervals.
    n_trees : int
        Rounds of boosting.
    learn_rows : int
        Training rows, and generated rows, that models learn from at most.
    test_rows : int
        Holdout rows that models are judged on at most.
    detect_rows : int
        Rows of each side of the detection test at most.
    controls : bool
        Whether the arms beyond real, generated, both and resampled are run.
    """

    n_halves: int
    n_trees: int
    learn_rows: int
    test_rows: int
    detect_rows: int
    controls: bool


EFFORTS = {
    "quick": Effort(8, 40, 2_000, 10_000, 2_000, False),
    "full": Effort(16, 60, 5_000, 20_000, 5_000, True),
}


@dataclass(frozen=True)
class Tables:
    """The tables of an evaluation, and the groups of the holdout rows."""

    real: EncodedRows
    synthetic: EncodedRows
    holdout: EncodedRows
    more: EncodedRows | None = None
    groups: NDArray[np.str_] | None = None

    @property
    def three(self) -> tuple[EncodedRows, EncodedRows, EncodedRows]:
        """Training, generated and holdout rows."""
        return self.real, self.synthetic, self.holdout

    def in_real_mix(self, rng: np.random.Generator) -> Tables | None:
        """Return generated rows cut to the class mix of the real rows with these classes.

        None where the target has no classes, or no class has rows in all three tables.
        """
        target = self.real.encoder.target
        if target is None or self.real.features[target].levels is None:
            return None
        labels = [rows.values[:, target] for rows in self.three]
        shared = [c for c in np.unique(labels[1]) if all((y == c).any() for y in labels)]
        if not shared:
            return None
        real, held = (np.isin(labels[i], shared) for i in (0, 2))
        shares = {c: (labels[0][real] == c).mean() for c in shared}
        size = min((labels[1] == c).sum() / share for c, share in shares.items())
        chosen = [
            rng.permutation(np.flatnonzero(labels[1] == c))[: max(1, round(size * share))]
            for c, share in shares.items()
        ]
        return replace(
            self,
            real=self.real.take(real),
            synthetic=self.synthetic.take(np.sort(np.concatenate(chosen))),
            holdout=self.holdout.take(held),
        )


def without_groups(schema: Schema, groups: str | None) -> Schema:
    """Return a schema without the column that names groups, which is not judged itself."""
    if groups is None:
        return schema
    schema[groups]
    if groups == schema.target:
        raise InputError(f"{groups!r} is the target: it cannot name the groups too")
    columns = [column for column in schema.each() if column.name != groups]
    return schema.model_copy(update={"columns": columns})
