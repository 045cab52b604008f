"""Distances and copies, with values worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tablewright.metrics import copies, privacy
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.neighbours import distance_blocks, nearest
from tablewright.schema import Schema
from tests.metrics.tables import (
    distance_ratio,
    distance_share,
    encoded,
    encoder_of,
    near_copies,
    rng,
)


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


@pytest.mark.parametrize("shift", [-1e-9, 0.0, 1e-9])
def test_a_table_that_was_rescaled_as_a_whole_lies_on_one_line(shift: float) -> None:
    real = np.arange(20.0)
    line = copies._whole_line(real, rng().permutation(2 * real + 1) + shift)
    assert line == pytest.approx((2.0, 1.0))
    assert copies._whole_line(real, rng().uniform(0, 40, 20)) is None


@pytest.mark.parametrize(
    ("n_values", "n_on_a_line", "is_line"),
    [(12, 4, False), (12, 5, True), (40, 7, False), (40, 8, True)],
)
def test_a_line_holds_five_values_and_a_fifth_of_all(
    n_values: int, n_on_a_line: int, is_line: bool
) -> None:
    x = np.arange(n_values, dtype=float)
    y = 2 * x + 1
    y[n_on_a_line:] = rng().uniform(200, 300, n_values - n_on_a_line)
    pairs = (np.arange(n_values), np.arange(n_values))
    line = copies._line(pairs, x, y, rng())
    assert line == (pytest.approx((2.0, 1.0)) if is_line else None)


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


def test_missing_cells_are_alike_and_far_from_any_value() -> None:
    frame = pl.DataFrame({"a": [0.0, 10.0]})
    rows = encoded(pl.DataFrame({"a": [None, 0.0, 4.0]}, schema={"a": pl.Float64}), frame)
    blocks = {at.start: block.copy() for at, block in distance_blocks(rows.gower, rows.gower)}
    assert blocks[0].tolist() == pytest.approx(
        np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.4], [1.0, 0.4, 0.0]]), abs=1e-6
    )
