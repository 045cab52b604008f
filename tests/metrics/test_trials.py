"""Arms: which rows each one learns from, how halves are drawn, and what is read off them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright.metrics.encoder import EncodedRows, FeatureEncoder, Floats
from tablewright.metrics.learners import Design, Task
from tablewright.metrics.outcomes import classification
from tablewright.metrics.trials import (
    Arm,
    Draw,
    Outcomes,
    Trials,
    _interval,
    _tilt,
    half,
    run_trials,
)
from tablewright.metrics.utility import control_arms, main_arms, task_of, usable, utility_scores
from tablewright.metrics.verdict import Word, judge
from tablewright.schema import Schema

SCHEMA = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
NUMBERS = Schema.build({"x": "continuous", "y": "continuous"}, target="y")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def table(xs: list[float], ys: list[str | None]) -> pl.DataFrame:
    return pl.DataFrame({"x": xs, "y": ys}, schema={"x": pl.Float64, "y": pl.String})


REAL = table([float(i) for i in range(10)], [*"aaaaaaabbb"])
MADE = table([100.0 + i for i in range(8)], [*"aabbbbbb"])
ENCODER = FeatureEncoder.fit(REAL, SCHEMA)


def drawn(real: pl.DataFrame = REAL, made: pl.DataFrame = MADE, more: int = 0) -> Draw:
    rows = ENCODER.rows(real)
    pools = {"synthetic": Design.of(ENCODER.rows(made))}
    if more:
        extra = table([1000.0 + i for i in range(more)], ["a"] * more)
        pools["more real rows"] = Design.of(ENCODER.rows(extra))
    return Draw(Design.of(rows), pools, rows)


def xs(design: Design) -> list[float]:
    return sorted(design.trees[:, 0].tolist())


# arms -----------------------------------------------------------------------------


def test_real_and_augmented_rows_are_those_given() -> None:
    arms = main_arms()
    assert xs(arms["real"].build(drawn(), rng())) == REAL["x"].to_list()
    assert xs(arms["augmented"].build(drawn(), rng())) == [*REAL["x"], *MADE["x"]]
    assert arms["real"].fixed
    assert not any(arm.fixed for name, arm in arms.items() if name != "real")


def test_generated_and_real_rows_are_cut_to_the_size_of_each_other() -> None:
    arms = main_arms()
    made = xs(arms["synthetic"].build(drawn(), rng()))
    assert made == MADE["x"].to_list()  # eight are fewer than ten: all of them
    few = arms["synthetic"].build(drawn(real=REAL[:3]), rng())
    assert len(few) == 3
    assert set(xs(few)) < set(MADE["x"])
    sized = xs(arms["real at synthetic size"].build(drawn(), rng()))
    assert len(set(sized)) == 8
    assert set(sized) < set(REAL["x"])


def test_resampled_rows_are_copies_in_the_class_mix_of_the_generated_ones() -> None:
    built = main_arms()["resampled"].build(drawn(), rng())
    added = built.take(np.arange(10, 18))
    assert set(xs(built)) == set(REAL["x"])
    a, b = (
        (ENCODER.features[1].levels or ()).index("a"),
        (ENCODER.features[1].levels or ()).index("b"),
    )
    assert np.bincount(added.y.astype(int)).tolist()[a] == 2
    assert np.bincount(added.y.astype(int)).tolist()[b] == 6
    assert set(added.trees[added.y == b, 0]) <= {7.0, 8.0, 9.0}  # copies of that class alone


def test_resampled_rows_of_a_class_without_real_rows_are_copies_of_any() -> None:
    only_a = REAL.filter(y="a")
    built = main_arms()["resampled"].build(drawn(real=only_a), rng())
    assert len(built) == 15
    assert set(xs(built)) <= set(only_a["x"])


def test_numbers_are_resampled_as_they_come() -> None:
    frame = pl.DataFrame({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 4.0]})
    encoder = FeatureEncoder.fit(frame, NUMBERS)
    rows = encoder.rows(frame)
    draw = Draw(Design.of(rows), {"synthetic": Design.of(rows)}, rows)
    built = main_arms()["resampled"].build(draw, rng())
    assert len(built) == 6
    assert xs(built.take(np.arange(3))) == [1.0, 2.0, 3.0]
    assert set(xs(built)) == {1.0, 2.0, 3.0}


def test_copies_are_as_many_training_rows_as_there_are_generated_ones() -> None:
    built = control_arms({})["copies"].build(drawn(), rng())
    assert len(built) == 18
    assert set(xs(built)) == set(REAL["x"])


@pytest.mark.parametrize(("n_more", "n_added"), [(5, 5), (30, 8)])
def test_more_real_rows_are_as_many_as_generated_ones_or_all(n_more: int, n_added: int) -> None:
    arms = control_arms({}, more=True)
    built = arms["more real rows"].build(drawn(more=n_more), rng())
    added = [x for x in xs(built) if x >= 1000]
    assert len(added) == len(set(added)) == n_added
    assert "more real rows" not in control_arms({})


def test_a_maker_is_asked_for_the_class_mix_of_the_generated_rows() -> None:
    asked: list[dict[int, int]] = []

    def make(real: EncodedRows, counts: object, rng: np.random.Generator) -> EncodedRows:
        asked.append(dict(counts))  # type: ignore[call-overload]  # a mapping
        return real.take([0])

    built = control_arms({"mine": make})["mine"].build(drawn(), rng())
    levels = ENCODER.features[1].levels or ()
    assert asked == [{levels.index("a"): 2, levels.index("b"): 6}]
    assert len(built) == 11


def test_weights_and_thresholds_are_fitted_once_on_real_rows_alone() -> None:
    arms = control_arms({})
    for name in ("class weights", "threshold"):
        assert arms[name].fixed
        assert arms[name].treatment == name
        assert xs(arms[name].build(drawn(), rng())) == REAL["x"].to_list()


# what is predicted ----------------------------------------------------------------


def test_the_rare_class_is_the_one_with_the_fewest_training_rows() -> None:
    task = task_of(ENCODER.rows(REAL), 7)
    assert task == Task(2, (ENCODER.features[1].levels or ()).index("b"), 3, 7)


def test_targets_that_cannot_be_predicted_say_why() -> None:
    frame = REAL.with_columns(y=pl.lit("a"))
    encoder = FeatureEncoder.fit(frame, SCHEMA)
    assert task_of(encoder.rows(frame)) == "the target 'y' has one value in the training rows"
    plain = SCHEMA.with_target(None)
    assert task_of(FeatureEncoder.fit(REAL, plain).rows(REAL)) == "no target was named"
    numbers = FeatureEncoder.fit(pl.DataFrame({"x": [1.0, 2.0], "y": [1.0, 2.0]}), NUMBERS)
    rows = numbers.rows(pl.DataFrame({"x": [1.0, 2.0, 3.0], "y": [1.0, 2.0, None]}))
    assert task_of(rows) == Task(0, 0, 3, 100)


def test_rows_without_a_known_class_are_not_usable() -> None:
    rows = ENCODER.rows(table([1.0, 2.0, 3.0], ["a", None, "z"]))
    assert usable(rows).tolist() == [True, False, False]
    numbers = FeatureEncoder.fit(pl.DataFrame({"x": [1.0, 2.0], "y": [1.0, 2.0]}), NUMBERS)
    rows = numbers.rows(pl.DataFrame({"x": [1.0, 2.0], "y": [None, 99.0]}))
    assert usable(rows).tolist() == [False, True]


# halves and intervals -------------------------------------------------------------


def outcomes(**arms: float) -> Outcomes:
    return {arm: {"linear": {"m": value}, "trees": {"m": value + 1}} for arm, value in arms.items()}


def test_values_are_means_over_learners_or_that_of_one() -> None:
    trials = Trials(outcomes(real=1.0), [], {}, np.zeros(0), Task(2, 1, 5))
    assert trials.value("real", "m") == 1.5
    assert trials.value("real", "m", "trees") == 2.0
    assert (trials.arms, trials.measures) == (["real"], ["m"])


def test_an_interval_is_students_around_the_value_and_needs_three_halves() -> None:
    assert _interval(1.0, np.array([1.0, 2.0])) is None
    assert _interval(np.nan, np.array([1.0, 2.0, 3.0])) is None
    low, high = _interval(5.0, np.array([1.0, np.nan, 2.0, 3.0])) or (0.0, 0.0)
    assert (low, high) == pytest.approx((5 - 4.302653, 5 + 4.302653), abs=1e-5)


def test_halves_in_which_an_arm_is_as_good_count_one_half() -> None:
    def whole(real: float, made: float) -> Outcomes:
        return {name: {"linear": {"auroc": v}} for name, v in (("real", real), ("made", made))}

    halves = [whole(0.5, 0.6), whole(0.5, 0.5), whole(0.5, 0.4), whole(0.5, np.nan)]
    trials = Trials(whole(0.5, 0.6), halves, {}, np.zeros(0), Task(2, 1, 5))
    result = trials.difference("made", "real", "auroc")
    assert result is not None
    assert result.value == pytest.approx(0.1)
    assert result.improved == pytest.approx(0.5)


def test_a_stratum_of_one_row_is_always_in_its_half_and_pairs_give_one() -> None:
    strata = np.array([0, 1, 1, 2, 2, 2])
    for seed in range(8):
        chosen = half(strata, rng(seed))
        assert chosen.tolist() == sorted(set(chosen.tolist()))
        counts = np.bincount(strata[chosen], minlength=3)
        assert counts[0] == 1
        assert counts[1] == 1
        assert counts[2] in (1, 2)
    assert half(np.zeros(0, dtype=np.int64), rng()).tolist() == []


def test_three_groups_or_fewer_are_not_drawn_whole() -> None:
    groups = np.repeat([*"abc"], 4)
    chosen = half(np.zeros(12, dtype=np.int64), rng(), groups)
    assert len(chosen) == 6
    assert len(set(groups[chosen])) > 1


# judging an arm -------------------------------------------------------------------


def noisy(n: int, seed: int, shift: float = 1.5) -> pl.DataFrame:
    draws = rng(seed)
    y = draws.random(n) < 0.2
    return table((draws.normal(size=n) + shift * y).tolist(), np.where(y, "b", "a").tolist())


def test_a_moved_threshold_finds_more_of_the_rare_class() -> None:
    train, test = noisy(400, 0), noisy(400, 1)
    encoder = FeatureEncoder.fit(train, SCHEMA)
    real, holdout = encoder.rows(train), encoder.rows(test)
    task = task_of(real, 20)
    assert isinstance(task, Task)
    arms = {
        name: Arm(lambda draw, _: draw.train, treatment)
        for name, treatment in (
            ("plain", "plain"),
            ("moved", "threshold"),
            ("weighed", "class weights"),
        )
    }
    result = run_trials(arms, real, {"synthetic": real}, holdout, task, rng(), n_halves=0)
    for name in ("moved", "weighed"):
        assert result.value(name, "sensitivity") > result.value("plain", "sensitivity") + 0.1
        assert result.value(name, "macro_f1") > result.value("plain", "macro_f1")
    # a threshold leaves probabilities as they are, class weights do not
    assert result.value("moved", "auroc") == pytest.approx(result.value("plain", "auroc"))
    assert result.value("moved", "log_loss") == pytest.approx(result.value("plain", "log_loss"))
    assert result.value("weighed", "log_loss") > result.value("plain", "log_loss")


def test_a_tilt_is_a_power_of_the_class_shares() -> None:
    train = Design.of(FeatureEncoder.fit(noisy(300, 2), SCHEMA).rows(noisy(300, 2)))
    tilt = _tilt("linear", train, Task(2, 1, 5), rng())
    shares = np.bincount(train.y.astype(int)) / len(train)
    power = np.log(tilt) / np.log(shares)
    assert power[0] == pytest.approx(power[1])
    assert 0.1 <= power[0] <= 1.5
    assert round(power[0] * 10) / 10 == pytest.approx(power[0])


def test_a_part_of_the_holdout_is_measured_by_the_predictions_of_the_whole() -> None:
    train, test = noisy(200, 0), noisy(150, 1)
    encoder = FeatureEncoder.fit(train, SCHEMA)
    real = encoder.rows(train)
    task = task_of(real, 10)
    assert isinstance(task, Task)
    arms = {"real": Arm(lambda draw, _: draw.train, fixed=True)}
    trials = run_trials(
        arms, real, {"synthetic": real}, encoder.rows(test), task, rng(), n_halves=2
    )
    asked = np.arange(40, 110)
    each = [
        classification(trials.y[asked].astype(int), p.values[asked], task.rare)["macro_f1"]
        for p in trials.predictions["real"].values()
    ]
    assert trials.among(asked, "real", "macro_f1") == pytest.approx(np.mean(each))
    assert trials.among(np.arange(150), "real", "auroc") == trials.value("real", "auroc")
    # a fixed arm is measured on each half and fitted once
    assert len({half["real"]["linear"]["log_loss"] for half in trials.halves}) == 2


def test_groups_of_the_holdout_are_whole_in_every_half() -> None:
    train, test = noisy(100, 0), noisy(60, 1)
    encoder = FeatureEncoder.fit(train, SCHEMA)
    real = encoder.rows(train)
    task = task_of(real, 5)
    assert isinstance(task, Task)
    groups = np.repeat(np.arange(6), 10).astype(str)
    arms = {"real": Arm(lambda draw, _: draw.train, fixed=True)}
    options = {"n_halves": 4, "groups": groups}
    trials = run_trials(arms, real, {"synthetic": real}, encoder.rows(test), task, rng(), **options)  # type: ignore[arg-type]
    possible = set()
    for chosen in ([i for i in range(6) if mask >> i & 1] for mask in range(64)):
        if len(chosen) == 3:
            rows = np.flatnonzero(np.isin(groups, np.array(chosen).astype(str)))
            possible.add(round(trials.among(rows, "real", "log_loss"), 9))
    for part in trials.halves:
        loss = np.mean([each["log_loss"] for each in part["real"].values()])
        assert round(float(loss), 9) in possible


def test_utility_scores_stand_beside_real_rows_of_the_same_number() -> None:
    def arms(made: float) -> Outcomes:
        values = {"synthetic": made, "real at synthetic size": 0.7, "real": 0.8}
        return {
            arm: {"boosted trees": {"auroc": v}, "linear": {"auroc": v + 0.02}}
            for arm, v in values.items()
        }

    trials = Trials(arms(0.6), [arms(0.5), arms(0.6), arms(0.7)], {}, np.zeros(0), Task(2, 1, 5))
    (score,) = utility_scores(trials, rows=40)
    assert score.name == "tstr_auroc"
    assert score.value == pytest.approx(0.61)
    assert score.reference == pytest.approx({"real": 0.71, "all real": 0.81})
    assert score.details["learners"] == pytest.approx({"boosted trees": 0.6, "linear": 0.62})
    assert score.rows == 40
    assert score.interval == pytest.approx((0.61 - 0.4302653, 1.0), abs=1e-6)
    nothing = Trials(arms(np.nan), [], {}, np.zeros(0), Task(2, 1, 5))
    assert utility_scores(nothing, 40)[0].reason == (
        "the holdout does not hold the classes that it needs"
    )


@pytest.mark.parametrize(
    ("gain", "copies", "word"),
    [
        (0.05, 0.05, Word.HELPS),
        (0.05, -0.01, Word.NO_EVIDENCE),
        (0.001, 0.05, Word.NO_EVIDENCE),
        (-0.05, 0.05, Word.HARMS),
        (-0.001, -0.05, Word.NO_EVIDENCE),
    ],
)
def test_the_word_follows_from_both_intervals(gain: float, copies: float, word: Word) -> None:
    """Intervals reach 0.0043 to either side."""

    def arms(noise: float) -> Outcomes:
        values = {"real": 0.7, "augmented": 0.7 + gain + noise, "resampled": 0.7 + gain - copies}
        return {arm: {"linear": {"auroc": v}} for arm, v in values.items()}

    trials = Trials(
        arms(0), [arms(e) for e in (-0.001, 0.0, 0.001)], {}, np.zeros(0), Task(2, 1, 5)
    )
    assert judge(trials, "auroc").word is word


@pytest.mark.parametrize(
    ("reached", "gain", "measure", "words"),
    [
        (
            0.996,
            0.001,
            "auroc",
            "nothing left to gain: real rows alone already reach 0.996 (AUROC)",
        ),
        (0.994, 0.0, "auroc", "no evidence: AUROC"),
        (0.998, -0.2, "auroc", "harms: AUROC"),
        (0.998, 0.0, "r2", "no evidence: R²"),
    ],
)
def test_nothing_is_left_to_gain_where_real_rows_are_perfect(
    reached: float, gain: float, measure: str, words: str
) -> None:
    def arms(noise: float) -> Outcomes:
        values = {"real": reached, "augmented": reached + gain + noise, "resampled": reached}
        return {arm: {"linear": {measure: v}} for arm, v in values.items()}

    trials = Trials(arms(0), [arms(e) for e in (-0.01, 0.0, 0.01)], {}, np.zeros(0), Task(2, 1, 5))
    assert judge(trials, measure).sentence.startswith(words)


def test_a_measure_that_is_not_defined_is_no_evidence() -> None:
    arms: Outcomes = {
        a: {"linear": {"rare_f1": np.nan}} for a in ("real", "augmented", "resampled")
    }
    verdict = judge(Trials(arms, [arms] * 4, {}, np.zeros(0), Task(2, 1, 5)), "rare_f1")
    assert (
        verdict.sentence
        == "no evidence: F1 of the rarest class is not defined on these holdout rows"
    )
    assert verdict.to_dict()["gain"] is None


def test_a_verdict_is_plain_data_with_both_differences() -> None:
    def arms(noise: float) -> Outcomes:
        values = {"real": 0.7, "augmented": 0.8 + noise, "resampled": 0.75}
        return {arm: {"linear": {"auroc": v}} for arm, v in values.items()}

    trials = Trials(arms(0), [arms(e) for e in (-0.01, 0.0, 0.01)], {}, np.zeros(0), Task(2, 1, 5))
    data = judge(trials, "auroc").to_dict()
    assert data["verdict"] == "helps"
    assert data["gain"]["value"] == pytest.approx(0.1)
    assert data["gain"]["interval"] == pytest.approx([0.1 - 0.0430265, 0.1 + 0.0430265], abs=1e-6)
    assert data["gain_over_copies"]["value"] == pytest.approx(0.05)
    assert data["gain_over_copies"]["improved"] == 1.0


# learners -------------------------------------------------------------------------


def signal(n: int, seed: int) -> tuple[Floats, Floats]:
    draws = rng(seed)
    x = draws.normal(size=(n, 2))
    return x, (x[:, 0] > 0).astype(float)


def test_trees_bear_a_column_that_is_missing_throughout() -> None:
    x, y = signal(120, 0)
    hollow = np.column_stack([x, np.full(120, np.nan)])
    train = Design(hollow, x, np.zeros(3, dtype=bool), y)
    predicted = Task(2, 0, 5, 30).fit("boosted trees", train, rng())(train)
    assert ((predicted[:, 1] > 0.5) == y).mean() > 0.95


def test_trees_of_numbers_and_a_ridge_learn_a_line() -> None:
    x, _ = signal(200, 0)
    train = Design(x, x, np.zeros(2, dtype=bool), 3 * x[:, 0] - x[:, 1])
    for learner in ("boosted trees", "linear"):
        predicted = Task(0, 0, 5, 100).fit(learner, train, rng())(train)
        assert np.corrcoef(predicted, train.y)[0, 1] > 0.97


def test_leaves_of_trees_hold_the_rows_that_are_asked_for() -> None:
    x, y = signal(60, 0)
    train = Design(x, x, np.zeros(2, dtype=bool), y)
    fine, coarse = (
        len(np.unique(Task(2, 0, leaf, 1).fit("boosted trees", train, rng())(train)[:, 1]))
        for leaf in (5, 31)
    )
    assert coarse == 1  # two leaves would need 62 rows
    assert fine > 1


def test_joined_designs_keep_their_order_and_take_picks_rows() -> None:
    x, y = signal(6, 0)
    design = Design(x, x + 1, np.zeros(2, dtype=bool), y)
    joined = design.take(np.array([5, 0])).join(design.take(np.array([2])))
    assert joined.trees.tolist() == x[[5, 0, 2]].tolist()
    assert joined.linear.tolist() == (x[[5, 0, 2]] + 1).tolist()
    assert joined.y.tolist() == y[[5, 0, 2]].tolist()


def test_without_rows_numbers_are_predicted_as_zero() -> None:
    x, y = signal(5, 0)
    design = Design(x, x, np.zeros(2, dtype=bool), y)
    predicted = Task(0, 0, 3).predict(design.take(np.zeros(0, dtype=int)), design, rng())
    assert {name: values.tolist() for name, values in predicted.items()} == dict.fromkeys(
        ("boosted trees", "linear"), [0.0] * 5
    )


def test_an_outcome_of_ones_own_leaves_the_target_among_the_features() -> None:
    rows = ENCODER.rows(REAL)
    assert Design.of(rows).trees.shape == (10, 1)
    own = Design.of(rows, np.arange(10.0))
    assert own.trees.shape == (10, 2)
    assert own.y.tolist() == list(range(10))
    assert own.linear.shape[1] == rows.standardised().shape[1]
