"""Associations, shapes, detection and errors, with values worked by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tablewright.metrics import fidelity
from tablewright.metrics.associations import (
    associations,
    correlation_ratio,
    cramers_v,
    rank_correlations,
)
from tablewright.metrics.detection import _averaged, _losses, _pairs, detection, discriminate
from tablewright.metrics.encoder import EncodedRows
from tablewright.metrics.imputation import imputation_error
from tablewright.metrics.learners import Design
from tablewright.metrics.logic import rule_violations, xmodal
from tablewright.metrics.outcomes import auc_error, classification, regression
from tablewright.metrics.references import Measured, Metric, spread
from tablewright.metrics.scores import Direction, Score
from tablewright.metrics.support import cluster_shares
from tablewright.rules import as_rules
from tests.metrics.tables import (
    encoded,
    encoder_of,
    numeric,
    rng,
)


def test_rank_correlations_of_incomplete_columns_use_the_rows_that_have_both() -> None:
    values = np.array([[1.0, 1.0], [2.0, np.nan], [3.0, 3.0], [4.0, 2.0], [np.nan, 9.0]])
    # ranks in each column over its known cells, as shares: 1/4 .. 1 and 1/4 .. 1
    x, y = np.array([1, 3, 4]) / 4, np.array([1, 3, 2]) / 4
    assert rank_correlations(values)[0, 1] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert rank_correlations(values[:2])[0, 1] == 0.0  # fewer than three complete rows
    assert rank_correlations(np.zeros((3, 0))).shape == (0, 0)


def test_the_correlation_ratio_is_the_root_of_the_share_of_variance_between_groups() -> None:
    codes, values = np.array([0, 0, 1, 1, 2, -1]), np.array([1.0, 3.0, 4.0, 8.0, 5.0, 99.0])
    known = values[:5]
    groups = [known[:2], known[2:4], known[4:]]
    between = sum(len(g) * (g.mean() - known.mean()) ** 2 for g in groups)
    expected = np.sqrt(between / ((known - known.mean()) ** 2).sum())
    assert correlation_ratio(codes, values) == pytest.approx(expected)
    assert correlation_ratio(np.array([0, 1]), np.array([1.0, 2.0])) == 0.0
    assert correlation_ratio(np.array([0, 0, 1]), np.full(3, 7.0)) == 0.0


def test_cramers_v_is_corrected_for_chance_as_bergsma_does() -> None:
    table = np.array([[20, 5, 10], [4, 15, 6]])
    first = np.repeat([0, 0, 0, 1, 1, 1], table.ravel())
    second = np.repeat([0, 1, 2, 0, 1, 2], table.ravel())
    n, (r, c) = table.sum(), table.shape
    phi = stats.chi2_contingency(table, correction=False).statistic / n
    phi = max(0, phi - (r - 1) * (c - 1) / (n - 1))
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    assert cramers_v(first, second) == pytest.approx(np.sqrt(phi / smaller))
    assert cramers_v(np.array([0, 1, -1]), np.array([0, 1, 1])) == 0.0  # two complete rows
    assert cramers_v(np.zeros(9, dtype=int), np.arange(9) % 2) == 0.0
    assert cramers_v(np.full(4, -1), np.zeros(4, dtype=int)) == 0.0


def test_every_pair_has_the_measure_of_its_kinds_on_both_sides() -> None:
    draws = rng()
    frame = pl.DataFrame(
        {
            "a": draws.choice([*"uvw"], 80),
            "x": draws.normal(size=80),
            "b": draws.choice([*"pq"], 80),
            "z": draws.normal(size=80),
        }
    ).with_columns(pl.col("x") + (pl.col("a") == "u") * 2)
    rows = encoder_of(frame, a="categorical", x="continuous", b="categorical", z="continuous").rows(
        frame
    )
    matrix, codes = associations(rows), rows.values
    assert matrix == pytest.approx(matrix.T)
    assert np.diag(matrix) == pytest.approx(1.0)
    a, b = codes[:, 0].astype(int), codes[:, 2].astype(int)
    assert matrix[0, 1] == pytest.approx(correlation_ratio(a, codes[:, 1]))
    assert matrix[2, 3] == pytest.approx(correlation_ratio(b, codes[:, 3]))
    assert matrix[0, 2] == pytest.approx(cramers_v(a, b))
    assert matrix[1, 3] == pytest.approx(stats.spearmanr(codes[:, 1], codes[:, 3]).statistic)


def test_a_column_missing_on_one_side_is_unlike_and_on_both_is_left_out() -> None:
    real = pl.DataFrame({"x": [1.0, 2.0], "gone": [None, None], "half": [1.0, 2.0]},
                        schema=dict.fromkeys(["x", "gone", "half"], pl.Float64))  # fmt: skip
    other = real.with_columns(half=pl.lit(None, pl.Float64))
    encoder = encoder_of(real, **dict.fromkeys(real.columns, "continuous"))
    score = fidelity.column_shapes(encoder.rows(real), encoder.rows(other), None, rng())
    assert score.details["columns"] == {"x": 1.0, "gone": None, "half": 0.0}
    assert score.value == 0.5
    hollow = encoder.rows(
        real.with_columns(pl.lit(None, pl.Float64).alias(n) for n in real.columns)
    )
    assert fidelity.range_adherence(encoder.rows(real), hollow, None, rng()).reason == (
        "every generated cell is missing"
    )


@pytest.mark.parametrize(
    ("metric", "n_columns", "reason"),
    [
        (fidelity.column_shapes, 0, "no column can be compared: all are identifiers"),
        (fidelity.association_difference, 1, "there is one column: no pair"),
        (fidelity.contingency_similarity, 1, "there is one column: no pair"),
    ],
)
def test_tables_too_narrow_for_a_metric_say_so(metric: Metric, n_columns: int, reason: str) -> None:
    frame = numeric(30, 0, n_columns).with_columns(id=pl.arange(30).cast(pl.String))
    kinds = {**dict.fromkeys(frame.columns, "continuous"), "id": "identifier"}
    encoder = encoder_of(frame, **kinds)
    rows = encoder.rows(frame)
    assert metric(rows, rows, None, rng()).reason == reason
    empty = encoder.rows(frame[:0])
    assert metric(rows, empty, None, rng()).reason == "there are no generated rows"


def test_cells_at_the_ends_of_the_range_are_inside() -> None:
    real = pl.DataFrame({"n": [1, 9], "x": [0.1, 0.3]})
    encoder = encoder_of(real, n="integer", x="continuous")
    other = pl.DataFrame(
        {"n": [1.0, 9.0, 4.5, 10.0, None], "x": [0.1, 0.3, 0.1 - 1e-12, 0.31, 0.2]}
    )
    score = fidelity.range_adherence(encoder.rows(real), encoder.rows(other), None, rng())
    assert score.details["columns"] == {"n": 0.5, "x": 0.8}
    assert score.details["columns"]["n"] == 2 / 4


def test_missing_shares_differ_by_their_mean_over_columns() -> None:
    real = pl.DataFrame({"a": [1.0, None, 3.0, 4.0], "b": [1.0, 2.0, 3.0, 4.0]})
    other = pl.DataFrame({"a": [None, None, None, 1.0], "b": [None, 1.0, 2.0, 3.0]},
                         schema={"a": pl.Float64, "b": pl.Float64})  # fmt: skip
    encoder = encoder_of(real, a="continuous", b="continuous")
    score = fidelity.missing_difference(encoder.rows(real), encoder.rows(other), None, rng())
    assert score.value == pytest.approx((0.5 + 0.25) / 2)


def test_sparse_two_way_tables_are_counted_as_dense_ones_are() -> None:
    """Many levels and few rows take another way to the same number."""
    real = pl.DataFrame({"a": [f"k{i}" for i in range(40)], "b": [f"m{i % 20}" for i in range(40)]})
    other = real.with_columns(a=pl.col("a").shift(1, fill_value="new"))
    encoder = encoder_of(real, a="categorical", b="categorical")
    score = fidelity.contingency_similarity(encoder.rows(real), encoder.rows(other), None, rng())
    shared = set(real.rows()) & set(other.rows())
    assert score.details["worst"] == [["a", "b", pytest.approx(len(shared) / 40)]]


def counting(real: EncodedRows, other: EncodedRows) -> Measured:
    return Measured(float(len(other)), details={"n": len(other)})


def test_values_and_references_rest_on_the_rows_of_the_smallest_table() -> None:
    metric = Metric("m", counting, Direction.HIGHER, "", highest=np.inf)
    real, made, held = (encoded(numeric(n, n)) for n in (40, 30, 12))
    score = metric(real, made, held, rng())
    assert score.value == 12.0
    assert score.rows == 12
    assert score.reference == {"copy": 12.0, "shuffled": 12.0, "real": 12.0}
    assert score.details == {"n": 30}
    alone = metric(real, made, None, rng())
    assert alone.value == 30.0
    assert alone.reference == {"copy": 30.0, "shuffled": 30.0}


def test_a_value_is_held_within_what_is_possible() -> None:
    real, made = encoded(numeric(40, 0)), encoded(numeric(30, 1))

    def scattered(real: EncodedRows, other: EncodedRows) -> Measured:
        return Measured(0.5 + 10 * float(other.values[0, 0]))

    score = Metric("m", scattered, Direction.HIGHER, "")(real, made, None, rng())
    assert score.interval == (0.0, 1.0)
    open_ended = Metric("m", scattered, Direction.HIGHER, "", highest=np.inf)(
        real, made, None, rng()
    )
    assert (open_ended.interval or (0, 0))[1] > 1


def test_the_spread_of_a_mean_is_its_standard_error() -> None:
    rows = encoded(numeric(400, 0, 1))

    def mean(real: EncodedRows, other: EncodedRows) -> Measured:
        return Measured(float(other.values.mean()))

    error = spread(mean, rows, rows, rng(), n_halves=200)
    # 200 halves know a standard deviation within 5 %: four of these
    assert error == pytest.approx(rows.values.std() / 20, rel=0.2)
    assert spread(mean, rows, rows.take([0, 1, 2]), rng()) is None
    assert spread(lambda a, b: Measured(None, "no"), rows, rows, rng()) is None


def test_a_score_has_a_value_or_a_reason_and_is_finite() -> None:
    for value, reason in ((None, ""), (1.0, "both"), (np.nan, ""), (np.inf, "")):
        with pytest.raises(ValueError, match="score 'm'"):
            Score("m", value, Direction.HIGHER, reason=reason)
    plain = Score("m", 0.5, Direction.TARGET, "says", (0.4, 1.2), {"real": 0.5}, 0.5, rows=7)
    assert plain.within(0.45, 1.0).interval == (0.45, 1.0)
    assert plain.to_dict() == {
        "name": "m", "value": 0.5, "interval": [0.4, 1.2], "direction": "target", "ideal": 0.5,
        "reference": {"real": 0.5}, "meaning": "says", "reason": None, "rows": 7, "details": {},
    }  # fmt: skip


def test_clusters_that_lose_their_rows_are_a_distance() -> None:
    def two(n_left: int, n_right: int, seed: int) -> pl.DataFrame:
        at = np.repeat([0.0, 50.0], [n_left, n_right]) + rng(seed).normal(size=n_left + n_right)
        return pl.DataFrame({"a": at})

    real = two(30, 10, 0)
    score = cluster_shares(encoded(real), encoded(two(10, 30, 1), real), None, rng())
    assert score.value == pytest.approx(0.5)
    shares = np.array([0.75, 0.25])
    assert score.details["entropy_of_real"] == pytest.approx(
        -(shares * np.log(shares)).sum() / np.log(2)
    )
    assert score.details["entropy"] == pytest.approx(score.details["entropy_of_real"])
    assert cluster_shares(encoded(real[:39]), encoded(real), None, rng()).reason == (
        "it needs 40 training rows"
    )


def test_folds_are_averaged_by_their_pairs_with_the_variance_of_nadeau_and_bengio() -> None:
    value, error = _averaged([0.6, 0.8], [0.1, 0.2], [1, 3])
    assert value == pytest.approx(0.75)
    assert error == pytest.approx(np.sqrt((0.25**2 * 0.01 + 0.75**2 * 0.04) * (1 + 2 / 1)))
    assert _averaged([], [], []) == (0.5, 0.5)


def test_a_column_gives_away_the_auc_that_is_lost_when_it_is_shuffled() -> None:
    x = np.column_stack([np.repeat([0.0, 1.0], 50), np.zeros(100)])
    test = Design(x, x, np.zeros(2, dtype=bool), np.repeat([0.0, 1.0], 50))

    def model(rows: Design) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return np.column_stack([1 - rows.trees[:, 0], rows.trees[:, 0]])

    losses = _losses(model, test, rng())
    assert losses[0] == pytest.approx(0.5, abs=0.2)  # a coin is left
    assert losses[1] == 0.0


def test_pairs_are_listed_by_how_much_their_association_differs() -> None:
    draws = rng()
    a = draws.normal(size=200)
    real = pl.DataFrame({"a": a, "b": a + draws.normal(size=200) / 9, "c": draws.normal(size=200)})
    other = real.with_columns(b=pl.Series(draws.normal(size=200)))
    rows, mixed = encoded(real), encoded(other, real)
    worst = _pairs(rows, mixed, n_pairs=2)
    assert worst[0][:2] == ["a", "b"]
    assert worst[0][2] == pytest.approx(stats.spearmanr(real["a"], real["b"]).statistic)
    assert worst[0][3] == pytest.approx(stats.spearmanr(other["a"], other["b"]).statistic)
    assert len(worst) == 2


def test_rows_of_another_table_are_scored_by_the_mean_of_the_classifiers() -> None:
    frame = numeric(60, 0)
    real, other = encoded(frame), encoded(numeric(60, 1).with_columns(pl.col("a") + 3), frame)
    found = discriminate(real, other, "linear", rng())
    again = found.score(other)
    assert np.corrcoef(found.rows, again)[0, 1] > 0.99
    assert found.score(real).mean() < 0.3 < 0.7 < again.mean()
    assert found.columns == {"a": 0.0, "b": 0.0}  # trees alone name columns


def test_the_error_of_an_auc_is_that_of_delong() -> None:
    negative, positive = np.array([0.1, 0.4, 0.35]), np.array([0.8, 0.3])
    above = [(p > negative).mean() for p in positive]
    below = [(n < positive).mean() for n in negative]
    expected = np.sqrt(np.var(above, ddof=1) / 2 + np.var(below, ddof=1) / 3)
    assert auc_error(negative, positive) == pytest.approx(expected)
    assert auc_error(np.array([0.1]), np.array([0.2])) == 0.0


def test_log_losses_end_at_a_probability_of_one_in_a_million() -> None:
    y = np.array([0, 1])
    result = classification(y, np.array([[0.5, 0.5], [1.0, 0.0]]), rare=1)
    assert result["log_loss"] == pytest.approx(-(np.log(0.5) + np.log(1e-6)) / 2)


def test_chosen_classes_may_differ_from_the_likeliest_ones() -> None:
    y = np.array([0, 0, 1, 1])
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.6, 0.4], [0.2, 0.8]])
    result = classification(y, p, rare=1, chosen=np.array([0, 1, 1, 1]))
    assert result["sensitivity"] == 1.0
    assert result["specificity"] == 0.5
    assert result["balanced_accuracy"] == 0.75
    assert result["rare_f1"] == pytest.approx(2 * 2 / (2 + 3))
    assert result["macro_f1"] == pytest.approx((2 * 1 / (1 + 2) + 0.8) / 2)
    assert result["auroc"] == pytest.approx(3.5 / 4)


def test_errors_of_numbers_by_hand() -> None:
    result = regression(np.array([1.0, 2.0, 6.0]), np.array([2.0, 2.0, 4.0]))
    assert result["mae"] == pytest.approx(1.0)
    assert result["rmse"] == pytest.approx(np.sqrt(5 / 3))
    assert result["r2"] == pytest.approx(1 - 5 / 14)


def test_errors_of_filled_cells_are_in_standard_deviations_or_shares() -> None:
    real = pl.DataFrame({"x": [0.0, 4.0] * 20, "c": ["a", "b"] * 20})
    encoder = encoder_of(real, x="continuous", c="categorical")
    held = encoder.rows(pl.DataFrame({"x": [0.0, 4.0] * 15, "c": ["a", "b"] * 15}))

    def wrong(frame: pl.DataFrame) -> pl.DataFrame:
        return held.frame.with_columns(pl.col("x") + 3, c=pl.lit("a"))

    score = imputation_error(wrong, encoder.rows(real), held, rng(), share=1.0)
    assert score.details["columns"] == {"x": pytest.approx(1.5), "c": pytest.approx(0.5)}
    assert score.value == pytest.approx(1.0)
    assert score.rows == 30
    low, high = score.interval or (0.0, 0.0)
    assert low < 1.0 < high
    assert high - low < 0.4


def test_simple_imputers_fill_by_the_mean_the_mode_and_the_neighbours() -> None:
    real = pl.DataFrame({"x": [0.0] * 30 + [10.0] * 20, "z": [0.0] * 30 + [10.0] * 20})
    encoder = encoder_of(real, x="continuous", z="continuous")
    held = encoder.rows(pl.DataFrame({"x": [0.0, 10.0] * 20, "z": [0.0, 10.0] * 20}))

    score = imputation_error(lambda frame: frame.fill_null(4.0), encoder.rows(real), held, rng())
    # filled by 4, the mean, whose error is 4 or 6 of the standard deviation 4.9
    assert score.reference["mean or mode"] == pytest.approx(score.value)
    assert score.reference["neighbours"] < score.reference["mean or mode"] - 0.2
    scale = real["x"].std(ddof=0)
    assert score.value == pytest.approx(np.sqrt((16 + 36) / 2) / scale, rel=0.15)


def test_rules_about_shares_stand_in_the_details_alone() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [*"aabb"]})
    encoder = encoder_of(frame, x="continuous", y="categorical")
    rows = encoder.rows(frame)
    rules = as_rules(["x > 1"])
    score = rule_violations(rules, rows, rows, None, rng())
    assert score.value == 0.25
    assert score.details["rules"][0]["of"] == 4
    assert rule_violations(rules, rows, encoder.rows(frame[:0]), None, rng()).reason == (
        "there are no generated rows"
    )
    assert rule_violations(as_rules([]), rows, rows, None, rng()).reason == "no rule speaks of rows"


def test_xmodal_counts_a_class_without_rows_as_wholly_unlike() -> None:
    frame = pl.DataFrame({"y": [*"aabb"] * 10, "m": [*"uuvv"] * 10})
    encoder = encoder_of(frame, "y", y="categorical", m="categorical")
    lone = frame.filter(y="a")
    score = xmodal(encoder.rows(frame), encoder.rows(lone), None, rng(), "m")
    assert score.details == {"target": 0.5, "label": 0.5, "label_given_target": 0.5}
    plain = encoder_of(frame, y="categorical", m="categorical").rows(frame)
    with pytest.raises(ValueError, match="name a target"):
        xmodal(plain, plain, None, rng(), "m")


def test_an_interval_is_students_with_the_spread_of_eight_halves() -> None:
    halves = [0.4, 0.5, 0.6, 0.5, 0.45, 0.55, 0.5, 0.5]
    values = iter([0.5, 0.9, 0.2, *halves])
    sizes: list[tuple[int, int]] = []

    def listed(real: EncodedRows, other: EncodedRows) -> Measured:
        sizes.append((len(real), len(other)))
        return Measured(next(values))

    rows = encoded(numeric(21, 0))
    score = Metric("m", listed, Direction.HIGHER, "says", ideal=1.0)(rows, rows, None, rng())
    assert score.reference == {"copy": 0.9, "shuffled": 0.2}
    width = 2.364624 * np.std(halves, ddof=1)  # Student's t, 7 degrees of freedom
    assert score.interval == pytest.approx((0.5 - width, 0.5 + width), abs=1e-6)
    assert sizes == [(21, 21)] * 3 + [(10, 10)] * 8
    assert (score.name, score.meaning, score.ideal) == ("m", "says", 1.0)


def test_larger_tables_are_measured_on_five_cuts() -> None:
    sizes: list[int] = []

    def listed(real: EncodedRows, other: EncodedRows) -> Measured:
        sizes.append(len(other))
        return Measured(float(len(sizes)))

    real, made, held = (encoded(numeric(n, 0)) for n in (20, 30, 40))
    score = Metric("m", listed, Direction.HIGHER, "", highest=np.inf)(real, made, held, rng())
    # all generated rows, a copy, shuffled rows, five cuts of the holdout and of the generated rows
    assert sizes[:13] == [30, 20, 20, *[20] * 10]
    assert score.reference["real"] == np.mean([4, 5, 6, 7, 8])
    assert score.value == np.mean([9, 10, 11, 12, 13])


def test_a_fifth_of_the_cells_is_emptied_unless_another_share_is_named() -> None:
    real = encoded(numeric(400, 0, 5))
    counts: list[int] = []

    def count(frame: pl.DataFrame) -> pl.DataFrame:
        counts.append(sum(frame.null_count().row(0)))
        return frame.fill_null(0.0)

    score = imputation_error(count, real, real, rng())
    imputation_error(count, real, real, rng(), share=0.5)
    # three binomial standard errors of 2,000 cells
    assert counts[0] == pytest.approx(400, abs=54)
    assert counts[1] == pytest.approx(1000, abs=68)
    low, high = score.interval or (0.0, 0.0)
    assert low < (score.value or 0) < high
    # the root mean square of normal numbers is 1 with an error of sqrt(1 / 2n) for n = 400
    assert (high - low) / (2 * 1.96) == pytest.approx(np.sqrt(1 / 800), rel=0.25)


def test_labels_of_unseen_categories_are_not_emptied() -> None:
    real = pl.DataFrame({"c": ["a", "b"] * 20})
    encoder = encoder_of(real, c="categorical")
    held = encoder.rows(pl.DataFrame({"c": ["z"] * 30}))
    score = imputation_error(lambda frame: frame, encoder.rows(real), held, rng(), share=1.0)
    assert score.reason == "there is no known cell to empty"


def test_detection_takes_as_many_rows_of_each_side_as_the_smallest_table_has() -> None:
    real, made, held = (encoded(numeric(n, n)) for n in (50, 40, 30))
    score = detection(real, made, held, rng())
    assert score.rows == 30
    assert score.details["against"] == "holdout"
    assert set(score.reference) == {"real", "shuffled"}
    assert detection(real, made, held, rng(), max_rows=12).rows == 12
    alone = detection(real, made, None, rng())
    assert (alone.rows, alone.details["against"]) == (40, "training")
    assert set(alone.reference) == {"shuffled"}
    assert detection(real, made.cut(10, rng()), held, rng()).defined
