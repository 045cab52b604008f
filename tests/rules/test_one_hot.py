"""Columns of which exactly one is 1: found, and kept without losing the rare one."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.rules import as_rules
from tablewright.rules.enforcement.one_hot import is_one_hot, with_one_chosen
from tablewright.rules.language import Implies, Linear
from tablewright.rules.mining.miner import mine_rules
from tablewright.schema import Schema
from tablewright.synthesizer.synthesizer import Synthesizer

COLOURS = ["red", "amber", "green", "grey"]
SHARES = [0.5, 0.3, 0.17, 0.03]
SCHEMA = Schema.build({name: {"kind": "categorical", "categories": [0, 1]} for name in COLOURS})


def coloured(n: int = 600) -> pl.DataFrame:
    """One colour in each row, and a number that has to do with it."""
    rng = np.random.default_rng(0)
    colour = rng.choice(4, n, p=SHARES)
    columns = {name: (colour == k).astype(int) for k, name in enumerate(COLOURS)}
    return pl.DataFrame({**columns, "speed": (50 + 5 * colour + rng.normal(0, 4, n)).round(1)})


def of(rule: dict[str, Any]) -> Any:
    return next(iter(as_rules([{"kind": "linear", **rule}])))


def test_miner_finds_the_choice_and_leaves_out_the_pairs() -> None:
    frame = coloured()
    kinds: dict[str, Any] = {
        name: {"kind": "categorical", "categories": [0, 1]} for name in COLOURS
    }
    schema = Schema.build({**kinds, "speed": "continuous"})
    rules = mine_rules(frame, schema, np.random.default_rng(0))
    (found,) = [rule for rule in rules if isinstance(rule, Linear)]
    assert (found.terms, found.op, found.value) == (dict.fromkeys(COLOURS, 1.0), "=", 1.0)
    assert found.hard
    pairs = [
        rule for rule in rules if isinstance(rule, Implies) and "speed" not in rule.described()
    ]
    assert pairs == []


def test_miner_finds_no_choice_among_independent_columns() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({name: rng.integers(0, 2, 600) for name in COLOURS})
    assert len(mine_rules(frame, SCHEMA, rng, kinds=["one_hot"])) == 0


@pytest.mark.parametrize("method", ["trees", "independent"])
def test_the_rare_member_keeps_its_share(method: str) -> None:
    frame, n = coloured(), 4000
    rule = {"kind": "linear", "terms": dict.fromkeys(COLOURS, 1), "op": "=", "value": 1}
    rows = Synthesizer(method, random_state=0).fit(frame).sample(n, rules=[rule])
    assert (rows.select(pl.sum_horizontal(COLOURS)).to_series() == 1).all()
    for name in COLOURS:
        real = float(frame[name].mean())  # type: ignore[arg-type]
        # four standard errors of a share
        assert rows[name].mean() == pytest.approx(real, abs=4 * (real * (1 - real) / n) ** 0.5)


def test_a_given_cell_and_a_condition_stay() -> None:
    rule = {"kind": "linear", "terms": dict.fromkeys(COLOURS, 1), "op": "=", "value": 1}
    fitted = Synthesizer("independent", random_state=0).fit(coloured())
    seeds = pl.DataFrame({"grey": [1] * 20, "speed": [70.0] * 20})
    given = fitted.sample(seed_data=seeds, rules=[rule])
    assert given["grey"].to_list() == [1] * 20
    rows = fitted.sample(50, where="grey = 1", rules=[rule])
    for frame in (given, rows):
        assert frame.select("red", "amber", "green").sum().row(0) == (0, 0, 0)
        assert (frame["grey"] == 1).all()


@pytest.mark.parametrize(
    ("rule", "schema", "is_one"),
    [
        ({"terms": {"red": 1, "grey": 1}, "op": "=", "value": 1}, SCHEMA, True),
        ({"terms": {"red": 1, "grey": 1}, "op": "<=", "value": 1}, SCHEMA, False),
        ({"terms": {"red": 1, "grey": 1}, "op": "=", "value": 2}, SCHEMA, False),
        ({"terms": {"red": 1, "grey": -1}, "op": "=", "value": 1}, SCHEMA, False),
        ({"terms": {"red": 1}, "op": "=", "value": 1}, SCHEMA, False),
        ({"terms": {"red": 1, "n": 1}, "op": "=", "value": 1}, None, False),
        ({"terms": {"red": 1, "m": 1}, "op": "=", "value": 1}, None, True),
    ],
)
def test_what_is_a_choice(rule: dict[str, Any], schema: Schema | None, is_one: bool) -> None:
    number = {"kind": "integer", "minimum": 0, "decimals": 0}
    wider = Schema.build(
        {
            "red": {"kind": "categorical", "categories": [0, 1]},
            "n": {**number, "maximum": 2},
            "m": {**number, "maximum": 1},
        }
    )
    assert is_one_hot(of(rule), schema or wider) is is_one


def test_one_that_was_chosen_already_stays_and_the_lacking_one_is_preferred() -> None:
    frame = pl.DataFrame({"a": [1, 1, 1, 0, 0], "b": [0, 0, 1, 0, 0], "c": [0, 0, 0, 0, 0]})
    part = with_one_chosen(frame, ["a", "b", "c"], np.array([2, 3, 4]), np.random.default_rng(0))
    # of 5 rows 3/4 are to have a and 1/4 b, c none: 1.75 of a and 1.25 of b are lacking
    assert part.select(pl.sum_horizontal("a", "b")).to_series().to_list() == [1, 1, 1]
    assert part["c"].sum() == 0
    assert 1 <= part["a"].sum() <= 2
