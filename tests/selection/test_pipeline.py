"""The line of checks: what is written down of each row, in which order, and what is summed up."""

from __future__ import annotations

from typing import Self

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.llm.prompts.sharing import Cell
from tablewright.schema import Schema
from tablewright.selection.check import Judgement
from tablewright.selection.feature_space import GrowingRows, RealRows
from tablewright.selection.label_prompts import choices_for, instructions, question
from tablewright.selection.model_prior import Evidence, class_posterior, likeness, number_posterior
from tablewright.selection.pipeline import run_checks, split_batches
from tablewright.selection.thresholds import fill_quotas

SCHEMA = Schema.build({"x": "integer", "y": "categorical"}, target="y")
ROWS = pl.DataFrame({"x": [1, 2, 3, 4, 5, 6], "y": [*"ababab"]})


class Above:
    """Lets rows through whose x is above a limit; its score is x."""

    def __init__(self, name: str, limit: int, added: pl.DataFrame | None = None) -> None:
        self.name, self.limit, self.added = name, limit, added
        self.reads_added = False
        self.given: list[list[int]] = []
        self.learned: list[list[int]] = []

    def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Self:
        return self

    def learn(self, rows: pl.DataFrame) -> None:
        self.learned.append(rows["x"].to_list())

    def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
        self.given.append(rows["x"].to_list())
        x = rows["x"].to_numpy().astype(float)
        result = Judgement.of(x > self.limit, f"{self.name} 'of {self.limit}' is 2.5 too low", x)
        return Judgement(result.keep, x, result.reasons, (f"note of {self.name}",), self.added)


def test_a_row_is_judged_by_a_check_only_if_those_before_let_it_pass() -> None:
    first, second = Above("first", 2), Above("second", 4)
    result = run_checks([first, second], ROWS, [np.arange(6)], 0)
    assert first.given == [[1, 2, 3, 4, 5, 6]]
    assert second.given == [[3, 4, 5, 6]]
    assert result.keep.tolist() == [False] * 4 + [True] * 2
    assert result.stage == ["first", "first", "second", "second", "", ""]
    assert result.score.tolist() == [1, 2, 3, 4, 5, 6]
    assert result.counts == [("first", 6, 4), ("second", 4, 2)]
    assert result.notes == ["note of first", "note of second"]
    assert first.learned == second.learned == [[5, 6]]
    assert result.rows()["x"].to_list() == [5, 6]


def test_rows_that_cannot_be_read_reach_no_check_and_are_counted_first() -> None:
    check = Above("first", 3)
    unreadable = ["", "x: 'a' is not integer", "", "", "", "x: '' is missing"]
    result = run_checks([check], ROWS, [np.array([0, 2]), np.array([3, 4])], 0, unreadable)
    assert check.given == [[1, 3], [4, 5]]
    assert result.stage == ["first", "reading", "first", "", "", "reading"]
    assert result.reason[1] == "x: 'a' is not integer"
    assert result.counts == [("reading", 6, 4), ("first", 4, 2)]
    assert np.isnan(result.score[1])


def test_real_rows_that_a_check_takes_over_stand_below_the_kept_ones() -> None:
    added = pl.DataFrame({"y": ["a"], "x": [99]})
    band, reader = Above("band", 2, added), Above("reader", 0)
    reader.reads_added = True
    result = run_checks([band, reader], ROWS, [np.arange(3), np.arange(3, 6)], 0)
    assert reader.given == [[3, 99], [4, 5, 6, 99]]
    assert result.rows()["x"].to_list() == [3, 4, 5, 6, 99, 99]
    assert result.n_kept == 4
    assert result.added.height == 2
    assert reader.learned == [[3, 99], [4, 5, 6, 99]]


def test_a_batch_of_which_nothing_is_kept_teaches_nothing_and_adds_nothing() -> None:
    check = Above("first", 3, pl.DataFrame({"x": [99], "y": ["a"]}))
    result = run_checks([check], ROWS, [np.arange(3), np.arange(3, 6)], 0)
    assert check.learned == [[4, 5, 6, 99]]
    assert result.added.height == 1


def test_a_summary_counts_reasons_that_differ_in_their_values_alone_together() -> None:
    result = run_checks([Above("first", 2), Above("second", 3)], ROWS, [np.arange(6)], 0)
    assert result.summary().rows() == [
        ("first", 6, 4, "2 × first … is … too low"),
        ("second", 4, 3, "1 × second … is … too low"),
    ]
    frame = result.frame()
    assert frame.columns == ["x", "y", "_keep", "_stage", "_reason", "_score"]
    assert frame["_stage"].to_list() == ["first", "first", "second", "", "", ""]


