"""`fit_resample` in imbalanced-learn's manner: real rows first, synthetic rows below them."""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.pipeline import Pipeline
from sklearn.utils import InputTags, Tags
from sklearn.utils.validation import validate_data

from tablewright.callers import warn
from tablewright.errors import InputError
from tablewright.synthesizer.quotas import rows_to_add
from tablewright.tables.io.arrays import Target, join, put_below, read_target, take
from tablewright.tables.io.frames import Restore, check_names

Ints = NDArray[np.intp]

MANY_CLASSES = 50
"""More different numbers than this, with few rows each, look like a quantity."""


@dataclass(slots=True)
class _SamplerTags:
    """What imbalanced-learn asks of a sampler."""

    sample_indices: bool = False


@dataclass(slots=True)
class _InputTags(InputTags):  # type: ignore[misc]  # scikit-learn is untyped
    dataframe: bool = True


@dataclass(slots=True)
class _Tags(Tags):  # type: ignore[misc]  # scikit-learn is untyped
    sampler_tags: _SamplerTags = field(default_factory=_SamplerTags)


class ResamplerMixin(OneToOneFeatureMixin):  # type: ignore[misc]  # scikit-learn is untyped
    """Adds `fit_resample` to an estimator that can write rows of a class.

    Attributes
    ----------
    sampling_strategy_ : dict
        Rows that were added to each class.
    n_features_in_ : int
        Columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Their names, where X has names.
    """

    target: str | None
    sampling_strategy: Any

    def fit_resample(self, X: Any, y: Any) -> tuple[Any, Any]:
        """Learn a table and write rows for the classes that have few.

        Parameters
        ----------
        X : frame, array, list of rows or sparse matrix of shape (n_rows, n_columns)
            Categories, dates and missing values are welcome.
        y : series, array, list or frame of one column, of shape (n_rows,)
            Classes; one column per class of zeros and ones is taken too.

        Returns
        -------
        X_resampled : of the type of `X`
            The rows of `X`, unchanged, and the new ones below them, class after class.
        y_resampled : of the type of `y`
            Their classes.

        Raises
        ------
        InputError
            If `y` has no classes or one only, or `sampling_strategy` does not fit them.
        """
        target = _classes(y)
        self.sampling_strategy_ = rows_to_add(self.sampling_strategy, target.values.to_numpy())
        if hasattr(X, "columns"):
            check_names([str(name) for name in X.columns])
        validate_data(self, X=X, skip_check_array=True)
        if any(self.sampling_strategy_.values()):
            _refuse_weights(self)
        frame, restore, name = join(X, target, self.target)
        like = _models(target.values, self.sampling_strategy_)
        result = self._write_like(frame, restore, name, like)
        indices = np.concatenate([np.arange(frame.height), like])
        return put_below(X, result.drop(name), restore), take(y, indices)

    @abstractmethod
    def _write_like(
        self, frame: pl.DataFrame, restore: Restore, target: str, like: Ints
    ) -> pl.DataFrame:
        """Learn a table, and write a row of the class of each row that `like` points at."""

    def __sklearn_tags__(self) -> _Tags:
        plain = super().__sklearn_tags__()
        tags = _Tags(**{part.name: getattr(plain, part.name) for part in fields(plain)})
        tags.estimator_type = "sampler"
        tags.input_tags = _InputTags(categorical=True, string=True, allow_nan=True, sparse=True)
        return tags


def _refuse_weights(sampler: Any) -> None:
    """Refuse a pipeline that weighs the rows of a later step: new rows have no weight.

    A step is not told what other steps get, so the pipeline is looked up among the callers;
    otherwise the last step complains of the length of the weights, and of nothing else.
    """
    frame = inspect.currentframe()
    while frame is not None:
        pipeline, given = frame.f_locals.get("self"), frame.f_locals.get("params")
        if isinstance(pipeline, Pipeline) and isinstance(given, Mapping):
            names = [name for name, step in pipeline.steps]
            own = next((i for i, (_, s) in enumerate(pipeline.steps) if s is sampler), 0)
            for key in given:
                step, _, parameter = key.rpartition("__")
                if parameter == "sample_weight" and step in names[own + 1 :]:
                    raise InputError(
                        f"{key}: there is a weight for each row given, and none for the rows that "
                        "are added by resampling; leave the weights out, or call fit_resample first"
                    )
        frame = frame.f_back


def _classes(y: Any) -> Target:
    """Read the class of each row."""
    shape = np.shape(y)
    if len(shape) == 2 and shape[1] > 1:
        return Target(_from_indicators(np.asarray(y)), {})
    target = read_target(y)
    values = target.values
    if values.null_count():
        row = int(values.is_null().arg_max() or 0)
        raise InputError(f"y, row {row}: the class is missing; drop the row or fill the class in")
    fractions = values.dtype.is_float() and bool((values != values.round(0)).any())
    if fractions or values.dtype.is_temporal():
        raise InputError(
            "Unknown label type: y is continuous and has no classes to fill; cut it into classes, "
            "or call fit and sample"
        )
    if values.n_unique() < 2:
        raise InputError("y has one class only; fit_resample needs rows of two classes or more")
    if values.dtype.is_numeric() and values.n_unique() > max(MANY_CLASSES, len(values) // 5):
        warn(
            f"y has {values.n_unique()} different numbers in {len(values)} rows, and each is "
            "filled as a class; if it is a quantity, call fit and sample, or cut it into classes"
        )
    return target


def _from_indicators(marks: NDArray[Any]) -> pl.Series:
    """Read classes off one column of zeros and ones for each."""
    if not np.isin(marks, (0, 1)).all() or (marks.sum(axis=1) != 1).any():
        raise InputError(
            "Multilabel and multioutput targets are not supported: y has "
            f"{marks.shape[1]} columns, of which each row marks one class with 1 and no other"
        )
    return pl.Series(marks.argmax(axis=1))


def _models(classes: pl.Series, wanted: Mapping[Any, int]) -> Ints:
    """Give the position of a real row for each row to write: the first one of its class."""
    labels = classes.to_list()
    first = [labels.index(label) for label in wanted]
    return np.repeat(np.array(first, dtype=np.intp), list(wanted.values()))
