"""Trees of real rows: every node is a slice, and donors come from the right one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tablewright.generators.parts.donors import Donors, DonorTree, Questions, order_levels

Floats = NDArray[np.float64]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def grown(n_rows: int = 400, least: int = 10, **options: Any) -> tuple[DonorTree, Floats, Floats]:
    """Grow a tree for a response that follows a number and a code of four values."""
    random = rng()
    number = random.normal(size=n_rows)
    code = random.integers(0, 4, n_rows).astype(float)
    ranks = np.column_stack([number.argsort().argsort().astype(float), code, np.zeros(n_rows)])
    values = 3 * (number > 0) + np.array([0.0, 5.0, 1.0, 9.0])[code.astype(int)]
    values += random.normal(0, 0.1, n_rows)
    questions = Questions.of(ranks, values, {1: 4}, np.array([0, 1]), classify=False, **options)
    return questions.grow(values, min_samples_leaf=least, seed=0), ranks, values


def test_leaves_part_the_rows_and_each_holds_enough() -> None:
    tree, ranks, _ = grown()
    leaves = np.flatnonzero(tree.left < 0)
    assert (tree.stop - tree.start)[leaves].min() >= 10
    assert np.sort(tree.rows).tolist() == list(range(400))
    reached = tree.leaves(ranks)
    for leaf in leaves:
        inside = tree.rows[tree.start[leaf] : tree.stop[leaf]]
        assert set(inside) == set(np.flatnonzero(reached == leaf))


def test_every_node_is_the_slice_of_its_children() -> None:
    tree, _, _ = grown()
    for node in np.flatnonzero(tree.left >= 0):
        left, right = tree.left[node], tree.right[node]
        assert tree.start[node] == tree.start[left]
        assert tree.stop[left] == tree.start[right]
        assert tree.stop[right] == tree.stop[node]
        assert tree.parent[left] == tree.parent[right] == node


def test_rows_of_a_leaf_lie_by_value() -> None:
    tree, _, values = grown()
    for leaf in np.flatnonzero(tree.left < 0):
        inside = values[tree.rows[tree.start[leaf] : tree.stop[leaf]]]
        assert (np.diff(inside) >= 0).all()


def test_donors_follow_what_the_tree_asks_about() -> None:
    tree, ranks, values = grown(2000, 20)
    at = Donors(tree, None, 20).draw(tree.leaves(ranks), rng(1))
    assert np.corrcoef(values[tree.rows[at]], values)[0, 1] > 0.99


def test_rows_walk_to_the_leaves_that_the_learner_itself_names() -> None:
    random = rng(3)
    ranks = np.column_stack([random.normal(size=500), random.integers(0, 60, 500)])
    response = ranks[:, 0] * (ranks[:, 1] > 30) + random.normal(size=500)
    questions = Questions.of(ranks, response, {}, np.array([0, 1]), classify=False)
    learner = questions.learner(min_samples_leaf=4, random_state=0)
    fitted = learner.fit(questions.inputs, questions.outputs)
    tree = questions.donors(fitted.tree_, response)
    fresh = np.column_stack([random.normal(size=300), random.integers(-5, 70, 300)])
    assert np.array_equal(tree.leaves(fresh), fitted.apply(fresh.astype(np.float32)))


def test_joined_trees_stand_side_by_side() -> None:
    (one, ranks, values), (two, _, _) = grown(least=10), grown(least=80)
    both = DonorTree.join([one, two])
    assert both.roots.tolist() == [0, len(one.left)]
    assert both.parent[both.roots].tolist() == both.roots.tolist()
    for tree, root in ((one, 0), (two, len(one.left))):
        leaves = both.leaves(ranks, np.full(400, root))
        assert np.array_equal(leaves - root, tree.leaves(ranks))
        for mine, theirs in zip(leaves[:20], tree.leaves(ranks)[:20], strict=True):
            inside = both.rows[both.start[mine] : both.stop[mine]]
            assert inside.tolist() == tree.rows[tree.start[theirs] : tree.stop[theirs]].tolist()
    # What a row expects of its donors is the mean over the trees.
    expected = (one.means(values, 0.5) + two.means(values, 0.5)) / 2
    np.testing.assert_allclose(both.means(values, 0.5), expected)


def test_a_forest_draws_a_tree_for_each_row() -> None:
    one, ranks, _ = grown()
    both = DonorTree.join([one, one, one, one])
    reached = both.reach(np.repeat(ranks[:1], 4000, axis=0), rng(), None)
    leaves, counts = np.unique(reached, return_counts=True)
    assert leaves.tolist() == (one.leaves(ranks[:1]) + both.roots).tolist()
    assert np.abs(counts - 1000).max() < 5 * np.sqrt(750)  # binomial, five standard errors


def test_codes_beyond_the_most_frequent_are_left_out_of_what_a_tree_predicts() -> None:
    codes = np.repeat(np.arange(40.0), np.arange(40, 0, -1))
    ranks = np.column_stack([codes, codes % 2])
    questions = Questions.of(ranks, codes, {0: 40, 1: 2}, np.array([1]), True, codes % 2)
    # Sixteen columns of the most frequent codes, and one for each of two groups.
    assert questions.outputs.shape == (820, 18)
    assert questions.outputs[:, :16].sum() == sum(range(25, 41))


def test_arrays_make_the_same_tree() -> None:
    tree, ranks, _ = grown()
    again = DonorTree.from_arrays(tree.arrays())
    np.testing.assert_array_equal(again.leaves(ranks), tree.leaves(ranks))
    np.testing.assert_array_equal(again.rows, tree.rows)


@pytest.mark.parametrize(
    ("name", "value"),
    [("left", 10**6), ("left", -3), ("left", 0), ("right", 0), ("feature", 9), ("stop", 10**6)],
)
def test_arrays_that_make_no_tree_are_refused(name: str, value: int) -> None:
    arrays = grown()[0].arrays()
    arrays[name] = arrays[name].copy()
    arrays[name][0] = value
    with pytest.raises(ValueError, match="the arrays make no tree"):
        DonorTree.from_arrays(arrays)


@pytest.mark.parametrize("n_rows", [1, 2, 19])
def test_few_rows_make_a_bare_root(n_rows: int) -> None:
    values = np.arange(n_rows)[::-1].astype(float)
    ranks = values[:, None]
    questions = Questions.of(ranks, values, {}, np.array([0]), classify=False)
    tree = questions.grow(values, min_samples_leaf=10, seed=0)
    assert len(tree.left) == 1
    assert tree.leaves(ranks).tolist() == [0] * n_rows
    assert tree.rows.tolist() == list(range(n_rows))[::-1]


def test_weights_choose_among_the_donors_of_a_leaf() -> None:
    tree, ranks, _ = grown()
    weights = np.where(np.arange(400) % 2 == 0, 1.0, 0.0)
    weights[np.arange(400) % 4 == 0] = 3.0
    donors = Donors(tree, weights, 1)
    drawn = donors.rows[donors.draw(np.repeat(tree.leaves(ranks), 50), rng(1))]
    assert (drawn % 2 == 0).all()
    share = (drawn % 4 == 0).mean()
    # Within a leaf, rows of weight 3 come three times as often as those of weight 1.
    node = tree.leaves(ranks)
    heavy = np.array([weights[node == n][weights[node == n] == 3].sum() for n in node])
    total = np.array([weights[node == n].sum() for n in node])
    known = total > 0
    expected = (heavy[known] / total[known]).mean()
    assert abs(share - expected) < 4 * np.sqrt(0.25 / len(drawn)) + (~known).mean()


def test_a_leaf_of_too_few_hands_over_to_its_parent() -> None:
    tree, ranks, _ = grown()
    weights = np.zeros(400)
    weights[[3, 77]] = 1.0
    donors = Donors(tree, weights, 2)
    drawn = donors.rows[donors.draw(tree.leaves(ranks), rng(1))]
    assert set(drawn) == {3, 77}


def test_means_of_leaves_are_drawn_towards_their_parent() -> None:
    tree, ranks, _ = grown()
    weights = rng(2).random(400)
    plain, pulled = tree.means(weights, 0.0), tree.means(weights, 1e9)
    reached = tree.leaves(ranks)
    for leaf in np.unique(reached):
        np.testing.assert_allclose(plain[reached == leaf], weights[reached == leaf].mean())
    np.testing.assert_allclose(pulled, weights.mean(), rtol=1e-4)


def test_groups_are_told_apart_before_anything_else() -> None:
    random = rng()
    group = (random.random(500) < 0.1).astype(float)
    number = random.normal(size=500)
    ranks = np.column_stack([number.argsort().argsort().astype(float), group])
    questions = Questions.of(ranks, number, {1: 2}, np.array([0, 1]), False, group)
    tree = questions.grow(number, min_samples_leaf=10, seed=0)
    reached = tree.leaves(ranks)
    for leaf in np.unique(reached):
        assert len(np.unique(group[reached == leaf])) == 1


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=60),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_levels_stand_in_an_order(pairs: list[tuple[int, int]], classify: bool) -> None:
    codes, response = np.array(pairs, dtype=float).T
    order = order_levels(codes, 6, response, classify)
    assert sorted(order) == list(range(6))


def test_levels_are_ordered_by_the_mean_of_a_number() -> None:
    codes = np.repeat([0.0, 1.0, 2.0], 50)
    response = np.array([5.0, -1.0, 2.0])[codes.astype(int)]
    order = order_levels(codes, 3, response, False)
    assert order.tolist() == [2, 0, 1]


def test_a_column_with_a_class_for_nearly_every_row_grows_without_a_warning() -> None:
    codes = np.arange(40.0)
    questions = Questions.of(codes[:, None], codes, {}, np.array([0]), classify=True)
    tree = questions.grow(codes, min_samples_leaf=5, seed=0)
    assert (tree.stop - tree.start).max() == 40
