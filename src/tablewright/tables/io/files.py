"""Read tables from CSV, Parquet and Arrow files; errors are one sentence with the remedy."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Literal

import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Dialect, inner_name
from tablewright.tables.io.csv_files import read_csv

Format = Literal["csv", "tsv", "parquet", "arrow"]

FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".txt": "csv",
    ".data": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
}
"""Format by the ending of a file's name."""

ENCODING: ContextVar[str | None] = ContextVar("ENCODING", default=None)
"""Encoding of text files that are read without another word: what --encoding names."""

_FOREIGN = {
    b"PK\x03\x04": "a ZIP or Excel file",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"%PDF": "a PDF",
    b"SQLite format": "an SQLite database",
    b"\x89PNG": "a picture",
    b"\x89HDF": "an HDF5 file",
    b"\x1f\x8b": "a gzip file",
    b"FEA1": "a Feather file of version 1",
}


_READERS: dict[str, tuple[Callable[[Path], pl.DataFrame], ...]] = {
    "parquet": (partial(pl.read_parquet, glob=False),),
    "arrow": (pl.read_ipc, pl.read_ipc_stream),
}


def format_of(path: str | Path) -> Format:
    """Tell the format from the ending of a file's name.

    Raises
    ------
    InputError
        If the ending is not a known one.

    Examples
    --------
    >>> format_of("rows.parquet")
    'parquet'
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise InputError(
            f"{path}: the name must end in .csv, .tsv, .parquet, .arrow or .feather to say the "
            f"format, not in {suffix or 'nothing'!r}"
        )
    return FORMATS[suffix]


def read_frame(path: str | Path) -> pl.DataFrame:
    """Read a table from a file; see `read_table`."""
    return read_table(path)[0]


def read_table(
    path: str | Path, declared: Dialect | None = None
) -> tuple[pl.DataFrame, Dialect | None]:
    """Read a table from a file, and how it is written.

    Parameters
    ----------
    path : str or Path
        A CSV, TSV, Parquet or Arrow file. What is inside counts more than its name.
    declared : Dialect or None, default=None
        What a person set of how a text file is written; the rest is found out.

    Returns
    -------
    frame : DataFrame
        The cells of a text file are all text, as they stand; an empty cell is missing.
        `tablewright.tables.inference.infer.infer_schema` finds out what they mean.
    dialect : Dialect or None
        What was set, or None, where it is no text file.

    Raises
    ------
    InputError
        If the file is absent, empty, not a table, in another encoding, has rows of different
        length, or two columns of one name.
    """
    path, dialect = Path(path), declared
    head = _read_head(path)
    if head[:4] == b"PAR1":
        frame = _read_binary(path, "parquet")
    elif head[:6] == b"ARROW1" or head[:4] == b"\xff\xff\xff\xff":
        frame = _read_binary(path, "arrow")
    else:
        _check_text(path, head)
        if (encoding := ENCODING.get()) is not None:
            declared = (declared or Dialect()).model_copy(update={"encoding": encoding})
        frame, dialect = read_csv(path, head, declared)
    if not frame.width:
        raise InputError(f"{path}: the table has no columns")
    return frame.rename(inner_name), dialect


def _read_head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except FileNotFoundError as error:
        raise InputError(f"{path}: there is no such file; check the path") from error
    except IsADirectoryError as error:
        raise InputError(f"{path} is a folder; name one file in it") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    if not head.strip():
        raise InputError(f"{path} is empty; it must hold a header and at least two rows")
    return head


def _read_binary(path: Path, form: Literal["parquet", "arrow"]) -> pl.DataFrame:
    problems: list[Exception] = []
    for read in _READERS[form]:
        try:
            return read(path)
        except pl.exceptions.PanicException as error:
            raise InputError(
                f"{path} cannot be read: it is damaged, or two columns have one name; write it "
                "again"
            ) from error
        except (pl.exceptions.PolarsError, OSError) as error:
            problems.append(error)
    if isinstance(problems[0], pl.exceptions.DuplicateError):
        raise InputError(f"{path} has two columns of one name; rename the columns")
    reason = (str(problems[0]).splitlines() or [type(problems[0]).__name__])[0]
    raise InputError(f"{path} is a damaged {form} file ({reason}); write it again")


def _check_text(path: Path, head: bytes) -> None:
    for magic, what in _FOREIGN.items():
        if head.startswith(magic):
            raise InputError(f"{path} is {what}; save the table as CSV, Parquet or Arrow")
    if FORMATS.get(path.suffix.lower()) in ("parquet", "arrow"):
        raise InputError(f"{path} is not a {path.suffix[1:]} file, though its name says so")
