"""How rows become numbers: by real rows alone."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tablewright.errors import InputError
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.learners import Design, leaf_size
from tablewright.schema import Schema


def test_ordinal_levels_reach_linear_models_as_one_number_in_their_order() -> None:
    real = pl.DataFrame({"size": ["s", "m", "m", "l"], "y": [1.0, 2.0, 3.0, 4.0]})
    declared = {"kind": "ordinal", "categories": ["s", "m", "l"]}
    encoder = FeatureEncoder.fit(real, Schema.build({"size": declared, "y": "continuous"}))
    linear = encoder.rows(pl.DataFrame({"size": ["s", "m", "l", None, "xl"], "y": [0.0] * 5}))
    columns = linear.standardised()[:, :2]
    ranks = np.array([0.0, 1.0, 1.0, 2.0])
    expected = (np.array([0.0, 1.0, 2.0]) - ranks.mean()) / ranks.std()
    assert columns[:3, 0] == pytest.approx(expected)
    assert columns[3:].tolist() == [[0.0, 1.0], [0.0, 1.0]]  # missing and unseen: the mean, marked


def test_ordinal_numbers_without_categories_are_ordered_by_value() -> None:
    real = pl.DataFrame({"grade": [10, 2, 2, 9], "y": ["a", "b", "a", "b"]})
    schema = Schema.build({"grade": "ordinal", "y": "categorical"}, target="y")
    encoder = FeatureEncoder.fit(real, schema)
    column = Design.of(encoder.rows(real)).linear[:, 0]
    assert np.argsort(column, kind="stable").tolist() == [1, 2, 3, 0]


def test_categories_keep_one_indicator_each() -> None:
    real = pl.DataFrame({"c": ["u", "v", "u"], "y": ["a", "b", "a"]})
    schema = Schema.build({"c": "categorical", "y": "categorical"}, target="y")
    encoded = FeatureEncoder.fit(real, schema).rows(
        pl.DataFrame({"c": ["v", "w", None], "y": [*"aba"]})
    )
    # u, v, other, missing
    assert Design.of(encoded).linear.tolist() == [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]


def test_means_bins_and_levels_come_from_real_rows_alone() -> None:
    real = pl.DataFrame({"x": [0.0, 2.0], "c": ["a", "b"]})
    encoder = FeatureEncoder.fit(real, Schema.build({"x": "continuous", "c": "categorical"}))
    rows = encoder.rows(pl.DataFrame({"x": [5.0, -1.0], "c": ["z", "a"]}))
    assert rows.values.tolist() == [[5.0, 2.0], [-1.0, 0.0]]
    assert rows.standardised()[:, 0].tolist() == [4.0, -2.0]
    assert rows.gower[:, 0].tolist() == [2.5, -0.5]


def test_dates_count_days_and_text_that_is_none_is_missing() -> None:
    real = pl.DataFrame({"day": [dt.date(2020, 1, 1), dt.date(2020, 1, 11)], "x": [1.0, 2.0]})
    encoder = FeatureEncoder.fit(real, Schema.build({"day": "date", "x": "continuous"}))
    rows = encoder.rows(pl.DataFrame({"day": ["2020-01-06", "soon"], "x": ["7", "old"]}))
    assert rows.values[0, 0] - encoder.features[0].low == 5
    assert np.isnan(rows.values[1]).all()


def test_constants_and_identifiers_may_be_absent_and_others_may_not() -> None:
    schema = Schema.build({"id": "identifier", "land": "constant", "x": "continuous"})
    real = pl.DataFrame({"id": ["a", "b"], "land": ["here", "here"], "x": [1.0, 2.0]})
    encoder = FeatureEncoder.fit(real, schema)
    rows = encoder.rows(pl.DataFrame({"x": [3.0]}))
    assert rows.values.tolist() == [[0.0, 3.0]]
    with pytest.raises(InputError, match="the synthetic table has no column 'x'"):
        encoder.rows(pl.DataFrame({"land": ["here"]}))
    with pytest.raises(InputError, match="the training table has no column 'id'"):
        FeatureEncoder.fit(real.drop("id"), schema)


def test_a_shuffle_keeps_every_column_and_breaks_their_ties() -> None:
    n = 200
    real = pl.DataFrame({"x": np.arange(n, dtype=float), "z": np.arange(n, dtype=float)})
    encoded = FeatureEncoder.fit(real, Schema.build({"x": "continuous", "z": "continuous"})).rows(
        real
    )
    mixed = encoded.shuffled(np.random.default_rng(0))
    assert np.sort(mixed.values, axis=0).tolist() == encoded.values.tolist()
    correlation = stats.pearsonr(mixed.values[:, 0], mixed.values[:, 1]).statistic
    assert abs(correlation) < 0.25  # 3.5 standard errors
    assert mixed.frame["x"].to_list() == mixed.values[:, 0].tolist()


def test_leaves_hold_a_twentieth_of_the_rows_within_bounds() -> None:
    assert [leaf_size(n) for n in (10, 60, 200, 400, 5000)] == [3, 3, 10, 20, 20]
