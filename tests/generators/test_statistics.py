"""What generators measure of a table, against values worked out by hand or in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from tablewright.generators.parts.association import (
    associations,
    correlations,
    mutual_information,
    strongest,
)
from tablewright.generators.parts.bins import BinDonors, cut
from tablewright.generators.parts.neighbours import Space
from tablewright.generators.parts.training_rows import TrainingRowIndex
from tablewright.generators.parts.truncated_normal import block_means, correlate, repair, shrink
from tablewright.tables.encoding.codec import Field, Matrix

NAN = np.nan


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


# mutual information ------------------------------------------------------------------


def test_information_of_a_column_about_itself_is_its_entropy() -> None:
    codes = np.repeat([0.0, 1, 2], [50, 30, 20])
    found = mutual_information(codes[:, None], {0: 3}, rng())
    shares = np.array([0.5, 0.3, 0.2])
    entropy = -(shares * np.log(shares)).sum()
    assert found[0, 0] == pytest.approx(entropy - 4 / 200)  # Miller's correction of 3 x 3 cells


def test_information_of_a_two_by_two_table() -> None:
    first = np.repeat([0.0, 0, 1, 1], [40, 10, 10, 40])
    second = np.repeat([0.0, 1, 0, 1], [40, 10, 10, 40])
    found = mutual_information(np.column_stack([first, second]), {0: 2, 1: 2}, rng())
    exact = 0.8 * np.log(0.4 / 0.25) + 0.2 * np.log(0.1 / 0.25)
    assert found[0, 1] == found[1, 0] == pytest.approx(exact - 1 / 200)


def test_independent_columns_of_many_codes_are_not_favoured() -> None:
    many, few = rng(0).integers(0, 40, 4000) * 1.0, rng(1).integers(0, 2, 4000) * 1.0
    other = rng(2).permutation(4000) * 1.0
    found = mutual_information(np.column_stack([many, few, other]), {0: 40, 1: 2}, rng())
    # the bias that is taken off is 39 * 9 / 8000 = 0.044
    assert abs(found[0, 2]) < 0.01
    assert abs(found[1, 2]) < 0.01


def test_the_target_is_always_among_the_strongest() -> None:
    x = rng().permutation(500) * 1.0
    ranks = np.column_stack([x, rng(1).permutation(x), -x])
    found = associations(ranks, {}, 1, seed=0)
    assert np.isinf(found[:, 1]).all()
    assert strongest(found[0], [1, 2], 1) == [1]
    assert strongest(found[0], [2, 1], None) == [1, 2]
    assert strongest(np.array([0.5, 0.1, 0.5]), [2, 1, 0], 1) == [0]  # ties by position


# normal scores -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("low", "high", "mean"),
    [
        (0.0, 1.0, 0.0),
        (0.5, 1.0, 2 / np.sqrt(2 * np.pi)),  # half-normal: sqrt(2 / pi)
        (0.0, 0.5, -2 / np.sqrt(2 * np.pi)),
        (0.25, 0.75, 0.0),
        (0.3, 0.3, norm.ppf(0.3)),  # a point
        (0.8, 0.80001, norm.ppf(0.800005)),  # narrow: the mid-rank
    ],
)
def test_block_means_are_those_of_the_normal(low: float, high: float, mean: float) -> None:
    assert block_means(np.array([low]), np.array([high]))[0] == pytest.approx(mean, abs=1e-9)


def test_block_means_add_up_to_zero_by_their_widths() -> None:
    edges = np.array([0, 0.1, 0.45, 0.9, 1.0])
    means = block_means(edges[:-1], edges[1:])
    assert (means * np.diff(edges)).sum() == pytest.approx(0.0, abs=1e-12)
    assert (np.diff(means) > 0).all()


def test_correlation_of_whole_columns_is_the_usual_one() -> None:
    scores = rng().multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 400)
    scores = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    found, variance = correlate(scores)
    assert found[0, 1] == pytest.approx(np.corrcoef(scores.T)[0, 1])
    assert found[0, 0] == 1.0
    assert variance[0, 1] == pytest.approx((1 - found[0, 1] ** 2) ** 2 / 397)


def test_correlation_of_gapped_columns_takes_pairs_where_both_are_present() -> None:
    scores = rng().multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 400)
    scores = (scores - scores.mean(axis=0)) / scores.std(axis=0)
    scores[:150, 0] = NAN
    alone = np.corrcoef(scores[150:].T)[0, 1]
    # the marginal spread of the present ones is near one, and only it is divided by
    assert correlate(scores)[0][0, 1] == pytest.approx(alone, abs=0.06)


def test_correlation_of_halved_columns_is_corrected_for_what_halving_loses() -> None:
    z = rng().multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 40_000)
    half = np.where(z > 0, 1.0, -1.0) * np.sqrt(2 / np.pi)  # the means of the two halves
    found = correlate(half)[0][0, 1]
    # signs of normals correlate by 2/pi asin(r) = 1/3; divided by 2/pi that is 0.5236
    assert found == pytest.approx(np.arcsin(0.5), abs=0.02)


def test_a_constant_column_correlates_with_nothing() -> None:
    scores = np.column_stack([np.zeros(50), rng().standard_normal(50)])
    found, variance = correlate(scores)
    assert found.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert variance[0, 1] == 0.0


def test_shrinkage_goes_as_far_as_the_noise() -> None:
    one = np.array([[1, 0.4], [0.4, 1]])
    variance = np.array([[0, 0.04], [0.04, 0]])  # a quarter of 0.4 squared
    assert shrink(one, variance, np.eye(2))[0, 1] == pytest.approx(0.3)
    assert shrink(one, 10 * variance, np.eye(2))[0, 1] == pytest.approx(0.0)
    assert shrink(one, variance, one).tolist() == one.tolist()


def test_repair_makes_a_correlation_matrix_and_leaves_one_as_it_is() -> None:
    wrong = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    fixed = repair(wrong)
    assert np.linalg.eigvalsh(fixed).min() > 0
    assert np.diag(fixed).tolist() == [1.0, 1.0, 1.0]
    assert (np.sign(fixed) == np.sign(wrong)).all()
    right = np.array([[1, 0.3], [0.3, 1]])
    np.testing.assert_allclose(repair(right), right, atol=1e-12)


# rows --------------------------------------------------------------------------------

FIELDS = (Field("x"), Field("k", 3), Field("y"))


def space() -> Space:
    """Numbers of mean 0 and deviation 1, so that distances can be read off."""
    values = np.array([[-1.0, 0, -1], [1, 1, 1], [-1, 2, -1], [1, 0, 1]])
    return Space.learn(Matrix(values, FIELDS))


def test_distances_count_deviations_codes_and_gaps() -> None:
    base = np.array([[0.0, 0, 0], [2, 0, 0], [0, 1, 0], [0, 1, NAN], [NAN, 0, NAN]])
    row = np.array([[0.0, 0, 0]])
    # squared distances 0, 4, 1, 2 and 2: a gap counts as a code that differs
    assert space().nearest(row, base, 3, [0, 1, 2]).tolist()[0][:2] in ([0, 2], [2, 0])
    assert set(space().nearest(row, base, 4, [0, 1, 2])[0]) == {0, 2, 3, 4}
    assert space().nearest(row, base, 5, [0]).tolist()[0][0] == 0
    assert space().nearest(np.array([[2.0, 0, 0]]), base, 1, [0]).item() == 1


def test_a_row_is_no_neighbour_of_itself() -> None:
    base = np.array([[0.0, 0, 0], [0.1, 0, 0], [5, 0, 0], [5.2, 0, 0]])
    near = space().nearest(base, base, 1, [0, 1, 2], skip_self=True)
    assert near.ravel().tolist() == [1, 0, 3, 2]


def test_rows_as_near_as_the_last_are_chosen_by_weight() -> None:
    base = np.array([[0.0, 1, 0], [0, 1, 0], [0, 1, 0], [9, 1, 0]])
    rows = np.repeat([[0.0, 1, 0]], 4000, axis=0)
    weights = np.array([1.0, 0.0, 3.0, 99.0])
    chosen = space().choose_near(rows, base, 1, [0, 1, 2], weights, rng())
    counts = np.bincount(chosen, minlength=4)
    assert counts[[1, 3]].tolist() == [0, 0]
    assert counts[0] / 4000 == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / 4000))


def test_training_rows_are_known_again_but_not_where_rows_repeat() -> None:
    values = rng().standard_normal((300, 3))
    values[5, 1] = NAN
    index = TrainingRowIndex.learn(values)
    assert index.contains(values).all()
    assert not index.contains(values + 1e-9).any()
    assert not index.contains(values[:, ::-1]).any()
    assert index.contains(np.where(values == 0, -0.0, values)).all()
    twice = np.vstack([values, values[:3]])  # 6 of 303 rows have a twin: more than 1 %
    assert not TrainingRowIndex.learn(twice).contains(values).any()
    once = np.vstack([values, values[:1]])  # 2 of 301
    assert TrainingRowIndex.learn(once).contains(values).all()


# bins --------------------------------------------------------------------------------


def test_bins_are_even_and_spikes_have_their_own() -> None:
    values = np.concatenate([np.zeros(30), np.arange(1, 101), [NAN] * 7])
    bins = cut(values, False, 4)
    assert np.bincount(bins).tolist() == [30, 25, 25, 25, 25, 7]
    assert (bins[:30] == 0).all()
    assert (bins[-7:] == 5).all()
    assert (np.diff(bins[30:130]) >= 0).all()


def test_rare_codes_share_a_bin_beyond_a_hundred() -> None:
    codes = np.concatenate([np.repeat(np.arange(99.0), 3), np.arange(99.0, 140.0)])
    assert len(np.unique(cut(codes, True, 1))) == 100
    few = np.arange(100.0)
    assert cut(few, True, 1).tolist() == list(range(100))


def test_a_bin_is_drawn_by_its_probability_and_left_out_where_it_may_not_give() -> None:
    bins = np.array([0, 0, 1, 2])
    chances = np.array([0.2, 0.3, 0.5])
    donors = BinDonors.of(
        bins, bins * 1.0, np.zeros((4, 1)), lambda r: np.tile(chances, (len(r), 1))
    )
    assert [list(donors.rows[a:b]) for a, b in zip(donors.start, donors.stop, strict=True)] == [
        [0, 1, 2, 3],
        [0, 1],
        [2],
        [3],
    ]
    n = 20_000
    nodes = donors.reach(np.zeros((n, 1)), rng(), None)
    shares = np.bincount(nodes, minlength=4) / n
    np.testing.assert_allclose(shares[1:], chances, atol=4 * np.sqrt(0.25 / n))
    assert shares[0] == 0
    eased = donors.reach(np.zeros((n, 1)), rng(), np.array([1.0, 1, 0, 1]))
    shares = np.bincount(eased, minlength=4) / n
    np.testing.assert_allclose(shares, [0, 2 / 7, 0, 5 / 7], atol=4 * np.sqrt(0.25 / n))
    assert (donors.reach(np.zeros((5, 1)), rng(), np.zeros(4)) == 0).all()


def test_correlations_see_codes_and_bends_and_no_chance() -> None:
    random = rng()
    x = random.normal(size=3_000)
    codes = np.searchsorted([-1.0, 0.0, 1.0], x) * 1.0
    other = random.permutation(codes)
    found = correlations(np.column_stack([x, np.abs(x), codes, other]), {2: 4, 3: 4}, rng())
    assert found.shape == (4, 4)
    assert np.allclose(found, found.T, atol=1e-5)
    assert found[0, 1] > 0.8  # a bend, which a correlation of ranks alone misses
    assert found[0, 2] > 0.4
    # the largest of twelve squared correlations of 2,000 independent rows: above 0.015 once in 10^6
    assert found[:3, 3].max() < 0.015


def test_column_that_does_not_vary_goes_with_none() -> None:
    found = correlations(np.column_stack([np.zeros(50), np.arange(50.0)]), {0: 1}, rng())
    assert found[0].tolist() == [0.0, 0.0]


def test_wide_table_is_measured_by_correlations() -> None:
    ranks = rng().normal(size=(40, 301))
    assert np.allclose(associations(ranks, {}, None, 3), correlations(ranks, {}, rng()))
