"""The values that theory and simulation give for normal samples, and for copies."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright.metrics import support
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.schema import Schema


def normal(n_rows: int, seed: int, n_columns: int, spread: float = 1.0) -> pl.DataFrame:
    values = np.random.default_rng(seed).normal(0, spread, (n_rows, n_columns))
    return pl.DataFrame({f"x{j}": values[:, j] for j in range(n_columns)})


def tables(n_columns: int, n_rows: int = 500) -> tuple[FeatureEncoder, EncodedRows]:
    train = normal(n_rows, 1, n_columns)
    encoder = FeatureEncoder.fit(train, Schema.build(dict.fromkeys(train.columns, "continuous")))
    return encoder, encoder.rows(train)


def value(metric: object, real: EncodedRows, other: EncodedRows) -> float:
    score = metric(real, other, None, np.random.default_rng(0))  # type: ignore[operator]
    assert score.value is not None
    return float(score.value)


@pytest.mark.parametrize("n_columns", [2, 8, 24])
def test_fresh_normal_samples_get_what_is_known_for_them(n_columns: int) -> None:
    encoder, real = tables(n_columns)
    fresh = encoder.rows(normal(500, 2, n_columns))
    assert 0.9 < value(support.alpha_precision, real, fresh) <= 1.0
    assert 0.4 < value(support.beta_recall, real, fresh) < 0.62
    assert value(support.coverage, real, fresh) == pytest.approx(0.97, abs=0.03)
    known = {2: 0.37, 8: 0.58, 24: 0.72}[n_columns]
    assert value(support.authenticity, real, fresh) == pytest.approx(known, abs=0.08)
    assert value(support.density, real, fresh) == pytest.approx(1.0, abs=0.15)


def test_copies_cover_all_and_are_not_authentic() -> None:
    _, real = tables(4)
    assert value(support.beta_recall, real, real) == pytest.approx(1.0, abs=0.01)
    assert value(support.alpha_precision, real, real) == pytest.approx(1.0, abs=0.01)
    assert value(support.authenticity, real, real) == 0.0


def test_a_shrunk_sample_in_many_columns_has_recall_without_precision() -> None:
    encoder, real = tables(24)
    shrunk = encoder.rows(normal(500, 2, 24, spread=0.5))
    assert value(support.beta_recall, real, shrunk) > 0.75
    assert value(support.alpha_precision, real, shrunk) < 0.1


def test_equal_rows_are_no_trap_for_coverage() -> None:
    schema = Schema.build({"a": "categorical", "b": "categorical"})
    frame = pl.DataFrame({"a": ["x", "y"] * 100, "b": ["u", "u", "v", "v"] * 50})
    encoder = FeatureEncoder.fit(frame, schema)
    assert value(support.coverage, encoder.rows(frame), encoder.rows(frame[::-1])) == 1.0
