"""Labels: which are wrong, what a pool weighs, and which cells do not go together."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.datasets import load_diabetes

from tablewright import Trim
from tablewright.metrics.outcomes import rank_scores
from tablewright.schema import Schema
from tablewright.selection.check import Check, Judgement
from tablewright.selection.feature_space import RealRows
from tablewright.selection.label_checks import (
    LabelCheck,
    LabelPlausibility,
    PoolTest,
    RealAgreement,
    _shuffled_z,
    at_other_labels,
)
from tablewright.selection.label_levels import LabelLevels
from tablewright.selection.mixture import Mixture
from tablewright.selection.relations import Relations

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


def flipped(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(y=pl.col("y").replace({"a": "b", "b": "a"}))


def levels(real: pl.DataFrame, schema: Schema = SCHEMA) -> LabelLevels:
    return LabelLevels(RealRows.fit(real, schema))


def judged(check: Check, rows: pl.DataFrame, real: pl.DataFrame | None = None) -> Judgement:
    return check.fit(points(80, 0) if real is None else real, SCHEMA, rng()).judge(rows, rng())


def everyone(rows: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.ones(rows.height, dtype=bool)


# how likely a label is --------------------------------------------------------------


def test_ratios_of_classes_are_probabilities_over_shares_of_the_known_rows() -> None:
    real = points(90, 0, classes=3)
    own = levels(real)
    known = own.real.take(np.arange(60))
    predicted = own.task(60).predict(known, own.real, rng())["linear"]
    shares = np.bincount(known.y.astype(int), minlength=4) / 60
    ratios = own.ratios(known, own.real, rng())
    np.testing.assert_allclose(ratios[:, :3], predicted[:, :3] / shares[:3])
    assert (ratios[:, 3] == 0).all()  # a class that no row has
    codes = own.real.y.astype(int)
    np.testing.assert_array_equal(own.of(ratios, own.real), ratios[np.arange(90), codes])


def test_levels_of_a_number_hold_as_many_real_rows_each() -> None:
    schema = Schema.build({"x": "continuous", "y": "continuous"}, target="y")
    y = np.random.default_rng(0).gamma(1, 1, 200)
    own = levels(pl.DataFrame({"x": y, "y": y}), schema)
    assert np.bincount(own.codes(y)).tolist() == [10] * 20
    assert own.codes(np.array([-9.0, 1e9])).tolist() == [0, 19]


def test_ratios_of_numbers_follow_a_spread_that_differs_by_row() -> None:
    """Where x is high, y is anywhere; where it is low, y is low: no error has one size."""
    draws = np.random.default_rng(0)
    x = draws.uniform(0, 1, 800)
    y = np.where(x < 0.5, draws.uniform(0, 0.2, 800), draws.uniform(0, 1, 800))
    schema = Schema.build({"x": "continuous", "y": "continuous"}, target="y")
    own = levels(pl.DataFrame({"x": x, "y": y}), schema)
    asked = own.design(pl.DataFrame({"x": [0.2, 0.2, 0.8, 0.8], "y": [0.1, 0.9, 0.1, 0.9]}))
    low, impossible, fair, high = own.of(own.ratios(own.real, asked, rng()), asked)
    assert impossible < 0.05
    assert low > 1.3  # 5 of 6 rows with y below 0.2 have a low x
    assert fair < 0.85
    assert high > 1.3
    means = own.ratios(own.real, own.real, rng()).mean(axis=0)
    np.testing.assert_allclose(means, 1, atol=0.15)  # on the whole a label is as likely as it is


def test_wrong_labels_are_those_of_other_rows() -> None:
    ratios, codes = np.arange(12.0).reshape(4, 3), np.array([0, 1, 1, 2])
    drawn = at_other_labels(ratios, codes, rng())
    own = {ratios[row, code] for row, code in enumerate(codes)}
    assert own.isdisjoint(drawn)
    assert set(drawn) <= set(ratios.ravel())
    assert at_other_labels(ratios, np.zeros(4, dtype=int), rng()).size == 0


# a pool as a mixture ----------------------------------------------------------------


def test_the_share_of_sound_rows_is_where_the_two_distributions_differ_most() -> None:
    draws = np.random.default_rng(0)
    real, wrong = draws.normal(0, 1, 4000), draws.normal(2, 1, 4000)
    mixture = Mixture.of(real, wrong)
    pool = np.concatenate([draws.normal(0, 1, 3000), draws.normal(2, 1, 7000)])
    apart = stats.ks_2samp(real, wrong, alternative="greater").statistic
    share, below = mixture.sound_share(pool), (wrong <= 1).mean()  # by symmetry at 1
    # one standard error is about 0.01 / 0.68
    assert share == pytest.approx(0.3 + 0.016, abs=0.012)
    assert share == pytest.approx(((pool <= 1).mean() - below) / apart, abs=0.03)
    assert mixture.sound_share(wrong) < 0.05
    assert mixture.sound_share(real) == 1.0
    assert mixture.sound_share(np.zeros(0)) == 1.0


def test_scores_that_tell_nothing_leave_every_pool_sound() -> None:
    draws = np.random.default_rng(0)
    for _ in range(20):
        mixture = Mixture.of(draws.normal(size=50), draws.normal(size=50))
        if stats.ks_2samp(mixture.real, mixture.wrong, alternative="greater").pvalue > 0.05:
            assert mixture.sound_share(np.full(30, 9.0)) == 1.0


def test_the_limit_is_that_of_the_fewest_mistakes() -> None:
    draws = np.random.default_rng(0)
    mixture = Mixture.of(draws.normal(0, 1, 5000), draws.normal(3, 1, 5000))
    for sound in (0.2, 0.5, 0.9):
        # where the densities, each by its share, are equal
        expected = 1.5 + np.log(sound / (1 - sound)) / 3
        assert mixture.limit(sound) == pytest.approx(expected, abs=0.25)
    assert mixture.limit(1.0) == np.inf
    assert mixture.limit(0.0) <= mixture.wrong[0]
    few = Mixture.of(np.array([0.0, 1.0]), np.array([5.0, 6.0]))
    assert few.limit(0.5) == 1.0
    assert few.limit(0.9) == np.inf  # of three real rows one may lie beyond two


# labels -----------------------------------------------------------------------------


def test_flipped_labels_are_the_least_plausible() -> None:
    rows = points(100, 1)
    spoilt = pl.concat([flipped(rows.head(25)), rows[25:]])
    result = judged(LabelPlausibility(), spoilt)
    assert (~result.keep[:25]).sum() >= 13  # of 25, with a third of all labels hard to tell
    assert (~result.keep[25:]).mean() < 0.1
    assert result.score[~result.keep].max() < result.score[result.keep].min()
    limited = judged(LabelPlausibility(0.05), spoilt)
    assert (~limited.keep).sum() == 5
    assert set(np.flatnonzero(~limited.keep)) <= set(np.flatnonzero(~result.keep))


def test_a_clean_pool_loses_hardly_a_row_for_its_labels() -> None:
    lost = [(~judged(LabelPlausibility(), points(200, seed)).keep).mean() for seed in range(1, 9)]
    assert np.mean(lost) < 0.03


def charged(n: int, seed: int) -> pl.DataFrame:
    """Charges by age and, where one smokes, by weight; a few are far above what explains them."""
    draws = np.random.default_rng(seed)
    age, bmi = draws.integers(18, 65, n), draws.normal(30, 6, n).round(1)
    smoker = draws.random(n) < 0.2
    charges = 250 * (age - 18) + 2000 + np.where(smoker, 14_000 + 16_000 * (bmi > 30), 0)
    charges = charges + draws.exponential(900, n) + (draws.random(n) < 0.08) * 9000
    return pl.DataFrame(
        {"age": age, "bmi": bmi, "smoker": np.where(smoker, "yes", "no"), "charges": charges}
    )


def test_numbers_that_were_swapped_between_rows_go_where_features_interact() -> None:
    """A spread that is the same for all rows once kept 3 of 5 of them."""
    draws = np.random.default_rng(3)
    pool = charged(200, 1)
    y, spoilt = pool["charges"].to_numpy().copy(), draws.permutation(200)[:100]
    y[spoilt] = y[draws.permutation(spoilt)]
    trim = Trim("charges", random_state=0).fit(charged(150, 0))
    trim.transform(pool.with_columns(charges=y))
    assert "times as likely as for any row" in " ".join(trim.result_.reason)
    wrong = np.isin(np.arange(200), spoilt)
    # By the true densities 15 % of the wrong ones are likelier right, 10 % of the others wrong.
    assert trim.result_.keep[wrong].mean() < 0.4
    assert trim.result_.keep[~wrong].mean() > 0.8


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


# the pool as a whole ----------------------------------------------------------------


def test_a_sound_pool_weighs_all_and_a_wrong_or_empty_one_nothing() -> None:
    test = PoolTest(levels(points(80, 0, classes=3)))
    sound = points(100, 1, classes=3)
    assert test.weigh(sound, everyone(sound), rng()) == 1.0
    assert test.weigh(flipped(sound), everyone(sound), rng()) == 0.0
    assert test.weigh(sound.clear(), everyone(sound.clear()), rng()) == 0.0


def test_a_pool_weighs_all_where_real_rows_alone_are_predicted_without_fault() -> None:
    """A gain of -0.003 +- 0.002 once threw all of 200 clean rows away."""
    apart = points(80, 0).with_columns(x=pl.when(pl.col("y") == "a").then(-9.0).otherwise(9.0))
    pool = apart.with_columns(z=pl.col("z").shuffle(1))
    for seed in range(5):
        test = PoolTest(levels(apart))
        assert test.weigh(pool, everyone(pool), np.random.default_rng(seed)) == 1.0


def test_the_weight_falls_in_steps_of_harm_and_agreement() -> None:
    test, pool = PoolTest(levels(points(40, 0))), points(5, 1)
    test.gain = lambda *_: (-0.05, 0.02)  # type: ignore[method-assign]  # 2.5 errors of harm
    test.agree = lambda *_: 1.5  # type: ignore[method-assign]  # half of the way to 2.5
    weight = test.weigh(pool, everyone(pool), rng())
    assert weight == pytest.approx(0.5 * (1 - 0.855 / 1.645), abs=1e-3)
    assert "z = 1.5, and adding it changes their prediction by -0.050 ± 0.020" in test.evidence


def test_agreement_is_asked_of_all_rows_and_gain_of_the_plausible_ones() -> None:
    test, pool = PoolTest(levels(points(40, 0))), points(6, 1)
    test.agree = lambda rows, rng: float(rows.height)  # type: ignore[method-assign]  # noted
    test.gain = lambda rows, rng: (float(rows.height), 1.0)  # type: ignore[method-assign]  # noted
    test.weigh(pool, np.array([True, False] * 3), rng())
    assert (test.z_, test.gain_) == (6, 3)


def test_a_pool_weighs_all_where_features_tell_nothing_of_the_label() -> None:
    """Not to know what cannot be known is no fault: such pools were thrown away by chance."""

    def noise(n: int, seed: int) -> pl.DataFrame:
        return points(n, seed).with_columns(pl.col("y").shuffle(seed))

    weights = []
    for seed in range(6):
        pool = noise(100, 50 + seed)
        weights.append(PoolTest(levels(noise(80, seed))).weigh(pool, everyone(pool), rng()))
    assert np.mean(weights) > 0.5


def test_shuffled_labels_agree_by_chance_only() -> None:
    test = PoolTest(levels(points(80, 0)))
    pool = points(100, 1)
    z = [
        test.agree(pool.with_columns(pl.col("y").shuffle(seed)), np.random.default_rng(seed))
        for seed in range(30)
    ]
    assert abs(np.mean(z)) < 4 * np.std(z) / np.sqrt(30)
    assert test.agree(pool, rng()) > 3


def test_the_z_score_is_that_of_all_permutations() -> None:
    likely = np.random.default_rng(0).normal(size=(6, 6))
    from itertools import permutations

    traces = [likely[np.arange(6), list(order)].sum() for order in permutations(range(6))]
    expected = (np.trace(likely) - np.mean(traces)) / np.std(traces)
    assert _shuffled_z(likely) == pytest.approx(expected)
    assert _shuffled_z(np.ones((4, 4))) == 0.0


@pytest.mark.parametrize("n_real", [10, 20, 30, 60])
def test_a_sound_pool_stays_and_a_wrong_one_goes_whatever_the_number_of_real_rows(
    n_real: int,
) -> None:
    def kept(real_seed: int, pool: pl.DataFrame) -> float:
        check = LabelCheck().fit(points(n_real, real_seed), SCHEMA, rng())
        return float(check.judge(pool, rng()).keep.mean())

    sound = [kept(seed, points(150, 100 + seed)) for seed in range(4)]
    wrong = [kept(seed, flipped(points(150, 100 + seed))) for seed in range(4)]
    assert np.mean(sound) > (0.6 if n_real == 10 else 0.9)
    assert np.mean(wrong) < 0.1


def test_rows_that_a_model_of_the_real_rows_agrees_with_stay_as_they_help() -> None:
    check = RealAgreement(levels(points(40, 0)))
    rows = pl.concat([points(60, 1), flipped(points(60, 2))])
    judgement = check.judge(rows, rng())
    agreed = judgement.score < 1
    assert (~agreed).sum() >= 40
    assert agreed[:60].sum() > 3 * agreed[60:].sum()
    share = np.clip(check.gain_ / (2 * check.error_), 0, 1)
    assert judgement.keep.tolist() == (judgement.score < share).tolist()


def test_few_real_rows_do_not_tell_which_rows_help() -> None:
    judgement = RealAgreement(levels(points(29, 0))).judge(points(60, 1), rng())
    assert not judgement.keep.any()
    assert judgement.notes == ("29 real rows do not tell which other rows help",)


def test_a_model_of_the_real_rows_ranks_labels_by_their_probability() -> None:
    schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    check = RealAgreement(levels(points(80, 0).drop("z"), schema))
    rows = pl.DataFrame({"x": [-2.0, -0.2, 2.0, 2.5], "y": ["a", "a", "a", "b"]})
    order = check.order(rows, rng())
    assert order[2] == max(order)  # far on the side of the other class
    assert sorted(order.tolist()) == [0.0, 0.25, 0.5, 0.75]


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


def test_a_label_out_of_all_relation_goes_from_a_pool_that_is_otherwise_sound() -> None:
    """One row of 200 is no share of a pool: the row's own cells decide."""
    pool = charged(200, 1).with_row_index().filter(pl.col("index") < 150)
    smoker = pool.filter((pl.col("smoker") == "yes") & (pl.col("bmi") > 32)).head(1)
    cheap = pl.concat(
        [
            pool,
            smoker.with_columns(
                charges=1100.0, age=pl.lit(19, pl.Int64), index=pl.lit(999, pl.UInt32)
            ),
        ]
    )
    trim = Trim("charges", schema={"charges": {"minimum": 0}}, random_state=0)
    trim.fit(charged(150, 0))
    trim.transform(cheap.drop("index"))
    assert trim.result_.stage[-1] == "labels"
    assert trim.result_.reason[-1].startswith("charges does not go with the other cells")
    assert trim.result_.n_kept > 135


