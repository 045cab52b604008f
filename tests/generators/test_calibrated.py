"""A posterior over the corrections of a generator: what it knows, and what rows gain by it."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from tablewright.errors import InputError
from tablewright.generators.base import Floats, Given
from tablewright.generators.calibrated import Calibrated, Calibration, step_size
from tablewright.generators.independent import Independent
from tablewright.generators.parts.knobs import KnobSpace, resampled
from tablewright.generators.parts.posterior import Knob, Particles, Posterior
from tablewright.generators.trees import SequentialTrees
from tablewright.tables.encoding.codec import Field, Matrix
from tests.generators.conditions import between

FIELDS = (Field("x"), Field("word", levels=3), Field("class", levels=2, target=True))


def rows(n_rows: int, rng: np.random.Generator, shift: float = 0.0, scale: float = 1.0) -> Matrix:
    """Two classes, of which the second lies one higher; `shift` and `scale` are of that one."""
    label = (np.arange(n_rows) % 2).astype(float)
    x = rng.normal(10 + label, 2.0)
    x = np.where(label == 1, 11 + scale * (x - 11) + 2 * shift, x)
    return Matrix(np.column_stack([x, rng.integers(0, 3, n_rows), label]), FIELDS)


class Wrong(Independent):
    """A generator that writes the second class too low and too narrow, and too few of a word."""

    def sample(self, n_rows: int, rng: np.random.Generator, **options: object) -> Floats:
        given = options.get("given")
        made = rows(2 * n_rows, rng, shift=-1.0, scale=0.6).values
        made = made[(made[:, 1] != 2) | (rng.random(len(made)) < 0.4)]
        label = rng.integers(0, 2, n_rows)
        if isinstance(given, Given):
            label = given.values[:, 2].astype(int)
        pools = [made[made[:, 2] == code] for code in (0, 1)]
        taken = [pools[code][rng.integers(len(pools[code]))] for code in label]
        return np.array(taken).reshape(-1, 3)


def knob(kind: str, part: int, column: int, value: int = -1) -> Knob:
    return Knob(kind, part, column, value)


def test_observations_add_up_as_normal_beliefs_do() -> None:
    belief = Posterior.prior([knob("shift", 0, 0)] * 2, np.array([2.0, 2.0]), 1, 0.2)
    belief.observe(np.array([3.0, np.nan]), np.array([1.0, np.nan]))
    assert belief.precision == pytest.approx([1.25, 0.25])
    assert belief.mean == pytest.approx([2.4, 0.0])
    belief.observe(np.array([3.0, np.nan]), np.array([1.0, np.nan]), temper=0.5)
    assert belief.precision[0] == pytest.approx(1.75)
    low, high = belief.interval(0.9)[0]
    assert high - low == pytest.approx(2 * 1.6449 / np.sqrt(1.75), abs=1e-3)


def test_the_best_expected_utility_is_the_least_expected_regret() -> None:
    belief = Posterior.prior([knob("shift", 0, 0)], np.array([1.0]), 1, 0.2)
    belief.observe(np.array([0.8]), np.array([0.1]))
    settings = [np.array([value]) for value in np.linspace(-2, 2, 41)]

    def utility(setting: Floats, truth: Floats) -> Floats:
        return np.asarray(-((truth[:, 0] - setting[0]) ** 2))

    expected, regret = belief.expected(utility, settings), belief.regret(utility, settings)
    assert np.argmax(expected) == np.argmin(regret)
    assert expected + regret == pytest.approx((expected + regret)[0])
    assert settings[int(np.argmax(expected))][0] == pytest.approx(belief.mean[0], abs=0.1)


def test_steps_meet_the_conditions_of_robbins_and_monro() -> None:
    sizes = np.array([step_size(batch) for batch in range(1, 20_001)])
    assert sizes[0] == 1
    assert (np.diff(sizes) < 0).all()
    late = np.arange(1000, 20_001)
    assert sizes[999:] == pytest.approx(0.8 / (late + 2) ** 0.7), "1/2 < 0.7 <= 1"


def test_ninety_percent_intervals_cover_about_ninety_percent() -> None:
    """Planted errors drawn from the prior, independent summaries, eta = 1."""
    rng, hits = np.random.default_rng(5), list[bool]()
    for _ in range(60):
        real = rows(600, rng)
        space = KnobSpace.learn(real, real.values[:, 2].astype(int), 2)
        truth = rng.normal(0, 0.5)
        calibration = Calibration(space, temper=1.0)
        at = calibration.knobs.index(knob("shift", 1, 0))
        for batch in range(3):
            reference = real.values[batch::3]
            made = rows(200, rng, shift=-truth).values
            made[:, 0] += np.where(made[:, 2] == 1, 2 * calibration.step[at], 0.0)
            parts = made[:, 2].astype(int)
            calibration.update(made, parts, reference, reference[:, 2].astype(int))
        low, high = calibration.posterior.interval(0.9)[at]
        hits.append(bool(low <= truth <= high))
    assert np.mean(hits) >= 0.9 - 2.6 * np.sqrt(0.09 / 60)


def test_rows_are_moved_to_where_the_real_class_lies() -> None:
    rng = np.random.default_rng(0)
    real = rows(1200, rng)
    model = Calibrated(Wrong(), temper=1.0).fit(real, rng)
    made, bare = model.sample(4000, rng), model.model_.sample(4000, rng)
    for drawn, near in ((bare, False), (made, True)):
        second = drawn[drawn[:, 2] == 1]
        off = abs(second[:, 0].mean() - 11) < 0.3, abs(second[:, 0].std() - 2) < 0.4
        word = abs((drawn[:, 1] == 2).mean() - 1 / 3) < 0.06
        assert (*off, word) == (near, near, near)
    first = made[made[:, 2] == 0]
    assert first[:, 0].mean() == pytest.approx(10, abs=0.2), "the other class stays"
    assert model.calibration_.reports[0].off > 0.3
    first, *_, last = (report.divergence["ks"] for report in model.calibration_.reports)
    assert last < 0.7 * first


def test_a_generator_that_is_right_is_left_alone_and_the_loop_ends() -> None:
    rng = np.random.default_rng(1)
    matrix = Matrix(rng.normal(0, 1, (2000, 1)), (Field("x"),))
    model = Calibrated("independent").fit(matrix, rng)
    assert model.calibration_.calm
    assert len(model.calibration_.reports) < 12
    assert not model.setting_.any()


def test_given_cells_stay_and_atoms_are_not_moved() -> None:
    rng = np.random.default_rng(2)
    values = rows(400, rng).values
    values[::4, 0] = 0.0
    model = Calibrated("independent").fit(Matrix(values, FIELDS), rng)
    model.setting_ = np.array([0.5 if k.kind == "shift" else 0.0 for k in model.posterior_.knobs])
    made = model.sample(400, rng)
    assert 0.15 < (made[:, 0] == 0).mean() < 0.35
    given = np.full((5, 3), np.nan)
    given[:, 0], given[:, 2] = 7.25, 1
    drawn = model.sample(5, rng, given=Given(given, ~np.isnan(given)))
    assert (drawn[:, [0, 2]] == [7.25, 1]).all()


def test_correlations_are_multiplied_by_a_coupling() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=2000)
    matrix = Matrix(np.column_stack([x, 0.8 * x + 0.6 * rng.normal(size=2000)]),
                    (Field("x"), Field("y")))  # fmt: skip
    space = KnobSpace.learn(matrix, np.zeros(2000, dtype=np.intp), 1)
    for coupling in (0.0, 0.5, 1.0):
        made = space.coupled(matrix.values, np.zeros(2000, dtype=np.intp), [coupling])
        assert np.corrcoef(made[:, 0], made[:, 1])[0][1] == pytest.approx(0.8 * coupling, abs=0.03)
    model = Calibrated("independent", temper=1.0).fit(matrix, rng)
    assert model.posterior_.coupling[0].mean == pytest.approx(1), (
        "no factor of nothing is a correlation"
    )


def test_rows_are_chosen_by_weight_and_none_stands_in_for_another_class() -> None:
    parts = np.array([0, 1] * 200, dtype=np.intp)
    logs = np.where(np.arange(400) < 200, np.log(3.0), 0.0)
    index = resampled(logs, parts, 100, np.random.default_rng(0))
    assert (parts[index] == parts[:100]).all()
    assert (index < 200).mean() == pytest.approx(0.75, abs=0.02)
    assert len(set(index.tolist())) == 100


def line(n_rows: int, noise: float) -> Matrix:
    """Two numbers that go together as far as there is no noise."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=n_rows)
    y = np.sqrt(1 - noise**2) * x + noise * rng.normal(size=n_rows)
    return Matrix(np.column_stack([x, y]), (Field("x"), Field("y")))


