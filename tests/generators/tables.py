"""Tables with known distributions."""

from __future__ import annotations

import numpy as np

from tablewright.tables.encoding.codec import Field, Matrix


def mixed(n_rows: int = 2000, seed: int = 0) -> Matrix:
    """Normal x, integer count, colour that follows x, amount with zeros and gaps, target."""
    rng = np.random.default_rng(seed)
    target = (rng.random(n_rows) < 0.25).astype(float)
    x = rng.normal(2 * target, 1)
    count = rng.poisson(3 + 2 * target).astype(float)
    colour = np.digitize(x + rng.normal(0, 0.5, n_rows), [-1, 0, 2]).astype(float)
    amount = np.where(rng.random(n_rows) < 0.6, 0.0, np.exp(rng.normal(size=n_rows)))
    amount[rng.random(n_rows) < 0.2] = np.nan
    colour[rng.random(n_rows) < 0.1] = np.nan
    fields = (
        Field("x"),
        Field("count", step=1.0),
        Field("colour", levels=4),
        Field("amount"),
        Field("y", levels=2, target=True),
    )
    return Matrix(np.column_stack([x, count, colour, amount, target]), fields)


def gaussian(n_rows: int = 4000, rho: float = 0.8, seed: int = 0) -> Matrix:
    """Two standard normal columns with a known correlation."""
    rng = np.random.default_rng(seed)
    rows = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], n_rows)
    return Matrix(rows, (Field("a"), Field("b")))
