"""What the report says of treatments that need no rows, and of holdouts that cannot judge."""

from __future__ import annotations

import numpy as np
import pytest

from tablewright.evaluation.evaluate.augmentation import (
    _without_rows,
    arm_table,
)
from tablewright.metrics.learners import Task
from tablewright.metrics.trials import Outcomes, Trials

TASK = Task(2, 1, 5)


def trials(**arms: float) -> Trials:
    """Make trials in which every arm moves a little around its value, half by half."""
    rng = np.random.default_rng(0)

    def outcomes(noise: float) -> Outcomes:
        return {
            arm.replace("_", " "): {"linear": {"macro_f1": value + float(rng.normal(0, noise))}}
            for arm, value in arms.items()
        }

    return Trials(outcomes(0), [outcomes(0.005) for _ in range(12)], {}, np.zeros(0), TASK)


def test_class_weights_that_do_as_well_are_named() -> None:
    result = _without_rows(
        trials(real=0.7, augmented=0.8, class_weights=0.8, threshold=0.7), "macro_f1"
    )
    assert result == [
        "class weights alone: +0.100 in macro-F1, no worse than with generated rows, and none are "
        "needed"
    ]


def test_treatments_that_do_worse_or_nothing_are_not_named() -> None:
    worse = trials(real=0.7, augmented=0.8, class_weights=0.75, threshold=0.7)
    assert _without_rows(worse, "macro_f1") == []
    assert _without_rows(trials(real=0.7, augmented=0.8), "macro_f1") == []


def test_the_table_of_arms_holds_values_and_gains_over_real_rows() -> None:
    real, augmented = arm_table(trials(real=0.7, augmented=0.8))
    assert real["values"] == {"macro_f1": 0.7}
    assert real["gains"] == {"macro_f1": None}
    value, low, high = augmented["gains"]["macro_f1"]
    assert value == pytest.approx(0.1)
    assert low < 0.1 < high
