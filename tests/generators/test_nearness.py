"""Rows are taken that lie no nearer to real rows than these to each other."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import ks_2samp

from tablewright.generators.bayes_net import BayesNet
from tablewright.generators.parts.nearness import Nearness
from tablewright.tables.encoding.codec import Field, Matrix


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_a_mismatch_of_codes_counts_as_much_as_all_ranks_of_a_number() -> None:
    real = np.array([[0.0, 0.0], [0.0, 1.0], [8.0, 2.0]])
    near = Nearness.learn(real, {1: 3})
    assert near.usual.tolist() == [1.0, 1.0, 2.0]


def test_distances_of_chosen_rows_are_spread_as_those_of_real_rows() -> None:
    real = rng().random((150, 3))
    near = Nearness.learn(real, {})
    # Half of the candidates crowd around real rows, the others are like them.
    crowd = real[rng(1).integers(0, 150, 300)] + 0.001 * rng(2).random((300, 3))
    candidates = np.concatenate([crowd, rng(3).random((300, 3))])
    chosen = near.choose(candidates, 150)
    assert len(set(chosen.tolist())) == 150
    assert (np.diff(chosen) > 0).all(), "in the order in which they were drawn"
    scaled = candidates / near.scale
    found = cdist(scaled[chosen], near.points, "cityblock").min(axis=1)
    assert ks_2samp(found, near.usual).pvalue > 0.05
    assert ks_2samp(cdist(scaled, near.points, "cityblock").min(axis=1), near.usual).pvalue < 1e-9


def test_rows_that_lie_far_off_are_not_traded_for_near_ones() -> None:
    real = np.arange(20.0)[:, None]
    near = Nearness.learn(real, {})
    far = np.concatenate([np.full(15, 40.0), np.full(5, 3.1)])[:, None]
    chosen = near.choose(far, 5)
    assert (far[chosen] == 40).sum() >= 3, "as many as there are among the candidates"


@pytest.mark.parametrize("n_rows", [1, 2, 30, 401])
def test_a_network_of_any_length_draws_as_many_rows_as_are_asked_for(n_rows: int) -> None:
    values = rng().random((n_rows, 2))
    net = BayesNet().fit(Matrix(values, (Field("a"), Field("b"))), rng())
    for wanted in (0, 1, 17):
        assert net.sample(wanted, rng(1)).shape == (wanted, 2)


def test_rows_of_a_network_come_no_nearer_than_real_rows_to_each_other() -> None:
    x = rng().normal(size=100)
    values = np.column_stack([x, x + 0.3 * rng(1).normal(size=100), x**2 + rng(2).random(100)])
    net = BayesNet().fit(Matrix(values, (Field("a"), Field("b"), Field("c"))), rng())
    near = Nearness.learn(net.ranks_, {})
    made = net.to_ranks(net.sample(400, rng(3))) / near.scale
    found = cdist(made, near.points, "cityblock").min(axis=1)
    assert np.quantile(found, 0.2) > 0.8 * np.quantile(near.usual, 0.2)
