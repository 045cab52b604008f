"""Rows as knobs see them: what a batch says of each, and what a setting does to rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import entropy, ks_2samp, norm

from tablewright.generators.base import Floats
from tablewright.generators.calibrated import Calibration
from tablewright.generators.parts.knobs import KnobSpace, Observation, correlations, resampled
from tablewright.generators.parts.posterior import Knob, Posterior
from tablewright.tables.encoding.codec import Field, Matrix

FIELDS = (Field("x"), Field("word", levels=3), Field("class", levels=2, target=True))
RNG = np.random.default_rng(0)


def table(n_rows: int, seed: int, words: tuple[float, ...] = (0.5, 0.3, 0.2)) -> Floats:
    rng = np.random.default_rng(seed)
    label = np.arange(n_rows) % 2
    x = rng.gamma(3, 1, n_rows) + 5 * label
    return np.column_stack([x, rng.choice(3, n_rows, p=words), label])


REAL = table(400, 0)
PARTS = REAL[:, 2].astype(np.intp)
SPACE = KnobSpace.learn(Matrix(REAL, FIELDS), PARTS, 2)
KNOBS = list(SPACE.knobs())


def at(kind: str, part: int, value: int = -1) -> int:
    column = 1 if kind == "weight" else 0
    return KNOBS.index(Knob(kind, part, column, value))


def setting(**values: float) -> Floats:
    """A setting of class 1."""
    found = np.zeros(len(KNOBS))
    for kind, value in values.items():
        found[at(kind, 1, 2 if kind == "weight" else -1)] = value
    return found


def seen(made: Floats) -> Observation:
    return SPACE.observe(KNOBS, made, made[:, 2].astype(np.intp), REAL, PARTS)


# which knobs there are ----------------------------------------------------------------------


def test_every_class_has_its_knobs_and_scales_come_before_shifts() -> None:
    assert [(k.kind, k.column, k.value) for k in KNOBS if k.part == 1] == [
        ("scale", 0, -1),
        ("shift", 0, -1),
        ("weight", 1, 1),
        ("weight", 1, 2),
    ]
    assert len(KNOBS) == 8


@pytest.mark.parametrize(("levels", "n_weights"), [(1, 0), (2, 1), (30, 29), (31, 0)])
def test_categories_of_up_to_thirty_values_have_weights(levels: int, n_weights: int) -> None:
    values = RNG.integers(0, levels, (60, 1)).astype(np.float64)
    matrix = Matrix(values, (Field("word", levels=levels),))
    space = KnobSpace.learn(matrix, np.zeros(60, dtype=np.intp), 1)
    assert len(list(space.knobs())) == n_weights


def test_scales_are_those_of_the_class_or_of_all_rows_where_it_has_one() -> None:
    values = np.array([[1.0], [3.0], [5.0], [11.0]])
    parts = np.array([0, 0, 0, 1], dtype=np.intp)
    space = KnobSpace.learn(Matrix(values, (Field("x"),)), parts, 3)
    assert space.spread[:, 0] == pytest.approx([np.std([1, 3, 5]), values.std(), values.std()])
    assert space.centre[0, 0] == 3
    assert space.centre[2, 0] == pytest.approx(values.mean()), "a class without rows"
    constant = KnobSpace.learn(Matrix(0 * values, (Field("x"),)), parts, 1)
    assert constant.spread[0, 0] == 1


def test_spreads_are_scaled_around_the_means_of_a_pilot() -> None:
    pilot = np.full((3, 1), 7.0), np.zeros(3, dtype=np.intp)
    space = KnobSpace.learn(
        Matrix(np.array([[1.0], [2.0], [3.0]]), (Field("x"),)), pilot[1], 1, pilot
    )
    assert space.centre[0, 0] == 7


# what a batch says --------------------------------------------------------------------------


def test_a_shift_is_the_gap_of_means_in_deviations_of_the_class() -> None:
    made = table(200, 1)
    own, drawn = REAL[PARTS == 1, 0], made[made[:, 2] == 1, 0]
    found, k = seen(made), at("shift", 1)
    assert found.differences[k] == pytest.approx((own.mean() - drawn.mean()) / own.std())
    noise = (drawn.var(ddof=1) / len(drawn) + own.var(ddof=1) / len(own)) / own.std() ** 2
    assert found.variances[k] == pytest.approx(noise)


def test_a_scale_is_the_log_ratio_of_deviations_and_its_noise_that_of_the_kurtosis() -> None:
    made = table(200, 1)
    own, drawn = REAL[PARTS == 1, 0], made[made[:, 2] == 1, 0]
    found, k = seen(made), at("scale", 1)
    assert found.differences[k] == pytest.approx(np.log(own.std(ddof=1) / drawn.std(ddof=1)))
    noise = 0.0
    for cells in (own, drawn):
        kurtosis = ((cells - cells.mean()) ** 4).mean() / cells.var() ** 2
        noise += (kurtosis - 1) / (4 * len(cells))
    assert found.variances[k] == pytest.approx(noise)


def test_the_noise_of_scales_is_what_resamples_show() -> None:
    """The delta method against a simulation: 90 % of normal samples lie within their band."""
    rng, inside = np.random.default_rng(1), []
    space = KnobSpace.learn(
        Matrix(rng.normal(size=(400, 1)), (Field("x"),)), np.zeros(400, np.intp), 1
    )
    knobs, parts = list(space.knobs()), np.zeros(150, dtype=np.intp)
    for _ in range(300):
        one, other = rng.normal(size=(2, 150, 1))
        found = space.observe(knobs, one, parts, other, parts)
        inside.append(np.abs(found.differences) < 1.645 * np.sqrt(found.variances))
    assert np.mean(inside, axis=0) == pytest.approx(0.9, abs=4 * np.sqrt(0.09 / 300))


def test_a_weight_is_a_log_odds_ratio_against_the_first_value() -> None:
    made = table(200, 1, (0.2, 0.3, 0.5))
    counts = [
        [(cells == value).sum() + 0.5 for value in (0, 2)]
        for cells in (REAL[PARTS == 1, 1], made[made[:, 2] == 1, 1])
    ]
    found, k = seen(made), at("weight", 1, 2)
    odds = [many / first for first, many in counts]
    assert found.differences[k] == pytest.approx(np.log(odds[0] / odds[1]))
    assert found.variances[k] == pytest.approx(sum(1 / n for pair in counts for n in pair))


def test_divergences_are_means_over_classes_of_what_their_names_say() -> None:
    made, levels = table(200, 1, (0.2, 0.3, 0.5)), 3
    pairs = [(made[made[:, 2] == part], REAL[part == PARTS]) for part in (0, 1)]
    found = seen(made).divergence
    assert found["ks"] == pytest.approx(
        np.mean([ks_2samp(one[:, 0], other[:, 0]).statistic for one, other in pairs])
    )
    shares = [
        [(np.bincount(rows[:, 1].astype(int), minlength=levels) + 0.5) / (len(rows) + 1.5)
         for rows in pair]
        for pair in pairs
    ]  # fmt: skip
    assert found["tv"] == pytest.approx(np.mean([np.abs(a - b).sum() / 2 for a, b in shares]))
    for one, other in pairs:
        edges = np.quantile(other[:, 0], np.arange(1, 10) / 10)
        counts = [np.bincount(np.searchsorted(edges, rows[:, 0]), minlength=10) + 0.5
                  for rows in (one, other)]  # fmt: skip
        shares.append([count / count.sum() for count in counts])
    assert found["kl"] == pytest.approx(np.mean([entropy(b, a) for a, b in shares]))
    apart = [abs(one[:, 0].mean() - other[:, 0].mean()) / other[:, 0].std() for one, other in pairs]
    assert found["mean"] == pytest.approx(np.mean(apart))


@pytest.mark.parametrize(("n_rows", "says"), [(5, True), (4, False)])
def test_fewer_than_five_rows_of_a_class_say_nothing(n_rows: int, says: bool) -> None:
    made = np.concatenate([table(200, 1)[::2], table(200, 1)[1::2][:n_rows]])
    known = ~np.isnan(seen(made).differences)
    assert known[at("shift", 0)]
    assert known[at("shift", 1)] == says


def test_missing_cells_are_left_out() -> None:
    made = table(200, 1)
    holes = made.copy()
    holes[:100, 0] = np.nan
    assert seen(holes).differences[at("shift", 1)] == pytest.approx(
        seen(made[100:]).differences[at("shift", 1)]
    )


def test_what_is_off_is_the_share_of_knobs_beyond_two_standard_deviations() -> None:
    assert seen(REAL).off == 0
    far = REAL.copy()
    far[PARTS == 1, 0] += 50
    assert seen(far).off == 1 / 8, "one of eight"
    assert SPACE.observe(KNOBS, REAL[:0], PARTS[:0], REAL, PARTS).off == 0


# what a setting does ------------------------------------------------------------------------


def test_numbers_are_scaled_around_the_centre_and_then_shifted() -> None:
    moved = SPACE.moved(REAL, PARTS, KNOBS, setting(scale=np.log(0.5), shift=0.3))
    centre, spread = SPACE.centre[1, 0], SPACE.spread[1, 0]
    expected = centre + 0.5 * (REAL[:, 0] - centre) + 0.3 * spread
    mine = (PARTS == 1) & (expected > SPACE.low[0]) & (expected < SPACE.high[0])
    assert moved[mine, 0] == pytest.approx(expected[mine])
    assert np.array_equal(moved[PARTS == 0], REAL[PARTS == 0])
    assert np.array_equal(moved[:, 1:], REAL[:, 1:])


def test_what_is_moved_stays_in_range_and_on_the_steps_that_are_written() -> None:
    values = np.arange(20.0)[:, None]
    space = KnobSpace.learn(Matrix(values, (Field("x", step=1.0),)), np.zeros(20, np.intp), 1)
    knobs = list(space.knobs())
    moved = space.moved(values, np.zeros(20, np.intp), knobs, np.array([0.0, 0.3]))[:, 0]
    exact = values[:, 0] + 0.3 * values.std()
    assert moved.tolist() == np.round(exact).clip(0, 19).tolist()


@pytest.mark.parametrize(("share", "stays"), [(0.1, False), (0.125, True)])
def test_a_value_of_more_than_a_tenth_of_the_rows_is_not_moved(share: float, stays: bool) -> None:
    values = np.linspace(5, 9, 80)[:, None]
    values[: round(80 * share)] = 0.0
    space = KnobSpace.learn(Matrix(values, (Field("x"),)), np.zeros(80, np.intp), 1)
    moved = space.moved(values, np.zeros(80, np.intp), list(space.knobs()), np.array([0.0, 0.2]))
    assert (moved[0, 0] == 0.0) == stays
    assert moved[40, 0] > values[40, 0]


def test_weights_are_of_rows_of_their_class_and_value() -> None:
    logs = SPACE.log_weights(REAL, PARTS, KNOBS, setting(weight=0.7))
    assert set(logs[(PARTS == 1) & (REAL[:, 1] == 2)]) == {0.7}
    assert not logs[(PARTS == 0) | (REAL[:, 1] != 2)].any()
    assert np.array_equal(SPACE.moved(REAL, PARTS, KNOBS, setting(weight=0.7)), REAL)


def test_without_weights_every_row_stands_for_itself() -> None:
    parts = np.array([0, 1, 1, 0], dtype=np.intp)
    assert resampled(np.zeros(4), parts, 2, RNG).tolist() == [0, 1]


def test_a_row_is_chosen_as_often_as_its_weight_asks_for_up_to_one() -> None:
    weights = np.array([0.5, 0.25, 0.125, 0.125])
    for seed in range(20):
        index = resampled(np.log(weights), np.zeros(4, np.intp), 4, np.random.default_rng(seed))
        assert (np.abs(np.bincount(index, minlength=4) - 4 * weights) < 1).all()


def test_a_coupling_keeps_means_deviations_and_the_other_class() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(3, 2, 600)
    values = np.column_stack([x, x + rng.normal(0, 1, 600), np.arange(600) % 2])
    parts = values[:, 2].astype(np.intp)
    space = KnobSpace.learn(Matrix(values, (Field("x"), Field("y"), FIELDS[2])), parts, 2)
    made = space.coupled(values, parts, [1.0, 0.5])
    one, other = values[parts == 1], made[parts == 1]
    assert np.allclose(made[parts == 0], values[parts == 0])
    assert other[:, :2].mean(axis=0) == pytest.approx(one[:, :2].mean(axis=0))
    assert other[:, :2].std(axis=0) == pytest.approx(one[:, :2].std(axis=0))
    assert correlations(other[:, :2])[0, 1] == pytest.approx(correlations(one[:, :2])[0, 1] / 2)


@pytest.mark.parametrize("why", ["seven rows", "a missing cell", "one number"])
def test_rows_that_cannot_be_coupled_stay(why: str) -> None:
    rows = np.random.default_rng(1).normal(size=(7 if why == "seven rows" else 8, 2))
    if why == "a missing cell":
        rows[0, 0] = np.nan
    fields: tuple[Field, ...] = (Field("x"), Field("y"))
    if why == "one number":
        rows, fields = rows[:, :1], fields[:1]
    parts = np.zeros(len(rows), dtype=np.intp)
    space = KnobSpace.learn(Matrix(rows, fields), parts, 1)
    assert np.array_equal(space.coupled(rows, parts, [0.0]), rows, equal_nan=True)


def test_correlations_take_missing_cells_for_the_mean_and_constants_for_unrelated() -> None:
    values = np.array([[1.0, 2.0, 4.0], [2.0, np.nan, 4.0], [3.0, 6.0, 4.0]])
    filled = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0]])
    found = correlations(values)
    assert found[:2, :2] == pytest.approx(np.corrcoef(filled, rowvar=False))
    assert found[2].tolist() == [0, 0, 1]


# the loop -----------------------------------------------------------------------------------


def observation(differences: list[float], off: float = 0.0, variance: float = 0.01) -> Observation:
    full = np.full(len(KNOBS), np.nan)
    full[: len(differences)] = differences
    return Observation(full, np.full(len(KNOBS), variance), off, {})


def test_columns_that_are_believed_to_be_right_have_a_narrow_prior() -> None:
    free, firm = Calibration(SPACE).posterior, Calibration(SPACE, ["x"]).posterior
    for kind, sd in (("shift", 0.5), ("scale", 0.3), ("weight", 0.5)):
        k = at(kind, 1, 2 if kind == "weight" else -1)
        assert free.sd[k] == pytest.approx(sd)
        assert firm.sd[k] == pytest.approx(sd if kind == "weight" else sd / 5)


def test_the_default_weight_of_a_batch_is_one_over_the_root_of_the_knobs() -> None:
    assert Calibration(SPACE).temper == pytest.approx(1 / np.sqrt(8))
    assert Calibration(SPACE, temper=1.0).temper == 1


def test_a_step_goes_to_the_mean_of_what_is_clear_and_back_from_what_is_not() -> None:
    calibration = Calibration(SPACE, temper=1.0)
    calibration.take(observation([0.4, 0.1]))
    # scale and shift of class 0: normal beliefs with deviations 0.3 and 0.5 before
    mean = 0.4 * 100 / (100 + 0.3**-2.0)
    assert calibration.step[0] == pytest.approx(mean)
    assert calibration.step[1] == 0, "0.1 is one standard deviation"
    calibration.take(observation([0.0, 0.1]))
    total = 200 + 0.3**-2.0
    second = (0.4 * 100 + mean * 100) / total
    assert calibration.step[0] == pytest.approx(mean + 0.5 * (second - mean))
    assert calibration.setting == pytest.approx(calibration.step), "the mean of the later half"
    calibration.take(observation([0.0, 0.0]))
    assert calibration.setting == pytest.approx(np.mean(calibration._steps[1:], axis=0))


def test_the_loop_is_calm_after_three_batches_in_a_row_with_little_more_than_noise() -> None:
    calibration, calm = Calibration(SPACE), []
    for off in (0.09, 0.09, 0.1, 0.05, 0.05, 0.05):
        calibration.take(observation([], off))
        calm.append(calibration.calm)
    assert calm == [False, False, False, False, False, True]


@pytest.mark.parametrize("planted", [0.5, 1.0, 1.4])
def test_a_coupling_is_found_in_the_correlations_of_real_rows(planted: float) -> None:
    rng, n_rows = np.random.default_rng(4), 2000

    def pair(r: float) -> Floats:
        x, noise = rng.normal(size=(2, n_rows))
        return np.column_stack([x, r * x + np.sqrt(1 - r**2) * noise])

    parts = np.zeros(n_rows, dtype=np.intp)
    drawn, real = pair(0.6), pair(0.6 * planted)
    space = KnobSpace.learn(Matrix(real, (Field("x"), Field("y"))), parts, 1)
    calibration = Calibration(space, temper=1.0)
    calibration.update_coupling(drawn, parts, real, parts)
    belief = calibration.posterior.coupling[0]
    assert abs(belief.mean - planted) < norm.ppf(0.995) * belief.sd + 0.02
    assert belief.sd < 0.1


def test_a_coupling_is_that_above_what_rows_were_drawn_with() -> None:
    rng, n_rows = np.random.default_rng(4), 4000
    x, noise = rng.normal(size=(2, n_rows))
    parts = np.zeros(n_rows, dtype=np.intp)
    real = np.column_stack([x, 0.4 * x + np.sqrt(1 - 0.16) * noise])
    space = KnobSpace.learn(Matrix(real, (Field("x"), Field("y"))), parts, 1)
    calibration = Calibration(space, temper=1.0)
    calibration.update_coupling(real, parts, real, parts, made_by=[0.5])
    assert calibration.couplings == [pytest.approx(0.5, abs=0.05)]


def test_a_coupling_within_its_noise_is_one() -> None:
    calibration = Calibration(SPACE)
    assert calibration.couplings == [1.0] * SPACE.n_parts


def test_too_few_rows_and_unrelated_columns_say_nothing_of_a_coupling() -> None:
    rng = np.random.default_rng(5)
    parts = np.zeros(500, dtype=np.intp)
    rows = rng.normal(size=(500, 2))
    space = KnobSpace.learn(Matrix(rows, (Field("x"), Field("y"))), parts, 1)
    for n_rows in (7, 500):
        calibration = Calibration(space, temper=1.0)
        before = calibration.posterior.coupling[0].logs
        calibration.update_coupling(rows, parts, rows[:n_rows], parts[:n_rows])
        assert np.array_equal(calibration.posterior.coupling[0].logs, before)


# the posterior ------------------------------------------------------------------------------


def test_an_interval_is_the_central_one_of_the_normal_belief() -> None:
    belief = Posterior([KNOBS[0]], np.array([0.3]), np.array([4.0]), [])
    assert belief.interval(0.8)[0] == pytest.approx(norm.interval(0.8, 0.3, 0.5))


def test_regret_is_no_less_than_none_and_none_for_the_only_setting() -> None:
    belief = Posterior.prior([KNOBS[0]], np.array([1.0]), 1, 0.2)
    settings = [np.array([0.0]), np.array([1.0])]

    def utility(setting: Floats, truth: Floats) -> Floats:
        return np.asarray(-np.abs(truth[:, 0] - setting[0]))

    assert (belief.regret(utility, settings) > 0).all()
    assert belief.regret(utility, settings[:1]).tolist() == [0.0]
    # the mean absolute deviation of a normal around its mean
    assert belief.expected(utility, settings)[0] == pytest.approx(-np.sqrt(2 / np.pi), abs=0.06)


def test_the_picture_shows_the_knobs_that_lie_farthest_from_none() -> None:
    knobs = [Knob("shift", 0, j) for j in range(3)]
    belief = Posterior(knobs, np.array([0.1, -2.0, 1.0]), np.ones(3), [])
    drawn = belief.svg(["a", "b", "c"], n_knobs=2)
    assert "shift of b, class 0" in drawn
    assert "shift of a" not in drawn
    assert drawn.index("shift of b") < drawn.index("shift of c")
