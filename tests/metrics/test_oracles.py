"""Measures against scikit-learn, SciPy, or a count by hand."""

from __future__ import annotations

import itertools
import math

import numpy as np
import polars as pl
import pytest
from scipy import special
from scipy.spatial import distance
from sklearn import metrics as known
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from tablewright.metrics import support
from tablewright.metrics.copies import _line, _meeting, _varies, _whole_line
from tablewright.metrics.crossfit import CrossFit
from tablewright.metrics.detection import Detected
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.learners import Design, Task, fit
from tablewright.metrics.outcomes import auc, classification, proper_scores, rank_scores, regression
from tablewright.metrics.privacy import _none_drawn, search
from tablewright.metrics.references import Measured, Metric
from tablewright.metrics.scores import Direction
from tablewright.metrics.trials import half
from tablewright.schema import Schema

CLOUD = np.random.default_rng(0).normal(size=(60, 3))
OTHER = np.random.default_rng(1).normal(0.3, 1.2, size=(60, 3))


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def numbers(**columns: list[float]) -> FeatureEncoder:
    return FeatureEncoder.fit(
        pl.DataFrame(columns), Schema.build(dict.fromkeys(columns, "continuous"))
    )


# predictions ----------------------------------------------------------------------


def test_regression_measures_are_those_of_scikit_learn() -> None:
    truth, guess = np.random.default_rng(0).normal(3.0, 1.0, size=(2, 40))
    result = regression(truth, guess)
    assert result["r2"] == pytest.approx(known.r2_score(truth, guess))
    assert result["rmse"] == pytest.approx(known.root_mean_squared_error(truth, guess))
    assert result["mae"] == pytest.approx(known.mean_absolute_error(truth, guess))


def test_a_truth_that_never_varies_has_no_r2_but_an_error() -> None:
    result = regression(np.full(3, 2.0), np.array([1.0, 2.0, 3.0]))
    assert math.isnan(result["r2"])
    assert result["rmse"] == pytest.approx(math.sqrt(2 / 3))


def test_auc_is_that_of_scikit_learn_with_ties() -> None:
    scores = np.random.default_rng(0).integers(0, 6, 80) / 6
    y = np.random.default_rng(1).random(80) < 0.4
    assert auc(scores[~y], scores[y]) == pytest.approx(known.roc_auc_score(y, scores))


def test_rows_of_one_class_have_no_specificity_where_it_is_the_rare_one() -> None:
    result = classification(np.ones(3, dtype=np.int64), np.tile([0.4, 0.6], (3, 1)), rare=1)
    assert result["sensitivity"] == 1.0
    assert math.isnan(result["specificity"])
    assert math.isnan(result["auroc"])


def test_proper_scores_are_log_probabilities_cut_at_one_in_a_hundred() -> None:
    y = np.array([0.0, 1.0, 1.0])
    p = np.array([[0.5, 0.5], [0.75, 0.25], [0.999, 0.001]])
    assert proper_scores(y, p) == pytest.approx(np.log([0.5, 0.25, 0.01]))


def test_rank_scores_of_two_classes_average_to_balanced_accuracy_and_auc() -> None:
    draws = np.random.default_rng(0)
    y = np.r_[np.zeros(30), np.ones(30)]
    p = np.clip(draws.normal(0.4 + 0.2 * y, 0.2), 0.01, 0.99)
    scores = rank_scores(y, np.column_stack([1 - p, p]))
    expected = (known.accuracy_score(y, p > 0.5) + known.roc_auc_score(y, p)) / 2
    assert scores.mean() == pytest.approx(expected)


# learners -------------------------------------------------------------------------


def design(n: int, seed: int, n_categories: int = 0) -> Design:
    draws = np.random.default_rng(seed)
    x = draws.normal(size=(n, 2))
    y = (x[:, 0] + draws.normal(0, 0.7, n) > 0).astype(float)
    return Design(x, x, np.zeros(2, dtype=bool), y)