# relations --------------------------------------------------------------------------


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


def test_a_wrong_label_is_no_fault_of_the_features_where_these_alone_are_judged() -> None:
    real = insured(150, 0)
    cheap = insured(100, 1).filter(pl.col("smoker") == "yes").with_columns(charges=pl.lit(1100.0))
    features = Relations(of="features").fit(real, INSURED, rng())
    assert features.judge(cheap, rng()).keep.all()
    target = Relations(of="target").fit(real, INSURED, rng()).judge(cheap, rng())
    assert not target.keep.any()
    assert {reason.split(" ")[0] for reason in target.reasons} == {"charges"}


def test_fresh_rows_of_many_columns_are_seldom_flagged() -> None:
    """Scores over a limit that their own rows set flagged one fresh row in ten."""
    bunch = load_diabetes(as_frame=True, scaled=False)
    table = pl.from_pandas(bunch["frame"].sample(frac=1, random_state=1))
    schema = Schema.build(dict.fromkeys(table.columns, "continuous"))
    check = Relations().fit(table[:50], schema, rng())
    assert check.judge(table[50:], rng()).keep.mean() > 0.95


def test_a_category_that_the_numbers_deny_is_flagged() -> None:
    draws = np.random.default_rng(0)
    x = draws.normal(0, 1, 300)
    real = pl.DataFrame({"x": x, "y": np.where(x > 0, "high", "low")})
    schema = Schema.build({"x": "continuous", "y": "categorical"})
    check = Relations().fit(real, schema, rng())
    rows = pl.DataFrame({"x": [2.0, -2.0, 2.0, None], "y": ["high", "low", "low", None]})
    assert check.judge(rows, rng()).keep.tolist() == [True, True, False, True]


