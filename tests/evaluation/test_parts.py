"""Parts of evaluation, comparison and profile with values by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from tablewright.evaluation.compare.leaderboard import Entry, crossing
from tablewright.evaluation.compare.splits import inner_splits, outer_split
from tablewright.evaluation.evaluate.findings import findings_of
from tablewright.evaluation.profile.leaks import predict_alone
from tablewright.evaluation.profile.structure import find_sequences, find_target
from tablewright.evaluation.profile.summaries import summarise_column, to_numbers
from tablewright.markup import number
from tablewright.metrics.scores import Direction, Score
from tablewright.schema import Schema

LABELLED = Schema.build({"g": "categorical", "y": "categorical"}, target="y")


def groups() -> pl.DataFrame:
    return pl.DataFrame({"g": [*"aabbccddee"] * 2, "y": [*"uv"] * 10})


# splits ---------------------------------------------------------------------------


def test_every_part_of_time_is_predicted_from_all_before_it() -> None:
    frame = pl.DataFrame({"day": [5, 3, 1, 4, 2, 0, 9, 8, 7, 6, 11, 10], "y": [*"uv"] * 6})
    schema = Schema.build({"day": "integer", "y": "categorical"}, target="y")
    splits = inner_splits(frame, schema, 0, time="day", n_splits=5)
    days = frame["day"].to_numpy()
    assert [sorted(days[split.test]) for split in splits] == [
        [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]
    ]  # fmt: skip
    assert all(sorted(days[s.train]) == list(range(min(days[s.test]))) for s in splits)


def test_folds_keep_classes_in_proportion_and_groups_whole() -> None:
    frame = groups()
    plain = inner_splits(frame, LABELLED, 0, n_splits=5, n_repeats=2)
    assert len(plain) == 10
    for split in plain:
        assert (frame["y"].to_numpy()[split.test] == "u").sum() == 2
    whole = inner_splits(frame, LABELLED, 0, groups="g", n_splits=5, n_repeats=1)
    names = frame["g"].to_numpy()
    assert sorted(names[split.test][0] for split in whole) == [*"abcde"]
    assert all(len(set(names[split.test])) == 1 for split in whole)


def test_one_part_in_four_is_set_aside_and_rare_classes_do_not_stop_it() -> None:
    frame = pl.DataFrame({"g": ["a"] * 40, "y": ["u"] * 38 + ["v", "w"]})
    split = outer_split(frame, LABELLED, 0)
    assert (len(split.train), len(split.test)) == (30, 10)
    assert sorted([*split.train, *split.test]) == list(range(40))


# leaderboard ----------------------------------------------------------------------


def entry(method: str, gain: float | None, money: float = 0.0, control: bool = False) -> Entry:
    return Entry(method, 0.5, gain, None, 0.5, 1.0, money, 100, control)


@pytest.mark.parametrize(
    ("gains", "sentence"),
    [
        ({20: (0.1, 0.3), 80: (0.2, 0.1)}, "local rows overtake paid ones at 80 training rows"),
        ({20: (0.1, 0.3), 80: (0.1, 0.2)}, "paid rows are ahead of local ones up to 80 training"),
        ({20: (0.3, 0.3), 80: (0.3, 0.1)}, "at every size tried, from 20 rows on"),
    ],
)
def test_local_rows_overtake_where_they_are_ahead_for_good(
    gains: dict[int, tuple[float, float]], sentence: str
) -> None:
    curves = {
        n: [entry("local", local), entry("paid", paid, 0.2), entry("copies", 9.0, control=True)]
        for n, (local, paid) in gains.items()
    }
    assert sentence in (crossing(curves) or "")


def test_without_paid_rows_nothing_is_overtaken() -> None:
    assert crossing({20: [entry("local", 0.1), entry("failed", None)]}) is None


# findings -------------------------------------------------------------------------


def test_a_finding_needs_its_whole_interval_on_the_bad_side() -> None:
    def found(value: float, interval: tuple[float, float] | None, real: float) -> list[str]:
        score = Score("coverage", value, Direction.HIGHER, "", interval, {"real": real})
        return [finding.sentence for finding in findings_of([score])]

    assert found(0.5, (0.4, 0.6), 0.7) == [
        "parts of the real rows are not covered (coverage 0.50, real rows 0.70)"
    ]
    assert found(0.5, (0.4, 0.7), 0.7) == []
    assert found(0.5, None, 0.7) == []


def test_cells_out_of_range_are_reported_as_what_is_off() -> None:
    score = Score("range_adherence", 0.9, Direction.HIGHER, "", (0.88, 0.92), {"real": 0.995})
    assert findings_of([score])[0].sentence == (
        "10.0% of generated cells are outside the real ranges and categories (real rows 0.5%)"
    )


# numbers --------------------------------------------------------------------------


def test_numbers_are_written_for_people() -> None:
    minus = "\N{MINUS SIGN}"
    assert [number(v) for v in (None, -0.5, 9_999.4, -12_345.6, 7)] == [
        "–", f"{minus}0.500", "9999.400", f"{minus}12,346", "7"
    ]  # fmt: skip
    assert number(0.126, 2) == "0.13"


# profile --------------------------------------------------------------------------


def test_numbers_are_summarised_as_numpy_does() -> None:
    schema = Schema.build({"x": {"kind": "continuous", "sentinels": [-9]}})
    series = pl.Series("x", [1.0, 2.0, 4.0, 10.0, None, -9.0])
    result = summarise_column(series, schema["x"])
    assert (result.n_missing, result.n_distinct, result.sentinels) == (1, 5, {"-9": 1})
    values = series.drop_nulls().to_numpy()
    assert result.numbers is not None
    assert result.numbers["mean"] == pytest.approx(values.mean())
    assert result.numbers["standard deviation"] == pytest.approx(values.std(ddof=1))
    assert result.numbers["median"] == np.median(values)
    assert (result.numbers["minimum"], result.numbers["maximum"]) == (-9.0, 10.0)


def test_categories_are_listed_by_frequency() -> None:
    schema = Schema.build({"c": "categorical"})
    result = summarise_column(pl.Series("c", [*"abbccc", None]), schema["c"])
    assert result.top == [("c", 3), ("b", 2), ("a", 1)]


def test_times_are_numbers_of_days_or_microseconds() -> None:
    day = dt.date(1970, 1, 3)
    assert to_numbers(pl.Series([day])).to_list() == [2.0]
    assert to_numbers(pl.Series([dt.datetime(1970, 1, 1, 0, 0, 1)])).to_list() == [1e6]
    assert to_numbers(pl.Series([dt.timedelta(milliseconds=3)])).to_list() == [3000.0]


def test_the_skill_of_a_column_is_one_without_error_and_about_none_by_chance() -> None:
    schema = Schema.build({"x": "continuous", "c": "categorical", "y": "categorical"}, target="y")
    draws = np.random.default_rng(0)
    y = pl.Series("y", draws.choice([*"uv"], 300))
    sure = y.replace({"u": "p", "v": "q"})
    assert predict_alone(sure, y, schema["c"], schema["y"]) == pytest.approx(1.0)
    noise = pl.Series("x", draws.normal(size=300))
    assert abs(predict_alone(noise, y, schema["x"], schema["y"])) < 0.2
    numbers = Schema.build({"x": "continuous", "z": "continuous"}, target="z")
    assert predict_alone(noise, 2 * noise, numbers["x"], numbers["z"]) > 0.95
    few = pl.Series("y", ["u"] * 297 + ["v"] * 3)  # a class of three rows cannot be cross-fitted
    assert predict_alone(noise, few, schema["x"], schema["y"]) == 0.0


def test_a_target_is_guessed_by_its_name_then_by_its_place() -> None:
    frame = pl.DataFrame({"a": [*"uvuv"], "target": [1.0, 2.0, 3.0, 4.0], "z": [*"pqpq"]})
    kinds = {"a": "categorical", "target": "continuous", "z": "categorical"}
    assert find_target(frame, Schema.build(kinds)) == ("target", "its name says so")
    assert find_target(frame, Schema.build(kinds, target="a")) == (None, "named by the user")
    del kinds["target"]
    name, why = find_target(frame.drop("target"), Schema.build(kinds))
    assert (name, why) == ("z", "it is the last column and has 2 classes")
    frame = pl.DataFrame({"x": [1.0, 2.5]})
    assert find_target(frame, Schema.build({"x": "continuous"}))[0] is None


def test_rows_in_the_order_of_a_date_are_a_sequence_and_shuffled_ones_are_not() -> None:
    days = pl.date_range(dt.date(2020, 1, 1), dt.date(2020, 3, 1), eager=True).alias("when")
    schema = Schema.build({"when": "date"})
    [finding] = find_sequences(pl.DataFrame([days]), schema)
    assert finding.columns == ["when"]
    assert "the rows stand in its order" in finding.sentence
    assert find_sequences(pl.DataFrame([days.reverse()]), schema)
    assert not find_sequences(pl.DataFrame([days.shuffle(1)]), schema)
