"""Model files: the same rows after loading, old files for ever, nothing run from hostile ones."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright import Synthesizer
from tablewright.errors import InputError
from tablewright.tables.io.model_file import reading
from tests.artefacts.make import HOME, METHODS
from tests.people import people

WHERE = "age > 40 AND state = 'ill' AND dose IS NOT NULL"


@pytest.fixture(scope="module", params=METHODS)
def learned(request: pytest.FixtureRequest) -> Synthesizer:
    return Synthesizer(request.param, target="state", random_state=0).fit(people(150))


@pytest.fixture
def trees_file(tmp_path: Path) -> Path:
    result = Synthesizer("trees", target="state", random_state=0).fit(people(150))
    result.save(tmp_path / "model.tw")
    return tmp_path / "model.tw"


def test_a_loaded_model_writes_the_same_rows(learned: Synthesizer, tmp_path: Path) -> None:
    learned.save(tmp_path / "model.tw")
    again = Synthesizer.load(tmp_path / "model.tw")
    seeds = people(30, seed=2).select("age", "ward")
    assert again.sample(60, random_state=1).equals(learned.sample(60, random_state=1))
    assert again.sample(60, where=WHERE, random_state=1).equals(
        learned.sample(60, where=WHERE, random_state=1)
    )
    assert again.sample(20, balance="equal", random_state=1).equals(
        learned.sample(20, balance="equal", random_state=1)
    )
    assert again.sample(seed_data=seeds, random_state=1).equals(
        learned.sample(seed_data=seeds, random_state=1)
    )
    assert again.impute(people(40)).equals(learned.impute(people(40)))
    assert again.schema_ == learned.schema_
    assert (again.method_, again.reason_, again.n_rows_) == (
        learned.method_,
        f"{learned.method_}, as asked",
        150,
    )


def test_the_same_model_makes_the_same_bytes(learned: Synthesizer, tmp_path: Path) -> None:
    learned.save(tmp_path / "first.tw")
    Synthesizer.load(tmp_path / "first.tw").save(tmp_path / "again.tw")
    assert (tmp_path / "first.tw").read_bytes() == (tmp_path / "again.tw").read_bytes()


def test_a_loaded_model_writes_the_same_kind_of_frame(tmp_path: Path) -> None:
    for frame in (people(60).to_pandas(), people(60).to_arrow()):
        result = Synthesizer("trees", random_state=0).fit(frame)
        result.save(tmp_path / "model.tw")
        rows = Synthesizer.load(tmp_path / "model.tw").sample(20)
        assert type(rows) is type(frame)
        assert rows.equals(result.sample(20))


def test_a_file_holds_only_open_formats(learned: Synthesizer, tmp_path: Path) -> None:
    learned.save(tmp_path / "model.tw")
    with zipfile.ZipFile(tmp_path / "model.tw") as file:
        names = file.namelist()
        json.loads(file.read("index.json"))
        for name in names:
            if name.endswith(".npz"):
                with np.load(io.BytesIO(file.read(name)), allow_pickle=False) as arrays:
                    assert all(arrays[key].dtype != object for key in arrays)
    assert {Path(name).suffix for name in names} == {".json", ".npz", ".parquet"}


# old versions -----------------------------------------------------------------------------

OLD = sorted(HOME.glob("v*/*.tw"))


def test_this_version_has_files_that_later_ones_must_read() -> None:
    assert {path.stem for path in OLD} >= set(METHODS)


@pytest.mark.parametrize("path", OLD, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_files_of_old_versions_are_read(path: Path) -> None:
    model = Synthesizer.load(path)
    real = people(80)
    assert model.n_rows_ == 80
    assert model.method_ == path.stem
    rows = model.sample(40, where="age > 50 AND state = 'ill'")
    assert rows.schema == real.schema
    assert (rows["age"] > 50).all()
    assert not set(rows["patient_id"]) & set(real["patient_id"])
    assert model.sample(10, balance="equal")["state"].to_list().count("ill") == 5
    assert sum(model.impute(real).null_count().row(0)) == 0


# hostile and broken files -------------------------------------------------------------------


class Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def changed(path: Path, part: str, data: bytes) -> None:
    """Put another content in a part of a model file."""
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    with zipfile.ZipFile(path, "w") as file:
        for name, content in {**parts, part: data}.items():
            file.writestr(name, data if name == part else content)


def facts(path: Path, change: Callable[[Any], Any]) -> None:
    with zipfile.ZipFile(path) as file:
        read = json.loads(file.read("facts.json"))
    change(read)
    changed(path, "facts.json", json.dumps(read).encode())


def test_pickles_in_a_file_are_not_run(trees_file: Path, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    buffer = io.BytesIO()
    np.savez(buffer, values=np.array([Evil(mark)], dtype=object), allow_pickle=True)
    pickled = pickle.dumps(Evil(mark))
    with zipfile.ZipFile(trees_file) as file:
        names = file.namelist()
    original = trees_file.read_bytes()
    for name in names:
        for data in (buffer.getvalue(), pickled):
            trees_file.write_bytes(original)
            changed(trees_file, name, data)
            with pytest.raises(InputError, match="not a model file that tablewright wrote"):
                Synthesizer.load(trees_file)
    trees_file.write_bytes(pickled)
    with pytest.raises(InputError, match="not a model file that tablewright wrote"):
        Synthesizer.load(trees_file)
    assert not mark.exists()


def test_a_file_cut_short_anywhere_is_said_to_be_damaged(trees_file: Path) -> None:
    whole = trees_file.read_bytes()
    for length in range(0, len(whole), len(whole) // 40):
        trees_file.write_bytes(whole[:length])
        with pytest.raises(InputError, match="not a model file that tablewright wrote"):
            Synthesizer.load(trees_file)


def test_flipped_bytes_never_leave_more_than_a_sentence(trees_file: Path) -> None:
    whole, rng = trees_file.read_bytes(), np.random.default_rng(0)
    for _ in range(60):
        broken = np.frombuffer(whole, np.uint8).copy()
        at = rng.integers(0, len(broken), rng.choice([1, 5, 50]))
        broken[at] = rng.integers(0, 256, len(at))
        trees_file.write_bytes(broken.tobytes())
        with suppress(InputError):  # nothing else comes out
            Synthesizer.load(trees_file)


def test_a_newer_format_asks_for_an_update(trees_file: Path) -> None:
    changed(trees_file, "index.json", json.dumps({"format": 99, "later": True}).encode())
    with pytest.raises(InputError, match=r"newer tablewright .format 99.*update tablewright"):
        Synthesizer.load(trees_file)


@pytest.mark.parametrize(
    "change",
    [
        lambda facts: facts.clear(),
        lambda facts: facts.update(layout=None),
        lambda facts: facts.update(seed="x"),
        lambda facts: facts["layout"]["schema"].update(columns="none"),
        lambda facts: facts["layout"].update(fields=[]),
        lambda facts: facts["generator"].clear(),
        lambda facts: facts.update(restore=[1]),
        lambda facts: facts["layout"].update(identifiers={"../../etc/passwd": {}}),
    ],
)
def test_wrong_facts_are_said_to_be_damaged(trees_file: Path, change: Callable[[Any], Any]) -> None:
    facts(trees_file, change)
    with pytest.raises(InputError, match="not a model file that tablewright wrote"):
        Synthesizer.load(trees_file)


@pytest.mark.parametrize("method", ["../../evil", "os:system", "no such method"])
def test_only_registered_methods_are_loaded(trees_file: Path, method: str) -> None:
    facts(trees_file, lambda read: read.update(method=method))
    with pytest.raises(InputError, match="no generator is called"):
        Synthesizer.load(trees_file)


def test_a_tree_that_points_outside_itself_is_refused(trees_file: Path) -> None:
    with zipfile.ZipFile(trees_file) as file:
        groups = json.loads(file.read("index.json"))["arrays"]
        index = f"arrays/{groups.index('generator')}.npz"
        with np.load(io.BytesIO(file.read(index))) as read:
            arrays = dict(read)
    name = next(key for key in arrays if key.endswith("/left") and len(arrays[key]) > 1)
    for child in (10**9, -7, 0):
        buffer = io.BytesIO()
        left = arrays[name].copy()
        left[0] = child
        np.savez(buffer, **{**arrays, name: left})
        changed(trees_file, index, buffer.getvalue())
        with pytest.raises(InputError, match="not a model file that tablewright wrote"):
            Synthesizer.load(trees_file)


def test_names_that_look_like_paths_are_only_names(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "../../a": [1.5, 2.5] * 20,
            "/etc/b": ["x", "y"] * 20,
            "..\\c": [f"K-{i:02d}" for i in range(40)],
        }
    )
    result = Synthesizer("trees", random_state=0).fit(table)
    result.save(tmp_path / "model.tw")
    assert Synthesizer.load(tmp_path / "model.tw").sample(9).equals(result.sample(9))
    assert [path.name for path in tmp_path.iterdir()] == ["model.tw"]


def test_places_that_do_not_exist_are_named(trees_file: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing.tw: there is no such model file"):
        Synthesizer.load(tmp_path / "nothing.tw")
    with pytest.raises(InputError, match="cannot be read"):
        Synthesizer.load(tmp_path)
    before = trees_file.read_bytes()
    with pytest.raises(InputError, match="does not exist"):
        Synthesizer.load(trees_file).save(tmp_path / "no" / "model.tw")
    assert trees_file.read_bytes() == before


# what a file holds --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["copula", "independent"])
def test_a_shareable_model_holds_no_real_row(method: str, tmp_path: Path) -> None:
    table = people(150).drop("patient_id")
    result = Synthesizer(method, target="state", random_state=0).fit(table)
    result.save(tmp_path / "model.tw", shareable=True)
    again = Synthesizer.load(tmp_path / "model.tw")
    with reading(tmp_path / "model.tw") as stored:
        frames, facts = stored.frames, stored.facts
    assert "reference" not in frames
    assert {
        name: frame.width for name, frame in frames.items() if frame.width > 1 and frame.height > 1
    } == {}
    assert facts["holds"][0] == f"no real row: {method} needs none"
    assert again.sample(20).equals(result.sample(20))
    assert again.sample(20, rules=["age >= 0"]).height == 20
    assert (tmp_path / "model.tw").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("method", ["trees", "forest", "smotenc"])
def test_a_method_that_needs_rows_is_not_shareable(method: str, tmp_path: Path) -> None:
    result = Synthesizer(method, target="state", random_state=0).fit(people(80))
    with pytest.raises(InputError, match="keeps real rows in its model"):
        result.save(tmp_path / "model.tw", shareable=True)
    assert "real rows" in result.holdings()[0]
    assert not (tmp_path / "model.tw").exists()


def test_a_file_that_claims_gigabytes_is_refused_before_it_is_unpacked(trees_file: Path) -> None:
    with zipfile.ZipFile(trees_file) as file:
        names = file.namelist()
    original = trees_file.read_bytes()
    zeros = io.BytesIO()
    np.savez_compressed(zeros, x=np.zeros(160_000_000, np.uint8))
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f8", "fortran_order": False, "shape": (10**12,)}
    )
    claims = io.BytesIO()
    with zipfile.ZipFile(claims, "w") as file:
        file.writestr("x.npy", header.getvalue())
    rows = io.BytesIO()
    pl.DataFrame({"a": pl.repeat(0, 160_000_000, dtype=pl.Int8, eager=True)}).write_parquet(rows)
    array = next(name for name in names if name.endswith(".npz"))
    frame = next(name for name in names if name.endswith(".parquet"))
    for name, data in ((array, zeros), (array, claims), (frame, rows)):
        trees_file.write_bytes(original)
        changed(trees_file, name, data.getvalue())
        with pytest.raises(InputError, match="far more than a model of its size"):
            Synthesizer.load(trees_file)
