"""Bad input and options: one sentence with place and remedy, exit code 2, files untouched."""

from __future__ import annotations

import resource
from pathlib import Path

import polars as pl
import pytest

from tests.cli.running import Runner, put, visits

ROWS = "age,clinic,ill\n" + "".join(
    f"{20 + i % 50},{'north' if i % 3 else 'south'},{'yes' if i % 4 == 0 else 'no'}\n"
    for i in range(60)
)

TABLES = {
    "empty file": (b"", "is empty"),
    "one row": (b"age,clinic\n31,north\n", "row"),
    "one column": (b"age\n31\n32\n33\n", "column"),
    "constant target": (ROWS.replace("yes", "no").encode(), "'ill'"),
    "target missing": (ROWS.replace("ill", "sick").encode(), "'ill' is not a column"),
    "duplicate names": (ROWS.replace("clinic", "age").encode(), "'age' more than once"),
    "empty column": (ROWS.replace("north", "").replace("south", "").encode(), "'clinic'"),
    "infinite": (ROWS.replace("\n31,", "\ninf,").encode(), "'age'"),
    "mixed types": (ROWS.replace("\n31,", "\nthirty,", 1).encode(), "'age'"),
    "ragged": (ROWS.replace("\n31,", "\n31,,", 1).encode(), "line 13: 4 cells"),
    "binary": (bytes(range(256)) * 4, "binary"),
    "encoding": (ROWS.replace("north", "n\xf6rd").encode("latin-1"), "not UTF-8"),
}

OPTIONS = {
    "unknown column": (("--where", "height > 3"), "height"),
    "unknown category": (("--where", "clinic = 'west'"), "west"),
    "impossible": (("--where", "age > 60 AND age < 30"), "age"),
    "no condition": (("--where", "age +"), "^"),
    "injection": (("--where", "age > 1; DROP TABLE x"), "^"),
    "no rows": (("-n", 0), "'0'"),
    "negative rows": (("-n", -5), "'-5'"),
    "not a number": (("-n", "many"), "'many'"),
    "auto without fill": (("-n", "auto"), "--balance fill"),
    "unknown target": (("--target", "il"), "did you mean 'ill'"),
    "balance of a number": (("--target", "age", "--balance", "equal"), "target with classes"),
    "balance without target": (("--balance", "fill"), "target"),
    "unknown method": (("--method", "tress"), "did you mean 'trees'"),
    "unknown setting": (("--method", "trees", "--set", "leaves=3"), "leaves"),
    "negative seed": (("--seed", -1), "--seed"),
    "no such schema": (("--schema", "none.yaml"), "none.yaml"),
    "no such folder": (("--out", "none/rows.csv"), "none does not exist"),
    "folder as output": (("--out", "."), "."),
    "unknown ending": (("--out", "rows.xlsx"), ".xlsx"),
    "report without ending": (("--report", "report"), ".json or .html"),
    "report in no folder": (("--report", "none/r.json"), "none does not exist"),
    "the input as output": (("--out", "train.csv"), "the file to read"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    put(tmp_path)
    (tmp_path / "out.csv").write_text("what stood there\n")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("command", "content", "said"),
    [
        pytest.param(command, *bad, id=f"{command} {name}")
        for name, bad in TABLES.items()
        for command in ("generate", "fit", "impute", "profile")
        if (command, name) != ("profile", "constant target")  # there it is a finding
    ],
)
def test_bad_tables(run: Runner, folder: Path, command: str, content: bytes, said: str) -> None:
    (folder / "bad.csv").write_bytes(content)
    before = contents(folder)
    options: tuple[object, ...] = () if command == "profile" else ("--out", "out.csv")
    options += ("-n", 10) if command == "generate" else ()
    outcome = run(command, "bad.csv", "--target", "ill", *options)
    assert outcome.code == 2
    assert said in outcome.err
    assert "fault" not in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert contents(folder) == before


@pytest.mark.parametrize(("options", "said"), OPTIONS.values(), ids=OPTIONS)
def test_bad_options(run: Runner, folder: Path, options: tuple[object, ...], said: str) -> None:
    before = contents(folder)
    outcome = run("generate", "train.csv", "-n", 10, "--out", "out.csv", "--quiet", *options)
    assert outcome.code == 2
    assert said in outcome.err
    assert "fault" not in outcome.err
    assert contents(folder) == before


@pytest.mark.parametrize("end", ["csv", "parquet", "arrow"])
def test_full_disk(run: Runner, folder: Path, end: str) -> None:
    out = folder / f"rows.{end}"
    out.write_text("what stood there\n")
    before = contents(folder)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        outcome = run("generate", "train.csv", "-n", 20_000, "--out", out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert outcome.code == 2
    assert "was not written" in outcome.err
    assert "make room" in outcome.err
    assert contents(folder) == before


def test_a_report_needs_rows(run: Runner, folder: Path) -> None:
    put(folder, visits(12), "few.csv")
    options = ("-n", 10, "--out", "out.csv", "--report", "r.json")
    outcome = run("generate", "few.csv", *options)
    assert outcome.code == 2
    assert "at least 20 rows" in outcome.err
    assert not (folder / "r.json").exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 nonsense", ROWS.encode()])
def test_no_model(run: Runner, folder: Path, content: bytes) -> None:
    (folder / "m.tw").write_bytes(content)
    before = contents(folder)
    outcome = run("sample", "m.tw", "-n", 5, "--out", "out.csv")
    assert outcome.code == 2
    assert "m.tw" in outcome.err
    assert "fault" not in outcome.err
    assert contents(folder) == before


def test_categories_with_quotes_are_named_in_one_line(run: Runner, folder: Path) -> None:
    frame = pl.DataFrame({"a b": ["x'y", "z"] * 20, "n": list(range(40))})
    put(folder, frame, "odd.csv")
    outcome = run("generate", "odd.csv", "-n", 5, "--out", "out.csv", "--where", "a b = 'z'")
    assert outcome.code == 2
    assert '"a b"' in outcome.err
