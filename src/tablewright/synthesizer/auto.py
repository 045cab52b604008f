"""``method="auto"``: which local generator suits a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from tablewright.generators.base import Generator
from tablewright.generators.copula import GaussianCopula
from tablewright.generators.trees import SequentialTrees
from tablewright.metrics.detection import detection_auc
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.schema import Schema
from tablewright.tables.encoding.codec import Codec

_SHORT = 200  # rows under which the blend is taken
_FEW = 20  # rows per column under which a copula can win
_MOST = 0.8  # share of numeric columns from which on a copula can win
_FOLDS = 3

Make = Callable[[], Generator]
CANDIDATES: Mapping[str, Make] = {"trees": SequentialTrees, "copula": GaussianCopula}


@dataclass(frozen=True)
class Choice:
    """The method taken, and why, in one sentence."""

    method: str
    reason: str


def choose_method(frame: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Choice:
    """Choose between the blend, sequential trees and the Gaussian copula.

    The blend is taken under 200 rows. Trees are taken from there on, unless rows are few against
    columns and nearly all columns are numbers, where the copula can win. Then both are fitted on
    two thirds of the rows, three times in turn, and the one whose rows are harder to tell from
    the held-out third is taken.

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
    mixed = n_numeric < _MOST * len(columns)
    if frame.height < _SHORT:
        return Choice("blend", f"blend, since {frame.height} rows are few")
    if mixed:
        share = f"{len(columns) - n_numeric} of {len(columns)} columns are not numbers"
        return Choice("trees", f"trees, since {share}")
    if per_column >= _FEW:
        return Choice("trees", f"trees, since there are {per_column:.0f} rows for each column")
    return _hardest(_detected(CANDIDATES, frame, schema, rng))


def _hardest(found: Mapping[str, float]) -> Choice:
    """Take the method whose rows are hardest to tell from real ones."""
    name, other = sorted(found, key=lambda method: found[method])
    theirs = f"those of {'the ' if other == 'copula' else ''}{other} with {found[other]:.2f}"
    return Choice(
        name,
        f"{name}, since its rows are told from held-out real rows with AUC {found[name]:.2f}, "
        f"{theirs} ({_FOLDS}-fold)",
    )


def _detected(
    candidates: Mapping[str, Make], frame: pl.DataFrame, schema: Schema, rng: np.random.Generator
) -> dict[str, float]:
    """Mean detection AUC of each method on rows that it did not see."""
    schema = schema.model_copy(update={"columns": schema.modelled})
    frame = frame.select(schema.names)
    fold = rng.permutation(frame.height) % _FOLDS
    result = np.empty((_FOLDS, len(candidates)))
    codec = Codec(schema).fit(frame)
    for k in range(_FOLDS):
        train, held_out = frame.filter(fold != k), frame.filter(fold == k)
        encoder = FeatureEncoder.fit(train, schema)
        for m, make in enumerate(candidates.values()):
            created = make().fit(codec.encode(train), rng).sample(held_out.height, rng)
            rows = encoder.rows(codec.decode(created))
            result[k, m] = detection_auc(encoder.rows(held_out), rows, rng)
    return dict(zip(candidates, result.mean(axis=0).tolist(), strict=True))
