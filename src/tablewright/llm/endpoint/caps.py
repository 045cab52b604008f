"""What a run may use at most, and what it has used."""

from __future__ import annotations

from dataclasses import dataclass

from tablewright.errors import BudgetError, InputError

__all__ = ["Caps", "Spent"]


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has used, and reserved for calls in flight.

    Attributes
    ----------
    calls : int
        Real attempts.
    tokens : int
        Tokens read and written.
    cost : float
        US dollars.
    """

    calls: int = 0
    tokens: int = 0
    cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Caps:
    """What a run may use at most.

    Parameters
    ----------
    cost : float or None, default=None
        US dollars.
    tokens, calls : int or None, default=None
        Tokens read and written; real attempts. All sessions of one run count together.
    minutes : float or None, default=None
        Minutes of one session.

    Raises
    ------
    InputError
        If a cap is not above zero.

    Examples
    --------
    >>> Caps(cost=1.0).admit(Spent(calls=9, tokens=900, cost=0.95), tokens=100, cost=0.10)
    Traceback (most recent call last):
    tablewright.errors.BudgetError: the cap of $1 is reached: ...
    """

    cost: float | None = None
    tokens: int | None = None
    calls: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        for name in ("cost", "tokens", "calls", "minutes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise InputError(f"--max-{name} has to be above 0, not {value}")

    def admit(self, spent: Spent, tokens: int, cost: float) -> None:
        """Let one more call pass that uses at most `tokens` and `cost`.

        Raises
        ------
        BudgetError
            If it could exceed a cap.
        """
        if self.calls is not None and spent.calls + 1 > self.calls:
            raise _reached(f"{self.calls} calls", "calls", spent)
        if self.tokens is not None and spent.tokens + tokens > self.tokens:
            raise _reached(f"{self.tokens:,} tokens", "tokens", spent)
        if self.cost is not None and spent.cost + cost > self.cost:
            raise _reached(f"${self.cost:g}", "cost", spent)


def _reached(cap: str, option: str, spent: Spent) -> BudgetError:
    return BudgetError(
        f"the cap of {cap} is reached: {spent.calls} calls, {spent.tokens:,} tokens and "
        f"${spent.cost:.4f} are spent or reserved; the next call might exceed it. "
        f"What is paid for is kept: go on with a higher --max-{option} and the same --run"
    )
