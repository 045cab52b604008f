"""Selectors keep groups that help, see pairs that help only together, and may keep nothing."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from tablewright.errors import InputError
from tablewright.metrics.scorer import Gain
from tablewright.schema import Schema
from tablewright.selection.arms import (
    Pulls,
    Reward,
    _new_set,
    draw_set,
    fitting,
    greedy,
    n_sets,
    play,
)
from tablewright.selection.selector import STRATEGIES, Selection, Selector, cut_groups

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


def test_sets_are_a_third_of_the_arms_on_average_and_one_at_least() -> None:
    rng = np.random.default_rng(0)
    drawn = [draw_set([3, 5, 7, *range(10, 27)], rng) for _ in range(300)]
    assert all(one == sorted(set(one)) and set(one) <= {3, 5, 7, *range(10, 27)} for one in drawn)
    assert np.mean([len(one) for one in drawn]) == pytest.approx(0.35 * 20, abs=0.4)
    assert min(len(draw_set([1, 2], rng)) for _ in range(50)) == 1


def test_each_set_is_told_as_it_is_scored() -> None:
    told: list[int] = []
    pulls = Pulls(6, game([0.1] * 6))
    play(pulls, SIZES, 100, np.random.default_rng(0), advance=lambda n, at_work="": told.append(n))
    assert sum(told) == len(pulls.sets) == n_sets(6) == 24
    assert n_sets(20) == 80


def test_no_set_is_drawn_twice_while_there_are_others() -> None:
    pulls, rng = Pulls(4, game([0.1] * 4)), np.random.default_rng(0)
    for _ in range(9):
        pulls.pull(_new_set(pulls, range(4), rng))
    assert len(set(pulls.sets)) == 9
    assert _new_set(Pulls(1, game([0.1])), [0], rng) == [0]


def test_arms_stay_while_few_sets_leave_their_worth_open() -> None:
    # Alone the two cost a little: the first sets speak against them until both are in one.
    reward = game([-0.1] * 6, pair=(0, 1, 0.6))
    games = [play(Pulls(6, reward), SIZES, 100, np.random.default_rng(seed)) for seed in range(40)]
    assert sum({0, 1} <= set(alive) for alive in games) >= 26


def test_arms_leave_by_quarters_until_the_rows_fit() -> None:
    pulls = Pulls(8, game([0.1 * k for k in range(1, 9)]))
    alive = play(pulls, np.full(8, 10, dtype=np.intp), 50, np.random.default_rng(0), n_pulls=90)
    # 8 arms are 3 phases; all are good, and the first two take a quarter off: 8, 6, 5.
    assert alive == [7, 6, 5, 4, 3]
    everything = play(Pulls(8, game([0.1] * 8)), SIZES.repeat(2)[:8], 80, np.random.default_rng(0))
    assert len(everything) == 8


def test_greedy_adds_the_best_that_fits_until_none_gains() -> None:
    worth = [0.1, 0.5, 0.3, -0.1]
    sizes = np.array([10, 20, 15, 1], dtype=np.intp)
    assert greedy(Pulls(4, game(worth)), sizes, 100) == [1, 2, 0]
    assert greedy(Pulls(4, game(worth)), sizes, 30) == [1, 0]
    assert greedy(Pulls(4, game(worth)), sizes, 9) == []
    assert greedy(Pulls(2, game([0.2, 0.2])), sizes[:2], 100) == [0, 1]


def test_an_arm_that_is_too_large_never_fits() -> None:
    assert fitting([0, 1], np.array([0.9, 0.1]), np.array([11, 10]), 10) == [1]
    assert fitting([0], np.array([0.9]), np.array([10]), 10) == [0]


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


@pytest.mark.parametrize(("honest", "kept"), [(0.009, False), (0.011, True)])
def test_a_gain_is_confirmed_by_more_than_its_standard_error(
    monkeypatch: pytest.MonkeyPatch, honest: float, kept: bool
) -> None:
    gain = Gain(honest, 0.01, (honest - 0.02, honest + 0.02))
    monkeypatch.setattr(Selector, "_honest", lambda *_: gain)
    selector = Selector(target="y", groups="origin", n_samples=100, random_state=0)
    selector.fit(table(40, 0), validation=table(200, 9)).select(mixed())
    assert (len(selector.selection_.chosen) > 0) == kept
    assert selector.selection_.honest == gain
    assert ("do not confirm a gain" in selector.selection_.note) != kept


@pytest.mark.parametrize(("n_rows", "families"), [(99, 1), (100, 3)])
def test_a_forest_judges_too_where_rows_are_enough_for_trees(n_rows: int, families: int) -> None:
    selector = Selector(target="y", random_state=0).fit(table(n_rows, 0), validation=table(50, 9))
    predicted = selector.scorer_.utility().predictions
    assert len(predicted) == families
    assert any(isinstance(one, RandomForestClassifier) for one in predicted) == (families == 3)


@pytest.mark.parametrize("learners", ["tree, linear", ["tree", "linear"]])
@pytest.mark.parametrize("n_rows", [60, 120])
def test_models_that_are_named_judge(learners: Any, n_rows: int) -> None:
    selector = Selector(target="y", learners=learners, random_state=0)
    selector.fit(table(n_rows, 0), validation=table(50, 9))
    tree, linear = selector.scorer_.utility().predictions
    assert (type(tree), linear) == (DecisionTreeClassifier, "linear")


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
        ({"learners": "tree,forrest"}, "no 'forrest'; did you mean 'forest'"),
        ({"learners": 5}, "no '5'"),
        ({"learners": " , "}, "name one at least of boosted trees, linear, forest, tree"),
    ],
)
def test_wrong_option_is_one_sentence(options: dict[str, object], match: str) -> None:
    with pytest.raises(InputError, match=match):
        Selector(**{"target": "y", **options}).fit(table(40, 0))  # type: ignore[arg-type]


def test_unknown_column_of_groups_is_one_sentence() -> None:
    selector = Selector(target="y", groups="orgin", random_state=0).fit(table(40, 0))
    with pytest.raises(InputError, match=r"no column 'orgin'.*'origin'"):
        selector.select(mixed())


def test_options_of_the_call_go_before_those_of_the_selector() -> None:
    selector = Selector("none", target="y", n_samples=60, random_state=0).fit(table(60, 0))
    assert selector.select(mixed().drop("origin"), n_samples=5).height == 5


def test_rows_that_cannot_be_read_are_told_and_left_out() -> None:
    odd = mixed().with_columns(x=pl.col("x").cast(pl.String)).drop("origin")
    odd = odd.with_columns(
        x=pl.when(pl.int_range(pl.len()) == 3).then(pl.lit("many")).otherwise("x")
    )
    selector = Selector("none", target="y", n_samples=10, random_state=0).fit(table(60, 0))
    kept = selector.select(odd)
    assert selector.selection_.chosen.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]
    assert kept["x"].to_list() == odd["x"].to_list()[:3] + odd["x"].to_list()[4:11]
    assert "1 candidates have cells that cannot be read" in str(selector.selection_)


def test_candidates_without_a_column_are_refused() -> None:
    selector = Selector(target="y", random_state=0).fit(table(60, 0))
    with pytest.raises(InputError, match="'z'"):
        selector.select(mixed().drop("z", "origin"))


def test_real_rows_of_one_class_alone_have_nothing_to_judge_by() -> None:
    kinds = {"x": "continuous", "z": "continuous", "y": "categorical"}
    schema = Schema.build(kinds, target="y")
    with pytest.raises(InputError, match="nothing to judge by: the target 'y' has one value"):
        Selector().fit_typed(table(40, 0).with_columns(y=pl.lit("yes")), schema)


def test_a_table_of_an_identifier_and_a_target_has_nothing_to_judge_by() -> None:
    rows = table(40, 0).select(pl.int_range(pl.len()).alias("id"), "y")
    with pytest.raises(InputError, match="has no column besides the target"):
        Selector(target="y").fit(rows)


def test_no_candidate_is_no_choice() -> None:
    selector = Selector(target="y", random_state=0).fit(table(60, 0))
    assert selector.select(mixed().drop("origin").clear()).height == 0
    assert selector.selection_.arms.height == 0
    assert selector.selection_.honest is None


def test_groups_without_a_name_are_one_group() -> None:
    rows = mixed().with_columns(origin=pl.lit(None, dtype=pl.String))
    selector = Selector("none", groups="origin", target="y", random_state=0).fit(table(60, 0))
    selector.select(rows)
    names = selector.selection_.arms["group"].to_list()
    assert names[0] == ""
    assert set(names[1:]) <= {f" ({k})" for k in range(2, 9)}


def test_paths_part_rows_by_region_and_by_whether_their_label_is_the_expected_one() -> None:
    real = pl.DataFrame({"x": np.linspace(-2, 2, 200)})
    real = real.with_columns(y=pl.when(pl.col("x") > 0).then(pl.lit("yes")).otherwise(pl.lit("no")))
    selector = Selector(target="y", random_state=0).fit(real)
    rows = pl.DataFrame({"x": [-1.5, -1.5, 1.5, 1.5], "y": ["no", "yes", "yes", "no"]})
    found = selector.paths(selector.encoder_.rows(rows, "candidate"))
    assert len(set(found)) == 4
    assert found == [
        f"x {side}: {label} label" for side in ("<= 0", "> 0") for label in ("same", "other")
    ]


def test_clusters_are_of_like_rows_and_of_those_that_agree() -> None:
    real = table(120, 0)
    near = pl.DataFrame({"x": [3.0] * 20 + [-3.0] * 20, "z": [0.0] * 40, "y": ["yes"] * 40})
    selector = Selector(target="y", groups="clusters", random_state=0).fit(real)
    found = selector.clusters(selector.encoder_.rows(near, "candidate"))
    assert len(set(found[:20])) == len(set(found[20:])) == 1
    assert found[0].endswith(": same label")
    assert found[20].endswith(": other label")
    selector.select(near)
    assert set(selector.selection_.arms["group"]) == {found[0], found[20]}


def test_labels_of_the_call_are_the_groups() -> None:
    selector = Selector("greedy", target="y", groups="origin", random_state=0)
    selector.fit(table(40, 0), validation=table(100, 9))
    rows = table(30, 1)
    selector.select(rows, labels=["one"] * 10 + ["two"] * 20)
    arms = selector.selection_.arms
    assert dict(arms.select("group", "rows").iter_rows()) == {"one": 10, "two": 20}


def test_a_number_agrees_within_the_spread_of_the_real_ones() -> None:
    x = np.linspace(-2, 2, 200)
    selector = Selector(target="y", random_state=0).fit(pl.DataFrame({"x": x, "y": x}))
    rows = pl.DataFrame({"x": [0.0, 0.0, 0.0], "y": [0.9, -0.9, 1.6]})  # the spread is 1.16
    agrees = selector._agreement(selector.encoder_.rows(rows, "candidate"))
    assert agrees.tolist() == [True, True, False]


def test_a_selection_says_what_it_chose_and_believes() -> None:
    arms = pl.DataFrame({"group": ["a", "b"], "chosen": [True, False]})
    gain = Gain(0.5, 0.1, (0.25, 0.75))
    text = str(Selection(np.arange(1200), arms, gain, Gain(-0.1, 0.1, (-0.3, 0.1)), "Mind this"))
    assert text.splitlines() == [
        "1,200 rows of 1 of 2 groups chosen",
        "belief of the gain: +0.5000 (+0.2500 to +0.7500)",
        "honest estimate of the gain: -0.1000 (-0.3000 to +0.1000)",
        "Mind this",
    ]


def test_arms_list_every_group_with_its_rows_and_worth() -> None:
    selector = Selector(target="y", groups="origin", random_state=0)
    selector.fit(table(40, 0), validation=table(120, 9)).select(mixed())
    arms = selector.selection_.arms
    assert arms["rows"].sum() == 200
    assert max(arms["rows"].to_list()) <= 25
    assert (arms["pulls"] > 0).all()
    chosen = arms.filter("chosen")
    assert chosen["rows"].sum() == len(selector.selection_.chosen)
    good = arms["group"].str.starts_with("good").to_numpy()
    assert arms["value"].to_numpy()[good].max() > arms["value"].to_numpy()[~good].max()


def test_greedy_believes_what_its_rows_gain() -> None:
    selector = Selector("greedy", target="y", groups="origin", random_state=0)
    selector.fit(table(40, 0), validation=table(120, 9))
    kept = selector.select(mixed())
    selection = selector.selection_
    assert selection.belief is not None
    assert selection.belief.value == pytest.approx(selector.scorer_.gain(kept).value)
    assert selection.honest is None
    assert selection.arms["value"].null_count() == selection.arms.height


@pytest.mark.parametrize(("n_rows", "largest"), [(100, 25), (1500, 25), (3000, 50)])
def test_groups_are_cut_so_that_there_are_not_too_many_arms(n_rows: int, largest: int) -> None:
    names, arm_of = cut_groups(["all"] * n_rows)
    assert np.bincount(arm_of).max() == largest
    assert len(names) == len(set(names)) == -(-n_rows // largest)


@pytest.mark.parametrize("n_pulls", [3, 30])
def test_as_many_sets_are_scored_as_asked_for(n_pulls: int) -> None:
    selector = Selector(target="y", groups="origin", n_pulls=n_pulls, random_state=0)
    selector.fit(table(40, 0), validation=table(60, 9)).select(mixed())
    # Eight arms are three phases; each set holds one arm at least.
    assert n_pulls <= selector.selection_.arms["pulls"].sum() <= 8 * n_pulls
