"""Questions of trees are answered, cut and written as rules that keep the same rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tablewright.schema import Schema
from tablewright.systems.date.questions import Predicate, Questions, grow, shortest_between

SCHEMA = Schema.build(
    {"age": "integer", "city": "categorical", "smokes": "boolean", "y": "categorical"}, target="y"
)
FRAME = pl.DataFrame(
    {"age": [10, 20, None, 40], "city": ["Ulm", "Bonn", "Köln", None],
     "smokes": [True, False, None, True], "y": ["a", "b", "a", "b"]}
)  # fmt: skip


def asked(*columns: str, frame: pl.DataFrame = FRAME) -> Questions:
    return Questions(frame, SCHEMA, columns)


def test_a_number_is_asked_as_it_is_and_where_it_is_empty_as_the_median() -> None:
    assert asked("age").matrix.tolist() == [[10, 0], [20, 0], [20, 1], [40, 0]]


def test_categories_are_asked_one_by_one_and_of_two_values_one() -> None:
    assert asked("city").matrix.tolist() == [
        # Bonn, Köln, Ulm, empty
        [0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1],
    ]  # fmt: skip
    assert asked("smokes").matrix.tolist() == [[0, 0], [1, 0], [0, 1], [0, 0]]


def test_the_thirty_most_frequent_categories_are_asked_about() -> None:
    values = [f"c{k}" for k in range(40)] + [f"c{k}" for k in range(5, 35)]
    frame = pl.DataFrame({"city": values})
    questions = Questions(frame, SCHEMA, ["city"])
    assert {one.value for one in questions.questions} == {f"c{k}" for k in range(5, 35)}


def test_a_table_without_a_question_has_one_column_of_zeros() -> None:
    assert asked().matrix.tolist() == [[0.0]] * 4


def test_other_rows_are_answered_by_the_questions_of_the_first() -> None:
    other = pl.DataFrame({"age": [None, 7], "city": ["Rom", "Ulm"]})
    answers = asked("age", "city").answers(other)
    assert answers.tolist() == [[20, 1, 0, 0, 0, 0], [7, 0, 0, 0, 1, 0]]


@pytest.mark.parametrize(
    ("columns", "predicates", "text"),
    [
        (["age"], [(0, 15.0, True)], "(age > 15 OR age IS NULL)"),  # the median is 20
        (["age"], [(0, 15.0, False)], "age <= 15"),
        (["age"], [(0, 30.5, True)], "age > 30.5"),
        (["age"], [(0, 30.5, False)], "(age <= 30.5 OR age IS NULL)"),
        (["age"], [(1, 0.5, True)], "age IS NULL"),
        (["age"], [(1, 0.5, False)], "age IS NOT NULL"),
        (["age"], [(0, 30.5, True), (0, 35.0, True)], "age > 35"),
        (["age"], [(0, 15.0, False), (0, 12.0, False)], "age <= 12"),
        (["city"], [(2, 0.5, True)], "city = 'Ulm'"),
        (["city"], [(2, 0.5, False)], "(city <> 'Ulm' OR city IS NULL)"),
        (["city"], [(2, 0.5, True), (0, 0.5, False)], "city = 'Ulm'"),
        (["city"], [(2, 0.5, True), (3, 0.5, False)], "city = 'Ulm'"),  # 3: is it empty
        (
            ["city"],
            [(2, 0.5, False), (0, 0.5, False)],
            "(city NOT IN ('Bonn', 'Ulm') OR city IS NULL)",
        ),
        (["smokes"], [(0, 0.5, True)], "smokes = FALSE"),
        (["city", "age"], [(4, 30.5, True), (0, 0.5, True)], "city = 'Bonn' AND age > 30.5"),
        (["age"], [], ""),
    ],
)
def test_predicates_are_written_as_one_condition(
    columns: list[str], predicates: list[tuple[int, float, bool]], text: str
) -> None:
    assert asked(*columns).text([Predicate(*one) for one in predicates]) == text


def test_a_column_without_an_empty_cell_is_not_asked_for_one() -> None:
    frame = pl.DataFrame({"city": ["Ulm", "Bonn", "Köln"]})
    questions = Questions(frame, SCHEMA, ["city"])
    assert questions.text([Predicate(0, 0.5, False)]) == "city <> 'Bonn'"


def test_a_median_on_the_threshold_counts_as_below() -> None:
    questions = asked("age")
    assert questions.text([Predicate(0, 20.0, False)]) == "(age <= 20 OR age IS NULL)"
    assert questions.text([Predicate(0, 20.0, True)]) == "age > 20"


def test_predicates_hold_together_and_exclude_the_threshold() -> None:
    questions = asked("age")
    assert questions.holds([Predicate(0, 20.0, True)]).tolist() == [False, False, False, True]
    both = [Predicate(0, 10.0, True), Predicate(1, 0.5, False)]
    assert questions.holds(both).tolist() == [False, True, False, True]
    assert questions.holds([]).all()


@pytest.mark.parametrize(
    ("threshold", "cut"),
    [(12.0, 15.0), (20.0, 30.0), (39.9, 30.0), (40.0, 40.0), (5.0, 5.0), (99.0, 99.0)],
)
def test_a_threshold_is_moved_to_a_short_number_between_the_same_values(
    threshold: float, cut: float
) -> None:
    assert asked("age").split(0, threshold) == cut


def test_yes_or_no_is_cut_in_the_middle() -> None:
    assert asked("city").split(0, 0.3) == 0.5


@pytest.mark.parametrize(
    ("low", "high", "number"),
    [
        (0.0, 10.0, 5.0), (1234.0, 5678.0, 5000.0), (0.31, 0.32, 0.315), (-3.0, -2.0, -2.5),
        (0.1, 0.1 + 1e-13, 0.1),
    ],
)  # fmt: skip
def test_the_shortest_number_between_two_is_found(low: float, high: float, number: float) -> None:
    assert shortest_between(low, high) == number


def test_paths_of_a_tree_hold_for_the_rows_of_their_leaves() -> None:
    rng = np.random.default_rng(0)
    x, z = rng.uniform(0, 9, 80), rng.uniform(0, 9, 80)
    schema = Schema.build({"x": "continuous", "z": "continuous"})
    questions = Questions(pl.DataFrame({"x": x, "z": z}), schema, ["x", "z"])
    y = ((x > 4) + 2 * (z > 2)).astype(float)
    tree = grow(questions.matrix, y, True, max_leaf_nodes=5, random_state=0)
    leaves = tree.apply(questions.matrix)
    paths = questions.paths(tree.tree_)
    assert set(paths) == set(leaves.tolist())
    for leaf, path in paths.items():
        assert questions.holds(path).tolist() == (leaves == leaf).tolist()


def test_a_tree_without_a_split_has_one_empty_path() -> None:
    tree = grow(np.zeros((3, 1)), np.zeros(3), True)
    assert asked("age").paths(tree.tree_) == {0: ()}


@pytest.mark.parametrize(
    ("classes", "kind"), [(True, DecisionTreeClassifier), (False, DecisionTreeRegressor)]
)
def test_a_tree_is_grown_for_the_kind_of_target(classes: bool, kind: Any) -> None:
    tree = grow(np.arange(8.0)[:, None], np.arange(8.0), classes, max_depth=1)
    assert isinstance(tree, kind)
    assert tree.get_depth() == 1
