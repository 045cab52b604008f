"""Values by hand, and by scipy."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tablewright.metrics import fidelity
from tablewright.metrics.associations import associations, cramers_v, rank_correlations
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.schema import Schema
from tests.metrics.tables import SCHEMA, draw, three


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def whole(frame: pl.DataFrame, other: pl.DataFrame, schema: Schema = SCHEMA) -> dict[str, float]:
    encoder = FeatureEncoder.fit(frame, schema)
    score = fidelity.column_shapes(encoder.rows(frame), encoder.rows(other), None, rng())
    return dict(score.details["columns"])


def test_column_shapes_by_hand() -> None:
    schema = Schema.build({"x": "continuous", "c": "categorical"})
    real = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "c": ["a", "a", "b", "b"]})
    other = pl.DataFrame({"x": [3.0, 4.0, 5.0, 6.0], "c": ["a", "new", "new", "b"]})
    assert whole(real, other, schema) == {"x": 0.5, "c": 0.5}


def test_numbers_agree_with_scipy_and_categories_with_their_counts() -> None:
    """KSComplement and TVComplement of sdmetrics are these two."""
    first, second = draw(400, 1), draw(300, 2)
    result = whole(first, second)
    assert result["age"] == pytest.approx(1 - stats.ks_2samp(first["age"], second["age"]).statistic)
    shares = [frame["city"].drop_nulls().value_counts(normalize=True) for frame in (first, second)]
    both = shares[0].join(shares[1], on="city", how="full", coalesce=True).fill_null(0)
    distance = (both["proportion"] - both["proportion_right"]).abs().sum() / 2
    assert result["city"] == pytest.approx(1 - distance)


def test_two_way_tables_are_compared_by_total_variation() -> None:
    """ContingencySimilarity of sdmetrics on categories."""
    first, second = (
        draw(n, s).drop_nulls().select("city", "label") for n, s in ((400, 1), (300, 2))
    )
    schema = Schema.build({"city": "categorical", "label": "categorical"})
    encoder = FeatureEncoder.fit(first, schema)
    score = fidelity.contingency_similarity(encoder.rows(first), encoder.rows(second), None, rng())
    cells = [frame.group_by("city", "label").len() for frame in (first, second)]
    both = cells[0].join(cells[1], on=["city", "label"], how="full", coalesce=True).fill_null(0)
    shares = [both[name] / both[name].sum() for name in ("len", "len_right")]
    assert score.details["worst"][0][2] == pytest.approx(
        1 - (shares[0] - shares[1]).abs().sum() / 2
    )


def test_rank_correlations_are_those_of_scipy() -> None:
    values = np.random.default_rng(0).integers(0, 9, (60, 3)).astype(float)
    assert rank_correlations(values)[0, 1] == pytest.approx(
        stats.spearmanr(values[:, 0], values[:, 1]).statistic
    )


def test_cramers_v_of_independent_columns_is_near_zero_and_of_one_column_is_one() -> None:
    source = np.random.default_rng(0)
    first, second = source.integers(0, 4, (2, 500))
    assert cramers_v(first, second) < 0.06
    assert cramers_v(first, first) == pytest.approx(1.0)


def test_a_column_that_does_not_vary_counts_in_full() -> None:
    encoder, real, _ = three()
    flat = encoder.rows(draw(300, 3).with_columns(age=pl.lit(40)))
    index = [feature.name for feature in real.features].index("age")
    assert associations(flat)[index, :index].tolist() == [0.0] * index
    score = fidelity.association_difference(real, flat, None, rng())
    fresh = fidelity.association_difference(real, encoder.rows(draw(300, 3)), None, rng())
    assert (score.value or 0) > 2 * (fresh.value or 1)


def test_missing_rates_and_unseen_categories_have_numbers_of_their_own() -> None:
    encoder, real, holdout = three()
    hollow = encoder.rows(draw(200, 3).with_columns(age=pl.lit(None, pl.Int64)))
    missing = fidelity.missing_difference(real, hollow, holdout, rng())
    assert missing.details["columns"]["age"] == [0.0, 1.0]
    strange = encoder.rows(draw(200, 3).with_columns(city=pl.lit("yew"), age=pl.lit(500)))
    inside = fidelity.range_adherence(real, strange, holdout, rng()).details["columns"]
    assert inside["city"] == 0.0
    assert inside["age"] == 0.0
