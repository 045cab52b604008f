"""Objects of other packages as methods: what they are given, what becomes of their rows."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

from tablewright import Synthesizer
from tablewright.errors import ConditionError, InputError
from tablewright.generators.plugin import Plugin
from tablewright.generators.trees import SequentialTrees
from tablewright.synthesizer.row_rules import RuleWarning
from tablewright.systems.htdbu.system import HTDBU
from tablewright.tables.encoding.codec import Field, Matrix


class Repeats:
    """Gives the rows it saw with replacement."""

    def fit(self, frame: pd.DataFrame) -> None:
        self.frame = frame

    def sample(self, n: int) -> Any:
        return self.frame.sample(n, replace=True, random_state=0)


class Nearby(Repeats):
    """Gives rows near those it saw: nobody else's, and as old or young as before."""

    def sample(self, n: int) -> Any:
        rows = super().sample(n)
        days = np.random.default_rng(n).integers(-30, 30, n)
        return rows.assign(joined=rows["joined"] + pd.to_timedelta(days, unit="D"))


class Wrong(Repeats):
    def sample(self, n: int) -> Any:
        return super().sample(n).assign(city="Atlantis")


def table(n: int = 400) -> pl.DataFrame:
    random = np.random.default_rng(0)
    age = random.integers(18, 80, n)
    return pl.DataFrame(
        {
            "age": age,
            "city": random.choice(["Oslo", "Bergen"], n),
            "joined": pl.Series(np.datetime64("2020-01-01") + random.integers(0, 900, n)),
            "y": np.where(age > 50, "old", "young"),
        }
    )


def fitted(method: Any = None, **options: Any) -> Synthesizer:
    result = Synthesizer(method or Repeats(), target="y", random_state=0, **options)
    return result.fit(table())


def test_the_object_gets_the_values_of_the_user_and_its_rows_come_back() -> None:
    model = Repeats()
    result = fitted(model)
    assert not hasattr(model, "frame"), "a copy is fitted"
    rows = result.sample(50)
    assert rows.schema == table().schema
    assert rows.join(table(), on=rows.columns, how="anti").height == 0
    assert (result.method_, result.reason_) == ("Repeats", "Repeats, as asked")


def test_conditions_balance_and_rules_work_on_top() -> None:
    result = fitted()
    assert (result.sample(300, where="age > 70")["age"] > 70).all()
    assert result.sample(100, balance="equal")["y"].value_counts()["count"].to_list() == [50, 50]
    rules = [{"expression": "age >= 30", "intervention": True}]
    with pytest.warns(RuleWarning):
        assert (result.sample(100, rules=rules)["age"] >= 30).all()
    with pytest.raises(ConditionError, match="no row can meet 'age > 200'"):
        result.sample(5, where="age > 200")


def test_given_codes_bring_rows_that_have_them() -> None:
    seeds = pl.DataFrame({"y": ["old"] * 40 + ["young"] * 40})
    rows = fitted().sample(seed_data=seeds)
    assert ((rows["age"] > 50) == (rows["y"] == "old")).all()


def test_empty_cells_are_filled_from_whole_rows() -> None:
    nothing = pl.lit(None, pl.Int64)
    gaps = table(40).with_columns(age=nothing, city=pl.lit("Oslo"))
    filled = fitted().impute(gaps)
    assert filled["age"].null_count() == 0
    assert ((filled["age"] > 50) == (filled["y"] == "old")).mean() > 0.9
    assert filled["city"].unique().to_list() == ["Oslo"]


def test_mostly_incomplete_rows_are_enough_for_complete_ones() -> None:
    values = np.full((100, 2), np.nan)
    values[:, 0] = np.arange(100.0)
    values[:3, 1] = 1.0
    matrix = Matrix(values, (Field("a"), Field("b")))
    result = Plugin(Repeats()).fit(matrix, np.random.default_rng(0))
    rows = result.sample(5000, np.random.default_rng(1), complete=True)
    assert rows.shape == (5000, 2)
    assert not np.isnan(rows).any()


def test_a_class_of_a_generator_is_taken_with_its_options() -> None:
    result = fitted(SequentialTrees, options={"min_samples_leaf": 30})
    named = Synthesizer("trees", target="y", random_state=0, options={"min_samples_leaf": 30})
    assert result.sample(20).equals(named.fit(table()).sample(20))
    assert isinstance(clone(result).method, type)


def test_the_object_is_a_texture_below_rules() -> None:
    forbid = {"kind": "forbid", "all": ["y = 'old'", "city = 'Oslo'"], "intervention": True}
    result = HTDBU("y", texture=Nearby(), rules=[forbid], random_state=0).fit(table())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuleWarning)
        rows = result.sample(200)
    assert rows.height == 200
    assert rows.filter((pl.col("y") == "old") & (pl.col("city") == "Oslo")).height == 0
    assert ((rows["age"] > 50) == (rows["y"] == "old")).all()


@pytest.mark.parametrize(
    ("method", "options", "said"),
    [
        (Repeats(), {"n": 3}, "options go with the name or the class"),
        (object(), None, "object has no fit"),
        (Wrong(), None, r"the rows of Wrong do not fit the table: column 'city', row 0"),
    ],
)
def test_what_cannot_be_used_is_said(method: Any, options: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        fitted(method, options=options).sample(5)


def test_a_model_of_an_object_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Repeats was given as an object"):
        fitted().save(tmp_path / "model.tw")
