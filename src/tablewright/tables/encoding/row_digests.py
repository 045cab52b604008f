"""Digests of rows, and a sketch of many of them by which rows are known again."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.tables.inference.cells import MISSING_TEXTS, spells_code, spells_number

__all__ = ["RowSketch", "Sighting", "row_digests"]

Digests = NDArray[np.uint64]
Bools = NDArray[np.bool_]

MAX_KEPT = 1 << 16
_BYTES = 5


def row_digests(frame: pl.DataFrame) -> Digests:
    """Digest each row by the values of its cells.

    Spelling does not matter (``39``, ``39.0`` and ``"39"`` are one value, letter case and
    blanks around are not seen, numbers count to six digits), nor does the order of the
    columns; their names do, as far as they decide the order.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)

    Returns
    -------
    ndarray of uint64 of shape (n_rows,)
        40 bits of each row's BLAKE2b digest.

    Examples
    --------
    >>> one = row_digests(pl.DataFrame({"a": [39], "b": ["X "]}))
    >>> bool(one[0] == row_digests(pl.DataFrame({"b": ["x"], "a": ["39.0"]}))[0])
    True
    """
    cells = [_canonical(frame[name]).fill_null("") for name in sorted(frame.columns)]
    if not cells:
        return np.empty(0, np.uint64)
    texts = pl.DataFrame(cells).select(pl.concat_str(pl.all(), separator="\x1f")).to_series()
    made = b"".join(hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts)
    return np.frombuffer(made, dtype=">u8").astype(np.uint64) >> np.uint64(64 - 8 * _BYTES)


def _canonical(series: pl.Series) -> pl.Series:
    dtype = series.dtype
    if dtype in (pl.Categorical, pl.Enum):
        series, dtype = series.cast(pl.String), pl.String()
    if dtype == pl.String:
        return _canonical_text(series)
    if dtype == pl.Boolean:
        return series.cast(pl.String)
    if dtype.is_numeric():
        return _canonical_number(series.cast(pl.Float64))
    if isinstance(dtype, pl.Datetime):
        text = series.dt.replace_time_zone(None).cast(pl.Datetime("us")).dt.strftime("%F %T%.6f")
        return _canonical_day(text)
    if isinstance(dtype, pl.Duration):
        return series.dt.total_microseconds().cast(pl.String)
    return series.cast(pl.String)


def _canonical_text(series: pl.Series) -> pl.Series:
    text = series.str.strip_chars().str.to_lowercase()
    text = text.set(text.is_in(sorted(MISSING_TEXTS)).fill_null(False), None)
    text = _canonical_day(text)
    number = (spells_number(text) & ~spells_code(text)).fill_null(False)
    if not number.any():
        return text
    parsed = text.str.strip_prefix("+").cast(pl.Float64, strict=False)
    return _canonical_number(parsed).zip_with(number, text)


def _canonical_day(text: pl.Series) -> pl.Series:
    """Write days and moments as typed ones are: ISO 8601, no zone, no midnight."""
    day = text.str.contains(r"^\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b").fill_null(False)
    padded = text.str.replace_all(r"\b(\d)([./-])", "0$1$2")
    text = padded.zip_with(day, text)
    text = text.str.replace(r"^(\d{2})\.(\d{2})\.(\d{4})\b", "$3-$2-$1")
    iso = text.str.contains(r"^\d{4}-\d{2}-\d{2}[ t]\d{2}:\d{2}").fill_null(False)
    if not iso.any():
        return text
    moment = text.str.replace(r"(z| utc|[+-]\d{2}:\d{2})$", "").str.replace("t", " ")
    moment = moment.str.replace(r"( \d{2}:\d{2})$", "$1:00").str.replace(r"(\.\d*?)0+$", "$1")
    moment = moment.str.strip_suffix(".").str.strip_suffix(" 00:00:00")
    return moment.zip_with(iso, text)


def _canonical_number(numbers: pl.Series) -> pl.Series:
    numbers = numbers.fill_nan(None)
    whole = (numbers == numbers.round(0)) & (numbers.abs() < 2.0**53)
    short = numbers.round_sig_figs(6).cast(pl.String)
    return (
        numbers.cast(pl.Int64, strict=False).cast(pl.String).zip_with(whole.fill_null(False), short)
    )


@dataclass(frozen=True)
class Sighting:
    """Which rows of a table are known.

    Attributes
    ----------
    looked_up : ndarray of bool of shape (n_rows,)
        Rows that could be looked up; all, unless the sketch keeps a sample.
    known : ndarray of bool of shape (n_rows,)
        Those among them that were found.
    """

    looked_up: Bools
    known: Bools

    @property
    def share(self) -> float:
        """Part of the rows that is known, from 0 to 1; NaN if none could be looked up."""
        n_looked_up = int(self.looked_up.sum())
        return int(self.known.sum()) / n_looked_up if n_looked_up else float("nan")

    @staticmethod
    def any_of(sightings: Sequence[Sighting]) -> Sighting:
        """Say which rows are known from anywhere, among those that were looked up everywhere."""
        looked_up = np.logical_and.reduce([s.looked_up for s in sightings])
        known = np.logical_or.reduce([s.known for s in sightings])
        return Sighting(looked_up, known & looked_up)


class RowSketch:
    """The digests of many rows, or of a sample of them that digests themselves decide on.

    At most 65,536 digests are kept (330 kB): beyond that, those that end in zero bits. Rows
    of other tables are sampled by the same rule, so that shares stay right.

    Examples
    --------
    >>> sketch = RowSketch()
    >>> sketch.add(pl.DataFrame({"a": [1, 2, 3]}))
    >>> sketch.look_up(pl.DataFrame({"a": [2, 3, 4, 5]})).share
    0.5
    """

    def __init__(self) -> None:
        self.n_rows = 0
        self.n_zero_bits = 0
        self._kept: Digests = np.empty(0, np.uint64)

    def add(self, rows: pl.DataFrame) -> None:
        """Add rows."""
        digests = row_digests(rows)
        self.n_rows += len(digests)
        self._kept = np.union1d(self._kept, self._sample(digests))
        while len(self._kept) > MAX_KEPT:
            self.n_zero_bits += 1
            self._kept = self._sample(self._kept)

    def _sample(self, digests: Digests) -> Digests:
        mask = np.uint64((1 << self.n_zero_bits) - 1)
        sampled: Digests = digests[(digests & mask) == 0]
        return sampled

    def look_up(self, rows: pl.DataFrame) -> Sighting:
        """Look for the rows of a table among those added."""
        digests = row_digests(rows)
        return Sighting(np.isin(digests, self._sample(digests)), np.isin(digests, self._kept))

    def to_dict(self) -> dict[str, Any]:
        """Give plain data from which `from_dict` makes it again."""
        octets = self._kept.astype(">u8").tobytes()
        short = b"".join(octets[at + 8 - _BYTES : at + 8] for at in range(0, len(octets), 8))
        text = base64.b64encode(short).decode()
        return {"n_rows": self.n_rows, "n_zero_bits": self.n_zero_bits, "digests": text}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make it again from what `to_dict` gave.

        Raises
        ------
        ValueError
            If the data are not of that form.
        """
        made = cls()
        made.n_rows, made.n_zero_bits = int(data["n_rows"]), int(data["n_zero_bits"])
        if not 0 <= made.n_zero_bits <= 8 * _BYTES:
            raise ValueError("n_zero_bits is out of range")
        octets = base64.b64decode(str(data["digests"]), validate=True)
        short = np.frombuffer(octets, np.uint8).reshape(-1, _BYTES)
        padded = np.zeros((len(short), 8), np.uint8)
        padded[:, 8 - _BYTES :] = short
        made._kept = padded.view(">u8").ravel().astype(np.uint64)
        return made
