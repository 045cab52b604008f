"""What people try first is taken, or answered with what to write instead."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import ConditionError, ExpressionError, RuleError, SchemaError
from tablewright.rules.expressions import parse, parse_where
from tablewright.rules.files import parse_rules
from tablewright.schema import Schema
from tablewright.synthesizer.synthesizer import Synthesizer

SCHEMA = Schema.build(
    {
        "species": {"kind": "categorical", "categories": ["Gentoo", "it's"]},
        "age": {"kind": "integer", "minimum": 18, "maximum": 89},
        "mass": {"kind": "continuous", "minimum": -1.5, "maximum": 3.25},
        "born": {"kind": "date", "minimum": "2001-01-01", "maximum": "2009-12-31"},
        "seen": {"kind": "datetime", "minimum": "2020-01-01T00:00:00",
                 "maximum": "2020-12-31T00:00:00"},
        "alive": "boolean",
        "body mass": "integer",
        "year": "integer",
        "order": "integer",
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({"species": "Gentoo"}, "species = 'Gentoo'"),
        ({"species": "it's", "age": 20}, "species = 'it''s' AND age = 20"),
        ({"species": ["Gentoo", "it's"]}, "species IN ('Gentoo', 'it''s')"),
        ({"age": np.array([20, 21])}, "age IN (20, 21)"),
        ({"age": np.int64(20)}, "age = 20"),
        ({"year": 2**60 + 1}, "year = 1152921504606846977"),  # no float holds it
        ({"mass": 2.5}, "mass = 2.5"),
        ({"alive": True}, "alive = TRUE"),
        ({"born": "2001-02-03"}, "born = DATE '2001-02-03'"),
        ({"born": dt.date(2001, 2, 3)}, "born = DATE '2001-02-03'"),
        ({"born": dt.datetime(2001, 2, 3)}, "born = DATE '2001-02-03'"),
        ({"seen": dt.datetime(2020, 2, 3, 4)}, "seen = TIMESTAMP '2020-02-03 04:00:00'"),
        ({"age": None, "mass": float("nan")}, "age IS NULL AND mass IS NULL"),
        ({"body mass": 3}, '"body mass" = 3'),
        ("age > 20", "age > 20"),
        ("age == 20", "age = 20"),
        ("age != 20", "age <> 20"),
        ("year > 2000 AND order = 3", 'year > 2000 AND "order" = 3'),
    ],
)
def test_parse_where_reads_text_and_mappings(where: Any, text: str) -> None:
    assert parse_where(where, SCHEMA).text == text


@pytest.mark.parametrize(
    ("where", "error", "answer"),
    [
        ({"specie": "Gentoo"}, SchemaError, "did you mean 'species'"),
        ({"species": "Gento"}, ExpressionError, "did you mean 'Gentoo'"),
        ({"age": "old"}, ExpressionError, "'old' is not a number, as column 'age' is"),
        ({"born": "soon"}, ExpressionError, "'soon' is not a date"),
        ({"alive": 3}, ExpressionError, "'3' is not true or false"),
        ({"age": []}, ExpressionError, "no value of 'age' is listed"),
        ({}, ExpressionError, "not an empty one"),
        (3, ExpressionError, "a mapping such as {'city': 'Rome'}, not int"),
        ("age > 20 & mass < 1", ExpressionError, "& is not understood; write AND"),
        ("age > 20 && mass < 1", ExpressionError, "&& is not understood; write AND"),
        ("age > 20 | mass < 1", ExpressionError, "| is not understood; write OR"),
        ("age > 20 || mass < 1", ExpressionError, "|| is not understood; write OR"),
        ("age IN [20, 21]", ExpressionError, "[ is not understood; write IN (1, 2)"),
        ("age ** 2 > 3", ExpressionError, "** is not understood; write x * x"),
        ("age // 2 > 3", ExpressionError, "// is not understood; write floor(x / y)"),
        ("age ^ 2 > 3", ExpressionError, "^ is not understood; write x * x"),
        ("age = None", ExpressionError, "a missing value is asked for with IS NULL"),
        ("body mass > 3", ExpressionError, 'are quoted: "body mass"'),
    ],
)
def test_parse_where_answers_with_what_to_write(where: Any, error: Any, answer: str) -> None:
    with pytest.raises(error) as caught:
        parse_where(where, SCHEMA)
    assert answer in str(caught.value)


OPERATORS = ["&", "|", "&&", "||", "^", "~", "**", "//", "<<", ">>", "->", "=>", "::", "@", "#",
             "XOR", "DIV", "RLIKE", "GLOB", "ILIKE", "SIMILAR TO", "COLLATE", "IS DISTINCT FROM",
             "IN [1]", "? 1 :", "<=>", ":=", "=~", "!~", "OVERLAPS", "MOD"]  # fmt: skip


@pytest.mark.parametrize("operator", OPERATORS)
def test_no_refusal_names_a_class_of_the_parser(operator: str) -> None:
    from sqlglot import exp

    try:
        parse(f"age {operator} 3", SCHEMA)
    except ExpressionError as error:
        words = set(error.message.replace(";", " ").replace(",", " ").split())
        classes = {name for name in dir(exp) if name[0].isupper() and not name.isupper()}
        assert not words & (classes - {"NOT"})


@pytest.mark.parametrize(
    "text", ["year > 2000 foo", "order = 3 AN age > 2", "yeer > 2000", "age > 3 year"]
)
def test_no_hint_on_quotes_for_words_that_need_none(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, SCHEMA)
    assert "quoted" not in caught.value.message
    assert "hyphens" not in caught.value.message


@pytest.mark.parametrize(
    ("text", "range_"),
    [
        ("age > 89", "age lies between 18 and 89"),
        ("age < 18", "age lies between 18 and 89"),
        ("age BETWEEN 90 AND 99 OR age = 3", "age lies between 18 and 89"),
        ("mass >= 3.26", "mass lies between -1.5 and 3.25"),
        ("born < DATE '2001-01-01'", "born lies between 2001-01-01 and 2009-12-31"),
        ("seen > TIMESTAMP '2021-01-01 00:00:00'", "between 2020-01-01 00:00:00 and 2020-12-31"),
        ("year > 3 AND age > 100", "age lies between 18 and 89"),
    ],
)
def test_a_condition_outside_the_range_of_the_table_is_told_the_range(
    text: str, range_: str
) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text, SCHEMA).require_learned()
    assert range_ in str(caught.value)


@pytest.mark.parametrize(
    "text", ["age > 88", "age <= 18", "age > 100 OR year > 3", "age > 100 OR age IS NULL", "alive"]
)
def test_a_condition_that_some_value_in_range_meets_passes(text: str) -> None:
    parse(text, SCHEMA).require_learned()


def test_a_numeric_scale_is_compared_with_any_number() -> None:
    schema = Schema.build({"n": {"kind": "ordinal", "categories": [1, 2, 3]}})
    frame = pl.DataFrame({"n": [1, 2, 3]})
    assert parse("n < 2.5", schema).holds(frame).tolist() == [True, True, False]
    assert parse("n BETWEEN 0 AND 99", schema).holds(frame).all()
    with pytest.raises(ExpressionError, match="4 is not a value of n; there are 1, 2, 3"):
        parse("n = 4", schema)


def test_sample_takes_a_mapping_as_its_text() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {"city": rng.choice(["Rome", "Oslo"], 200), "n": rng.permutation(200) % 50}
    )
    fitted = Synthesizer(target="city", random_state=0).fit(frame)
    mapping, text = {"city": "Rome", "n": [1, 2, 3]}, "city = 'Rome' AND n IN (1, 2, 3)"
    rows = fitted.sample(20, where=mapping, rules=["n < 60"], random_state=1)
    assert rows.equals(fitted.sample(20, where=text, rules=["n < 60"], random_state=1))
    assert rows["city"].unique().to_list() == ["Rome"]
    assert set(rows["n"]) <= {1, 2, 3}
    with pytest.raises(ConditionError, match="n lies between 0 and 49"):
        fitted.sample(5, where="n > 60")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('rules:\n- "body mass" > 3\n', 2),
        ("rules:\n- 'a' = b\n", 2),
        ("rules:\n- age > 3\n- expression: a = 'x': 3\n", 3),
        ('rules:\n- expression: "body mass" > 3\n', 2),
        ("rules:\n- {kind: implies, if: x = 'a', then: [y > 3}\n", 2),
    ],
)
def test_yaml_that_an_expression_breaks_says_to_quote_it(text: str, line: int) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rules(text)
    assert f"in line {line}; " in str(caught.value)
    assert "stands in quotes" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["rules: [a IN (1, 2), b > 3]", "rules:\n- {expression: a IN (1, 2), name: x}\n"]
)
def test_an_expression_cut_at_its_comma_says_to_quote_it(text: str) -> None:
    with pytest.raises(RuleError, match="an expression with a comma in it stands in quotes"):
        parse_rules(text)
