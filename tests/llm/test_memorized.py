"""A model that has read the table is told from one that writes plausible rows."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from tablewright.errors import BudgetError, InputError
from tablewright.llm import Scripted
from tablewright.llm.endpoint.tokens import estimate_tokens
from tablewright.llm.prompts.memorized import Memorized, probe
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


LETTERS = pl.DataFrame({name: [f"{name}{row}" for row in range(12)] for name in "abcde"})
"""Twelve rows of five columns, in which every value is rare."""
LETTERS_SCHEMA = Schema.build(dict.fromkeys("abcde", "categorical"))


def lines(*rows: int) -> str:
    return "\n".join(",".join(f"{name}{row}" for name in "abcde") for row in rows)


def test_each_question_counts_what_the_model_knew() -> None:
    script = Scripted(
        [
            '["d", "x"]',  # of d and e
            lines(8, 9, 11),  # after rows 0 to 7: the third is row 10
            lines(0, 1, 2),  # after rows 1 to 8
            '["a1", "b1"]', '["b2"]', "[]", '["d1", "d1", "d2", "?"]',
        ]
    )  # fmt: skip
    result = probe(script, LETTERS, LETTERS_SCHEMA)
    assert (result.header, result.rows) == (0.5, 2 / 6)
    assert result.rare_values == pytest.approx((1 / 2 + 1 + 3 / 4) / 3)  # [] names none
    assert result.unanswered == 0
    assert result.p_value == pytest.approx(
        stats.binom.sf(1, 6, max(result.rows_by_chance or 0.0, 0.001))
    )
    asked = [prompt.messages[-1].content for prompt in script.prompts]
    assert len(asked) == 1 + 2 + 4  # the header, both stretches, four columns of rare values
    assert "a,b,c" in asked[0]
    assert "a,b,c,d" not in asked[0]
    assert lines(*range(8)) in asked[1]
    assert "a8" not in asked[1]


def test_questions_without_an_answer_count_nowhere() -> None:
    result = probe(Scripted(['["d", "e"]', lines(8, 9, 10)]), LETTERS, LETTERS_SCHEMA)
    assert (result.header, result.rows, result.rare_values) == (1.0, 1.0, None)
    assert result.unanswered == 5


def test_a_cap_ends_the_questions_and_is_told() -> None:
    cap = BudgetError("the cap of 1 calls is reached")
    result = probe(Scripted(['["d", "e"]', *[cap] * 6]), LETTERS, LETTERS_SCHEMA)
    assert result.header == 1.0
    assert result.stopped is cap
    with pytest.raises(BudgetError, match="cap of 1 calls"):
        probe(Scripted([cap] * 7), LETTERS, LETTERS_SCHEMA)


@pytest.mark.parametrize(
    ("header", "rare", "p_value", "suspicious"),
    [
        (1.0, 0.6, None, True),
        (0.8, 0.6, None, False),
        (1.0, 0.5, None, False),
        (None, None, 0.009, True),
        (None, None, 0.01, False),
    ],
)
def test_rows_alone_or_header_and_rare_values_together_are_suspicious(
    header: float | None, rare: float | None, p_value: float | None, suspicious: bool
) -> None:
    result = Memorized(header, None, None, rare, p_value)
    assert result.suspicious is suspicious
    assert (result.warning is not None) is suspicious
    assert result.as_facts()["suspicious"] is suspicious


def test_a_probe_cuts_replies_that_go_on_and_on() -> None:
    script = Scripted(["[]"] * 7)
    probe(script, LETTERS, LETTERS_SCHEMA)
    header, *rows = [prompt.max_tokens for prompt in script.prompts[:3]]
    assert header == 64 + 2 * estimate_tokens('["d", "e"]')
    # three rows that were shown, with the header, are as long as three that are asked for
    assert rows == [
        64 + 2 * estimate_tokens(f"a,b,c,d,e\n{lines(*shown)}") for shown in ((0, 1, 2), (1, 2, 3))
    ]
