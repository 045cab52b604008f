"""CSV files: separator, encoding, header and shape are checked, cells are left as they stand."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from tablewright.errors import InputError

__all__ = ["read_csv"]

_SEPARATORS = ",;\t|"
_BLOCK = 1 << 20


def read_csv(path: Path, head: bytes) -> pl.DataFrame:
    """Read a file of text cells, all of them as text.

    Parameters
    ----------
    path : Path
    head : bytes
        How the file begins.

    Raises
    ------
    InputError
        If it is no text in UTF-8, has no rows, rows of different length, or two columns of
        one name; names the line.
    """
    source = _decode(path, head)
    separator = _find_separator(head)
    names = _read_header(path, source, separator)
    try:
        frame = pl.read_csv(
            source, infer_schema=False, separator=separator, has_header=True, glob=False
        )
    except pl.exceptions.PolarsError as error:
        _check_rows(path, source, separator, len(names))
        raise InputError(f"{path} is no CSV file: {str(error).splitlines()[0]}") from error
    if frame.width != len(names):
        raise InputError(f"{path}: the header cannot be read; quote names that hold {separator!r}")
    frame.columns = names
    frame = frame.with_columns(pl.all().replace("", None))
    if not frame.height:
        raise InputError(f"{path} has a header and no rows; at least two rows are needed")
    if frame[:, -1].null_count():
        blank = _check_rows(path, source, separator, len(names))
        frame = frame.with_row_index("\0").filter(~pl.col("\0").is_in(blank)).drop("\0")
    return frame


def _decode(path: Path, head: bytes) -> Any:
    """Give what polars can read: the path itself, or the bytes where they need a change."""
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _from_utf16(path)
    if b"\0" in head:
        raise InputError(f"{path} is a binary file; save the table as CSV, Parquet or Arrow")
    _check_utf8(path)
    if b"\r" in head and b"\n" not in head:
        return path.read_bytes().replace(b"\r", b"\n")
    return path


def _from_utf16(path: Path) -> bytes:
    try:
        return path.read_text(encoding="utf-16").encode()
    except UnicodeError as error:
        raise InputError(f"{path} is not the UTF-16 text it begins as; save it as UTF-8") from error


def _check_utf8(path: Path) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    line = 1
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line += block[: max(error.start, 0)].count(b"\n")
                raise InputError(
                    f"{path}, line {line}: not UTF-8 text; save the file as UTF-8 "
                    "(in a spreadsheet program: 'CSV UTF-8')"
                ) from error
            if not block:
                return
            line += block.count(b"\n")


def _find_separator(head: bytes) -> str:
    first = head.decode("utf-8", errors="ignore").lstrip("\ufeff\r\n").split("\n")[0]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        first = head.decode("utf-16", errors="ignore").split("\n")[0]
    bare = "".join(part for i, part in enumerate(first.split('"')) if i % 2 == 0)
    counts = {separator: bare.count(separator) for separator in _SEPARATORS}
    return max(counts, key=lambda separator: counts[separator])


def _records(source: Any, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Give each record with the line that it ends on."""
    stream = (
        io.StringIO(source.decode(), newline="")
        if isinstance(source, bytes)
        else source.open(encoding="utf-8-sig", newline="")
    )
    with stream:
        reader = csv.reader(stream, delimiter=separator)
        for record in reader:
            yield reader.line_num, record


def _read_header(path: Path, source: Any, separator: str) -> list[str]:
    names = next((record for _, record in _records(source, separator) if record), [])
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        shown = ", ".join(repr(name) for name in twice[:5])
        raise InputError(f"{path}: the header has {shown} more than once; rename the columns")
    return names


def _check_rows(path: Path, source: Any, separator: str, width: int) -> list[int]:
    """Check that rows have as many cells as the header; give the positions of blank lines."""
    blank: list[int] = []
    position = -1
    try:
        for line, record in _records(source, separator):
            if position < 0 and not record:
                continue
            if record and len(record) != width:
                raise InputError(
                    f"{path}, line {line}: {len(record)} cell{'s' * (len(record) != 1)}, but the "
                    f"header has {width}; correct the line, or quote cells that hold {separator!r}"
                )
            if not record:
                blank.append(position)
            position += 1
    except csv.Error:
        return blank
    return blank
