"""Values by hand, and agreement with sdmetrics where it is right."""

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
    ruler = FeatureEncoder.fit(frame, schema)
    score = fidelity.column_shapes(ruler.rows(frame), ruler.rows(other), None, rng())
    return dict(score.details["columns"])


def test_column_shapes_by_hand() -> None:
    schema = Schema.build({"x": "continuous", "c": "categorical"})
    real = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "c": ["a", "a", "b", "b"]})
    other = pl.DataFrame({"x": [3.0, 4.0, 5.0, 6.0], "c": ["a", "new", "new", "b"]})
    assert whole(real, other, schema) == {"x": 0.5, "c": 0.5}


def test_numbers_and_categories_agree_with_sdmetrics() -> None:
    single = pytest.importorskip("sdmetrics.column_pairs")
    columns = pytest.importorskip("sdmetrics.single_column")
    del single
    first, second = draw(400, 1), draw(300, 2)
    mine = whole(first, second)
    tables = [frame.to_pandas() for frame in (first, second)]
    ks = columns.KSComplement.compute(*(t["age"] for t in tables))
    tv = columns.TVComplement.compute(*(t["city"].dropna() for t in tables))
    assert mine["age"] == pytest.approx(ks, abs=1e-9)
    assert mine["city"] == pytest.approx(tv, abs=1e-9)


def test_two_way_tables_agree_with_sdmetrics_on_categories() -> None:
    pairs = pytest.importorskip("sdmetrics.column_pairs")
    first, second = (
        draw(n, s).drop_nulls().select("city", "label") for n, s in ((400, 1), (300, 2))
    )
    schema = Schema.build({"city": "categorical", "label": "categorical"})
    ruler = FeatureEncoder.fit(first, schema)
    score = fidelity.contingency_similarity(ruler.rows(first), ruler.rows(second), None, rng())
    theirs = pairs.ContingencySimilarity.compute(first.to_pandas(), second.to_pandas())
    assert score.details["worst"][0][2] == pytest.approx(theirs, abs=1e-9)


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
    ruler, real, _ = three()
    flat = ruler.rows(draw(300, 3).with_columns(age=pl.lit(40)))
    place = [feature.name for feature in real.features].index("age")
    assert associations(flat)[place, :place].tolist() == [0.0] * place
    score = fidelity.association_difference(real, flat, None, rng())
    fresh = fidelity.association_difference(real, ruler.rows(draw(300, 3)), None, rng())
    assert (score.value or 0) > 2 * (fresh.value or 1)


def test_missing_rates_and_unseen_categories_have_numbers_of_their_own() -> None:
    ruler, real, holdout = three()
    hollow = ruler.rows(draw(200, 3).with_columns(age=pl.lit(None, pl.Int64)))
    missing = fidelity.missing_difference(real, hollow, holdout, rng())
    assert missing.details["columns"]["age"] == [0.0, 1.0]
    strange = ruler.rows(draw(200, 3).with_columns(city=pl.lit("yew"), age=pl.lit(500)))
    inside = fidelity.range_adherence(real, strange, holdout, rng()).details["columns"]
    assert inside["city"] == 0.0
    assert inside["age"] == 0.0
