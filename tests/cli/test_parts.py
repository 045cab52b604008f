"""What commands share, and what single options of them do, with values by hand."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import yaml

from tablewright.cli.evaluate import _fail
from tablewright.cli.failures import run_guarded
from tablewright.cli.judging import hold_out
from tablewright.cli.options import _settings
from tablewright.cli.output import count_formulas
from tablewright.cli.progress import Calls, _line
from tablewright.cli.spending_text import estimate_text, spending_text
from tablewright.evaluation.evaluate.findings import Finding
from tablewright.llm.endpoint.metering import Activity
from tablewright.llm.endpoint.prices import Price
from tablewright.llm.endpoint.runs import Spending
from tablewright.metrics.scores import Direction, Score
from tablewright.metrics.verdict import Verdict, Word
from tablewright.progress import rate_text
from tablewright.tables.io.provenance import manifest_path, read_manifest
from tests.cli.running import Runner, put, visits

SPENDING = Spending(
    lines=[
        {"model": "m", "role": "writer", "stage": None, "calls": 4, "answered": 3, "invalid": 1,
         "failed": 1, "in_flight": 0, "prompt_tokens": 1200, "completion_tokens": 300,
         "cost": 0.5, "priced": True},
    ],
    cost=0.5, calls=4, tokens=1500, counted_tokens=1000, worst_case_tokens=200, cached_tokens=0,
    sent={"age": 1200, "ill": 3}, rows_kept=50,
)  # fmt: skip


# what models cost -----------------------------------------------------------------


def test_the_bill_names_roles_tokens_rows_and_cells() -> None:
    assert spending_text(SPENDING).splitlines() == [
        "  m  writer/-: 4 calls (3 answered, 1 unusable, 1 failed, 0 in flight), "
        "1,200 + 300 tokens, $0.5000",
        "  in all: 4 calls, 1,500 tokens (1,000 counted by the endpoint, 300 estimated, "
        "200 the worst case of calls without an answer), $0.5000",
        "  rows kept: 50, 30 tokens a row, 100 rows for $1",
        "  cells sent: 'age' 1,200, 'ill' 3",
    ]


def test_what_is_not_known_is_not_made_up() -> None:
    unknown = replace(
        SPENDING, lines=[], cost=None, tokens=0, counted_tokens=0, worst_case_tokens=0,
        sent={}, rows_kept=None,
    )  # fmt: skip
    assert spending_text(unknown).splitlines() == [
        "  in all: 4 calls, 0 tokens (nothing was used), cost not known",
        "  cells sent: none",
    ]
    assert estimate_text(unknown, None) == (
        "estimate: 4 calls, 0 tokens (estimated), cost not known (no price is known); "
        "more where replies are unusable"
    )
    priced = estimate_text(SPENDING, Price(1.0, 2.0, "the list of May"))
    assert "$0.5000 (price: the list of May)" in priced


def test_no_rows_kept_have_no_tokens_a_row() -> None:
    assert "  rows kept: 0, 0 rows for $1" in spending_text(replace(SPENDING, rows_kept=0))


# progress -------------------------------------------------------------------------


def test_rates_and_time_left_are_quotients() -> None:
    assert (
        _line("writing", 30, 120, "rows", 10.0) == "writing: 30 of 120 rows, 3 a second, 30 s left"
    )
    assert (rate_text(5, 10.0), rate_text(12_345, 1.0)) == ("0.5 a second", "12,345 a second")


def test_calls_of_several_clients_are_added() -> None:
    calls = Calls()
    assert calls.text(0.0) == ""
    calls.sources += [lambda: Activity(in_flight=1, tokens=30), lambda: Activity(tokens=20)]
    assert calls.text(5.0) == "1 call in flight, 50 tokens"
    assert calls.text(10.0) == "1 call in flight, 50 tokens, 10 a second"


# rows set aside, settings, cells of a spreadsheet -----------------------------------


@pytest.mark.parametrize("target", ["number", "label", None])
def test_a_fifth_is_set_aside_evenly_over_the_target(target: str | None) -> None:
    frame = pl.DataFrame({"number": np.arange(100), "label": [*"aaab"] * 25})
    train, holdout = hold_out(frame, frame, target, np.random.default_rng(3))
    assert (train.height, holdout.height) == (80, 20)
    assert sorted([*train["number"], *holdout["number"]]) == list(range(100))
    assert holdout["number"].is_sorted()
    by_target = {
        "number": (holdout["number"] // 5).n_unique() == 20,  # one of each five in a row
        "label": (holdout["label"] == "b").sum() == 5,
        None: True,
    }
    assert by_target[target]


def test_settings_are_read_as_yaml() -> None:
    texts = ("leaf=20", "share=0.5", "on=true", "name=two words", "list=[1, 2]", "odd=a: b: c")
    assert _settings(None, None, texts) == {  # type: ignore[arg-type]  # no option is read of them
        "leaf": 20, "share": 0.5, "on": True, "name": "two words", "list": [1, 2], "odd": "a: b: c"
    }  # fmt: skip
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load("a: b: c")


def test_formulas_are_counted_and_signed_numbers_are_none() -> None:
    cells = ["=1+1", "+49 30", "-5", "-2.5e3", "@a", "plain", None, "a=b"]
    frame = pl.DataFrame({"c": cells, "n": range(8)})
    counts: Counter[str] = Counter()
    same = count_formulas(frame, counts, safe=False)
    assert same.equals(frame)
    n_formulas = counts["c"]
    safe = count_formulas(frame, counts, safe=True)["c"].to_list()
    quoted = [new for new, old in zip(safe, cells, strict=True) if new != old]
    assert len(quoted) == n_formulas
    assert "'=1+1" in quoted
    assert "'@a" in quoted
    assert safe[2:4] == ["-5", "-2.5e3"]
    assert safe[5:] == ["plain", None, "a=b"]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ("r.txt", "ends in .json or .html"),
        ("none/r.html", "does not exist"),
        ("train.csv.html", ""),
        ("rows.csv", "ends in .json or .html"),
    ],
)
def test_a_report_has_an_ending_a_folder_and_a_name_of_its_own(
    run: Runner, tmp_path: Path, report: str, words: str
) -> None:
    arguments = ("generate", put(tmp_path), "-n", 5, "--out", tmp_path / "rows.csv")
    done = run(*arguments, "--report", tmp_path / report, "--method", "independent", "--quiet")
    assert (done.code, words in done.err) == ((2, True) if words else (0, True))
    assert (tmp_path / "rows.csv").exists() is not bool(words)


# fit, profile, impute -------------------------------------------------------------


def test_a_shareable_model_holds_no_row_and_methods_that_need_rows_are_refused(
    run: Runner, tmp_path: Path
) -> None:
    numbers = visits().with_columns(pl.col("pulse").round(0)).select("age", "pulse", "ill")
    train, model = put(tmp_path, numbers), tmp_path / "m.tw"
    fitted = run("fit", train, "--method", "copula", "--target", "ill", "--out", model,
                 "--shareable")  # fmt: skip
    assert fitted.code == 0, fitted.err
    assert "learned from 200 rows" in fitted.err
    held = [line for line in fitted.err.splitlines() if line.startswith("it holds ")]
    told = run("profile", model)
    assert told.out.splitlines() == ["a model: copula, learned from 200 rows", *held]
    assert (model.stat().st_mode & 0o077) == 0
    other = ("--method", "smotenc", "--target", "ill", "--out", tmp_path / "n.tw")
    refused = run("fit", train, *other, "--shareable")
    assert refused.code == 2
    assert not (tmp_path / "n.tw").exists()


def test_impute_fills_the_columns_that_are_named_and_counts_them(
    run: Runner, tmp_path: Path
) -> None:
    rows = visits(120).with_columns(
        pl.when(pl.arange(120) % 10 > 0).then("pulse").alias("pulse"),
        pl.when(pl.arange(120) % 8 > 0).then("clinic").alias("clinic"),
    )
    table, out = put(tmp_path, rows), tmp_path / "full.csv"
    done = run("impute", table, "--columns", "pulse", "--method", "independent", "--out", out,
               "--seed", 1)  # fmt: skip
    assert done.code == 0, done.err
    assert "12 cells filled (pulse)" in done.err
    filled = pl.read_csv(out)
    assert filled["pulse"].null_count() == 0
    assert filled["clinic"].null_count() == 15
    stays = rows["pulse"].is_not_null()
    assert filled.filter(stays).equals(rows.filter(stays))
    wrong = run("impute", table, "--columns", "puls", "--out", tmp_path / "x.csv")
    assert wrong.code == 2
    assert "puls" in wrong.err


@pytest.mark.filterwarnings("default::tablewright.synthesizer.row_rules.RuleWarning")
def test_impute_keeps_the_rules_of_a_file_and_counts_the_rows_that_cannot(
    run: Runner, tmp_path: Path
) -> None:
    low = [step % 50 for step in range(0, 700, 7)]
    rows = pl.DataFrame({"low": low, "high": [step + 5 for step in low]}).with_columns(
        pl.when(pl.arange(100) % 5 > 0).then("high").alias("high")
    )
    table, out, rules = put(tmp_path, rows), tmp_path / "full.csv", tmp_path / "rules.yaml"
    rules.write_text("rules:\n- low < high\n- low <> 35 OR high < 30\n")

    done = run("impute", table, "--rules", rules, "--out", out, "--seed", 1)

    assert done.code == 0, done.err
    assert "broken by 2 of 20 rows with filled cells: nothing was found" in done.err
    filled = pl.read_csv(out).filter(pl.col("low") != 35)
    assert (filled["low"] < filled["high"]).all()


def test_sample_refuses_the_model_as_its_output_and_notes_its_seed(
    run: Runner, tmp_path: Path
) -> None:
    model, out = tmp_path / "m.tw", tmp_path / "rows.parquet"
    assert run("fit", put(tmp_path), "--method", "independent", "--out", model).code == 0
    done = run("sample", model, "-n", 7, "--out", out, "--seed", 5)
    assert done.code == 0, done.err
    assert pl.read_parquet(out).height == 7
    manifest = read_manifest(manifest_path(out))
    assert (manifest.origin.seed, manifest.n_rows, manifest.origin.method) == (5, 7, "independent")
    assert "7 rows in" in done.err
    assert run("sample", model, "-n", 7, "--out", model).code == 2


def test_a_profile_is_written_as_json_and_schema(run: Runner, tmp_path: Path) -> None:
    table = put(tmp_path, visits(60))
    done = run("profile", table, "--target", "ill", "--json", tmp_path / "p.json",
               "--write-schema", tmp_path / "s.yaml", "--quiet")  # fmt: skip
    assert (done.code, done.out, done.err) == (0, "", "")
    columns = {c["name"]: c for c in json.loads((tmp_path / "p.json").read_text())["columns"]}
    assert columns["clinic"]["n_distinct"] == 3
    assert columns["age"]["numbers"]["maximum"] == visits(60)["age"].max()
    schema = yaml.safe_load((tmp_path / "s.yaml").read_text())
    assert schema["target"] == "ill"
    assert run("profile", table, "--schema", tmp_path / "s.yaml", "--quiet").code == 0


# evaluate -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "copies", "fail_on", "code"),
    [
        ("helps", False, "harms", 0),
        ("no evidence", False, "harms", 0),
        ("no evidence", False, "no-evidence", 1),
        ("harms", False, "harms", 1),
        ("harms", False, "no-evidence", 1),
        ("helps", True, "copies", 1),
        ("helps", False, "copies", 0),
    ],
)
def test_the_exit_code_is_one_where_what_was_asked_for_is_so(
    word: str, copies: bool, fail_on: str, code: int
) -> None:
    score = Score("exact_copies", 0.5, Direction.LOWER, "")
    findings = [Finding("exact_copies", "half are copies")] if copies else []
    report = SimpleNamespace(
        verdict=Verdict(Word(word), "the sentence"), sections={"privacy": [score]},
        findings=findings, privacy_warnings=[finding.sentence for finding in findings],
    )  # fmt: skip

    def check() -> None:
        _fail(report, (fail_on,))  # type: ignore[arg-type]  # a report as far as it is read

    assert run_guarded(check) == code