def test_rows_judged_alone_cost_the_stated_share_of_held_out_rows_and_find_wrong_ones() -> None:
    lost, found = [], []
    for seed in range(6):
        check = Relations(false_alarms=0.1).fit(insured(40, seed), INSURED, rng())
        assert check.false_alarms_ <= 0.1
        sound = insured(300, 100 + seed)
        smokers = sound.filter(pl.col("smoker") == "yes").with_columns(charges=pl.lit(1100.0))
        lost.append(1 - check.judge(sound, rng()).keep.mean())
        found.append(1 - check.judge(smokers, rng()).keep.mean())
        one = check.judge(smokers[:1], rng())
        assert one.keep[0] == check.judge(smokers, rng()).keep[0], "the pool plays no part"
    assert np.mean(lost) < 0.15
    assert np.mean(found) > 0.7


def test_a_class_that_nothing_tells_loses_no_larger_share_than_the_others() -> None:
    """By one limit for all, each of the two rare rows would have gone."""
    draws = np.random.default_rng(0)

    def drawn(n: int) -> pl.DataFrame:
        rare = draws.random(n) < 0.1
        return pl.DataFrame({"x": draws.normal(size=n), "y": np.where(rare, "rare", "usual")})

    schema = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
    check = Relations(false_alarms=0.1).fit(drawn(100), schema, rng())
    rows = drawn(1000).filter(pl.col("y") == "rare")
    assert check.judge(rows, rng()).keep.mean() > 0.75
    unseen = pl.DataFrame({"x": [9.0], "y": ["new"]})
    assert check.judge(unseen, rng()).keep.all(), "no real row says how its cells go together"


