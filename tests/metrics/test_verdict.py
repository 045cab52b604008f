"""From differences to one word, and the pieces that it rests on."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as known

from tablewright.evaluation.evaluate.baselines import default_controls
from tablewright.metrics import detection
from tablewright.metrics.learners import Design, Task
from tablewright.metrics.outcomes import auc, auc_error, classification, regression
from tablewright.metrics.trials import Arm, Draw, Outcomes, Trials, half, run_trials
from tablewright.metrics.utility import control_arms, main_arms, task_of
from tablewright.metrics.verdict import Word, judge
from tests.metrics.tables import draw, three


def trials(**arms: float) -> Trials:
    """Make trials in which every arm has a mean and a little noise that arms share in part."""
    rng = np.random.default_rng(0)

    def outcomes(noise: float) -> Outcomes:
        return {
            arm: {"linear": {"macro_f1": value + float(rng.normal(0, noise))}}
            for arm, value in arms.items()
        }

    halves = [outcomes(0.005) for _ in range(12)]
    return Trials(outcomes(0.0), halves, {}, np.zeros(0), Task(2, 1, 5))


def test_a_gain_over_real_rows_and_copies_helps() -> None:
    verdict = judge(trials(real=0.7, augmented=0.8, resampled=0.72), "macro_f1")
    assert verdict.word is Word.HELPS
    assert "+0.080 against copies" in verdict.sentence


def test_a_gain_that_copies_make_too_is_called_that() -> None:
    verdict = judge(trials(real=0.7, augmented=0.8, resampled=0.8), "macro_f1")
    assert verdict.word is Word.NO_EVIDENCE
    assert "copies of real rows in the same class mix do as well" in verdict.sentence


def test_a_loss_harms_and_a_small_difference_is_no_evidence() -> None:
    assert judge(trials(real=0.8, augmented=0.7, resampled=0.8), "macro_f1").word is Word.HARMS
    verdict = judge(trials(real=0.8, augmented=0.801, resampled=0.8), "macro_f1")
    assert verdict.word is Word.NO_EVIDENCE


def test_lower_is_better_for_log_loss() -> None:
    result = trials(real=0.5, augmented=0.3, resampled=0.5)
    renamed = [
        {arm: {"linear": {"log_loss": v["linear"]["macro_f1"]}} for arm, v in outcome.items()}
        for outcome in (result.whole, *result.halves)
    ]
    turned = Trials(renamed[0], renamed[1:], {}, np.zeros(0), result.task)
    assert judge(turned, "log_loss").word is Word.HELPS


def test_measures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    p = rng.dirichlet(np.ones(3), 200)
    result = classification(y, p, rare=1)
    chosen = p.argmax(axis=1)
    assert result["macro_f1"] == pytest.approx(known.f1_score(y, chosen, average="macro"))
    assert result["balanced_accuracy"] == pytest.approx(known.balanced_accuracy_score(y, chosen))
    assert result["auroc"] == pytest.approx(known.roc_auc_score(y, p, multi_class="ovr"))
    assert result["log_loss"] == pytest.approx(known.log_loss(y, p))
    truth, guess = rng.normal(size=(2, 50))
    assert regression(truth, guess)["r2"] == pytest.approx(known.r2_score(truth, guess))


def test_sensitivity_and_specificity_are_about_the_rare_class() -> None:
    y = np.array([0, 0, 0, 0, 1, 1])
    chosen = np.array([0, 0, 0, 1, 1, 0])  # one false alarm among four, one hit of two
    result = classification(y, np.eye(2)[chosen], rare=1, chosen=chosen)
    assert result["sensitivity"] == pytest.approx(known.recall_score(y, chosen)) == 0.5
    assert (
        result["specificity"] == pytest.approx(known.recall_score(y, chosen, pos_label=0)) == 0.75
    )
    assert result["rare_f1"] == pytest.approx(known.f1_score(y, chosen))


def test_every_arm_that_depends_on_rows_is_fitted_anew_on_each_half() -> None:
    encoder, real, holdout = three(60, 60)
    created = encoder.rows(draw(40, 3))
    task = task_of(real, 5)
    assert isinstance(task, Task)
    sizes: dict[str, list[int]] = {"fixed": [], "moving": []}

    def arm(name: str, fixed: bool) -> Arm:
        def build(draw: Draw, rng: np.random.Generator) -> Design:
            sizes[name].append(len(draw.synthetic))
            return draw.train.join(draw.synthetic)

        return Arm(build, fixed=fixed)

    arms = {"fixed": arm("fixed", fixed=True), "moving": arm("moving", fixed=False)}
    result = run_trials(
        arms, real, {"synthetic": created}, holdout, task, np.random.default_rng(0), n_halves=4
    )
    assert sizes["fixed"] == [40]
    assert sizes["moving"][0] == 40
    assert len(sizes["moving"]) == 5
    assert all(19 <= size <= 21 for size in sizes["moving"][1:])
    assert len({half["moving"]["linear"]["log_loss"] for half in result.halves}) == 4


def test_a_difference_is_paired_by_half_and_its_interval_is_students() -> None:
    gains = [0.02, 0.04, 0.06]

    def outcome(real: float, gain: float) -> Outcomes:
        return {
            "real": {"linear": {"macro_f1": real}},
            "augmented": {"linear": {"macro_f1": real + gain}},
        }

    halves = [outcome(level, gain) for level, gain in zip((0.5, 0.9, 0.7), gains, strict=True)]
    whole = Trials(outcome(0.7, 0.05), halves, {}, np.zeros(0), Task(2, 1, 5))
    result = whole.difference("augmented", "real", "macro_f1")
    assert result is not None
    width = 4.302653 * 0.02  # Student's t with 2 degrees of freedom, standard deviation 0.02
    assert result.interval == pytest.approx((0.05 - width, 0.05 + width), abs=1e-6)
    assert result.improved == 1.0


def test_a_class_that_is_never_predicted_counts_as_zero_and_an_absent_one_not_at_all() -> None:
    y = np.array([0, 0, 1])
    p = np.tile([0.8, 0.1, 0.1], (3, 1))
    result = classification(y, p, rare=2)
    assert result["macro_f1"] == pytest.approx(0.4)
    assert np.isnan(result["sensitivity"])


def test_error_of_the_auc_is_that_of_repeated_draws() -> None:
    rng = np.random.default_rng(0)
    draws = [(rng.normal(0, 1, 60), rng.normal(0.7, 1, 80)) for _ in range(400)]
    spread = np.std([auc(*pair) for pair in draws])
    reported = np.mean([auc_error(*pair) for pair in draws])
    assert reported == pytest.approx(spread, rel=0.15)


def test_halves_keep_classes_in_proportion_and_groups_whole() -> None:
    rng = np.random.default_rng(0)
    strata = np.repeat([0, 1], [100, 10])
    chosen = half(strata, rng)
    assert [int((strata[chosen] == c).sum()) for c in (0, 1)] == [50, 5]
    groups = np.repeat(np.arange(11), 10).astype(str)
    taken = groups[half(strata, rng, groups)]
    assert all((taken == name).sum() == 10 for name in np.unique(taken))
    assert len(np.unique(taken)) in (5, 6)


def test_every_control_is_run_and_smote_makes_the_class_mix_of_the_rows() -> None:
    encoder, real, holdout = three(200, 150)
    created = encoder.rows(draw(120, 3))
    task = task_of(real, 20)
    assert not isinstance(task, str)
    rng = np.random.default_rng(0)
    makers = default_controls(real, rng)
    assert list(makers) == ["SMOTE-NC"]
    counts = {0: 7, 1: 21}
    rows = makers["SMOTE-NC"](real, counts, rng)
    target = real.encoder.target
    assert target is not None
    labels, matches = np.unique(rows.values[:, target], return_counts=True)
    assert dict(zip(labels.astype(int).tolist(), matches.tolist(), strict=True)) == counts
    arms = main_arms() | control_arms(makers, more=True)
    pools = {"synthetic": created, "more real rows": encoder.rows(draw(120, 4))}
    result = run_trials(arms, real, pools, holdout, task, rng, n_halves=2)
    assert set(result.arms) >= {"class weights", "threshold", "copies", "SMOTE-NC"}
    assert all(np.isfinite(result.value(arm, "macro_f1")) for arm in result.arms)


def test_detection_names_the_column_that_gives_rows_away() -> None:
    encoder, real, holdout = three(300, 300)
    fresh = draw(300, 3)
    shifted = encoder.rows(fresh.with_columns(fresh["age"] + 40))
    score = detection.detection(real, shifted, holdout, np.random.default_rng(0))
    columns = score.details["columns"]
    assert max(columns, key=columns.get) == "age"
    torn = encoder.rows(fresh.with_columns(fresh["age"].shuffle(seed=1)))
    pairs = detection.detection(real, torn, holdout, np.random.default_rng(0)).details["pairs"]
    assert all("age" in pair[:2] for pair in pairs[:2])
    assert score.reference["real"] < 0.6 < (score.value or 0)
