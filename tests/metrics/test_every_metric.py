"""What holds for every metric: metrics of one table against another, on hard inputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from tablewright.metrics import copies, detection, fidelity, privacy, support
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.scores import Direction, Score
from tests.metrics.tables import (
    SCHEMA,
    distance_ratio,
    distance_share,
    draw,
    near_copies,
    noise,
    three,
)

Metric = Callable[[EncodedRows, EncodedRows, EncodedRows | None, np.random.Generator], Score]

FIDELITY: list[Metric] = [
    fidelity.column_shapes,
    fidelity.association_difference,
    fidelity.contingency_similarity,
    fidelity.missing_difference,
    fidelity.range_adherence,
    detection.detection,
    support.alpha_precision,
    support.beta_recall,
    support.coverage,
    support.density,
    support.cluster_shares,
]
PRIVACY: list[Metric] = [
    privacy.exact_copies,
    near_copies,
    privacy.internal_duplicates,
    distance_share,
    distance_ratio,
    privacy.membership_inference,
    privacy.density_inference,
    support.authenticity,
]
CHANGED: list[Metric] = [
    copies.one_off_copies,
    copies.shifted_copies,
    copies.rescaled_copies,
]
EVERY = FIDELITY + PRIVACY + CHANGED


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def badness(score: Score) -> float:
    assert score.value is not None, score.reason
    if score.direction is Direction.TARGET:
        assert score.ideal is not None
        return max(0.0, score.value - score.ideal)
    return score.value if score.direction is Direction.LOWER else -score.value


HARD: dict[str, Callable[[], pl.DataFrame]] = {
    "copy": lambda: draw(300, 1),
    "one row repeated": lambda: pl.concat([draw(1, 5)] * 150),
    "noise": lambda: noise(150, 3),
    "unseen category": lambda: draw(150, 3).with_columns(city=pl.lit("yew")),
    "constant column": lambda: draw(150, 3).with_columns(age=pl.lit(40)),
    "one class": lambda: draw(150, 3).with_columns(label=pl.lit("no")),
    "one row": lambda: draw(1, 3),
    "all missing column": lambda: draw(150, 3).with_columns(income=pl.lit(None, pl.Float64)),
    "other types": lambda: draw(150, 3).select(pl.all().cast(pl.String)),
}


@pytest.mark.parametrize("metric", EVERY)
@pytest.mark.parametrize("case", HARD)
def test_hard_rows_give_a_value_or_a_reason(metric: Metric, case: str) -> None:
    encoder, real, holdout = three()
    score = metric(real, encoder.rows(HARD[case]()), holdout, rng())
    assert score.value is None or np.isfinite(score.value)
    assert (score.value is None) == bool(score.reason)


@pytest.mark.parametrize("metric", EVERY)
def test_real_tables_with_a_missing_or_a_constant_column_are_judged(metric: Metric) -> None:
    hollow = {"income": pl.lit(None, pl.Float64), "city": pl.lit("ash")}
    train, result, held = (
        draw(n, s).with_columns(**hollow) for n, s in [(200, 1), (90, 2), (90, 3)]
    )
    encoder = FeatureEncoder.fit(train, SCHEMA)
    assert metric(encoder.rows(train), encoder.rows(result), encoder.rows(held), rng()).defined


@pytest.mark.parametrize("metric", EVERY)
def test_same_seed_same_value(metric: Metric) -> None:
    encoder, real, holdout = three()
    result = encoder.rows(draw(250, 3))
    first, again = (metric(real, result, holdout, rng()) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("metric", EVERY)
def test_without_a_holdout_there_is_a_value_or_a_reason(metric: Metric) -> None:
    encoder, real, _ = three()
    score = metric(real, encoder.rows(draw(150, 3)), None, rng())
    assert score.defined or "holdout" in score.reason


@pytest.mark.parametrize("metric", EVERY)
def test_row_order_does_not_matter_where_all_rows_are_taken(metric: Metric) -> None:
    encoder, real, holdout = three(200, 200)
    result = encoder.rows(draw(200, 3))
    mixed = result.take(np.random.default_rng(9).permutation(200))
    first, again = (
        metric(real, result, holdout, rng()).value,
        metric(real, mixed, holdout, rng()).value,
    )
    assert first is not None
    assert again is not None
    # Detection deals rows to folds by their order: two draws of an AUC, each with an error of 0.03.
    assert first == pytest.approx(again, abs=0.12 if metric is detection.detection else 1e-9)


def fresh_shuffled_and_noise() -> tuple[EncodedRows, EncodedRows, list[EncodedRows]]:
    """Return real rows, their holdout, and three tables that are ever less like them."""
    encoder, real, holdout = three(600, 400)
    shuffled = real.shuffled(rng()).cut(400, rng())
    return real, holdout, [encoder.rows(draw(400, 3)), shuffled, encoder.rows(noise(400, 3))]


def test_contingencies_rank_fresh_rows_shuffled_columns_and_noise() -> None:
    real, holdout, tables = fresh_shuffled_and_noise()
    bad = [badness(fidelity.contingency_similarity(real, t, holdout, rng())) for t in tables]
    assert bad[0] < bad[1] < bad[2]


def test_associations_tell_fresh_rows_from_shuffled_columns_and_noise() -> None:
    """Neither of the two has any association left, so their order is open."""
    real, holdout, tables = fresh_shuffled_and_noise()
    bad = [badness(fidelity.association_difference(real, t, holdout, rng())) for t in tables]
    assert bad[0] < min(bad[1:])


def test_column_shapes_do_not_see_a_shuffle_and_do_see_noise() -> None:
    encoder, real, holdout = three(600, 400)
    rows = [encoder.rows(draw(400, 3)), real.shuffled(rng()), encoder.rows(noise(400, 3))]
    fresh, mixed, even = (fidelity.column_shapes(real, r, holdout, rng()).value or 0 for r in rows)
    assert abs(fresh - mixed) < 0.04
    assert even < fresh - 0.1


def test_detection_ranks_fresh_shuffled_and_noise() -> None:
    encoder, real, holdout = three(600, 400)
    rows = [encoder.rows(draw(400, 3)), real.shuffled(rng()), encoder.rows(noise(400, 3))]
    values = [detection.detection(real, r, holdout, rng()).value or 0 for r in rows]
    assert values[0] < 0.58
    assert values[0] < values[1] < values[2]


@pytest.mark.parametrize("metric", [m for m in PRIVACY if m is not privacy.internal_duplicates])
def test_fresh_rows_are_safer_than_copies(metric: Metric) -> None:
    encoder, real, holdout = three()
    fresh = metric(real, encoder.rows(draw(300, 3)), holdout, rng())
    copies = metric(real, encoder.rows(draw(300, 1)), holdout, rng())
    assert badness(fresh) < badness(copies)


@pytest.mark.parametrize("metric", FIDELITY)
def test_real_reference_is_close_to_fresh_rows(metric: Metric) -> None:
    encoder, real, holdout = three(600, 400)
    score = metric(real, encoder.rows(draw(400, 3)), holdout, rng())
    assert score.value is not None
    assert abs(score.value - score.reference["real"]) < 0.08
