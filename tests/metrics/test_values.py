"""Encoding, associations, distances and copies with values worked by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tablewright.metrics import copies, fidelity, privacy
from tablewright.metrics.associations import (
    associations,
    correlation_ratio,
    cramers_v,
    rank_correlations,
)
from tablewright.metrics.detection import _averaged, _losses, _pairs, detection, discriminate
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.imputation import imputation_error
from tablewright.metrics.learners import Design
from tablewright.metrics.logic import rule_violations, xmodal
from tablewright.metrics.neighbours import distance_blocks, nearest
from tablewright.metrics.outcomes import auc_error, classification, regression
from tablewright.metrics.references import Measured, Metric, spread
from tablewright.metrics.scores import Direction, Score
from tablewright.metrics.support import cluster_shares
from tablewright.rules import as_rules
from tablewright.schema import Schema
from tests.metrics.tables import distance_ratio, distance_share, near_copies


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def encoder_of(frame: pl.DataFrame, target: str | None = None, **kinds: object) -> FeatureEncoder:
    return FeatureEncoder.fit(frame, Schema.build(kinds, target=target))


def numeric(n_rows: int, seed: int, n_columns: int = 2) -> pl.DataFrame:
    return pl.DataFrame(rng(seed).normal(size=(n_rows, n_columns)), schema=[*"abcdef"][:n_columns])


def encoded(frame: pl.DataFrame, like: pl.DataFrame | None = None) -> EncodedRows:
    base = frame if like is None else like
    return encoder_of(base, **dict.fromkeys(base.columns, "continuous")).rows(frame)


# features -------------------------------------------------------------------------


def test_levels_come_by_frequency_then_by_name_and_unseen_ones_share_a_code() -> None:
    frame = pl.DataFrame({"c": ["b", "a", "c", "c", None]})
    encoder = encoder_of(frame, c="categorical")
    assert encoder.features[0].levels == ("c", "a", "b")
    codes = encoder.rows(pl.DataFrame({"c": ["a", "b", "c", "x", None, " a "]})).values[:, 0]
    assert codes.tolist()[:4] == [1.0, 2.0, 0.0, 3.0]
    assert np.isnan(codes[4])
    assert codes[5] == 1.0  # blanks around a label are no other label


def test_a_discrete_column_without_any_value_has_no_level() -> None:
    frame = pl.DataFrame({"c": pl.Series([None, None], dtype=pl.String)})
    encoder = encoder_of(frame, c="categorical")
    codes = encoder.rows(pl.DataFrame({"c": ["a", None]})).values[:, 0]
    assert codes[0] == 0.0
    assert np.isnan(codes[1])


@pytest.mark.parametrize(
    ("real", "other"),
    [
        ([1, 2, 2], ["2", "1.0", " 2 "]),
        ([1, 2, 2], [2.0, 1.0, 2.0]),
        ([1.5, 2.0, 2.0], ["2.0", "1.5", "2"]),
        ([True, False, False], ["FALSE", "1", "0.0"]),
        ([True, False, False], [0, 1, 0]),
        (["2", "1", "2"], [2.0, 1.0, 2.0]),
    ],
)
def test_labels_do_not_depend_on_how_they_were_stored(
    real: list[object], other: list[object]
) -> None:
    encoder = encoder_of(pl.DataFrame({"c": real}), c="categorical")
    codes = encoder.rows(pl.DataFrame({"c": other})).values[:, 0]
    assert codes[0] == codes[2] != codes[1]
    assert codes.max() < 2  # none is new


def test_numbers_are_binned_at_deciles_and_missing_ones_last() -> None:
    frame = pl.DataFrame({"x": np.arange(1.0, 101.0)})
    feature = encoder_of(frame, x="continuous").features[0]
    assert feature.n_bins == 11
    assert np.diff(feature.edges) == pytest.approx(np.full(8, 10), abs=1)
    bins = feature.binned(np.array([-5.0, 1.0, 100.0, 999.0, np.nan]))
    assert bins.tolist() == [0, 0, 9, 9, 10]
    assert np.bincount(feature.binned(frame["x"].to_numpy())).tolist() == pytest.approx(
        [10] * 10, abs=1
    )


def test_an_edge_belongs_to_the_bin_above_it() -> None:
    feature = encoder_of(pl.DataFrame({"x": [0.0, 0.0, 0.0, 1.0]}), x="continuous").features[0]
    assert feature.edges.tolist() == [0.0, 1.0]
    assert feature.binned(np.array([-1.0, 0.0, 0.5, 1.0])).tolist() == [0, 1, 1, 2]


def test_standard_scores_end_at_twenty_and_a_flat_column_has_scale_one() -> None:
    frame = pl.DataFrame({"x": [0.0, 2.0], "k": [3.0, 3.0]})
    rows = encoder_of(frame, x="continuous", k="continuous").rows(
        pl.DataFrame({"x": [1e6, -1e6, None], "k": [3.0, 4.5, 3.0]})
    )
    assert rows.standardised().tolist() == [
        [20.0, 0.0, 0.0, 0.0], [-20.0, 0.0, 1.5, 0.0], [0.0, 1.0, 0.0, 0.0]
    ]  # fmt: skip
    assert rows.standardised(without=0).tolist() == [[0.0, 0.0], [1.5, 0.0], [0.0, 0.0]]


def test_coordinates_span_one_unit_and_two_categories_are_one_apart() -> None:
    frame = pl.DataFrame({"x": [10.0, 20.0], "c": ["a", "b"]})
    rows = encoder_of(frame, x="continuous", c="categorical").rows(
        pl.DataFrame({"x": [10.0, 20.0, 1e9, None], "c": ["a", "b", "a", "a"]})
    )
    at = rows.embedded
    assert at[:3, 0].tolist() == [0.0, 1.0, 6.0]
    assert at[3, :2].tolist() == [0.5, 1.0]  # the mean, marked as missing
    assert np.linalg.norm(at[0, 2:] - at[1, 2:]) == pytest.approx(1.0)


def test_rare_levels_beyond_thirty_share_an_indicator() -> None:
    names = [f"k{j:02}" for j in range(35) for _ in range(40 - j)]
    encoder = encoder_of(pl.DataFrame({"c": names}), c="categorical")
    rows = encoder.rows(pl.DataFrame({"c": ["k00", "k29", "k30", "k34", "new", None]}))
    assert rows.standardised().argmax(axis=1).tolist() == [0, 29, 30, 30, 30, 31]
    assert rows.standardised().shape == (6, 32)


def test_times_spans_and_clock_times_are_numbers() -> None:
    frame = pl.DataFrame(
        {
            "at": [dt.datetime(1970, 1, 2, 12), dt.datetime(1970, 1, 3)],
            "took": [dt.timedelta(minutes=1), dt.timedelta(seconds=1)],
            "clock": [dt.time(12), dt.time(0)],
        }
    )
    rows = encoder_of(frame, at="datetime", took="timedelta", clock="datetime").rows(frame)
    assert rows.values.tolist() == [[1.5, 60.0, 0.5], [2.0, 1.0, 0.0]]
    text = encoder_of(frame.select("at"), at="datetime").rows(
        pl.DataFrame({"at": ["1970-01-02 06:00:00", "?"]})
    )
    assert text.values[0, 0] == 1.25
    assert np.isnan(text.values[1, 0])


def test_texts_count_by_their_length_and_infinite_numbers_are_missing() -> None:
    frame = pl.DataFrame({"t": ["abc", None], "x": [np.inf, 1.0]})
    rows = encoder_of(frame, t="text", x="continuous").rows(frame)
    assert rows.values[0, 0] == 3.0
    assert np.isnan(rows.values[1, 0])
    assert np.isnan(rows.values[0, 1])
    assert encoder_of(frame, t="text", x="continuous").features[1].high == 1.0


@pytest.mark.parametrize(
    ("column", "decimals"),
    [
        ({"kind": "integer", "decimals": 3}, 0),
        ({"kind": "continuous", "decimals": 2}, 2),
        ("continuous", 9),
    ],
)
def test_numbers_are_compared_at_the_decimals_of_the_schema(column: object, decimals: int) -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0]})
    assert encoder_of(frame, x=column).features[0].decimals == decimals


def test_cells_are_compared_as_written_and_minus_zero_is_zero() -> None:
    frame = pl.DataFrame({"x": [1.004, -0.001, None], "t": ["A", "B", None], "c": ["u", "v", None]})
    encoder = encoder_of(frame, x={"kind": "continuous", "decimals": 2}, t="text", c="categorical")
    rows = encoder.rows(frame.with_columns(c=pl.Series(["u", "w", None])))
    assert rows.take_column(0).to_list() == [1.0, 0.0, None]
    assert not np.signbit(rows.take_column(0).to_numpy()[1])
    assert rows.take_column(1).to_list() == ["A", "B", None]
    assert rows.take_column(2).to_list() == ["0.0", "unseen w", None]


def test_rows_are_taken_by_mask_or_number_and_cut_in_order() -> None:
    frame = pl.DataFrame({"x": [5.0, 6.0, 7.0, 8.0]})
    rows = encoder_of(frame, x="continuous").rows(frame)
    assert rows.take(np.array([True, False, False, True])).values.ravel().tolist() == [5.0, 8.0]
    assert rows.take([3, 0]).frame["x"].to_list() == [8.0, 5.0]
    assert rows.cut(4, rng()) is rows
    cut = rows.cut(3, rng()).values.ravel().tolist()
    assert cut == sorted(set(cut))
    assert len(cut) == 3


def test_an_ordinal_column_with_an_undeclared_level_is_a_plain_category() -> None:
    frame = pl.DataFrame({"size": ["s", "m", "huge"]})
    feature = encoder_of(frame, size={"kind": "ordinal", "categories": ["s", "m"]}).features[0]
    assert feature.ranks is None


def test_without_rows_or_columns_there_is_nothing_and_one_sentence() -> None:
    with pytest.raises(ValueError, match="the training table has no rows"):
        encoder_of(pl.DataFrame({"x": pl.Series([], dtype=pl.Float64)}), x="continuous")
    only = encoder_of(pl.DataFrame({"id": ["a", "b"]}), id="identifier")
    rows = only.rows(pl.DataFrame({"id": ["c"]}))
    assert rows.values.shape == rows.embedded.shape == rows.binned.shape == (1, 0)
    assert only.target is None


# associations ---------------------------------------------------------------------


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


# shapes, ranges and references ----------------------------------------------------


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


# distances ------------------------------------------------------------------------


def test_distances_are_the_same_whatever_the_size_of_a_block() -> None:
    draws = rng()
    query, reference = (draws.random((n, 3), dtype=np.float32) * 2 for n in (70, 4100))
    expected = np.minimum(np.abs(query[:, None] - reference[None]), 1).mean(axis=2)
    seen = np.empty_like(expected)
    for at, block in distance_blocks(query, reference):
        seen[at] = block
    assert seen == pytest.approx(expected, abs=1e-5)
    distances, indices = nearest(query, reference, 3)
    assert distances == pytest.approx(np.sort(expected, axis=1)[:, :3], abs=1e-5)
    assert indices[:, 0].tolist() == expected.argmin(axis=1).tolist()
    assert (np.diff(distances, axis=1) >= 0).all()


def line(*values: float) -> EncodedRows:
    real = pl.DataFrame({"a": [0.0, 100.0]})
    return encoded(pl.DataFrame({"a": [float(v) for v in values]}), real)


def test_near_copies_lie_within_the_first_percentile_of_holdout_distances() -> None:
    real, held = line(*range(0, 100, 2)), line(*(2 * i + 0.5 + 0.01 * i for i in range(25)))
    made = line(0.1, 2.2, 4.4, 7.0, 9.0)
    score = near_copies(real, made, held, rng())
    assert score.details == {"count": 3, "border": pytest.approx(0.005, rel=1e-3)}
    assert score.value == pytest.approx(3 / 5)
    assert score.reference["real"] == 0.04  # the nearest of 25


def test_the_distance_ratio_is_small_beside_one_lonely_training_row() -> None:
    real = line(*range(20), 90)
    held = line(*[0.5 + x % 19 for x in range(20)])
    made = line(*([89.0] * 10))
    score = distance_ratio(real, made, held, rng())
    assert score.value == pytest.approx(1 / 70, rel=1e-3)
    assert score.reference["real"] == pytest.approx(1.0, abs=1e-4)  # half way between two rows
    assert score.reference["copy"] == 0.0
    assert score.interval == pytest.approx((1 / 70, 1 / 70), rel=1e-3)


def test_too_few_rows_for_distances_say_what_is_needed() -> None:
    few, many = line(*range(19)), line(*range(40))
    for metric in (distance_share, distance_ratio, near_copies):
        assert "20 holdout rows" in metric(many, many, few, rng()).reason
        assert "20 holdout rows" in metric(many, many, None, rng()).reason
    assert privacy.membership_inference(few, many, many, rng()).value is None
    assert "40 generated rows" in privacy.density_inference(many, few, many, rng()).reason


def test_an_attacker_finds_members_where_generated_rows_are_copies() -> None:
    draws = rng()
    real, held = (line(*draws.uniform(0, 100, 60)) for _ in range(2))
    score = privacy.membership_inference(real, real, held, rng())
    assert score.value == score.reference["copy"]
    assert (score.value or 0) > 0.95
    assert score.details["hits_at_1%_false_alarms"] > 0.9
    assert score.details["auc_of_isolated"] == 1.0
    fresh = privacy.membership_inference(real, line(*draws.uniform(0, 100, 60)), held, rng())
    assert fresh.value == pytest.approx(0.5, abs=0.16)  # three standard errors
    low, high = fresh.interval or (0.0, 0.0)
    assert (high - low) / 2 == pytest.approx(1.96 * 0.053, rel=0.15)  # sqrt((60+60+1)/12)/60


def test_density_is_compared_with_holdout_rows_that_are_no_members_of_either_side() -> None:
    """One holdout sample in both roles would be nearest to itself: AUC far above one half."""
    draws = rng(3)
    real, made, held = (line(*draws.uniform(0, 100, 400)) for _ in range(3))
    fresh = privacy.density_inference(real, made, held, rng())
    assert fresh.rows == 200
    assert fresh.value == pytest.approx(0.5, abs=0.09)  # three standard errors
    copied = privacy.density_inference(real, real, held, rng())
    assert (copied.value or 0) > 0.55
    assert (copied.value or 0) > (fresh.value or 1)


def test_a_share_stands_with_its_count_and_wilsons_interval() -> None:
    score = privacy.share_score("s", 3, 10, "says", {"real": 0.1}, {"more": 1})
    z, p, n = 1.959964, 0.3, 10
    centre = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    width = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    assert score.interval == pytest.approx((centre - width, centre + width))
    assert score.details == {"count": 3, "more": 1}
    assert privacy.share_score("s", 0, 10, "", {}).interval[0] == 0.0  # type: ignore[index]  # a pair
    assert privacy.share_score("s", 10, 10, "", {}).interval[1] == 1.0  # type: ignore[index]  # a pair


# copies ---------------------------------------------------------------------------

WORDS = Schema.build(dict.fromkeys([*"abcde"], "categorical"))


def words(*rows: str) -> pl.DataFrame:
    return pl.DataFrame([list(row) for row in rows], schema=[*"abcde"], orient="row")


def test_rows_that_differ_in_one_column_are_counted_by_column() -> None:
    train = words("uvwxy", "pqrst")
    encoder = FeatureEncoder.fit(train, WORDS)
    made = encoder.rows(words("uvwxZ", "Zqrst", "uvwxy", "uvwZZ"))
    held = encoder.rows(words("pqrsZ", "ZZZZZ"))
    score = copies.one_off_copies(encoder.rows(train), made, held, rng())
    assert score.value == 0.5
    assert score.details == {"count": 2, "columns": {"a": 1, "e": 1}}
    assert score.reference == {"real": 0.5}
    narrow = encoder_of(train, a="categorical", b="categorical").rows(train)
    assert copies.one_off_copies(narrow, narrow, None, rng()).reason.startswith(
        "it needs 3 columns"
    )


def test_rows_moved_to_either_side_are_counted_and_those_of_two_values_are_not() -> None:
    train = words("uvwxy", "ppqpq")
    encoder = FeatureEncoder.fit(train, WORDS)
    right, left = words("-uvwy"), words("vwx-y")
    flat = words("pppqq")  # its cells are of too few kinds to prove anything
    made = encoder.rows(pl.concat([right, left, flat, words("uvwxy")]))
    score = copies.shifted_copies(encoder.rows(train), made, encoder.rows(right), rng())
    assert score.details["count"] == 2
    assert score.reference["real"] == 1.0


def test_moved_cells_are_compared_across_types() -> None:
    train = pl.DataFrame({"a": [1, 4], "b": [2.0, 5.5], "c": ["3", "6"], "d": [9, 8], "e": [*"yz"]})
    encoder = encoder_of(
        train, a="integer", b="continuous", c="categorical", d="integer", e="categorical"
    )
    moved = pl.DataFrame(
        {"a": [0, 0], "b": [1.0, 4.0], "c": ["2.0", "5.5"], "d": [3, 6], "e": [*"yz"]}
    )
    score = copies.shifted_copies(encoder.rows(train), encoder.rows(moved), None, rng())
    assert score.value == 1.0


def test_copies_that_were_rescaled_in_part_are_found_by_pairs_of_rows() -> None:
    """Half of the rows are fresh: means and spreads of the whole give no line."""
    draws = rng(5)

    def table(n: int) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "g": draws.choice([f"k{i}" for i in range(40)], n),
                "x": draws.gamma(2, 3, n),
                "z": draws.gamma(3, 2, n),
            }
        )

    train = table(300)
    scaled = train[:150].with_columns(pl.col("x") * 2 + 5, pl.col("z") * -3 + 1)
    made = pl.concat([scaled, table(60)])
    encoder = encoder_of(train, g="categorical", x="continuous", z="continuous")
    score = copies.rescaled_copies(encoder.rows(train), encoder.rows(made), None, rng())
    assert score.value == pytest.approx(150 / 210, abs=0.02)
    assert score.details["lines"]["x"] == pytest.approx([2.0, 5.0], rel=1e-3)
    assert score.details["lines"]["z"] == pytest.approx([-3.0, 1.0], rel=1e-3)
    assert (
        copies.rescaled_copies(encoder.rows(train), encoder.rows(made[:0]), None, rng()).value
        is None
    )


# detection ------------------------------------------------------------------------


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


# outcomes -------------------------------------------------------------------------


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


# imputation and rules -------------------------------------------------------------


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


def test_density_ratios_are_those_of_the_fifth_nearest_rows_of_equal_samples() -> None:
    draws = rng(4)
    real, made, held = (draws.uniform(0, 100, n) for n in (40, 70, 100))
    score = privacy.density_inference(line(*real), line(*made), line(*held), rng())
    order = rng().permutation(100)
    others, known = held[order[:40]], held[order[-40:]]  # as many as there are members

    def fifth(points: np.ndarray[Any, Any], among: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.sort(np.abs(points[:, None] - among[None]), axis=1)[:, 4]

    ratios = [np.log(fifth(x, known) / 100 + 1e-6) - np.log(fifth(x, made) / 100 + 1e-6)
              for x in (others, real)]  # fmt: skip
    above = (ratios[1][:, None] > ratios[0][None]).mean()
    assert score.value == pytest.approx(above, abs=1e-3)
    copies_of_members = [np.log(fifth(x, known) / 100 + 1e-6) - np.log(fifth(x, real) / 100 + 1e-6)
                         for x in (others, real)]  # fmt: skip
    expected = (copies_of_members[1][:, None] > copies_of_members[0][None]).mean()
    assert score.reference["copy"] == pytest.approx(expected, abs=1e-3)
    assert score.rows == 40


def distances_of(first: Any, second: Any, **more: Any) -> privacy.Distances:
    first, second = (np.asarray(x, dtype=float) for x in (first, second))
    plain = {"nearer": np.zeros(len(first)), "as_near": np.zeros(len(first)), "base_first": first,
             "base_second": second, "n_real": 20, "n_holdout": 20}  # fmt: skip
    return privacy.Distances(first, second, **{**plain, **more})


def test_the_interval_of_a_distance_ratio_is_that_of_two_hundred_resamples() -> None:
    first = np.linspace(0.01, 0.9, 90)
    second = np.ones(90)
    score = privacy.distance_ratio(distances_of(first, second), rng())
    draws = rng()
    points = [np.percentile(draws.choice(first, 90), 5) for _ in range(200)]
    assert score.value == pytest.approx(np.percentile(first, 5))
    assert score.interval == pytest.approx(tuple(np.percentile(points, [2.5, 97.5])))
    assert score.reference == {"real": score.value, "copy": 0.0}
    equal = privacy.distance_ratio(distances_of([0.0, 0.0], [0.0, 0.0]), rng())
    assert equal.value == 1.0  # beside two equal rows


def test_a_distance_share_is_the_mean_chance_of_a_nearer_training_row() -> None:
    """Of 30 training rows 20 are drawn; 3 are nearer than the holdout, and 5 as near."""
    nearer, as_near = np.array([3.0, 0.0]), np.array([5.0, 0.0])
    found = distances_of([0.1, 0.2], [0.3, 0.4], nearer=nearer, as_near=as_near, n_real=30)
    score = privacy.distance_share(found)
    chances = [1 - stats.hypergeom(30, k, 20).pmf(0) for k in (3, 5)]
    each = np.array([np.mean(chances), 0.0])
    assert score.value == pytest.approx(each.mean())
    width = 1.96 * each.std() / np.sqrt(2)
    assert score.interval == pytest.approx(
        (max(0, each.mean() - width), min(1, each.mean() + width))
    )
    assert score.reference == {"real": 0.5, "copy": 1.0}
    assert score.details["distance_to_training"]["50%"] == pytest.approx(0.15)
    assert score.details["holdout_to_training"]["5%"] == pytest.approx(0.105)


@pytest.mark.parametrize(("n_values", "varies"), [(4, False), (5, True)])
def test_a_column_of_five_values_may_be_rescaled(n_values: int, varies: bool) -> None:
    rows = line(*range(n_values), 0)
    assert copies._varies(rows, 0) is varies


def test_a_column_is_familiar_where_half_of_its_values_are_real_ones() -> None:
    real = pl.DataFrame({"a": [1.0, 2.0, 3.0, 4.0], "b": [1.0, 2.0, 3.0, 4.0]})
    other = pl.DataFrame({"a": [1.0, 2.0, 9.0, 9.5], "b": [1.0, 8.0, 9.0, 9.5]})
    assert copies._familiar(encoded(real), encoded(other, real)) == [0]


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


def test_missing_cells_are_alike_and_far_from_any_value() -> None:
    frame = pl.DataFrame({"a": [0.0, 10.0]})
    rows = encoded(pl.DataFrame({"a": [None, 0.0, 4.0]}, schema={"a": pl.Float64}), frame)
    blocks = {at.start: block.copy() for at, block in distance_blocks(rows.gower, rows.gower)}
    assert blocks[0].tolist() == pytest.approx(
        np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.4], [1.0, 0.4, 0.0]]), abs=1e-6
    )


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
