"""Findings of a profile at and beside their borders."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from tablewright.evaluation.profile import Finding, profile
from tablewright.evaluation.profile.checks import check_columns, check_rows, check_target
from tablewright.evaluation.profile.leaks import find_leaks, predict_alone
from tablewright.evaluation.profile.rendering import render_profile
from tablewright.evaluation.profile.structure import (
    find_duplicate_columns,
    find_foreign_keys,
    find_missing_header,
    find_sequences,
    find_target,
)
from tablewright.evaluation.profile.summaries import summarise_column
from tablewright.schema import Schema


def schema(target: str | None = None, **kinds: Any) -> Schema:
    return Schema.build(kinds, target=target)


def of_column(values: Any, **column: Any) -> list[Finding]:
    frame = pl.DataFrame({"c": values})
    return check_columns(frame, schema(c={"confidence": 1.0, **column}))


def topics(findings: list[Finding]) -> list[str]:
    return [finding.topic for finding in findings]


# rows -----------------------------------------------------------------------------


@pytest.mark.parametrize(("n_rows", "few"), [(49, True), (50, False)])
def test_fifty_rows_are_not_few(n_rows: int, few: bool) -> None:
    frame = pl.DataFrame({"x": np.arange(n_rows) / 7})
    assert (topics(check_rows(frame, schema(x="continuous"))) == ["few rows"]) is few


@pytest.mark.parametrize(("n_rows", "few"), [(59, True), (60, False)])
def test_two_rows_for_each_column_are_not_few(n_rows: int, few: bool) -> None:
    names = [f"x{j}" for j in range(30)]
    frame = pl.DataFrame(np.random.default_rng(0).normal(size=(n_rows, 30)), schema=names)
    found = check_rows(frame, Schema.build(dict.fromkeys(names, "continuous")))
    assert (topics(found) == ["few rows"]) is few
    if few:
        assert found[0].sentence.startswith("59 rows for 30 columns are few")


@pytest.mark.parametrize(("n_twice", "severity"), [(2, "note"), (3, "warning")])
def test_repeats_above_one_in_a_hundred_are_a_warning(n_twice: int, severity: str) -> None:
    values = np.arange(200) / 7
    values[:n_twice] = values[-n_twice:]
    frame = pl.DataFrame({"x": values, "id": [f"k{i}" for i in range(200)], "z": values})
    (found,) = check_rows(frame, schema(x="continuous", id="identifier", z="continuous"))
    assert found.severity == severity
    assert found.sentence.startswith(f"{n_twice} rows ({n_twice / 2:.1f}%) repeat an earlier one")
    assert "where chance would make 0" in found.sentence


def test_rows_without_repeats_or_judged_columns_say_nothing() -> None:
    frame = pl.DataFrame({"id": ["a"] * 60})
    assert check_rows(frame, schema(id="identifier")) == []
    assert check_rows(pl.DataFrame({"x": np.arange(60)}), schema(x="integer")) == []


# target ---------------------------------------------------------------------------


def labelled(**counts: int) -> pl.DataFrame:
    return pl.DataFrame({"y": [label for label, n in counts.items() for _ in range(n)]})


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"a": 30, "b": 11}, []),
        ({"a": 30, "b": 10}, ["class imbalance"]),
        ({"a": 27, "b": 9}, ["class imbalance", "rare class"]),
        ({"a": 9, "b": 9}, ["rare class"]),
        ({"a": 10, "b": 10}, []),
        ({"a": 9}, []),
    ],
)
def test_classes_are_unequal_from_three_to_one_and_rare_below_ten(
    counts: dict[str, int], expected: list[str]
) -> None:
    assert topics(check_target(labelled(**counts), schema("y", y="categorical"))) == expected


def test_the_largest_and_the_smallest_class_are_named_with_their_rows() -> None:
    imbalance, rare = check_target(labelled(a=5, b=40, c=20), schema("y", y="categorical"))
    assert "'b' has 40 rows, 'a' 5; --balance fill" in imbalance.sentence
    assert rare.severity == "warning"
    assert "1 of the classes of 'y' have fewer than 10 rows ('a')" in rare.sentence


def test_missing_targets_are_counted_and_numbers_have_no_classes() -> None:
    frame = pl.DataFrame({"y": [1.0, None, 3.0, None]})
    (found,) = check_target(frame, schema("y", y="continuous"))
    assert found.topic == "missing target"
    assert "is missing in 2 rows" in found.sentence


# columns --------------------------------------------------------------------------


def test_half_of_the_values_missing_is_many_unless_the_column_is_constant() -> None:
    half = [1.0, 2.0, None, None]
    assert topics(of_column(half, kind="continuous")) == ["many missing values"]
    assert topics(of_column([*half, 3.0], kind="continuous")) == []
    assert topics(of_column(["a", None], kind="constant")) == ["constant column"]


def test_codes_are_counted_and_say_what_became_of_them() -> None:
    (found,) = of_column([1, -9, 3, -9, 5], kind="integer", sentinels=[-9])
    assert found.sentence.startswith("'c' holds -9 in 2 rows, which looks like a code")
    (kept,) = of_column(["a", "?", "b"], kind="categorical", sentinels=["?"])
    assert kept.sentence == "'c' holds '?': kept as a value of its own"
    (gone,) = of_column(["a", None, "b"], kind="categorical", sentinels=["?"])
    assert gone.sentence == "'c' holds '?': taken as missing"


@pytest.mark.parametrize(
    ("kind", "topic", "severity"),
    [
        ("constant", "constant column", "note"),
        ("identifier", "identifier", "note"),
        ("text", "free text", "warning"),
    ],
)
def test_kinds_that_are_treated_in_their_own_way_are_named(
    kind: str, topic: str, severity: str
) -> None:
    (found,) = of_column(["a", "b"], kind=kind)
    assert (found.topic, found.severity, found.columns) == (topic, severity, ["c"])


@pytest.mark.parametrize(("confidence", "unsure"), [(0.69, True), (0.7, False)])
def test_a_kind_is_unsure_below_seven_in_ten(confidence: float, unsure: bool) -> None:
    found = of_column(["a", "b"], kind="categorical", confidence=confidence)
    assert (topics(found) == ["unsure kind"]) is unsure
    if unsure:
        assert "'columns: {c: identifier}'" in found[0].sentence


@pytest.mark.parametrize(("n_levels", "many"), [(1000, False), (1001, True)])
def test_a_thousand_categories_are_not_many(n_levels: int, many: bool) -> None:
    found = of_column([f"k{i}" for i in range(n_levels)], kind="categorical")
    assert ("many categories" in topics(found)) is many


def test_a_long_tail_reaches_ten_times_as_far_as_nine_in_ten_values() -> None:
    bulk = [float(i) for i in range(101)]  # median 50, deciles 10 and 90
    assert topics(of_column([*bulk, 440.0], kind="continuous")) == []
    (above,) = of_column([*bulk, 470.0], kind="continuous")
    assert above.topic == "long tail"
    assert "it reaches 470" in above.sentence
    (below,) = of_column([*bulk, -370.0], kind="integer")
    assert "it reaches -370" in below.sentence
    assert of_column([*bulk[:18], 9999.0], kind="continuous") == []  # nineteen values say nothing
    coded = of_column([*bulk, 9999.0], kind="integer", sentinels=[9999])
    assert topics(coded) == ["sentinel code"]
    assert of_column([5.0] * 30 + [900.0], kind="continuous") == []  # no spread to compare with


def test_values_that_few_rows_share_are_said_to_be_copied() -> None:
    levels = [f"k{i:02}" for i in range(12)]
    rare = [*levels, *(levels[:5] * 4)]  # seven of twelve have one row
    even = [*levels, *(levels[:6] * 4)]  # six of twelve
    few = [*levels[:10], *(levels[:1] * 9)]
    declared = {"kind": "categorical", "categories": levels}
    (found,) = of_column(rare, **declared)
    assert found.topic == "copied values"
    assert found.sentence.startswith("7 of the 12 values of 'c' occur in fewer than 5 rows, and")
    assert "leave it out (drop)" in found.sentence
    assert of_column(even, **declared) == []
    assert of_column(few, **declared) == []


# structure ------------------------------------------------------------------------


def test_rows_in_order_need_ten_values_and_no_gap() -> None:
    kinds = schema(step="integer")
    assert find_sequences(pl.DataFrame({"step": range(10)}), kinds)
    assert not find_sequences(pl.DataFrame({"step": range(9)}), kinds)
    assert not find_sequences(pl.DataFrame({"step": [*range(12), None]}), kinds)
    assert not find_sequences(pl.DataFrame({"other": range(12)}), schema(other="integer"))


def test_time_within_each_patient_is_a_sequence_and_twice_at_once_is_none() -> None:
    visits = {"patient_id": [i // 4 for i in range(40)], "week": [3, 1, 2, 0] * 10}
    kinds = schema(patient_id="integer", week="integer")
    (found,) = find_sequences(pl.DataFrame(visits), kinds)
    assert "within each 'patient_id' it moves on" in found.sentence
    visits["week"] = [3, 3, 2, 0] * 10
    assert find_sequences(pl.DataFrame(visits), kinds) == []


def test_a_key_of_many_rows_each_is_foreign_and_one_of_few_values_is_not() -> None:
    def found(n_values: int, kind: str = "integer") -> list[Finding]:
        frame = pl.DataFrame({"customer_id": [i % n_values for i in range(84)]})
        return find_foreign_keys(frame, schema(customer_id=kind))

    assert "21 values, 4.0 rows each" in found(21)[0].sentence
    assert found(20) == []
    assert found(84) == []
    assert found(21, "identifier") == []


def test_a_header_that_is_data_needs_two_columns_and_a_quarter_of_all() -> None:
    frame = pl.DataFrame({"7": [7, 8], "red": ["red", "blue"], "x": [1, 2]})
    kinds = Schema.build({"7": "integer", "red": "categorical", "x": "integer"})
    (found,) = find_missing_header(frame, kinds)
    assert found.columns == ["7", "red"]
    assert find_missing_header(frame.select("red", "x"), Schema.build(
        {"red": "categorical", "x": "integer"})) == []  # fmt: skip
    wide = frame.with_columns(pl.lit(0).alias(f"y{j}") for j in range(6))
    names = {**dict.fromkeys(wide.columns, "integer"), "red": "categorical"}
    assert find_missing_header(wide, Schema.build(names)) == []
    spans = pl.DataFrame({"took": [dt.timedelta(1)]})
    assert find_missing_header(spans, schema(took="timedelta")) == []


def test_columns_that_decide_each_other_are_pairs_and_one_way_is_none() -> None:
    city = [*"abcd"] * 6
    frame = pl.DataFrame({"city": city, "zip": [f"z{c}" for c in city], "land": [*"xxyz"] * 6})
    kinds = dict.fromkeys(frame.columns, "categorical")
    (found,) = find_duplicate_columns(frame, Schema.build(kinds))
    assert found.columns == ["city", "zip"]
    two = frame.filter(pl.col("city").is_in(["a", "b"]))
    assert find_duplicate_columns(two, Schema.build(kinds)) == []  # two values say little
    once = frame.unique(subset="city", maintain_order=True)
    assert find_duplicate_columns(once, Schema.build(kinds)) == []


@pytest.mark.parametrize(
    ("name", "likely"),
    [("fraud", True), ("loan_class", True), ("label id", True), ("classic", False), ("why", False)],
)
def test_names_that_look_like_a_target(name: str, likely: bool) -> None:
    frame = pl.DataFrame({"x": np.arange(40.0), name: np.arange(40.0), "z": np.arange(40.0)})
    kinds = dict.fromkeys(frame.columns, "continuous")
    assert (find_target(frame, Schema.build(kinds))[0] == name) is likely


def test_of_two_such_names_the_one_with_classes_and_then_the_last_is_taken() -> None:
    frame = pl.DataFrame({"label": [*"ab"] * 20, "response": np.arange(40.0), "y": [*"pq"] * 20})
    kinds = schema(label="categorical", response="continuous", y="categorical")
    assert find_target(frame, kinds)[0] == "y"
    assert (
        find_target(frame.drop("y"), schema(label="categorical", response="continuous"))[0]
        == "label"
    )


@pytest.mark.parametrize(("n_classes", "likely"), [(20, True), (21, False)])
def test_twenty_values_are_classes_and_more_are_not(n_classes: int, likely: bool) -> None:
    frame = pl.DataFrame({"x": np.arange(63.0), "k": [f"k{i % n_classes}" for i in range(63)]})
    name, _ = find_target(frame, schema(x="continuous", k="categorical"))
    assert (name == "k") is likely


# leaks ----------------------------------------------------------------------------


def test_skill_of_classes_is_balanced_accuracy_from_chance_to_one() -> None:
    """Nine in ten of either class are told: balanced accuracy 0.9, skill 0.8."""
    y = pl.Series("y", [*"uv"] * 100)
    other = {"u": "v", "v": "u"}
    mark = pl.Series([other[label] if i // 2 % 10 == 0 else label for i, label in enumerate(y)])
    kinds = schema("y", c="categorical", y="categorical")
    assert predict_alone(mark, y, kinds["c"], kinds["y"]) == pytest.approx(0.8)


def test_leaks_need_thirty_rows_and_a_target_that_can_be_predicted() -> None:
    def leaks(n: int, kind: str = "categorical") -> list[str]:
        frame = pl.DataFrame({"y": [*"uv"] * (n // 2)}).with_columns(
            c=pl.col("y") + "x", t=pl.col("y")
        )
        kinds = schema("y", y=kind, c="categorical", t="text")
        return [finding.columns[0] for finding in find_leaks(frame, kinds)]

    assert leaks(30) == ["c"]
    assert leaks(28) == []
    assert leaks(40, "text") == []


def test_ordinal_columns_and_times_are_taken_in_their_order() -> None:
    days = [dt.date(2020, 1, 1) + dt.timedelta(i) for i in range(60)]
    frame = pl.DataFrame({"day": days, "late": [i >= 30 for i in range(60)]})
    kinds = schema("late", day="date", late="boolean")
    assert predict_alone(frame["day"], frame["late"], kinds["day"], kinds["late"]) > 0.9


# summaries and how they are shown -------------------------------------------------


def test_columns_are_summarised_by_kind() -> None:
    kinds = schema(
        day="date", took="timedelta", key="identifier", same="constant",
        sex={"kind": "categorical", "sentinels": ["?"]},
    )  # fmt: skip
    frame = pl.DataFrame(
        {
            "day": [dt.date(2020, 1, 2), dt.date(2020, 1, 1)],
            "took": [dt.timedelta(seconds=1), dt.timedelta(seconds=3)],
            "key": ["a", "b"],
            "same": ["x", "x"],
            "sex": [None, "m"],
        }
    )
    result = {name: summarise_column(frame[name], kinds[name]) for name in frame.columns}
    assert result["day"].numbers == {"minimum": "2020-01-01", "maximum": "2020-01-02"}
    assert result["took"].numbers["mean"] == 2.0
    assert result["took"].numbers["upper quartile"] in (2.5, 3.0)
    assert result["key"].numbers == {}
    assert result["key"].top == []
    assert result["same"].top == [("x", 2)]
    assert result["sex"].sentinels == {"?": 1}  # it stands for "missing" and is counted there
    assert summarise_column(frame["day"].cast(pl.Date).clear(), kinds["day"]).numbers == {}


def shown(frame: pl.DataFrame, kinds: Schema) -> str:
    console = Console(record=True, width=160)
    with console.capture() as captured:
        console.print(render_profile(profile(frame, kinds)))
    return captured.get()


def test_a_profile_shows_columns_findings_and_origin() -> None:
    frame = pl.DataFrame(
        {"x": [1.0, 2.0, None, 4.0] * 20, "c": [*"aaab"] * 20, "y": [*"pqqp"] * 20}
    )
    text = shown(frame, schema("y", x="continuous", c="categorical", y="categorical"))
    lines = [line.strip() for line in text.splitlines()]
    assert lines[0] == "80 rows, 3 columns"
    assert lines[1] == "target: y"
    (x,) = (line.split() for line in lines if line.startswith("x "))
    assert x[1] == "continuous"
    assert x[3:] == ["25.0%", "3", "1", "·", "2", "·", "4"]
    (c,) = (line for line in lines if line.startswith("c "))
    assert c.endswith("a 60, b 20")
    assert lines[-1].startswith("Origin: ")


def test_many_findings_on_one_topic_are_cut_to_three() -> None:
    def with_constants(n: int) -> str:
        frame = pl.DataFrame({"x": np.arange(60.0), **{f"k{j}": ["v"] * 60 for j in range(n)}})
        kinds = {"x": "continuous", **{f"k{j}": "constant" for j in range(n)}}
        return shown(frame, Schema.build(kinds))

    four, five = with_constants(4), with_constants(5)
    assert four.count("note: constant column") == 4
    assert five.count("note: constant column") == 3
    assert "... and 2 more on constant column (--json lists all)" in five
    assert "nothing looks wrong" in with_constants(0)


def test_long_values_are_cut_and_more_than_three_hinted_at() -> None:
    frame = pl.DataFrame({"c": ["a" * 30, *"bcd"] * 20, "d": ["k" * 24, *"pq"] * 26 + ["p", "q"]})
    text = shown(frame, schema(c="categorical", d="categorical"))
    assert "a" * 23 + "\N{HORIZONTAL ELLIPSIS} 20" in text
    assert "k" * 24 + " 26" in text
    (c,) = (line for line in text.splitlines() if line.startswith("c "))
    assert c.rstrip().endswith(", ...")
