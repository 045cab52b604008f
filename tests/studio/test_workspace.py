"""The command of the settings, runs as processes, and large tables."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from tablewright.schema import Kind
from tablewright.studio import workspace as workspaces
from tablewright.studio.runs import Run
from tablewright.studio.workspace import Settings, Workspace


def test_command_names_what_was_settled_and_nothing_else(table: Path, tmp_path: Path) -> None:
    workspace = Workspace(table, tmp_path)
    plain = workspace.command(Settings())
    assert plain[:3] == ["tablewright", "generate", str(table)]
    assert set(plain[3:]) == {"--method=auto", "--rows=1000", "--seed=0", "--out=rows.csv"}
    settled = Settings(
        target="city", where="-age < 3", kinds={"age": Kind.ORDINAL}, report=True, balance="equal"
    )
    more = set(workspace.command(settled)) - set(plain)
    assert more == {
        "--target=city",
        "--where=-age < 3",
        "--schema=schema.yaml",
        "--report=report.html",
        "--balance=equal",
    }


def test_large_table_is_looked_at_by_a_sample(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspaces, "MAX_ROWS", 25)
    workspace = Workspace(table, tmp_path)
    assert (workspace.n_rows, workspace.raw.height) == (60, 25)
    meets, looked_at = workspace.count(Settings(where="age > 0"))
    assert (meets, looked_at) == (25, 25)


def test_folder_of_runs_appears_with_the_first_run(table: Path, tmp_path: Path) -> None:
    workspace = Workspace(table, tmp_path / "runs")
    assert workspace.runs() == []
    assert not (tmp_path / "runs").exists()


def waited(run: Run, state: str) -> str:
    for _ in range(300):
        if run.state == state:
            break
        time.sleep(0.05)
    return run.state


def test_run_can_be_stopped(tmp_path: Path) -> None:
    code = "import time; print('begun', flush=True); time.sleep(60)"
    run = Run.start(tmp_path, ["sleep"], [sys.executable, "-c", code], {"a.txt": "b"})
    assert (run.folder / "a.txt").read_text() == "b"
    while "begun" not in run.log:
        time.sleep(0.02)
    assert run.state == "running"
    run.stop()
    assert waited(run, "failed") == "failed"
    run.stop()  # nothing is left to stop


def test_run_outlives_the_page_that_started_it(tmp_path: Path) -> None:
    """A page starts a run and dies at once; another one sees it running, and stops it."""
    code = f"""
import sys
from pathlib import Path
from tablewright.studio.runs import Run
real = [sys.executable, "-c", "import time; time.sleep(60)"]
Run.start(Path({str(tmp_path)!r}), ["x"], real, {{}})
import os; os._exit(0)
"""
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", code]) == 0
    (run,) = Run.all(tmp_path)
    assert run.state == "running"
    run.stop()
    assert waited(run, "failed") == "failed"


def test_log_shows_a_line_of_progress_once(tmp_path: Path) -> None:
    run = Run(tmp_path)
    (tmp_path / "log.txt").write_bytes(b"one\r\n10 %\r50 %\r90 %\nlast\n")
    assert run.log == "one\n90 %\nlast\n"
    (tmp_path / "log.txt").write_bytes(b"x" * 10_000)
    assert len(run.log) == 4000


def test_run_whose_process_is_gone_and_left_no_rows_has_failed(tmp_path: Path) -> None:
    assert Run(tmp_path).state == "failed"
    (tmp_path / "pid").write_text("no number")
    assert Run(tmp_path).state == "failed"


def test_run_with_rows_is_done(tmp_path: Path) -> None:
    pl.DataFrame({"a": [1, 2]}).write_csv(tmp_path / "rows.csv")
    run = Run(tmp_path)
    assert run.state == "done"
    first, n_rows = run.rows(1)
    assert (first.height, n_rows) == (1, 2)
