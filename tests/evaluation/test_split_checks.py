"""A holdout that is none is an error or an alarm, on console, in JSON and on the page."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from tablewright.errors import InputError
from tablewright.evaluation.evaluate import evaluate
from tablewright.evaluation.evaluate.split_checks import check_split
from tablewright.metrics.encoder import FeatureEncoder
from tablewright.metrics.verdict import Word
from tablewright.schema import Schema
from tablewright.tables.io.provenance import Origin, write_filled, write_rows
from tests.metrics.tables import SCHEMA, draw


def alarms(train: pl.DataFrame, synthetic: pl.DataFrame, holdout: pl.DataFrame) -> list[str]:
    encoder = FeatureEncoder.fit(train, SCHEMA)
    train_rows, written, held = (encoder.rows(rows) for rows in (train, synthetic, holdout))
    return check_split(train_rows, written, held, np.random.default_rng(0))


def test_the_training_rows_as_holdout_are_refused() -> None:
    with pytest.raises(InputError, match="200 of 200 holdout rows are training rows"):
        alarms(draw(200, 1), draw(200, 3), draw(200, 1))
    with pytest.raises(InputError, match="50 of 50 holdout rows are training rows"):
        alarms(draw(200, 1), draw(200, 3), draw(200, 1).tail(50))


@pytest.mark.parametrize("n_shared", [10, 50])
def test_a_holdout_that_overlaps_is_an_alarm(n_shared: int) -> None:
    holdout = pl.concat([draw(200, 1).head(n_shared), draw(100 - n_shared, 2)])
    (alarm,) = alarms(draw(200, 1), draw(200, 3), holdout)
    assert alarm.startswith(f"{n_shared} of 100 holdout rows are training rows, beyond what")


@pytest.mark.parametrize("column", ["income", "label"])
def test_training_rows_with_one_column_changed_are_no_holdout(column: str) -> None:
    changed = draw(200, 1).with_columns(
        pl.col("income").round(0),
        label=pl.col("label").replace({"yes": "no", "no": "yes"}),
    )
    holdout = draw(200, 1).with_columns(changed[column])
    result = alarms(draw(200, 1), draw(200, 3), holdout)
    assert any(f"of 200 holdout rows are training rows but for one column, most often {column!r}"
               in alarm for alarm in result)  # fmt: skip


def jittered(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return frame.with_columns(
        age=pl.col("age") + pl.Series(rng.integers(-1, 2, len(frame))),
        income=(pl.col("income") + pl.Series(rng.normal(0, 40, len(frame)))).round(2),
        joined=pl.col("joined").dt.offset_by("2d"),
    )


def rounded(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(
        age=(pl.col("age") / 10).round(0).cast(pl.Int64) * 10,
        income=(pl.col("income") / 1000).round(0) * 1000,
    )


@pytest.mark.parametrize("n_changed", [60, 200])
def test_training_rows_with_all_numbers_changed_are_no_holdout(n_changed: int) -> None:
    train = draw(200, 1)
    for change, words in (
        (lambda frame: jittered(frame, 0), "holdout rows stand alone beside a training row"),
        (rounded, "holdout rows are training rows with rounded numbers"),
    ):
        # the rows of its own that the holdout has are as coarse
        holdout = pl.concat([change(train.head(n_changed)), change(draw(200 - n_changed, 2))])
        assert words in alarms(train, draw(200, 3), holdout)[0]


def test_holdout_rows_among_the_generated_ones_are_seen_when_changed() -> None:
    (alarm,) = alarms(draw(200, 1), jittered(draw(200, 2), 0), draw(200, 2))
    assert "generated rows stand alone beside a holdout row, beyond what chance explains" in alarm


def test_a_holdout_that_is_coarser_by_nature_is_not_called_training_rows() -> None:
    for seed in range(0, 24, 3):
        result = alarms(draw(150, seed), draw(90, seed + 1), rounded(draw(90, seed + 2)))
        assert all("are told from training rows" in alarm for alarm in result)


def test_rows_nearer_to_the_holdout_are_an_alarm() -> None:
    created = jittered(draw(300, 2), 0).with_columns(city=pl.lit("ash"), label=pl.lit("no"))
    report = evaluate(draw(300, 1), created, draw(300, 2), schema=SCHEMA, effort="quick")
    assert any("generated rows lie nearer to holdout than to training" in a for a in report.alarms)
    right = evaluate(draw(300, 2), created, draw(300, 1), schema=SCHEMA, effort="quick")
    assert not right.alarms


def test_files_that_we_wrote_are_no_real_rows(tmp_path: Path) -> None:
    train, holdout, made = (str(tmp_path / f"{name}.csv") for name in ("train", "held", "made"))
    draw(80, 1).write_csv(train)
    draw(60, 2).write_csv(holdout)
    write_rows([draw(80, 3)], made, Origin(method="trees", n_real_rows=80), draw(80, 1))
    for files, name in (((made, train, holdout), "training"), ((train, holdout, made), "holdout")):
        report = evaluate(*files, "label", effort="quick")
        assert report.alarms[0].startswith(f"100% of the {name} rows were written by tablewright")
    assert not evaluate(train, made, holdout, "label", effort="quick").alarms


def test_real_rows_of_which_we_filled_cells_are_real(tmp_path: Path) -> None:
    train = tmp_path / "train.csv"
    filled, origin = pl.repeat(True, 80, eager=True), {"filled": {"age": 80}}
    made_of = Origin(method="trees", n_real_rows=80, options=origin)
    write_filled(draw(80, 1), filled, train, made_of)
    assert not evaluate(train, draw(80, 3), draw(60, 2), "label", effort="quick").alarms


def categories(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    return pl.DataFrame({"a": rng.choice([*"uvw"], n), "b": rng.choice([*"pqr"], n),
                         "c": rng.choice([*"st"], n)})  # fmt: skip


def test_the_training_rows_in_another_order_are_refused_where_all_rows_repeat() -> None:
    schema = Schema.build(dict.fromkeys("abc", "categorical"))
    train = categories(300, 0)
    encoder = FeatureEncoder.fit(train, schema)
    real, written, held, same = map(
        encoder.rows,
        (train, categories(300, 1), categories(300, 2), train.sample(300, shuffle=True, seed=0)),
    )
    assert not check_split(real, written, held, np.random.default_rng(0))
    with pytest.raises(InputError, match="300 of 300 holdout rows are training rows"):
        check_split(real, written, same, np.random.default_rng(0))


def test_more_real_rows_that_are_the_holdout_are_an_alarm() -> None:
    report = evaluate(
        draw(80, 1), draw(80, 3), draw(40, 2), schema=SCHEMA, effort="quick", more_real=draw(40, 2)
    )
    assert report.alarms[0].startswith("40 of 40 holdout rows are rows of more_real")


def test_generated_rows_that_are_the_holdout_are_an_alarm() -> None:
    (alarm,) = alarms(draw(200, 1), draw(100, 2), draw(100, 2))
    assert alarm.startswith("100 of 100 generated rows are holdout rows")


def test_clean_splits_raise_no_alarm() -> None:
    for seed in range(12):
        assert not alarms(draw(60, 3 * seed), draw(60, 3 * seed + 1), draw(60, 3 * seed + 2))


def test_rows_that_repeat_by_nature_raise_no_alarm() -> None:
    schema = Schema.build({"a": "categorical", "b": "categorical", "c": "integer"})

    def few(n: int, seed: int) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        values = {"a": rng.choice(["u", "v", "w"], n), "b": rng.choice(["p", "q"], n)}
        return pl.DataFrame({**values, "c": rng.poisson(2, n)})

    for seed in range(0, 24, 3):
        frames = [few(n, seed + k) for k, n in enumerate((80, 60, 40))]
        encoder = FeatureEncoder.fit(frames[0], schema)
        train, result, held = map(encoder.rows, frames)
        assert not check_split(train, result, held, np.random.default_rng(seed))


def shifted(n: int, seed: int) -> pl.DataFrame:
    return draw(n, seed).with_columns(income=pl.col("income") * 4, city=pl.lit("cedar"))


def test_swapped_arguments_are_an_alarm_that_says_so() -> None:
    train, written, holdout = draw(200, 1), shifted(200, 2), draw(200, 3)
    assert not alarms(train, written, holdout)
    for tables in [(train, holdout, written), (written, train, holdout)]:
        (alarm,) = alarms(*tables)
        assert "the arguments look swapped (they are training, generated, holdout), or" in alarm


def test_another_mix_of_classes_is_no_alarm() -> None:
    rare = draw(600, 1).filter((pl.col("label") == "no") | (pl.int_range(pl.len()) < 60))
    assert not alarms(rare, draw(300, 2), draw(300, 3))


def test_a_holdout_of_another_distribution_is_an_alarm() -> None:
    (alarm,) = alarms(
        draw(200, 1), draw(200, 2).with_columns(city=pl.lit("birch")), shifted(200, 3)
    )
    assert "they are not of one distribution" in alarm


def test_an_alarm_stands_on_console_json_and_page_in_red() -> None:
    holdout = pl.concat([draw(80, 1).head(40), draw(40, 2)])
    report = evaluate(draw(80, 1), draw(80, 3), holdout, schema=SCHEMA, effort="quick")
    (alarm,) = report.alarms
    assert report.summary(200).splitlines()[0] == f"ALARM: {alarm}"
    text = io.StringIO()
    Console(file=text, force_terminal=True, width=300, color_system="standard").print(report)
    assert "\x1b[1;31mALARM" in text.getvalue()
    assert json.loads(report.to_json())["alarms"] == [alarm]
    page = report.to_html()
    assert page.index('class="alarms"') < page.index("Can I use it?")
    assert "40 of 80 holdout rows are training rows" in page


@pytest.mark.parametrize(
    ("holdout", "words"),
    [
        (draw(1, 2), "the holdout has 1 rows with a known target, and a verdict needs 10"),
        (draw(9, 2), "the holdout has 9 rows"),
        (
            draw(80, 2).filter(pl.col("label") == "no"),
            "all holdout rows have the target 'no'",
        ),
        (
            draw(80, 2).with_columns(label=pl.lit(None, pl.String)),
            "no holdout row has a known value",
        ),
    ],
)
def test_a_holdout_of_few_rows_or_one_class_gives_no_verdict(
    holdout: pl.DataFrame, words: str
) -> None:
    report = evaluate(draw(60, 1), draw(60, 3), holdout, schema=SCHEMA, effort="quick")
    assert report.verdict.word is Word.NO_EVIDENCE
    assert words in report.verdict.sentence
    assert not report.arms


def test_columns_that_are_not_judged_need_not_be_there_and_are_named() -> None:
    schema = Schema.build(
        [
            *SCHEMA.columns,
            {"name": "key", "kind": "identifier"},
            {"name": "land", "kind": "constant"},
        ],
        target="label",
    )
    train = draw(60, 1).with_columns(key=pl.arange(60).cast(pl.String), land=pl.lit("here"))
    result = draw(60, 3).with_columns(extra=pl.lit(1))
    report = evaluate(train, result, draw(60, 2), schema=schema, effort="quick")
    assert "not judged: 'key' (identifiers)" in report.notices
    reported = "not judged: 'extra' of the synthetic table, which the training rows do not have"
    assert reported in report.notices
    assert report["column_shapes"].details["columns"]["land"] == 1.0


def test_a_column_of_whole_numbers_that_is_all_halves_is_seen() -> None:
    created = draw(80, 3).with_columns(age=pl.col("age").cast(pl.Float64) + 0.5)
    report = evaluate(draw(80, 1), created, draw(80, 2), schema=SCHEMA, effort="quick")
    assert any(
        "100% of the generated cells of 'age' are no whole numbers" in n for n in report.notices
    )
    assert report["range_adherence"].details["columns"]["age"] == 0.0
    assert any(result.score == "range_adherence" for result in report.findings)


def test_a_class_mix_that_was_requested_does_not_count_against_fidelity() -> None:
    train, holdout = draw(400, 1), draw(300, 2)
    pool = draw(1500, 3)
    even = pl.concat([pool.filter(label=c).head(n) for c, n in (("yes", 200), ("no", 50))])
    plain = evaluate(train, even, holdout, schema=SCHEMA, effort="quick")
    within = evaluate(train, even, holdout, schema=SCHEMA, effort="quick", balanced=True)
    by_manifest = evaluate(
        train, even, holdout, schema=SCHEMA, effort="quick",
        provenance={"options": {"balance": "equal"}},
    )  # fmt: skip
    shapes = [r["column_shapes"].details["columns"]["label"] for r in (plain, within, by_manifest)]
    assert shapes[0] < 0.75
    assert shapes[1] > 0.99
    assert shapes[1] == shapes[2]
    assert any("judged within classes, on" in notice for notice in within.notices)


def test_nothing_left_to_gain_is_said() -> None:
    def apart(n: int, seed: int) -> pl.DataFrame:
        rng = np.random.default_rng(seed)
        y = rng.choice(["a", "b"], n)
        return pl.DataFrame({"x": rng.normal(0, 1, n) + 20 * (y == "b"), "y": y})

    report = evaluate(apart(60, 1), apart(60, 2), apart(60, 3), "y", effort="quick")
    assert report.verdict.sentence == (
        "nothing left to gain: real rows alone already reach 1.000 (macro-F1)"
    )
    assert report.verdict.word is Word.NO_EVIDENCE


def test_column_shapes_use_every_row() -> None:
    train, result, holdout = draw(300, 1), draw(900, 3), draw(50, 2)
    report = evaluate(train, result, holdout, schema=SCHEMA, effort="quick")
    score = report["column_shapes"]
    each = score.details["columns"].values()
    assert score.value == pytest.approx(np.mean(list(each)))
    real, other = (frame["age"].to_numpy() for frame in (train, result))
    from scipy.stats import ks_2samp

    assert score.details["columns"]["age"] == pytest.approx(1 - ks_2samp(real, other).statistic)
