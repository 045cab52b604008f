"""What a batch is measured by, and the four things that follow."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from tablewright.generators.parts.knobs import KnobSpace
from tablewright.schema import Schema
from tablewright.systems.common.partition import ClassPartition
from tablewright.systems.rddg.feedback import Feedback
from tablewright.tables.encoding.codec import Codec

SCHEMA = Schema.build(
    {
        "x": "continuous",
        "z": "continuous",
        "word": {"kind": "categorical", "categories": ["a", "b"]},
        "y": {"kind": "categorical", "categories": ["no", "yes"]},
    },
    target="y",
)
CLASSES = ClassPartition("y", ("no", "yes"))


def rows(n_rows: int, seed: int, shift: float = 0.0, share: float = 0.5, coupled: float = 0.8,
         scale: float = 1.0) -> pl.DataFrame:  # fmt: skip
    """Class yes lies at 3; shift, share of word a, coupling and scale are of that class."""
    rng = np.random.default_rng(seed)
    yes = np.arange(n_rows) % 2 == 1
    noise = rng.normal(size=n_rows)
    x = np.where(yes, 3 + shift + scale * noise, noise)
    own = np.where(yes, coupled, 0.8)
    z = own * noise + np.sqrt(1 - own**2) * rng.normal(size=n_rows)
    word = np.where(rng.random(n_rows) < np.where(yes, share, 0.5), "a", "b")
    return pl.DataFrame({"x": x, "z": z, "word": word, "y": np.where(yes, "yes", "no")})


REAL = rows(1000, 0)
UNSHOWN = np.zeros(REAL.height, dtype=np.bool_)


def feedback(*batches: pl.DataFrame) -> Feedback:
    made = Feedback(REAL, SCHEMA, CLASSES, Codec(SCHEMA).fit(REAL), temper=1.0)
    for batch in batches:
        made.observe(batch, UNSHOWN)
    return made


def test_rows_like_the_real_ones_are_told_next_to_nothing() -> None:
    told = [len(feedback(rows(200, seed)).orders()) for seed in range(1, 9)]
    assert np.mean(told) < 1.5, "of ten knobs one in twenty is beyond noise"


def test_what_is_off_is_said_with_class_direction_and_size_the_worst_first() -> None:
    made = feedback(rows(200, 1, shift=1.5, share=0.2))
    orders = made.orders()
    assert orders[0].startswith("In rows of yes, 'x' is too high by 1.")
    assert orders[0].endswith("write lower values.") or "'word'" in orders[0]
    assert any("'word'" in order and "less often" in order for order in orders)
    assert not any(order.startswith("In rows of no") for order in orders[:2])
    assert made.batches[0].orders == orders
    assert made.batches[0].divergence.keys() == {"mean", "ks", "tv", "kl"}


def test_a_spread_that_is_too_small_is_said() -> None:
    orders = feedback(rows(200, 1, scale=0.4)).orders()
    assert any("varies too little, 0.4 times as much as it should" in order for order in orders)


def test_a_pair_of_columns_that_go_apart_is_said() -> None:
    orders = feedback(rows(300, 1, coupled=0.0)).orders()
    (pair,) = [order for order in orders if "go together" in order]
    assert pair.startswith("In rows of yes, 'x' and 'z'")


def test_batches_are_smoothed_and_old_ones_are_forgotten_slowly() -> None:
    made = feedback(rows(200, 1, shift=2.0))
    at = next(k for k, knob in enumerate(made.knobs) if (knob.kind, knob.part) == ("shift", 1))
    assert made.residual[at] == pytest.approx(-2, abs=0.3)
    for seed in range(2, 12):
        made.observe(rows(200, seed), UNSHOWN)
    assert abs(made.residual[at]) < 0.35
    assert made.variance[at] < 0.01


def test_references_are_rows_that_were_not_shown() -> None:
    shown = (REAL["y"] == "yes").to_numpy() & (REAL["x"] > 3).to_numpy()
    made = feedback()
    made.observe(rows(200, 1), shown)
    at = next(k for k, knob in enumerate(made.knobs) if (knob.kind, knob.part) == ("shift", 1))
    assert made.residual[at] < -0.5, "held against the rows below 3 alone"
    everything = np.ones(REAL.height, dtype=np.bool_)
    again = feedback()
    again.observe(rows(200, 1), everything)
    assert abs(again.residual[at]) < 0.3, "where none is left, all count"


def test_examples_are_those_that_are_missing_so_far() -> None:
    made = feedback(rows(200, 1, shift=-1.5, share=0.1))
    members = [np.flatnonzero(CLASSES.of(REAL) == code) for code in (0, 1)]
    chosen = REAL[made.examples(60, members, np.random.default_rng(0))]
    assert chosen["y"].to_list() == ["no"] * 60 + ["yes"] * 60
    yes = chosen.filter(pl.col("y") == "yes")
    assert yes["x"].mean() > 3.5  # type: ignore[operator]  # a number
    assert (yes["word"] == "a").mean() > 0.6  # type: ignore[operator]  # a number


def test_rows_are_accepted_less_often_where_there_are_too_many() -> None:
    made = feedback(rows(200, 1, shift=1.5))
    more = rows(2000, 2, shift=1.5)
    taken = more.filter(made.accepted(more, np.random.default_rng(0)))
    means = [frame.filter(pl.col("y") == "yes")["x"].mean() for frame in (more, taken)]
    assert means[1] < means[0] - 0.2  # type: ignore[operator]  # numbers
    assert taken.height > 0.36 * more.height


def test_corrections_of_a_generator_are_those_of_the_same_classes() -> None:
    made = feedback(rows(400, 1, shift=-1.0))
    space = made.calibration.space
    same = made.setting_for(space, {0: 0, 1: 1})
    assert same == pytest.approx(made.calibration.step)
    swapped = made.setting_for(space, {0: 1, 1: 0})
    at = {(k.kind, k.part, k.column, k.value): i for i, k in enumerate(made.knobs)}
    for kind, column, value in (("scale", 0, -1), ("weight", 2, 1)):
        assert swapped[at[kind, 0, column, value]] == same[at[kind, 1, column, value]]
    assert not made.setting_for(space, {}).any(), "a class that was not measured stays"


def test_corrections_of_a_part_are_told_in_the_units_of_a_wider_class() -> None:
    """The generator knows no classes: what it writes of one has to end where the class needs it."""
    made = feedback(rows(400, 1, shift=-1.0, scale=0.5))
    codec = Codec(SCHEMA).fit(REAL)
    real = codec.encode(REAL)
    whole = KnobSpace.learn(real, np.zeros(len(real.values), dtype=np.intp), 1)
    cells = codec.encode(rows(50, 2)).values
    cells = cells[cells[:, 3] == 1]
    parts = np.ones(len(cells), dtype=np.intp)
    of_class = made.calibration.space.moved(cells, parts, made.knobs, made.calibration.step)
    setting = made.setting_for(whole, {0: 1})
    moved = whole.moved(cells, 0 * parts, list(whole.knobs()), setting)
    inside = (of_class[:, 0] < whole.high[0]) & (moved[:, 0] < whole.high[0])
    assert np.abs(of_class[:, 0] - cells[:, 0]).mean() > 0.3
    assert moved[inside, 0] == pytest.approx(of_class[inside, 0])


def test_a_value_that_no_real_row_has_counts_as_missing() -> None:
    odd = rows(60, 1).with_columns(pl.lit("c").alias("word"))
    made = feedback(odd)
    words = [k for k, knob in enumerate(made.knobs) if knob.kind == "weight"]
    assert np.isinf(made.variance[words]).all()


def only(kind: str, value: float) -> Feedback:
    """Feedback that saw one thing: in class yes, of number x or of word b."""
    made = feedback()
    at = next(
        k for k, knob in enumerate(made.knobs)
        if (knob.kind, knob.part, knob.column) == (kind, 1, 2 if kind == "weight" else 0)
    )  # fmt: skip
    made.variance[:] = 1.0
    made.residual[at], made.variance[at] = value, value**2 / 100
    return made


@pytest.mark.parametrize(
    ("kind", "value", "order"),
    [
        ("shift", 0.5, "'x' is too low by 0.5 standard deviations on average: write higher"),
        ("shift", -1.2, "'x' is too high by 1.2 standard deviations on average: write lower"),
        ("scale", np.log(2), "'x' varies too little, 0.5 times as much as it should: spread it w"),
        ("scale", -np.log(2), "'x' varies too much, 2.0 times as much as it should: spread it cl"),
        ("weight", np.log(3), "write 'word' = b more often, about 3.0 times"),
        ("weight", -np.log(3), "write 'word' = b less often, about 3.0 times"),
    ],
)
def test_an_order_says_what_to_change_and_by_how_much(kind: str, value: float, order: str) -> None:
    (said,) = only(kind, value).orders()
    assert said.startswith(f"In rows of yes, {order}")


def test_orders_are_said_in_the_names_of_a_prompt() -> None:
    (said,) = only("weight", 1.0).orders(lambda part: f"group {part}", lambda column, value: "K7")
    assert said.startswith("In group 1, write 'word' = K7 more often")


def test_no_more_than_six_orders_are_given_the_largest_ones() -> None:
    made = feedback()
    made.variance[:] = 1e-4
    made.residual[:] = np.linspace(0.1, 1.0, len(made.knobs))
    assert len(made.knobs) > 6
    orders = made.orders()
    assert len(orders) == 6
    assert made.clear.tolist() == list(range(len(made.knobs)))[::-1]


def test_what_lies_within_two_standard_deviations_is_noise() -> None:
    made = feedback()
    made.variance[:] = 0.25
    made.residual[:2] = 0.99, -1.01
    assert made.clear.tolist() == [1]


@pytest.mark.parametrize(("shift", "scale"), [(0.5, 0.0), (0.0, 0.3), (-0.4, 0.2)])
def test_the_tilt_of_a_number_is_the_ratio_of_two_normals(shift: float, scale: float) -> None:
    """What is needed is the real class; what is written lies lower and narrower than it."""
    made = only("shift", shift or 1e-9)
    if scale:
        at = next(k for k, knob in enumerate(made.knobs) if (knob.kind, knob.part, knob.column)
                  == ("scale", 1, 0))  # fmt: skip
        made.residual[at], made.variance[at] = scale, 1e-6
    space = made.calibration.space
    centre, spread = space.centre[1, 0], space.spread[1, 0]
    z = np.array([-0.8, 0.0, 0.7])
    values = np.tile(made.matrix[:1], (3, 1))
    values[:, 0] = centre + spread * z
    logs = made.log_weights(values, np.ones(3, dtype=np.intp))
    # what is written has mean -shift and deviation exp(-scale), in deviations of the class
    ratio = norm.logpdf(z) - norm.logpdf(z, -shift, np.exp(-scale))
    assert np.diff(logs) == pytest.approx(np.diff(ratio), abs=1e-6)
    assert not made.log_weights(values, np.zeros(3, dtype=np.intp)).any(), "the other class"


def test_a_row_weighs_no_more_than_a_bound() -> None:
    made = only("weight", 9.0)
    values, parts = made.matrix.copy(), np.ones(REAL.height, dtype=np.intp)
    assert set(made.log_weights(values, parts)) == {0.0, 2.0}


def test_the_least_likely_rows_are_taken_in_one_case_of_three() -> None:
    made = only("weight", -5.0)
    many = pl.concat([rows(2000, seed) for seed in range(3)])
    taken = made.accepted(many, np.random.default_rng(0))
    mine = ((many["y"] == "yes") & (many["word"] == "b")).to_numpy()
    assert taken[~mine].all()
    share = np.exp(-1.0)
    assert taken[mine].mean() == pytest.approx(share, abs=4 * np.sqrt(0.24 / mine.sum()))


def test_a_class_with_few_rows_left_unshown_is_compared_with_all_of_its_rows() -> None:
    yes = np.flatnonzero((REAL["y"] == "yes").to_numpy())
    made = feedback()
    for n_left, n_used in ((10, 10), (9, len(yes))):
        shown = np.zeros(REAL.height, dtype=np.bool_)
        shown[yes[n_left:]] = True
        used = made._references(shown)
        assert used[yes].sum() == n_used
        assert used.sum() - used[yes].sum() == REAL.height - len(yes)


def test_pairs_are_looked_at_from_thirty_rows_of_a_class_on_gathered_over_batches() -> None:
    made = feedback(rows(40, 1, coupled=-0.8))
    assert not [order for order in made.orders() if "go together" in order], "20 of each class"
    made.observe(rows(40, 2, coupled=-0.8), UNSHOWN)
    assert [order for order in made.orders() if "go together" in order]


def test_a_batch_without_rows_tells_nothing() -> None:
    made = feedback(REAL.clear())
    assert made.orders() == []
    assert (made.batches[0].n_rows, made.batches[0].off) == (0, 0.0)


def test_columns_of_a_class_that_go_together_too_loosely_are_to_be_coupled() -> None:
    made = feedback(*(rows(1000, seed, coupled=0.4) for seed in (1, 2)))
    no, yes = made.calibration.couplings
    assert no == 1.0
    assert yes == pytest.approx(2.0, abs=0.25)


def test_rows_drawn_with_a_coupling_speak_of_the_one_they_needed_without() -> None:
    made = feedback()
    made.made_by = [1.0, 2.0]
    for seed in (1, 2):
        made.observe(rows(1000, seed, coupled=0.8), UNSHOWN)
    assert made.calibration.couplings[1] == pytest.approx(2.0, abs=0.25)
