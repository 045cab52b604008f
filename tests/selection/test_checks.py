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
from tablewright.metrics.outcomes import rank_scores
from tablewright.schema import Schema
from tablewright.selection.check import Check, Judgement
from tablewright.selection.cost_band import CostBand, band
from tablewright.selection.distances import NearDuplicates, Outliers
from tablewright.selection.diversity import Diversity, Rule, entropy
from tablewright.selection.information import Form, InformationGain, log_determinant
from tablewright.selection.label_checks import (
    LabelCheck,
    LabelPlausibility,
    PoolTest,
    RealAgreement,
    excess,
)
from tablewright.selection.pipeline import run_checks, split_batches
from tablewright.selection.relations import Reference, Relations
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


# labels -------------------------------------------------------------------------


def test_flipped_labels_are_the_least_plausible() -> None:
    rows = points(100, 1)
    spoilt = pl.concat([wrong(rows.head(15)), rows[15:]])
    result = judged(LabelPlausibility(0.25), spoilt)
    assert (~result.keep[:15]).sum() >= 8  # of 15, with a third of all labels hard to tell
    assert (~result.keep[15:]).mean() < 0.05
    assert result.score[~result.keep].max() < 1


def test_a_sound_pool_weighs_all_and_a_wrong_or_empty_one_nothing() -> None:
    test = PoolTest().fit(points(80, 0, classes=3), SCHEMA, rng())
    sound = points(100, 1, classes=3)
    assert test.weigh(sound, rng()) == 1.0
    assert test.weigh(wrong(sound), rng()) == 0.0
    assert test.weigh(sound.clear(), rng()) == 0.0


def test_a_pool_weighs_all_where_real_rows_alone_are_predicted_without_fault() -> None:
    """A gain of -0.003 +- 0.002 once threw all of 200 clean rows away."""
    apart = points(80, 0).with_columns(x=pl.when(pl.col("y") == "a").then(-9.0).otherwise(9.0))
    pool = apart.with_columns(z=pl.col("z").shuffle(1))
    for seed in range(5):
        test = PoolTest().fit(apart, SCHEMA, rng())
        assert test.weigh(pool, np.random.default_rng(seed)) == 1.0


def test_the_weight_falls_in_steps_of_harm_and_agreement() -> None:
    test = PoolTest().fit(points(40, 0), SCHEMA, rng())
    test.gain = lambda *_: (-0.05, 0.02)  # type: ignore[method-assign]  # 2.5 errors of harm
    test.agree = lambda *_: 1.5  # type: ignore[method-assign]  # half of the way to 2.5
    assert test.weigh(points(5, 1), rng()) == pytest.approx(0.5 * (1 - 0.855 / 1.645), abs=1e-3)
    assert "z = 1.5, and adding it changes their prediction by -0.050 ± 0.020" in test.evidence


def test_shuffled_labels_agree_by_chance_only() -> None:
    test = PoolTest().fit(points(80, 0), SCHEMA, rng())
    pool = points(100, 1)
    z = [
        test.agree(pool.with_columns(pl.col("y").shuffle(seed)), np.random.default_rng(seed))
        for seed in range(30)
    ]
    assert abs(np.mean(z)) < 4 * np.std(z) / np.sqrt(30)
    assert test.agree(pool, rng()) > 3


def test_a_clean_pool_loses_hardly_a_row_for_its_labels() -> None:
    lost = [(~judged(LabelPlausibility(), points(200, seed)).keep).mean() for seed in range(1, 9)]
    assert np.mean(lost) < 0.03


def test_excess_counts_what_real_rows_do_not_have() -> None:
    real, bad = np.linspace(0.2, 2, 200), np.full(40, 0.01)
    assert excess(real, real) == 0
    assert excess(real, np.ones(0)) == 0
    assert excess(real, np.r_[bad, real[:160]]) == pytest.approx(40, abs=2)
    assert excess(real, np.full(50, 1.5)) == 0


def test_rows_that_a_model_of_the_real_rows_agrees_with_stay_as_they_help() -> None:
    check = RealAgreement().fit(points(40, 0), SCHEMA, rng())
    rows = pl.concat([points(60, 1), wrong(points(60, 2))])
    judgement = check.judge(rows, rng())
    agreed = judgement.score < 1
    assert (~agreed).sum() >= 40
    assert agreed[:60].sum() > 3 * agreed[60:].sum()
    share = np.clip(check.gain_ / (2 * check.error_), 0, 1)
    assert judgement.keep.tolist() == (judgement.score < share).tolist()


def test_a_pool_that_weighs_half_keeps_half_of_its_plausible_rows() -> None:
    check = LabelCheck().fit(points(80, 0), SCHEMA, rng())
    check.test.weigh = lambda *_: 0.5  # type: ignore[method-assign]  # as a test found it
    check.agreement.judge = lambda rows, rng: Judgement.of(  # type: ignore[method-assign]
        np.zeros(rows.height, dtype=bool), "does not help"
    )
    rows = points(100, 1)
    judgement = check.judge(rows, rng())
    assert 40 <= judgement.keep.sum() <= 50
    assert check.taken_ == "data"
    order = check.agreement.order(rows, rng())
    assert order[judgement.keep].max() < 0.5


# relations ----------------------------------------------------------------------


