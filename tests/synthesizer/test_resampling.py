"""`fit_resample`: imbalanced-learn's own checks, and types in and out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.pipeline import make_pipeline
from imblearn.utils.estimator_checks import estimator_checks_generator
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler, label_binarize

from tablewright import Synthesizer
from tablewright.errors import InputError


def sampler(method: str = "trees", **options: Any) -> Synthesizer:
    return Synthesizer(method, random_state=0, **options)


def estimator_checks() -> list[Any]:
    return [
        pytest.param(estimator, check, id=f"{method}-{check.func.__name__}")
        for method in ("trees", "copula", "smotenc")
        for estimator, check in estimator_checks_generator(sampler(method))
    ]


@pytest.mark.parametrize(("estimator", "check"), estimator_checks())
def test_imbalanced_learn_accepts_it(estimator: Any, check: Any) -> None:
    check(estimator)


def skewed(n_rows: int = 120) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = (np.arange(n_rows) % 6 == 0).astype(int)
    return rng.normal(3.0 * y[:, None], 1.0, (n_rows, 3)), y


def mixed_frame() -> tuple[pd.DataFrame, pd.Series[str]]:
    X, y = skewed()
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame["colour"] = pd.Categorical(np.where(X[:, 0] > 0, "red", "blue"))
    frame["word"] = np.where(X[:, 1] > 0, "up", "down")
    frame["day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(len(X)) % 50, "D")
    frame.loc[::7, "b"] = np.nan
    frame.loc[::11, "word"] = None
    labels = pd.Series(np.where(y == 1, "sick", "well"), name="state")
    frame.index = labels.index = pd.Index(np.arange(len(X)) + 500)
    return frame, labels


def test_real_rows_come_first_unchanged_and_classes_are_filled() -> None:
    X, y = skewed()
    result = sampler()
    X_new, y_new = result.fit_resample(X, y)
    np.testing.assert_array_equal(X_new[:120], X)
    np.testing.assert_array_equal(y_new[:120], y)
    assert (y_new[120:] == 1).all()
    assert np.bincount(y_new).tolist() == [100, 100]
    assert result.sampling_strategy_ == {1: 80}
    assert X_new[120:].mean() > 2.0
    assert not (X_new[120:, None] == X[None]).all(axis=2).any()


def test_a_mixed_pandas_frame_comes_back_with_its_types() -> None:
    X, y = mixed_frame()
    X_new, y_new = sampler().fit_resample(X, y)
    assert X_new.dtypes.equals(X.dtypes)
    assert y_new.name == "state"
    assert X_new.index.equals(pd.RangeIndex(200))
    assert y_new.index.equals(X_new.index)
    pd.testing.assert_frame_equal(X_new[:120], X.reset_index(drop=True))
    assert set(X_new["word"][120:].dropna()) <= {"up", "down"}
    assert X_new["b"][120:].isna().any()


def test_polars_comes_back_as_polars() -> None:
    X, y = mixed_frame()
    frame, labels = pl.from_pandas(X), pl.from_pandas(y)
    X_new, y_new = sampler().fit_resample(frame, labels)
    assert X_new.schema == frame.schema
    assert X_new[:120].equals(frame)
    assert y_new.dtype == pl.String
    assert y_new.name == "state"


def test_an_arrow_table_comes_back_as_one() -> None:
    X, y = mixed_frame()
    table = pl.from_pandas(X).to_arrow()
    X_new, y_new = sampler().fit_resample(table, y.tolist())
    assert X_new.schema.equals(table.schema)
    assert X_new[:120].equals(table)
    assert isinstance(y_new, list)


def test_lists_sparse_and_object_arrays_keep_their_type() -> None:
    X, y = skewed()
    rows, labels = sampler().fit_resample(
        [[1.5, "a"], [2.5, "b"]] * 20 + [[3.5, "a"]] * 9, [0] * 40 + [1] * 9
    )
    assert rows[:2] == [[1.5, "a"], [2.5, "b"]]
    assert len(rows) == len(labels) == 80
    zeros = sparse.csc_array(np.where(X > 0, X, 0.0))
    result, _ = sampler().fit_resample(zeros, y)
    assert isinstance(result, sparse.csc_array)
    assert (result[:120] != zeros).nnz == 0
    objects = np.column_stack([X[:, 0].astype(object), np.where(X[:, 1] > 0, "p", "q")])
    result, _ = sampler().fit_resample(objects, y)
    assert result.dtype == object
    assert {type(value) for value in result[:, 0]} == {float}


def test_one_column_frames_and_one_column_per_class_come_back() -> None:
    X, y = skewed()
    _, y_new = sampler().fit_resample(X, pd.DataFrame({"state": y}))
    assert list(y_new.columns) == ["state"]
    three = label_binarize(np.arange(120) % 5 // 2, classes=[0, 1, 2])
    _, y_new = sampler().fit_resample(X, three)
    assert y_new.sum(axis=0).tolist() == [48, 48, 48]


def test_names_are_learned_and_given_out() -> None:
    X, y = mixed_frame()
    result = sampler()
    result.fit_resample(X, y)
    assert result.n_features_in_ == 6
    assert result.feature_names_in_.tolist() == list(X.columns)
    assert result.get_feature_names_out().tolist() == list(X.columns)
    assert result.sample(3).columns.tolist() == [*X.columns, "state"]


@pytest.mark.parametrize(
    ("strategy", "counts"),
    [
        ("auto", [60, 60, 60]),
        ("minority", [60, 40, 60]),
        ("not minority", [60, 60, 20]),
        ("not majority", [60, 60, 60]),
        ({2: 35}, [60, 40, 35]),
        (lambda y: {1: 50}, [60, 50, 20]),
    ],
)
def test_strategies_of_imbalanced_learn(strategy: Any, counts: list[int]) -> None:
    y = np.repeat([0, 1, 2], [60, 40, 20])
    X = np.random.default_rng(0).normal(size=(120, 2)) + y[:, None]
    _, y_new = sampler("independent", sampling_strategy=strategy).fit_resample(X, y)
    assert np.bincount(y_new).tolist() == counts


def test_a_share_of_the_larger_class() -> None:
    X, y = skewed()
    _, y_new = sampler("independent", sampling_strategy=0.5).fit_resample(X, y)
    assert np.bincount(y_new).tolist() == [100, 50]


@pytest.mark.parametrize(
    ("strategy", "y", "said"),
    [
        ("auto", [0] * 10, "y has one class only"),
        ("auto", [0.5, 1.2] * 5, "y is continuous"),
        ("auto", ["a", None] * 5, "y, row 1: the class is missing"),
        ("auto", [[1, 1], [0, 1]] * 5, "y has 2 columns, of which each row marks one class"),
        ("auto", [0, 1] * 4, "X has 10 rows and y has 8"),
        ("majority", [0, 1] * 5, "sampling_strategy is one of minority"),
        ([0, 1], [0, 1] * 5, "a dict, a number or a callable"),
        (1.5, [0, 1] * 5, r"lies in \(0, 1\], not 1.5"),
        (0.1, [0, 1] * 5, "less than the smaller class has already"),
        (0.5, [0, 1, 2, 1, 0] * 2, "needs a target of two classes"),
        ({7: 50}, [0, 1] * 5, "names the class 7, which y does not have"),
        ({1: 2}, [0, 1] * 5, "asks for 2 rows of class 1, which has 5 already"),
    ],
)
def test_what_cannot_be_resampled_is_said_in_a_sentence(strategy: Any, y: Any, said: str) -> None:
    X = np.random.default_rng(0).normal(size=(10, 2))
    with pytest.raises(InputError, match=said):
        sampler("independent", sampling_strategy=strategy).fit_resample(X, y)


def test_whole_numbers_that_look_like_a_quantity_are_told() -> None:
    y = np.repeat(np.arange(60.0), 2)
    with pytest.warns(UserWarning, match="60 different numbers in 120 rows.*call fit and sample"):
        Synthesizer("independent", random_state=0).fit_resample(y[:, None], y)


def test_features_of_a_wrong_shape_are_named() -> None:
    with pytest.raises(InputError, match=r"not an array of shape \(4,\)"):
        sampler().fit_resample(np.arange(4.0), [0, 1, 0, 1])


def test_classes_that_have_the_same_size_get_nothing() -> None:
    X, _ = skewed()
    X_new, y_new = sampler().fit_resample(X, np.arange(120) % 2)
    np.testing.assert_array_equal(X_new, X)
    assert len(y_new) == 120


def test_it_works_inside_a_pipeline_under_cross_validation() -> None:
    X, y = make_classification(300, 6, weights=[0.9], class_sep=2.0, random_state=0)
    model = make_pipeline(sampler(), LogisticRegression())
    assert cross_val_score(model, X, y, cv=3, scoring="balanced_accuracy").mean() > 0.8


def test_parameters_are_kept_as_they_were_given() -> None:
    options = {"min_samples_leaf": 7}
    result = Synthesizer("trees", options=options, sampling_strategy={1: 90}, random_state=3)
    result.fit_resample(*skewed())
    assert result.get_params() == clone(result).get_params()
    assert result.get_params()["target"] is None
    assert result.get_params()["random_state"] == 3


def test_fit_takes_a_target_apart_too() -> None:
    X, y = mixed_frame()
    rows = sampler().fit(X, y).sample(5)
    assert list(rows.columns) == [*X.columns, "state"]
    assert rows["colour"].dtype == X["colour"].dtype
    numbers = sampler().fit(skewed()[0], np.linspace(0, 1, 120)).sample(4)
    assert numbers.columns == ["x0", "x1", "x2", "target"]


def test_weights_of_a_later_step_are_refused_and_those_of_an_earlier_one_are_not() -> None:
    X, y = make_classification(
        120, 3, n_informative=3, n_redundant=0, weights=[0.8], random_state=0
    )
    weights = np.ones(len(y))
    pipeline = make_pipeline(StandardScaler(), sampler("smotenc"), LogisticRegression())
    with pytest.raises(InputError, match="logisticregression__sample_weight: there is a weight"):
        pipeline.fit(X, y, logisticregression__sample_weight=weights)
    pipeline.fit(X, y, standardscaler__sample_weight=weights)
    pipeline.fit(X[-1:].repeat(40, 0), [0, 1] * 20, logisticregression__sample_weight=weights[:40])
