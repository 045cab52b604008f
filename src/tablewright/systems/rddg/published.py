"""Feedback as published, with what is wrong with it."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from scipy.stats import ks_2samp

from tablewright.systems.common.batch import RowBatch
from tablewright.systems.common.candidate_pool import CandidatePool
from tablewright.systems.common.guidance import Guidance
from tablewright.systems.rddg.writers import GuidedRounds


class PublishedRounds(GuidedRounds):
    """Feedback as published: the text, of all rows so far against all real ones; nothing else."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        super().__init__(*parts, **options)
        self.size = self.request.n_rows

    def guide(self, pool: CandidatePool) -> Guidance | None:
        """Write the text."""
        if not self.active or not self.feedback.batches:
            return None
        self.result.note(
            "the published feedback names no direction, correlates unrelated rows and holds "
            "balanced rows against unbalanced ones"
        )
        return Guidance(published_feedback(pool.rows, self.feedback.real))

    def _accept(self, batch: RowBatch) -> None:
        """Take all rows."""


def published_feedback(made: pl.DataFrame, real: pl.DataFrame) -> str:
    """Write the feedback of the reference implementation, with what is wrong with it.

    All rows so far against all real ones: absolute differences of means and deviations, which do
    not say up or down; a "correlation" between a real and a generated column in the order in
    which the rows happen to stand, which is noise; and the Kolmogorov-Smirnov test. Numbers
    alone; balanced rows are held against unbalanced ones.

    Examples
    --------
    >>> frame = pl.DataFrame({"age": [20.0, 30.0, 40.0]})
    >>> print(published_feedback(frame, frame).splitlines()[0])
    age: mean difference 0.00, standard deviation difference 0.00, correlation 1.00
    """
    if not made.height:
        return "No valid row was written: write rows of CSV, as the rows above are."
    lines = []
    for name in real.columns:
        own, drawn = (f[name].drop_nulls() for f in (real, made))
        if not own.dtype.is_numeric() or min(len(own), len(drawn)) < 2:
            continue
        a, b = own.cast(pl.Float64).to_numpy(), drawn.cast(pl.Float64).to_numpy()
        n = min(len(a), len(b))
        if min(a[:n].std(), b[:n].std()) == 0:
            return ""
        means, sds = abs(a.mean() - b.mean()), abs(a.std(ddof=1) - b.std(ddof=1))
        test = ks_2samp(a, b)
        lines += [
            f"{name}: mean difference {means:.2f}, standard deviation difference {sds:.2f}, "
            f"correlation {np.corrcoef(a[:n], b[:n])[0, 1]:.2f}",
            f"{name}: KS statistic {test.statistic:.2f}, p-value {test.pvalue:.2f}",
        ]
    return "\n".join([*lines, *_ADVICE]) if lines else ""


_ADVICE = (
    "Pay attention to the columns with large differences.",
    "Match the correlation and the distribution of the real rows better.",
    "Please go on.",
)
