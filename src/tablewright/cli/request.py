"""Which rows a command was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from tablewright.errors import InputError

if TYPE_CHECKING:
    from tablewright.synthesizers import Synthesizer

__all__ = ["Request"]


@dataclass(frozen=True)
class Request:
    """How many rows, and of what sort.

    Attributes
    ----------
    n_rows : int or None
        None stands for as many as the smaller classes lack.
    where : str or None
    balance : {"equal", "fill"} or None
    """

    n_rows: int | None
    where: str | None = None
    balance: Literal["equal", "fill"] | None = None

    @classmethod
    def of(cls, n_rows: int | str, where: str | None, balance: str | None) -> Request:
        """Take the options as they were typed.

        Raises
        ------
        InputError
            If ``-n auto`` is asked for without ``--balance fill``.
        """
        if n_rows == "auto" and balance != "fill":
            raise InputError("-n auto goes with --balance fill alone; give a number of rows")
        wanted = None if n_rows == "auto" else int(n_rows)
        return cls(wanted, where, cast(Literal["equal", "fill"] | None, balance))

    def batches(self, synthesizer: Synthesizer, seed: int) -> Iterator[Any]:
        """Draw the rows, piece by piece."""
        return synthesizer.batches(
            self.n_rows, where=self.where, balance=self.balance, random_state=seed
        )

    def options(self) -> dict[str, Any]:
        """Give what was asked for as plain data."""
        return asdict(self)
