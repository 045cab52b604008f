"""Write tables so that a file is either whole or not there: a temporary name, then a rename."""

from __future__ import annotations

import csv
import errno
import io
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import polars as pl

from tablewright.errors import InputError
from tablewright.schema import Dialect, outer_name
from tablewright.tables.inference.times import durations_to_text
from tablewright.tables.io.csv_files import MAX_CELL
from tablewright.tables.io.files import Format, format_of

_ORDER = sys.byteorder[0] + "e"
_WITHOUT_MARK = {"utf-8-sig": "utf-8", "utf-16": f"utf-16-{_ORDER}", "utf-32": f"utf-32-{_ORDER}"}
_LINE_ENDS = {"lf": "\n", "crlf": "\r\n", "cr": "\r"}


@contextmanager
def atomic_file(path: str | Path, private: bool = False) -> Iterator[Path]:
    """Give a temporary path beside `path`, which takes its place when all went well.

    Parameters
    ----------
    path : str or Path
    private : bool, default=False
        Whether the file is readable by its owner alone.

    Raises
    ------
    InputError
        If the folder is absent or not writable, or the disk is full; `path` is as it was.
    """
    path = Path(path)
    check_output(path)
    with _told(path):
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
    temporary = Path(name)
    try:
        with _told(path):
            yield temporary
            _settle(temporary, path, private)
    finally:
        temporary.unlink(missing_ok=True)


def _settle(temporary: Path, path: Path, private: bool) -> None:
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(0o600 if private else 0o666 & ~mask)
    temporary.replace(path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say what went wrong on writing in one sentence."""
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{path} was not written: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    text = str(error)
    code = error.errno if isinstance(error, OSError) else None
    if code in (errno.ENOSPC, errno.EDQUOT) or "No space left" in text or "os error 28" in text:
        return "the disk is full; make room or choose another folder"
    if code == errno.EFBIG or "File too large" in text:
        return "the file would be larger than allowed; make room or choose another folder"
    if code in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "writing is not permitted there; choose another folder"
    return (text.splitlines() or [type(error).__name__])[0]


def check_output(path: str | Path) -> Path:
    """Check before any work that a file can be written at `path`.

    Raises
    ------
    InputError
        If its folder is absent or not writable, or `path` is a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist; make it first")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"the folder {path.parent} is not writable; choose another")
    return path


def write_text(text: str, path: str | Path) -> None:
    """Write text to a file, whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_frame(
    frame: pl.DataFrame,
    path: str | Path,
    metadata: Mapping[str, str] | None = None,
    dialect: Dialect | None = None,
) -> None:
    """Write a table to a CSV, TSV, Parquet or Arrow file, by the ending of its name.

    Parameters
    ----------
    frame : DataFrame
    path : str or Path
    metadata : mapping or None, default=None
        Marks for the file itself; only Parquet keeps them.
    dialect : Dialect or None, default=None
        How a text file is to be written: with commas, in UTF-8 where None.

    Raises
    ------
    InputError
        If the ending is unknown or the file cannot be written.
    """
    with TableWriter(path, metadata, dialect) as writer:
        writer.write(frame)


class TableWriter:
    r"""Write a table in chunks, in memory no larger than one chunk.

    CSV grows in place; chunks of Parquet and Arrow go to parts first, which are joined when
    the writer is closed. The file appears only when all chunks were written.

    Parameters
    ----------
    path : str or Path
    metadata : mapping or None, default=None
        Marks for the file itself; only Parquet keeps them.
    dialect : Dialect or None, default=None
        How a text file is to be written: with commas, in UTF-8 where None.

    Raises
    ------
    InputError
        If the ending is unknown or the file cannot be written.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with TableWriter(Path(folder, "rows.csv")) as writer:
    ...         writer.write(pl.DataFrame({"a": [1]}))
    ...         writer.write(pl.DataFrame({"a": [2]}))
    ...     Path(folder, "rows.csv").read_text()
    'a\n1\n2\n'
    """

    def __init__(
        self,
        path: str | Path,
        metadata: Mapping[str, str] | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        self.path = check_output(path)
        self.format: Format = format_of(path)
        self.metadata = dict(metadata or {})
        self.dialect = dialect or Dialect()
        self.n_rows = 0
        self._parts: list[Path] = []

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        self._temporary = self._stack.enter_context(atomic_file(self.path))
        self._folder: Path | None = None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                with _told(self.path):
                    self._join()
        except InputError as failed:
            self._stack.__exit__(InputError, failed, failed.__traceback__)
            raise
        self._stack.__exit__(kind, error, trace)

    def write(self, chunk: pl.DataFrame) -> None:
        """Add rows; every chunk has the same columns."""
        chunk = chunk.rename(outer_name)
        with _told(self.path):
            if self.format in ("csv", "tsv"):
                self._append(chunk)
            else:
                self._add_part(chunk)
        self.n_rows += chunk.height

    def _append(self, chunk: pl.DataFrame) -> None:
        separator = "\t" if self.format == "tsv" else self.dialect.separator
        spans = [series for series in chunk if series.dtype in (pl.Duration, pl.Time)]
        chunk = chunk.with_columns(durations_to_text(s.cast(pl.Duration("us"))) for s in spans)
        text = chunk.write_csv(
            include_header=not self.n_rows,
            separator=separator,
            line_terminator=_LINE_ENDS[self.dialect.line_end],
            decimal_comma=self.dialect.decimal == ",",
        )
        is_spaced = self.dialect.spaced and separator == self.dialect.separator
        if is_spaced or f"{separator} " in text:
            between = separator + " " * is_spaced
            text = _joined(text, separator, between, _LINE_ENDS[self.dialect.line_end])
        if not self.n_rows:
            text = self._above(separator) + text
        encoding = self.dialect.encoding
        if self.n_rows:  # the mark of the byte order stands once
            encoding = _WITHOUT_MARK.get(encoding, encoding)
        with self._temporary.open("ab") as file:
            file.write(text.encode(encoding, errors="replace"))

    def _above(self, separator: str) -> str:
        """Return what stands above the header."""
        named = f"sep={separator}\n" if self.dialect.names_separator else ""
        return (named + self.dialect.preamble).replace("\n", _LINE_ENDS[self.dialect.line_end])

    def _add_part(self, chunk: pl.DataFrame) -> None:
        if self._folder is None:
            folder = tempfile.TemporaryDirectory(
                prefix=f".{self.path.name}.", dir=self.path.parent, ignore_cleanup_errors=True
            )
            self._folder = Path(self._stack.enter_context(folder))
        part = self._folder / f"{len(self._parts):06d}.arrow"
        chunk.write_ipc(part, compression="lz4")
        self._parts.append(part)

    def _join(self) -> None:
        if not self._parts:
            return
        rows = pl.scan_ipc(self._parts, glob=False)
        if self.format == "parquet":
            rows.sink_parquet(self._temporary, metadata=self.metadata or None)
        else:
            rows.sink_ipc(self._temporary, compression="uncompressed")


def _joined(text: str, separator: str, between: str, line_end: str) -> str:
    """Write rows anew: cells that begin with a blank are quoted, so that it is no layout."""
    csv.field_size_limit(MAX_CELL)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines = (between.join(_quoted(cell, separator) for cell in row) for row in rows)
    return "".join((line or '""') + line_end for line in lines)


def _quoted(cell: str, separator: str) -> str:
    needs_quotes = cell.startswith(" ") or any(mark in cell for mark in f'{separator}"\r\n')
    return '"' + cell.replace('"', '""') + '"' if needs_quotes else cell
