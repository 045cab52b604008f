"""``tablewright trim``: what a user sees of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tablewright.tables.io.provenance import manifest_path, read_manifest
from tests.cli.running import Runner, put, visits


def spoilt() -> pl.DataFrame:
    """Sound visits, a copy of a real one, and three that cannot be."""
    rows = visits(60, seed=1).cast(pl.String)
    bad = rows.head(3).with_columns(
        age=pl.Series(["900", "old", "40"]), clinic=pl.Series(["north", "south", "west"])
    )
    return pl.concat([rows, visits().head(1).cast(pl.String), bad])


def test_rows_are_kept_and_rejected_ones_told(run: Runner, tmp_path: Path) -> None:
    train, candidates = put(tmp_path), put(tmp_path, spoilt(), "candidates.csv")
    out, lost = tmp_path / "kept.csv", tmp_path / "rejected.csv"
    done = run("trim", candidates, "--train", train, "--target", "ill", "--out", out,
               "--rejected", lost, "--seed", 0)  # fmt: skip
    assert done.code == 0, done.err
    kept, rejected = pl.read_csv(out), pl.read_csv(lost, infer_schema=False)
    assert kept.columns == visits().columns
    assert kept.height + rejected.height == 64
    assert rejected["_stage"][-4:].to_list() == ["near-duplicates", "sanity", "reading", "sanity"]
    assert rejected["age"][-2] == "old"
    assert rejected["_reason"][-1] == "clinic: 'west' is not among its values"
    assert "near-duplicates" in done.out
    assert f"{kept.height} of 64 candidates kept" in done.err
    manifest = read_manifest(manifest_path(out))
    assert manifest.origin.method == "trim"
    assert manifest.origin.options["kept"] == kept.height
    assert manifest.origin.source == "candidates.csv"


def test_the_same_seed_gives_the_same_file(run: Runner, tmp_path: Path) -> None:
    train, candidates = put(tmp_path), put(tmp_path, spoilt(), "candidates.csv")
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for out in files:
        done = run("trim", candidates, "--train", train, "--target", "ill", "--out", out,
                   "--seed", 3, "--quiet")  # fmt: skip
        assert (done.code, done.out, done.err) == (0, "", "")
    assert files[0].read_bytes() == files[1].read_bytes()


def test_nothing_kept_is_an_empty_file_and_a_sentence(run: Runner, tmp_path: Path) -> None:
    train = put(tmp_path, visits(12))
    candidates = put(tmp_path, visits(40, seed=1), "candidates.csv")
    out = tmp_path / "kept.csv"
    done = run("trim", candidates, "--train", train, "--target", "ill", "--out", out,
               "--trust", "data")  # fmt: skip
    assert done.code == 0, done.err
    assert pl.read_csv(out).height == 0
    assert "nothing was kept of 40 candidates: use the real rows alone" in done.err
    assert "12 real rows do not tell which other rows help" in done.err


def test_rules_and_the_published_line(run: Runner, tmp_path: Path) -> None:
    train = put(tmp_path)
    candidates = put(tmp_path, visits(20, seed=1), "candidates.csv")
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: [age < 85]\n")
    done = run("trim", candidates, "--train", train, "--target", "ill", "--out",
               tmp_path / "kept.csv", "--rules", rules, "--trust", "generator")  # fmt: skip
    assert done.code == 0, done.err
    assert "of 200 real rows" in done.err
    done = run("trim", put(tmp_path, visits(12), "few.csv"), "--train", put(tmp_path, visits(20)),
               "--target", "ill", "--out", tmp_path / "published.csv", "--variant",
               "published")  # fmt: skip
    assert done.code == 0, done.err
    assert "the information gain does not see whether labels are right" in done.err


def test_bad_input_is_one_sentence(run: Runner, tmp_path: Path) -> None:
    train, candidates = put(tmp_path), put(tmp_path, spoilt().drop("pulse"), "candidates.csv")
    done = run("trim", candidates, "--train", train, "--target", "ill", "--out",
               tmp_path / "kept.csv")  # fmt: skip
    assert done.code == 2
    assert "the candidates have no column 'pulse'" in done.err
    same = tmp_path / "kept.csv"
    done = run("trim", candidates, "--train", train, "--out", same, "--rejected", same)
    assert done.code == 2
    assert "give them different names" in done.err


@pytest.mark.parametrize("safe", [False, True])
def test_formulas_of_candidates_are_reported_and_written_safely(
    run: Runner, tmp_path: Path, safe: bool
) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=80)
    label = np.where(x > 0, "yes", "=2+2")
    train, pool = tmp_path / "train.csv", tmp_path / "pool.csv"
    pl.DataFrame({"x": x[:40], "y": label[:40]}).write_csv(train)
    pl.DataFrame({"x": x[40:], "y": label[40:]}).write_csv(pool)
    out = tmp_path / "kept.csv"
    words = ["trim", pool, "--train", train, "--target", "y", "--out", out, "--seed", 1]
    done = run(*words, *(["--spreadsheet-safe"] if safe else []))
    assert done.code == 0, done.err
    kept = pl.read_csv(out)["y"].to_list()
    assert "are formulas to a spreadsheet" in done.err
    assert ("'=2+2" in kept, "=2+2" in kept) == (safe, not safe)


def test_files_in_another_encoding_are_read_where_it_is_named(run: Runner, tmp_path: Path) -> None:
    train, pool, out = tmp_path / "t.csv", tmp_path / "p.csv", tmp_path / "kept.csv"
    rng = np.random.default_rng(0)
    for path, n in ((train, 40), (pool, 60)):
        x = rng.normal(size=n)
        text = pl.DataFrame({"x": x, "y": np.where(x > 0, "Köln", "Ulm")}).write_csv()
        path.write_bytes(text.encode("cp1252"))
    words = ["trim", pool, "--train", train, "--target", "y", "--out", out, "--seed", 1]
    assert run(*words).code == 2
    done = run(*words, "--encoding", "cp1252")
    assert done.code == 0, done.err
    assert b"K\xf6ln" in out.read_bytes(), "as the candidates are written"
