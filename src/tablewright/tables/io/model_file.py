"""One file for a fitted synthesizer: a zip of JSON, npz arrays and Parquet frames, no pickle."""

from __future__ import annotations

import io
import json
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

__all__ = ["FORMAT", "Artefact", "reading", "write_artefact"]

FORMAT = 1
"""Version of the layout; raised when older programs could not read what is written."""

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
    """Write the file whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written; what stood there stays.
    """
    groups, frames = list(artefact.arrays), list(artefact.frames)
    index = {"format": FORMAT, "arrays": groups, "frames": frames}
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
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


def _read(path: Path) -> Artefact:
    with zipfile.ZipFile(path) as file:
        index = json.loads(file.read("index.json"))
        if int(index["format"]) > FORMAT:
            raise InputError(
                f"{path} was written by a newer tablewright (format {int(index['format'])}, this "
                f"one reads up to {FORMAT}); update tablewright"
            )
        return Artefact(
            json.loads(file.read("facts.json")),
            {name: _arrays(file.read(f"arrays/{k}.npz")) for k, name in enumerate(index["arrays"])},
            {
                name: pl.read_parquet(io.BytesIO(file.read(f"frames/{k}.parquet")))
                for k, name in enumerate(index["frames"])
            },
        )


def _arrays(data: bytes) -> Arrays:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return dict(arrays)
