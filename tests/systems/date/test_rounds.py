"""What each part is asked for, what is remembered, and how a tree reads the answers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tablewright.rules.expressions import parse
from tablewright.schema import Schema
from tablewright.systems import SampleRequest
from tablewright.systems.date.partition import Part, Parts
from tablewright.systems.date.questions import grow
from tablewright.systems.date.reading import Group, PartReader
from tablewright.systems.date.rounds import Rounds, Seen, condition_of, readable, split

SCHEMA = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
NUMBERS = Schema.build({"x": "continuous", "y": "continuous"}, target="y")
PARTS = Parts((Part("low", ("x <= 0",), 0), Part("high", ("x > 0", "x IS NULL"), 0),
               Part("none", (), 0)))  # fmt: skip


def table(low: dict[str, int], high: dict[str, int]) -> pl.DataFrame:
    """Rows of each label, below and above 0."""
    labels = [label for part in (low, high) for label, n in part.items() for _ in range(n)]
    n_low = sum(low.values())
    x = [-1 - 0.01 * k if k < n_low else 1 + 0.01 * k for k in range(len(labels))]
    return pl.DataFrame({"x": x, "y": labels})


TABLE = table({"a": 30, "b": 10}, {"a": 4, "b": 16})


def rounds(frame: pl.DataFrame = TABLE, schema: Schema = SCHEMA, **options: Any) -> Rounds:
    return Rounds(PARTS, frame, schema, 0, **{"tokens": 1500, "balance": 0.5, **options})


def seen(gain: float, path: str = "x <= -1", **changes: Any) -> Seen:
    given = {"turn": 1, "group": Group(path, frozenset({"x"}), np.arange(3), "a", 0, gain, 0.1, "")}
    return Seen(**{**given, **changes})


# asking --------------------------------------------------------------------------------------


def test_a_part_without_real_rows_is_closed() -> None:
    assert rounds().open == [0, 1]


def test_half_of_the_rows_go_by_size_and_half_to_each_part_alike() -> None:
    # 40 and 20 real rows: 60 * (2/3 / 2 + 1/4) and 60 * (1/3 / 2 + 1/4).
    assert [ask.n_rows for ask in rounds().asks(SampleRequest(60), [0, 1])] == [35, 25]


def test_few_rows_ask_one_part_after_the_other() -> None:
    made = rounds()
    # Of 7 rows a turn 4.1 and 2.9 are due: whoever has had least of them comes next.
    asked = [made.asks(SampleRequest(7), [0, 1], 4) for _ in range(5)]
    assert [[(ask.part, ask.n_rows) for ask in turn] for turn in asked] == [
        [(0, 7)], [(1, 7)], [(0, 7)], [(1, 7)], [(0, 7)]
    ]  # fmt: skip
    assert [ask.n_rows for ask in rounds().asks(SampleRequest(8), [0, 1], 4)] == [5, 3]


def test_labels_are_drawn_half_way_to_equal_shares() -> None:
    low, high = rounds().asks(SampleRequest(60), [0, 1])
    # Low: 3/4 and 1/4 become 5/8 and 3/8 of 35; high: 1/5 and 4/5 become 0.35 and 0.65 of 25.
    assert low.labels == {"a": 22, "b": 13}
    assert high.labels == {"a": 9, "b": 16}


@pytest.mark.parametrize(
    ("balance", "labels"), [(0.0, {"a": 15, "b": 5}), (1.0, {"a": 10, "b": 10})]
)
def test_balance_says_how_far(balance: float, labels: dict[str, int]) -> None:
    made = rounds()
    made.balance[0] = balance
    assert made._labels(0, 20) == labels


def test_labels_that_may_not_be_are_not_asked_for() -> None:
    made = rounds()
    made.allowed = parse("y = 'b'", SCHEMA).domain("y")
    assert made._labels(0, 20) == {"b": 20}
    made.allowed = parse("y = 'c'", SCHEMA).domain("y")
    assert made._labels(0, 20) == {}


def test_numbers_have_no_labels_to_ask_for() -> None:
    frame = pl.DataFrame({"x": [-1.0, -2.0, 1.0], "y": [1.0, 2.0, 3.0]})
    asks = rounds(frame, NUMBERS).asks(SampleRequest(10, None), [0, 1])
    assert [ask.labels for ask in asks] == [{}, {}]


def test_classes_by_number_go_to_the_parts_that_have_them() -> None:
    low, high = rounds().asks(SampleRequest(30, {"a": 10, "b": 20}), [0, 1])
    # Of a 30.1 to 4.1, of b 10.1 to 16.1.
    assert low.labels == {"a": 9, "b": 8}
    assert high.labels == {"a": 1, "b": 12}
    assert (low.n_rows, high.n_rows) == (17, 13)


def test_a_part_with_nothing_to_write_is_not_asked() -> None:
    asks = rounds().asks(SampleRequest(1, {"a": 1}), [0, 1])
    assert [(ask.part, ask.labels) for ask in asks] == [(0, {"a": 1})]


def test_half_of_a_parts_rows_follow_the_two_best_paths_by_their_gains() -> None:
    made = rounds()
    made.history[0] = [seen(0.2, "x <= -1"), seen(0.6, "x <= -2"), seen(0.15, "x <= -3"),
                       seen(0.05, "x <= -4"), seen(-0.9, "x <= -5"), seen(0.9, "")]  # fmt: skip
    (low,) = made.asks(SampleRequest(40), [0])
    assert low.guidance.quotas == {"x <= -2": 15, "x <= -1": 5, "": 20}
    assert low.guidance.parameters == {"balance": 0.5}


def test_a_gain_within_its_error_is_not_followed() -> None:
    made = rounds()
    made.history[0] = [seen(0.09)]
    assert made.asks(SampleRequest(40), [0])[0].guidance.quotas == {"": 40}


def test_what_changed_most_in_the_latest_round_is_remembered_first() -> None:
    made = rounds(tokens=None)
    made.history[0] = [seen(0.1), seen(-0.5), seen(0.2, turn=2), seen(-0.3, turn=2)]
    order = [(one.turn, one.group.gain) for one in made._remembered(0)]
    assert order == [(2, -0.3), (2, 0.2), (1, -0.5), (1, 0.1)]
    made.forget()
    assert made._remembered(0) == []
    assert len(made.summary()) == 4


def test_words_of_a_group_leave_its_label_out_where_it_may_not_leave() -> None:
    group = replace(seen(-0.25).group, n_other=2, change="a new question 2: x > 3")
    told = Seen(1, group).words()
    assert told == (
        "rows where x <= -1: 3 rows lowered the score by 0.250; a tree of the real rows predicts a "
        "there; 2 of them had another label; a new question 2: x > 3"
    )
    assert Seen(1, group).words(with_label=False) == (
        "rows where x <= -1: 3 rows lowered the score by 0.250"
    )
    free = Seen(1, replace(group, path="", label=None, n_other=0, change="", gain=0.1), True)
    assert free.words() == "new rule anything: 3 rows raised the score by 0.100"
    alone = Seen(1, replace(free.group, rows=np.arange(1)), True)
    assert alone.words() == "new rule anything: 1 row raised the score by 0.100"


# learning ------------------------------------------------------------------------------------


def test_groups_are_named_by_part_and_path_and_rows_of_no_open_part_are_not() -> None:
    frame = table({"a": 20, "b": 20}, {"a": 30})
    made = rounds(frame)
    new = pl.DataFrame({"x": [-1.1, -1.3, 2.0], "y": ["a", "b", "a"]})
    names = made.learn(new, ["", "", ""])
    assert names[0].startswith("low: x > ")
    assert names[1].startswith("low: x <= ")
    assert names[2] == "high"
    assert [len(made.history[part]) for part in made.open] == [2, 1]
    assert {line["part"] for line in made.summary()} == {"low", "high"}


@pytest.mark.parametrize(
    ("rare", "other", "start", "balance"),
    [(0.2, 0.1, 0.5, 0.75), (0.1, 0.2, 0.5, 0.25), (0.2, 0.1, 0.9, 1.0), (0.1, 0.2, 0.1, 0.0)],
)
def test_balance_follows_the_labels_that_gained(
    rare: float, other: float, start: float, balance: float
) -> None:
    made = rounds()
    made.balance[0] = start
    groups = [replace(seen(rare).group, label="b"), replace(seen(other).group, label="a")]
    made._move_balance(0, groups)
    assert made.balance[0] == balance


def test_balance_stays_where_one_label_alone_came() -> None:
    made = rounds()
    made._move_balance(0, [replace(seen(0.5).group, label="b")])
    made._move_balance(0, [])
    assert made.balance[0] == 0.5


def test_a_round_is_as_the_first_after_all_is_forgotten() -> None:
    made = rounds()
    made.history[0], made.balance[0] = [seen(0.5)], 1.0
    made.forget()
    (low,) = made.asks(SampleRequest(40), [0])
    assert (low.history, low.guidance.quotas) == ((), {"": 40})
    assert low.guidance.parameters == {"balance": 0.5}


@pytest.mark.parametrize("rule", ["x<=0", "TRUE", "x is small"])
def test_the_rule_of_the_part_and_what_is_none_are_not_new(rule: str) -> None:
    made = rounds()
    made.asks(SampleRequest(4), [0])
    made.learn(pl.DataFrame({"x": [-2.0], "y": ["a"]}), [rule])
    assert not any(line["invented"] for line in made.summary())


def test_the_gain_of_a_new_rule_is_the_mean_over_its_rows() -> None:
    made = rounds(table({"a": 20, "b": 20}, {"a": 9}))
    new = pl.DataFrame({"x": [-1.1, -1.11, -1.3], "y": ["a", "a", "b"]})
    (one,) = made._invented(made.readers[0], PARTS.parts[0], new, ["x < -1"] * 3)
    groups = made.readers[0].read(new)
    assert len(groups) == 2
    mean = sum(group.gain * len(group.rows) for group in groups) / 3
    assert one.group.gain == pytest.approx(mean)
    assert (one.invented, one.group.label, one.group.n_other) == (True, None, 0)


@pytest.mark.parametrize(
    ("rules", "text"),
    [((), ""), (("x > 1",), "x > 1"), (("x > 1", "x < 0"), "(x > 1) OR (x < 0)")],
)
def test_rules_of_a_part_are_one_condition(rules: tuple[str, ...], text: str) -> None:
    assert condition_of(Part("p", rules, 0)) == text


@pytest.mark.parametrize("text", ["x >", "z > 1", "x > 1 AND " * 200, "DROP TABLE t"])
def test_what_is_no_condition_is_not_read(text: str) -> None:
    assert readable(text, SCHEMA) is None


@pytest.mark.parametrize(
    ("n", "shares", "counts"),
    [(0, [1.0], [0]), (3, [0.5, 0.5], [2, 1]), (10, [0.26, 0.37, 0.37], [2, 4, 4])],
)
def test_rows_are_split_by_shares(n: int, shares: list[float], counts: list[int]) -> None:
    assert split(n, np.array(shares)) == counts


# reading -------------------------------------------------------------------------------------


def reader(y: Any, schema: Schema = SCHEMA) -> PartReader:
    x = np.linspace(0, 10, len(y)).round(2)
    return PartReader(pl.DataFrame({"x": x, "y": y}), schema, seed=0)


LABELS = ["a"] * 30 + ["b"] * 30


def test_the_gain_is_that_of_log_losses_of_trees_by_folds() -> None:
    made = reader(LABELS)
    new, labels = np.array([[5.2], [5.4], [5.6], [5.8]]), np.zeros(4)
    matrix, y = made.questions.matrix, made.y
    differences = np.zeros((3, 60))
    for repeat, folds in enumerate(made.folds):
        for fold in range(3):
            known, judged = folds != fold, folds == fold
            for sign, extra in ((1, 4), (-1, 0)):
                tree = grow(
                    np.vstack([matrix[known], new[:extra]]),
                    np.concatenate([y[known], labels[:extra]]),
                    True, max_leaf_nodes=8, min_samples_leaf=3, random_state=0,
                )  # fmt: skip
                own = tree.predict_proba(matrix[judged])[range(judged.sum()), y[judged].astype(int)]
                differences[repeat, judged] += sign * np.log(np.clip(own, 0.01, 1))
    by_row = differences.mean(axis=0)
    assert made.gain(new, labels) == pytest.approx((by_row.mean(), stats.sem(by_row)))


def test_no_row_adds_nothing() -> None:
    assert reader(LABELS).gain(np.zeros((0, 1)), np.zeros(0)) == (0, 0)


def test_rows_without_a_label_are_in_no_group() -> None:
    new = pl.DataFrame({"x": [1.0, 2.0, 9.0], "y": [None, "a", "b"]})
    groups = reader(LABELS).read(new)
    assert sorted(row for group in groups for row in group.rows.tolist()) == [1, 2]
    assert reader(LABELS).read(new[:1]) == []


def test_groups_come_by_their_gain_and_name_their_columns() -> None:
    new = pl.DataFrame({"x": [1.0] * 20 + [9.0] * 20, "y": ["b"] * 20 + ["b"] * 20})
    first, last = reader(LABELS).read(new)
    assert first.gain > last.gain
    assert (first.n_other, last.n_other) == (0, 20)
    assert first.columns == last.columns == {"x"}


def test_numbers_are_other_ones_where_they_are_a_spread_away() -> None:
    y = [0.0] * 30 + [10.0] * 30  # standard deviation 5
    new = pl.DataFrame({"x": [1.0, 1.0, 1.0], "y": [4.9, 5.1, -5.1]})
    (group,) = reader(y, NUMBERS).read(new)
    assert (group.label, group.n_other) == (0.0, 2)


@pytest.mark.parametrize(
    ("y", "new", "told"),
    [
        # 100 rows of another label make a new question of a leaf, and of an only leaf.
        (["a"] * 60, ([1.0] * 100, "b"), "a new question 1: x > "),
        # So many rows of one label that no question helps any more.
        (["a"] * 57 + ["b"] * 3, ([9.9] * 4000, "a"), "question 1 was x > "),
    ],
)
def test_the_first_thing_that_a_tree_does_otherwise_is_told(
    y: list[str], new: tuple[list[float], str], told: str
) -> None:
    made = reader(y)
    if y[-1] == "a":
        made.labels = ["a", "b"]
    rows = pl.DataFrame({"x": new[0], "y": [new[1]] * len(new[0])})
    (group,) = made.read(rows)
    assert group.change.startswith(told)


def test_an_answer_that_changes_below_the_same_questions_is_told() -> None:
    # Far out, where the first question is the same, 35 wrong rows turn the label of the leaf.
    made = reader(LABELS)
    rows = pl.DataFrame({"x": [0.0] * 400 + [10.0] * 400, "y": ["b"] * 400 + ["a"] * 400})
    assert {group.change for group in made.read(rows[:0])} == set()
    other = grow(made.questions.matrix, 1 - made.y, True, max_leaf_nodes=8, min_samples_leaf=3,
                 random_state=0)  # fmt: skip
    assert made._divergence(other, np.array([1.0])) == (
        "the same questions, but the answer changes from a to b"
    )


@pytest.mark.parametrize(("shift", "alike"), [(0.19, True), (0.21, False)])
def test_thresholds_within_a_fiftieth_of_the_range_are_the_same(shift: float, alike: bool) -> None:
    made = reader(LABELS)
    moved = PartReader(
        pl.DataFrame({"x": np.linspace(0, 10, 60).round(2) + shift, "y": LABELS}), SCHEMA, seed=0
    )
    assert (made._divergence(moved.tree, np.array([1.0])) == "") == alike
