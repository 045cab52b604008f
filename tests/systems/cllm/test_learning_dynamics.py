"""Curation by learning dynamics: what is dropped, and when nothing is."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.systems.cllm.learning_dynamics import LearningDynamics, _at_most

SCHEMA = Schema.build(
    {
        "x": "continuous",
        "kind": "categorical",
        "y": {"kind": "categorical", "categories": ["a", "b", "c"]},
    },
    target="y",
)


def two_groups(n: int, seed: int, gap: float = 4.0) -> pl.DataFrame:
    """Half a at -gap, half b at +gap; some x are missing."""
    rng = np.random.default_rng(seed)
    y = np.where(np.arange(n) % 2, "b", "a")
    x = np.where(y == "b", gap, -gap) + rng.normal(0, 1, n)
    frame = pl.DataFrame({"x": x, "kind": rng.choice(["u", "v"], n), "y": y})
    return frame.with_columns(pl.when(pl.arange(n) % 11 > 0).then("x").alias("x"))


def fitted(n: int = 80, gap: float = 4.0, **options: object) -> LearningDynamics:
    check = LearningDynamics(**options)  # type: ignore[arg-type]  # options are checked by it
    return check.fit(two_groups(n, 0, gap), SCHEMA, np.random.default_rng(0))


def turned(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(y=pl.col("y").replace({"a": "b", "b": "a"}))


def test_flipped_rows_are_hard_and_dropped_others_easy_and_kept() -> None:
    rows = two_groups(40, 1).drop_nulls()
    mixed = pl.concat([rows, turned(rows.head(6))])
    result = fitted().judge(mixed, np.random.default_rng(1))
    assert result.keep.tolist() == [True] * rows.height + [False] * 6
    assert "gives its label 0.0" in result.reasons[-1]
    groups = fitted().dynamics(mixed)["group"].to_list()
    assert groups == ["easy"] * rows.height + ["hard"] * 6


def test_measures_are_those_of_the_paths() -> None:
    check = fitted()
    rows = two_groups(12, 2)
    result = check.dynamics(rows)
    paths = check._own_label(check.real_rows_.rows(rows))
    assert paths.shape == (100, 12)
    np.testing.assert_allclose(result["confidence"], paths.mean(axis=0))
    np.testing.assert_allclose(result["aleatoric"], (paths - paths**2).mean(axis=0))
    np.testing.assert_allclose(result["epistemic"], paths.std(axis=0))


def test_borders_belong_to_the_groups() -> None:
    check = LearningDynamics(0.2, 0.16)
    confidence, spread = np.array([0.2, 0.8, 0.2, 0.21]), np.array([0.16, 0.16, 0.17, 0.1])
    hard, easy = check._groups(confidence, spread, np.ones(4, dtype=bool))
    assert hard.tolist() == [True, False, False, False]
    assert easy.tolist() == [False, True, False, False]


def test_uncertainty_of_a_fifth_is_the_pure_rule_of_confidence() -> None:
    rows = turned(two_groups(60, 3, gap=1.0))
    result = fitted(gap=1.0).dynamics(rows)
    assert ((result["group"] == "hard") == (result["confidence"] <= 0.2)).all()


def test_it_abstains_where_the_model_does_not_beat_chance() -> None:
    noise = two_groups(40, 0, gap=0.0)
    check = LearningDynamics().fit(noise, SCHEMA, np.random.default_rng(0))
    result = check.judge(turned(noise), np.random.default_rng(0))
    assert result.keep.all()
    assert "out of fold with AUC" in result.notes[0]
    published = LearningDynamics.preset("published").fit(noise, SCHEMA, np.random.default_rng(0))
    assert not published.judge(turned(noise), np.random.default_rng(0)).keep.all()


def test_no_more_than_the_share_allowed_is_dropped() -> None:
    rows = turned(two_groups(40, 1).drop_nulls())
    result = fitted(max_removed=0.25).judge(rows, np.random.default_rng(0))
    assert (~result.keep).sum() == rows.height // 4
    kept = result.score[result.keep]
    assert result.score[~result.keep].max() <= kept.min()


def test_a_class_that_no_real_row_has_is_kept_or_dropped_as_asked() -> None:
    rows = two_groups(10, 1).with_columns(y=pl.lit("c"))
    kept = fitted().judge(rows, np.random.default_rng(0))
    assert kept.keep.all()
    assert np.isnan(kept.score).all()
    lost = fitted(unseen="drop").judge(rows, np.random.default_rng(0))
    assert set(lost.reasons) == {"no real row has the class c"}


def test_a_number_is_judged_by_its_bin() -> None:
    rng = np.random.default_rng(0)
    schema = Schema.build({"x": "continuous", "y": "continuous"}, target="y")
    x = rng.uniform(0, 1, 100)
    real = pl.DataFrame({"x": x, "y": 10 * x + rng.normal(0, 0.3, 100)})
    check = LearningDynamics().fit(real, schema, rng)
    rows = pl.DataFrame({"x": [0.05, 0.95, 0.05, 0.95], "y": [0.5, 9.5, 9.5, 0.5]})
    groups = check.dynamics(rows)["group"].to_list()
    assert groups == ["easy", "easy", "hard", "hard"]


def test_one_class_judges_nothing() -> None:
    real = two_groups(40, 0).filter(pl.col("y") == "a")
    check = LearningDynamics().fit(real, SCHEMA, np.random.default_rng(0))
    result = check.judge(two_groups(10, 1), np.random.default_rng(0))
    assert result.keep.all()
    assert "one class only" in result.notes[0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"confidence": 2}, "confidence lies between 0 and 1, not 2"),
        ({"confidence": "published"}, "confidence lies between 0 and 1, not 'published'"),
        ({"max_removed": -0.1}, "max_removed lies between 0 and 1, not -0.1"),
        ({"uncertainty": "adaptive"}, "uncertainty lies between 0 and 1 or is 'published'"),
        ({"unseen": "maybe"}, "unseen is 'keep' or 'drop', not 'maybe'"),
        ({"n_checkpoints": 0}, "n_checkpoints is a whole number above 0, not 0"),
    ],
)
def test_options_are_checked_in_one_sentence(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        LearningDynamics(**options)


def test_presets_are_two_and_need_a_target() -> None:
    with pytest.raises(InputError, match="presets of the curation are published, guarded"):
        LearningDynamics.preset("best")
    published = LearningDynamics.preset("published", n_checkpoints=7)
    assert (published.uncertainty, published.n_checkpoints) == ("published", 7)
    with pytest.raises(InputError, match="name the target"):
        LearningDynamics().fit(two_groups(9, 0), SCHEMA.with_target(None), np.random.default_rng(0))


def test_the_published_limit_is_three_quarters_of_the_spread_of_known_rows() -> None:
    check = LearningDynamics.preset("published")
    confidence = np.array([0.1, 0.1, 0.1, 0.1])
    spread = np.array([0.02, 0.07, 0.09, 0.5])
    known = np.array([True, True, True, False])  # 0.75 * (0.09 - 0.02) = 0.0525
    hard, easy = check._groups(confidence, spread, known)
    assert hard.tolist() == [True, False, False, False]
    assert not easy.any()
    assert not check._groups(confidence, spread, np.zeros(4, dtype=bool))[0].any()


@pytest.mark.parametrize(
    ("share", "dropped"), [(0.0, []), (0.5, [0, 3]), (0.74, [0, 3]), (1.0, [0, 2, 3])]
)
def test_no_more_than_a_share_is_dropped_the_least_confident_first(
    share: float, dropped: list[int]
) -> None:
    marked = np.array([True, False, True, True])
    kept = _at_most(marked, np.array([0.01, 0.9, 0.15, 0.05]), share)
    assert np.flatnonzero(kept).tolist() == dropped


def test_trees_of_xgboost_tell_the_same_flipped_rows_and_every_prefix_counts() -> None:
    pytest.importorskip("xgboost")
    rows = two_groups(40, 1).drop_nulls()
    mixed = pl.concat([rows, turned(rows.head(6))])
    check = fitted(trees="xgboost", n_checkpoints=20)
    assert (
        check.judge(mixed, np.random.default_rng(1)).keep.tolist()
        == [True] * rows.height + [False] * 6
    )
    paths = check._own_label(check.real_rows_.rows(mixed))
    assert paths.shape == (20, mixed.height)
    design = check.real_rows_.design(check.real_rows_.rows(rows))
    assert check.model_ is not None
    np.testing.assert_allclose(
        paths[-1, : rows.height], check.model_.predict_proba(design.trees).max(axis=1), atol=1e-6
    )
    with pytest.raises(InputError, match="trees is 'scikit-learn' or 'xgboost', not 'lightgbm'"):
        LearningDynamics(trees="lightgbm")  # type: ignore[arg-type]  # what is tested
