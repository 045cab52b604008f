"""Selectors keep groups that help, see pairs that help only together, and may keep nothing."""

import itertools
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.selection.arms import Pulls, Reward, draw_set, fitting, greedy, play
from tablewright.selection.selector import STRATEGIES, Selector

SIZES = np.full(6, 10, dtype=np.intp)


def game(
    worth: Sequence[float], pair: tuple[int, int, float] | None = None, noise: float = 0.0
) -> Reward:
    """Make a reward of 200 judging rows: the sum of the arms' worth, and a bonus for a pair."""
    spread = np.random.default_rng(7).normal(0, 1, 200)

    def reward(arms: Sequence[int]) -> np.ndarray:
        gain = sum(worth[arm] for arm in arms)
        if pair is not None and {pair[0], pair[1]} <= set(arms):
            gain += pair[2]
        order = np.random.default_rng([1, *arms])
        return gain + noise * order.normal(size=200) + 0.01 * spread

    return reward


def test_values_are_the_worth_of_each_arm() -> None:
    worth = [0.3, -0.2, 0.0, 0.1, -0.4, 0.2]
    pulls, rng = Pulls(6, game(worth)), np.random.default_rng(0)
    for _ in range(200):
        pulls.pull(draw_set(range(6), rng))
    # The ridge takes off about 1 / (pulls that an arm was in) of each value.
    assert np.allclose(pulls.values().value, worth, atol=0.03)


def test_bandit_keeps_good_arms_and_drops_bad_ones() -> None:
    pulls = Pulls(6, game([0.3, -0.2, -0.1, 0.1, -0.4, 0.2], noise=0.5))
    alive = play(pulls, SIZES, 100, np.random.default_rng(0), n_pulls=200)
    assert set(alive) >= {0, 3, 5}
    assert not set(alive) & {1, 4}


def test_pair_that_helps_only_together_is_seen_by_sets_and_missed_by_greedy() -> None:
    worth = [-0.1, -0.1, 0.02, -0.1, -0.1, -0.1]
    reward = game(worth, pair=(0, 1, 0.6))
    alive = play(Pulls(6, reward), SIZES, 100, np.random.default_rng(0), n_pulls=200)
    assert {0, 1} <= set(alive)
    assert greedy(Pulls(6, reward), SIZES, 100) == [2]


def test_greedy_is_led_away_from_the_best_pair_by_its_first_pick() -> None:
    # Arm 2 alone is best, and fills the budget; arms 0 and 1 together are better.
    worth = [0.2, 0.2, 0.3, -1.0, -1.0, -1.0]
    sizes = np.array([10, 10, 20, 10, 10, 10], dtype=np.intp)
    assert greedy(Pulls(6, game(worth)), sizes, 20) == [2]


def test_no_arm_is_left_where_all_harm() -> None:
    pulls = Pulls(6, game([-0.3] * 6))
    assert play(pulls, SIZES, 100, np.random.default_rng(0)) == []


def test_a_set_is_scored_once() -> None:
    calls: list[Sequence[int]] = []

    def reward(arms: Sequence[int]) -> np.ndarray:
        calls.append(arms)
        return np.zeros(3)

    pulls = Pulls(2, reward)
    pulls.pull([0, 1])
    pulls.pull([1, 0])
    assert calls == [[], [0, 1]]


def test_arms_that_fit_are_those_that_add_up_to_most() -> None:
    values, sizes = np.array([0.2, 0.9, 0.3, 0.15]), np.array([5, 30, 10, 5], dtype=np.intp)
    assert fitting([0, 1, 2, 3], values, sizes, 15) == [2, 0]
    assert fitting([0, 2, 3], np.array([0.2, 0.0, 0.3, 0.15]), sizes, 10) == [0, 3]
    assert fitting([], values, sizes, 15) == []


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(1, 50)), min_size=1, max_size=7),
    st.integers(0, 30),
)
def test_no_other_arms_that_fit_add_up_to_more(arms: list[tuple[int, int]], n_rows: int) -> None:
    sizes = np.array([size for size, _ in arms], dtype=np.intp)
    values = np.array([value for _, value in arms], dtype=float)
    chosen = fitting(range(len(arms)), values, sizes, n_rows)
    sets = itertools.chain.from_iterable(
        itertools.combinations(range(len(arms)), k) for k in range(len(arms) + 1)
    )
    best = max(values[list(one)].sum() for one in sets if sizes[list(one)].sum() <= n_rows)
    assert sizes[chosen].sum() <= n_rows
    assert values[chosen].sum() == best