def test_the_linear_learner_is_scikit_learns_logistic_regression() -> None:
    train, test = design(80, 0), design(30, 1)
    expected = LogisticRegression(solver="newton-cholesky").fit(train.linear, train.y)
    predicted = fit("linear", train, 2, rng())(test)
    assert predicted == pytest.approx(expected.predict_proba(test.linear), abs=1e-6)


def test_a_class_without_training_rows_has_probability_zero() -> None:
    train = design(60, 0)
    for learner in ("linear", "boosted trees"):
        predicted = fit(learner, train, 3, rng())(design(20, 1))
        assert predicted.shape == (20, 3)
        assert (predicted[:, 2] == 0).all()
        assert predicted.sum(axis=1) == pytest.approx(1.0)


def test_one_class_alone_is_predicted_with_certainty() -> None:
    train = design(40, 0)
    one = Design(train.trees, train.linear, train.categorical, np.ones(40))
    assert fit("linear", one, 2, rng())(train).tolist() == [[0.0, 1.0]] * 40


def test_without_rows_to_learn_from_every_class_is_equally_likely() -> None:
    predicted = Task(4, 0, 3).predict(design(0, 0), design(5, 1), rng())
    assert {name: p.tolist() for name, p in predicted.items()} == dict.fromkeys(
        ("boosted trees", "linear"), [[0.25] * 4] * 5
    )


def test_columns_of_three_categories_or_more_are_categorical_for_trees() -> None:
    real = pl.DataFrame({"b": [*"uvuv"], "c": [*"uvwu"], "x": [1.0, 2, 3, 4], "y": [*"abab"]})
    kinds = {"b": "categorical", "c": "categorical", "x": "continuous", "y": "categorical"}
    encoder = FeatureEncoder.fit(real, Schema.build(kinds, target="y"))
    assert Design.of(encoder.rows(real)).categorical.tolist() == [False, True, False]


def test_predictions_of_a_fold_do_not_see_its_rows_nor_added_copies_of_them() -> None:
    """Labels are random: whoever sees a row or its copy predicts it, and nobody else can."""
    draws = np.random.default_rng(4)
    x = draws.normal(size=(60, 2))
    real = Design(x, x, np.zeros(2, dtype=bool), draws.integers(0, 2, 60).astype(float))
    task = Task(2, 0, 1, 30, ("boosted trees",))
    for predicted in CrossFit(real, task, [1], n_repeats=1).predict(real):
        hits = predicted["boosted trees"].argmax(axis=1) == real.y
        assert hits.mean() == pytest.approx(0.5, abs=0.2)  # three standard errors


# neighbourhoods -------------------------------------------------------------------