@pytest.mark.parametrize(
    ("trust", "kept"), [("generator", [5, 6]), ("data", [1, 2])]
)  # where the data are trusted, a low cost is the better one
def test_quotas_keep_the_best_by_what_was_measured(trust: str, kept: list[int]) -> None:
    result = run_checks([Above("first", 0)], ROWS, [np.arange(6)], 0)
    object.__setattr__(result, "trust", trust)
    filled = fill_quotas(result, {"a": 1, "b": 1}, SCHEMA)
    assert filled.rows()["x"].to_list() == kept
    assert filled.counts[-1] == ("quotas", 6, 2)
    assert filled.stage.count("quotas") == 4
    assert "there are 1 better rows of class" in filled.reason[2]
    short = fill_quotas(result, {"a": 5}, SCHEMA)
    assert short.n_kept == 6
    assert short.notes[-1] == "quota: 3 rows of class a are left of 5 wanted"
    assert fill_quotas(result, None, SCHEMA) is result


def test_batches_follow_their_numbers_or_their_size() -> None:
    assert [part.tolist() for part in split_batches(5, None, 2)] == [[0, 1], [2, 3], [4]]
    assert [part.tolist() for part in split_batches(3, np.array([5, 1, 5]), 2)] == [[1], [0, 2]]
    assert [part.tolist() for part in split_batches(3, None, None)] == [[0, 1, 2]]


# real rows on their encoder ---------------------------------------------------------


def test_classes_are_those_seen_then_those_declared_and_an_unknown_one_is_last() -> None:
    declared = {"kind": "categorical", "categories": ["c", "b", "a"]}
    schema = Schema.build({"x": "integer", "y": declared}, target="y")
    real = RealRows.fit(pl.DataFrame({"x": [1, 2, 3], "y": ["a", "b", None]}), schema)
    assert (real.seen, real.n_codes, len(real.real)) == (2, 4, 2)
    rows = real.rows(pl.DataFrame({"x": [1, 2, 3, 4], "y": ["b", "c", "z", "a"]}))
    assert set(real.classes) == {"a", "b", "c"}
    assert real.classes[2] == "c"
    assert [real.classes[int(code)] if code < 3 else "?" for code in real.labels(rows)] == [
        "b", "c", "?", "a",
    ]  # fmt: skip
    assert real.unseen(rows).tolist() == [False, True, True, False]


def test_a_check_of_labels_needs_a_target() -> None:
    with pytest.raises(InputError, match="the published one needs a target: name it"):
        RealRows.labelled(ROWS, Schema.build({"x": "integer"}), "the published one")


def test_rows_grow_with_what_is_accepted() -> None:
    check = GrowingRows()
    check.name = "cost band"
    check.fit(ROWS, SCHEMA, np.random.default_rng(0))
    check.learn(ROWS.head(2))
    assert len(check.rows_) == 8
    assert check.rows_.y.tolist() == [*check.real_.y, *check.real_.y[:2]]
    assert len(check.real_) == 6


# beliefs ----------------------------------------------------------------------------


def test_a_question_shows_the_cells_and_asks_in_the_words_of_the_user() -> None:
    cells: dict[str, Cell] = {"age": 41, "pay": 1234.5678, "city": "Ulm\nA", "note": None}
    assert question(cells, "y", ["no", "yes"], "Is it so?").splitlines() == [
        "age: 41", "pay: 1235", "city: Ulm A", "", "Is it so?",
    ]  # fmt: skip
    assert question({}, "y", ["a", "b", "c"]).endswith("Which y?")
    text = instructions("y", ["a", "b", "c"], asked="What is it?")
    assert text.splitlines() == [
        "A: y is a", "B: y is b", "C: y is c", "Answer with one letter.",
    ]  # fmt: skip
    assert choices_for(["a", "b"]) == ("No", "Yes")


def test_without_real_rows_a_belief_is_averaged_over_its_slopes() -> None:
    evidence = Evidence(np.array([-1.0, 0.0, 1.0]), np.zeros((3, 0)), np.ones(3))
    posterior = class_posterior(evidence, np.zeros(0, dtype=bool))
    # slopes 0.5, 1, 1.5 and 2 by their priors; a slope of nothing says nothing
    expected = (0.5 * 0.15 + 1 * 0.08 + 1.5 * 0.05 + 2 * 0.02) / 0.3
    assert posterior.slope == pytest.approx(expected)
    assert posterior.mean == pytest.approx([-expected, 0, expected])
    assert posterior.weight == pytest.approx(1.0)
    numbers = number_posterior(evidence, np.zeros(0))
    assert numbers.mean == pytest.approx(np.array([-1, 0, 1]) * expected * 0.4)


def test_likeness_is_half_linear_and_half_a_bell() -> None:
    real = np.array([[0.0, 2.0], [2.0, 0.0]])
    kernel, own = likeness((real, real), (np.array([[1.0, 1.0]]), np.array([[0.0, 2.0]])))
    # the mean square is 4; squared distances of the real rows are 0 and 8, their median 4
    bell = np.exp(-8 / (2 * 4))
    assert kernel[0] == pytest.approx([(4 / 4 + 1) / 2, (0 + bell) / 2])
    assert kernel[2] == pytest.approx([(2 / 4 + 1) / 2, (2 / 4 + bell) / 2])
    assert own == pytest.approx([1.0, 1.0, (2 / 4 + 1) / 2])
