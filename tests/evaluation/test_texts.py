"""Texts in an evaluation: does the attribute go with the target, and whose texts are they."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from tablewright.evaluation.evaluate import Report, evaluate
from tablewright.metrics.texts import shared_share
from tablewright.rules import Rules, as_rules
from tablewright.schema import Schema
from tests.systems.htdbu.news import WORDS, news

SCHEMA = Schema.build(
    {
        "size": "continuous",
        "mood": {"kind": "categorical", "categories": list(WORDS)},
        "text": "text",
        "wins": {"kind": "categorical", "categories": ["yes", "no"]},
    },
    target="wins",
)
TRAIN, HOLDOUT = news(150, 1), news(150, 2)


def judged(synthetic: pl.DataFrame, rules: Rules | None = None, **more: object) -> Report:
    options: dict[str, Any] = {"text_attribute": "mood", "effort": "quick", **more}
    return evaluate(TRAIN, synthetic, HOLDOUT, schema=SCHEMA, rules=rules, **options)


def test_rows_from_the_same_source_are_as_near_as_real_ones() -> None:
    report = judged(news(150, 3))
    score = report["xmodal"]
    assert score.value is not None
    assert score.value < 3 * score.reference["real"]
    assert "xmodal" not in [result.score for result in report.findings]


def test_moods_that_lost_the_target_are_found() -> None:
    created = news(150, 3)
    mixed = created.with_columns(created["wins"].shuffle(seed=1))
    report = judged(mixed)
    assert "xmodal" in [result.score for result in report.findings]
    details = report["xmodal"].details
    assert details["label_given_target"] > 3 * details["label"]


def test_texts_that_are_given_out_again_are_counted() -> None:
    align = {"kind": "align", "on": "wins", "attribute": "mood", "pairs": {"yes": ["good"]}}
    report = judged(TRAIN, as_rules([align]), text_attribute=None)
    assert report["xmodal"].value == 0.0  # the rule named the attribute
    share = shared_share(HOLDOUT["text"], TRAIN["text"])
    assert report["shared_texts"].value == 1.0
    assert report["shared_texts"].reference["real"] == pytest.approx(share, abs=1e-9)
    assert any("have the text of a training row" in f.sentence for f in report.findings)
