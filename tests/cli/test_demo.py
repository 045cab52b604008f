"""The main job on a real table."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tablewright.tables.io.provenance import read_manifest
from tests.cli.running import Runner


@pytest.mark.slow
def test_demo_writes_rows_and_a_verdict(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = run("demo")
    assert outcome.code == 0
    assert outcome.out.startswith(("helps", "no evidence", "harms"))
    rows = pl.read_csv("tablewright-demo/rows.csv")
    assert dict(rows["diagnosis"].value_counts().rows()) == {"benign": 200, "malignant": 200}
    origin = read_manifest("tablewright-demo/rows.csv.manifest.json").origin
    assert (origin.method, origin.n_real_rows) == ("copula", 126)
    assert Path("tablewright-demo/.gitignore").read_text() == "*\n"
    page = Path("tablewright-demo/rows-report.html").read_text(encoding="utf-8")
    assert "against real rows alone" in page
