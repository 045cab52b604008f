"""The paper's selectors choose as its programs and its appendix say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from tablewright.metrics.learners import Design
from tablewright.schema import Schema
from tablewright.systems.date.published import (
    Judge,
    chosen_as_published,
    part_weights,
    published_choice,
    pulls_by_phase,
)


def design(x: Sequence[float], y: Sequence[float]) -> Design:
    column = np.array(x, dtype=float)[:, None]
    return Design(column, column, np.array([False]), np.array(y, dtype=float))


class Game(Judge):
    """Scores sets by what each arm is worth, and a bonus for a pair; `asked` are the sets."""

    def __init__(
        self, worth: Sequence[float], sizes: Sequence[int] | None = None,
        pair: tuple[set[int], float] = (set(), 0.0),
    ) -> None:  # fmt: skip
        self.worth, self.pair, self.seed = worth, pair, 0
        self.sizes = np.array(sizes or [10] * len(worth), dtype=np.intp)
        self.validation = design([0.0, 1.0], [0, 1])
        self.asked: list[tuple[int, ...]] = []

    def rewards(self, arms: Sequence[int], rng: Any = None) -> NDArray[np.float64]:
        self.asked.append(tuple(arms))
        value = 0.5 + sum(self.worth[arm] for arm in arms)
        if self.pair[0] and self.pair[0] <= set(arms):
            value += self.pair[1]
        return np.full(2, value)


# the judge -----------------------------------------------------------------------------------


def judge(**changes: Any) -> Judge:
    parts = {
        "train": design([0, 1, 8, 9], [0, 0, 1, 1]),
        "validation": design([0, 2, 3, 4, 9], [0, 0, 1, 1, 1]),
        "pool": design([3, 4, 3.5, 2], [1, 1, 1, 0]),
        "arm_of": np.array([0, 0, 1, 2]),
        "classes": True,
        "seed": 0,
    }
    return Judge(**{**parts, **changes})


def test_a_judge_counts_the_validation_rows_that_a_tree_predicts() -> None:
    # The tree of the real rows cuts at 4.5, so that 3 and 4 are missed; group 0 moves the cut to 2.
    asked = judge()
    assert asked.rewards([]).tolist() == [1, 1, 0, 0, 1]
    assert asked.score([]) == pytest.approx(0.6)
    assert asked.score([0]) == 1.0
    assert asked.sizes.tolist() == [2, 1, 1]
    # Group 1 moves the cut to 2.25, and group 2 to 5.
    assert asked.gains() == pytest.approx([0.4, 0.4, 0.0])


def test_a_judge_of_numbers_scores_one_less_the_share_of_the_variance() -> None:
    validation = design([0, 9], [1.0, 5.0])
    asked = judge(train=design([0, 9], [0.0, 6.0]), validation=validation, classes=False,
                  pool=design([], []), arm_of=np.zeros(0, dtype=int))  # fmt: skip
    assert asked.rewards([]) == pytest.approx([1 - 1 / 4, 1 - 1 / 4])


def test_a_candidate_without_a_label_teaches_nothing() -> None:
    pool = design([3, 4], [np.nan, np.nan])
    assert judge(pool=pool, arm_of=np.array([0, 0])).gains().tolist() == [0]


def test_real_rows_are_drawn_anew_where_a_generator_is_given() -> None:
    asked = judge()
    drawn = {tuple(asked.rewards([], np.random.default_rng(seed))) for seed in range(20)}
    assert len(drawn) > 1


# the programs --------------------------------------------------------------------------------


def test_forward_and_backward_take_what_raises_the_score_in_their_order() -> None:
    # 0 and 1 together are worth less than either alone.
    game = Game([0.1, 0.1, 0.0, 0.1], pair=({0, 1}, -0.3))
    assert published_choice("forward", game, 100) == [0, 3]
    assert published_choice("backward", Game([0.1, 0.1, 0.0, 0.1], pair=({0, 1}, -0.3)), 100) == [
        3, 1,
    ]  # fmt: skip


def test_top_k_tries_five_groups_the_best_alone_first() -> None:
    game = Game([0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07])
    assert published_choice("top-k", game, 100) == [6, 5, 4, 3, 2]


@pytest.mark.parametrize("how", ["forward", "backward", "top-k", "ucb", "successive rejects"])
def test_no_more_rows_are_taken_than_wanted(how: Any) -> None:
    game = Game([0.1, 0.2, 0.3, 0.1], sizes=[10, 15, 20, 5])
    taken = published_choice(how, game, 25)
    assert 0 < game.sizes[taken].sum() <= 25


@pytest.mark.parametrize("how", ["forward", "backward", "top-k", "ucb", "successive rejects"])
def test_nothing_that_harms_is_taken(how: Any) -> None:
    assert published_choice(how, Game([-0.1, -0.2, 0.0]), 100) == []


def test_ucb_accepts_each_rise_and_tries_the_others_again_after_it() -> None:
    # Group 2 helps once 0 and 1 are in; it is refused first, and tried again after each rise.
    game = Game([0.2, 0.1, -0.05], pair=({0, 1, 2}, 0.3))
    assert sorted(published_choice("ucb", game, 100)) == [0, 1, 2]


def test_ucb_asks_the_best_alone_first_and_stops_where_all_were_tried() -> None:
    game = Game([-0.3, -0.1, -0.2])
    published_choice("ucb", game, 100)
    # The base and the groups alone, and each once more, the best first.
    assert game.asked == [(), (), (0,), (1,), (2,), (1,), (2,), (0,)]


# the appendix --------------------------------------------------------------------------------


def test_phases_are_those_of_successive_rejects() -> None:
    # log-bar(4) = 1/2 + 1/2 + 1/3 + 1/4 = 19/12; (40 - 4) / (19/12) = 22.7, over 4, 3 and 2.
    assert pulls_by_phase(4, 40) == [6, 8, 12]
    assert pulls_by_phase(1, 40) == []


@pytest.mark.parametrize("n_arms", [2, 5, 20])
def test_phases_need_no_more_pulls_than_there_are(n_arms: int) -> None:
    phases = pulls_by_phase(n_arms, 200)
    # The arm that leaves in phase k has been pulled n_k times, the last one as the one before it.
    assert sum(phases) + phases[-1] <= 200


def test_the_groups_that_stay_longest_and_gain_are_taken() -> None:
    game = Game([0.1, 0.3, -0.1, 0.2], sizes=[10, 10, 10, 10])
    assert published_choice("successive rejects", game, 20) == [1, 3]
    n_pulls = [game.asked.count((arm,)) for arm in range(4)]
    assert n_pulls[2] == min(n_pulls)
    assert n_pulls[1] == n_pulls[3] == max(n_pulls)


def test_one_group_alone_is_pulled_and_taken_where_it_gains() -> None:
    assert published_choice("successive rejects", Game([0.1]), 20) == [0]


def test_a_part_counts_by_the_cosine_between_it_and_the_whole() -> None:
    # Scaled means: (1, 0), (0, 1) and, of all four rows, (3/4, 1/4); cosines 3 and 1 by sqrt(10).
    matrix = np.array([[5.0, 1], [5, 1], [5, 1], [0, 3]])
    weights = part_weights(matrix, np.array([0, 0, 0, 1]))
    assert weights == pytest.approx([3 / 10**0.5, 1 / 10**0.5])


def test_a_gain_in_the_part_that_is_most_like_the_whole_counts_most() -> None:
    class TwoParts(Game):
        """Arm 0 helps the part of the first row, arm 1 as much that of the second."""

        def rewards(self, arms: Sequence[int], rng: Any = None) -> NDArray[np.float64]:
            return np.array([0 in arms, 0 in arms, 0 in arms, 1 in arms], dtype=float)

    game = TwoParts([0, 0])
    game.validation = design([1, 1, 1, 0], [0, 0, 0, 1])
    assert published_choice("successive rejects", game, 10, np.array([0, 0, 0, 1])) == [0]
    game.validation = design([0, 0, 0, 1], [0, 0, 0, 1])
    assert published_choice("successive rejects", game, 10, np.array([0, 0, 0, 1])) == [1]


# on a table ----------------------------------------------------------------------------------


def test_rows_of_a_group_that_raises_no_accuracy_are_left() -> None:
    rng = np.random.default_rng(0)
    kinds = {"x": "continuous", "z": "continuous", "y": "categorical"}

    def rows(n: int, right: bool) -> pl.DataFrame:
        x, z = rng.uniform(0, 10, (2, n))
        return pl.DataFrame({"x": x, "z": z, "y": np.where((x + z > 10) == right, "b", "a")})

    candidates = pl.concat([rows(40, False), rows(60, True)])
    groups = ["bad"] * 40 + ["good"] * 60
    schema = Schema.build(kinds, target="y")
    taken = chosen_as_published(rows(80, True), candidates, groups, schema, 0, 100)
    assert taken == list(range(40, 100))
