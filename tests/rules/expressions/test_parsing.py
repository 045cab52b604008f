"""Whatever text comes in, the outcome is a tree of allowed nodes or an error with its place."""

import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.errors import ExpressionError
from tablewright.rules.expressions.parsing import FUNCTIONS, parse_tree
from tablewright.rules.expressions.tree import Node, walk
from tablewright.rules.expressions.unparse import unparse

WORD_LIST = """
age x name AND OR NOT ( ) = <> < > <= >= BETWEEN IN LIKE ESCAPE IS NULL CASE WHEN THEN ELSE END
+ - * / % abs round coalesce 1 2.5 1e400 'a' 'b%' "c d" DATE '2020-01-31' TIMESTAMP , ; -- /* */
SELECT FROM CAST AS INT :: {{ }} -> [ ] . ~ ? $1 :p @v DROP TABLE OVER EXISTS ALL ANY
"""


def assert_tree_or_place(text: str) -> None:
    try:
        tree = parse_tree(text)
    except ExpressionError as error:
        shown = error.position
    else:
        assert all(isinstance(node, Node) for node in walk(tree))
        assert parse_tree(unparse(tree)) == tree
        return
    assert (shown is None) is (not text.strip())
    assert shown is None or 0 <= shown < len(text)


@given(st.text(max_size=60))
@settings(deadline=None, max_examples=300)
def test_any_text(text: str) -> None:
    assert_tree_or_place(text)


@given(st.lists(st.sampled_from(WORD_LIST.split()), max_size=14))
@settings(deadline=None, max_examples=500)
def test_any_words_of_sql(words: list[str]) -> None:
    assert_tree_or_place(" ".join(words))


@given(st.text(alphabet=string.punctuation + "a1 \n", max_size=30))
@settings(deadline=None, max_examples=300)
def test_any_punctuation(text: str) -> None:
    assert_tree_or_place(text)


@pytest.mark.parametrize(
    ("text", "where", "says"),
    [
        ("age >= 18; DROP TABLE x", ";", "no statements"),
        ("age > (SELECT 1)", "SELECT", "subquery"),
        ("age IN (SELECT 1)", "SELECT", "subquery"),
        ("read_csv('x') = 1", "read_csv", "read_csv"),
        ("PRAGMA version", "version", "allowed are"),
        ("ATTACH 'x.db'", "'x.db'", "allowed are"),
        ("COPY age TO 'x'", "age", "allowed are"),
        ("SET x = 1", "x", "allowed are"),
        ("CAST(age AS TEXT) = 'x'", "age", "DATE '2020-01-31'"),
        ("age::int = 1", "::", "DATE '2020-01-31'"),
        ("DATE 'soon' < d", "'soon'", "'soon' is not a date"),
        ("list_filter(a, x -> x > 1)", "->", "anonymous function"),
        ("a -> b", "->", "anonymous function"),
        ("name ~ 'a.*'", "~", "write NOT, or LIKE"),
        ("name SIMILAR TO 'a'", "name", "LIKE"),
        ("name RLIKE 'a'", "RLIKE", "LIKE"),
        ("sum(age) OVER () > 1", "OVER", "window"),
        ("sum(age) > 1", "sum", "aggregate"),
        ("age > 1 -- yes", "--", "comments"),
        ("age /* no */ > 1", "/*", "comments"),
        ("age > 1e400", "1e400", "too large"),
        ("age > 99999999999999999999", "9999", "too large"),
        ("{{age}} > 1", "{", "template"),
        ("__import__('os').system('ls')", ".", "in place of a method"),
        ("$(rm -rf /)", "$", "allowed are"),
        ("`ls`", "`", "write a column's name"),
        ("a = 'open", "'open", "not closed"),
        ('a = "open', '"open', "not closed"),
        ("age IN ()", "age", "at least one"),
        ("age IN (x)", "age", "constants only"),
        ("x LIKE y", "x", "pattern"),
        ("x LIKE 'a!b' ESCAPE '!'", "'a!b'", "escape character"),
        ("x IS TRUE", "x", "IS compares with NULL"),
        ("max(a, b) > 1", "max", "greatest"),
        ("coalesce(a) > 1", "coalesce", "2 or more"),
        ("a > ?", "?", "placeholder"),
        ("t.a > 1", ".", "a name with a dot"),
        ("EXISTS (SELECT 1)", "EXISTS", "subquery"),
        ("a > ALL (SELECT 1)", "ALL", "subquery"),
        ("INTERVAL '1' DAY > a", "'1'", "interval"),
    ],
)
def test_refusals_show_the_place_and_what_is_allowed(text: str, where: str, says: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_tree(text)
    assert caught.value.position == text.find(where)
    assert says in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "(" * 5000 + "1" + ")" * 5000,
        "NOT " * 4000 + "a",
        "- " * 4000 + "1 = a",
        " + ".join(["a"] * 4000) + " = 1",
        "CASE WHEN " * 1500 + "a",
        "a" * 10_000_000,
        "abs(" * 2000 + "a" + ")" * 2000,
        "[" * 5000,
        "{" * 5000,
    ],
)
def test_deep_or_long_text_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_tree(text)


@pytest.mark.parametrize(
    ("nested", "n_levels"),
    [
        (lambda n: "NOT " * n + "a", 60),
        (lambda n: "- " * n + "a = 1", 59),  # the comparison is a level
        (lambda n: "a + (" * n + "1" + ")" * n + " = 1", 29),  # a bracket is one, a sum another
        (lambda n: "NOT (" * n + "a" + ")" * n, 30),
    ],
)
def test_sixty_levels_may_be_nested(nested: Callable[[int], str], n_levels: int) -> None:
    parse_tree(nested(n_levels))
    with pytest.raises(ExpressionError, match="nested deeper than 60 levels"):
        parse_tree(nested(n_levels + 1))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_functions_take_as_many_arguments_as_they_say(name: str) -> None:
    smallest, largest = FUNCTIONS[name]
    listed = [", ".join("abc"[:n]) for n in range(4)]
    for n, arguments in enumerate(listed):
        if n < smallest or n > (largest or n):
            with pytest.raises(ExpressionError):
                parse_tree(f"{name}({arguments}) = 1")
    assert (smallest, largest) == {
        "coalesce": (2, None), "greatest": (2, None), "least": (2, None),
        "nullif": (2, 2), "round": (1, 2),
    }.get(name, (1, 1))  # fmt: skip


def test_a_long_name_of_a_function_is_cut_after_forty_letters() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_tree("f" * 100 + "(a)")
    assert caught.value.message.startswith(f"the function {'f' * 40} is not allowed")


def test_long_chains_of_and_are_fine() -> None:
    tree = parse_tree(" AND ".join(f"a <> {i}" for i in range(1000)))
    assert len(list(walk(tree))) == 3001


def test_not_text() -> None:
    with pytest.raises(ExpressionError, match="an expression is text"):
        parse_tree(b"a = 1")  # type: ignore[arg-type]
