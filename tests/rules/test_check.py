"""Every kind of rule finds the rows that break it, and only those."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from tablewright.errors import RuleError
from tablewright.rules import Rules, as_rules, check_rules
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {
        "age": "integer",
        "job": {"kind": "categorical", "categories": ["clerk", "retired"]},
        "bmi": {"kind": "continuous", "decimals": 1},
        "weight": "continuous",
        "height": "continuous",
        "in": "date",
        "out": "date",
        "y": {"kind": "categorical", "categories": [0, 1]},
        "mood": {"kind": "categorical", "categories": ["good", "bad"]},
        "id": "identifier",
    }
)
FRAME = pl.DataFrame(
    {
        "age": [70, 15, None, 40],
        "job": ["retired", "retired", "clerk", None],
        "bmi": [24.7, 30.0, 22.0, None],
        "weight": [80.0, 80.0, 80.0, 80.0],
        "height": [1.8, 1.8, None, 1.8],
        "in": [dt.date(2020, 1, 1)] * 4,
        "out": [dt.date(2020, 1, 2), dt.date(2019, 1, 1), None, dt.date(2020, 1, 1)],
        "y": [0, 1, 1, 0],
        "mood": ["bad", "bad", "good", "bad"],
        "id": ["a", "b", "a", None],
    }
)


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        ("age >= 18", [1]),
        ({"expression": "age >= 18", "strict": True}, [1, 2]),
        ({"kind": "implies", "if": "job = 'retired'", "then": "age >= 50"}, [1]),
        ({"kind": "iff", "a": "y = 0", "b": "mood = 'bad'"}, [1]),
        ({"kind": "forbid", "all": ["age < 20", "job = 'retired'"]}, [1]),
        ({"kind": "range", "column": "age", "min": 18, "max": 60}, [0, 1]),
        ({"kind": "range", "column": "out", "min": "2020-01-01"}, [1]),
        ({"kind": "order", "columns": ["in", "out"]}, [1]),
        ({"kind": "order", "columns": ["in", "out"], "strictly": True}, [1, 3]),
        ({"kind": "linear", "terms": {"age": 1, "weight": -1}, "op": "<="}, []),
        ({"kind": "linear", "terms": {"age": 1, "weight": -0.5}, "op": "="}, [0, 1]),
        ({"kind": "align", "on": "y", "attribute": "mood", "pairs": {"1": ["good"]}}, [1]),
        ({"kind": "formula", "column": "bmi", "expr": "weight / (height * height)"}, [1]),
        ({"kind": "fd", "from": ["y"], "to": "mood", "map": {0: "bad", 1: "good"}}, [1]),
        ({"kind": "fd", "from": ["job"], "to": "y", "map": "learn"}, [1]),
        ({"kind": "fd", "from": ["mood"], "to": "weight"}, []),
        ({"kind": "unique", "columns": ["id"]}, [2]),
        ({"kind": "unique", "columns": ["y", "mood"]}, [3]),
    ],
)
def test_rows_that_break_a_rule(rule: Any, rows: list[int]) -> None:
    report = check_rules(FRAME, as_rules([rule]), SCHEMA)
    result = report.results[0]
    assert (result.rows, result.violations, result.ok) == (rows, len(rows), not rows)
    assert result.rate == len(rows) / 4


@pytest.mark.parametrize(
    ("rule", "distance"),
    [
        ({"kind": "quota", "where": "y = 1", "share": [0.4, 0.6]}, 0.0),
        ({"kind": "quota", "where": "y = 1", "share": [0.6, 0.7]}, 0.1),
        ({"kind": "quota", "where": "y = 1", "min_rows": 3}, 0.25),
        ({"kind": "quota", "where": "y = 1", "share": [0.0, 0.1]}, 0.4),
        ({"kind": "conditional", "column": "y", "dist": {"0": 0.5, "1": 0.5}}, 0.0),
        ({"kind": "conditional", "given": "y = 1", "column": "mood", "dist": {"good": 1}}, 0.5),
    ],
)
def test_rules_about_shares_of_the_table(rule: Any, distance: float) -> None:
    result = check_rules(FRAME, as_rules([rule]), SCHEMA).results[0]
    assert result.rate == pytest.approx(distance)
    assert result.ok is (distance == 0.0)


def test_a_learned_map_comes_from_the_real_rows() -> None:
    real = pl.DataFrame({"y": [0, 0, 1], "mood": ["good", "good", "good"]})
    rules = as_rules([{"kind": "fd", "from": ["y"], "to": "mood"}])
    assert check_rules(FRAME, rules, SCHEMA, real=real).results[0].rows == [0, 1, 3]


def test_soft_rules_pass_where_they_hold_as_often_as_they_say() -> None:
    frame = pl.DataFrame({"age": [10] * 100 + [20] * 900})
    soft = {"expression": "age >= 18", "severity": "soft"}
    for probability, ok in [(0.9, True), (0.99, False)]:
        rules = as_rules([{**soft, "probability": probability}])
        assert check_rules(frame, rules, SCHEMA).ok is ok


def test_report_as_json() -> None:
    report = check_rules(FRAME, as_rules(["age >= 18", "age < 200"]), SCHEMA)
    assert [result.name for result in report.broken] == ["r1"]
    assert report.to_dict()["rules"][0]["rows"] == [1]
    assert report["r1"].support == 3


def test_empty_table() -> None:
    rules = as_rules(["age >= 18", {"kind": "fd", "from": ["y"], "to": "mood"}, "1 = 2"])
    assert check_rules(FRAME.head(0), rules, SCHEMA).ok


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("agee > 3", "rule 'r1': unknown column 'agee'; did you mean 'age'"),
        ("job = 'retird'", "did you mean 'retired'"),
        ({"kind": "range", "column": "ages", "min": 1}, "did you mean 'age'"),
        ({"kind": "range", "column": "job", "min": 1}, "rule 'r1'"),
        ({"kind": "range", "column": "in", "min": 1}, "'in'"),
        ({"kind": "order", "columns": ["age", "in"]}, "cannot be compared"),
        ({"kind": "linear", "terms": {"job": 1}, "op": "<="}, "a number"),
        ({"kind": "align", "on": "y", "attribute": "mood", "pairs": {"2": ["good"]}}, "2"),
        ({"kind": "formula", "column": "bmi", "expr": "weight > 1"}, "'bmi' is a number"),
        ({"kind": "formula", "column": "bmi", "expr": "wieght"}, "did you mean 'weight'"),
        ({"kind": "fd", "from": ["y"], "to": "mod"}, "did you mean 'mood'"),
        ({"kind": "fd", "from": ["y"], "to": "mood", "map": {0: "sad"}}, "'sad'"),
        ({"kind": "fd", "from": ["y"], "to": "mood", "map": [[0, "bad"], [0, "good"]]}, "two rows"),
        ({"kind": "conditional", "column": "mood", "dist": {"sad": 1}}, "'sad'"),
        ({"kind": "quota", "where": "y"}, "true or false"),
    ],
)
def test_rules_that_do_not_fit_the_table(rule: Any, says: str) -> None:
    with pytest.raises(RuleError) as caught:
        check_rules(FRAME, as_rules([rule]), SCHEMA)
    assert says in str(caught.value)
    assert str(caught.value).startswith("rule 'r1': ")


def invoices() -> tuple[pl.DataFrame, Schema]:
    """Sums written with two digits; of 100 about a fifth is no sum in 64-bit numbers."""
    net = [round(0.1 + i * 0.37, 2) for i in range(100)]
    vat = [round(0.2 + i * 0.11, 2) for i in range(100)]
    gross = [round(a + b, 2) for a, b in zip(net, vat, strict=True)]
    assert sum(a + b != c for a, b, c in zip(net, vat, gross, strict=True)) > 10
    frame = pl.DataFrame({"net": net, "vat": vat, "gross": gross, "big": [g > 20 for g in gross]})
    amount = {"kind": "continuous", "decimals": 2, "minimum": 0.0, "maximum": 50.0}
    kinds: dict[str, Any] = dict.fromkeys(("net", "vat", "gross"), amount) | {"big": "boolean"}
    return frame, Schema.build(kinds)


@pytest.mark.parametrize(
    ("rule", "violations"),
    [
        ("gross = net + vat", 0),
        ("gross - vat = net", 0),
        ("gross - vat <> net", 100),
        ({"kind": "implies", "if": "big", "then": "gross = net + vat"}, 0),
        ({"kind": "forbid", "all": ["gross <> net + vat"]}, 0),
        ({"kind": "iff", "a": "gross = net + vat", "b": "net > -1"}, 0),
        ("gross = net + vat + 0.01", 100),  # a cent is no rounding
        ("net = vat", 100),  # nothing is computed here: as in SQL
    ],
    ids=str,
)
def test_computed_numbers_are_equal_but_for_rounding(rule: Any, violations: int) -> None:
    frame, schema = invoices()
    assert check_rules(frame, as_rules([rule]), schema).results[0].violations == violations


@pytest.mark.parametrize("size", [10**25, -(10**25), 2**63, 2**64 + 1])
def test_whole_numbers_of_any_size_are_compared(size: int) -> None:
    schema = Schema.build({"a": "integer"})
    frame = pl.DataFrame({"a": pl.Series([1, 2**62], dtype=pl.Int64)})
    above = check_rules(frame, as_rules([{"kind": "range", "column": "a", "min": size}]), schema)
    assert above.results[0].violations == (2 if size > 0 else 0)


def test_a_number_beyond_all_sizes_is_refused() -> None:
    rules = as_rules([{"kind": "range", "column": "a", "max": 10**400}])
    with pytest.raises(RuleError, match=r"'1000.*characters.*is not a number"):
        check_rules(pl.DataFrame({"a": [1]}), rules, Schema.build({"a": "integer"}))


def test_a_soft_rule_passes_within_three_standard_errors_of_its_probability() -> None:
    schema = Schema.build({"a": "integer"})
    rules = as_rules([{"expression": "a > 0", "severity": "soft", "probability": 0.8}])

    def passes(broken: int) -> bool:
        frame = pl.DataFrame({"a": [0] * broken + [1] * (400 - broken)})
        return check_rules(frame, rules, schema).ok

    # 80 of 400 are allowed; three standard errors are 3 * sqrt(0.8 * 0.2 / 400) * 400 = 24
    assert (passes(80), passes(103), passes(105)) == (True, True, False)


def test_support_counts_the_rows_that_a_rule_speaks_of() -> None:
    schema = Schema.build({"a": "integer", "b": "integer"})
    frame = pl.DataFrame({"a": [1, 2, None, 4, 5], "b": [1, None, None, 0, 9]})
    rules = as_rules(
        [
            "a <= b",
            {"kind": "implies", "if": "a > 1", "then": "b > 1"},
            {"kind": "iff", "a": "a = 1", "b": "b = 9"},
            {"kind": "unique", "columns": ["a", "b"]},
            {"kind": "quota", "where": "a > 3", "share": [0.1, 0.3]},
        ]
    )
    report = check_rules(frame, rules, schema)
    assert [result.support for result in report.results] == [3, 3, 2, 3, 2]
    assert [result.violations for result in report.results] == [1, 1, 2, 0, 1]
    assert report["r5"].rate == pytest.approx(0.1)  # two of five are a tenth above 0.3


def test_only_five_rows_are_named() -> None:
    frame = pl.DataFrame({"a": [0, 1] + [0] * 20})
    result = check_rules(frame, as_rules(["a > 0"]), Schema.build({"a": "integer"})).results[0]
    assert (result.rows, result.violations) == ([0, 2, 3, 4, 5], 21)


def test_rules_check_frames_and_files_as_the_command_does(tmp_path: Path) -> None:
    table = pl.DataFrame({"kind": ["a", "b"] * 50, "n": [*range(50)] * 2})
    table.write_csv(tmp_path / "table.csv")
    rules = as_rules(["n >= 1", "kind <> 'c'"])  # no row is c
    for source in (table, table.to_pandas(), tmp_path / "table.csv"):
        report = rules.check(source)
        assert [result.violations for result in report.results] == [2, 0]
    mined = Rules.mine(table.with_columns(m=pl.col("n") * 3), kinds=["equations"])
    assert mined.check(table.with_columns(m=pl.col("n") * 3)).ok
