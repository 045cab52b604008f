"""What a page says of a report, from plain data; drawings at positions worked by hand."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.evaluation.evaluate.augmentation import Augmentation, _bin_label, _subgroups
from tablewright.evaluation.evaluate.plot_data import plot_data
from tablewright.evaluation.evaluate.report import Report
from tablewright.evaluation.html import render, summarize
from tablewright.evaluation.html.summary import Answer, Page, Table
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.learners import Task
from tablewright.metrics.scores import Direction, Score
from tablewright.metrics.trials import Arm, run_trials
from tablewright.metrics.utility import main_arms
from tablewright.metrics.verdict import Verdict, Word
from tablewright.schema import Schema

MINUS = "\N{MINUS SIGN}"


def score(name: str, value: float | None = 0.5, **more: Any) -> dict[str, Any]:
    reason = "too few rows" if value is None else ""
    more = {"direction": Direction.HIGHER, "reason": reason, **more}
    return Score(name, value, **more).to_dict()


def arm(name: str, value: float, gain: list[float] | None = None) -> dict[str, Any]:
    return {"arm": name, "values": {"macro_f1": value}, "gains": {"macro_f1": gain}}


def report(**parts: Any) -> dict[str, Any]:
    facts = {
        "rows": {"train": 1200, "synthetic": 34, "holdout": 56},
        "columns": 7,
        "target": "label",
        "provenance": {"method": "trees"},
        "tablewright": "0.1",
        "effort": "quick",
        "random_state": 3,
        "seconds": 1.5,
    }
    plain = {
        "verdict": {"verdict": "helps", "sentence": "helps: much", "measure": "macro_f1"},
        "sections": {},
        "findings": [],
        "arms": [],
        "notices": [],
        "facts": facts,
    }
    return {**plain, **parts}


def page(**parts: Any) -> Page:
    return summarize(report(**parts))


def tables(key: str, scores: list[dict[str, Any]], **parts: Any) -> dict[str, Table]:
    shown = page(sections={key: scores}, **parts)
    (section,) = shown.sections
    return {table.caption: table for table in section.tables}


# answers --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "tone"), [("helps", "good"), ("no evidence", "open"), ("harms", "bad")]
)
def test_the_first_answer_is_the_verdict(word: str, tone: str) -> None:
    use = page(verdict={"verdict": word, "sentence": "so it is", "measure": "macro_f1"}).answers[0]
    assert use == Answer("Can I use it?", word, tone, ["so it is"])


def test_a_control_that_did_better_is_named_and_generated_arms_are_no_controls() -> None:
    arms = [arm("real", 0.6), arm("copies", 0.75), arm("synthetic", 0.9), arm("augmented", 0.7)]
    assert page(arms=arms).answers[0].because[1:] == [
        "real rows and copies of them reached 0.750, with generated rows it is 0.700"
    ]
    assert page(arms=[*arms[:1], *arms[2:]]).answers[0].because[1:] == []
    assert page(arms=[arm("real", 0.7), arm("augmented", 0.7)]).answers[0].because[1:] == []
    losses = [{**each, "values": {"log_loss": each["values"]["macro_f1"]}} for each in arms]
    verdict = {"verdict": "helps", "sentence": "", "measure": "log_loss"}
    assert page(arms=losses, verdict=verdict).answers[0].because[1:] == [
        "real rows alone reached 0.600, with generated rows it is 0.700"
    ]


@pytest.mark.parametrize(
    ("auc", "word", "tone"),
    [
        (0.599, "close", "good"),
        (0.6, "visible differences", "open"),
        (0.799, "visible differences", "open"),
        (0.8, "easily told apart", "bad"),
        (None, "not judged", "open"),
    ],
)
def test_the_second_answer_is_how_well_rows_are_told_apart(
    auc: float | None, word: str, tone: str
) -> None:
    losses = {"age": 0.01, "city": 0.3, "pay": 0.1, "x": 0.05, "z": 0.04}
    details = {} if auc is None else {"columns": losses}
    detected = score("detection_boosted", auc, details=details)
    faith = page(sections={"fidelity": [detected]}).answers[1]
    assert (faith.word, faith.tone) == (word, tone)
    if auc is None:
        assert faith.because == ["too few rows"]
    else:
        assert faith.because == [
            f"detection AUC {auc:.2f}: 0.5 cannot be told from real rows, 1 always can",
            "given away most by 'city', 'pay', 'x'",
        ]


def test_findings_stand_under_the_question_they_answer() -> None:
    sections = {
        "fidelity": [score("detection_boosted", 0.5), score("coverage")],
        "rules": [score("rule_violations")],
        "privacy": [score("exact_copies")],
    }
    findings = [
        {"score": "coverage", "sentence": "parts are missing"},
        {"score": "rule_violations", "sentence": "rules break"},
        {"score": "exact_copies", "sentence": "rows are copies"},
        {"score": "detection_boosted", "sentence": "told apart (AUC 0.9)"},
    ]
    _, faith, safety = page(sections=sections, findings=findings).answers
    assert faith.because[1:] == ["parts are missing", "rules break"]
    assert (safety.word, safety.tone, safety.because) == (
        "signs of copying", "bad", ["rows are copies"]
    )  # fmt: skip
    clean = page(sections=sections).answers[2]
    assert (clean.word, clean.tone) == ("no sign of copying", "good")


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({}, ["Train on the real and the generated rows together"]),
        ({"alarms": ["no holdout"]}, ["Set real rows aside before anything is learned"]),
        ({"verdict": {"verdict": "harms", "sentence": ""}}, ["Train on the real rows alone: with"]),
        ({"verdict": {"verdict": "no evidence", "sentence": "; copies of real rows do as well"}},
         ["Resample the real rows"]),
        ({"sections": {"privacy": [score("exact_copies")]},
          "findings": [{"score": "exact_copies", "sentence": "rows are copies"}]},
         ["Train on", "Do not hand these rows on"]),
        ({"sections": {"fidelity": [score("detection_boosted", details={"columns": {"a": 0.1}})]}},
         ["Train on", "Look first at 'a'"]),
    ],
)  # fmt: skip
def test_what_to_do_follows_from_verdict_alarms_and_findings(
    parts: dict[str, Any], says: list[str]
) -> None:
    facts = {**report()["facts"], "rows": {"train": 9, "synthetic": 9, "holdout": 100}}
    steps = page(facts=facts, **parts).advice
    assert [step[: len(said)] for step, said in zip(steps, says, strict=True)] == says


def test_few_rows_set_aside_are_worth_a_step() -> None:
    assert page().advice[-1] == "Set more rows aside: 56 are few to tell anything by."


def test_title_names_table_and_facts_name_method_target_and_date() -> None:
    facts = {**report()["facts"], "table": "a.csv", "date": "2026-01-02"}
    shown = page(facts=facts)
    assert shown.title == "Generated rows for a.csv"
    assert (shown.facts[:2], shown.facts[-1]) == (["method trees", "target label"], "2026-01-02")
    assert "<title>Generated rows for a.csv, method trees, 2026-01-02</title>" in render(shown)
    assert page().title == "Generated rows"


# tables ---------------------------------------------------------------------------


def test_a_score_is_a_row_with_its_interval_and_references() -> None:
    first = score("coverage", 0.5, interval=(0.4, 0.6), reference={"real": 0.7, "shuffled": 0.1},
                  meaning="says")  # fmt: skip
    second = score("density", 1.2, direction=Direction.TARGET, ideal=1.0)
    (table,) = tables("privacy", [first, second]).values()
    assert table.rows == [
        ["coverage", 0.5, "0.400 to 0.600", 0.7, None, 0.1, "higher", "says"],
        ["density", 1.2, "", None, None, None, "1", ""],
    ]


def test_utility_has_a_table_of_arms_and_one_of_subgroups() -> None:
    parts = [
        {"column": "city", "value": "Rome", "rows": 9, "arms": {"real": 0.5, "augmented": None}},
        {"column": "city", "value": "Oslo", "rows": 8, "arms": {"real": 0.4, "augmented": 0.6}},
    ]
    shown = tables("utility", [score("tstr_macro_f1")], arms=[arm("real", 0.6)], subgroups=parts)
    assert list(shown) == [
        "Models on real holdout rows, by what they learned from (mean of two learners)",
        "Each number beside what real rows get",
        "By value of 'city', on real holdout rows",
    ]
    arms, _, groups = shown.values()
    assert (arms.head, arms.rows) == (["learned from", "macro-F1"], [["real rows alone", 0.6]])
    assert groups.head == ["city", "rows", "real rows alone", "real and generated rows"]
    assert groups.rows == [["Rome", 9, 0.5, None], ["Oslo", 8, 0.4, 0.6]]
    assert len(tables("utility", [score("tstr_macro_f1")])) == 1  # tables without rows are left out


def test_columns_are_listed_with_all_that_is_known_of_them() -> None:
    scores = [
        score("column_shapes", details={"columns": {"age": 0.9, "id": None}}),
        score("missing_difference", details={"columns": {"age": [0.1, 0.2]}}),
        score("range_adherence", details={"columns": {"age": 0.99}}),
        score("detection_boosted",
              details={"columns": {"age": 0.3}, "pairs": [["age", "pay", 0.1, 0.5]]}),
        score("detection_linear", details={"pairs": [["x", "y", 0, 1]]}),
    ]  # fmt: skip
    shown = tables("fidelity", scores)
    assert shown["Columns; 'gives away' is the detection AUC lost without the column"].rows == [
        ["age", 0.9, 0.99, 0.1, 0.2, 0.3],
        ["id", None, None, None, None, None],
    ]
    assert shown["Pairs whose association differs most"].rows == [["age", "pay", 0.1, 0.5]]


def test_rules_show_the_rows_that_they_speak_of() -> None:
    rule = {"rule": "adult", "text": "age >= 18", "severity": "hard", "broken": 2, "of": 9,
            "real_broken": 0, "real_of": 7}  # fmt: skip
    shown = tables("rules", [score("rule_violations", details={"rules": [rule]})])
    assert shown["Rows that break each rule, of those it speaks of"].rows == [
        ["adult", "age >= 18", "hard", "2 of 9", "0 of 7"]
    ]


def test_imputers_are_a_table_and_scores_without_a_value_a_note() -> None:
    scores = [score("imputation_error", 0.4, reference={"draw": 1.2})]
    shown = tables("imputation", scores)
    assert shown["The same error with simple means to fill cells"].rows == [["draw", 1.2]]
    section = page(sections={"privacy": [score("near_copies", None)]}).sections[0]
    assert section.notes == ["near_copies: too few rows"]


def test_the_card_says_what_was_judged_and_what_it_is_not_for() -> None:
    card = dict(page().card)
    assert card["Generated rows"] == "34"
    assert card["Made from real rows"] == "1,200"
    assert card["Judged against real rows that were not seen"] == "56"
    assert card["method"] == "trees"
    assert card["Judged by"] == "tablewright 0.1, effort quick"
    assert card["Seed, seconds"] == "3, 1.5"
    assert sum(name == "Not for" for name, _ in page().card) == 4


# markup ---------------------------------------------------------------------------


def test_alarms_come_before_the_answers_and_warnings_after_them() -> None:
    text = render(page(alarms=["no holdout"], notices=["few rows"]))
    order = [
        text.index(words) for words in ("no holdout", "Can I use it?", "few rows", 'id="card"')
    ]
    assert order == sorted(order)
    assert '<section class="alarms" role="alert">' in text
    assert '<section class="notices">' in text
    assert "notices" not in render(page()).split("</style>")[1]


def test_numbers_in_cells_are_sorted_as_they_are_and_words_named_as_heads() -> None:
    text = render(page(sections={"privacy": [score("copies", 0.12345, meaning="m")]}))
    assert '<th scope="row">copies</th>' in text
    assert '<td class="number" data-value="0.12345">0.123</td>' in text
    assert '<td class="number">–</td>' in text
    assert '<td class="wide">m</td>' in text
    assert "<td>higher</td>" in text


# data beneath ---------------------------------------------------------------------

SCHEMA = Schema.build({"x": "continuous", "c": "categorical", "y": "categorical"}, target="y")


def table(n: int, seed: int) -> pl.DataFrame:
    draws = np.random.default_rng(seed)
    return pl.DataFrame(
        {"x": draws.normal(size=n), "c": draws.choice([*"uvw"], n), "y": draws.choice([*"ab"], n)}
    )


def test_plots_hold_a_margin_for_each_column_and_both_associations() -> None:
    encoder = FeatureEncoder.fit(table(60, 0), SCHEMA)
    real, made, held = (encoder.rows(table(60, seed)) for seed in range(3))
    hollow = encoder.rows(table(60, 1).with_columns(x=pl.when(pl.col("x") > 0).then("x")))
    drawn = plot_data(real, hollow, held, np.random.default_rng(0))
    assert [each["column"] for each in drawn["margins"]] == ["x", "c", "y"]
    assert [each["kind"] for each in drawn["margins"]] == ["continuous", *["categorical"] * 2]
    missing = float(hollow.frame["x"].is_null().mean())  # type: ignore[arg-type]  # a number
    assert drawn["margins"][0]["missing"] == [0.0, pytest.approx(missing)]
    assert drawn["pairs"]["columns"] == ["x", "c", "y"]
    assert drawn["pairs"]["real"] != drawn["pairs"]["synthetic"]
    assert np.diag(drawn["pairs"]["real"]).tolist() == [1.0] * 3
    alone = FeatureEncoder.fit(pl.DataFrame({"x": [1.0, 2.0]}), Schema.build({"x": "continuous"}))
    lone = alone.rows(pl.DataFrame({"x": [1.0]}))
    assert plot_data(lone, lone, lone, np.random.default_rng(0))["map"] == {}
    assert made.features == real.features


def test_subgroups_are_bins_and_levels_by_name() -> None:
    real = pl.DataFrame({"x": np.arange(101.0), "c": ["u"] * 101, "y": [*"ab"] * 50 + ["a"]})
    encoder = FeatureEncoder.fit(real, SCHEMA)
    rows = encoder.rows(real)
    assert _bin_label(rows, 0, 0) == "0 to 10"
    assert _bin_label(rows, 0, 9) == "90 to 100"
    assert _bin_label(rows, 0, 10) == "(missing)"
    assert [_bin_label(rows, 1, code) for code in range(3)] == [
        "u",
        "(not in training)",
        "(missing)",
    ]


def test_classes_are_broken_down_by_recall_and_columns_by_the_measure() -> None:
    encoder = FeatureEncoder.fit(table(80, 0), SCHEMA)
    real, made, held = (encoder.rows(table(n, s)) for n, s in ((80, 0), (40, 1), (70, 2)))
    task = Task(2, 0, 5, 5)
    trials = run_trials(
        main_arms(), real, {"synthetic": made}, held, task, np.random.default_rng(0), n_halves=0
    )
    by_class = _subgroups(trials, held, "macro_f1", None)
    codes = held.values[:, 2]
    assert [part["rows"] for part in by_class] == [int((codes == c).sum()) for c in (0, 1)]
    assert {part["value"] for part in by_class} == {"a", "b"}
    first = np.flatnonzero(codes == 0)
    recall = trials.among(first, "real", "balanced_accuracy")
    assert by_class[0]["arms"]["real"] == pytest.approx(recall)
    by_city = _subgroups(trials, held, "macro_f1", "c")
    assert {part["column"] for part in by_city} == {"c"}
    assert all(part["rows"] >= 20 for part in by_city)
    assert set(by_city[0]["arms"]) == set(main_arms())


def test_numbers_have_no_subgroups_unless_a_column_is_named() -> None:
    schema = Schema.build({"x": "continuous", "y": "continuous"}, target="y")
    frame = table(60, 0).select("x", y=pl.col("x") * 2)
    encoder = FeatureEncoder.fit(frame, schema)
    rows = encoder.rows(frame)
    arms = {"real": Arm(lambda draw, _: draw.train, fixed=True)}
    trials = run_trials(
        arms,
        rows,
        {"synthetic": rows},
        rows,
        Task(0, 0, 5, 5),
        np.random.default_rng(0),
        n_halves=0,
    )
    assert _subgroups(trials, rows, "r2", None) == []


def test_no_evidence_without_arms_says_why() -> None:
    unknown = Augmentation.unknown("no target was named")
    assert unknown.verdict == Verdict(Word.NO_EVIDENCE, "no evidence: no target was named")
    assert not unknown.arms
    assert not unknown.scores
    assert not unknown.subgroups


# the report itself ----------------------------------------------------------------


def made_report() -> Report:
    scores = [
        Score("coverage", 0.5, Direction.HIGHER, "", (0.4, 0.6), {"real": 0.7}),
        Score.undefined("density", Direction.TARGET, "too few rows"),
    ]
    return Report(Verdict(Word.HARMS, "harms: much"), {"fidelity": scores}, [], {"a": 1}, ["mind"])


def test_a_report_gives_scores_by_name_and_lists_them_for_a_name_that_is_none() -> None:
    assert made_report()["coverage"].value == 0.5
    with pytest.raises(KeyError, match="no score 'covers'; there are coverage, density"):
        made_report()["covers"]


def test_a_report_on_the_terminal_has_values_reasons_findings_and_notes() -> None:
    text = made_report().summary(width=140)
    lines = [re.split(r"\s{2,}|│", line.strip(" │")) for line in text.splitlines()]
    cells = {line[0].strip(): [cell.strip() for cell in line[1:] if cell.strip()] for line in lines}
    assert cells["coverage"] == ["0.500", "0.400 to 0.600", "0.700", "higher"]
    assert cells["density"] == ["-", "too few rows"]
    assert "worse than real rows: parts of the real rows are not covered" in text
    assert "note: mind" in text
    assert str(made_report()) == made_report().summary()


def test_the_plain_form_of_a_report_has_every_part() -> None:
    data = made_report().to_dict()
    assert data["findings"] == [
        {
            "score": "coverage",
            "sentence": "parts of the real rows are not covered (coverage 0.50, real rows 0.70)",
        }
    ]
    assert [entry["name"] for entry in data["sections"]["fidelity"]] == ["coverage", "density"]
    assert (data["facts"], data["notices"], data["alarms"]) == ({"a": 1}, ["mind"], [])
