"""Where rows come from: the manifest beside a written table, and knowing its rows again.

Three things tell that this program wrote a table. A mark inside a Parquet file goes with the
file. A manifest beside the file (``OUT.manifest.json``) holds the file's SHA-256: equal means
untouched. And it holds digests of the rows, by which they are known among other rows, after
the file was joined, shuffled, converted or reordered.

Equal rows prove something only where chance does not bring them: a table is said to hold rows
of ours where real rows would be known so often once in a million tables. What it cannot tell:
rows whose manifest is lost and whose file carries no mark; rows of which a value was changed or
a column dropped; a few rows among many; and rows of few categories, which a person could have
written as well.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tablewright.errors import InputError
from tablewright.schema import Dialect, outer_name
from tablewright.tables.encoding.row_digests import FALSE_MARK, RowSketch, Sighting
from tablewright.tables.io.databases import DatabaseTable, DatabaseWriter, writing_table
from tablewright.tables.io.files import format_of
from tablewright.tables.io.writing import TableWriter, write_frame, write_text

MARK = "tablewright"
"""Name under which Parquet files carry the mark."""

NOT_FOR = (
    "These rows are synthetic: nobody was observed. Do not count them as cases, nor as evidence "
    "in a test, a prevalence or a sample size.",
    "Do not judge a model on them: judge it on real rows that had no part in making these.",
    "They carry no formal guarantee of privacy: measure it (evaluate), and treat them as derived "
    "from the real rows.",
    "Do not take an effect found in them for real before it is found in real rows.",
)

FILLED_NOT_FOR = (
    "Some cells are drawn, not observed (origin.options names the columns and how many): do not "
    "report them as measurements.",
    "One filling understates uncertainty: for estimates and intervals fill several times with "
    "different seeds and combine what they give.",
    "Do not judge a model on drawn values of its target.",
)


class Origin(BaseModel):
    """What made rows, and from what.

    Parameters
    ----------
    method : str
        Name of the generator or system.
    n_real_rows : int
        Real rows that it learned from.
    seed : int or None, default=None
        Seed of all chance in it.
    options : dict, default={}
        Options of the method and of the request, plain data.
    command : str or None, default=None
        Command line that was given.
    source : str or None, default=None
        Name of the file with the real rows.
    n_real_rows_alike : int or None, default=None
        Real rows that equal one of these rows; they would be taken for ours.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: str
    n_real_rows: int = Field(ge=0)
    seed: int | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    command: str | None = None
    source: str | None = None
    n_real_rows_alike: int | None = None


class Part(BaseModel):
    """One file of a table that is a folder.

    Parameters
    ----------
    file : str
        Its name in the folder.
    n_rows : int
    sha256 : str
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    file: str
    n_rows: int
    sha256: str


class Manifest(BaseModel):
    """What stands beside a written table.

    Parameters
    ----------
    program, version : str
        What wrote it.
    created : str
        When, ISO 8601 in UTC.
    origin : Origin
    file : str
        Name of the table's file, or of the folder of its parts.
    sha256 : str
        Of the file; of a folder that of the list of its parts, as sha256sum prints it; empty for
        a table of a database.
    parts : list of Part or None, default=None
        The files of a folder.
    n_rows : int
    columns : list of str
    not_for : list of str
        What the rows are not for.
    rows : dict
        Digests of the rows that this program wrote (`RowSketch.to_dict`).
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    manifest_version: int = 1
    program: str = "tablewright"
    version: str = Field(default_factory=lambda: version("tablewright"))
    created: str
    origin: Origin
    file: str
    sha256: str
    parts: list[Part] | None = None
    n_rows: int
    columns: list[str]
    not_for: list[str] = Field(default_factory=lambda: list(NOT_FOR))
    rows: dict[str, Any]

    @property
    def of_real_rows(self) -> bool:
        """Whether it describes real rows, of which some cells were filled or labelled."""
        return "filled" in self.origin.options or self.origin.method == "label"


def manifest_path(output: str | Path) -> Path:
    """Give the place of the manifest of a table.

    Examples
    --------
    >>> manifest_path("rows.csv").name
    'rows.csv.manifest.json'
    """
    return Path(f"{output}.manifest.json")


def write_rows(
    chunks: Iterable[pl.DataFrame],
    path: str | Path,
    origin: Origin,
    real: pl.DataFrame | None = None,
    after: Callable[[], Mapping[str, Any]] | None = None,
    dialect: Dialect | None = None,
) -> Manifest:
    """Write synthetic rows to a file, chunk by chunk, with the manifest beside it.

    Parameters
    ----------
    chunks : iterable of DataFrame
        Rows as they are to be written; at least one chunk.
    path : str or Path
        A CSV, TSV, Parquet or Arrow file.
    origin : Origin
    real : DataFrame or None, default=None
        The real rows, of which those that equal a written row are counted.
    after : callable or None, default=None
        Called when all rows are there; what it returns joins the options of `origin` in the
        manifest.
    dialect : Dialect or None, default=None
        How a text file is to be written.

    Raises
    ------
    InputError
        If the file cannot be written; what stood there stays.
    """
    with TableWriter(path, _mark(path, origin), dialect) as writer:
        sketch, columns = _written(chunks, writer)
    origin = _completed(origin, sketch, columns, real, after)
    return _write_manifest(path, origin, sketch, sketch.n_rows, columns, NOT_FOR)


