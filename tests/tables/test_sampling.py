"""Tables larger than memory: a fair sample, all categories, and what is said of both."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tablewright import Synthesizer
from tablewright.errors import InputError
from tablewright.tables.io import sampling
from tablewright.tables.io.loading import load_to_learn
from tablewright.tables.io.sampling import (
    LazySource,
    Sample,
    draw_rows,
    large_source,
    read_whole,
)
from tests.cli.running import Runner

ROWS, LIMIT = 20_000, 4_000


def visits() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    city = np.where(rng.random(ROWS) < 0.3, "Rome", "Oslo").astype(object)
    city[[5, 600, 9_000]] = ["Bern", "Cork", "Cork"]
    return pl.DataFrame(
        {
            "age": rng.integers(18, 90, ROWS),
            "city": city.tolist(),
            "ill": np.where(rng.random(ROWS) < 0.02, "yes", "no"),
        }
    )


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MAX_ROWS", LIMIT)
    monkeypatch.setattr(sampling, "MAX_CSV_BYTES", 1 << 16)
    monkeypatch.setattr(sampling, "_BATCH", 3_000)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Runner:
    return Runner(capsys)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "parts"
    path.mkdir()
    for at, part in enumerate(visits().iter_slices(7_000)):
        part.write_parquet(path / f"part-{at}.parquet")
    return path


def test_sample_is_the_same_however_the_rows_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    samples = []
    for size in (1_000, 7_001, 50_000):
        monkeypatch.setattr(sampling, "_BATCH", size)
        samples.append(draw_rows(LazySource(visits().lazy())))
    assert all(n_rows == ROWS for _, n_rows in samples)
    assert all(rows.equals(samples[0][0]) for rows, _ in samples)
    assert samples[0][0].height == LIMIT


def test_every_row_is_as_likely_to_be_taken() -> None:
    rows, _ = draw_rows(LazySource(pl.DataFrame({"n": range(100_000), "m": 0}).lazy()))
    tenths = np.bincount(rows["n"].to_numpy() // 10_000, minlength=10)
    # a count has a standard deviation below 19; six of them are passed once in 10^8 tables
    assert np.abs(tenths - LIMIT / 10).max() < 6 * 19
    assert rows["n"].is_sorted()


def test_few_rows_are_all_taken() -> None:
    few = visits()[:LIMIT]
    rows, n_rows = draw_rows(LazySource(few.lazy()))
    assert (n_rows, rows.equals(few)) == (LIMIT, True)


def test_error_covers_the_share_of_a_value() -> None:
    sample = Sample(n_rows=ROWS, n_sampled=LIMIT)
    assert sample.error == pytest.approx(0.98 / math.sqrt(LIMIT) * math.sqrt(0.8))
    rows, _ = draw_rows(LazySource(visits().lazy()))
    shares = [float((frame["city"] == "Rome").sum()) / frame.height for frame in (rows, visits())]
    assert abs(shares[0] - shares[1]) < 1.5 * sample.error


@pytest.mark.parametrize("form", ["folder", "parquet", "csv"])
def test_categories_and_classes_are_those_of_all_rows(
    folder: Path, tmp_path: Path, form: str
) -> None:
    data = {"folder": folder, "parquet": tmp_path / "v.parquet", "csv": tmp_path / "v.csv"}[form]
    if form == "parquet":
        visits().write_parquet(data)
    if form == "csv":
        visits().write_csv(data)
    table = load_to_learn(data, None, "ill")
    assert table.sample is not None
    assert (table.sample.n_rows, table.frame.height) == (ROWS, LIMIT)
    assert table.schema["city"].categories == ["Bern", "Cork", "Oslo", "Rome"]
    learner = Synthesizer("independent", target="ill", random_state=0).fit(data)
    counted = visits()["ill"].value_counts().sort("ill")["count"].to_list()
    assert learner.class_counts_ == counted
    assert set(learner.sample(200)["ill"]) <= {"no", "yes"}


def test_what_the_sample_misses_is_told(folder: Path) -> None:
    table = load_to_learn(folder, None, None)
    assert table.sample is not None
    seen = set(table.raw["city"])
    missed = [name for name in ("Bern", "Cork") if name not in seen]
    assert missed  # the seed of the sample takes not all three rows
    n_rows = visits()["city"].is_in(missed).sum()
    assert table.sample.unseen == {"city": (len(missed), n_rows)}
    sentences = table.sample.sentences()
    assert "random sample of 4,000 of 20,000 rows" in sentences[0]
    assert "1.4 percentage points" in sentences[0]
    assert f"{len(missed)} values of 'city' ({n_rows} rows)" in sentences[1]


def test_text_file_of_its_own_dialect_is_sampled_in_it(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    amounts = visits().with_columns(pl.col("age").cast(pl.String) + ",5")
    amounts.write_csv(path, separator=";")
    table = load_to_learn(path, None, None)
    assert table.sample is not None
    assert table.frame["age"].dtype == pl.Float64
    assert table.schema.dialect is not None
    assert table.schema.dialect.separator == ";"


def test_text_file_is_streamed_and_never_held_whole(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    visits().write_csv(path)
    source = large_source(path)
    assert isinstance(source, LazySource)
    plan = source.rows.show_graph(engine="streaming", plan_stage="physical", raw_output=True)
    in_memory = 'style=filled,fillcolor="0.0'  # how polars draws a step that needs all rows
    assert plan is not None
    assert "csv" in plan
    assert in_memory not in plan


def test_text_file_written_unusually_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "v.csv"
    visits().write_csv(path)
    path.write_text(path.read_text().replace(",", ", "))
    table = load_to_learn(path, None, None)
    assert (table.sample, table.frame.height) == (None, ROWS)


def test_folder_is_read_whole_where_all_rows_count(folder: Path) -> None:
    assert read_whole(folder)[0].equals(visits())


@pytest.mark.parametrize(
    ("part", "difference"),
    [
        (visits().drop("age"), "it has no column 'age'"),
        (visits().with_columns(other=1), "it has a column 'other' more"),
        (visits().with_columns(pl.col("age").cast(pl.String)), "column 'age' is String, not"),
        (visits().select(sorted(visits().columns, reverse=True)), "their order"),
    ],
)
def test_folder_of_different_tables_is_refused(
    folder: Path, part: pl.DataFrame, difference: str
) -> None:
    part.write_parquet(folder / "part-9.parquet")
    with pytest.raises(InputError, match=r"part-9.parquet has other columns.*" + difference):
        load_to_learn(folder, None, None)


def test_folder_without_parts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder without \.parquet files"):
        load_to_learn(tmp_path, None, None)


def test_fit_says_size_and_error_of_its_sample(run: Runner, folder: Path, tmp_path: Path) -> None:
    outcome = run("fit", folder, "--target", "ill", "--out", tmp_path / "model.tw", "--seed", 1)
    assert outcome.code == 0, outcome.err
    assert "learned from a random sample of 4,000 of 20,000 rows" in outcome.err
    assert "1.4 percentage points" in (tmp_path / "model.tw.manifest.json").read_text()


def test_generator_that_caps_its_rows_says_the_error_of_the_part(folder: Path) -> None:
    learner = Synthesizer("trees", options={"max_rows": 1_000}, random_state=0).fit(folder)
    assert learner.sample_ is not None
    assert learner.sample_.sentences()[0].startswith(
        "learned from a random sample of 1,000 of 20,000 rows: a share is off by at most 3 "
    )
