"""H-TDBU returns no more rows that equal real ones than held-out real rows would."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright import HTDBU
from tablewright.systems import RowsWarning


def test_copies_are_drawn_again_within_their_cell() -> None:
    rng = np.random.default_rng(0)
    real = pl.DataFrame(
        {"x": np.arange(60) % 58, "z": rng.integers(0, 3, 60), "y": ["no", "yes", "no"] * 20}
    ).cast({"z": pl.String})
    system = HTDBU("y", skeleton=["y"], rules=[], random_state=0).fit(real)
    rows = system.sample(60)
    assert rows.height == 60
    assert rows.join(real, on=real.columns, how="semi").height == 0
    assert (system.result_.copy_rate, system.result_.copy_rate_reference) == (0.0, 0.0)


def test_where_every_combination_is_real_as_many_are_returned_as_held_out_rows_repeat() -> None:
    rng = np.random.default_rng(1)
    real = pl.DataFrame({"a": rng.choice(["u", "v"], 120), "y": rng.choice(["no", "yes"], 120)})
    system = HTDBU("y", rules=[], random_state=0).fit(real)
    assert system.sample(100).height == 100
    assert (system.result_.copy_rate, system.result_.copy_rate_reference) == (1.0, 1.0)


@pytest.mark.filterwarnings("ignore:one real row")
def test_rows_that_can_only_be_copies_are_left_out_and_named() -> None:
    real = pl.DataFrame({"x": list(range(20)), "y": [f"c{k}" for k in range(20)]})
    system = HTDBU(
        "y", schema={"x": "categorical", "y": "categorical"}, skeleton=["x", "y"], rules=[],
        random_state=0,
    ).fit(real)  # fmt: skip
    with pytest.warns(RowsWarning) as warned:
        assert system.sample(10).height == 0
    assert system.result_.rejected["_stage"].to_list() == ["copies"] * 10
    shortfall = (
        "0 of the 10 rows asked for were kept: 10 were rejected by copies, such as: equals a real "
        "row more often than held-out real rows do"
    )
    assert [str(one.message) for one in warned] == [shortfall]
    remedy, last = system.result_.notes[-2:]
    assert remedy.startswith("in some cells of the skeleton the texture trees gives only copies")
    assert last == shortfall


def test_rows_that_a_cell_cannot_give_are_drawn_in_other_cells() -> None:
    """Of forty rows with 72 combinations a forest mostly gives real ones: 48 of 60 came."""
    rng = np.random.default_rng(3)
    real = pl.DataFrame(
        {
            "s": rng.choice(["a", "b", "c"], 40),
            "u": rng.choice(["x", "y"], 40),
            "k": rng.integers(0, 6, 40),
            "y": rng.choice(["no", "yes"], 40, p=[0.7, 0.3]),
        }
    )
    system = HTDBU("y", rules=[], variant="published", random_state=0).fit(real)
    assert system.sample(60).height == 60
    assert system.result_.copy_rate <= system.result_.copy_rate_reference + 1 / 60
