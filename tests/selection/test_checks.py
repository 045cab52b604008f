"""Each check alone: what it lets pass and what it rejects."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.metrics.crossfit import stratified_folds
from tablewright.schema import Schema
from tablewright.selection.check import Check, Judgement
from tablewright.selection.cost_band import CostBand, band
from tablewright.selection.distances import NearDuplicates, Outliers
from tablewright.selection.diversity import Diversity, Rule
from tablewright.selection.information import Form, InformationGain, log_determinant
from tablewright.selection.label_checks import LabelCheck, LabelPlausibility
from tablewright.selection.pipeline import run_checks, split_batches
from tablewright.selection.relations import Relations
from tablewright.selection.sanity import Sanity

SCHEMA = Schema.build(
    {
        "x": "continuous",
        "z": "continuous",
        "y": {"kind": "categorical", "categories": ["a", "b", "c"]},
    },
    target="y",
)


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def points(n: int, seed: int, classes: int = 2) -> pl.DataFrame:
    """Points whose class is that of the third (or half) of the line that x is on, with noise."""
    draws = np.random.default_rng(seed)
    x = draws.normal(0, 1, n)
    cut = np.digitize(x + draws.normal(0, 0.5, n), [0.0] if classes == 2 else [-0.5, 0.5])
    return pl.DataFrame({"x": x, "z": draws.normal(0, 1, n), "y": np.array(["a", "b", "c"])[cut]})


def wrong(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(y=pl.col("y").replace({"a": "b", "b": "a"}))


def judged(check: Check, rows: pl.DataFrame, real: pl.DataFrame | None = None) -> Judgement:
    return check.fit(points(80, 0) if real is None else real, SCHEMA, rng()).judge(rows, rng())


# sanity -------------------------------------------------------------------------


def test_ranges_of_dates_and_codes_that_are_no_value() -> None:
    schema = Schema.build(
        {
            "day": {"kind": "date", "minimum": "2020-01-01", "maximum": "2020-12-31"},
            "wait": {"kind": "integer", "minimum": 0, "maximum": 50, "sentinels": [-1]},
        }
    )
    day = dt.date(2020, 5, 1)
    real = pl.DataFrame({"day": [day, day], "wait": [3, -1]})
    rows = pl.DataFrame({"day": [day, dt.date(2021, 1, 1), day], "wait": [-1, 4, -2]})
    result = Sanity().fit(real, schema, rng()).judge(rows, rng())
    assert result.reasons == ["", "day: 2021-01-01 is above 2020-12-31", "wait: -2 is below 0"]
    assert not result.notes


def test_a_range_read_off_the_rows_is_widened_but_not_beyond_zero() -> None:
    why = {"why": "numbers"}
    schema = Schema.build({"n": {"kind": "integer", "minimum": 0, "maximum": 10, **why}})
    real = pl.DataFrame({"n": list(range(11))})
    check = Sanity().fit(real, schema, rng())
    result = check.judge(pl.DataFrame({"n": [-1, 0, 15, 17]}), rng())
    assert result.keep.tolist() == [False, True, True, False]


def test_what_real_rows_break_is_told_and_not_asked() -> None:
    schema = Schema.build({"n": {"kind": "integer", "minimum": 0, "maximum": 5}})
    check = Sanity(rules=["n <> 7"]).fit(pl.DataFrame({"n": list(range(10))}), schema, rng())
    assert "the range of n: 4 of 10 real rows (40.0%) break it, so it rejects" in check.notes_[0]
    assert check.notes_[1] == "rule r1 (n <> 7): 1 of 10 real rows (10.0%) break it"
    result = check.judge(pl.DataFrame({"n": [7, 9]}), rng())
    assert result.keep.tolist() == [False, True]


def test_decimals_and_missing_cells_are_as_asked() -> None:
    schema = Schema.build({"p": {"kind": "continuous", "decimals": 1, "minimum": 0}})
    real, rows = pl.DataFrame({"p": [1.5, 2.0]}), pl.DataFrame({"p": [1.25, None]})
    strict = Sanity(decimals="reject").fit(real, schema, rng()).judge(rows, rng())
    assert strict.reasons == ["p: 1.25 has more than 1 decimals", "p is missing"]
    lenient = Sanity(missing="allow").fit(real, schema, rng()).judge(rows, rng())
    assert lenient.keep.all()


def test_a_key_is_unique_among_real_rows_and_candidates() -> None:
    schema = Schema.build({"k": "integer", "v": "integer"})
    check = Sanity(rules=[{"kind": "unique", "columns": ["k"]}])
    real = pl.DataFrame({"k": [1, 2, 3], "v": [0, 5, 9]})
    rows = pl.DataFrame({"k": [2, 4, 4], "v": [1, 1, 1]})
    assert check.fit(real, schema, rng()).judge(rows, rng()).keep.tolist() == [False, True, False]


# copies and outliers ------------------------------------------------------------


def test_copies_and_near_copies_go_with_any_label() -> None:
    real = points(40, 0)
    near = real.head(1).with_columns(x=pl.col("x") + 1e-4)
    rows = pl.concat([real.head(1), wrong(real.head(1)), near, points(10, 1), points(10, 1)])
    result = judged(NearDuplicates(), rows, real)
    assert result.keep.tolist() == [False] * 3 + [True] * 10 + [False] * 10
    assert result.reasons[0] == "equals a real row"
    assert result.reasons[1] == "nearly equals a real row"
    assert result.reasons[-1] == "equals candidate 12"


def test_where_real_rows_repeat_each_other_only_copies_go() -> None:
    schema = Schema.build({"a": "categorical", "b": "categorical", "y": "categorical"}, target="y")
    real = pl.DataFrame({"a": ["u", "u", "v"], "b": ["p", "p", "q"], "y": ["0", "0", "1"]})
    rows = pl.DataFrame({"a": ["u", "u"], "b": ["p", "p"], "y": ["0", "1"]})
    result = NearDuplicates().fit(real, schema, rng()).judge(rows, rng())
    assert result.keep.tolist() == [False, True]


def test_new_draws_are_no_outliers_and_noise_is() -> None:
    draws = np.random.default_rng(5)
    names = [f"x{i}" for i in range(6)]
    schema = Schema.build(dict.fromkeys(names, "continuous"))

    def cloud(n: int) -> pl.DataFrame:
        return pl.DataFrame({name: draws.normal(0, 1, n) for name in names})

    def noise(n: int) -> pl.DataFrame:
        return pl.DataFrame({name: draws.uniform(-4, 4, n) for name in names})

    check = Outliers().fit(cloud(60), schema, rng())
    assert check.judge(cloud(100), rng()).keep.mean() > 0.9
    assert check.judge(noise(100), rng()).keep.mean() < 0.3


# the published stages -----------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=2, max_size=40), st.floats(0.01, 0.49))
def test_the_band_takes_ranks(costs: list[float], beta: float) -> None:
    values = np.array(costs)
    inside, low, high = band(values, beta, 0.5)
    n = len(values)
    skipped = int(np.ceil(round(n * beta, 9)))
    n_inside = min(n // 2, n - skipped)
    ranked = np.sort(values)[skipped : skipped + n_inside]
    assert np.sort(values[inside]).tolist() == ranked.tolist()
    ends = [ranked[0], ranked[-1]] if n_inside else [np.nan, np.nan]
    np.testing.assert_equal([low, high], ends)


def test_the_band_takes_real_rows_over_only_if_asked() -> None:
    rows = points(40, 1)
    assert judged(CostBand(), rows).added is None
    result = judged(CostBand(include_bootstrap=True, real_costs="in_sample"), rows)
    assert result.added is not None
    assert result.added.height + result.keep.sum() == 40
    assert set(result.added["x"]) <= set(points(80, 0)["x"])


def test_the_determinant_is_that_of_the_precision() -> None:
    check = InformationGain().fit(points(50, 0, classes=3), SCHEMA, rng())
    design = check.real_
    model = check.fitted(design)
    full = log_determinant(design, model, 4, "full")
    blocks, diagonal = (log_determinant(design, model, 4, form) for form in _forms())
    assert full <= blocks <= diagonal  # Fischer's and Hadamard's inequalities
    assert check.gain(design, design) > 0


def _forms() -> tuple[Form, Form]:
    return "one-vs-rest", "diagonal"


def test_wrong_labels_raise_the_information_as_the_documentation_says() -> None:
    check = InformationGain().fit(points(60, 0), SCHEMA, rng())
    design = check.real_rows_.design
    batch = points(20, 1)
    right, flipped = (
        check.gain(design(check.real_rows_.rows(rows)), check.rows_)
        for rows in (batch, wrong(batch))
    )
    assert flipped > right


def test_a_frozen_gain_does_not_see_labels() -> None:
    check = InformationGain(update="frozen").fit(points(60, 0), SCHEMA, rng())
    rows = points(10, 1)
    first, second = (check.judge(table, rng()).score[0] for table in (rows, wrong(rows)))
    assert first == second


@pytest.mark.parametrize("rule", ["no_harm", "non_negative", "relative", "headroom", "absolute"])
def test_a_collapsed_batch_is_not_diverse(rule: Rule) -> None:
    real = points(60, 0)
    assert not judged(Diversity(rule), pl.concat([real.head(1)] * 20), real).keep.any()


def test_the_percentile_takes_the_best_batches() -> None:
    check = Diversity("percentile", 0.3).fit(points(60, 0), SCHEMA, rng())
    batches = [points(10, seed) for seed in range(1, 11)]
    check.prepare(batches)
    gains = np.array([check.gain(check.assign(batch)) for batch in batches])
    passed = np.array([check.judge(batch, rng()).keep.all() for batch in batches])
    assert 3 <= passed.sum() < 10
    assert gains[passed].min() > gains[~passed].max()


def test_selecting_loses_rows_of_the_fullest_cluster_only_up_to_a_share() -> None:
    real = points(60, 0)
    pool = pl.concat([points(40, 1), pl.concat([real.head(1)] * 60)])
    result = judged(Diversity(fate="select", max_removed=0.3), pool, real)
    assert 0 < (~result.keep).sum() <= 30
    assert judged(Diversity(fate="select"), points(60, 1), real).keep.mean() > 0.9


def test_the_mlp_assigns_most_rows_as_the_centroids_do() -> None:
    real = points(60, 0)
    near, learned = (
        Diversity(assigner=how).fit(real, SCHEMA, rng()) for how in ("centroid", "mlp")
    )
    rows = points(100, 1)
    assert (near.assign(rows) == learned.assign(rows)).mean() > 0.7


# the line -----------------------------------------------------------------------


@given(st.lists(st.integers(0, 3), min_size=4, max_size=30), st.integers(2, 6))
def test_folds_spread_every_class(labels: list[int], n_folds: int) -> None:
    y = np.array(labels, dtype=float)
    folds = stratified_folds(y, n_folds, rng())
    sizes = np.bincount(folds)
    assert sizes.max() - sizes.min() <= 1
    for label in np.unique(y):
        counts = np.bincount(folds[y == label], minlength=len(sizes))
        assert counts.max() - counts.min() <= 1


def test_batches_are_cut_or_taken_as_given() -> None:
    assert [len(part) for part in split_batches(7, None, 3)] == [3, 3, 1]
    assert [part.tolist() for part in split_batches(3, np.array([9, 2, 9]), None)] == [[1], [0, 2]]
    assert split_batches(0, None, None) == []


def test_later_batches_know_what_was_accepted() -> None:
    class Counts:
        name = "counts"

        def __init__(self) -> None:
            self.known = 0

        def fit(self, train: pl.DataFrame, schema: Schema, rng: np.random.Generator) -> Counts:
            return self

        def learn(self, rows: pl.DataFrame) -> None:
            self.known += rows.height

        def judge(self, rows: pl.DataFrame, rng: np.random.Generator) -> Judgement:
            return Judgement.of(np.full(rows.height, self.known < 4), f"{self.known} are known")

    check = Counts()
    result = run_checks([check], points(6, 0), split_batches(6, None, 2), 0)
    assert result.keep.tolist() == [True] * 4 + [False] * 2
    assert result.reason[-1] == "4 are known"
    assert check.known == 0  # a run leaves the check as it was


def test_options_are_checked() -> None:
    for make, declared in [
        (lambda: CostBand(0.7), r"beta lies in \(0, 0.5\)"),
        (lambda: Diversity("best"), "rule is one of no_harm"),  # type: ignore[arg-type]  # tested
        (lambda: InformationGain(update="new"), "update is"),  # type: ignore[arg-type]  # tested
        (lambda: LabelPlausibility(2), "share lies between 0 and 1"),
        (lambda: NearDuplicates(-1), "quantile lies between"),
        (lambda: Outliers(0), "factor is above 0"),
        (lambda: Relations(0.5), "factor is at least 1"),
        (lambda: Relations(false_alarms=0), "false_alarms is above 0 and below 1, not 0"),
        (lambda: Relations(of="y"), "of is 'all', 'features' or 'target', not 'y'"),  # type: ignore[arg-type]  # tested
        (lambda: LabelCheck("nobody"), "trust is"),  # type: ignore[arg-type]  # tested
        (lambda: Sanity(missing="no"), "missing is"),  # type: ignore[arg-type]  # tested
    ]:
        with pytest.raises(InputError, match=declared):
            make()
