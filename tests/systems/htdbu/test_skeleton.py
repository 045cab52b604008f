"""The skeleton: real shares, moved as little as rules ask, drawn in whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import RuleError
from tablewright.rules import as_rules, validate_rules
from tablewright.schema import Schema
from tablewright.systems.htdbu.projection import Constraint, conflicting, project
from tablewright.systems.htdbu.skeleton import SkeletonPlanner, skeleton_columns
from tablewright.systems.htdbu.skeleton_cells import Skeleton
from tablewright.tables.encoding.layout import Layout

N = 1000
SCHEMA = Schema.build(
    {"y": "categorical", "mood": "categorical", "age": "integer", "level": "integer"}, target="y"
)


def moods() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    y = rng.choice(["no", "yes"], N, p=[0.9, 0.1])
    return pl.DataFrame(
        {
            "y": y,
            "mood": rng.choice(["bad", "fair", "good"], N, p=[0.2, 0.5, 0.3]),
            "age": rng.integers(18, 90, N),
            "level": rng.integers(0, 9, N),
        }
    )


REAL = moods()
LAYOUT = Layout.learn(REAL, SCHEMA)


def skeleton(rules: list[Any], n_rows: int = N, columns: Any = None, **more: Any) -> Skeleton:
    result = validate_rules(as_rules(rules), SCHEMA, REAL).require()
    names = columns or skeleton_columns(SCHEMA, result.rules)
    return SkeletonPlanner(REAL, LAYOUT, result.bound, names, n_rows, **more).plan()


def share(made: Skeleton, question: pl.Expr) -> float:
    return float(made.frame().filter(question)["wanted"].sum())


STRICT = {"kind": "implies", "if": "y = 'yes'", "then": "mood = 'good'", "intervention": True}


def test_without_rules_it_is_the_real_joint() -> None:
    result = skeleton([], columns=["y", "mood"])
    assert result.effect == pytest.approx(0.0, abs=1e-12)
    assert result.distance(REAL) == pytest.approx(0.0, abs=1e-12)


def test_a_hard_rule_leaves_the_classes_and_tells_what_it_changes() -> None:
    result = skeleton([STRICT])
    assert result.columns == ("y", "mood")
    assert share(result, (pl.col("y") == "yes") & (pl.col("mood") != "good")) == 0.0
    assert share(result, pl.col("y") == "yes") == pytest.approx((REAL["y"] == "yes").mean())
    broken = REAL.filter((pl.col("y") == "yes") & (pl.col("mood") != "good")).height / N
    assert result.effect == pytest.approx(broken)


def test_to_condition_is_to_take_the_real_rows_that_keep_the_rule() -> None:
    result = skeleton([STRICT], keep_target=False)
    kept = REAL.filter((pl.col("y") == "no") | (pl.col("mood") == "good"))
    assert share(result, pl.col("y") == "yes") == pytest.approx((kept["y"] == "yes").mean())


@pytest.mark.parametrize("n_rows", [7, 100, 12_345])
def test_quotas_are_met_to_the_row(n_rows: int) -> None:
    rules = [
        {"kind": "quota", "where": "y = 'yes' AND age > 60", "share": [0.31, 0.33]},
        {"kind": "quota", "where": "mood = 'bad'", "share": [0.4, 0.4]},
    ]
    result = skeleton(rules, n_rows)
    counts = result.counts(n_rows, np.random.default_rng(1))
    assert counts.sum() == n_rows
    old = result.frame()[result.questions[0].name].to_numpy()
    assert int(np.ceil(0.31 * n_rows)) <= counts[old].sum()
    assert counts[old].sum() <= max(int(0.33 * n_rows), int(np.ceil(0.31 * n_rows)))
    bad = (result.frame()["mood"] == "bad").to_numpy()
    assert abs(counts[bad].sum() - 0.4 * n_rows) < 1
    assert result.broken(counts) == set()


def test_a_least_number_of_rows_depends_on_the_request() -> None:
    rule = {"kind": "quota", "where": "mood = 'bad'", "min_rows": 300}
    assert share(skeleton([rule], 500), pl.col("mood") == "bad") == pytest.approx(0.6)
    assert skeleton([rule], 10_000).effect == pytest.approx(0.0, abs=1e-9)


def test_conditional_shares() -> None:
    rule = {"kind": "conditional", "given": "y = 'yes'", "column": "mood",
            "dist": {"good": 0.75, "fair": 0.25}}  # fmt: skip
    result = skeleton([rule])
    yes = share(result, pl.col("y") == "yes")
    good = share(result, (pl.col("y") == "yes") & (pl.col("mood") == "good"))
    assert good / yes == pytest.approx(0.75)
    soft = skeleton([{**rule, "severity": "soft", "weight": 0.5}])
    assert 0 < soft.effect < result.effect


def test_classes_asked_for_and_quotas_together() -> None:
    quota = {"kind": "quota", "where": "mood = 'bad'", "share": [0.5, 0.5]}
    result = skeleton([quota], 400, ["y", "mood"], classes={"yes": 100, "no": 300})
    counts = result.counts(400, np.random.default_rng(0))
    frame = result.frame()
    assert counts[(frame["y"] == "yes").to_numpy()].sum() == 100
    assert counts[(frame["mood"] == "bad").to_numpy()].sum() == 200


def test_rules_about_other_columns_close_cells_that_they_leave_no_row() -> None:
    rules = [
        {"kind": "implies", "if": "y = 'yes'", "then": "age < 10", "intervention": True},
        {"expression": "age >= 18"},
    ]
    result = skeleton(rules, columns=["y"])
    assert share(result, pl.col("y") == "yes") == 0.0


def test_what_cannot_be_met_is_named() -> None:
    twice = [
        {"kind": "quota", "where": "mood = 'bad'", "share": [0.5, 0.6]},
        {"kind": "quota", "where": "mood <> 'good'", "share": [0.1, 0.2]},
        {"kind": "quota", "where": "y = 'yes'", "share": [0.2, 0.3]},
    ]
    with pytest.raises(RuleError, match="rule 'r1' and rule 'r2' cannot be met together"):
        skeleton(twice)
    with pytest.raises(RuleError, match="'r2' wants rows in cells that hard rules forbid"):
        skeleton(
            [STRICT, {"kind": "quota", "where": "y = 'yes' AND mood = 'bad'", "share": [0.1, 1]}]
        )


def test_shares_of_the_target_give_way_to_a_quota_and_that_is_said() -> None:
    result = skeleton([{"kind": "quota", "where": "y = 'yes'", "share": [0.5, 0.5]}])
    assert share(result, pl.col("y") == "yes") == pytest.approx(0.5)
    assert "the shares of 'y' give way" in result.notes[0]


def test_blocks_add_up_and_do_not_depend_on_their_size() -> None:
    result = skeleton([], columns=["y", "mood"])
    counts = result.counts(5000, np.random.default_rng(0))
    for size in (700, 5000):
        blocks = list(result.blocks(counts, size, np.random.default_rng(1)))
        assert max(len(block) for block in blocks) <= size
        assert (np.bincount(np.concatenate(blocks), minlength=len(counts)) == counts).all()


@given(
    st.lists(st.floats(0.01, 1.0), min_size=4, max_size=4),
    st.floats(0.05, 0.95),
    st.floats(0.0, 0.9),
)
def test_projection_meets_a_margin_and_a_band(
    start: list[float], margin: float, low: float
) -> None:
    shares = np.array(start) / sum(start)
    everything = np.ones(4, dtype=bool)
    rows = np.array([[True, True, False, False], [False, False, True, True]])
    column = np.array([[True, False, True, False]])
    requested = np.array([margin, 1 - margin])
    result = project(
        shares,
        [
            Constraint("rows", rows, requested, requested, everything),
            Constraint("column", column, np.array([low]), np.array([1.0]), everything),
        ],
    )
    assert result is not None
    assert result.sum() == pytest.approx(1.0)
    assert rows @ result == pytest.approx(requested, abs=1e-6)
    assert (column @ result)[0] >= low - 1e-6


def test_a_band_that_is_met_in_the_end_leaves_no_trace() -> None:
    shares, everything = np.array([0.1, 0.2, 0.3, 0.4]), np.ones(4, dtype=bool)
    rows = np.array([[True, True, False, False], [False, False, True, True]])
    requested = np.array([0.6, 0.4])
    margin = Constraint("rows", rows, requested, requested, everything)
    band = Constraint("first", rows[:1], np.array([0.5]), np.array([1.0]), everything)
    alone, both = project(shares, [margin]), project(shares, [band, margin])
    assert alone is not None
    assert both is not None
    assert both == pytest.approx(alone)


def test_only_those_in_conflict_are_named() -> None:
    shares, everything = np.full(2, 0.5), np.ones(2, dtype=bool)
    first = np.array([[True, False]])
    bands = [
        Constraint(name, first, np.array([low]), np.array([high]), everything)
        for name, low, high in (("a", 0.1, 0.2), ("b", 0.0, 0.9), ("c", 0.7, 0.8))
    ]
    assert project(shares, bands) is None
    assert conflicting(shares, bands) == ["a", "c"]


def test_soft_rules_about_the_cells() -> None:
    rule = {"expression": "mood <> 'bad'", "severity": "soft"}
    bad = pl.col("mood") == "bad"
    often = skeleton([{**rule, "probability": 0.95}], columns=["y", "mood"])
    assert share(often, bad) == pytest.approx(0.05)
    real = (REAL["mood"] == "bad").mean()
    weighed = skeleton([{**rule, "weight": 1.0}], columns=["y", "mood"])
    odds = share(weighed, bad) / share(weighed, ~bad)
    assert isinstance(real, float)
    assert odds == pytest.approx(np.exp(-1.0) * real / (1 - real), rel=0.02)


def test_columns_that_would_make_too_many_cells_are_left_to_the_texture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tablewright.systems.htdbu.skeleton.MAX_CELLS", 4)
    result = skeleton([], columns=["y", "mood"])
    assert result.columns == ("y",)
    assert result.notes == ("column 'mood' has too many values to be fixed beforehand",)


def test_a_computed_column_is_not_fixed_beforehand() -> None:
    rule = {"kind": "fd", "from": ["level"], "to": "mood", "intervention": True}
    result = skeleton([rule], columns=["y", "mood"])
    assert result.columns == ("y",)
    assert "column 'mood' is computed" in result.notes[0]


def test_cells_that_no_real_row_has_are_opened_for_a_quota() -> None:
    real = REAL.filter((pl.col("y") == "no") | (pl.col("mood") != "bad"))
    rules = as_rules([{"kind": "quota", "where": "y = 'yes' AND mood = 'bad'", "share": [0.05, 1]}])
    result = validate_rules(rules, SCHEMA, real).require()
    created = SkeletonPlanner(real, LAYOUT, result.bound, ["y", "mood"], N).plan()
    assert share(created, (pl.col("y") == "yes") & (pl.col("mood") == "bad")) == pytest.approx(0.05)


def test_missing_values_have_a_place_of_their_own() -> None:
    real = REAL.with_columns(mood=pl.when(pl.col("age") > 70).then(None).otherwise("mood"))
    schema = SCHEMA.override(mood={"nullable": True})
    layout = Layout.learn(real, schema)
    result = SkeletonPlanner(real, layout, [], ["y", "mood"], N).plan()
    missing = result.frame().filter(pl.col("mood").is_null())
    assert missing["wanted"].sum() == pytest.approx(real["mood"].null_count() / N)
    assert result.distance(real) == pytest.approx(0.0, abs=1e-12)
