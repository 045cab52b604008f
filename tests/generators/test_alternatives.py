"""Conditions with an OR: every row meets one branch, and branches come as often as in real rows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright import Synthesizer
from tablewright.rules.expressions import parse

N_REAL, N_MADE = 4000, 4000


def clinic() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    age = rng.integers(18, 90, N_REAL)
    sex = rng.choice(["f", "m"], N_REAL)
    dose = np.round(age / 10 + rng.normal(0, 2, N_REAL), 1)
    ward = np.where(rng.random(N_REAL) < 0.15, "east", rng.choice(["north", "west"], N_REAL))
    return pl.DataFrame({"age": age, "dose": dose, "ward": ward, "sex": sex})


@pytest.fixture(scope="module")
def learned() -> Synthesizer:
    return Synthesizer("trees", random_state=0).fit(clinic())


WHERES = [
    "(sex = 'f' AND age > 60) OR ward = 'east'",
    "dose > 11 OR ward = 'east' OR age < 21",
    "age > 40 AND (ward = 'east' OR sex = 'f')",
]


@pytest.mark.parametrize("where", WHERES)
def test_every_row_complies_and_each_column_is_as_in_real_rows_that_comply(
    learned: Synthesizer, where: str
) -> None:
    result, asked = learned.sample(N_MADE, where=where), parse(where, learned.schema_)
    real = clinic().filter(pl.Series(asked.holds(clinic())))
    assert asked.holds(result).all()
    # two shares of real.height and N_MADE rows differ by less than four standard errors, and
    # a leaf of twenty rows blurs a share by at most one row in twenty
    bound = 4 * np.sqrt(0.25 / real.height + 0.25 / N_MADE) + 0.05
    for share in (pl.col("ward") == "east", pl.col("sex") == "f", pl.col("age") > 60):
        there, here = real.select(share.mean()).item(), result.select(share.mean()).item()
        assert abs(there - here) < bound


def test_branches_do_not_overlap(learned: Synthesizer) -> None:
    where = "ward = 'east' OR sex = 'f'"
    result = learned.sample(N_MADE, where=where)
    real = clinic().filter((pl.col("ward") == "east") | (pl.col("sex") == "f"))
    both = (pl.col("ward") == "east") & (pl.col("sex") == "f")
    there, here = real.select(both.mean()).item(), result.select(both.mean()).item()
    assert abs(there - here) < 4 * np.sqrt(0.25 / real.height + 0.25 / N_MADE)


def test_an_or_that_no_row_can_meet_is_refused(learned: Synthesizer) -> None:
    with pytest.raises(ValueError, match="no row"):
        learned.sample(5, where="age > 200 OR dose > 900")
