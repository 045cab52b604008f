"""The real rows as every check sees them: on their encoder, with classes by number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import polars as pl
from scipy.special import ndtri

from tablewright.errors import InputError
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.learners import Design, fit
from tablewright.schema import Schema
from tablewright.selection.check import Floats, Mask


@dataclass(frozen=True)
class RealRows:
    """Real rows, and what is measured by them.

    Attributes
    ----------
    encoder : FeatureEncoder
        How cells become numbers.
    real : EncodedRows
        The real rows; those without a label are left out.
    classes : tuple of str
        Labels by code: those that real rows have, then those that the schema declares; empty
        for a target that is a number.

    Examples
    --------
    >>> real = pl.DataFrame({"age": [20, 40], "y": ["a", "b"]})
    >>> declared = {"kind": "categorical", "categories": ["a", "b", "c"]}
    >>> real_rows = RealRows.fit(real, Schema.build({"age": "integer", "y": declared}, target="y"))
    >>> real_rows.classes, real_rows.labels(real_rows.rows(pl.DataFrame({"age": [30], "y": ["c"]})))
    (('a', 'b', 'c'), array([2.]))
    """

    encoder: FeatureEncoder
    real: EncodedRows
    classes: tuple[str, ...]

    @classmethod
    def fit(cls, train: pl.DataFrame, schema: Schema) -> Self:
        """Fit the encoder to typed rows.

        Raises
        ------
        InputError
            If there are no rows, or a column is missing.
        """
        encoder = FeatureEncoder.fit(train, schema)
        rows = encoder.rows(train, "training")
        if encoder.target is None:
            return cls(encoder, rows, ())
        rows = rows.take(~np.isnan(rows.values[:, encoder.target]))
        return cls(encoder, rows, _classes(encoder))

    @classmethod
    def labelled(cls, train: pl.DataFrame, schema: Schema, who: str) -> Self:
        """Fit the encoder for a check that judges labels; `who` names it.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        if schema.target is None:
            raise InputError(f"{who} needs a target: name it")
        return cls.fit(train, schema)

    @property
    def target(self) -> int | None:
        """Index of the target among the features."""
        return self.encoder.target

    @property
    def classifies(self) -> bool:
        """Whether the target is a class."""
        return bool(self.classes)

    @property
    def n_codes(self) -> int:
        """Number of codes of classes, that of an unknown one included; 0 for a number."""
        return len(self.classes) + 1 if self.classes else 0

    @property
    def seen(self) -> int:
        """Number of classes that real rows have."""
        if self.target is None:
            return 0
        return len(self.encoder.features[self.target].levels or ())

    def rows(self, frame: pl.DataFrame) -> EncodedRows:
        """Put typed rows on the encoder."""
        return self.encoder.rows(frame, "candidate")

    def labels(self, rows: EncodedRows) -> Floats:
        """Return codes of classes, or numbers; NaN where missing.

        A class that is neither seen nor declared has the code ``len(classes)``.
        """
        assert self.target is not None
        codes = rows.values[:, self.target].copy()
        unseen = np.flatnonzero(codes >= self.seen) if self.classes else np.zeros(0, dtype=int)
        if len(unseen):
            text = rows.frame[self.encoder.features[self.target].name].cast(pl.String)
            known = {label: code for code, label in enumerate(self.classes)}
            codes[unseen] = [known.get(text[int(i)], len(self.classes)) for i in unseen]
        return codes

    def unseen(self, rows: EncodedRows) -> Mask:
        """Mark rows whose class no real row has."""
        if not self.classes:
            return np.zeros(len(rows), dtype=bool)
        assert self.target is not None
        return np.asarray(rows.values[:, self.target] >= self.seen)

    def design(self, rows: EncodedRows) -> Design:
        """Return what learners see of rows."""
        if self.target is None:
            return Design.of(rows, np.zeros(len(rows)))
        return replace(Design.of(rows), y=self.labels(rows))


class GrowingRows:
    """What the published checks judge batches by: real rows, and those accepted so far."""

    name: str
    estimator: Any = "linear"
    """The downstream model: a learner's name or an estimator of scikit-learn."""

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        """Take typed real rows in.

        Raises
        ------
        InputError
            If the schema names no target.
        """
        self.real_rows_ = RealRows.labelled(train, schema, f"the {self.name}")
        self.real_ = self.rows_ = self.real_rows_.design(self.real_rows_.real)
        return self

    def learn(self, rows: pl.DataFrame) -> None:
        """Add accepted typed rows to those that later batches are judged by."""
        self.rows_ = self.rows_.join(self.design(rows))

    def model(self, rows: Design, rng: np.random.Generator) -> Callable[[Design], Floats]:
        """Fit the downstream model."""
        return fit(self.estimator, rows, self.real_rows_.n_codes, rng)

    def design(self, rows: pl.DataFrame) -> Design:
        """Return what learners see of typed rows."""
        return self.real_rows_.design(self.real_rows_.rows(rows))


def normal_scores(values: Floats, knots: Floats) -> Floats:
    """Return the normal quantile of each value's rank among ascending knots.

    Examples
    --------
    >>> normal_scores(np.array([2.0, 9.0]), np.array([1.0, 2.0, 3.0])).round(2)
    array([0.  , 1.15])
    """
    below = np.searchsorted(knots, values) + np.searchsorted(knots, values, "right")
    return np.asarray(ndtri((below / 2 + 0.5) / (len(knots) + 1)))


def _classes(encoder: FeatureEncoder) -> tuple[str, ...]:
    assert encoder.target is not None
    feature = encoder.features[encoder.target]
    if feature.levels is None:
        return ()
    declared = pl.Series(feature.column.categories or [], strict=False)
    if len(declared):
        declared = declared.cast(feature.dtype, strict=False).cast(pl.String)
    return tuple(dict.fromkeys((*feature.levels, *declared.drop_nulls().to_list())))
