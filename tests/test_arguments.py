"""Calls that people try first: they work, or the answer names the call that does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone

import tablewright
from tablewright import Schema, Synthesizer, generate
from tablewright.arguments import check_options, teaching
from tablewright.errors import ArgumentError, InputError
from tests.people import people

tw: Any = tablewright
"""Without types, which would find most of these slips."""


@pytest.fixture(scope="module")
def fitted() -> Synthesizer:
    return Synthesizer("independent", target="state", random_state=0).fit(people(60))


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"num_rows": 5}, "n_samples=5"),
        ({"n": 5}, "n_samples=5"),
        ({"conditions": {"city": "Bergen"}}, "where={'city': 'Bergen'}"),
        ({"condition": "age > 3"}, "where='age > 3'"),
        ({"seed": 0}, "random_state=0"),
        ({"known_columns": people(3)}, "seed_data=..."),
        ({"where_": "x" * 99}, "did you mean 'where'"),
    ],
)
def test_sample_answers_a_wrong_name_with_the_right_one(
    fitted: Synthesizer, wrong: Mapping[str, Any], right: str
) -> None:
    with pytest.raises(ArgumentError) as caught:
        fitted.sample(**wrong)
    assert str(caught.value).startswith(f"sample() has no argument {next(iter(wrong))!r}")
    assert right in str(caught.value)
    with pytest.raises(TypeError, match="batches"):
        fitted.batches(**wrong)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda t: tw.generate(t, 5), "target is the name of a column, not 5; .* n_samples=5"),
        (lambda t: tw.generate(t, 2.5), "not 2.5$"),
        (lambda t: tw.generate(t, ["state"]), "not list$"),
        (lambda t: tw.Synthesizer(target=5).fit(t), "n_samples=5"),
        (
            lambda t: tw.generate(t, "state", 5, "trees"),
            "generate.. takes train, target, n_samples",
        ),
        (lambda t: tw.generate(t, num_rows=5), "write n_samples=5"),
        (lambda t: tw.generate(t, seed=1), "write random_state=1"),
        (lambda t: tw.profile(df=t), "profile.. has no argument 'df'; write data="),
        (lambda t: tw.impute(t, model="trees"), "write method='trees'"),
        (lambda t: tw.compare(t, label="state"), "write target='state'"),
        (
            lambda t: tw.Synthesizer(metadata=3),
            r"Synthesizer\(\) has no .*'metadata'; write schema=3",
        ),
        (lambda t: tw.Synthesizer(n_samples=3), r"give it as \.sample\(n_samples=3\)"),
        (lambda t: tw.CLLM("state", n=3), r"CLLM\(\) .*; give it as \.sample\(n_samples=3\)"),
        (
            lambda t: tw.Synthesizer().fit(t, target="state"),
            r"give it as Synthesizer\(target='state'",
        ),
        (lambda t: tw.Synthesizer().fit(t, "state"), r"Synthesizer\(target='state'\)"),
        (lambda t: tw.evaluate(t, t), "needs a holdout.*train_test_split"),
        (lambda t: tw.evaluate(t, t, 0.2), "needs a holdout.*train_test_split"),
        (lambda t: tw.evaluate(t, t, "state"), "column 'state' goes to target='state'"),
        (lambda t: tw.evaluate(t, t, test=t), "write holdout="),
    ],
)
def test_a_slip_is_answered_by_the_call_that_was_meant(
    call: Callable[[pl.DataFrame], object], says: str
) -> None:
    with pytest.raises(ArgumentError, match=says) as caught:
        call(people(60))
    assert isinstance(caught.value, TypeError)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "says"),
    [
        ("tabddpm", "docs/generators/plugin.md"),
        ("GReaT", "docs/generators/plugin.md"),
        ("smote", "take 'smotenc'"),
        ("xgboost", "take 'boosted'"),
        ("gaussian_copula", "take 'copula'"),
        ("tree", "did you mean 'trees'"),
    ],
)
def test_a_method_of_another_name_is_pointed_to(method: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        generate(people(60), "state", 3, method=method)
    with pytest.raises(InputError, match=says):
        Synthesizer(method).fit(people(60))


def test_a_column_in_the_place_of_a_method_is_told() -> None:
    with pytest.raises(InputError, match="'state' is a column: write target='state'"):
        Synthesizer("state").fit(people(60))


def test_an_option_that_a_method_lacks_is_told_in_our_words() -> None:
    with pytest.raises(InputError) as caught:
        generate(people(60), "state", 3, method="trees", options={"min_leaf": 3})
    text = "method 'trees' has no option 'min_leaf'; did you mean 'min_samples_leaf'?"
    assert str(caught.value) == text
    check_options("x", lambda **more: more, ["anything"])
    with pytest.raises(InputError, match="method 'epic' has no option 'n_rows'"):
        generate(people(60), "state", 3, method="epic", options={"n_rows": 3})


def test_teaching_leaves_signature_and_clone_alone() -> None:
    @teaching
    def draw(n_samples: int, *, where: str = "") -> str:
        """Draw."""
        return where * n_samples

    assert (draw(2, where="a"), draw.__doc__) == ("aa", "Draw.")
    with pytest.raises(TypeError, match="missing 1 required"):
        draw()  # type: ignore[call-arg]
    assert clone(Synthesizer(target="y")).get_params()["target"] == "y"


# tables ------------------------------------------------------------------------------


def test_arrays_are_tables_with_numbered_columns() -> None:
    rng = np.random.default_rng(0)
    array = rng.normal(size=(60, 3))
    rows = Synthesizer("independent", random_state=0).fit(array).sample(4)
    assert (rows.columns, rows.height) == (["x0", "x1", "x2"], 4)
    assert generate(np.array([["a", "1"], ["b", "2"]] * 30), "x0", 4).height == 4
    with pytest.raises(InputError, match="reshape"):
        Synthesizer().fit(array[:, 0])


def test_numbers_as_names_of_pandas_columns_name_a_target() -> None:
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)))
    assert tw.Synthesizer("independent", target=2).fit(table).schema_.target == "2"


def test_a_schema_is_inferred_from_a_table() -> None:
    schema = Schema.infer(people(60), target="state")
    assert (schema.target, schema["age"].kind.value) == ("state", "integer")
    assert "Schema" in tablewright.__all__


def test_drop_leaves_columns_out_whatever_the_schema_names() -> None:
    table = people(60)
    left = [name for name in table.columns if name not in ("age", "ward")]
    whole = Schema.infer(table)
    for schema in (None, {"age": "ordinal"}, whole):
        rows = generate(
            table, "state", 5, drop=["age", "ward"], schema=schema, method="independent"
        )
        assert rows.columns == left
    assert generate(table, "state", 5, drop="age", method="independent").columns == [
        name for name in table.columns if name != "age"
    ]
    for drop, says in (
        ("aeg", "did you mean 'age'"), ("state", "is the target"), (table.columns, "is the target")
    ):  # fmt: skip
        with pytest.raises(InputError, match=says):
            generate(table, "state", 5, drop=drop)
    with pytest.raises(InputError, match="leaves no column"):
        generate(table, None, 5, drop=table.columns)


# balance and seeds -------------------------------------------------------------------


def test_balance_takes_rows_by_class() -> None:
    synthesizer = Synthesizer("trees", target="state", random_state=0).fit(people(120))
    labels = sorted(people(120)["state"].drop_nulls().unique())
    wanted = {labels[0]: 7, labels[-1]: 2}
    counts = dict(synthesizer.sample(balance=wanted)["state"].value_counts().rows())
    assert counts == wanted
    assert synthesizer.sample(9, balance=wanted).height == 9
    for balance, says in (
        ({"nowhere": 3}, "there is no class 'nowhere'"),
        ({labels[0]: 0.5}, "whole number of rows"),
        ({labels[0]: -1}, "whole number of rows"),
        ({labels[0]: 0}, "no row of any class"),
        ("auto", "'equal', 'fill' or rows by class"),
    ):
        with pytest.raises(InputError, match=says):
            synthesizer.sample(balance=balance)  # type: ignore[arg-type]  # what is tried first
    with pytest.raises(InputError, match="9 rows in all, and 4 are asked for"):
        synthesizer.sample(4, balance=wanted)


def test_balance_finds_classes_that_are_numbers_or_truths() -> None:
    table = people(120).with_columns(state=pl.int_range(pl.len()) % 3)
    rows = generate(table, "state", balance={0: 3, "2": 1}, method="independent")
    assert sorted(rows["state"].to_list()) == [0, 0, 0, 2]


def test_rows_are_fresh_at_every_call_without_a_seed_and_repeatable_with_one() -> None:
    table = people(80)
    drawn = [generate(table, "state", 20, method="independent") for _ in range(2)]
    assert not drawn[0].equals(drawn[1])
    drawn = [generate(table, "state", 20, method="independent", random_state=4) for _ in range(2)]
    assert drawn[0].equals(drawn[1])


@pytest.mark.parametrize("method", ["independent", "epic"])
def test_successive_calls_go_on_and_a_fresh_fit_repeats_them(method: str) -> None:
    from tablewright.systems import estimator

    def calls() -> list[pl.DataFrame]:
        fitted = estimator(method, target="state", random_state=4).fit(people(80))
        return [fitted.sample(30), fitted.sample(30), fitted.sample(30, random_state=1)]

    (first, second, seeded), again = calls(), calls()
    assert not first.equals(second)
    assert [a.equals(b) for a, b in zip((first, second, seeded), again, strict=True)] == [True] * 3


@pytest.mark.parametrize("method", ["independent", "epic"])
def test_identifiers_of_successive_calls_are_all_different(method: str) -> None:
    from tablewright.systems import estimator

    fitted = estimator(method, target="state", random_state=0).fit(people(80))
    pieces = pl.concat([fitted.sample(20) for _ in range(3)])
    assert pieces["patient_id"].n_unique() == 60
    assert fitted.sample(5, random_state=1).equals(fitted.sample(5, random_state=1))


def test_a_seeded_call_repeats_on_a_copy() -> None:
    import pickle

    fitted = Synthesizer("independent", random_state=0).fit(people(60))
    fitted.sample(5)
    copy = pickle.loads(pickle.dumps(fitted))
    assert fitted.sample(5, random_state=3).equals(copy.sample(5, random_state=3))
    assert fitted.sample(5).equals(copy.sample(5))  # both go on with the second call
