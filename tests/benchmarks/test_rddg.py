"""What RDDG is measured by: planted relations hold, copies are counted, splits go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from benchmarks.rddg.arms import coded, copies, distance, resampled, resume
from benchmarks.rddg.simulators import SIMULATORS
from benchmarks.rddg.tables import TASKS, Task

from tablewright.rules import as_rules, check_rules
from tablewright.tables.inference.infer import infer_schema

ROWS = pl.DataFrame(
    {"x": ["1", "2", "3", None], "w": ["u", "v", "u", "u"], "y": ["a", "a", "a", "b"]}
)
TASK = Task("y", "b", lambda folder, number: (ROWS, ROWS), "the same rows twice")


@pytest.mark.parametrize("name", SIMULATORS)
def test_every_row_of_a_simulator_keeps_what_is_planted_and_few_are_rare(name: str) -> None:
    one = SIMULATORS[name]
    table = one.draw(1000, np.random.default_rng(3))
    report = check_rules(table, as_rules(list(one.relations)), infer_schema(table, {}, None))
    assert all(result.violations == 0 for result in report.results)
    assert 0.04 <= (table[one.target] == one.rare).mean() <= 0.09  # type: ignore[operator]  # a share
    assert table.equals(one.draw(1000, np.random.default_rng(3)))


@pytest.mark.parametrize("name", ["consumer", "health", "real", "social"])
def test_rows_to_train_on_and_to_test_on_are_drawn_apart(name: str) -> None:
    train, test = TASKS[name].split(Path(), 20)
    assert (train.height, test.height) == (1500, 4000)
    assert not train.equals(test.head(1500))
    assert set(train.schema.values()) == {pl.String}


def test_real_rows_are_drawn_again_until_all_classes_are_as_large() -> None:
    made = resampled(ROWS, TASK, 0)
    assert made["y"].to_list() == ["b", "b"]
    assert copies(made, ROWS) == 1.0
    equal = Task("y", "b", TASK.split, "", n_rows=10)
    assert sorted(resampled(ROWS, equal, 0)["y"]) == ["a"] * 5 + ["b"] * 5


def test_a_row_is_a_copy_if_all_of_it_is_missing_cells_too() -> None:
    made = pl.DataFrame({"x": [None, "2"], "w": ["u", "u"], "y": ["b", "a"]})
    assert copies(made, ROWS) == 0.5


def test_codes_are_the_same_in_all_frames() -> None:
    first, second = coded([ROWS.drop("y"), ROWS.drop("y")[::-1]])
    assert np.array_equal(first, second[::-1], equal_nan=True)
    assert first[:, 1].tolist() == [0.0, 1.0, 0.0, 0.0]


def test_the_distance_of_a_class_without_rows_is_not_known() -> None:
    more = pl.concat([ROWS, ROWS])
    assert distance(ROWS, more, TASK, rare=False) == pytest.approx(0.0)
    assert distance(ROWS, more, TASK, rare=True) is None


def test_splits_that_a_file_has_are_not_run_again(tmp_path: Path) -> None:
    ran = []

    def run(split: int) -> Iterator[dict[str, Any]]:
        ran.append(split)
        yield {"split": split, "score": split / 10}

    file = tmp_path / "deep" / "runs.csv"
    resume(file, range(2), run)
    found = resume(file, range(4), run)
    assert ran == [0, 1, 2, 3]
    assert found["score"].to_list() == [0.0, 0.1, 0.2, 0.3]
