"""Copies are found whatever was done to them, and fresh rows are not called copies."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright.metrics import copies, privacy
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.schema import Schema
from tests.metrics.tables import SCHEMA, draw, three


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def numbers(n_rows: int, seed: int) -> pl.DataFrame:
    source = np.random.default_rng(seed)
    columns = {f"x{j}": np.round(source.gamma(2 + j, 3, n_rows), 3) for j in range(5)}
    return pl.DataFrame({**columns, "y": np.round(source.normal(20, 5, n_rows), 1)})


NUMBERS = Schema.build(dict.fromkeys(numbers(1, 0).columns, "continuous"), target="y")


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5])
def test_planted_copies_are_counted_exactly(share: float) -> None:
    train, n_copies = numbers(2000, 1), int(2000 * share)
    encoder = FeatureEncoder.fit(train, NUMBERS)
    result = encoder.rows(pl.concat([numbers(2000 - n_copies, 2), train[:n_copies]]))
    score = privacy.exact_copies(encoder.rows(train), result, encoder.rows(numbers(500, 3)), rng())
    assert score.details["count"] == n_copies
    assert score.reference["real"] == 0


def test_copies_are_found_whatever_type_their_cells_have() -> None:
    encoder, real, holdout = three()
    text = draw(300, 1).select(pl.all().cast(pl.String))
    assert privacy.exact_copies(real, encoder.rows(text), holdout, rng()).value == 1.0


def test_copies_with_another_label_are_one_off() -> None:
    encoder, real, holdout = three()
    other = pl.when(pl.col("label") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    result = encoder.rows(draw(300, 1).with_columns(other.alias("label")))
    score = copies.one_off_copies(real, result, holdout, rng())
    assert (score.value or 0) > 0.95
    assert max(score.details["columns"], key=score.details["columns"].get) == "label"
    assert score.reference["real"] < 0.05


def test_rows_moved_by_one_column_are_found() -> None:
    train = numbers(300, 1)
    encoder = FeatureEncoder.fit(train, NUMBERS)
    moved = train.select(
        pl.lit(0.0).alias("x0"),
        *(
            pl.col(old).alias(new)
            for old, new in zip(train.columns, train.columns[1:], strict=False)
        ),
    )
    result = pl.concat([moved[:100], numbers(100, 2)])
    score = copies.shifted_copies(encoder.rows(train), encoder.rows(result), None, rng())
    assert score.value == 0.5


def test_standardised_rows_are_found_and_their_lines_named() -> None:
    train = numbers(400, 1)
    encoder = FeatureEncoder.fit(train, NUMBERS)
    part = train[50:250]
    names = [f"x{j}" for j in range(5)]
    result = part.with_columns(
        ((pl.col(x) - pl.col(x).mean()) / pl.col(x).std()).clip(-2, 2) for x in names
    )
    score = copies.rescaled_copies(encoder.rows(train), encoder.rows(result), None, rng())
    assert (score.value or 0) > 0.7
    slope = score.details["lines"]["x0"][0]
    assert slope == pytest.approx(1 / part["x0"].to_numpy().std(ddof=1), rel=0.01)


def test_a_whole_table_standardised_is_found_by_two_classes_alone() -> None:
    train = numbers(400, 1).with_columns((pl.col("y") > 20).alias("y"))
    schema = Schema.build({**dict.fromkeys(train.columns[:5], "continuous"), "y": "boolean"})
    encoder = FeatureEncoder.fit(train, schema)
    result = train.with_columns((pl.col(f"x{j}") - 5) / 3 for j in range(5))
    score = copies.rescaled_copies(encoder.rows(train), encoder.rows(result), None, rng())
    assert (score.value or 0) > 0.9


@pytest.mark.parametrize(
    "metric", [copies.one_off_copies, copies.shifted_copies, copies.rescaled_copies]
)
def test_fresh_rows_are_not_called_copies(metric: object) -> None:
    for schema, source in ((SCHEMA, draw), (NUMBERS, numbers)):
        encoder = FeatureEncoder.fit(source(400, 1), schema)
        real, result, held = (encoder.rows(source(400, seed)) for seed in (1, 2, 3))
        score = metric(real, result, held, rng())  # type: ignore[operator]
        assert score.value <= score.reference["real"] + 0.02
