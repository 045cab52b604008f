"""Which rows a command was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from tablewright.cli.progress import say
from tablewright.errors import InputError

if TYPE_CHECKING:
    from tablewright.rules.enforcement import Audit
    from tablewright.synthesizer.quotas import Balance
    from tablewright.synthesizer.synthesizer import Synthesizer
    from tablewright.systems import System

    Learner = Synthesizer | System


@dataclass(frozen=True)
class Request:
    """How many rows, and of what sort.

    Attributes
    ----------
    n_rows : int or None
        None stands for as many as the smaller classes lack.
    where : str or None
    balance : {"equal", "fill"}, mapping or None
    rules : Path or None
        File of rules that the rows keep.
    """

    n_rows: int | None
    where: str | None = None
    balance: Balance | None = None
    rules: Path | None = None

    @classmethod
    def of(
        cls,
        n_rows: int | str,
        where: str | None,
        balance: str | dict[str, int] | None,
        rules: Path | None,
    ) -> Request:
        """Take the options as they were typed.

        Raises
        ------
        InputError
            If ``-n auto`` is asked for and nothing says how many that are.
        """
        if n_rows == "auto" and balance in (None, "equal"):
            raise InputError(
                "give a number of rows, as in -n 1000; -n auto goes with --balance fill, or with "
                "rows by class"
            )
        requested = None if n_rows == "auto" else int(n_rows)
        if requested is None and isinstance(balance, dict):
            requested = sum(balance.values())
        return cls(requested, where, cast("Balance | None", balance), rules)

    def batches(self, learner: Learner, seed: int) -> Iterator[Any]:
        """Draw the rows, piece by piece."""
        return learner.batches(
            self.n_rows, where=self.where, balance=self.balance, rules=self.rules, random_state=seed
        )

    def options(self) -> dict[str, Any]:
        """Give what was asked for as plain data."""
        return {**asdict(self), "rules": None if self.rules is None else self.rules.name}

    def say_audit(self, audit: Audit | None, quiet: bool) -> None:
        """Say what the rules did to the rows, a line for each that changed any."""
        if self.rules is None or audit is None:
            return
        kept = sum(not rule.broken for rule in audit.rules)
        say(f"{kept} of {len(audit.rules)} rules of {self.rules} hold in every row", quiet)
        for rule in audit.rules:
            changed = {
                how: getattr(rule, how)
                for how in ("computed", "repaired", "projected", "redrawn", "broken")
                if getattr(rule, how)
            }
            if changed:
                counts = ", ".join(f"{n:,} {how}" for how, n in changed.items())
                say(f"  {rule.name}: {rule.drawn_right:,} drawn right, {counts}", quiet)
