"""Tables larger than memory: one pass for a sample of the rows, one for all categories."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.permutation import Codes, mix
from tablewright.schema import Dialect, inner_name, outer_name
from tablewright.tables.io.csv_files import scan_csv
from tablewright.tables.io.databases import Query, is_database
from tablewright.tables.io.files import read_table

MAX_ROWS = 1_000_000
MAX_CELLS = 50_000_000
"""What is held of a large table: so many rows, and fewer of a wide one."""

MAX_CSV_BYTES = 1 << 29
"""A CSV file beyond that is read in pieces."""

_BATCH = 50_000
_SEED = 0


class Source(Protocol):
    """Rows that are read piece by piece, as often as asked."""

    def batches(self, size: int) -> Iterator[pl.DataFrame]:
        """Read the rows; at least one piece, which has the columns."""

    def counts(self, column: str) -> tuple[pl.Series, pl.Series]:
        """Return the values of a column and how many rows have each."""


@dataclass(frozen=True)
class LazySource:
    """Files that polars reads piece by piece.

    Attributes
    ----------
    rows : LazyFrame
    dialect : Dialect or None
        How a text file is written.
    """

    rows: pl.LazyFrame
    dialect: Dialect | None = None

    def batches(self, size: int) -> Iterator[pl.DataFrame]:
        """See `Source.batches`."""
        yield self.rows.head(0).collect().rename(inner_name)
        for batch in self.rows.collect_batches(chunk_size=size):
            yield batch.rename(inner_name)

    def counts(self, column: str) -> tuple[pl.Series, pl.Series]:
        """See `Source.counts`."""
        column = outer_name(column)
        name = pl.nth(self.rows.collect_schema().names().index(column)).alias("value")
        counted = self.rows.select(name).group_by("value").len().collect(engine="streaming")
        return counted["value"].alias(inner_name(column)), counted["len"]


@dataclass(frozen=True)
class Sample:
    """What was taken of a large table, and what that leaves out.

    Attributes
    ----------
    n_rows : int
        Rows of the whole table.
    n_sampled : int
    counts : dict
        By discrete column its values in the whole table, and how many rows have each.
    unseen : dict
        By discrete column how many values no sampled row has, and how many rows have them.
    """

    n_rows: int
    n_sampled: int
    counts: dict[str, tuple[pl.Series, pl.Series]] = field(repr=False, default_factory=dict)
    unseen: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def error(self) -> float:
        """Half the width of the 95 % interval of a share, at worst, as a share."""
        kept = 1.0 - self.n_sampled / self.n_rows
        return 1.96 * 0.5 * math.sqrt(kept / self.n_sampled)

    def capped(self, max_rows: int | None) -> Sample:
        """Return the sample of a generator that learns a random part of the rows it gets."""
        return self if max_rows is None else replace(self, n_sampled=min(max_rows, self.n_sampled))

    def sentence(self, rows: str) -> str:
        """Say how large the sample is, and how far a share is off."""
        return (
            f"a random sample of {self.n_sampled:,} of {self.n_rows:,} {rows}: a share is off by "
            f"at most {100 * self.error:.2g} percentage points (95 %)"
        )

    def sentences(self) -> list[str]:
        """Say how large the sample is that was learned from, and what it misses."""
        counted = "categories and classes are counted over all rows"
        first = f"learned from {self.sentence('rows')}; {counted}"
        missed = [
            f"{n_values:,} values of {name!r} ({n_rows:,} rows) are not in the sample, so that no "
            "row gets them"
            for name, (n_values, n_rows) in self.unseen.items()
        ]
        return [first, *missed]


def large_source(data: object, dialect: Dialect | None = None) -> Source | None:
    """Return how to read data in pieces, or None where they are read at once.

    Databases, folders, and files beyond a size are read in pieces.
    """
    if isinstance(data, Query):
        return data
    if not isinstance(data, str | Path):
        return None
    if is_database(data):
        return Query.of(str(data))
    path = Path(data)
    if path.is_dir():
        return LazySource(scan_folder(path))
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(4096)
    if head[:4] == b"PAR1":
        return _large_parquet(path)
    if path.stat().st_size > MAX_CSV_BYTES and (found := scan_csv(path, head, dialect)):
        return LazySource(*found)
    return None


def read_whole(
    data: str | Path | Query, dialect: Dialect | None = None
) -> tuple[pl.DataFrame, Dialect | None]:
    """Read all rows of a file, a folder of Parquet files, or a database."""
    if isinstance(data, Query) or is_database(data):
        source = data if isinstance(data, Query) else Query.of(str(data))
        return pl.concat(source.batches(_BATCH), how="vertical_relaxed"), None
    if Path(data).is_dir():
        return scan_folder(Path(data)).collect().rename(inner_name), None
    return read_table(data, dialect)


def _large_parquet(path: Path) -> Source | None:
    rows = pl.scan_parquet(path, glob=False)
    try:
        n_rows = int(rows.select(pl.len()).collect().item())
        limit = _limit(len(rows.collect_schema()))
    except (pl.exceptions.PolarsError, OSError):
        return None  # whoever reads it whole says what is wrong with it
    return LazySource(rows) if n_rows > limit else None


def scan_folder(folder: Path) -> pl.LazyFrame:
    """Open the Parquet files of a folder as one table, in the order of their names.

    Raises
    ------
    InputError
        If there are none, or they are of different tables.
    """
    files = sorted(file for file in folder.iterdir() if file.suffix == ".parquet")
    if not files:
        raise InputError(
            f"{folder} is a folder without .parquet files; name a file or such a folder"
        )
    rows = pl.scan_parquet(files, glob=False)
    try:
        schema = rows.collect_schema()
        for file in files:
            found = pl.read_parquet_schema(file)
            if found != schema:
                raise InputError(
                    f"{file} has other columns or data types than {files[0].name} "
                    f"({_difference(found, schema)}); put the parts of one table alone into the "
                    "folder"
                )
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{folder} cannot be read: {str(error).splitlines()[0]}") from error
    return rows


def _difference(found: Mapping[str, pl.DataType], wanted: Mapping[str, pl.DataType]) -> str:
    for name in dict.fromkeys([*wanted, *found]):
        if name not in found:
            return f"it has no column {name!r}"
        if name not in wanted:
            return f"it has a column {name!r} more"
        if found[name] != wanted[name]:
            return f"column {name!r} is {found[name]}, not {wanted[name]}"
    return "their order"


def _limit(width: int) -> int:
    return min(MAX_ROWS, max(MAX_CELLS // max(width, 1), 1))


def draw_rows(source: Source) -> tuple[pl.DataFrame, int]:
    """Read a source once; return a random sample of its rows, in their order, and their number.

    The position of a row alone decides on whether it is taken, so that the sample does not
    depend on how the rows are read. All rows are taken where they are few.
    """
    reservoir: _Reservoir | None = None
    for batch in source.batches(_BATCH):
        reservoir = reservoir or _Reservoir(_limit(batch.width))
        reservoir.add(batch)
    assert reservoir is not None
    return reservoir.rows(), reservoir.n_rows


class _Reservoir:
    """Keeps the rows with the smallest of the random keys that positions stand for."""

    def __init__(self, limit: int) -> None:
        self.limit, self.n_rows = limit, 0
        self._frames: list[pl.DataFrame] = []
        self._keys: list[Codes] = []
        self._below = np.uint64(2**64 - 1)

    def add(self, batch: pl.DataFrame) -> None:
        positions = np.arange(self.n_rows, self.n_rows + batch.height, dtype=np.uint64)
        self.n_rows += batch.height
        keys = mix(positions, _SEED)
        kept = keys <= self._below
        self._frames.append(batch if kept.all() else batch.filter(pl.Series(kept)))
        self._keys.append(keys[kept])
        if sum(map(len, self._keys)) >= 2 * self.limit:
            self._cut()

    def _cut(self) -> None:
        keys = np.concatenate(self._keys)
        frame = pl.concat(self._frames, how="vertical_relaxed")
        if len(keys) > self.limit:
            self._below = np.partition(keys, self.limit - 1)[self.limit - 1]
            kept = keys <= self._below
            keys, frame = keys[kept], frame.filter(pl.Series(kept))
        self._frames, self._keys = [frame], [keys]

    def rows(self) -> pl.DataFrame:
        self._cut()
        return self._frames[0]
