"""A recipe: which original, which steps, and how to know that the result is the file measured."""

from __future__ import annotations

import csv
import hashlib
import io
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Row = dict[str, str]
Files = Mapping[str, bytes]
"""Originals by their names."""


@dataclass(frozen=True)
class Original:
    """A public file.

    Attributes
    ----------
    sha256 : str
        Of the copy that the measured file was made from; other copies may be cut or ended in
        other ways, and the checksum of the result decides.
    """

    name: str
    address: str
    sha256: str
    licence: str


@dataclass(frozen=True)
class Recipe:
    """How our files are made from originals.

    Attributes
    ----------
    makes : mapping of str to str
        Paths below the folder of data, and the SHA-256 of what was measured: of the bytes, or for
        Parquet of the same rows as CSV.
    make : callable
        From the originals to the contents, in the order of `makes`.
    """

    name: str
    about: str
    originals: Sequence[Original]
    makes: Mapping[str, str]
    make: Callable[[Files], Sequence[bytes]]


@dataclass(frozen=True)
class Made:
    """A file of a recipe, and whether it is the one measured."""

    path: Path
    same: bool


def read(content: bytes, encoding: str = "utf-8-sig") -> list[Row]:
    """Read rows of text cells, with commas between them or, as at UCI, semicolons."""
    text = content.decode(encoding)
    head = text.partition("\n")[0]
    separator = ";" if head.count(";") > head.count(",") else ","
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


def write(rows: Sequence[Mapping[str, object]], columns: Sequence[str] | None = None) -> bytes:
    """Write rows as CSV, quoted where need be, a line feed after each."""
    names = list(rows[0]) if columns is None else list(columns)
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row[name] for name in names] for row in rows)
    return file.getvalue().encode()


def digest(path: str, content: bytes) -> str:
    """Return the SHA-256 of a file; of Parquet, whose bytes differ by version, that of its CSV."""
    if path.endswith(".parquet"):
        import polars as pl

        content = pl.read_parquet(io.BytesIO(content)).write_csv().encode()
    return hashlib.sha256(content).hexdigest()


def collect(recipe: Recipe, source: Path, download: bool = False) -> dict[str, bytes]:
    """Read the originals from a file or folder; fetch those that are missing where asked to.

    Raises
    ------
    SystemExit
        If one is missing.
    """
    result = {}
    for original in recipe.originals:
        alone = source.is_file() and len(recipe.originals) == 1
        path = source if alone else source / original.name
        if not path.exists() and download:
            fetch(original, path)
        if not path.exists():
            raise SystemExit(
                f"{path} is not there; get it from {original.address}, or say --download"
            )
        result[original.name] = path.read_bytes()
    return result


def fetch(original: Original, path: Path) -> None:
    """Write an original to a file; a sentence where it cannot be had."""
    try:
        with urllib.request.urlopen(original.address) as reply:
            content = reply.read()
    except OSError as error:
        raise SystemExit(
            f"{original.address} cannot be fetched ({error}); fetch it some other way to {path}"
        ) from error
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def follow(recipe: Recipe, originals: Files, folder: Path) -> list[Made]:
    """Make the files of a recipe below a folder."""
    made = []
    contents = recipe.make(originals)
    for (name, expected), content in zip(recipe.makes.items(), contents, strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        made.append(Made(path, digest(name, content) == expected))
    return made
