"""A model that has read the table is told from one that writes plausible rows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.llm.prompts.memorized import probe
from tablewright.schema import Schema
from tablewright.tables.inference.infer import infer_schema
from tablewright.testing import Faults, StandIn

rng = np.random.default_rng(0)
TABLE = pl.DataFrame(
    {
        "age": rng.integers(18, 80, 300),
        "pay": np.round(rng.normal(40, 9, 300), 1),
        "town": [f"Town {number}" for number in rng.integers(0, 200, 300)],
        "sex": rng.choice(["f", "m"], 300),
    }
)
SCHEMA = infer_schema(TABLE, {"town": "categorical"})


def test_a_table_known_by_heart_is_found_out() -> None:
    result = probe(StandIn(TABLE, schema=SCHEMA, faults=Faults(memorised=1.0)), TABLE, SCHEMA)
    assert (result.header, result.rows, result.rare_values) == (1.0, 1.0, 1.0)
    assert result.suspicious
    assert result.warning is not None
    assert "next rows exact: 100 %" in result.warning


@pytest.mark.parametrize("memorised", [0.0])
def test_a_model_that_only_knows_the_population_is_not_accused(memorised: float) -> None:
    result = probe(StandIn(TABLE, schema=SCHEMA, faults=Faults(memorised=memorised)), TABLE, SCHEMA)
    assert not result.suspicious
    assert result.warning is None
    assert result.rows == 0.0


def test_rows_that_many_share_are_no_proof() -> None:
    """In a table of two binary columns the next rows are often guessed."""
    small = pl.DataFrame({"a": [0, 1] * 60, "b": ["x"] * 119 + ["y"]})
    schema = Schema.build(
        {
            "a": {"kind": "categorical", "categories": [0, 1]},
            "b": {"kind": "categorical", "categories": ["x", "y"]},
        }
    )
    result = probe(StandIn(small, schema=schema), small, schema)
    assert result.rows is not None
    assert result.rows > 0.2
    assert not result.suspicious


def test_a_table_too_small_to_ask_about() -> None:
    with pytest.raises(InputError, match="at least 12 rows"):
        probe(StandIn(TABLE), TABLE.head(5), SCHEMA)
