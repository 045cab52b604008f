"""What the parts of a large table are drawn from: data alone, the same for every worker."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tablewright.synthesizer.estimator import BLOCK
from tablewright.synthesizer.quotas import Balance
from tablewright.tables.encoding.row_digests import MAX_KEPT

PART_ROWS = 10 * BLOCK
"""Rows of a part: whole blocks, so that parts hold the rows that one file would hold."""


@dataclass(frozen=True)
class Plan:
    """A table that is written part by part.

    Attributes
    ----------
    model, folder : str
        Absolute paths, the same on every machine.
    model_sha256 : str
    n_rows, seed : int
    where : str or None
    balance : {"equal", "fill"} or None
    rules : str or None
        As JSON.
    salt : str
        Of the digests of the rows, in hexadecimal digits.
    origin : mapping
        What the mark in each file says of where the rows come from.
    part_rows : int
        Rows of a part; a multiple of 20,000.
    """

    model: str
    folder: str
    model_sha256: str
    n_rows: int
    seed: int
    where: str | None
    balance: Balance | None
    rules: str | None
    salt: str
    origin: Mapping[str, Any] = field(default_factory=dict)
    part_rows: int = PART_ROWS

    @property
    def n_parts(self) -> int:
        """Number of parts."""
        return math.ceil(self.n_rows / self.part_rows)

    @property
    def n_zero_bits(self) -> int:
        """Zero bits by which digests are sampled, so that those of all parts are few."""
        return max(0, math.ceil(math.log2(self.n_rows / MAX_KEPT)))

    def rows(self, number: int) -> range:
        """Return which rows of the table a part holds."""
        start = number * self.part_rows
        return range(start, min(start + self.part_rows, self.n_rows))

    def path(self, number: int) -> Path:
        """Return where a part is written."""
        return Path(self.folder, f"part-{number:06d}.parquet")

    def request(self) -> dict[str, Any]:
        """Return what decides on the rows; parts that differ in it do not belong together."""
        return {
            "model": self.model_sha256,
            "rows": self.n_rows,
            "rows of a part": self.part_rows,
            "seed": self.seed,
            "where": self.where,
            "balance": self.balance,
            "rules": self.rules and hashlib.sha256(self.rules.encode()).hexdigest(),
            "salt": self.salt,
            "version": version("tablewright"),
        }
