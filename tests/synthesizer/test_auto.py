"""``method="auto"``: what is taken, and the reason that is given."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright import Synthesizer
from tablewright.synthesizer.auto import Choice, choose_method
from tablewright.tables.inference.infer import infer_schema


def choose(frame: pl.DataFrame, seed: int = 0) -> Choice:
    return choose_method(frame, infer_schema(frame), np.random.default_rng(seed))


def normal(n_rows: int, n_columns: int) -> pl.DataFrame:
    random = np.random.default_rng(0)
    mixing = random.normal(size=(n_columns, n_columns))
    return pl.DataFrame(random.normal(size=(n_rows, n_columns)) @ mixing)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (normal(400, 5), "trees, since there are 80 rows for each column"),
        (
            normal(200, 6).with_columns(
                a=pl.Series(["p", "q"] * 100), b=pl.Series(["r", "s"] * 100)
            ),
            "trees, since 2 of 8 columns are not numbers",
        ),
    ],
)
def test_trees_are_taken_unless_another_can_win(frame: pl.DataFrame, reason: str) -> None:
    assert choose(frame) == Choice("trees", reason)


def test_a_copula_is_taken_where_rows_are_few_and_normal() -> None:
    choice = choose(normal(230, 12))
    assert choice.method == "copula"
    assert choice.reason.startswith("copula, since its rows are told from held-out real rows with")
    assert choice == choose(normal(230, 12))


@pytest.mark.parametrize("n_rows", [10, 50, 60, 199])
def test_a_blend_is_taken_under_200_rows(n_rows: int) -> None:
    assert choose(normal(n_rows, 12)) == Choice("blend", f"blend, since {n_rows} rows are few")


def test_trees_or_the_copula_are_taken_from_200_rows_on() -> None:
    assert choose(normal(200, 4)).reason == "trees, since there are 50 rows for each column"
    assert choose(normal(200, 12)).method in ("trees", "copula")


def test_the_choice_is_remembered_with_its_reason() -> None:
    result = Synthesizer(random_state=0).fit(normal(400, 5))
    assert (result.method, result.method_) == ("auto", "trees")
    assert result.reason_ == "trees, since there are 80 rows for each column"
    assert Synthesizer("copula", random_state=0).fit(normal(40, 4)).reason_ == "copula, as asked"
