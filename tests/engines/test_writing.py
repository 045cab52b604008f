"""A folder of parts: the rows of one file, whoever writes them and however often it is stopped."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright import Synthesizer
from tablewright.engines import WrittenFolder, write_parts
from tablewright.engines.part import read_part
from tablewright.engines.process import ProcessEngine
from tablewright.errors import ConditionError, EngineError, InputError
from tablewright.tables.encoding.row_digests import RowSketch
from tablewright.tables.io.provenance import manifest_path, read_manifest, trace_rows

ROWS = 50_000
PART = 20_000


def table(n: int = 300) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "id": [f"P-{number:04d}" for number in range(n)],
            "age": rng.integers(18, 90, n),
            "income": rng.normal(40, 9, n).round(2),
            "member": rng.choice(["yes", "no"], n, p=[0.1, 0.9]),
        }
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "model.tw"
    Synthesizer("independent", target="member", random_state=0).fit(table()).save(path)
    return path


@pytest.fixture(scope="module")
def whole(model: Path) -> pl.DataFrame:
    """The rows as one file would hold them."""
    rows: pl.DataFrame = Synthesizer.load(model).sample(ROWS, random_state=3)
    return rows


def write(model: Path, folder: Path, **options: Any) -> WrittenFolder:
    settings: dict[str, Any] = {"random_state": 3, "workers": 1, "part_rows": PART} | options
    return write_parts(model, settings.pop("n_samples", ROWS), folder, **settings)


def read(folder: Path) -> pl.DataFrame:
    return pl.read_parquet(sorted(folder.glob("*.parquet")))


# who writes ------------------------------------------------------------------


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_any_number_of_workers_writes_the_rows_of_one_file(
    model: Path, whole: pl.DataFrame, tmp_path: Path, workers: int
) -> None:
    written = write(model, tmp_path / "rows", workers=workers)
    assert read(tmp_path / "rows").equals(whole)
    assert [part.n_rows for part in written.manifest.parts or ()] == [20_000, 20_000, 10_000]


def test_dask_writes_the_rows_of_one_file(model: Path, whole: pl.DataFrame, tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra [dask] is not installed")
    write(model, tmp_path / "rows", engine="dask", workers=2)
    assert read(tmp_path / "rows").equals(whole)


def test_dask_cluster_that_runs_is_found_by_its_address(
    model: Path, whole: pl.DataFrame, tmp_path: Path
) -> None:
    dask = pytest.importorskip("distributed", reason="the extra [dask] is not installed")
    cluster = dask.LocalCluster(n_workers=1, processes=False, dashboard_address=None)
    with cluster:
        write(model, tmp_path / "rows", engine="dask", address=cluster.scheduler_address)
    assert read(tmp_path / "rows").equals(whole)


@pytest.mark.filterwarnings("ignore")  # those of Ray's own code
def test_ray_writes_the_rows_of_one_file(model: Path, whole: pl.DataFrame, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the extra [ray] is not installed")
    write(model, tmp_path / "rows", engine="ray", workers=2)
    assert read(tmp_path / "rows").equals(whole)


@pytest.mark.parametrize("engine", ["dask", "ray"])
def test_address_that_refuses_leaves_no_folder_and_takes_none_away(
    model: Path, tmp_path: Path, engine: str
) -> None:
    pytest.importorskip({"dask": "distributed"}.get(engine, engine), reason="not installed")
    (tmp_path / "mine").mkdir()
    for name in ("rows", "mine"):
        with pytest.raises(EngineError, match="answers at"):
            write(model, tmp_path / name, engine=engine, address="127.0.0.1:1")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_lost_run_leaves_no_empty_folder_and_keeps_parts(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_one(self: ProcessEngine, work: Any, numbers: Any) -> Any:
        yield from (work(number) for number in range(n_written))
        raise EngineError("the workers are lost")

    monkeypatch.setattr(ProcessEngine, "run", run_one)
    for n_written in (0, 1):
        with pytest.raises(EngineError, match="are lost"):
            write(model, tmp_path / "rows")
        assert len(list(tmp_path.glob("**/*.parquet"))) == n_written
        assert (tmp_path / "rows").exists() == bool(n_written)


# what is asked for ----------------------------------------------------------------


def test_parts_keep_condition_balance_and_rules(model: Path, tmp_path: Path) -> None:
    request: dict[str, Any] = {"where": "age < 60", "balance": "equal", "rules": ["income >= 30"]}
    written = write(model, tmp_path / "rows", **request)
    rows = read(tmp_path / "rows")
    assert (rows["age"] < 60).all()
    assert (rows["income"] >= 30).all()
    assert rows["member"].value_counts()["count"].to_list() == [ROWS // 2, ROWS // 2]
    assert written.audit is not None
    assert written.audit.n_rows == ROWS
    assert written.audit.rules[-1].broken == 0
    expected = Synthesizer.load(model).sample(ROWS, random_state=3, **request)
    assert rows.equals(expected)


def test_balance_fill_says_itself_how_many_rows(model: Path, tmp_path: Path) -> None:
    counts = table()["member"].value_counts()["count"]
    written = write(model, tmp_path / "rows", n_samples=None, balance="fill")
    assert written.manifest.n_rows == counts.max() - counts.min()  # type: ignore[operator]  # counts are numbers


def test_identifiers_are_unique_over_all_parts(model: Path, tmp_path: Path) -> None:
    write(model, tmp_path / "rows")
    assert read(tmp_path / "rows")["id"].n_unique() == ROWS


def test_condition_that_no_row_meets_leaves_no_folder(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ConditionError):
        write(model, tmp_path / "rows", where="age > 200")
    assert not (tmp_path / "rows").exists()


def test_rule_about_all_rows_together_asks_for_one_file(model: Path, tmp_path: Path) -> None:
    rules = [{"name": "once", "kind": "unique", "columns": ["id"]}]
    with pytest.raises(InputError, match="'once' is about all rows together"):
        write(model, tmp_path / "rows", rules=rules)


# stopped and gone on with ------------------------------------------------------------


class Stopped(Exception):
    pass


def stop_after(n_parts: int) -> Any:
    """Return what stops a run once so many parts stand."""
    rows_written: list[int] = []

    def look(n_rows: int) -> None:
        rows_written.append(n_rows)
        if len(rows_written) > n_parts:
            raise Stopped

    return look


@pytest.fixture
def stopped(model: Path, tmp_path: Path) -> Path:
    with pytest.raises(Stopped):
        write(model, tmp_path / "rows", on_rows=stop_after(1))
    assert len(list((tmp_path / "rows").iterdir())) == 1
    assert not manifest_path(tmp_path / "rows").exists()
    return tmp_path / "rows"


def test_stopped_run_goes_on_with_what_is_missing(
    model: Path, whole: pl.DataFrame, stopped: Path
) -> None:
    stands = stopped / "part-000000.parquet"
    before = stands.stat().st_mtime_ns
    assert write(model, stopped).n_written == 2
    assert stands.stat().st_mtime_ns == before
    assert read(stopped).equals(whole)


def test_run_without_a_seed_goes_on_with_that_of_the_parts(
    model: Path, whole: pl.DataFrame, stopped: Path
) -> None:
    assert write(model, stopped, random_state=None).manifest.origin.seed == 3
    assert read(stopped).equals(whole)


def test_whole_folder_is_left_as_it_is(model: Path, tmp_path: Path) -> None:
    first = write(model, tmp_path / "rows")
    again = write(model, tmp_path / "rows")
    assert (first.n_written, again.n_written) == (3, 0)
    assert first.manifest.sha256 == again.manifest.sha256


def test_half_written_part_of_a_killed_run_is_taken_away(
    model: Path, whole: pl.DataFrame, stopped: Path
) -> None:
    (stopped / ".part-000001.parquet.x1y2.tmp").write_bytes(b"PAR1 half")
    write(model, stopped)
    assert sorted(file.name for file in stopped.iterdir()) == [
        f"part-00000{number}.parquet" for number in range(3)
    ]
    assert read(stopped).equals(whole)


def test_truncated_part_is_named(model: Path, stopped: Path) -> None:
    part = stopped / "part-000000.parquet"
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"part-000000.parquet is damaged"):
        write(model, stopped)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"random_state": 4}, r"its seed differs \(3 there, 4 now\)"),
        ({"n_samples": ROWS + 1}, "its rows differs"),
        ({"where": "age < 50"}, "its where differs"),
        ({"rules": ["age < 50"]}, "its rules differs"),
    ],
)
def test_parts_of_another_request_are_refused(
    model: Path, stopped: Path, options: dict[str, Any], what: str
) -> None:
    with pytest.raises(InputError, match=what):
        write(model, stopped, **options)


def test_folder_with_other_files_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "thesis.docx").touch()
    with pytest.raises(InputError, match=r"holds other files \('thesis.docx'\)"):
        write(model, tmp_path / "rows")


def test_model_that_changed_meanwhile_is_refused(model: Path, tmp_path: Path) -> None:
    mine = tmp_path / "model.tw"
    shutil.copy(model, mine)

    def change(n_rows: int) -> None:
        mine.write_bytes(b"another")

    with pytest.raises(InputError, match="it was changed"):
        write(mine, tmp_path / "rows", on_rows=change)


# manifest and marks ---------------------------------------------------------------------


def test_manifest_lists_the_parts_and_knows_their_rows(model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "rows"
    write(model, folder)
    manifest = read_manifest(manifest_path(folder))
    assert manifest.n_rows == ROWS
    assert [part.file for part in manifest.parts or ()] == sorted(f.name for f in folder.iterdir())
    provenance = trace_rows(read(folder), None, [manifest])
    assert provenance.share == 1.0
    assert trace_rows(read(folder), folder).untouched
    assert trace_rows(read(folder), folder / "part-000001.parquet").marked


def test_parts_carry_the_seed_and_no_path(model: Path, tmp_path: Path) -> None:
    write(model, tmp_path / "rows")
    metadata = pl.read_parquet_metadata(tmp_path / "rows" / "part-000001.parquet")
    assert json.loads(metadata["tablewright"])["seed"] == 3
    assert str(tmp_path) not in json.dumps(metadata)
    assert read_part(tmp_path / "rows" / "part-000001.parquet").number == 1


def test_merged_sketches_know_what_one_sketch_knows() -> None:
    rows = pl.DataFrame({"n": range(100_000)})
    one, parts = RowSketch(b"x" * 16), RowSketch(b"x" * 16)
    one.add(rows)
    for start in range(0, 100_000, 30_000):
        part = RowSketch(b"x" * 16, n_zero_bits=1)
        part.add(rows[start : start + 30_000])
        parts.merge(part)
    assert parts.to_dict() == one.to_dict()


# kill -9 ----------------------------------------------------------------------------------


def _children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _until(found: Any, seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.01)
    raise AssertionError("waited too long")


@pytest.fixture
def killed(model: Path, tmp_path: Path) -> Path:
    """A folder whose run was killed with two workers under way."""
    if not Path("/proc/self/task").exists():
        pytest.skip("looks at processes the way of Linux")
    folder = tmp_path / "rows"
    command = [sys.executable, "-m", "tablewright.cli", "sample", str(model), "--workers", "2"]
    command += ["-n", "3000000", "--out", str(folder), "--seed", "3"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as run:
        _until(lambda: folder.exists() and list(folder.glob("part-*.parquet")))
        workers = _children(run.pid)
        run.send_signal(signal.SIGKILL)
    _until(lambda: not any(Path(f"/proc/{pid}").exists() and _runs(pid) for pid in workers))
    return folder


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(") ")[1][0] != "Z"
    except OSError:
        return False


def test_killed_run_leaves_whole_parts_and_no_workers_and_goes_on(
    model: Path, killed: Path
) -> None:
    stood = {part.name for part in killed.glob("part-*.parquet")}
    assert 1 <= len(stood) < 15
    done = write(model, killed, n_samples=3_000_000, part_rows=200_000)
    assert done.n_written == 15 - len(stood)
    first = read(killed)[: 2 * PART]
    assert first.equals(
        pl.concat(Synthesizer.load(model).batches(3_000_000, random_state=3, only=range(2 * PART)))
    )
    assert len(list(killed.iterdir())) == 15
