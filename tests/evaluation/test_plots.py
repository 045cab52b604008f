"""Plots from data by hand: each value at its place, in words and in colour."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.evaluation.compare.leaderboard import Comparison, Entry
from tablewright.evaluation.evaluate.prediction_data import prediction_data
from tablewright.evaluation.html import curves, grids
from tablewright.evaluation.html.margins import margin, missing
from tablewright.evaluation.html.svg import percent, round_ticks, shade
from tablewright.markup import MINUS
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.learners import Task
from tablewright.metrics.trials import run_trials
from tablewright.metrics.utility import main_arms
from tablewright.schema import Schema


def numbers_of(drawn: str, element: str, name: str) -> list[float]:
    tags = re.findall(rf"<{element} [^>]*>", drawn)
    return [float(m[1]) for tag in tags if (m := re.search(rf' {name}="(-?[\d.]+)%?"', tag))]


def words_of(drawn: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", drawn)


def test_gains_lie_between_the_ends_of_all_intervals_and_zero() -> None:
    rows = [("augmented", [0.1, 0.05, 0.2], "mine"), ("copies", [-0.1, -0.2, 0.0], None)]
    drawn = str(curves.gains(rows, ("learned from", "gain"), "Gain"))
    # from -0.216 to 0.216, 4 % beyond the ends
    assert numbers_of(drawn, "circle", "cx") == pytest.approx([73.15, 26.85])
    assert drawn.count('class="mine"') == 1
    assert f"<b>{MINUS}0.100</b>" in drawn
    assert f"{MINUS}0.200 to +0.000" in drawn
    assert words_of(drawn) == [f"{MINUS}0.1", "0", "+0.1"]
    assert curves.gains([], ("", ""), "") is None


def bars(**more: Any) -> dict[str, Any]:
    plain = {"column": "c", "kind": "categorical", "missing": [0.0, 0.0], "numeric": False,
             "names": ["u", "v"], "ticks": [], "real": [0.5, 0.5],
             "synthetic": [0.25, 0.75]}  # fmt: skip
    return {**plain, **more}


def test_each_value_of_a_category_has_two_bars_and_both_axes_are_labelled() -> None:
    drawn = str(margin(bars()))
    assert numbers_of(drawn, "rect", "width")[:3] == pytest.approx([126.7, 63.3, 300.0], abs=0.1)
    assert words_of(drawn) == ["u", "v", "0 %", "50 %"]
    assert 'data-tip="v: real 50 %, generated 75 %"' in drawn


def test_numbers_are_a_histogram_with_marks_on_both_axes() -> None:
    data = bars(numeric=True, names=["0 to 5", "5 to 10"], ticks=[[0, "0"], [1, "10"]])
    drawn = str(margin(data))
    heights = numbers_of(drawn.split("<path")[0], "rect", "height")
    assert heights == pytest.approx([86 / 3, 86.0], abs=0.1)
    assert words_of(drawn) == ["0 %", "50 %", "0", "10"]
    assert 'data-tip="5 to 10: real 50 %, generated 75 %"' in drawn
    assert "no values" in margin(bars(real=[], synthetic=[], numeric=True))


def test_missing_cells_are_drawn_of_the_columns_that_have_any() -> None:
    drawn = str(missing([bars(), bars(column="d", missing=[0.1, 0.2])]))
    assert words_of(drawn)[0] == "d"
    assert "d: missing in 10 % of real rows, 20 % of generated ones" in drawn
    assert missing([bars()]) is None


def test_associations_have_a_cell_for_each_pair_and_a_scale() -> None:
    pairs = {"columns": ["a", "b"], "real": [[1, 0.5], [0.5, 1]],
             "synthetic": [[1, 0.2], [0.2, 1]]}  # fmt: skip
    (real, _), (change, _) = grids.associations(pairs)
    assert real.count("data-tip") == change.count("data-tip") == 1
    assert "b and a: real 0.50, generated 0.20" in real
    assert 'class="above" fill-opacity="0.5"' in real
    assert 'class="below" fill-opacity="0.6"' in change
    assert "Scale of colours from −0.5 to +0.5" in change
    assert grids.associations({"columns": ["a"]}) == []


def axis(name: str) -> dict[str, Any]:
    return {"column": name, "names": ["l", "r"], "ticks": [[0.25, "l"], [0.75, "r"]],
            "numeric": False}  # fmt: skip


def test_a_pair_is_two_panels_on_one_scale() -> None:
    data = {"x": axis("a"), "y": axis("b"), "real": [[0.5, 0.0], [0.0, 0.5]],
            "synthetic": [[0.0, 0.25], [0.0, 0.75]]}  # fmt: skip
    drawn = str(grids.pair(data))
    assert re.findall(r'data-tip="([^"]*)"', drawn) == [
        "l; l: 50 % of real rows",
        "r; r: 50 % of real rows",
        "r; l: 25 % of generated rows",
        "r; r: 75 % of generated rows",
    ]
    assert {"real", "generated", "a", "b", "75 % of rows"} <= set(words_of(drawn))
    assert grids.plain_density({}) is None


def test_confusion_counts_rows_and_tells_right_from_wrong() -> None:
    data = {"classes": ["a", "b"], "counts": {"real": [[8, 2], [0, 5]]}}
    drawn = str(grids.confusion(data, "real"))
    assert words_of(drawn)[:4] == ["8", "2", "0", "5"]
    assert "a taken for b: 2 of 10 rows" in drawn
    assert drawn.count('class="wrong"') == 2


def test_parts_are_bars_with_rules() -> None:
    drawn = str(grids.parts([{"name": "p", "rows": 4, "error": 0.25, "rules": ["x > 1"]},
                             {"name": "rest", "rows": 2, "error": None, "rules": []}]))  # fmt: skip
    assert words_of(drawn) == ["p", "4 rows, error 0.250", "x &gt; 1",
                               "rest", "2 rows", "all other rows"]  # fmt: skip


def test_small_words() -> None:
    assert [percent(x) for x in (1.0, 0.1, 0.05)] == ["100 %", "10 %", "5.0 %"]
    assert round_ticks(0, 1, 4) == [0.0, 0.5, 1.0]
    assert shade(0.0, "above") == {"class_": "above", "fill_opacity": "0"}
    assert shade(-3.0, "above") == {"class_": "below", "fill_opacity": "1"}


# predictions -----------------------------------------------------------------------------


def predicted(target: str) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=240)
    frame = pl.DataFrame({"x": x, "number": x + rng.normal(size=240) / 3,
                          "word": np.where(x > 0.8, "rare", "usual")})  # fmt: skip
    kinds = {"x": "continuous", "number": "continuous", "word": "categorical"}
    rows = FeatureEncoder.fit(frame, Schema.build(kinds, target=target)).rows(frame)
    train, made, held = (rows.take(np.arange(k, 240, 3)) for k in range(3))
    task = Task(2 if target == "word" else 0, 1, 3, 10)
    trials = run_trials(main_arms(), train, {"synthetic": made}, held, task, rng, n_halves=0)
    return prediction_data(trials, held, "macro_f1" if target == "word" else "r2")


def test_predictions_of_classes_are_curves_and_confusion_of_the_rarest() -> None:
    data = predicted("word")
    assert data["curves"]["class"] == "rare"
    assert data["rows"] == 80
    for line in data["curves"]["lines"].values():
        assert line["roc"][0] == [0.0, 0.0]
        assert line["roc"][-1] == [1.0, 1.0]
        area = np.trapezoid([y for _, y in line["roc"]], [x for x, _ in line["roc"]])
        assert area == pytest.approx(line["auc"], abs=0.01)
        assert line["precision"][-1][0] == 1.0
    assert np.sum(data["confusion"]["counts"]["real"]) == 80
    assert "ROC curve of" in curves.roc(data["curves"])
    assert "share of alarms right" in curves.precision(data["curves"])


def test_predictions_of_numbers_are_shares_of_true_and_predicted() -> None:
    fit = predicted("number")["fit"]
    assert np.sum(fit["shares"]["real"]) == pytest.approx(1.0, abs=0.01)
    assert "true and predicted values" in grids.fit(fit, "real")


# contest ---------------------------------------------------------------------------------


def entry(method: str, gain: float | None, **more: Any) -> Entry:
    interval = None if gain is None or method == "nothing" else (gain - 0.1, gain + 0.1)
    value = None if gain is None else 0.7 + gain
    control = method in ("nothing", "copies")
    return Entry(method, value, gain, interval, 0.5, 1.0, 0.0, 80, control, **more)


def test_contest_shows_every_method_and_what_to_do() -> None:
    entries = [entry("<trees>", 0.2), entry("copies", 0.1), entry("nothing", 0.0),
               entry("copula", None, error="too few rows")]  # fmt: skip
    facts = {"table": "a.csv", "target": "y", "date": "2026-01-02"}
    boards = {40: entries[:1], 80: entries}
    text = Comparison(entries, "<trees>", None, "tablewright generate a.csv", "macro_f1", boards,
                      ["few rows"], facts).to_html()  # fmt: skip
    words = ["Which rows help a.csv", "target y", "&lt;trees&gt;", "few rows", "What to do",
             "copies (control)", "too few rows", "tablewright generate a.csv",
             "Gain in macro-F1 by training rows"]  # fmt: skip
    assert [each for each in words if each not in text] == []
    assert "<trees>" not in text
    none = Comparison(entries[2:], "nothing", None, "", "macro_f1").to_html()
    assert "none: add nothing" in none
    assert "Train on the real rows alone" in none
