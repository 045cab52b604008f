"""``tablewright partition``, ``select`` and ``pairs``: what a user sees of them."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import yaml

from tablewright.tables.io.provenance import manifest_path, read_manifest
from tests.cli.running import Runner, put, visits


def test_parts_are_shown_and_written(run: Runner, tmp_path: Path) -> None:
    out = tmp_path / "parts.yaml"
    done = run("partition", put(tmp_path), "--target", "ill", "--by", "tree", "--out", out,
               "--max-parts", 3)  # fmt: skip
    assert done.code == 0, done.err
    assert "all other rows" in done.out
    assert "█" in done.out
    written = yaml.safe_load(out.read_text())["parts"]
    assert sum(part["rows"] for part in written) == 200
    drawn = run("generate", put(tmp_path), "--target", "ill", "--method", "date", "--set",
                f"parts={out}", "--set", "strategy=none", "--set", "rounds=0", "-n", 10, "--out",
                tmp_path / "rows.csv", "--seed", 0, "--quiet")  # fmt: skip
    assert drawn.code == 0, drawn.err
    assert pl.read_csv(tmp_path / "rows.csv").height == 10


def test_parts_are_pictured_and_are_groups_to_choose_from(run: Runner, tmp_path: Path) -> None:
    train, page, out = put(tmp_path), tmp_path / "parts.html", tmp_path / "parts.yaml"
    done = run("partition", train, "--target", "ill", "--by", "tree", "--out", out, "--html", page,
               "--max-parts", 3)  # fmt: skip
    assert done.code == 0, done.err
    assert "<svg" in page.read_text()
    assert "all other rows" in page.read_text()
    candidates = put(tmp_path, visits(40, seed=1), "candidates.csv")
    done = run("select", candidates, "--train", train, "--target", "ill", "--groups", out,
               "--strategy", "label-check", "--out", tmp_path / "kept.csv")  # fmt: skip
    assert done.code == 0, done.err
    assert "part 1" in done.out
    done = run("select", candidates, "--train", train, "--target", "ill", "--groups", "none.yaml",
               "--out", tmp_path / "kept.csv")  # fmt: skip
    assert done.code == 2
    assert "there is no file none.yaml" in done.err


def test_a_table_that_is_not_cut_says_what_would_cut_it(run: Runner, tmp_path: Path) -> None:
    done = run("partition", put(tmp_path), "--target", "ill", "--max-error", 1, "--out",
               tmp_path / "parts.yaml")  # fmt: skip
    assert done.code == 0, done.err
    assert "1 part in" in done.err
    assert "bound of 1 for all rows; a smaller --max-error cuts it" in done.err
    done = run("partition", put(tmp_path), "--target", "ill", "--by", "tree", "--min-rows", 150)
    assert "rows or more on both sides; a smaller --min-rows cuts it" in done.err


def test_partition_without_a_target_is_one_sentence(run: Runner, tmp_path: Path) -> None:
    done = run("partition", put(tmp_path))
    assert done.code == 2
    assert "name the target" in done.err


def test_groups_are_chosen_and_told(run: Runner, tmp_path: Path) -> None:
    train = put(tmp_path, visits(40))
    good = visits(80, seed=1).with_columns(origin=pl.lit("good"))
    bad = visits(80, seed=2).with_columns(
        ill=pl.when(pl.col("ill") == "yes").then(pl.lit("no")).otherwise(pl.lit("yes")),
        origin=pl.lit("bad"),
    )
    candidates = put(tmp_path, pl.concat([good, bad]), "candidates.csv")
    validation, out = put(tmp_path, visits(200, seed=3), "validation.csv"), tmp_path / "kept.csv"
    done = run("select", candidates, "--train", train, "--validation", validation, "--target",
               "ill", "-n", 60, "--groups", "origin", "--out", out, "--seed", 0)  # fmt: skip
    assert done.code == 0, done.err
    kept = pl.read_csv(out)
    assert kept.columns == visits().columns
    assert kept.height <= 60
    assert "honest estimate of the gain" in done.err
    assert "good" in done.out
    assert "bad" in done.out
    origin = read_manifest(manifest_path(out)).origin
    assert origin.method == "select"
    assert origin.options["kept"] == kept.height
    assert origin.options["groups"] == "origin"


def test_learners_that_judge_are_in_the_manifest(run: Runner, tmp_path: Path) -> None:
    train, out = put(tmp_path, visits(60)), tmp_path / "kept.csv"
    done = run("select", put(tmp_path, visits(60, seed=1), "candidates.csv"), "--train", train,
               "--target", "ill", "--learners", "tree, linear", "--out", out)  # fmt: skip
    assert done.code == 0, done.err
    assert read_manifest(manifest_path(out)).origin.options["learners"] == "tree, linear"


def test_cross_validation_and_the_same_seed_give_the_same_file(run: Runner, tmp_path: Path) -> None:
    train = put(tmp_path, visits(60))
    candidates = put(tmp_path, visits(60, seed=1), "candidates.csv")
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for out in files:
        done = run("select", candidates, "--train", train, "--target", "ill", "-n", 20,
                   "--strategy", "label-check", "--out", out, "--seed", 3, "--quiet")  # fmt: skip
        assert (done.code, done.out, done.err) == (0, "", "")
    assert files[0].read_bytes() == files[1].read_bytes()


def test_bad_input_is_one_sentence(run: Runner, tmp_path: Path) -> None:
    train = put(tmp_path)
    candidates = put(tmp_path, visits(20, seed=1), "candidates.csv")
    common = ("select", candidates, "--train", train, "--out", tmp_path / "kept.csv")
    for options, said in (
        (("--target", "ill", "--validation", "none.csv"), "there is no file none.csv"),
        (("--target", "ill", "--groups", "clinc"), "did you mean 'clinic'"),
        (("--target", "ill", "--learners", "tree,forrest"), "did you mean 'forest'"),
        ((), "needs the column that models predict"),
    ):
        done = run(*common, *options)
        assert done.code == 2
        assert said in done.err
    assert not (tmp_path / "kept.csv").exists()


def test_pairs_are_lines_of_json(run: Runner, tmp_path: Path) -> None:
    out, held = tmp_path / "pairs.jsonl", tmp_path / "held.jsonl"
    done = run("pairs", put(tmp_path), "--target", "ill", "--out", out, "--validation-out", held,
               "--seed", 0)  # fmt: skip
    assert done.code == 0, done.err
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) + len(held.read_text().splitlines()) == 200
    assert set(lines[0]) == {"prompt", "chosen", "rejected"}
    done = run("pairs", put(tmp_path), "--target", "ill", "--out", out, "--validation-out", out)
    assert done.code == 2
    assert "give them different names" in done.err