def table(n_rows: int, seed: int, flip: float = 0.0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=n_rows), rng.normal(size=n_rows)
    yes = (x + 0.5 * z > 0) ^ (rng.random(n_rows) < flip)
    return pl.DataFrame({"x": x, "z": z, "y": np.where(yes, "yes", "no")})


def mixed() -> pl.DataFrame:
    """Candidates of which one half is right and one half has turned labels, in named groups."""
    good = table(100, 1).with_columns(origin=pl.lit("good"))
    bad = table(100, 2, flip=1.0).with_columns(origin=pl.lit("bad"))
    return pl.concat([good, bad])


def test_bandit_finds_the_right_half_of_a_pool() -> None:
    selector = Selector(target="y", groups="origin", n_samples=100, random_state=0)
    kept = selector.fit(table(40, 0), validation=table(200, 9)).select(mixed())
    arms = selector.selection_.arms
    assert kept.columns == ["x", "z", "y"]
    chosen = arms.filter("chosen")["group"].to_list()
    assert chosen
    assert all(name.startswith("good") for name in chosen)


def test_wrong_labels_alone_are_kept_by_no_group() -> None:
    selector = Selector(target="y", n_samples=100, random_state=0).fit(table(80, 0))
    assert selector.select(table(120, 3, flip=1.0)).height == 0


def test_belief_and_honest_estimate_stand_side_by_side() -> None:
    selector = Selector(target="y", groups="origin", random_state=0)
    selector.fit(table(40, 0), validation=table(200, 9)).select(mixed())
    text = str(selector.selection_)
    assert "belief of the gain" in text
    assert "honest estimate of the gain" in text


def test_label_check_keeps_rows_that_the_real_rows_agree_with() -> None:
    selector = Selector("label-check", target="y", n_samples=200, random_state=0)
    selector.fit(table(200, 0)).select(mixed())
    chosen = selector.selection_.chosen
    assert len(chosen) > 80
    assert (chosen < 100).mean() > 0.9


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_more_rows_than_wanted_and_the_same_by_seed(strategy: str) -> None:
    def kept() -> pl.DataFrame:
        selector = Selector(strategy, target="y", n_samples=60, random_state=5)
        return selector.fit(table(60, 0)).select(mixed().drop("origin"))  # type: ignore[no-any-return]

    first = kept()
    assert first.height <= 60
    assert first.equals(kept())


def test_rows_that_equal_a_validation_row_are_never_kept() -> None:
    validation = table(120, 9)
    selector = Selector("none", target="y", n_samples=500, random_state=0)
    kept = selector.fit(table(40, 0), validation=validation).select(
        pl.concat([validation, table(10, 4)])
    )
    assert kept.height == 10


def test_number_is_a_target_too() -> None:
    def numbers(n_rows: int, seed: int, sign: float) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=n_rows)
        return pl.DataFrame({"x": x, "y": sign * x + 0.1 * rng.normal(size=n_rows)})

    selector = Selector(target="y", random_state=0).fit(numbers(60, 0, 1.0))
    assert selector.select(numbers(100, 1, -1.0)).height == 0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"strategy": "best"}, "strategy is one of bandit, greedy, label-check, none"),
        ({"n_samples": 0}, "n_samples is a whole number above 0"),
        ({"target": None}, "name it"),
    ],
)
def test_wrong_option_is_one_sentence(options: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        Selector(**{"target": "y", **options}).fit(table(40, 0))  # type: ignore[arg-type]


def test_unknown_column_of_groups_is_one_sentence() -> None:
    selector = Selector(target="y", groups="orgin", random_state=0).fit(table(40, 0))
    with pytest.raises(InputError, match=r"no column 'orgin'.*'origin'"):
        selector.select(mixed())
