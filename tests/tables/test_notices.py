"""What a person hears of single columns wherever a table is learned."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest

from tablewright import Schema, Synthesizer, generate
from tablewright.synthesizer.estimator import CopiedValuesWarning
from tablewright.tables.notices import notices

RNG = np.random.default_rng(0)


def airports(n: int = 120) -> pl.DataFrame:
    """A key of three letters that a few rows share by mistake, names, and a state."""
    keys = [f"{chr(65 + i // 26)}{chr(65 + i % 26)}X" for i in range(n)]
    keys[1] = keys[0]
    return pl.DataFrame(
        {
            "iata": keys,
            "name": [f"Field {i // 3}" for i in range(n)],
            "state": RNG.choice(["TX", "CA"], n),
            "elevation": RNG.integers(0, 9000, n),
        }
    )


def test_keys_and_names_are_said_to_be_copied_with_the_remedy() -> None:
    table = airports()
    found = {(n.column, n.topic): n.sentence for n in notices(table, Schema.infer(table))}
    key, name = found["iata", "copied values"], found["name", "copied values"]
    assert "declare them ('columns: {iata: identifier}') and fresh ones are made" in key
    assert name.endswith("leave it out (drop) where that must not be")
    assert not any(column in ("state", "elevation") for column, _ in found)


def test_the_remedy_of_an_unsure_kind_is_the_alternative() -> None:
    for kind, values, other in (
        ("categorical", ["a", "b", "c"], "identifier"),
        ("categorical", ["a", "a", "b", "b"], "text"),
        ("categorical", [1, 2, 2, 1], "integer"),
        ("ordinal", [1, 2, 2, 1], "integer"),
        ("ordinal", [1.5, 2.5], "continuous"),
        ("identifier", [1, 2], "integer"),
        ("identifier", ["a", "b"], "categorical"),
        ("text", ["a", "b"], "identifier"),
        ("integer", [1, 2], "categorical"),
    ):
        schema = Schema.build({"c": {"kind": kind, "confidence": 0.5}})
        sentences = [n.sentence for n in notices(pl.DataFrame({"c": values}), schema)]
        assert any(f"'columns: {{c: {other}}}'" in sentence for sentence in sentences), kind


def test_fit_and_generate_warn_of_values_that_are_copied() -> None:
    table = airports()
    with pytest.warns(CopiedValuesWarning, match="rows will hold real values: .*'iata'") as caught:
        fitted = Synthesizer("independent").fit(table)
    assert caught[0].filename == __file__
    assert any("'name'" in sentence for sentence in fitted.notices_)
    with pytest.warns(CopiedValuesWarning):
        generate(table, n_samples=3, method="independent")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        generate(table, n_samples=3, method="independent", drop=["iata", "name"])
