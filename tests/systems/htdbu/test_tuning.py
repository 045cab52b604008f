"""The loop reads rows that nothing was learned from."""

from __future__ import annotations

import contextlib

import numpy as np
import polars as pl

from tablewright.rules import Rules
from tablewright.schema import Schema
from tablewright.systems.htdbu.candidates import Config
from tablewright.systems.htdbu.tuning import Tuner

SCHEMA = Schema.build({"n": "integer", "x": "continuous", "y": "categorical"}, target="y")


class Stopped(Exception):
    """Ends the measurement where the texture would be learned."""


def test_textures_and_scores_learn_from_rows_that_are_not_validated() -> None:
    rng = np.random.default_rng(0)
    real = pl.DataFrame(
        {"n": np.arange(160), "x": rng.normal(size=160), "y": rng.choice(["a", "b"], 160)}
    )
    learned: list[set[int]] = []

    def learn(config: Config, rows: pl.DataFrame) -> object:
        learned.append(set(rows["n"]))
        raise Stopped

    tuner = Tuner(real, SCHEMA, 0, learn, lambda _: [])  # type: ignore[arg-type]  # it raises
    with contextlib.suppress(Stopped):
        tuner.measure(Config("trees", {}, rules=Rules()))
    validation = set(tuner.validation["n"])
    assert learned == [set(range(160)) - validation]
    assert len(validation) == 40
    assert set(tuner.scorer.real.frame["n"]) == learned[0]
    assert tuner.scorer.holdout is not None
    assert set(tuner.scorer.holdout.frame["n"]) == validation
