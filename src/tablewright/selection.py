"""``method="auto"``: which local generator suits a table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tablewright.generators.copula import GaussianCopula
from tablewright.generators.trees import SequentialTrees
from tablewright.metrics.detection import detection_auc
from tablewright.metrics.preparation import Preparation
from tablewright.schema import Schema
from tablewright.tables.encoding import Codec

__all__ = ["Choice", "choose_method"]

_FEW = 20  # rows per column under which a copula can win
_MOST = 0.8  # share of numeric columns from which on a copula can win
_FOLDS = 3


@dataclass(frozen=True)
class Choice:
    """The method taken, and why, in one sentence."""

    method: str
    reason: str


def choose_method(frame: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Choice:
    """Choose between sequential trees and the Gaussian copula.

    Trees are taken unless rows are few against columns and nearly all columns are numbers.
    There both are fitted on two thirds of the rows, three times in turn, and the one whose
    rows are harder to tell from the held-out third is taken.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Typed rows.
    schema : Schema
    rng : numpy Generator

    Returns
    -------
    Choice
    """
    columns = schema.modelled
    n_numeric = sum(column.kind.is_numeric for column in columns)
    per_column = frame.height / max(1, len(columns))
    if n_numeric < _MOST * len(columns):
        share = f"{len(columns) - n_numeric} of {len(columns)} columns are not numbers"
        return Choice("trees", f"trees, since {share}")
    if per_column >= _FEW:
        return Choice("trees", f"trees, since there are {per_column:.0f} rows for each column")
    if frame.height < 20 * _FOLDS:
        return Choice("trees", f"trees, since {frame.height} rows are too few to compare methods")
    trees, copula = _detected(frame, schema, rng)
    name, won, lost = ("copula", copula, trees) if copula < trees else ("trees", trees, copula)
    other = "trees" if name == "copula" else "the copula"
    return Choice(
        name,
        f"{name}, since its rows are told from held-out real rows with AUC {won:.2f}, "
        f"those of {other} with {lost:.2f} ({_FOLDS}-fold)",
    )


def _detected(frame: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> tuple[float, float]:
    """Mean detection AUC of trees and copula on rows that neither saw."""
    schema = schema.model_copy(update={"columns": schema.modelled})
    frame = frame.select(schema.names)
    fold = rng.permutation(frame.height) % _FOLDS
    found = np.empty((_FOLDS, 2))
    codec = Codec(schema).fit(frame)
    for k in range(_FOLDS):
        train, held_out = frame.filter(fold != k), frame.filter(fold == k)
        ruler = Preparation.fit(train, schema)
        for m, method in enumerate((SequentialTrees, GaussianCopula)):
            made = method().fit(codec.encode(train), rng).sample(held_out.height, rng)
            rows = ruler.rows(codec.decode(made))
            found[k, m] = detection_auc(ruler.rows(held_out), rows, rng)
    return float(found[:, 0].mean()), float(found[:, 1].mean())
