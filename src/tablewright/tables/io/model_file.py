"""One file for a fitted synthesizer: a zip of JSON, npz arrays and Parquet frames, no pickle."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import InputError, TablewrightError
from tablewright.tables.io.writing import atomic_file

FORMAT = 1
"""Version of the layout; raised when older programs could not read what is written."""

MAX_FREE = 64 << 20
MAX_RATIO = 100
"""What a file may hold, unpacked: 64 MiB, and 100 bytes for each of its own."""

MAX_PARTS = 100_000

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Artefact:
    """What such a file holds.

    Attributes
    ----------
    facts : mapping
        Plain JSON.
    arrays : mapping of str to mapping of str to ndarray
        Groups of arrays.
    frames : mapping of str to DataFrame
    """

    facts: Mapping[str, Any]
    arrays: Mapping[str, Arrays]
    frames: Mapping[str, pl.DataFrame]


def write_artefact(path: str | Path, artefact: Artefact) -> None:
    """Write the file whole or not at all, readable by its owner alone.

    Raises
    ------
    InputError
        If it cannot be written; what stood there stays.
    """
    groups, frames = list(artefact.arrays), list(artefact.frames)
    index = {"format": FORMAT, "arrays": groups, "frames": frames}
    with atomic_file(path, private=True) as temporary, zipfile.ZipFile(temporary, "w") as file:
        _add(file, "index.json", json.dumps(index).encode())
        _add(file, "facts.json", json.dumps(artefact.facts, allow_nan=False).encode())
        for at, name in enumerate(groups):
            buffer = io.BytesIO()
            # NumPy's stub takes the names for its own options
            np.savez_compressed(buffer, **dict(artefact.arrays[name]))  # type: ignore[arg-type]
            _add(file, f"arrays/{at}.npz", buffer.getvalue())
        for at, name in enumerate(frames):
            buffer = io.BytesIO()
            artefact.frames[name].write_parquet(buffer)
            _add(file, f"frames/{at}.parquet", buffer.getvalue())


def _add(file: zipfile.ZipFile, name: str, data: bytes) -> None:
    """Add a part with a fixed date, so that the same model makes the same bytes."""
    file.writestr(zipfile.ZipInfo(name), data)


@contextmanager
def reading(path: str | Path) -> Iterator[Artefact]:
    """Read the file; whatever its contents break inside the block is said in one sentence.

    Raises
    ------
    InputError
        If there is no such file, it is not an artefact, or a newer program wrote it.
    """
    try:
        yield _read(Path(path))
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such model file; check the path") from error
    except TablewrightError:
        raise
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (Exception, pl.exceptions.PanicException) as e:  # a stranger's file breaks anything
        raise InputError(
            f"{path} is not a model file that tablewright wrote, or it is damaged "
            f"({type(e).__name__}); write it again with 'tablewright fit'"
        ) from e


def is_model_file(path: str | Path) -> bool:
    """Return whether a file looks like one that `write_artefact` wrote."""
    try:
        with zipfile.ZipFile(path) as file:
            return {"index.json", "facts.json"} <= set(file.namelist())
    except (OSError, zipfile.BadZipFile, ValueError):
        return False


def _read(path: Path) -> Artefact:
    room = MAX_FREE + MAX_RATIO * path.stat().st_size
    with zipfile.ZipFile(path) as file:
        _check_sizes(path, file, room)
        index = json.loads(file.read("index.json"))
        if int(index["format"]) > FORMAT:
            raise InputError(
                f"{path} was written by a newer tablewright (format {int(index['format'])}, this "
                f"one reads up to {FORMAT}); update tablewright"
            )
        facts = json.loads(file.read("facts.json"))
        arrays, frames = {}, {}
        for at, name in enumerate(index["arrays"]):
            arrays[str(name)] = _arrays(path, file.read(f"arrays/{at}.npz"), room)
            room -= sum(array.nbytes for array in arrays[str(name)].values())
        for at, name in enumerate(index["frames"]):
            frames[str(name)] = _frame(path, file.read(f"frames/{at}.parquet"), room)
            room -= int(frames[str(name)].estimated_size())
        return Artefact(facts, arrays, frames)


def _check_sizes(path: Path, file: zipfile.ZipFile, room: int) -> None:
    """Refuse an archive that says it holds more than fits its own size, before it is unpacked."""
    parts = file.infolist()
    total = sum(part.file_size for part in parts)
    if total > room or len(parts) > MAX_PARTS:
        raise _too_large(path, total)


def _too_large(path: Path, n_bytes: int) -> InputError:
    return InputError(
        f"{path} is not a model file that tablewright wrote: it would unpack to "
        f"{n_bytes / 1e6:,.0f} MB, far more than a model of its size holds"
    )


def _arrays(path: Path, data: bytes, room: int) -> Arrays:
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        _check_sizes(path, parts, room)
        for part in parts.infolist():
            with parts.open(part) as stream:
                n_bytes = _claimed(stream)
            if n_bytes > part.file_size:
                raise _too_large(path, n_bytes)
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)


def _claimed(stream: Any) -> int:
    """Return the bytes that the header of an array claims for it."""
    version = np.lib.format.read_magic(stream)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }
    shape, _, dtype = read[version](stream)
    return math.prod(map(int, shape)) * dtype.itemsize


def _frame(path: Path, data: bytes, room: int) -> pl.DataFrame:
    rows = pl.scan_parquet(io.BytesIO(data))
    width = max(1, len(rows.collect_schema()))
    n_cells = int(rows.select(pl.len()).collect().item()) * width
    if n_cells > room:  # a cell takes a byte at least
        raise _too_large(path, n_cells)
    return pl.read_parquet(io.BytesIO(data))


@contextmanager
def undamaged(stored: bool) -> Iterator[None]:
    """Report in one sentence what only a damaged file can bring about in a stored model."""
    try:
        yield
    except (TablewrightError, MemoryError):
        raise
    except Exception as error:
        if not stored:
            raise
        raise InputError(
            f"the model file is damaged ({type(error).__name__} while rows were drawn); write "
            "it again with 'tablewright fit'"
        ) from error