WIDTHS = (1 / 16, 1 / 4, 1.0)


def test_a_neighbourhood_that_blurs_what_goes_together_is_made_narrower() -> None:
    rng = np.random.default_rng(7)
    wide = SequentialTrees(min_samples_leaf=80)
    made = Calibrated(wide, temper=1.0, widths=WIDTHS).fit(line(400, 0.1), rng)
    assert isinstance(made.model_, SequentialTrees)
    assert made.width_.weights[2] < 0.01
    assert made.model_.min_samples_leaf == max(2, round(80 * 2**made.width_.mean)) <= 20
    drawn, bare = (
        float(np.asarray(np.corrcoef(one.sample(2000, rng), rowvar=False))[0, 1])
        for one in (made, wide.fit(line(400, 0.1), rng))
    )
    assert drawn > 0.97 > bare
    assert wide.min_samples_leaf == 80, "the one that was given stays as it is"


def test_a_width_of_which_rows_say_nothing_stays_with_its_prior() -> None:
    made = Calibrated("trees", widths=(0.5, 1.0, 2.0)).fit(line(400, 1.0), np.random.default_rng(8))
    assert abs(made.width_.mean) < 0.35
    assert made.width_.weights.argmax() == 1
    bare = Calibrated("independent", widths=(0.5, 1.0), n_batches=1)
    assert not hasattr(bare.fit(line(60, 1.0), np.random.default_rng(9)), "width_")


