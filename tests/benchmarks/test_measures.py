"""What benchmarks measure rows by runs on small tables, so that a changed signature is seen."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import polars as pl
from benchmarks.generators import small_tables
from benchmarks.htdbu import bank_text
from benchmarks.htdbu.bank import PAIRS, Bank
from benchmarks.papers.htdbu import engine

from benchmarks import judge
from tablewright.generators.independent import Independent
from tablewright.tables.inference.infer import infer_schema


def clients(n: int, seed: int) -> pl.DataFrame:
    """Clients with a mood that goes with the target, and a balance that tells of it."""
    rng = np.random.default_rng(seed)
    y = np.where(rng.random(n) < 0.4, "yes", "no")
    mood = np.where(y == "yes", "positive", "negative")
    balance = np.round(rng.normal(np.where(y == "yes", 900, 300), 200), 1)
    job = rng.choice(["cook", "nurse", "clerk"], n)
    return pl.DataFrame({"y": y, "sentiment": mood, "balance": balance, "job": job})


def test_rows_are_judged_beside_real_ones() -> None:
    train, holdout, made = (clients(60, seed) for seed in range(3))
    found = judge.judge(train, made, holdout, infer_schema(train, target="y"))
    assert 0 <= found["DCR share"] <= 1
    assert found["copies"] == 0


def test_rows_of_the_bank_benchmark_are_measured() -> None:
    bank = Bank(clients(80, 0), clients(60, 1))
    found = bank_text.measure(bank, clients(60, 2), PAIRS["manual"])
    assert found["violations"] == 0
    assert found["AUROC"] == 1  # the mood is the target here
    assert found["XModal"] < 0.2
    assert found["AUROC, no mood"] > 0.9


def test_a_texture_without_a_skeleton_draws_target_and_mood_itself() -> None:
    bank = Bank(clients(80, 0), clients(60, 1))
    arm = engine.Arm("independent", skeleton=False)
    found = engine.run(arm, bank, "manual", 1)
    # Drawn apart, 0.4 * 0.6 of the rows have either wrong pair: half of them, twice, is 0.48.
    assert found["violations"] > 0.3 * bank_text.ROWS
    assert found["XModal"] > 0.3


def test_a_peer_learns_the_training_rows_once_and_its_rows_are_kept(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncp "$3" "$7"\necho \'{"fit": 2, "sample": 1}\'\n')
    python.chmod(0o755)
    bank = Bank(clients(40, 0), clients(20, 1))
    asked = argparse.Namespace(peers=str(python), pools=tmp_path / "pools")
    pool = engine.peer("TVAE", asked, bank, "manual", 7)
    python.write_text("#!/bin/sh\nexit 1\n")  # not asked again
    again = engine.peer("TVAE", asked, bank, "manual", 7)
    again.fit(None)
    assert again.sample(50).equals(pl.concat([bank.train, bank.train[:10]]))
    assert pool.seconds == {"fit": 2, "sample": 1}


def test_a_generator_is_measured_on_few_rows() -> None:
    frame = clients(120, 0)
    schema = infer_schema(frame, target="y")
    rows = np.arange(120)
    found = small_tables.judge(Independent, frame, schema, rows[:40], rows[40:], 0)
    assert set(found) >= {"nats", "detection", "DCR", "TSTR", "real"}
    assert 0 <= found["DCR"] <= 1
