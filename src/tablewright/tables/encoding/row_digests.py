"""Digests of rows, and a sketch of many of them by which rows are known again."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import beta, binom

from tablewright.schema import outer_name
from tablewright.tables.inference.cells import MISSING_TEXTS, spells_code, spells_number

Digests = NDArray[np.uint64]
Bools = NDArray[np.bool_]

MAX_KEPT = 1 << 16
_BYTES = 5

FALSE_MARK = 1e-6
"""Chance that a table of real rows is said to hold rows of this program, at most."""


def row_digests(frame: pl.DataFrame, salt: bytes = b"") -> Digests:
    """Digest each row by the values of its cells.

    Spelling does not matter (``39``, ``39.0`` and ``"39"`` are one value, letter case and
    blanks around are not seen, decimals count to twelve digits), nor does the order of the
    columns; their names do, as far as they decide the order.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
    salt : bytes, default=b""
        Of one manifest, so that digests of different ones tell nothing of each other.

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
    names = sorted(frame.columns, key=outer_name)
    cells = [_canonical(frame[n].alias(str(at))).fill_null("") for at, n in enumerate(names)]
    if not cells:
        return np.empty(0, np.uint64)
    texts = pl.DataFrame(cells).select(pl.concat_str(pl.all(), separator="\x1f")).to_series()
    result = b"".join(
        hashlib.blake2b(text.encode(), digest_size=8, salt=salt).digest() for text in texts
    )
    return np.frombuffer(result, dtype=">u8").astype(np.uint64) >> np.uint64(64 - 8 * _BYTES)


def _canonical(series: pl.Series) -> pl.Series:
    dtype = series.dtype
    if dtype in (pl.Categorical, pl.Enum):
        series, dtype = series.cast(pl.String), pl.String()
    if dtype == pl.String:
        return _canonical_text(series)
    if dtype.is_numeric() and not dtype.is_integer():
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
    whole = text.str.contains(r"^[+-]?\d+$").fill_null(False)
    number = (spells_number(text) & ~spells_code(text) & ~whole).fill_null(False)
    text = text.str.strip_prefix("+").zip_with(whole & ~spells_code(text).fill_null(False), text)
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
    short = numbers.round_sig_figs(12).cast(pl.String)
    return (
        numbers.cast(pl.Int64, strict=False).cast(pl.String).zip_with(whole.fill_null(False), short)
    )


@dataclass(frozen=True)
class Sighting:
    """Which rows of a table are known from a manifest, and whether that proves something.

    Attributes
    ----------
    looked_up : ndarray of bool of shape (n_rows,)
        Rows that could be looked up; all, unless the sketch keeps a sample.
    known : ndarray of bool of shape (n_rows,)
        Those among them that stand in the manifest.
    proven : bool
        Whether chance brings so many with a probability below one in a million.
    """

    looked_up: Bools
    known: Bools
    proven: bool = True

    @property
    def share(self) -> float:
        """Part of the rows that is known, from 0 to 1; NaN if none could be looked up."""
        n_looked_up = int(self.looked_up.sum())
        return int(self.known.sum()) / n_looked_up if n_looked_up else float("nan")

    @staticmethod
    def any_of(sightings: Sequence[Sighting]) -> Sighting:
        """Return which rows are known from anywhere, among those looked up everywhere."""
        looked_up = np.logical_and.reduce([s.looked_up for s in sightings])
        known = np.logical_or.reduce([s.known for s in sightings])
        return Sighting(looked_up, known & looked_up)