def test_relations_abstain_below_forty_rows_and_without_columns() -> None:
    rows = insured(30, 1)
    assert Relations().fit(insured(39, 0), INSURED, rng()).judge(rows, rng()).keep.all()
    one = Schema.build({"age": "integer"})
    check = Relations().fit(insured(80, 0).select("age"), one, rng())
    assert check.judge(rows.select("age"), rng()).keep.all()


def test_a_pool_of_shuffled_columns_goes_and_new_draws_and_half_of_both_stay() -> None:
    def line(n: int, seed: int) -> pl.DataFrame:
        draws = np.random.default_rng(seed)
        x = draws.normal(size=n)
        return pl.DataFrame({"x": x, "z": x + draws.normal(0, 0.1, n)})

    schema = Schema.build({"x": "continuous", "z": "continuous"})
    check = Relations().fit(line(150, 0), schema, rng())
    torn = line(100, 1).with_columns(pl.col("z").shuffle(1))
    judgement = check.judge(torn, rng())
    assert judgement.keep.mean() < 0.2
    assert check.judge(line(100, 2), rng()).keep.mean() > 0.9
    assert check.sound_ > 0.9
    mixed = check.judge(pl.concat([line(100, 2), torn]), rng()).keep
    assert mixed[:100].mean() > 0.9
    assert mixed[100:].mean() < 0.3


def test_merits_are_one_where_every_class_is_told() -> None:
    y = np.array([0.0, 0, 1, 2])
    sure = np.eye(3)[y.astype(int)]
    weights = np.array([2 / 3, 2 / 3, 4 / 3, 4 / 3])
    np.testing.assert_allclose(rank_scores(y, sure), (1 + weights) / 2)
    assert rank_scores(y, sure).mean() == pytest.approx(1.0)
    assert rank_scores(y, np.full((4, 3), 1 / 3)).mean() == pytest.approx((0.5 + 0.5) / 2)
