"""What a user gets from `evaluate`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.evaluation.evaluate import Report, evaluate
from tablewright.evaluation.evaluate.tables import EFFORTS
from tablewright.metrics.verdict import Word
from tests.metrics.tables import SCHEMA, draw


def flipped(n_rows: int, seed: int) -> pl.DataFrame:
    opposite = pl.when(pl.col("label") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes"))
    return draw(n_rows, seed).with_columns(opposite.alias("label"))


def judged(synthetic: pl.DataFrame, n_train: int = 300) -> Report:
    return evaluate(draw(n_train, 1), synthetic, draw(400, 2), schema=SCHEMA, effort="quick")


def test_flipped_labels_harm() -> None:
    assert judged(flipped(600, 3)).verdict.word is Word.HARMS


def test_many_true_rows_help_a_small_table() -> None:
    report = evaluate(draw(16, 11), draw(1500, 12), draw(400, 13), schema=SCHEMA, effort="quick")
    assert report.verdict.word is Word.HELPS
    assert "against copies" in report.verdict.sentence


def test_copies_of_the_training_rows_are_no_evidence_and_are_found() -> None:
    report = judged(draw(300, 1))
    assert report.verdict.word is Word.NO_EVIDENCE
    assert report["exact_copies"].value == 1.0


def test_every_defined_fidelity_number_stands_beside_real_against_real() -> None:
    report = judged(draw(200, 3))
    for score in report.sections["fidelity"]:
        assert score.value is None or "real" in score.reference


def test_json_is_plain_versioned_and_complete() -> None:
    report = judged(draw(200, 3))
    data = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert data["version"] == 2
    assert data["verdict"]["verdict"] in {"helps", "no evidence", "harms"}
    assert {arm["arm"] for arm in data["arms"]} >= {"real", "synthetic", "augmented", "resampled"}
    assert len(data["sections"]) == 3


def test_terminal_form_starts_with_the_verdict() -> None:
    text = judged(draw(200, 3)).summary()
    assert text.splitlines()[0].startswith(("no evidence", "helps", "harms"))
    assert "detection, boosted trees" in text


def test_same_seed_same_report() -> None:
    first, again = (judged(draw(120, 3)).to_dict() for _ in range(2))
    first["facts"].pop("seconds")
    again["facts"].pop("seconds")
    assert first == again


def test_regression_target_is_judged() -> None:
    schema = SCHEMA.with_target("income")
    report = evaluate(draw(200, 1), draw(200, 3), draw(200, 2), schema=schema, effort="quick")
    assert report["tstr_r2"].value is not None
    assert report.verdict.measure == "r2"


def test_without_a_target_the_rest_is_judged() -> None:
    report = evaluate(
        draw(200, 1), draw(200, 3), draw(200, 2), schema=SCHEMA.with_target(None), effort="quick"
    )
    assert "no target" in report.verdict.sentence
    assert report["column_shapes"].defined


def test_groups_on_both_sides_are_noticed() -> None:
    frames = [draw(n, s).with_columns(person=np.arange(n) // 4) for n, s in [(200, 1), (120, 2)]]
    schema = type(SCHEMA).build(
        [*SCHEMA.columns, {"name": "person", "kind": "integer"}], target="label"
    )
    result = draw(150, 3)
    report = evaluate(frames[0], result, frames[1], schema=schema, groups="person", effort="quick")
    assert any("person" in notice for notice in report.notices)


def test_a_class_that_generated_rows_lack_is_survived() -> None:
    report = judged(draw(200, 3).with_columns(label=pl.lit("no")))
    assert report["tstr_macro_f1"].value is not None


@pytest.mark.parametrize("n_rows", [1, 2, 5])
def test_tiny_tables_give_a_report(n_rows: int) -> None:
    report = evaluate(
        draw(n_rows, 1), draw(n_rows, 3), draw(n_rows, 2), schema=SCHEMA, effort="quick"
    )
    assert any("holdout has" in notice for notice in report.notices)


def test_bad_input_is_one_sentence() -> None:
    train, result, held = draw(50, 1), draw(50, 3), draw(50, 2)
    with pytest.raises(InputError, match="synthetic table has no column 'age'"):
        evaluate(train, result.drop("age"), held, schema=SCHEMA)
    with pytest.raises(InputError, match="synthetic table has no rows"):
        evaluate(train, result.clear(), held, schema=SCHEMA)
    with pytest.raises(InputError, match="effort is 'quick' or 'full'"):
        evaluate(train, result, held, schema=SCHEMA, effort="hasty")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no measure 'macrof1'"):
        evaluate(train, result, held, schema=SCHEMA, measure="macrof1", effort="quick")


def test_an_imputer_is_held_against_simple_means() -> None:
    def mode(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.with_columns(pl.all().fill_null(pl.all().drop_nulls().mode().first()))

    report = evaluate(
        draw(150, 1), draw(100, 3), draw(150, 2), schema=SCHEMA, effort="quick", impute=mode
    )
    assert report["imputation_error"].defined
    assert set(report["imputation_error"].reference) == {"mean or mode", "draw", "neighbours"}
    assert "Imputation" in report.to_html()


def test_subgroups_are_broken_down_and_time_is_checked() -> None:
    report = evaluate(
        draw(150, 1),
        draw(100, 3),
        draw(200, 2),
        schema=SCHEMA,
        effort="quick",
        subgroups="city",
        time="joined",
    )
    assert {part["value"] for part in report.subgroups} >= {"ash", "birch"}
    assert any("do not speak about the future" in notice for notice in report.notices)


def test_a_class_mix_that_was_made_even_is_judged_within_classes() -> None:
    rng = np.random.default_rng(0)

    def table(n_rare: int, n_common: int) -> pl.DataFrame:
        labels = ["rare"] * n_rare + ["common"] * n_common
        shift = [3.0] * n_rare + [0.0] * n_common
        return pl.DataFrame({"x": rng.normal(size=len(labels)) + shift, "y": labels})

    train, holdout = table(20, 180), table(20, 180)
    for synthetic, within in (
        (table(100, 100), True), (table(160, 0), True), (table(20, 180), False)
    ):  # fmt: skip
        report = evaluate(train, synthetic, holdout, "y", effort="quick")
        said = any("the class mix was requested" in notice for notice in report.notices)
        assert said is within


def test_large_tables_are_judged_on_samples_that_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tablewright.tables.io.sampling.MAX_ROWS", 300)
    monkeypatch.setitem(EFFORTS, "quick", replace(EFFORTS["quick"], test_rows=100))
    folders = []
    for seed, name in enumerate(("train", "rows")):
        (tmp_path / name).mkdir()
        for part in range(2):
            draw(250, 10 * seed + part).write_parquet(tmp_path / name / f"part-{part}.parquet")
        folders.append(tmp_path / name)
    report = evaluate(folders[0], folders[1], draw(200, 30), schema=SCHEMA, effort="quick")
    assert report.facts["rows"] == {"train": 300, "synthetic": 300, "holdout": 200}
    notes = "\n".join(report.notices)
    for rows in ("training", "synthetic"):
        # 1.96 * 0.5 * sqrt((1 - 300 / 500) / 300)
        assert f"a random sample of 300 of 500 {rows} rows: a share is off by at most 3.6 " in notes
    assert "models judged on 100 of 200 holdout rows, drawn at random" in notes
