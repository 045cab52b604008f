"""The scorer: utility and detection of any rows, by folds that equal rows do not cross."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from tablewright.errors import InputError
from tablewright.metrics.crossfit import CrossFit, stratified_folds
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.learners import LEARNERS, Design, Task
from tablewright.metrics.outcomes import proper_scores, rank_scores
from tablewright.metrics.scorer import Gain, Scorer
from tablewright.schema import Schema

SCHEMA = Schema.build({"x": "continuous", "z": "continuous", "y": "categorical"}, target="y")
NUMBERS = Schema.build({"x": "continuous", "z": "continuous", "y": "continuous"}, target="y")


def table(n: int, seed: int, noise: float = 0.7) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    y = np.where(x + z + rng.normal(0, noise, n) > 0, "b", "a")
    return pl.DataFrame({"x": x, "z": z, "y": y})


def number_table(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n))
    return pl.DataFrame({"x": x, "z": z, "y": 3 * x - z + rng.normal(0, 0.5, n)})


def flipped(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(y=pl.col("y").replace({"a": "b", "b": "a"}))


def test_folds_keep_equal_rows_together_and_classes_in_proportion() -> None:
    rows = pl.concat([table(60, 0)] * 3)
    encoder = FeatureEncoder.fit(rows, SCHEMA)
    design = Design.of(encoder.rows(rows))
    folds = stratified_folds(design.y, 5, np.random.default_rng(0), design.row_keys)
    assert all(len(set(folds[k::60])) == 1 for k in range(60))
    share = [design.y[folds == k].mean() for k in range(5)]
    assert np.ptp(share) < 0.1


def test_a_row_key_ignores_the_outcome_and_the_sign_of_zero_and_knows_missing_cells() -> None:
    rows = pl.DataFrame({"x": [0.0, -0.0, None, 0.0], "z": [1.0, 1.0, 1.0, None], "y": [*"abab"]})
    keys = Design.of(FeatureEncoder.fit(rows, SCHEMA).rows(rows)).row_keys
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_an_added_copy_of_a_real_row_is_not_learned_from_where_that_row_is_predicted() -> None:
    rng = np.random.default_rng(0)
    real = pl.DataFrame(
        {"x": rng.normal(size=120), "z": rng.normal(size=120), "y": rng.choice(["a", "b"], 120)}
    )
    scorer = Scorer(real, SCHEMA, learners=("boosted trees",))
    memorised = scorer.utility(pl.concat([real] * 5)).measures["auroc"]
    assert memorised == pytest.approx(0.5, abs=0.15)  # labels are noise: 1.0 where copies leak


def test_utility_of_a_holdout_is_that_of_scikit_learn() -> None:
    train, holdout = table(150, 0), table(90, 1)
    result = Scorer(train, SCHEMA, holdout=holdout, learners=("linear",)).utility()
    scale = train.select(pl.col("x", "z").std(ddof=0)).row(0)
    mean = train.select(pl.col("x", "z").mean()).row(0)
    inputs = [(frame.select("x", "z").to_numpy() - mean) / scale for frame in (train, holdout)]
    model = LogisticRegression(C=1.0, max_iter=1000, tol=1e-8).fit(inputs[0], train["y"])
    p = model.predict_proba(inputs[1])
    own = np.where(holdout["y"] == model.classes_[0], p[:, 0], p[:, 1])
    assert result.scores == pytest.approx(np.log(np.clip(own, 0.01, 1)), abs=5e-3)
    assert result.value == pytest.approx(result.scores.mean())


def test_sound_rows_gain_and_flipped_rows_lose_for_classes_and_numbers() -> None:
    scorer = Scorer(table(30, 0), SCHEMA, holdout=table(300, 1))
    assert scorer.gain(table(300, 2)).helps
    assert scorer.gain(flipped(table(300, 2))).interval[1] < 0
    scorer = Scorer(number_table(12, 0), NUMBERS, holdout=number_table(300, 1))
    assert scorer.gain(number_table(300, 2)).helps
    negated = number_table(300, 2).with_columns(-pl.col("y"))
    assert scorer.gain(negated).interval[1] < 0


def test_a_gain_is_the_mean_difference_of_scores_with_its_standard_error() -> None:
    scorer = Scorer(table(60, 0), SCHEMA, seed=3)
    first, second = scorer.utility(table(60, 1)), scorer.utility()
    difference = first.scores - second.scores
    result = scorer.gain(first)
    assert result.value == pytest.approx(difference.mean())
    assert result.error == pytest.approx(difference.std(ddof=1) / np.sqrt(60))
    assert result.interval[1] - result.value == pytest.approx(2.000995 * result.error)


def test_equal_holdout_rows_count_as_one_draw() -> None:
    holdout = table(50, 1)
    once = Scorer(table(60, 0), SCHEMA, holdout=holdout).gain(table(60, 2))
    thrice = Scorer(table(60, 0), SCHEMA, holdout=pl.concat([holdout] * 3)).gain(table(60, 2))
    assert thrice.value == pytest.approx(once.value)
    assert thrice.error == pytest.approx(once.error)


def test_a_gain_covers_nothing_in_nineteen_of_twenty_cases() -> None:
    """Rows of the same distribution added or not: a holdout's error is the interval's."""
    train, more = table(40, 0), table(40, 10_000)
    big = Scorer(train, SCHEMA, holdout=table(4000, 20_000), learners=("linear",)).gain(more).value
    result = [
        Scorer(train, SCHEMA, holdout=table(100, seed), learners=("linear",)).gain(more)
        for seed in range(60)
    ]
    inside = sum(gain.interval[0] <= big <= gain.interval[1] for gain in result)
    assert inside >= 52  # binomial(60, 0.95) is below 52 in 1 of 500 cases


def test_a_measure_can_be_compared_by_resampling() -> None:
    scorer = Scorer(table(40, 0), SCHEMA, holdout=table(200, 1))
    result = scorer.gain(flipped(table(200, 2)), measure="auroc")
    assert isinstance(result, Gain)
    assert result.interval[1] < 0 < result.error


def test_same_seed_same_scores_and_calls_do_not_disturb_each_other() -> None:
    first, again = Scorer(table(80, 0), SCHEMA, seed=5), Scorer(table(80, 0), SCHEMA, seed=5)
    first.detection(table(50, 3))
    assert first.utility(table(40, 1)).value == again.utility(table(40, 1)).value
    assert first.detection(table(50, 3)).auc == again.detection(table(50, 3)).auc
    assert Scorer(table(80, 0), SCHEMA, seed=6).utility().value != again.utility().value


def test_rows_alone_are_learned_without_the_real_ones() -> None:
    scorer = Scorer(table(200, 0), SCHEMA, holdout=table(200, 1))
    assert scorer.utility(flipped(table(200, 2)), alone=True).measures["auroc"] < 0.2
    assert scorer.utility(table(200, 2), alone=True).measures["auroc"] > 0.8


def test_no_rows_alone_know_nothing() -> None:
    scorer = Scorer(table(40, 0), SCHEMA)
    result = scorer.utility(table(1, 0).clear(), alone=True)
    assert result.value == pytest.approx(np.log(0.5))
    assert scorer.gain(table(1, 0).clear()).value == 0.0


def test_a_class_of_one_row_and_a_missing_target_are_borne() -> None:
    rows = (
        table(30, 0)
        .with_row_index()
        .with_columns(
            y=pl.when(pl.col("index") == 0).then(pl.lit("c")).when(pl.col("index") > 1).then("y")
        )
    )
    result = Scorer(rows.drop("index"), SCHEMA).utility()
    assert len(result.scores) == 29
    assert np.isfinite(result.value)


def test_without_a_target_or_with_one_class_utility_says_why() -> None:
    schema = Schema.build({"x": "continuous", "z": "continuous", "y": "categorical"})
    with pytest.raises(InputError, match="no target was named"):
        Scorer(table(40, 0), schema).utility()
    one = Scorer(table(40, 0).with_columns(y=pl.lit("a")), SCHEMA)
    assert one.task is None
    assert "has one value" in one.reason


def test_detection_is_half_for_fresh_rows_and_one_for_shifted_ones() -> None:
    scorer = Scorer(table(200, 0), SCHEMA, holdout=table(200, 1))
    fresh = scorer.detection(table(200, 2))
    assert abs(fresh.auc - 0.5) < 3 * fresh.error
    shifted = table(300, 2).with_columns(pl.col("x") + 9)
    result = scorer.detection(shifted)
    assert result.value > 0.99
    assert max(result.columns, key=lambda name: result.columns[name]) == "x"
    assert result.rows.shape == (300,)
    assert result.rows.min() > 0.9


def test_detection_of_copies_is_no_better_than_half() -> None:
    train = table(150, 0)
    result = Scorer(train, SCHEMA).detection(train)
    assert result.auc == pytest.approx(0.5, abs=0.02)  # equal rows across folds give 0.1 or so


def test_a_row_that_looks_generated_scores_higher_than_one_that_does_not() -> None:
    rows = pl.concat([table(100, 2), table(100, 3).with_columns(pl.col("z") + 6)])
    for learner in LEARNERS:
        scores = Scorer(table(200, 0), SCHEMA).detection(rows, learner).rows
        assert scores[100:].min() > np.median(scores[:100])


def test_too_few_rows_to_tell_apart_are_refused() -> None:
    with pytest.raises(InputError, match="9 rows are too few to tell apart"):
        Scorer(table(50, 0), SCHEMA).detection(table(9, 1))


def test_a_frame_needs_a_schema() -> None:
    with pytest.raises(InputError, match="give one"):
        Scorer(table(50, 0))


def test_the_auc_of_folds_is_not_biased_where_labels_are_noise() -> None:
    """Leave-one-out pooled scores of a model of class shares rank every row wrongly."""
    values = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        frame = table(40, seed).with_columns(y=pl.Series(rng.permutation(["a"] * 20 + ["b"] * 20)))
        values.append(Scorer(frame, SCHEMA, seed=seed).utility().measures["auroc"])
    assert np.mean(values) == pytest.approx(0.5, abs=0.07)  # three standard errors


def test_a_function_may_choose_the_rows_by_the_real_rows_of_the_other_folds() -> None:
    encoder = FeatureEncoder.fit(table(50, 0), SCHEMA)
    real, pool = (Design.of(encoder.rows(table(n, n))) for n in (50, 20))
    sizes: list[int] = []

    def chosen(known: Design) -> Design:
        sizes.append(len(known))
        return pool.take(np.arange(5))

    CrossFit(real, Task(2, 1, 3, 10, ("linear",)), [0]).predict(chosen)
    assert sizes == [40] * 5


def test_proper_scores_are_best_for_the_true_probabilities() -> None:
    rng = np.random.default_rng(0)
    y = (rng.random(4000) < 0.3).astype(float)
    means = {p: proper_scores(y, np.tile([1 - p, p], (4000, 1))).mean() for p in (0.1, 0.3, 0.6)}
    assert max(means, key=lambda p: means[p]) == 0.3
    assert proper_scores(np.array([1.0]), np.array([[1.0, 0.0]]))[0] == pytest.approx(np.log(0.01))


def test_rank_scores_do_not_change_with_confidence() -> None:
    y = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    p = np.array([0.2, 0.6, 0.5, 0.7, 0.9])
    sharp = p**3 / (p**3 + (1 - p) ** 3)
    both = [rank_scores(y, np.column_stack([1 - q, q])) for q in (p, sharp)]
    assert both[0] == pytest.approx(both[1])
    # row 2 is a tie between the classes: the first one is taken, which is not its own
    assert both[0].tolist() == pytest.approx(
        [0.5 + 1.25 / 2, 0 + 2 / 3 * 1.25 / 2, 0 + 0.5 * 5 / 6 / 2, 0.5 + 5 / 12, 0.5 + 5 / 12]
    )


def test_the_auc_is_averaged_over_folds_by_their_pairs_and_then_over_classes() -> None:
    scorer = Scorer(table(60, 0), SCHEMA, learners=("linear",), seed=2)
    result = scorer.utility()
    y, p = scorer.crossfit.test.y.astype(int), result.predictions["linear"]
    folds = scorer.crossfit.folds[0]
    each = []
    for label in (0, 1):
        areas, pairs = [], []
        for fold in range(5):
            inside = folds == fold
            areas.append(roc_auc_score(y[inside] == label, p[inside, label]))
            pairs.append((y[inside] == label).sum() * (y[inside] != label).sum())
        each.append(np.average(areas, weights=pairs))
    assert result.measures["auroc"] == pytest.approx(np.mean(each))
    assert result.measures["auroc"] > 0.8


def test_rows_beyond_the_largest_number_are_drawn_and_the_rest_left_out() -> None:
    scorer = Scorer(table(80, 0), SCHEMA, holdout=table(90, 1), max_rows=30)
    assert len(scorer.real) == len(scorer.holdout or []) == 30
    assert len(scorer.utility().scores) == 30
    assert len(scorer.detection(table(100, 2)).rows) == 100


def test_trees_judge_beside_the_linear_model_from_a_hundred_rows_on() -> None:
    few, many = Scorer(table(99, 0), SCHEMA), Scorer(table(100, 0), SCHEMA)
    assert few.task is not None
    assert many.task is not None
    assert few.task.learners == ("linear",)
    assert many.task.learners == LEARNERS
    assert Scorer(table(30, 0), SCHEMA, learners=LEARNERS).task.learners == LEARNERS  # type: ignore[union-attr]  # it has a target


def test_a_difference_of_one_row_has_no_interval() -> None:
    scorer = Scorer(table(60, 0), SCHEMA, holdout=table(1, 1))
    gain = scorer.paired(np.array([0.5]))
    assert (gain.value, gain.error, gain.interval) == (0.5, np.inf, (-np.inf, np.inf))
    assert not gain.helps


def test_equal_rows_are_summed_before_their_spread_is_taken() -> None:
    holdout = table(3, 1)
    scorer = Scorer(table(60, 0), SCHEMA, holdout=pl.concat([holdout, holdout[:1]]))
    assert scorer.keys.tolist() == [0, 1, 2, 0]
    gain = scorer.paired(np.array([1.0, 2.0, 3.0, 4.0]))
    sums = np.array([(1 - 2.5) + (4 - 2.5), 2 - 2.5, 3 - 2.5])
    assert gain.error == pytest.approx(np.sqrt((sums**2).sum() * 3 / 2) / 4)


def test_measures_are_compared_with_an_error_from_resampled_rows() -> None:
    scorer = Scorer(table(40, 0), SCHEMA, holdout=table(150, 1), learners=("linear",))
    first, second = scorer.utility(flipped(table(200, 2))), scorer.utility()
    gain = scorer.gain(first, over=second, measure="balanced_accuracy")
    y = scorer.crossfit.test.y
    hits = [u.predictions["linear"].argmax(axis=1) == y for u in (first, second)]
    value = sum(
        sign * np.mean([hit[y == label].mean() for label in (0, 1)])
        for sign, hit in zip((1, -1), hits, strict=True)
    )
    assert gain.value == pytest.approx(value)
    differences = hits[0].astype(float) - hits[1]
    by_class = [differences[y == label] for label in (0, 1)]
    error = np.sqrt(sum(d.var() / len(d) for d in by_class)) / 2
    assert gain.error == pytest.approx(error, rel=0.35)  # sixty draws: four standard errors


def test_no_rows_at_all_and_real_rows_alone_are_asked_once() -> None:
    scorer = Scorer(table(60, 0), SCHEMA)
    assert scorer.utility() is scorer.utility()
    assert scorer.utility(table(20, 1)) is not scorer.utility(table(20, 1))
    assert scorer.gain(scorer.utility()).value == 0.0