def write_rows_to_database(
    chunks: Iterable[pl.DataFrame],
    place: DatabaseTable,
    origin: Origin,
    real: pl.DataFrame | None = None,
    after: Callable[[], Mapping[str, Any]] | None = None,
) -> Manifest:
    """Write synthetic rows to a table of a database, in one transaction with their manifest.

    Parameters
    ----------
    place : DatabaseTable
        Not there yet.
    chunks, origin, real, after
        See `write_rows`.

    Raises
    ------
    InputError
        If the database refuses anything; it is as it was.
    """
    with writing_table(place) as writer:
        sketch, columns = _written(chunks, writer)
        origin = _completed(origin, sketch, columns, real, after)
        manifest = Manifest(
            created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            origin=origin,
            file=place.name,
            sha256="",
            n_rows=sketch.n_rows,
            columns=columns,
            rows=sketch.to_dict(),
        )
        writer.add_manifest(manifest.model_dump_json(exclude={"parts"}))
    return manifest


def _written(
    chunks: Iterable[pl.DataFrame], writer: TableWriter | DatabaseWriter
) -> tuple[RowSketch, list[str]]:
    """Write chunks; return the digests of the rows and the names of the columns."""
    sketch, columns = RowSketch(), list[str]()
    for chunk in chunks:
        writer.write(chunk)
        sketch.add(chunk)
        columns = [outer_name(name) for name in chunk.columns]
    return sketch, columns


def _completed(
    origin: Origin,
    sketch: RowSketch,
    columns: list[str],
    real: pl.DataFrame | None,
    after: Callable[[], Mapping[str, Any]] | None,
) -> Origin:
    """Add what is known when all rows are there."""
    if after is not None:
        origin = origin.model_copy(update={"options": {**origin.options, **after()}})
    if real is not None:
        n_alike = sketch.drop_real(real[[c for c in real.columns if outer_name(c) in columns]])
        origin = origin.model_copy(update={"n_real_rows_alike": n_alike})
    return origin


def write_filled(
    frame: pl.DataFrame,
    filled: pl.Series,
    path: str | Path,
    origin: Origin,
    dialect: Dialect | None = None,
) -> Manifest:
    """Write real rows of which some cells were filled, with the manifest beside them.

    Parameters
    ----------
    frame : DataFrame
    filled : Series of bool
        Which rows have a filled cell; only those count as written by this program.
    path : str or Path
    origin : Origin
    dialect : Dialect or None, default=None
        How a text file is to be written.

    Raises
    ------
    InputError
        If the file cannot be written; what stood there stays.
    """
    write_frame(frame, path, dialect=dialect)
    sketch = RowSketch()
    sketch.add(frame.filter(filled))
    return _write_manifest(
        path, origin, sketch, frame.height, [*map(outer_name, frame.columns)], FILLED_NOT_FOR
    )


def _write_manifest(
    path: str | Path,
    origin: Origin,
    sketch: RowSketch,
    n_rows: int,
    columns: list[str],
    not_for: Sequence[str],
    parts: list[Part] | None = None,
) -> Manifest:
    manifest = Manifest(
        created=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        origin=origin,
        file=Path(path).name,
        sha256=_sha256(Path(path)) if parts is None else _sha256_of_parts(parts),
        parts=parts,
        n_rows=n_rows,
        columns=columns,
        not_for=list(not_for),
        rows=sketch.to_dict(),
    )
    text = manifest.model_dump_json(indent=2, exclude=None if parts else {"parts"})
    write_text(text + "\n", manifest_path(path))
    return manifest


def write_parts_manifest(
    folder: Path, origin: Origin, sketch: RowSketch, columns: list[str], parts: list[Part]
) -> Manifest:
    """Write the manifest of a folder of Parquet files beside it."""
    return _write_manifest(folder, origin, sketch, sketch.n_rows, columns, NOT_FOR, parts)


def write_model_manifest(path: str | Path, origin: Origin, holds: Sequence[str]) -> None:
    """Write beside a model file what made it and what it holds of the real table."""
    path = Path(path)
    declared = {
        "program": "tablewright",
        "version": version("tablewright"),
        "created": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "origin": origin.model_dump(),
        "file": path.name,
        "sha256": _sha256(path),
        "holds": list(holds),
    }
    write_text(json.dumps(declared, indent=2, ensure_ascii=False) + "\n", manifest_path(path))


def _mark(path: str | Path, origin: Origin) -> dict[str, str] | None:
    return mark(origin) if format_of(path) == "parquet" else None


