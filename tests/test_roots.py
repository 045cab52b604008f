"""Schemas, seeds, names of parts, threads and errors: what every room stands on."""

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import (
    BudgetError,
    CheckFailedError,
    ConditionError,
    ExpressionError,
    InputError,
    MissingExtraError,
    ModelError,
    RateLimitError,
    RuleError,
    SchemaError,
    SlowReplyError,
    TablewrightError,
)
from tablewright.random_state import Stream, seed_of
from tablewright.registry import names, resolve
from tablewright.schema import Kind, Schema, inner_name, outer_name, suggest
from tablewright.threads import one_thread

SCHEMA = Schema.build(
    {
        "age": "integer",
        "city": {"kind": "categorical", "categories": ["Oslo", "Rome"]},
        "^x$": "text",
    },
    target="city",
)


# schemas -----------------------------------------------------------------------------


@given(st.text(max_size=8))
def test_names_that_polars_reads_as_patterns_come_back_as_they_were(name: str) -> None:
    inner = inner_name(name)
    assert outer_name(inner) == name
    assert inner not in ("", "*")
    assert not (inner.startswith("^") and inner.endswith("$"))


@pytest.mark.parametrize(
    ("columns", "target", "says"),
    [
        ([{"name": "a", "kind": "integer"}] * 2, None, "column 'a' occurs twice"),
        ({"age": "integer"}, "aeg", "the target 'aeg' is not a column; did you mean 'age'?"),
        ({"age": "number"}, None, "not 'number'"),
        ({"age": {"kind": "integer", "decimals": 16}}, None, "less than or equal to 15"),
        ({"age": {"kind": "integer", "decimals": -1}}, None, "greater than or equal to 0"),
        ({"age": {"kind": "integer", "minimum": 2.0, "maximum": 1.0}}, None, "minimum 2 is above"),
        ({"age": {"kind": "integer", "minimum": float("nan")}}, None, "finite"),
        ({"age": {"kind": "integer", "confidence": 1.5}}, None, "less than or equal to 1"),
        ({"age": {"kind": "integer", "colour": 1}}, None, "colour"),
        (3, None, "list"),
    ],
)
def test_a_schema_that_is_none_is_refused_in_one_sentence(
    columns: Any, target: str | None, says: str
) -> None:
    with pytest.raises(SchemaError) as caught:
        Schema.build(columns, target)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_columns_are_found_by_the_name_a_person_knows() -> None:
    assert SCHEMA["^x$"].kind is Kind.TEXT
    assert (len(SCHEMA), "age" in SCHEMA, "aeg" in SCHEMA) == (3, True, False)
    with pytest.raises(SchemaError, match="unknown column 'aeg'; did you mean 'age'"):
        SCHEMA["aeg"]
    with pytest.raises(SchemaError, match="unknown column 'zzz'; there are 'age', 'city'"):
        SCHEMA["zzz"]


def test_a_target_is_set_and_taken_away() -> None:
    assert SCHEMA.with_target("age").target == "age"
    assert SCHEMA.with_target(None).target is None
    assert SCHEMA.target == "city"
    with pytest.raises(SchemaError, match="unknown column"):
        SCHEMA.with_target("town")


@pytest.mark.parametrize("kind", list(Kind))
def test_kinds_are_discrete_or_numeric_or_neither_and_made_anew_or_learned(kind: Kind) -> None:
    discrete = {Kind.CATEGORICAL, Kind.ORDINAL, Kind.BOOLEAN}
    numeric = {Kind.CONTINUOUS, Kind.INTEGER, Kind.DATE, Kind.DATETIME, Kind.TIMEDELTA}
    assert (kind.is_discrete, kind.is_numeric) == (kind in discrete, kind in numeric)
    assert kind.is_modelled is (kind not in {Kind.IDENTIFIER, Kind.CONSTANT})


def test_what_a_person_says_of_a_column_wins_and_the_rest_stays() -> None:
    doubtful = SCHEMA.replace(
        SCHEMA["age"].model_copy(update={"confidence": 0.4, "nullable": True})
    )
    said = doubtful.override(age="ordinal")["age"]
    assert (said.kind, said.confidence, said.nullable) == (Kind.ORDINAL, 1.0, True)
    ranged = doubtful.override(age={"minimum": 3.0})["age"]
    assert (ranged.kind, ranged.minimum, ranged.confidence) == (Kind.INTEGER, 3.0, 1.0)
    with pytest.raises(SchemaError, match="column 'age'"):
        doubtful.override(age="old")
    with pytest.raises(SchemaError, match="unknown column 'aeg'"):
        doubtful.override(aeg="ordinal")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("columns: {age: {kind: [1]}}", "column 'age': kind is one of continuous"),
        ("columns: {age: {decimals: -5}}", "column 'age'"),
        ("columns: {age: {step: 3}}", "'step' is no field; there are 'categories', 'confidence', "),
        ("columns: {age: {decimal: 3}}", "'decimal' is no field; did you mean 'decimals'?"),
        ("columns: [age]", "one line per column"),
        ("colums: {}", "not ['colums']"),
        ("version: 2", "version is 1, not '2'"),
        ("target: [a]", "'target' is the name of one column"),
        ("columns: {a: 'b", "not YAML, line"),
        ("columns: " + "{a: " * 3000, "nested too deeply"),
        ("3", "one line per column"),
    ],
)
def test_a_schema_file_that_is_none_is_refused_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Schema.overrides_from_yaml(text)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("name", "known", "text"),
    [
        ("agee", ["age", "city"], "; did you mean 'age'?"),
        ("zzz", ["age", "city"], "; there are 'age', 'city'"),
        ("zzz", [str(i) * 3 for i in range(1, 14)], None),
        ("zzz", [], ""),
    ],
)
def test_suggest_names_a_near_miss_or_what_there_is(
    name: str, known: list[str], text: str | None
) -> None:
    result = suggest(name, known)
    if text is None:
        assert result.count("'") == 24  # twelve of the thirteen
        assert result.endswith(", ...")
    else:
        assert result == text


