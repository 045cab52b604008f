"""Simultaneous perturbation: it goes where an objective is high, and stays in its box."""

from __future__ import annotations

import numpy as np
import pytest

from tablewright.generators.parts.perturbation import Perturbation


def climb(n_knobs: int, start: float = 0.0) -> Perturbation:
    ends = np.full(n_knobs, 2.0)
    return Perturbation(np.full(n_knobs, start), -ends, ends, np.full(n_knobs, 0.5))


def test_a_noisy_objective_is_climbed_in_all_knobs_by_two_values_a_step() -> None:
    rng, goal = np.random.default_rng(0), np.array([1.0, -0.5, 0.25])
    made, asked = climb(3), []

    def objective(at: np.ndarray) -> float:
        asked.append(at)
        return float(-3 * ((at - goal) ** 2).sum() + rng.normal(0, 0.2))

    for _ in range(400):
        made.step(objective, rng)
    assert len(asked) == 800
    assert made.mean == pytest.approx(goal, abs=0.1)


def test_a_steep_objective_moves_no_knob_by_more_than_the_step_size() -> None:
    made, rng = climb(2), np.random.default_rng(1)
    for batch in range(1, 6):
        before = made.setting
        made.step(lambda at: 1e6 * float(at.sum()), rng)
        most = 0.5 * 0.8 / (batch + 2) ** 0.7
        assert np.abs(made.setting - before).max() <= most + 1e-12


def test_a_setting_stays_in_its_box_and_so_does_what_is_tried() -> None:
    made, rng, tried = climb(1, start=2.0), np.random.default_rng(2), []
    for _ in range(20):
        made.step(lambda at: tried.append(at) or float(at.sum()), rng)  # type: ignore[func-returns-value]  # notes what was tried
    assert made.setting == pytest.approx([2.0])
    assert np.abs(tried).max() <= 2.0


def test_without_a_step_the_setting_is_the_start() -> None:
    made = climb(2, start=0.5)
    assert made.mean.tolist() == made.setting.tolist() == [0.5, 0.5]