def mark(origin: Origin) -> dict[str, str]:
    """Return the metadata of a Parquet file with which it carries the mark."""
    declared = {"synthetic": True, "version": version("tablewright"), **origin.model_dump()}
    return {MARK: json.dumps(declared)}


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or of the list of the Parquet files in a folder."""
    if not path.is_dir():
        return sha256_of_file(path)
    files = sorted(path.glob("*.parquet"))
    return _sha256_of_parts([Part(file=f.name, n_rows=0, sha256=sha256_of_file(f)) for f in files])


def _sha256_of_parts(parts: Sequence[Part]) -> str:
    listed = "".join(f"{part.sha256}  {part.file}\n" for part in parts)
    return hashlib.sha256(listed.encode()).hexdigest()


def read_manifest(path: str | Path) -> Manifest:
    """Read a manifest.

    Raises
    ------
    InputError
        If there is none, or it is not of the form that this program writes.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
        manifest = Manifest.model_validate_json(text)
        RowSketch.from_dict(manifest.rows)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such manifest; check the path") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    except (ValidationError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is no manifest that tablewright wrote") from error
    return manifest


def find_manifests(path: str | Path) -> list[Manifest]:
    """Read the manifests in the folder of a table, its own first; others' files are passed over."""
    folder, own = Path(path).parent, manifest_path(path)
    result = []
    for index in sorted(folder.glob("*.manifest.json"), key=lambda p: (p != own, p.name)):
        try:
            result.append(read_manifest(index))
        except InputError:
            continue
    return result


@dataclass(frozen=True)
class Provenance:
    """What is known of where the rows of a table come from.

    Attributes
    ----------
    marked : bool
        Whether the file carries our mark: all its rows were written by this program.
    untouched : bool
        Whether the file is, byte for byte, one that a manifest describes.
    sightings : tuple of (str, Sighting)
        For each manifest the file it describes, and how many rows of this table are in it.
    """

    marked: bool
    untouched: bool
    sightings: tuple[tuple[str, Sighting], ...]

    @property
    def share(self) -> float:
        """Part of the rows known to be ours, from 0 to 1, as far as can be told."""
        if self.marked or self.untouched:
            return 1.0
        proven = [sighting for _, sighting in self.sightings if sighting.proven]
        if not proven:
            return 0.0
        share = Sighting.any_of(proven).share
        return 0.0 if math.isnan(share) else share

    @property
    def can_tell(self) -> bool:
        """Whether there was a mark or a manifest to go by."""
        return self.marked or self.untouched or bool(self.sightings)

    def sentence(self) -> str:
        """Say it in one sentence."""
        if self.untouched:
            return "this file was written by tablewright and not changed since"
        if self.marked:
            return "this file carries the mark of tablewright: its rows are synthetic"
        if not self.sightings:
            return (
                "no mark and no manifest beside the file: whether tablewright wrote some of the "
                "rows cannot be told (name manifests to look them up)"
            )
        if not self.share:
            files = ", ".join(name for name, _ in self.sightings)
            if any(sighting.known.any() for _, sighting in self.sightings):
                return f"some rows equal rows written to {files}, no more than chance explains"
            return f"no row is one that tablewright wrote to {files}"
        parts = (f"{s.share:.1%} of the rows are in {n}" for n, s in self.sightings if s.proven)
        declared = f"rows that tablewright wrote: {', '.join(parts)}"
        return f"{declared} (chance of a false mark: below 1 in {1 / FALSE_MARK:,.0f})"


def trace_rows(
    frame: pl.DataFrame,
    path: str | Path | None = None,
    manifests: Sequence[Manifest] | None = None,
) -> Provenance:
    """Find out whether a table holds rows that this program wrote.

    Parameters
    ----------
    frame : DataFrame
        The rows.
    path : str, Path or None, default=None
        Their file, where there is one.
    manifests : sequence of Manifest or None, default=None
        Where rows may come from; those in the folder of the file where None.
    """
    if manifests is None:
        manifests = find_manifests(path) if path is not None else []
    digest = _sha256(Path(path)) if path is not None and manifests else None
    sightings = []
    for manifest in manifests:
        sketch = RowSketch.from_dict(manifest.rows)
        shared = [name for name in frame.columns if outer_name(name) in manifest.columns]
        if len(shared) == len(manifest.columns):
            sighting = sketch.look_up(frame[shared])
            if digest == manifest.sha256:  # the very file: no chance in it
                sighting = replace(sighting, proven=bool(sighting.known.any()))
            sightings.append((manifest.file, sighting))
    whole = (m for m in manifests if m.rows["n_rows"] == m.n_rows)
    untouched = digest is not None and any(digest == m.sha256 for m in whole)
    return Provenance(_is_marked(path), untouched, tuple(sightings))


def _is_marked(path: str | Path | None) -> bool:
    if path is None:
        return False
    if Path(path).is_dir():
        files = [file for file in Path(path).iterdir() if file.suffix == ".parquet"]
        return bool(files) and all(map(_is_marked, files))
    with Path(path).open("rb") as file:
        if file.read(4) != b"PAR1":
            return False
    return MARK in pl.read_parquet_metadata(path)
