"""The one-liners, and what the package shows."""

from __future__ import annotations

import importlib
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

import tablewright
from tablewright import Synthesizer, evaluate, generate, profile
from tablewright.errors import InputError
from tests.people import people


def test_every_public_name_is_there_and_documented() -> None:
    assert len(set(tablewright.__all__)) == len(tablewright.__all__) == len(tablewright._HOME)
    for name in tablewright.__all__:
        assert getattr(tablewright, name).__doc__
    assert set(dir(tablewright)) >= set(tablewright.__all__)
    with pytest.raises(AttributeError, match="'nothing'"):
        importlib.import_module("tablewright").nothing  # noqa: B018


def test_generate_is_fit_and_sample() -> None:
    table = people(120)
    result = Synthesizer("trees", target="state", random_state=3).fit(table)
    rows = generate(table, "state", 25, method="trees", where="age > 40", random_state=3)
    assert rows.equals(result.sample(25, where="age > 40"))
    filled = generate(table, "state", method="trees", balance="fill", random_state=3)
    assert filled.equals(result.sample(balance="fill", random_state=3))


def test_generate_gives_the_kind_of_frame_that_came_in(tmp_path: Path) -> None:
    table = people(60)
    table.write_parquet(tmp_path / "people.parquet")
    assert isinstance(generate(table.to_pandas(), n_samples=3, method="independent"), pd.DataFrame)
    rows = generate(tmp_path / "people.parquet", n_samples=3, method="independent")
    assert rows.schema == table.schema


def test_generate_takes_a_schema_and_options() -> None:
    rows = generate(
        people(80), n_samples=9, method="trees", schema={"age": "ordinal"}, options={"max_rows": 50}
    )
    assert set(rows["age"]) <= set(people(80)["age"])


def test_bad_input_is_a_sentence() -> None:
    with pytest.raises(InputError, match="at least two"):
        generate(pl.DataFrame({"a": [1, 2, 3]}))
    with pytest.raises(InputError, match="at least 1, not 0"):
        generate(people(40), n_samples=0)
    with pytest.raises(InputError, match="nowhere"):
        generate(Path("nowhere.csv"))


def test_evaluate_judges_frames_of_any_kind() -> None:
    table = people(240)
    rows = generate(table[:120], "state", 120, method="trees")
    report = evaluate(table[:120], rows, table[120:].to_pandas(), "state", effort="quick")
    assert report.verdict.word in ("helps", "no evidence", "harms")
    assert report.scores


def test_profile_names_the_columns() -> None:
    text = str(profile(people(80), "state"))
    for name in people(1).columns:
        assert name in text
