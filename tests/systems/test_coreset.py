"""Which real rows say most: those that are hard to learn, and those that stand for many."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright import CLLM, EPIC
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.learners import Design
from tablewright.schema import Schema
from tablewright.systems.common.coreset import Coreset, error_variance
from tablewright.systems.common.partition import ClassPartition
from tablewright.testing import StandIn

SCHEMA = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
CLASSES = ClassPartition("y", ("a", "b"))


def two_classes(n_rows: int = 400, seed: int = 0) -> pl.DataFrame:
    """Two classes that overlap between -1 and 1."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-4, 4, n_rows)
    return pl.DataFrame({"x": x, "y": np.where(x + rng.uniform(-1, 1, n_rows) > 0, "a", "b")})


def variance(real: pl.DataFrame) -> Any:
    rows = FeatureEncoder.fit(real, SCHEMA).rows(real)
    return error_variance(Design.of(rows), CLASSES.of(real), 0)


def test_scores_belong_to_their_own_rows_whatever_the_order() -> None:
    real = two_classes()
    order = np.random.default_rng(1).permutation(real.height)
    again = variance(real[order])
    correlation = np.corrcoef(variance(real)[order], again)[0][1]
    assert correlation > 0.9, "the reference implementation has 0"


def test_rows_near_the_border_move_most() -> None:
    real = two_classes()
    scores, near = variance(real), real["x"].abs().to_numpy() < 1
    top = np.argsort(-scores)[:40]
    assert near[top].mean() > 2 * near.mean()


def test_a_coreset_is_the_same_every_time_and_has_each_class_alike() -> None:
    real = two_classes()
    one, other = (Coreset.learn(real, SCHEMA, CLASSES, 3, size=20) for _ in range(2))
    for mine, theirs, name in zip(one.members, other.members, CLASSES.names, strict=True):
        assert np.array_equal(mine, theirs)
        assert len(set(mine.tolist())) == 20
        assert set(real["y"][mine]) == {name}


def test_a_share_of_it_stands_for_the_whole_class() -> None:
    real = two_classes()
    usual = Coreset.learn(real, SCHEMA, CLASSES, 0, size=20, hard_share=0.0).members[0]
    own = real.filter(pl.col("y") == "a")["x"].to_numpy()
    chosen = real["x"].to_numpy()[usual]
    assert abs(np.median(chosen) - np.median(own)) < 0.5
    assert chosen.max() > np.quantile(own, 0.9)


def test_a_small_class_is_gone_round_and_below_ten_rows_it_is_covered() -> None:
    real = pl.concat([two_classes().filter(pl.col("y") == "a"),
                      two_classes().filter(pl.col("y") == "b").head(4)])  # fmt: skip
    chosen = Coreset.learn(real, SCHEMA, CLASSES, 0, size=10)
    assert sorted(chosen.members[1].tolist()) == list(range(real.height - 4, real.height))
    assert chosen.notes == ["'b' has 4 rows, too few to say which are hard"]
    shown = chosen.top(10)[1]
    assert np.unique(shown, return_counts=True)[1].tolist() in ([3, 3, 2, 2], [3, 2, 3, 2],
        [2, 3, 3, 2], [3, 2, 2, 3], [2, 3, 2, 3], [2, 2, 3, 3])  # fmt: skip


def test_equal_rows_and_a_single_class_are_no_trouble() -> None:
    real = pl.DataFrame({"x": [1.0] * 30, "y": ["a"] * 30})
    chosen = Coreset.learn(real, SCHEMA, CLASSES, 0, size=5)
    assert [len(rows) for rows in chosen.members] == [5, 0]


@pytest.mark.parametrize("kind", [CLLM, EPIC])
def test_systems_show_the_coreset_where_it_is_asked_for(kind: Any) -> None:
    real = two_classes().with_columns(pl.col("x").round(4))
    model = StandIn(two_classes(2000, seed=9).with_columns(pl.col("x").round(4)), target="y")
    options = {"curate": False} if kind is CLLM else {}
    system = kind("y", llm=model, examples="coreset", random_state=0, **options).fit(real)
    system.sample(20)
    members = Coreset.learn(real, system.writable_, system.classes_, 0).members
    allowed = {str(x) for x in real["x"][np.concatenate(members)]}
    others = {str(x) for x in real["x"]} - allowed
    assert any(x in text for text in model.prompts for x in allowed)
    assert not any(f"{x}," in text or f" {x}}}" in text for text in model.prompts for x in others)