def value(
    metric: support.Support, other: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> float:
    """Measure rows against the cloud by an encoder whose ranges are one: cells as they are."""
    names = [f"x{j}" for j in range(3)]
    unit = pl.DataFrame(np.array([np.zeros(3), np.ones(3)]), schema=names)
    encoder = FeatureEncoder.fit(unit, Schema.build(dict.fromkeys(names, "continuous")))
    tables = [encoder.rows(pl.DataFrame(cells, schema=names)) for cells in (CLOUD, other)]
    score = metric(tables[0], tables[1], None, rng())
    assert score.value is not None
    return score.value


def test_coverage_and_density_are_counts_of_neighbourhoods() -> None:
    apart = distance.cdist(CLOUD, CLOUD)
    radius = np.sort(apart, axis=1)[:, 5]  # the fifth neighbour; the row itself stands first
    across = distance.cdist(OTHER, CLOUD)
    assert value(support.coverage, OTHER) == pytest.approx((across.min(axis=0) <= radius).mean())
    assert value(support.density, OTHER) == pytest.approx((across <= radius).sum() / (5 * 60))


def test_authenticity_compares_with_the_distance_of_the_nearest_real_row() -> None:
    apart = distance.cdist(CLOUD, CLOUD) + np.diag(np.full(60, np.inf))
    across = distance.cdist(OTHER, CLOUD)
    own = apart.min(axis=1)[across.argmin(axis=1)]
    assert value(support.authenticity, OTHER) == pytest.approx((across.min(axis=1) > own).mean())
    assert value(support.authenticity, CLOUD) == 0.0


def test_alpha_precision_is_one_for_the_rows_themselves_and_small_at_their_centre() -> None:
    assert value(support.alpha_precision, CLOUD) == pytest.approx(1.0, abs=1 / 60)
    heap = np.repeat(CLOUD.mean(axis=0)[None], 60, axis=0)
    levels = np.arange(1, 31) / 30  # all rows of the heap lie within every radius
    expected = 1 - (1 - levels).sum() / levels.sum()
    assert value(support.alpha_precision, heap) == pytest.approx(expected)


def test_beta_recall_is_one_for_a_copy_and_nil_for_rows_far_away() -> None:
    assert value(support.beta_recall, CLOUD) == pytest.approx(1.0, abs=1 / 60)
    assert value(support.beta_recall, CLOUD + 50) == 0.0


# distances and copies -------------------------------------------------------------


def test_draws_avoid_marked_rows_as_the_hypergeometric_distribution_says() -> None:
    for marked, n, size in [(0, 10, 4), (3, 10, 4), (6, 10, 4), (7, 10, 4), (10, 10, 4)]:
        expected = special.comb(n - marked, size) / special.comb(n, size)
        assert _none_drawn(np.array([float(marked)]), n, size) == pytest.approx([expected])


def test_the_search_finds_the_two_nearest_training_rows_and_counts_the_nearer_ones() -> None:
    draws = np.random.default_rng(2)
    encoder = numbers(x=[0.0, 1.0], z=[0.0, 1.0])
    tables = [pl.DataFrame(draws.random((n, 2)), schema=["x", "z"]) for n in (30, 25, 22)]
    real, made, held = (encoder.rows(table) for table in tables)
    found = search(real, made, held, rng())
    assert found is not None
    gower = [distance.cdist(a.gower, b.gower, "cityblock") / 2 for a, b in
             ((made, real), (made, held), (held, real))]  # fmt: skip
    ranked, border = np.sort(gower[0], axis=1), gower[1].min(axis=1)
    # rows are cut, which shuffles them: the values are compared as sets
    for name, values in {
        "first": ranked[:, 0],
        "second": ranked[:, 1],
        "nearer": (gower[0] < border[:, None]).sum(axis=1),
        "base_first": np.sort(gower[2], axis=1)[:, 0],
        "base_second": np.sort(gower[2], axis=1)[:, 1],
    }.items():
        assert np.sort(getattr(found, name)) == pytest.approx(np.sort(values), abs=1e-6), name


def test_a_rescaled_column_gives_its_slope_and_intercept() -> None:
    real = np.random.default_rng(0).gamma(2, 3, 300)
    line = _whole_line(real, 2.5 * real + 7)
    assert line == pytest.approx((2.5, 7.0))
    assert _whole_line(real, np.random.default_rng(1).gamma(2, 3, 300)) is None
    assert _whole_line(np.ones(9), real) is None


def test_a_line_needs_ten_pairs() -> None:
    x = np.arange(12.0)
    for n, expected in [(9, None), (10, (-3.0, 1.0)), (12, (-3.0, 1.0))]:
        index = np.arange(n)
        line = _line((index, index), x, 1 - 3 * x, rng())
        assert line == (None if expected is None else pytest.approx(expected))


def test_only_numbers_of_five_values_or_more_can_be_rescaled() -> None:
    real = pl.DataFrame({"few": [1.0, 2, 3, 4] * 3, "many": np.arange(12.0), "c": [*"abcdef"] * 2})
    kinds = {"few": "continuous", "many": "continuous", "c": "categorical"}
    rows = FeatureEncoder.fit(real, Schema.build(kinds)).rows(real)
    assert [_varies(rows, index) for index in range(3)] == [False, True, False]


def test_one_of_five_rescaled_columns_may_differ_and_two_may_not() -> None:
    names = [f"x{j}" for j in range(5)]
    real = pl.DataFrame(np.random.default_rng(0).gamma(2, 3, (40, 5)), schema=names)
    encoder = FeatureEncoder.fit(real, Schema.build(dict.fromkeys(names, "continuous")))
    cells = (3 * real + 1).head(3).to_numpy().copy()
    cells[1, 0] = cells[2, 0] = cells[2, 4] = 500.0
    lines = dict.fromkeys(range(5), (3.0, 1.0))
    made = encoder.rows(pl.DataFrame(cells, schema=names))
    assert _meeting(encoder.rows(real), made, lines, []).tolist() == [True, True, False]


# references, intervals and halves -------------------------------------------------


def test_a_mean_over_cuts_that_is_zero_is_taken() -> None:
    """A value of zero once gave way to that of the whole table."""
    encoder = numbers(x=[0.0, 1.0])
    real, made, held = (
        encoder.rows(pl.DataFrame({"x": np.linspace(0, 1, n)})) for n in (30, 40, 10)
    )
    metric = Metric("m", lambda a, b: Measured(float(len(b) > 10)), Direction.LOWER, "")
    score = metric(real, made, held, rng())
    assert score.value == 0.0
    assert score.rows == 10
    assert score.reference == {"copy": 0.0, "shuffled": 0.0, "real": 0.0}


def test_whole_tables_are_measured_with_the_rows_of_the_largest() -> None:
    encoder = numbers(x=[0.0, 1.0])
    tables = [encoder.rows(pl.DataFrame({"x": np.linspace(0, 1, n)})) for n in (12, 16, 40)]
    for holdout, expected in ((tables[2], 40), (None, 16)):
        metric = Metric("m", lambda a, b: Measured(0.5), Direction.LOWER, "", whole_tables=True)
        score = metric(tables[0], tables[1], holdout, rng())
        assert score.rows == expected
        assert score.value == 0.5
        assert score.interval == (0.5, 0.5)


def test_the_interval_of_detection_is_two_sided_and_begins_at_one_half() -> None:
    def detected(area: float, error: float) -> tuple[float, float]:
        return Detected(area, error, {}, np.zeros(0), lambda rows: np.zeros(0)).interval

    assert detected(0.8, 0.05) == pytest.approx((0.702, 0.898))
    assert detected(0.55, 0.05) == pytest.approx((0.5, 0.648))
    assert detected(0.4, 0.01) == (0.5, 0.5)
    assert detected(0.98, 0.05)[1] == 1.0


def test_half_of_an_odd_number_of_groups_is_either_half() -> None:
    groups = np.repeat([*"abcde"], 4)
    sizes = {
        len(np.unique(groups[half(np.zeros(20, dtype=int), np.random.default_rng(seed), groups)]))
        for seed in range(12)
    }
    assert sizes == {2, 3}
    six = np.repeat([*"abcdef"], 2)
    for seed, n in itertools.product(range(4), [12]):
        chosen = half(np.zeros(n, dtype=int), np.random.default_rng(seed), six)
        assert len(np.unique(six[chosen])) == 3


def test_balanced_trees_rank_as_those_of_scikit_learn_that_weigh_each_row() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(900, 3))
    x[rng.random(900) < 0.1, 1] = np.nan
    y = (x[:, 0] + rng.normal(0, 1, 900) > 1.2).astype(float)
    trees = Design(x, np.zeros((900, 1)), np.zeros(3, dtype=bool), y)
    train, test = trees.take(np.arange(600)), trees.take(np.arange(600, 900))
    ours = Task(2, 1, 20, 40).fit("boosted trees", train, np.random.default_rng(1), balanced=True)
    model = HistGradientBoostingClassifier(
        max_iter=40, min_samples_leaf=20, max_leaf_nodes=15, early_stopping=False,
        class_weight="balanced", random_state=int(np.random.default_rng(1).integers(2**31)),
    ).fit(train.trees, train.y)  # fmt: skip
    scores = ours(test)[:, 1], model.predict_proba(test.trees)[:, 1]
    assert np.corrcoef(*scores)[0, 1] > 0.97, "they differ by where 600 numbers are cut into bins"
    one, other = (known.roc_auc_score(test.y, score) for score in scores)
    assert abs(one - other) < 0.02
