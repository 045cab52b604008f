"""``tablewright label`` and ``tablewright models``: what a user sees of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tablewright.tables.io.provenance import manifest_path, read_manifest
from tablewright.testing import Faults, StandIn
from tablewright.testing.server import serve
from tests.cli.running import Runner, put, visits

pytest.importorskip("xllamacpp")
pytest.importorskip("gguf")

from tests.llm.tiny_llama import write_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "tiny.gguf"
    write_model(path)
    return f"gguf:{path}?threads=1"


def asked() -> pl.DataFrame:
    return visits(12, seed=3).drop("ill")


def test_rows_get_a_probability_for_each_class(run: Runner, model: str, tmp_path: Path) -> None:
    train, table = put(tmp_path, visits(30)), put(tmp_path, asked(), "table.csv")
    out, again, folder = tmp_path / "out.csv", tmp_path / "again.csv", tmp_path / "run"
    given = ("label", table, "--train", train, "--target", "ill", "--model", model, "--seed", 4,
             "--run", folder, "--draw")  # fmt: skip
    done = run(*given, "--out", out)
    assert done.code == 0, done.err
    rows = pl.read_csv(out)
    assert rows.columns == [*asked().columns, "ill=no", "ill=yes", "ill=drawn"]
    sums = rows.select(pl.sum_horizontal("ill=no", "ill=yes")).to_series().to_numpy()
    assert sums == pytest.approx(1.0, abs=1e-5)
    assert set(rows["ill=drawn"]) <= {"no", "yes"}
    assert "weight of the model" in done.err
    origin = read_manifest(manifest_path(out)).origin
    assert (origin.method, origin.n_real_rows, origin.source) == ("label", 30, "table.csv")
    assert "no sign that the model knows this table by heart" in done.err
    assert origin.options["memorized"]["suspicious"] is False
    replayed = run(*given, "--out", again, "--replay")
    assert replayed.code == 0, replayed.err
    assert again.read_bytes() == out.read_bytes()


def test_without_real_rows_the_classes_are_named(run: Runner, model: str, tmp_path: Path) -> None:
    table, out = put(tmp_path, asked(), "table.csv"), tmp_path / "out.csv"
    given = ("label", table, "--target", "ill", "--model", model, "--out", out,
             "--run", tmp_path / "run")  # fmt: skip
    refused = run(*given)
    assert (refused.code, out.exists()) == (2, False)
    assert "name them: --classes A,B" in refused.err
    done = run(*given, "--classes", "no,yes")
    assert done.code == 0, done.err
    assert pl.read_csv(out).columns[-2:] == ["ill=no", "ill=yes"]


def test_without_a_model_real_rows_judge_alone(run: Runner, tmp_path: Path) -> None:
    train, table = put(tmp_path), put(tmp_path, asked(), "table.csv")
    done = run("label", table, "--train", train, "--target", "pulse", "--out", tmp_path / "o.csv")
    assert done.code == 2
    assert "lacks the column 'ill' of the training rows" in done.err
    whole = put(tmp_path, visits(12, seed=3).drop("pulse"), "whole.csv")
    done = run("label", whole, "--train", train, "--target", "pulse", "--out", tmp_path / "o.csv")
    assert done.code == 0, done.err
    rows = pl.read_csv(tmp_path / "o.csv")
    assert rows["pulse=expected"].is_between(*_range(visits()["pulse"])).all()
    assert "weight of the model 0.00" in done.err


def _range(column: pl.Series) -> tuple[float, float]:
    values = column.to_numpy()
    return float(values.min()), float(values.max())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [((), "--train FILE, from --model NAME"), (("--train", "train.csv"), "did you mean 'ill'?")],
)
def test_what_is_missing_is_asked_for(
    run: Runner, tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    put(tmp_path)
    table, out = put(tmp_path, asked(), "table.csv"), tmp_path / "out.csv"
    paths = [tmp_path / option if option.endswith(".csv") else option for option in options]
    done = run("label", table, "--target", "il", "--out", out, *paths)
    assert done.code == 2
    assert sentence in done.err
    assert not out.exists()


def test_a_dry_run_counts_the_questions(run: Runner, tmp_path: Path) -> None:
    train, table = put(tmp_path, visits(30)), put(tmp_path, asked(), "table.csv")
    done = run("label", table, "--train", train, "--target", "ill", "--model", "any",
               "--share", "rows", "--out", tmp_path / "out.csv", "--dry-run")  # fmt: skip
    assert done.code == 0, done.err
    assert "47 calls" in done.out
    assert not (tmp_path / "out.csv").exists()


def test_models_are_listed_with_what_they_can_do(
    run: Runner, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = model.removeprefix("gguf:")
    done = run("models", path, "--base-url", "http://localhost:1/v1", "--json")
    assert done.code == 0, done.err
    result = json.loads(done.out)
    assert (result["schema"], result["log_probabilities"], result["slots"]) == (True, True, 2)
    shown = run("models", path, "--base-url", "http://localhost:1/v1")
    assert "JSON Schema yes" in shown.out
    assert "--model gguf:" in shown.out


def test_no_model_is_said(run: Runner) -> None:
    done = run("models", "--base-url", "http://localhost:1/v1")
    assert done.code == 0
    assert "no model was found" in done.out


def test_at_a_cap_the_rows_that_were_answered_are_written(
    run: Runner, model: str, tmp_path: Path
) -> None:
    train, table = put(tmp_path, visits(6)), put(tmp_path, asked(), "table.csv")
    out = tmp_path / "out.csv"
    done = run("label", table, "--train", train, "--target", "ill", "--model", model, "--out", out,
               "--run", tmp_path / "run", "--max-calls", 10, "--concurrency", 1)  # fmt: skip
    assert done.code == 3
    # Four rows at most are answered: six of the ten calls ask about the real ones.
    (n_open,) = map(int, re.findall(r"no answer for (\d+) rows", done.err))
    assert 8 <= n_open < 12
    assert pl.read_csv(out).height == 12
    assert "by heart" not in done.err  # the cap left no call to ask it


def test_at_a_cap_among_the_real_rows_the_rows_are_labelled_by_what_was_paid_for(
    run: Runner, model: str, tmp_path: Path
) -> None:
    train, table = put(tmp_path, visits(12)), put(tmp_path, asked(), "table.csv")
    out, folder = tmp_path / "out.csv", tmp_path / "run"
    given = ("label", table, "--train", train, "--target", "ill", "--model", model, "--out", out,
             "--run", folder, "--concurrency", 1)  # fmt: skip
    done = run(*given, "--max-calls", 5)
    assert done.code == 3
    assert "the cap of 5 calls is reached" in done.err
    assert "no answer for 12 rows" in done.err
    assert pl.read_csv(out)["ill=yes"].is_between(0, 1).all()


def test_a_table_that_the_model_knows_by_heart_is_marked(run: Runner, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    people = pl.DataFrame(
        {
            "age": rng.integers(18, 80, 60),
            "town": [f"Town {number}" for number in rng.integers(0, 40, 60)],
            "ill": rng.choice(["no", "yes"], 60),
        }
    )
    train, table = put(tmp_path, people), put(tmp_path, people.head(3).drop("ill"), "table.csv")
    out = tmp_path / "out.csv"
    with serve(StandIn(people, target="ill", faults=Faults(memorised=1.0))) as endpoint:
        done = run("label", table, "--train", train, "--target", "ill", "--out", out,
                   "--model", "stand-in", "--base-url", endpoint.url,
                   "--run", tmp_path / "run")  # fmt: skip
    assert done.code == 0, done.err
    assert "the model seems to know this table by heart" in done.err
    assert read_manifest(manifest_path(out)).origin.options["memorized"]["next rows"] == 1.0
