"""Filled cells are held against the truth and against simple means."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright.metrics.imputation import imputation_error
from tests.metrics.tables import draw, three


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_truth_has_no_error_and_emptied_cells_are_really_empty() -> None:
    _, real, holdout = three()
    seen: list[int] = []

    def know(frame: pl.DataFrame) -> pl.DataFrame:
        seen.append(sum(frame.null_count().row(0)))
        return holdout.frame

    score = imputation_error(know, real, holdout, rng())
    assert score.value == pytest.approx(0.0)
    assert seen[0] > 100


def test_filling_by_mean_and_mode_is_as_good_as_that_reference() -> None:
    _, real, holdout = three()

    def fill(frame: pl.DataFrame) -> pl.DataFrame:
        train = real.frame
        columns = [
            pl.col(name).fill_null(
                train[name].mean() if train[name].dtype.is_float() else train[name].mode()[0]
            )
            for name in frame.columns
        ]
        return frame.with_columns(columns)

    score = imputation_error(fill, real, holdout, rng())
    assert score.value == pytest.approx(score.reference["mean or mode"], abs=0.35)
    assert score.reference["neighbours"] < score.reference["draw"]


def test_cells_left_empty_are_errors() -> None:
    _, real, holdout = three()
    score = imputation_error(lambda frame: frame, real, holdout, rng())
    assert (score.value or 0) >= 0.9


def test_nothing_known_gives_a_reason() -> None:
    encoder, real, _ = three()
    hollow = encoder.rows(draw(30, 2)[:0])
    score = imputation_error(lambda frame: frame, real, hollow, rng())
    assert "no known cell" in score.reason
