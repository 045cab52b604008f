"""Whatever happens to a reply on its way, rows that can be read are read, and no others."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.llm.prompts.sharing import Cell
from tablewright.schema import Schema
from tests.testing.mutations import MUTATIONS, read, spoil

SCHEMA = Schema.build(
    {
        "home, town": {"kind": "categorical", "categories": ["Ulm", "Bad Urach", "Köln"]},
        "pay": {"kind": "continuous", "minimum": 0, "maximum": 90_000, "decimals": 2},
        "n": {"kind": "integer", "nullable": True},
        "ok": {"kind": "boolean", "categories": [False, True]},
        "note": "text",
    }
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "home, town": st.sampled_from(["Ulm", "Bad Urach", "Köln"]),
            "pay": st.integers(0, 9_000_000).map(lambda cents: cents / 100),
            "n": st.none() | st.integers(0, 99),
            "ok": st.booleans(),
            "note": st.sampled_from(["plain", "with, comma", "Größe 9", "it is fine"]),
        }
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(ROWS, st.sampled_from(["csv", "json"]), st.integers(0, 2**32), st.integers(0, 5))
def test_rows_that_can_be_read_are_read_and_no_others(
    rows: list[dict[str, Cell]], form: str, seed: int, n_mutations: int
) -> None:
    reply = spoil(rows, SCHEMA, form, np.random.default_rng(seed), n_mutations)
    result = read(reply.text, SCHEMA, form)
    assert all(cells == rows[number - 1] for number, cells in result.items())
    unquoted = "thousands separators, no quotes" in reply.done
    if not unquoted:
        assert set(result) == set(reply.salvageable)


def test_an_object_is_whole_where_the_text_is_cut_off_behind_it() -> None:
    rows: list[dict[str, Cell]] = [
        {"home, town": "Ulm", "pay": 0.0, "n": None, "ok": False, "note": note}
        for note in ["with, comma"] * 3 + ["plain"] * 2
    ]
    reply = spoil(rows, SCHEMA, "json", np.random.default_rng(435), 3)
    assert "cut off" in reply.done
    assert set(reply.salvageable) == {1, 2, 3}


def test_each_mutation_does_something() -> None:
    rows: list[dict[str, Cell]] = [
        {"home, town": "Bad Urach", "pay": 45_321.5, "n": None, "ok": True, "note": "plain"}
    ] * 8
    for name, (forms, mutate) in MUTATIONS.items():
        reply = spoil(rows, SCHEMA, forms[0], np.random.default_rng(0), 0)
        before = reply.text
        mutate(reply, np.random.default_rng(0))
        assert reply.text != before, name
