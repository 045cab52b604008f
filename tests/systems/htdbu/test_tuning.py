"""The loop reads rows that nothing was learned from."""

from __future__ import annotations

import contextlib

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.rules import Rules, as_rules
from tablewright.schema import Schema
from tablewright.systems.htdbu.candidates import Config
from tablewright.systems.htdbu.textures import Texture, learn_texture, make_model
from tablewright.systems.htdbu.tuning import Tuner

SCHEMA = Schema.build({"n": "integer", "x": "continuous", "y": "categorical"}, target="y")


class Stopped(Exception):
    """Ends the measurement where the texture would be learned."""


def test_textures_and_scores_learn_from_rows_that_are_not_validated() -> None:
    rng = np.random.default_rng(0)
    real = pl.DataFrame(
        {"n": np.arange(160), "x": rng.normal(size=160), "y": rng.choice(["a", "b"], 160)}
    )
    learned: list[set[int]] = []

    def learn(config: Config, rows: pl.DataFrame) -> object:
        learned.append(set(rows["n"]))
        raise Stopped

    tuner = Tuner(real, SCHEMA, 0, learn, lambda _: [])  # type: ignore[arg-type]  # it raises
    with contextlib.suppress(Stopped):
        tuner.measure(Config("trees", {}, rules=Rules()))
    validation = set(tuner.validation["n"])
    assert learned == [set(range(160)) - validation]
    assert len(validation) == 40
    assert set(tuner.scorer.real.frame["n"]) == learned[0]
    assert tuner.scorer.holdout is not None
    assert set(tuner.scorer.holdout.frame["n"]) == validation


# measuring ----------------------------------------------------------------------------


LEARNED: list[str] = []


def table(n: int = 240, one_in: int = 10) -> pl.DataFrame:
    """One row in ten is b, the others a; x says which, and n is above 5 in every row."""
    rng = np.random.default_rng(1)
    y = np.where(np.arange(n) % one_in == 0, "b", "a")
    x = rng.normal(np.where(y == "b", 4.0, 0.0), 1)
    return pl.DataFrame({"n": rng.integers(6, 30, n), "x": x, "y": y})


def learn(config: Config, rows: pl.DataFrame) -> Texture:
    LEARNED.append(config.texture)
    model = make_model(config, None)
    return learn_texture(model, rows, SCHEMA, ["y"], np.random.default_rng(0))


def tuner(real: pl.DataFrame | None = None, **options: object) -> Tuner:
    return Tuner(table() if real is None else real, SCHEMA, 0, learn, lambda _: ["y"], **options)  # type: ignore[arg-type]  # options of a test


def test_a_quarter_of_each_class_is_held_out() -> None:
    made = tuner()
    assert made.validation["y"].value_counts().sort("y").rows() == [("a", 54), ("b", 6)]
    assert made.train["y"].value_counts().sort("y").rows() == [("a", 162), ("b", 18)]
    other = table(100)
    assert tuner(other, validation=table(30)).train.equals(other)


def test_a_texture_is_learned_once_for_a_config_and_its_columns() -> None:
    made, config = tuner(), Config("independent")
    LEARNED.clear()
    first = made.measure(config)
    again = made.measure(Config("independent", rules=as_rules(["n > 5"])))
    assert LEARNED == ["independent"]
    assert (first.x_floor, first.c) == (again.x_floor, again.c)
    made.measure(Config("copula"))
    assert LEARNED == ["independent", "copula"]


@pytest.mark.filterwarnings("ignore::tablewright.synthesizer.row_rules.RuleWarning")
def test_rules_that_hold_are_kept_and_those_that_most_rows_break_are_seen() -> None:
    made = tuner()
    kept = made.measure(Config("trees", rules=as_rules(["n > 5"])))
    assert (kept.v, kept.broken, kept.a, kept.a_real) == (0.0, 0.0, 1.0, 1.0)
    rule = {"expression": "n < 15", "source": "mined"}
    broken = made.measure(Config("trees", rules=as_rules([rule])))
    share = float((made.validation["n"] >= 15).mean())  # type: ignore[arg-type]  # a number
    assert broken.broken == pytest.approx(share)
    assert broken.a_real == pytest.approx(1 - share)
    assert broken.v == 0.0, "the rows keep it all the same"


def test_a_texture_that_knows_nothing_is_less_use_than_one_that_knows_the_table() -> None:
    made = tuner(table(one_in=2))
    blind, seeing = (made.measure(Config(name)) for name in ("independent", "trees"))
    assert blind.u_real == seeing.u_real > 0.9
    assert blind.u_syn < 0.75 < seeing.u_syn
    assert blind.loss > seeing.loss


@pytest.mark.filterwarnings("ignore::tablewright.synthesizer.row_rules.RuleWarning")
def test_rules_that_no_row_can_keep_are_a_problem_and_no_error() -> None:
    quota = {"kind": "quota", "where": "y = 'a'", "share": [0.9, 1.0]}
    other = {"kind": "quota", "where": "y = 'b'", "share": [0.9, 1.0]}
    worst = tuner().measure(Config("independent", rules=as_rules([quota, other])))
    assert "cannot be met together" in worst.problem
    assert (worst.v, worst.a, worst.c, worst.x_syn) == (1.0, 0.0, 1.0, 1.0)


@pytest.mark.parametrize(("n_rows", "fails"), [(99, True), (100, False)])
def test_the_loop_needs_a_hundred_rows(n_rows: int, fails: bool) -> None:
    if fails:
        with pytest.raises(InputError, match="at least 100 rows, and the table has 99"):
            tuner(table(n_rows))
    else:
        assert tuner(table(n_rows)).validation.height == 25
