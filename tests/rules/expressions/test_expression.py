"""Conditions on frames: types, names, three-valued logic, parts."""

import datetime as dt

import polars as pl
import pytest

from tablewright.errors import ConditionError, ExpressionError, InputError
from tablewright.rules.expressions import parse
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {
        "age": "integer",
        "education-num": "integer",
        "salary": {"kind": "categorical", "categories": ["<=50K", ">50K"]},
        "born": "date",
        "seen": "datetime",
        "size": {"kind": "ordinal", "categories": ["S", "M", "L"]},
        "smoker": "boolean",
        "T4U measured": {"kind": "categorical", "categories": ["t", "f"]},
        "x": "continuous",
        "name": "text",
    }
)
FRAME = pl.DataFrame(
    {
        "age": [20, 30, None],
        "education-num": [1, 2, 3],
        "salary": [">50K", "<=50K", None],
        "born": [dt.date(2020, 1, 1), None, dt.date(2021, 2, 3)],
        "seen": [dt.datetime(2020, 1, 1, 12), None, dt.datetime(2021, 2, 3)],
        "size": ["S", "M", "L"],
        "smoker": [True, False, None],
        "T4U measured": ["t", "f", "t"],
        "x": [1.5, float("nan"), -2.5],
        "name": ["abc", "x%c", ""],
    }
)


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("age BETWEEN 25 AND 34 AND salary = '<=50K'", [False, True, None]),
        ("age NOT BETWEEN 25 AND 34", [True, False, None]),
        ("age IN (20, NULL)", [True, None, None]),
        ("age NOT IN (20, NULL)", [False, None, None]),
        ("age IN (20, 30.0)", [True, True, None]),
        ("size < 'L'", [True, True, False]),
        ("'M' <= size", [False, True, True]),
        ("smoker", [True, False, None]),
        ("NOT smoker OR age > 0", [True, True, None]),
        ("smoker = TRUE", [True, False, None]),
        ("x IS NULL", [False, True, False]),
        ("round(x) = 2 OR round(x) = -3", [True, None, True]),
        ("x % 1 = 0.5 OR x % 1 = -0.5", [True, None, True]),
        ("x / 0 IS NULL AND x % 0 IS NULL", [True, True, True]),
        ("-x > 0", [False, None, True]),
        ("born - DATE '2020-01-01' = 0", [True, None, False]),
        ("born + 30 < DATE '2020-02-01'", [True, None, False]),
        ("seen > born", [True, None, False]),
        ("seen - TIMESTAMP '2020-01-01 00:00:00' = 43200", [True, None, False]),
        ("year(born) = 2021 AND month(born) = 2 AND day(born) = 3", [False, None, True]),
        ("name LIKE 'a%'", [True, False, False]),
        ("name LIKE '_!%c' ESCAPE '!'", [False, True, False]),
        ("name NOT LIKE '%'", [False, False, False]),
        ("length(name) = 3 AND upper(name) LIKE '%C'", [True, True, False]),
        ("coalesce(age, 3) = 3", [False, False, True]),
        ("greatest(age, x) = 30", [False, True, False]),
        ("nullif(age, 20) IS NULL", [True, False, True]),
        ("CASE WHEN age > 25 THEN 1 ELSE 2 END = 1", [False, True, False]),
        ("CASE size WHEN 'S' THEN TRUE WHEN 'M' THEN FALSE END", [True, False, None]),
        ("\"T4U measured\" = 't'", [True, False, True]),
        ("1 = 1", [True, True, True]),
        ("1 / 0 > 1", [None, None, None]),
    ],
)
def test_answers(text: str, answers: list[bool | None]) -> None:
    condition = parse(text, SCHEMA)
    assert condition.truth(FRAME).to_list() == answers
    assert parse(condition.text, SCHEMA) == condition
    assert condition.holds(FRAME).tolist() == [answer is True for answer in answers]
    assert condition.holds(FRAME, null=True).tolist() == [a is not False for a in answers]


