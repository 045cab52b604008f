"""What an expression costs grows with its length: counted in calls, not in seconds."""

import sys
from collections.abc import Callable
from typing import Any

import polars as pl
import pytest

from tablewright.errors import ConditionError, ExpressionError
from tablewright.rules import as_rules, validate_rules
from tablewright.rules.expressions import conflict, parse
from tablewright.rules.expressions.conflicts import MAX_STEPS, _Search
from tablewright.schema import Schema
from tablewright.synthesizer.synthesizer import Synthesizer
from tests.people import people

SCHEMA = Schema.build({"a": "integer", "b": "integer", "c": "continuous", "s": "text"})
FRAME = pl.DataFrame({"a": [1], "b": [2], "c": [0.5], "s": ["x"]})


def calls(work: Callable[[], Any]) -> int:
    """Count the calls of Python functions that some work takes; the same on every machine."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


FAMILIES: dict[str, Callable[[int], str]] = {
    "exclusions": lambda n: " AND ".join(f"a <> {3 * i}" for i in range(n)),
    "sums": lambda n: " AND ".join(f"a + b <> {i}" for i in range(n)),
    "texts": lambda n: " AND ".join(f"s <> 'x{i}'" for i in range(n)),
    "alternatives": lambda n: " OR ".join(f"(a = {i} AND b > {i})" for i in range(n)),
    "clauses": lambda n: " AND ".join(f"(a <> {3 * i} OR b > {i})" for i in range(n)),
    "list": lambda n: f"a IN ({', '.join(str(3 * i) for i in range(n))})",
    "exclusion list": lambda n: f"a NOT IN ({', '.join(str(3 * i) for i in range(n))})",
    "negations": lambda n: "NOT (" + " OR ".join(f"(a = {i} AND c < {i})" for i in range(n)) + ")",
    "choices": lambda n: f"CASE {' '.join(f'WHEN a = {i} THEN b < {i}' for i in range(n))} END",
}


def whole_life(text: str) -> None:
    condition = parse(text, SCHEMA)
    condition.require_possible()
    condition.domain("a")
    condition.conjuncts()
    condition.holds(FRAME)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_condition_of_twice_the_length_costs_twice_the_calls(family: str) -> None:
    whole_life(FAMILIES[family](10))
    one, two = (calls(lambda n=n: whole_life(FAMILIES[family](n))) for n in (100, 200))  # type: ignore[misc]
    assert two < 2.6 * one  # n log n gives 2.3


def nested(inner: str, outer: str, depth: int) -> str:
    for _ in range(depth):
        inner = outer.format(inner)
    return inner


DEEP = {
    "sum": ("a" + " + a" * 55 + " = 56", True),
    "quotients": (nested("a", "b / ({})", 25) + " = 2", True),
    "nullif": (nested("a", "nullif({}, b)", 30) + " = 1", True),
    "nullif of an equal": (nested("a", "nullif({}, a)", 30) + " IS NULL", True),
    "between": (nested("a", "CASE WHEN {} BETWEEN 1 AND b THEN a ELSE c END", 20) + " = 1", True),
    "remainders": (nested("b", "({}) % 5", 25) + " = 2", True),
}


@pytest.mark.parametrize("family", DEEP)
def test_what_is_nested_deep_is_read_once(family: str) -> None:
    """Each level that reads the one below twice would double the work: 2^50 times in all."""
    text, answer = DEEP[family]
    assert parse(text, SCHEMA).holds(FRAME).tolist() == [answer]


@pytest.mark.parametrize("depth", [55, 61, 500])
def test_what_is_nested_too_deep_is_told(depth: int) -> None:
    with pytest.raises(ExpressionError, match="nested deeper than"):
        parse(nested("a", "nullif(1 + {}, b)", depth) + " = 1", SCHEMA)


def test_a_subject_of_case_that_grows_with_every_level_is_refused() -> None:
    text = nested("a", "CASE {} WHEN 1 THEN 2 WHEN 3 THEN 4 WHEN 5 THEN 6 ELSE 1 END", 5)
    assert parse(f"{text} = 2", SCHEMA).holds(FRAME).tolist() == [True]  # 1, 2, 1, 2, 1, 2
    text = nested("a", "CASE {} WHEN 1 THEN 2 WHEN 3 THEN 4 WHEN 5 THEN 6 ELSE 1 END", 25)
    with pytest.raises(ExpressionError, match=r"CASE written out .* over 50,000 parts"):
        parse(f"{text} = 2", SCHEMA)


def test_naming_two_parts_of_hundreds_that_clash_takes_few_searches() -> None:
    def clash(n: int) -> None:
        parts = [f"b <> {3 * i}" for i in range(n)]
        parts[n // 3], parts[n // 2] = "a > 5", "a < 4"
        trees = [parse(text, SCHEMA).tree for text in parts]
        assert conflict(trees, SCHEMA) == [n // 3, n // 2]

    clash(10)
    one, two = (calls(lambda n=n: clash(n)) for n in (100, 200))  # type: ignore[misc]
    assert two < 3 * one  # deleting part after part would give 4


def test_a_search_gives_up_after_a_stated_number_of_steps() -> None:
    pigeons = [
        *(f"{'c' if i % 2 else 'a'} + b * {i} < {i} OR a * b > {i}" for i in range(300)),
        *(f"a + b > {i} OR b - a > {i} OR c - b > {i}" for i in range(300)),
    ]
    search = _Search(SCHEMA, False)
    assert search.possible([parse(text, SCHEMA).tree for text in pigeons])
    assert search.steps <= MAX_STEPS + 10 * len(pigeons)  # what one alternative may add


@pytest.mark.filterwarnings("ignore::UserWarning")  # that few real rows comply is no cost
@pytest.mark.parametrize("option", ["where", "rules"])
def test_sampling_under_twice_the_alternatives_costs_at_most_three_times_the_calls(
    option: str,
) -> None:
    table = people(120).select("age", "dose", "ward")
    fitted = Synthesizer("independent", random_state=0).fit(table)

    def sample(n: int) -> None:
        text = " OR ".join(f"(age = {20 + i} AND dose > {i / 9})" for i in range(n))
        if option == "where":
            fitted.sample(5, where=text)
        else:
            fitted.sample(5, rules=[text])

    sample(3)
    one, two = (calls(lambda n=n: sample(n)) for n in (12, 24))  # type: ignore[misc]
    assert two < 3 * one


@pytest.mark.parametrize(
    "text",
    [
        f"a > {'9' * 5000}",
        f"a > {'9' * 5000}.{'9' * 5000}e1",
        f"a > 1e{'9' * 5000}",
        f"{'x' * 5000} > 1",
        f"a = '{'y' * 5000}'",
        f"d > DATE '{'1' * 5000}'",
        f"{'f' * 5000}(a) > 1",
        f"s LIKE 'a' ESCAPE '{'z' * 5000}'",
    ],
)
def test_a_refusal_repeats_no_long_text(text: str) -> None:
    schema = Schema.build({"a": "integer", "d": "date", "s": "text"})
    with pytest.raises(ExpressionError) as caught:
        parse(text, schema)
    assert len(str(caught.value)) < 700


def test_a_conflict_of_long_parts_is_told_in_short() -> None:
    values = ", ".join(str(i) for i in range(2000))
    with pytest.raises(ConditionError) as caught:
        parse(f"a IN ({values}) AND a > 5000", SCHEMA).require_possible()
    assert len(str(caught.value)) < 700
    rules = as_rules([f"a IN ({values})", "a > 5000"])
    assert len(validate_rules(rules, SCHEMA).errors[0].message) < 700
