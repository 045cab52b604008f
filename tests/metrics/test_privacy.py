"""Copies, distances and guesses of membership, with values by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright.metrics import privacy
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.neighbours import nearest
from tablewright.metrics.row_keys import row_keys
from tablewright.schema import Schema
from tests.metrics.tables import distance_share

SCHEMA = Schema.build({"x": {"kind": "continuous", "decimals": 1}, "c": "categorical"})


def rows(*cells: tuple[float | None, str | None]) -> EncodedRows:
    real = pl.DataFrame({"x": [0.0, 10.0, 5.0], "c": ["a", "b", "a"]})
    encoder = FeatureEncoder.fit(real, SCHEMA)
    frame = pl.DataFrame(cells, schema={"x": pl.Float64, "c": pl.String}, orient="row")
    return encoder.rows(frame)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_rows_equal_at_the_precision_of_the_schema_have_one_key() -> None:
    keys = row_keys(rows((1.04, "a"), (1.0, "a"), (1.0, "b"), (1.06, "a"), (None, "a")))
    assert keys[0] == keys[1]
    assert len(set(keys.tolist())) == 4


def test_unseen_categories_are_not_equal_to_each_other() -> None:
    keys = row_keys(rows((1.0, "z"), (1.0, "w"), (1.0, "z")))
    assert keys[0] == keys[2] != keys[1]


def test_exact_copies_are_a_share_of_generated_rows_beside_that_of_holdout_rows() -> None:
    real = rows((1.0, "a"), (2.0, "b"), (3.0, "a"), (4.0, "b"))
    made = rows((1.0, "a"), (1.0, "a"), (9.0, "a"), (2.0, "a"))
    holdout = rows((4.0, "b"), (7.0, "a"), (8.0, "a"), (9.0, "b"))
    score = privacy.exact_copies(real, made, holdout, rng())
    assert score.value == 0.5
    assert score.reference["real"] == 0.25


def test_internal_duplicates_count_rows_beyond_the_first() -> None:
    real = rows((1.0, "a"), (2.0, "b"), (3.0, "a"))
    made = rows((1.0, "a"), (1.0, "a"), (1.0, "a"), (2.0, "a"))
    assert privacy.internal_duplicates(real, made, None, rng()).value == pytest.approx(2 / 4)


def test_gower_distances_are_means_over_columns_cut_at_one() -> None:
    query, reference = rows((0.0, "a"), (100.0, "a"), (None, "b")), rows((5.0, "a"), (10.0, "b"))
    distances, index = nearest(query.gower, reference.gower)
    # half of the range over two columns; beyond it counts as 1; a missing number against one as 1
    assert distances.ravel().tolist() == pytest.approx([0.25, 0.5, 0.5])
    assert index.ravel().tolist() == [0, 0, 1]


def test_as_many_rows_near_training_as_near_holdout_rows_are_half() -> None:
    draws = rng()
    made, real, held = (
        rows(*((float(v), "a") for v in draws.uniform(0, 10, 80))) for _ in range(3)
    )
    fresh = distance_share(real, made, held, rng())
    assert fresh.value is not None
    assert fresh.value == pytest.approx(0.5, abs=0.17)  # three binomial standard errors