def test_a_width_is_stored_with_the_generator_inside() -> None:
    rng = np.random.default_rng(4)
    model = Calibrated("trees", n_batches=2, widths=(0.5, 1.0)).fit(rows(120, rng), rng)
    again = Calibrated.restore(FIELDS, model.state())
    assert isinstance(again.model_, SequentialTrees)
    assert isinstance(model.model_, SequentialTrees)
    assert again.model_.min_samples_leaf == model.model_.min_samples_leaf
    one, other = (m.sample(20, np.random.default_rng(9)) for m in (model, again))
    assert np.array_equal(one, other)
    assert np.array_equal(again.width_.weights, model.width_.weights)
    assert again.posterior_.n_batches == model.posterior_.n_batches == 2


class Tight(Independent):
    """A generator whose two numbers go together too closely."""

    correlation = 0.9

    def sample(self, n_rows: int, rng: np.random.Generator, **options: object) -> Floats:
        x, noise = rng.normal(size=(2, n_rows))
        r = self.correlation
        return np.column_stack([x, r * x + np.sqrt(1 - r**2) * noise])


def test_columns_that_go_together_too_closely_are_loosened_as_far_as_rows_gain() -> None:
    rng = np.random.default_rng(11)
    real = Tight()
    real.correlation = 0.45
    matrix = Matrix(real.sample(2000, rng), (Field("x"), Field("y")))
    model = Calibrated(Tight(), batch_size=500, temper=1.0).fit(matrix, rng)
    made = model.sample(4000, rng)
    assert model.couplings_[0] == pytest.approx(0.5, abs=0.1)
    # the real correlation is known to 0.8 / sqrt(2000) = 0.02
    drawn = float(np.asarray(np.corrcoef(made, rowvar=False))[0, 1])
    assert drawn == pytest.approx(0.45, abs=0.08)


def test_a_coupling_that_needs_no_change_is_not_tried() -> None:
    rng = np.random.default_rng(12)
    matrix = Matrix(Tight().sample(400, rng), (Field("x"), Field("y")))
    assert Calibrated(Tight()).fit(matrix, rng).couplings_ == [1.0]


def test_the_likelihood_of_rows_is_that_of_their_summaries_by_hand() -> None:
    rng = np.random.default_rng(1)
    real, made = (np.column_stack([rng.normal(size=50), rng.normal(size=50)]) for _ in range(2))
    parts = np.zeros(50, dtype=np.intp)
    space = KnobSpace.learn(Matrix(real, (Field("x"), Field("y"))), parts, 1)
    knobs = list(space.knobs())
    seen = space.observe(knobs, made, parts, real, parts)
    r = [float(np.asarray(np.corrcoef(cells.T))[0, 1]) for cells in (real, made)]
    gap = np.arctanh(r[0]) - np.arctanh(r[1])
    squares = (seen.differences**2 / seen.variances).sum() + gap**2 / (2 / 47)
    assert space.likelihood(knobs, made, parts, real, parts) == pytest.approx((-squares / 2, 5))


def test_likelihoods_weigh_settings_and_add_up_with_the_prior() -> None:
    belief = Particles.prior(np.array([0.0, 1.0, 2.0]), 0.5, 1.0)
    belief.observe(np.array([0.0, 1.0, -4.0]), temper=0.5)
    weights = np.exp(np.array([-2.0, 0.0, -2.0]) + 0.5 * np.array([0.0, 1.0, -4.0]))
    weights /= weights.sum()
    assert belief.weights == pytest.approx(weights)
    mean = float(weights[1] + 2 * weights[2])
    assert belief.mean == pytest.approx(mean)
    second = weights[1] + 4 * weights[2]
    assert belief.sd == pytest.approx(np.sqrt(second - mean**2))


def test_a_calibrated_generator_is_stored_by_the_name_of_the_one_inside() -> None:
    rng = np.random.default_rng(4)
    model = Calibrated("trees", n_batches=2).fit(rows(300, rng), rng)
    again = Calibrated.restore(FIELDS, model.state())
    one, other = (m.sample(20, np.random.default_rng(9)) for m in (model, again))
    assert np.array_equal(one, other)
    with pytest.raises(InputError, match="given as an object"):
        Calibrated(Independent(), n_batches=1).fit(rows(60, rng), rng).state()


