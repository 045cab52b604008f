"""What people write who know other languages: answered in the words of this one."""

from __future__ import annotations

import polars as pl
import pytest

from tablewright.errors import ExpressionError
from tablewright.rules.expressions import parse, parse_where
from tablewright.rules.expressions.parsing import ALLOWED
from tablewright.rules.expressions.unparse import quote
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {
        "species": {"kind": "categorical", "categories": ["Adelie", "Gentoo"]},
        "body_mass_g": "integer",
        "year": {"kind": "ordinal", "categories": [2007, 2008, 2009]},
        "bill.depth": "continuous",
    }
)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("species = 'Gentoo' & year = 2007", "& is not understood; write AND"),
        ("species = 'Gentoo' && year = 2007", "&& is not understood; write AND"),
        ("species = 'Gentoo' | year = 2007", "| is not understood; write OR"),
        ("species IN ['Gentoo']", "[ is not understood; write IN (1, 2) with round brackets"),
        ("~(year = 2007)", "~ is not understood; write NOT, or LIKE for a pattern"),
        ("[species] = 'Gentoo'", "write a column's name as it is, or in double quotes"),
        ("year = 2007 AND [species] = 'x'", "write a column's name as it is"),
        ("`species` = 'Gentoo'", "` is not understood; write a column's name as it is"),
        ("species.isin(['Gentoo'])", "write IN (1, 2), LIKE 'a%' or IS NULL in place of a method"),
        ("species contains 'Gen'", "contains is not understood; write LIKE '%text%'"),
        ("species isin ('Gentoo')", "isin is not understood; write IN (1, 2)"),
        ("body mass g > 3000", "the column is called body_mass_g"),
        ("species = 'Gentoo' and", "something is missing after 'and', where the text ends"),
        ("body_mass_g >", "something is missing after '>', where the text ends"),
        ("species = Gentoo", "text stands in single quotes: 'Gentoo'"),
        ("bill.depth > 3", 'are quoted: "bill.depth"'),
    ],
)
def test_an_operator_of_another_language_is_answered_with_ours(text: str, says: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text, SCHEMA)
    message = caught.value.message
    assert says in message
    assert ALLOWED not in message  # a short answer stands alone
    assert not any(word in message for word in ("sqlglot", "exp.", "SimilarTo", "Token"))


def test_two_equal_signs_and_an_exclamation_mark_are_understood() -> None:
    assert parse("species == 'Gentoo'", SCHEMA).text == "species = 'Gentoo'"
    assert parse("species != 'Gentoo'", SCHEMA).text == "species <> 'Gentoo'"


def test_names_that_need_no_quotes_are_shown_without() -> None:
    with pytest.raises(ExpressionError, match=r"2015 is not a value of year; there are 2007, 2008"):
        parse("year = 2015", SCHEMA)
    assert quote("group") == '"group"'


@pytest.mark.parametrize(
    "word", ["date", "day", "hour", "index", "left", "length", "month", "position", "row", "year"]
)
def test_a_word_that_is_not_quoted_is_a_column_wherever_it_stands(word: str) -> None:
    schema = Schema.build({word: "continuous"})
    for form in (
        "{0} = 1", "1 < {0}", "{0} IN (1, 2)", "{0} BETWEEN 1 AND {0}", "{0} IS NOT NULL",
        "NOT {0} > 1", "abs({0}) > -{0} + 1", "CASE WHEN {0} = 1 THEN {0} ELSE 2 END = 1",
    ):  # fmt: skip
        assert parse(form.format(word), schema) == parse(form.format(f'"{word}"'), schema)


@pytest.mark.parametrize(
    "where", [pl.col("year") == 2007, pl.Series([True, False]), {}, len, [("year", 2007)]]
)
def test_a_condition_that_is_no_text_is_refused_in_a_sentence(where: object) -> None:
    with pytest.raises(ExpressionError, match="a condition is text such as"):
        parse_where(where, SCHEMA)  # type: ignore[arg-type]  # what is tried first
