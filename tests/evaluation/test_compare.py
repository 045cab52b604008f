"""Which method helps: a fair contest, resumed where it stopped."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.evaluation.compare import Comparison, compare
from tablewright.evaluation.compare.compare import _few_of_a_class, _is_skewed, _winner
from tablewright.evaluation.compare.leaderboard import Entry, command_line, crossing, make_entries
from tablewright.evaluation.compare.splits import inner_splits, outer_split
from tablewright.evaluation.compare.trial import Written
from tablewright.schema import Schema
from tablewright.tables.inference.infer import infer_schema
from tests.metrics.tables import SCHEMA, draw


def truth(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
    return Written(draw(n_rows, 1000 + seed), money=0.01)


def turned(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
    other = pl.when(pl.col("label") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    return Written(draw(n_rows, 1000 + seed).with_columns(other.alias("label")))


PRODUCTS = Schema.build(dict.fromkeys(["u", "v", "y"], "continuous"), target="y")


def products(n: int, seed: int) -> pl.DataFrame:
    """Draw two numbers and the sign of their product: sixty rows hardly teach it to trees."""
    u, v = np.random.default_rng(seed).uniform(-1, 1, (2, n))
    return pl.DataFrame({"u": u, "v": v, "y": 5 * np.sign(u * v)})


def true_products(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
    return Written(products(n_rows, 1000 + seed), money=0.01)


def turned_products(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
    return Written(products(n_rows, 1000 + seed).with_columns(-pl.col("y")))


def test_true_rows_win_and_turned_targets_lose() -> None:
    methods = {"truth": true_products, "turned": turned_products}
    result = compare(products(80, 0), PRODUCTS, methods=methods, n_samples=400, n_splits=5)
    names = [entry.method for entry in result.entries]
    assert result.winner == names[0] == "truth"
    assert names[-1] == "turned"
    assert {"nothing", "class weights", "threshold", "copies", "balanced copies"} <= set(names)
    assert result.report is not None
    assert result.entries[0].money == pytest.approx(0.01)
    assert json.loads(result.to_json())["winner"] == "truth"


def test_nothing_wins_where_every_method_harms() -> None:
    result = compare(draw(90, 1), SCHEMA, methods={"turned": turned}, n_splits=3, n_repeats=1)
    assert result.winner == "nothing"
    assert result.report is None


def test_methods_do_not_learn_the_column_of_groups() -> None:
    """Whole groups are on one side of a split, and a method is judged as it is without them."""
    table = draw(90, 1).with_columns(pl.Series("patient", [f"p{k // 3}" for k in range(90)]))
    schema = infer_schema(table, {}, "label")
    result = compare(
        table, schema, methods=["independent"], groups="patient", n_splits=3, n_repeats=1
    )
    assert [entry.error for entry in result.entries] == [""] * 6


def test_the_command_of_the_winner_keeps_the_options_of_the_contest() -> None:
    options = ("--schema", "my schema.yaml", "--model", "gpt", "--base-url", "http://localhost/v1")
    command = command_line("my table.csv", "label", "trees:fill", 60, 3, options)
    assert command == (
        "tablewright generate 'my table.csv' --target label -n auto --out synthetic.csv --method "
        "trees --balance fill --schema 'my schema.yaml' --model gpt --base-url http://localhost/v1 "
        "--seed 3"
    )


def test_a_winner_is_named_only_where_its_interval_shows_a_gain() -> None:
    def ranked(low: float) -> list[Entry]:
        first = Entry("trees", 0.7, 0.02, (low, 0.04), 0.9, 1.0, 0.0, 50, is_control=False)
        return [control("copies", 0.05), first, control("nothing", 0.0)]

    assert _winner(ranked(0.001)) == "trees"
    assert _winner(ranked(-0.001)) == "nothing"
    result = Comparison(ranked(-0.001), "nothing", None, "", "macro_f1")
    assert result._winner_line() == (
        "winner: none, add nothing; trees comes first by +0.020, and its interval, -0.001 to "
        "+0.040, does not show a gain"
    )


def control(method: str, gain: float) -> Entry:
    return Entry(method, 0.7, gain, (0.01, 0.1), 0.9, 0.0, 0.0, 50, is_control=True)


def test_intervals_are_those_of_nadeau_and_bengio() -> None:
    gains = [0.1, 0.3, 0.2, 0.2]
    trials = [
        {"method": m, "split": k, "values": {"macro_f1": v}}
        for m, values in {"nothing": [0.5] * 4, "mine": [0.5 + g for g in gains]}.items()
        for k, v in enumerate(values)
    ]
    entry = make_entries(trials, "macro_f1", ["nothing"], n_train=80, n_test=20)[0]
    error = np.sqrt((1 / 4 + 20 / 80) * np.var(gains, ddof=1))
    width = 3.182446 * error  # Student's t, 3 degrees of freedom
    assert entry.method == "mine"
    assert entry.interval == pytest.approx((0.2 - width, 0.2 + width), abs=1e-6)
    assert entry.improved == 1.0


def test_classes_that_are_too_small_to_be_tested_are_named() -> None:
    frame = draw(60, 1).with_row_index()
    rare = pl.when(pl.col("index") < 8).then(pl.lit("maybe")).otherwise("label")
    result = compare(
        frame.with_columns(label=rare).drop("index"),
        SCHEMA,
        methods={"turned": turned},
        n_splits=3,
        n_repeats=1,
    )
    assert result.notices == [
        "class 'maybe' has 6 of 45 rows, about 2.0 in each fold: whether its rows help cannot be "
        "tested"
    ]


def test_methods_learn_values_and_ranges_of_training_rows_alone() -> None:
    frame = draw(80, 1)
    schema, seen = infer_schema(frame, target="label"), []

    def spy(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
        seen.append((train["age"].max(), schema["age"].maximum))
        return truth(train, schema, n_rows, seed)

    compare(frame, schema, methods={"spy": spy}, n_splits=3, n_repeats=1)
    assert len(seen) >= 3
    assert all(maximum == reported for maximum, reported in seen)
    assert len({reported for _, reported in seen}) > 1


def test_finished_trials_are_not_run_again(tmp_path: Path) -> None:
    index, calls = tmp_path / "trials.jsonl", []

    def counted(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
        calls.append(seed)
        return truth(train, schema, n_rows, seed)

    def run() -> str:
        return compare(
            draw(60, 1),
            SCHEMA,
            methods={"mine": counted},
            n_splits=3,
            n_repeats=1,
            resume=index,
        ).to_json()

    first, n_calls = run(), len(calls)
    lines = index.read_text().splitlines()
    index.write_text("\n".join([*lines[:-1], lines[-1][:20]]))
    again = run()
    assert _without_seconds(first) == _without_seconds(again)
    # the trial that was cut off is run again, and so is the winner's fit where there is a winner
    assert n_calls <= len(calls) <= n_calls + 2
    done = len(calls)
    assert _without_seconds(run()) == _without_seconds(first)
    assert len(calls) <= done + 1, "what was run behind a line that was cut off is kept"


def _without_seconds(text: str) -> list[dict[str, object]]:
    return [{**entry, "seconds": 0} for entry in json.loads(text)["entries"]]


def test_a_method_that_cannot_run_is_a_line_and_no_crash() -> None:
    def broken(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
        raise InputError("no rows today")

    result = compare(draw(60, 1), SCHEMA, methods={"broken": broken}, n_splits=3, n_repeats=1)
    entry = next(e for e in result.entries if e.method == "broken")
    assert entry.value is None
    assert entry.error == "no rows today"


@pytest.mark.slow
def test_processes_find_what_one_process_finds() -> None:
    options = {"methods": ["independent"], "n_splits": 3, "n_repeats": 1}
    one, two = (
        compare(draw(60, 1), SCHEMA, n_jobs=n, **options)  # type: ignore[arg-type]
        for n in (1, 2)
    )
    assert [(e.method, e.value) for e in one.entries] == [(e.method, e.value) for e in two.entries]


def test_groups_are_never_on_both_sides() -> None:
    frame = draw(120, 1).with_columns(person=pl.Series(np.arange(120) // 4))
    outer = outer_split(frame, SCHEMA, 0, groups="person")
    for split in [outer, *inner_splits(frame, SCHEMA, 0, groups="person", n_splits=3)]:
        train, test = (set(frame["person"][indices]) for indices in (split.train, split.test))
        assert not train & test


def test_later_rows_are_predicted_from_earlier_ones() -> None:
    frame = draw(120, 1)
    schema = SCHEMA
    for split in [
        outer_split(frame, schema, 0, time="joined"),
        *inner_splits(frame, schema, 0, time="joined", n_splits=3),
    ]:
        assert frame["joined"][split.train].max() <= frame["joined"][split.test].min()  # type: ignore[operator]


def entry(method: str, gain: float, money: float) -> Entry:
    return Entry(method, 0.5, gain, None, 0.5, 1.0, money, 50, is_control=False)


def test_it_is_said_from_where_local_rows_overtake_paid_ones() -> None:
    curves = {
        n: [entry("model", 0.1, 1.0), entry("trees", gain, 0.0)]
        for n, gain in [(20, 0.0), (50, 0.05), (100, 0.12), (200, 0.2)]
    }
    assert crossing(curves) == "local rows overtake paid ones at 100 training rows"
    assert "up to 50" in str(crossing({n: curves[n] for n in (20, 50)}))
    assert crossing({20: [entry("trees", 0.1, 0.0)]}) is None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"methods": ["treees"]}, "did you mean 'trees'"),
        ({"methods": ["trees:half"]}, "'equal' or 'fill'"),
        ({"methods": ["nothing"]}, "is a control"),
        ({"measure": "r2"}, "no measure 'r2' here"),
        ({"groups": "person"}, "no column 'person'"),
        ({"n_splits": 40}, "too few for 40 folds"),
        ({"n_splits": 1}, "1 folds drawn 2 times: take 2 folds"),
        ({"n_repeats": 0}, "5 folds drawn 0 times"),
        ({"sizes": [20, 37]}, "sizes: 37 training rows are requested, and a split has 36"),
        ({"sizes": [1]}, "sizes: 1 training rows are requested"),
    ],
)
def test_bad_input_is_one_sentence(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        compare(draw(60, 1), SCHEMA, **options)  # type: ignore[arg-type]


def test_a_target_is_needed() -> None:
    with pytest.raises(InputError, match="compare needs a target"):
        compare(draw(60, 1), SCHEMA.with_target(None))


def test_classes_are_counted_whatever_the_target_is_called() -> None:
    schema = Schema.build({"count": "categorical"}, target="count")
    frame = pl.DataFrame({"count": ["a"] * 30 + ["b"] * 4})
    assert _is_skewed(frame, schema)
    assert not _is_skewed(pl.DataFrame({"count": ["a", "b"]}), schema)
    outside = pl.Series([*frame["count"], "c"])
    assert _few_of_a_class(outside, frame["count"], n_splits=5) == [
        f"class {name!r} has {n} of 34 rows, about {n / 5:.1f} in each fold: whether its rows help "
        "cannot be tested"
        for name, n in (("c", 0), ("b", 4))
    ]
    assert _few_of_a_class(frame["count"], pl.Series(["a"] * 15 + ["b"] * 15), n_splits=5) == []