def test_no_rows() -> None:
    empty = FRAME.head(0)
    assert parse("age > 1", SCHEMA).holds(empty).tolist() == []
    assert parse("1 = 1", SCHEMA).holds(empty).tolist() == []


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("agee > 3", 0, "did you mean 'age'"),
        ("education-num > 3", 0, '"education-num"'),
        ("age > 1 AND T4U measured = 't'", 12, '"T4U measured"'),
        ("salary = '>60K'", 9, "did you mean '>50K'"),
        ("salary IN ('<=50K', '>60K')", 20, "did you mean '>50K'"),
        ('salary = ">50K"', 9, "single quotes"),
        ("size < 'XL'", 7, "'XL' is not a value of size"),
        ("salary < '>50K'", 0, "ordinal"),
        ("name > 'a'", 0, "no order"),
        ("аge > 1", 0, "CYRILLIC SMALL LETTER A"),
        ("age", 0, "a condition is true or false"),
        ("age + 1", 0, "a condition is true or false"),
        ("NULL", 0, "a condition is true or false"),
        ("age = '3'", 6, "without quotes"),
        ("x > 1 AND age = NULL", 10, "IS NULL"),
        ("born > '2020-01-01'", 7, "DATE '2020-01-01'"),
        ("seen > '2020-01-01'", 7, "TIMESTAMP '2020-01-01'"),
        ("1 < age < 3", 10, "write 1 < x AND x < 3"),
        ("smoker = 1", 9, "cannot be compared"),
        ("smoker + 1 = 2", 0, "takes numbers"),
        ("name LIKE 'a' AND age", 18, "AND and OR"),
        ("NOT age", 4, "NOT takes true or false"),
        ("age LIKE '1%'", 0, "LIKE takes text"),
        ("abs(name) = 1", 4, "abs takes a number"),
        ("round(x, 1.5) = 1", 9, "whole number of digits"),
        ("year(age) = 1", 5, "year takes a date"),
        ("CASE WHEN smoker THEN 1 ELSE 'a' END = 1", 29, "different types"),
        ("least(name, 'a') = 'a'", 6, "least takes numbers"),
    ],
)
def test_errors_show_the_place_and_the_remedy(text: str, place: int, says: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, SCHEMA)
    assert says in caught.value.message
    assert caught.value.position == place


def test_parts_know_their_columns() -> None:
    condition = parse("age > 1 AND (x < 2 AND (smoker OR age < x))", SCHEMA)
    assert [part.text for part in condition.conjuncts()] == [
        "age > 1",
        "x < 2",
        "smoker OR age < x",
    ]
    assert [part.columns for part in condition.conjuncts()] == [
        ("age",),
        ("x",),
        ("smoker", "age", "x"),
    ]
    assert condition.columns == ("age", "x", "smoker")
    assert condition.conjuncts()[2].domain("age") is None


def test_frame_without_the_column_or_with_another_type() -> None:
    with pytest.raises(InputError, match="no column 'age'"):
        parse("age > 1", SCHEMA).truth(FRAME.drop("age"))
    with pytest.raises(InputError, match="column 'age' holds String"):
        parse("age > 1", SCHEMA).truth(FRAME.with_columns(age=pl.lit("x")))


@pytest.mark.parametrize(
    "text",
    [
        "age > 90 AND age < 20",
        "salary = '>50K' AND x > 1 AND salary <> '>50K'",
        "age > 3 AND (age < 2 OR age = 1)",
        "(age = 1 OR x = 2) AND age = 3 AND x = 4",
        "age > 3 AND age < 4",
        "age IS NULL AND age > 2",
        "age = 1 AND age IN (2, 3)",
        "age NOT IN (1, NULL)",
        "size < 'S'",
        "smoker AND NOT smoker",
        "born < DATE '2020-01-01' AND born > TIMESTAMP '2021-01-01 00:00:00'",
        "FALSE",
    ],
)
def test_what_cannot_hold_is_said(text: str) -> None:
    with pytest.raises(ConditionError, match="no row can meet"):
        parse(text, SCHEMA).require_possible()


def test_the_parts_that_exclude_each_other_are_named() -> None:
    condition = parse("x > 1 AND age > 90 AND smoker AND age < 20", SCHEMA)
    with pytest.raises(ConditionError, match="'age > 90 AND age < 20'"):
        condition.require_possible()


@pytest.mark.parametrize(
    "text",
    ["age > 3 AND x < 4", "age > 3 AND age < 5", "NOT (age > 3 AND age < 2)", "age = 1 OR x = 1"],
)
def test_what_can_hold_passes(text: str) -> None:
    parse(text, SCHEMA).require_possible()
