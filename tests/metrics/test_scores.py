"""Numbers have one name where people read them, and one where programs do."""

from __future__ import annotations

import re

import pytest

from tablewright.evaluation.evaluate.report import Report
from tablewright.metrics.outcomes import DIRECTIONS
from tablewright.metrics.scores import Direction, Score, label
from tablewright.metrics.verdict import Verdict, Word


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("macro_f1", "macro-F1"), ("tstr_r2", "TSTR R²"), ("one_off_copies", "one-off copies"),
        ("distance_share", "distance share"), ("tstr_rare_f1", "TSTR F1 of the rarest class"),
    ],
)  # fmt: skip
def test_label_is_words(key: str, shown: str) -> None:
    assert label(key) == shown


def test_no_measure_is_shown_by_its_key() -> None:
    shown = [label(name) for name in (*DIRECTIONS, *(f"tstr_{name}" for name in DIRECTIONS))]
    assert not [name for name in shown if "_" in name]
    assert len(set(shown)) == len(shown)


def test_report_shows_words_and_is_asked_by_either() -> None:
    score = Score("tstr_macro_f1", 0.5, Direction.HIGHER)
    report = Report(Verdict(Word.NO_EVIDENCE, "no evidence"), {"utility": [score]}, [], {}, [])
    assert report["tstr_macro_f1"] is report["TSTR macro-F1"] is score
    assert not re.search(r"[a-z0-9]_[a-z0-9]", str(report))
    assert report.to_dict()["sections"]["utility"][0]["name"] == "tstr_macro_f1"
