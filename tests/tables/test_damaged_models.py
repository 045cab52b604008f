"""A model file that somebody changed is refused in one sentence, or it works; nothing between."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright import Synthesizer
from tablewright.errors import TablewrightError
from tests.people import people

ODD: list[Any] = [
    *(None, True, -1, 7, 10**6, 1e300, -0.5, "", "x", "continuous", "text", "Int8", "%Y", "a+b"),
    *([], {}, ["a"], {"a": 1}, 2**70, "[0-9]{999}", "age"),
]
DTYPES = [pl.String, pl.Float64]


def paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Give the way to every value inside of JSON."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*above, key)
        if isinstance(inner, dict | list):
            yield from paths(inner, (*above, key))


def change_json(data: bytes, rng: np.random.Generator) -> bytes:
    facts = json.loads(data)
    ways = list(paths(facts))
    way = ways[int(rng.integers(len(ways)))]
    parent = facts
    for key in way[:-1]:
        parent = parent[key]
    if rng.random() < 0.3:
        del parent[way[-1]]
    else:
        parent[way[-1]] = ODD[int(rng.integers(len(ODD)))]
    return json.dumps(facts).encode()


def change_arrays(data: bytes, rng: np.random.Generator) -> bytes:
    with np.load(io.BytesIO(data)) as read:
        arrays = dict(read)
    if arrays:
        name, other = rng.choice(list(arrays), 2)
        values = arrays[name].copy()
        if values.dtype.kind == "f":
            values.ravel()[:: int(rng.integers(1, 9))] = rng.choice([np.nan, np.inf, -1e300, 0.5])
        elif values.dtype.kind in "iu":
            values.ravel()[:: int(rng.integers(1, 9))] = rng.choice([0, 1, 7, 100])
        choices = [values, arrays[name][: len(arrays[name]) // 2], arrays[other]]
        arrays[name] = choices[int(rng.integers(3))]
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def change_frame(data: bytes, rng: np.random.Generator) -> bytes:
    frame = pl.read_parquet(io.BytesIO(data))
    if frame.width:
        name = frame.columns[int(rng.integers(frame.width))]
        dtype = DTYPES[int(rng.integers(len(DTYPES)))]
        choices = [
            lambda: frame.drop(name),
            lambda: frame.rename({name: "zz"}),
            lambda: frame.head(frame.height // 2),
            lambda: pl.concat([frame, frame]),
            lambda: frame.with_columns(frame[name].cast(dtype, strict=False)),
            lambda: frame.with_columns(pl.lit(None, frame[name].dtype).alias(name)),
        ]
        frame = choices[int(rng.integers(len(choices)))]()
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


CHANGES = {".json": change_json, ".npz": change_arrays, ".parquet": change_frame}


@pytest.fixture(scope="module", params=["trees", "independent", "copula"])
def parts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    path = tmp_path_factory.mktemp("model") / "model.tw"
    Synthesizer(request.param, target="state", random_state=0).fit(people(60)).save(path)
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.mark.parametrize("seed", range(3))
def test_a_changed_model_works_or_is_refused(
    parts: dict[str, bytes], seed: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(seed)
    path = tmp_path / "model.tw"
    refusals = []
    for end in [*CHANGES] * 3:
        name = str(rng.choice([name for name in parts if name.endswith(end)]))
        with zipfile.ZipFile(path, "w") as file:
            for part, data in {**parts, name: CHANGES[end](parts[name], rng)}.items():
                file.writestr(part, data)
        try:
            model = Synthesizer.load(path)
            model.sample(60)
            model.sample(5, where="age > 40 AND state = 'ill'")
            model.impute(people(10))
        except TablewrightError as error:  # nothing else comes out
            refusals.append(str(error))
    assert refusals, "the changes do harm"
    assert max(map(len, refusals)) < 600


def test_a_level_that_occurs_twice_is_refused(parts: dict[str, bytes], tmp_path: Path) -> None:
    names = json.loads(parts["index.json"])["frames"]
    at = next(at for at, name in enumerate(names) if name.startswith("levels/"))
    levels = pl.read_parquet(io.BytesIO(parts[f"frames/{at}.parquet"]))
    for wrong in (levels[[0, *range(levels.height - 1)]], levels.with_columns(level=None)):
        buffer = io.BytesIO()
        wrong.cast(levels.schema).write_parquet(buffer)
        with zipfile.ZipFile(tmp_path / "m.tw", "w") as file:
            for part, data in {**parts, f"frames/{at}.parquet": buffer.getvalue()}.items():
                file.writestr(part, data)
        with pytest.raises(TablewrightError, match="is not a model file that tablewright wrote"):
            Synthesizer.load(tmp_path / "m.tw")


@pytest.mark.parametrize("counts", [None, [1], ["a", "b"], [True, False]])
def test_counts_of_other_classes_are_refused(
    parts: dict[str, bytes], counts: Any, tmp_path: Path
) -> None:
    facts = {**json.loads(parts["facts.json"]), "class_counts": counts}
    with zipfile.ZipFile(tmp_path / "m.tw", "w") as file:
        for part, data in {**parts, "facts.json": json.dumps(facts).encode()}.items():
            file.writestr(part, data)
    with pytest.raises(TablewrightError, match="is not a model file that tablewright wrote"):
        Synthesizer.load(tmp_path / "m.tw")


@pytest.mark.parametrize(
    "noted",
    [
        3,
        {"dtype": 3},
        {"dtype": "no dtype"},
        {"dtype": "category"},
        {"dtype": "object", "objects": "eval"},
        {"dtype": "object", "objects": "read_pickle"},
        {"dtype": "object", "arrow": "no schema"},
    ],
)
def test_what_a_file_notes_of_a_pandas_frame_is_checked_and_calls_nothing(
    noted: Any, tmp_path: Path
) -> None:
    path = tmp_path / "m.tw"
    frame = people(60).to_pandas()
    Synthesizer("independent", target="state", random_state=0).fit(frame).save(path)
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    facts = json.loads(parts["facts.json"])
    facts["restore"]["columns"]["state"] = noted
    with zipfile.ZipFile(path, "w") as file:
        for part, data in {**parts, "facts.json": json.dumps(facts).encode()}.items():
            file.writestr(part, data)
    with pytest.raises(
        TablewrightError, match=r"is not a model file that tablewright wrote|cannot be read"
    ):
        Synthesizer.load(path)


def test_a_file_with_an_unknown_kind_of_frame_is_refused(
    parts: dict[str, bytes], tmp_path: Path
) -> None:
    facts = json.loads(parts["facts.json"])
    facts["restore"]["backend"] = "klingon"
    with zipfile.ZipFile(tmp_path / "m.tw", "w") as file:
        for part, data in {**parts, "facts.json": json.dumps(facts).encode()}.items():
            file.writestr(part, data)
    with pytest.raises(TablewrightError, match="is not a model file that tablewright wrote"):
        Synthesizer.load(tmp_path / "m.tw")
