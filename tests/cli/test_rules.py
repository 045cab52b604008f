"""``tablewright rules mine`` and ``tablewright rules check`` on files."""

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tablewright.cli.rules import rules
from tablewright.errors import CheckFailedError, InputError, RuleError
from tablewright.rules import read_rules


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    days = rng.integers(1, 90, 400)
    frame = pl.DataFrame(
        {
            "job": rng.choice(["clerk", "smith", "cook"], 400),
            "entry day": days,
            "exit day": days + rng.integers(0, 30, 400),
            "wage": rng.normal(20, 4, 400).round(2),
        }
    )
    path = tmp_path / "table.csv"
    frame.write_csv(path)
    return path


def test_mined_rules_are_written_and_checked(table: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "rules.yaml", tmp_path / "report.json"
    mined = CliRunner().invoke(rules, ["mine", str(table), "--out", str(out)])
    assert mined.exit_code == 0, mined.output
    assert "entry day" in mined.output
    assert "entry day <= exit day" in [rule.described() for rule in read_rules(out)]
    checked = CliRunner().invoke(
        rules, ["check", str(table), "--rules", str(out), "--json", str(report), "--fail-on", "any"]
    )
    assert checked.exit_code == 0, checked.output
    assert json.loads(report.read_text())["ok"] is True


def test_json_rules_and_quiet(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "rules.json"
    done = CliRunner().invoke(rules, ["mine", str(table), "--out", str(out), "--quiet"])
    assert (done.exit_code, done.output) == (0, "")
    assert json.loads(out.read_text())["version"] == 1


@pytest.mark.parametrize(
    ("severity", "fail_on", "fails"),
    [("soft, probability: 0.99", on, on == "any") for on in (None, "any", "hard", "none")]
    + [("hard", on, on != "none") for on in (None, "any", "hard", "none")],
)
def test_check_exits_with_1_where_a_hard_rule_is_broken(
    table: Path, tmp_path: Path, severity: str, fail_on: str | None, fails: bool
) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(f"rules:\n- {{expression: wage > 25, severity: {severity}}}\n")
    options = ["check", str(table), "--rules", str(path)]
    options += ["--fail-on", fail_on] if fail_on else []
    done = CliRunner().invoke(rules, options)
    assert isinstance(done.exception, CheckFailedError) is fails
    assert not fails or str(done.exception) == "1 rule does not pass: r1"
    assert "broken" in done.output


def test_check_says_where_there_is_nothing_to_check(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("rules: []\n")
    done = CliRunner().invoke(rules, ["check", str(table), "--rules", str(path)])
    assert done.exit_code == 0
    assert "rules.yaml holds no rules: nothing was checked" in done.output


def test_check_names_rules_by_their_place_in_the_file(table: Path, tmp_path: Path) -> None:
    path, report = tmp_path / "rules.yaml", tmp_path / "report.json"
    path.write_text(
        "rules:\n- {name: pay, expression: wage > 25}\n- wage > 0\n"
        "- {kind: range, column: entry day, min: 1, max: 60}\n"
    )
    done = CliRunner().invoke(
        rules, ["check", str(table), "--rules", str(path), "--json", str(report)]
    )
    assert str(done.exception) == "2 rules do not pass: pay, r3"
    reported = json.loads(report.read_text())["rules"]
    assert [rule["name"] for rule in reported] == ["pay", "r2", "r3"]
    assert reported[2]["text"] == "1 <= entry day <= 60"


def test_check_shows_names_and_texts_as_they_stand_in_the_file(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text('rules:\n- {name: "[red]a[/nope]\\e[31m", expression: "job <> \'[b]\'"}\n')
    done = CliRunner().invoke(
        rules, ["check", str(table), "--rules", str(path)], env={"COLUMNS": "200"}
    )
    assert done.exit_code == 0, done.output
    assert "[red]a[/nope]" in done.output
    assert "job <> '[b]'" in done.output
    assert "\x1b[31m" not in done.output


def test_rules_may_name_values_that_do_not_occur(table: Path, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text("rules: [\"job <> 'retired' OR wage < 1\"]\n")
    done = CliRunner().invoke(rules, ["check", str(table), "--rules", str(path)])
    assert done.exit_code == 0, done.output


def test_bad_input(table: Path, tmp_path: Path) -> None:
    missing = CliRunner().invoke(rules, ["check", str(table), "--rules", str(tmp_path / "no")])
    assert isinstance(missing.exception, RuleError)
    path = tmp_path / "rules.yaml"
    path.write_text("rules: [wages > 1]\n")
    wrong = CliRunner().invoke(rules, ["check", str(table), "--rules", str(path)])
    assert isinstance(wrong.exception, RuleError)
    assert "did you mean 'wage'" in str(wrong.exception)
    nowhere = CliRunner().invoke(rules, ["mine", str(table), "--out", str(tmp_path / "a" / "b")])
    assert isinstance(nowhere.exception, InputError)
