"""Rules and XModal by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.logic import rule_violations, xmodal
from tablewright.rules import as_rules
from tablewright.schema import Schema
from tests.metrics.tables import draw, three


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_violations_stand_beside_those_of_real_rows_and_rules_of_nothing_show_it() -> None:
    encoder, real, holdout = three()
    rules = as_rules(["age >= 18", "NOT (city = 'oak') OR age < 0"])
    result = draw(200, 3).with_columns(
        pl.when(pl.int_range(pl.len()) < 50).then(5).otherwise(pl.col("age")).alias("age")
    )
    score = rule_violations(rules, real, encoder.rows(result), holdout, rng())
    assert score.value == pytest.approx(0.25)
    assert score.reference["real"] == 0.0
    assert score.details["rules"][0]["broken"] == 50
    assert score.details["rules"][0]["real_broken"] == 0


SCHEMA = Schema.build({"y": "categorical", "mood": "categorical", "note": "text"}, target="y")


def notes(pairs: list[tuple[str, str]]) -> pl.DataFrame:
    labels, moods = zip(*pairs, strict=True)
    return pl.DataFrame({"y": labels, "mood": moods, "note": [f"so {m} a day" for m in moods]})


REAL = notes([("a", "good"), ("a", "good"), ("b", "bad"), ("b", "bad")] * 10)
CROSSED = notes([("a", "bad"), ("a", "good"), ("b", "good"), ("b", "bad")] * 10)


def test_xmodal_parts_the_tie_from_the_shares() -> None:
    encoder = FeatureEncoder.fit(REAL, SCHEMA)
    score = xmodal(encoder.rows(REAL), encoder.rows(CROSSED), None, rng(), "mood")
    assert score.value == pytest.approx(0.5)
    assert score.details == {"target": 0.0, "label": 0.0, "label_given_target": 0.5}


def test_texts_are_labelled_by_a_function() -> None:
    encoder = FeatureEncoder.fit(REAL, SCHEMA)

    def label(texts: pl.Series) -> pl.Series:
        return texts.str.contains("good").cast(pl.String)

    result = xmodal(encoder.rows(REAL), encoder.rows(CROSSED), None, rng(), "note", label)
    assert result.value == pytest.approx(0.5)
    with pytest.raises(InputError, match="needs a labeller"):
        xmodal(encoder.rows(REAL), encoder.rows(CROSSED), None, rng(), "note")