def insured(n: int, seed: int) -> pl.DataFrame:
    """Charges by age and smoking; the least of a smoker are far above most of the others'."""
    draws = np.random.default_rng(seed)
    age, smoker = draws.integers(18, 65, n), draws.random(n) < 0.25
    charges = 250 * age - 2500 + np.where(smoker, 15_000, 0) + draws.normal(0, 700, n)
    return pl.DataFrame(
        {
            "age": age,
            "smoker": np.where(smoker, "yes", "no"),
            "region": draws.choice(["n", "s"], n),
            "charges": np.maximum(charges, 1100).round(2),
        }
    )


INSURED = Schema.build(
    {"age": "integer", "smoker": "categorical", "region": "categorical", "charges": "continuous"},
    target="charges",
)


def test_smokers_at_a_tenth_of_their_least_charge_are_flagged_and_real_rows_are_not() -> None:
    real = insured(250, 0)
    check = Relations().fit(real, INSURED, rng())
    smokers = insured(400, 1).filter(pl.col("smoker") == "yes")
    minimum = real.filter(pl.col("smoker") == "yes")["charges"].min()
    cheap = smokers.with_columns(charges=pl.lit(float(minimum) / 10))  # type: ignore[arg-type]
    judgement = check.judge(cheap, rng())
    assert not judgement.keep.any()
    assert all(
        reason.startswith(("charges does not go", "smoker does not go", "age does not go"))
        for reason in judgement.reasons
    )
    fresh = [check.judge(insured(400, seed), rng()).keep.mean() for seed in range(2, 6)]
    assert np.mean(fresh) > 0.97
    assert check.false_alarms_ <= 0.01


def test_a_category_that_the_numbers_deny_is_flagged() -> None:
    draws = np.random.default_rng(0)
    x = draws.normal(0, 1, 300)
    real = pl.DataFrame({"x": x, "y": np.where(x > 0, "high", "low")})
    schema = Schema.build({"x": "continuous", "y": "categorical"})
    check = Relations().fit(real, schema, rng())
    rows = pl.DataFrame({"x": [2.0, -2.0, 2.0, None], "y": ["high", "low", "low", None]})
    assert check.judge(rows, rng()).keep.tolist() == [True, True, False, True]


def test_relations_abstain_below_forty_rows_and_without_columns() -> None:
    rows = insured(30, 1)
    assert Relations().fit(insured(39, 0), INSURED, rng()).judge(rows, rng()).keep.all()
    one = Schema.build({"age": "integer"})
    check = Relations().fit(insured(80, 0).select("age"), one, rng())
    assert check.judge(rows.select("age"), rng()).keep.all()


def test_merits_are_one_where_every_class_is_told() -> None:
    y = np.array([0.0, 0, 1, 2])
    sure = np.eye(3)[y.astype(int)]
    weights = np.array([2 / 3, 2 / 3, 4 / 3, 4 / 3])
    np.testing.assert_allclose(rank_scores(y, sure), (1 + weights) / 2)
    assert rank_scores(y, sure).mean() == pytest.approx(1.0)
    assert rank_scores(y, np.full((4, 3), 1 / 3)).mean() == pytest.approx((0.5 + 0.5) / 2)


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
    full = log_determinant(design, design, 4, "full")
    blocks, diagonal = (log_determinant(design, design, 4, form) for form in _forms())
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


def test_entropy_is_largest_where_counts_are_even() -> None:
    assert entropy(np.array([4, 4, 4])) == pytest.approx(np.log(3))
    assert entropy(np.array([12, 0, 0])) == 0


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
        (lambda: LabelCheck("nobody"), "trust is"),  # type: ignore[arg-type]  # tested
        (lambda: Sanity(missing="no"), "missing is"),  # type: ignore[arg-type]  # tested
    ]:
        with pytest.raises(InputError, match=declared):
            make()


def test_wrong_numbers_do_not_widen_the_error_that_they_are_judged_by() -> None:
    draws = np.random.default_rng(3)
    schema = Schema.build({"x": "continuous", "y": "continuous"}, target="y")

    def line(n: int) -> pl.DataFrame:
        x = draws.uniform(-2, 2, n)
        return pl.DataFrame({"x": x, "y": 3 * x + draws.normal(0, 0.3, n)})

    pool = line(200)
    spoilt = np.arange(200) < 40
    pool = pool.with_columns(y=pl.when(pl.Series(spoilt)).then(-pl.col("y")).otherwise("y"))
    far = spoilt & (pool["x"].abs() > 0.5).to_numpy()  # nearer to 0 the sign hardly matters
    result = LabelPlausibility().fit(line(150), schema, rng()).judge(pool, rng())
    assert result.keep[far].mean() < 0.1
    assert result.keep[~spoilt].mean() > 0.95


def test_the_share_of_sound_rows_is_read_off_a_mixture() -> None:
    reference = Reference(mark=1.0, real=0.9, mixed=0.3, n_rows=10**9)
    pool = np.repeat([0.5, 1.0, 1.5], [300_000, 300_000, 400_000])
    assert reference.sound_share(pool) == pytest.approx((0.6 - 0.3) / 0.6, abs=0.002)
    assert reference.sound_share(np.full(100, 2.0)) == 0.0
    assert reference.sound_share(np.zeros(100)) == 1.0
    # 1.645 standard errors of a share of 0.3 among 100 rows: the chance of the draw is allowed for
    few = np.repeat([0.0, 2.0], [30, 70])
    assert reference.sound_share(few) == pytest.approx(1.645 * np.sqrt(0.21 / 100) / 0.6)
    assert Reference(1.0, 0.5, 0.5, 100).sound_share(few) == 1.0