class RowSketch:
    """The salted digests of many rows, or of a sample that the digests themselves decide on.

    At most 65,536 digests are kept (330 kB): beyond that, those that end in zero bits. Rows
    of other tables are sampled by the same rule, so that shares stay right. Rows that equal a
    real one are left out, and how many real ones there were is kept: it bounds how often real
    rows of the same kind equal written ones by chance.

    Parameters
    ----------
    salt : bytes or None, default=None
        A fresh one where None.
    n_zero_bits : int, default=0
        Zero bits that a digest ends in to be kept, from the start.

    Examples
    --------
    >>> sketch = RowSketch()
    >>> sketch.add(pl.DataFrame({"a": [1, 2, 3]}))
    >>> sketch.look_up(pl.DataFrame({"a": [2, 3, 4, 5]})).share
    0.5
    """

    def __init__(self, salt: bytes | None = None, n_zero_bits: int = 0) -> None:
        self.salt = secrets.token_bytes(16) if salt is None else salt
        self.n_rows = 0
        self.n_zero_bits = n_zero_bits
        self.n_real = 0
        self.n_real_alike = 0
        self._kept: Digests = np.empty(0, np.uint64)

    def add(self, rows: pl.DataFrame) -> None:
        """Add rows."""
        digests = row_digests(rows, self.salt)
        self.n_rows += len(digests)
        self._keep(digests)

    def merge(self, other: RowSketch) -> None:
        """Add the rows of another sketch with the same salt."""
        self.n_rows += other.n_rows
        self.n_zero_bits = max(self.n_zero_bits, other.n_zero_bits)
        self._kept = self._sample(self._kept)
        self._keep(other._kept)

    def _keep(self, digests: Digests) -> None:
        self._kept = np.union1d(self._kept, self._sample(digests))
        while len(self._kept) > MAX_KEPT:
            self.n_zero_bits += 1
            self._kept = self._sample(self._kept)

    def drop_real(self, real: pl.DataFrame) -> int:
        """Leave out rows that equal a real one; return how many real rows equal one of ours."""
        digests = row_digests(real, self.salt)
        looked_up = self._sample(digests)
        alike = np.isin(looked_up, self._kept)
        self.n_real, self.n_real_alike = len(looked_up), int(alike.sum())
        self._kept = np.setdiff1d(self._kept, digests)
        share = self.n_real_alike / self.n_real if self.n_real else 0.0
        return round(share * len(digests))

    def _sample(self, digests: Digests) -> Digests:
        return digests[self._is_sampled(digests)]

    def _is_sampled(self, digests: Digests) -> Bools:
        """Return which digests end in as many zero bits as the sketch asks for."""
        mask = np.uint64((1 << self.n_zero_bits) - 1)
        return np.asarray((digests & mask) == 0)

    def look_up(self, rows: pl.DataFrame) -> Sighting:
        """Look for the rows of a table among those added."""
        digests = row_digests(rows, self.salt)
        looked_up = self._is_sampled(digests)
        known = np.isin(digests, self._kept)
        return Sighting(looked_up, known, self._is_proven(digests[looked_up]))

    def _is_proven(self, digests: Digests) -> bool:
        """Return whether real rows would be known so often with a chance below 1 in 10^6.

        Each row counts once, and rows that the table repeats prove nothing. How often real
        rows of this kind equal other rows is bounded twice: by the real rows that were known
        when ours were written, and by the repetitions in the table at hand.
        """
        distinct, counts = np.unique(digests, return_counts=True)
        single = distinct[counts == 1]
        accident = len(self._kept) / 2.0 ** (8 * _BYTES)
        n_known = int(np.isin(single, self._kept).sum())
        repeats = len(digests) - len(single)
        larger = max(1.0, self.n_rows / max(len(digests), 1))
        rates = [min(1.0, repeats / max(len(digests), 1) * larger)]
        if self.n_real:
            rates.append(_upper_rate(self.n_real_alike, self.n_real))
        else:
            rates.append(min(1.0, _upper_rate(repeats, len(digests)) * larger))
        rate = min(1.0, max(rates) + accident)
        by_chance = float(binom.sf(n_known - 1, len(single), rate))
        return n_known > 0 and by_chance < FALSE_MARK / 2

    def to_dict(self) -> dict[str, Any]:
        """Return plain data from which `from_dict` makes it again."""
        octets = self._kept.astype(">u8").view(np.uint8).reshape(-1, 8)
        return {
            "n_rows": self.n_rows,
            "n_zero_bits": self.n_zero_bits,
            "n_real": self.n_real,
            "n_real_alike": self.n_real_alike,
            "salt": self.salt.hex(),
            "digests": base64.b64encode(octets[:, 8 - _BYTES :].tobytes()).decode(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make it again from what `to_dict` gave.

        Raises
        ------
        ValueError
            If the data are not of that form.
        """
        result = cls(bytes.fromhex(str(data.get("salt", ""))))
        result.n_rows, result.n_zero_bits = int(data["n_rows"]), int(data["n_zero_bits"])
        result.n_real = int(data.get("n_real", 0))
        result.n_real_alike = int(data.get("n_real_alike", 0))
        in_range = 0 <= result.n_real_alike <= result.n_real
        if not (in_range and 0 <= result.n_zero_bits <= 8 * _BYTES):
            raise ValueError("numbers are out of range")
        if len(result.salt) not in (0, 16):
            raise ValueError("the salt has 16 bytes")
        octets = base64.b64decode(str(data["digests"]), validate=True)
        short = np.frombuffer(octets, np.uint8).reshape(-1, _BYTES)
        padded = np.zeros((len(short), 8), np.uint8)
        padded[:, 8 - _BYTES :] = short
        result._kept = padded.view(">u8").ravel().astype(np.uint64)
        return result


def _upper_rate(k: int, n: int) -> float:
    """Bound a rate from above that showed itself k times in n, wrong once in two million."""
    return 1.0 if k >= n else float(beta.ppf(1 - FALSE_MARK / 2, k + 1, n - k))