# seeds -------------------------------------------------------------------------------


def test_seed_of_takes_what_scikit_learn_takes() -> None:
    assert (seed_of(7), seed_of(np.int64(7)), seed_of(0)) == (7, 7, 0)
    generator, legacy = np.random.default_rng(3), np.random.RandomState(3)
    expected = int(np.random.default_rng(3).integers(2**31))
    assert seed_of(generator) == expected
    assert seed_of(generator) != expected  # the generator went on
    assert seed_of(legacy) == np.random.RandomState(3).randint(2**31 - 1)
    assert seed_of(None) != seed_of(None)


@pytest.mark.parametrize("wrong", [-1, True, 1.5, "7"])
def test_seed_of_refuses_what_is_no_seed(wrong: Any) -> None:
    with pytest.raises(InputError, match="random_state"):
        seed_of(wrong)


def test_streams_of_one_scope_are_all_different() -> None:
    scopes: dict[str, list[int]] = {}
    for name, stream in Stream.__members__.items():
        scopes.setdefault(name.partition("_")[0], []).append(int(stream))
    for scope, numbers in scopes.items():
        assert len(set(numbers)) == len(numbers), scope
        if scope not in ("SYNTHESIZER", "SYSTEM", "TRIM"):  # a system shares the common streams
            assert not set(numbers) & set(scopes["SYSTEM"]), scope


# parts, threads, errors --------------------------------------------------------------


def test_parts_are_found_by_name_and_named_where_they_are_not() -> None:
    assert names("generators") == sorted(names("generators"))
    assert resolve("generators", "independent").__name__ == "Independent"
    assert names("nothing") == []
    with pytest.raises(InputError, match=r"no system is called 'epik'; did you mean 'epic'\?"):
        resolve("systems", "epik")


def test_one_thread_holds_inside_and_is_undone() -> None:
    from threadpoolctl import threadpool_info

    before = [pool["num_threads"] for pool in threadpool_info()]
    with one_thread():
        assert {pool["num_threads"] for pool in threadpool_info()} <= {1}
    assert [pool["num_threads"] for pool in threadpool_info()] == before


@pytest.mark.parametrize(
    ("error", "kinds", "code"),
    [
        (SchemaError("x"), (InputError, ValueError), 2),
        (ConditionError("x"), (InputError, ValueError), 2),
        (RuleError("x"), (InputError, ValueError), 2),
        (MissingExtraError("a plot", "plot"), (ImportError,), 2),
        (CheckFailedError("x"), (TablewrightError,), 1),
        (BudgetError("x"), (ModelError,), 3),
    ],
)
def test_errors_are_what_a_caller_expects(
    error: TablewrightError, kinds: tuple[Any, ...], code: int
) -> None:
    assert all(isinstance(error, kind) for kind in (TablewrightError, *kinds))
    assert error.exit_code == code


def test_errors_of_models_say_whether_to_try_again() -> None:
    assert (ModelError("x").retryable, RateLimitError("x").retryable) == (False, True)
    assert ModelError("x", retryable=True).retryable
    assert not RateLimitError("x", retryable=False).retryable
    assert RateLimitError("x", retry_after=2.5).retry_after == 2.5
    slow = SlowReplyError("x")
    assert (slow.billed, slow.ask_smaller, slow.fatal) == (True, True, False)


def test_an_expression_error_points_at_the_place() -> None:
    text = "a" * 100 + " = oops"
    shown = str(ExpressionError("unknown", text, 103)).split("\n")
    assert shown[0] == "unknown"
    assert shown[1][2:] == text[63:]
    assert shown[2].index("^") == shown[1].index("oops")
    assert str(ExpressionError("unknown", text)) == "unknown"
    tab = str(ExpressionError("unknown", "a\t=\x1b b", 0))
    assert "\t" not in tab
    assert "\x1b" not in tab


@pytest.mark.parametrize("extra", ["llm", "gguf", "xgboost", "studio"])
def test_a_missing_extra_names_packages_that_exist_whether_or_not_we_are_released(
    extra: str,
) -> None:
    with (Path(__file__).parents[1] / "pyproject.toml").open("rb") as file:
        packages = tomllib.load(file)["project"]["optional-dependencies"][extra]
    text = str(MissingExtraError("A plot", extra))
    assert text.startswith(f"A plot needs the extra [{extra}]: pip install ")
    assert sorted(re.findall("'(.*?)'", text)) == sorted(packages)
    assert "tablewright" not in text
    assert str(MissingExtraError("A plot", "plot")) == "A plot needs the extra [plot]"