def test_the_posterior_is_laid_out_as_a_table_and_saved_by_itself() -> None:
    belief = Posterior.prior([knob("shift", 1, 0), knob("weight", 0, 1, 2)], np.ones(2), 2, 0.2)
    belief.observe(np.array([2.0, 0.5]), np.ones(2))
    table = belief.table(["age", "word"])
    assert table["kind"].to_list() == ["shift", "weight", "coupling", "coupling"]
    assert table["column"].to_list() == ["age", "word", None, None]
    assert table["class"].to_list() == [1, 0, 0, 1]
    assert table["mean"].to_list() == pytest.approx([1.0, 0.25, 1.0, 1.0])
    assert table["low"][0] == pytest.approx(1 - 1.6449 * np.sqrt(0.5), abs=1e-3)
    # a normal prior on a grid with steps of 0.025
    assert table["high"][2] == pytest.approx(1 + 1.6449 * 0.2, abs=0.01)
    again = Posterior.from_dict(json.loads(json.dumps(belief.to_dict())))
    assert again.table(["age", "word"]).equals(table)
    assert again.n_batches == 1


def test_the_posterior_is_drawn_with_the_names_of_columns() -> None:
    belief = Posterior.prior([knob("shift", 1, 0), knob("weight", 0, 1, 2)], np.ones(2), 2, 0.2)
    belief.observe(np.array([2.0, 0.1]), np.ones(2))
    drawn = ElementTree.fromstring(belief.svg(["<age>", "word"]))
    words = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert words == ["shift of <age>, class 1", "weight of word 2, class 0"]


def test_a_condition_has_the_last_word_over_corrections() -> None:
    rng = np.random.default_rng(2)
    model = Calibrated("independent", n_batches=1).fit(rows(400, rng), rng)
    model.setting_ = np.array([1.0 if k.kind == "shift" else 0.0 for k in model.posterior_.knobs])
    made = model.sample(300, rng, condition=between(0, 9.0, 11.0))
    assert ((made[:, 0] >= 9) & (made[:, 0] <= 11)).all()
    bare = model.model_.sample(300, np.random.default_rng(3), condition=between(0, 9.0, 11.0))
    assert made[:, 0].mean() > bare[:, 0].mean() + 0.1, "moved as far as the condition lets them"


@pytest.mark.parametrize(("n_rare", "n_batches"), [(4, 1), (14, 2), (40, 8), (90, 12)])
def test_batches_are_so_many_that_each_holds_five_rows_of_the_rarest_class(
    n_rare: int, n_batches: int
) -> None:
    rng = np.random.default_rng(5)
    values = rows(600, rng).values
    order = np.argsort(values[:, 2], kind="stable")
    some = Matrix(values[order][: 300 + n_rare], FIELDS)
    model = Calibrated("independent").fit(some, rng)
    parts = model.parts_of(some.values)
    batches = list(model._references(some.values, parts, rng))
    assert len(batches) == n_batches
    sizes = [np.bincount(model.parts_of(batch), minlength=2) for batch in batches]
    assert np.ptp(sizes, axis=0).max() <= 1, "classes in each as in the table"
    assert sum(map(len, batches)) == len(some.values), "disjoint, and none is left out"


def test_rows_without_a_class_stay_as_they_are() -> None:
    rng = np.random.default_rng(6)
    values = rows(200, rng).values
    model = Calibrated("independent", n_batches=1).fit(Matrix(values, FIELDS), rng)
    values[::2, 2] = np.nan
    assert model.parts_of(values)[:4].tolist() == [-1, 1, -1, 1]
    moved = model._moved(values, np.full(len(model.posterior_.knobs), 0.5), rng, 200, weighs=False)
    assert np.array_equal(moved[::2], values[::2], equal_nan=True)


def test_given_cells_beside_the_class_keep_rows_from_standing_in_for_each_other() -> None:
    rng = np.random.default_rng(7)
    model = Calibrated("independent", n_batches=1).fit(rows(400, rng), rng)
    heavy = [5.0 if k.kind == "weight" and k.value == 2 else 0.0 for k in model.posterior_.knobs]
    model.setting_ = np.array(heavy)
    values = np.full((400, 3), np.nan)
    values[:, 2] = 1
    alone = model.sample(400, rng, given=Given(values, ~np.isnan(values)))
    values[:, 0] = 11.5
    more = model.sample(400, rng, given=Given(values, ~np.isnan(values)))
    assert (alone[:, 1] == 2).mean() > 0.6, "twice as many are drawn, of which a third has it"
    assert (more[:, 1] == 2).mean() < 0.45
    assert model.keeps_rows == getattr(model.model_, "keeps_rows", True)
    assert list(model.order) == list(model.model_.order)
