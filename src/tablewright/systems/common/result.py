"""What became of a request: rows kept, rows rejected and why, what it took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from tablewright.callers import warn
from tablewright.display import shown
from tablewright.errors import ModelError
from tablewright.llm.endpoint.metering import UsageByRole

_TYPES = {"_stage": pl.String, "_reason": pl.String, "_score": pl.Float64}
MARKS = tuple(_TYPES)
"""Columns that rejected rows carry: where they were rejected, why, and the score, if any."""


class RowsWarning(UserWarning):
    """Rows that were asked for are missing, or whether they help is in doubt."""


@dataclass
class Result:
    """What became of one call of `sample`.

    Parameters
    ----------
    n_requested : int
        Rows asked for.

    Attributes
    ----------
    n_proposed : int
        Rows that could be read, kept or not.
    n_kept : int
        Rows that were returned.
    parse_errors : Counter
        Why rows of replies could not be read, and how many.
    usage : UsageByRole
        Calls, tokens and money by role and stage.
    copy_rate, copy_rate_reference : float
        Share of the rows returned that equal a real one, and share of held-out real rows of the
        same parts that do.
    notes : list of str
        What a user should know, a sentence each.
    stopped : ModelError or None
        What ended the work before its time: a cap, or an endpoint that failed or never gave a row.
    failure : ModelError or None
        Why the first prompt without a reply got none.
    details : dict
        What a system has more to tell, such as its plan.

    Examples
    --------
    >>> result = Result(10)
    >>> result.reject(pl.DataFrame({"age": [150]}), "sanity", ["age above 120"])
    >>> result.rejected.row(0)
    (150, 'sanity', 'age above 120', None)
    """

    n_requested: int
    n_proposed: int = 0
    n_kept: int = 0
    parse_errors: Counter[str] = field(default_factory=Counter)
    usage: UsageByRole = field(default_factory=UsageByRole)
    copy_rate: float = 0.0
    copy_rate_reference: float = 0.0
    notes: list[str] = field(default_factory=list)
    stopped: ModelError | None = None
    failure: ModelError | None = None
    details: dict[str, Any] = field(default_factory=dict)
    _rejected: list[pl.DataFrame] = field(default_factory=list, repr=False)

    def reject(
        self,
        rows: pl.DataFrame,
        stage: str | Sequence[str],
        reasons: Sequence[str],
        scores: Sequence[float | None] | None = None,
    ) -> None:
        """Keep rows that were not taken, with the stage and the reason of each."""
        if not rows.height:
            return
        stages = [stage] * rows.height if isinstance(stage, str) else list(stage)
        marks = [
            pl.Series("_stage", stages, dtype=pl.String),
            pl.Series("_reason", list(reasons), dtype=pl.String),
            pl.Series("_score", scores or [None] * rows.height, dtype=pl.Float64),
        ]
        self._rejected.append(rows.with_columns(marks))

    def note(self, sentence: str) -> None:
        """Tell the user something, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def warn(self, sentence: str) -> None:
        """Tell the user something that Python code should notice too."""
        self.note(sentence)
        warn(sentence, RowsWarning)

    @property
    def shortfall(self) -> str:
        """Why there are fewer rows than were asked for; "" where there are as many."""
        if self.n_kept >= self.n_requested:
            return ""
        return (
            f"{self.n_kept:,} of the {self.n_requested:,} rows asked for were kept: "
            f"{self._main_obstacle()}"
        )

    def _main_obstacle(self) -> str:
        """Say what cost most rows: a cap, a check, or replies that could not be read."""
        rejected = self.rejected
        if self.stopped is not None:
            return str(self.stopped)
        if rejected.height:
            [(stage, n_rows)] = Counter(rejected["_stage"]).most_common(1)
            reasons = Counter(rejected.filter(pl.col("_stage") == stage)["_reason"])
            reason = shown(reasons.most_common(1)[0][0], 120)
            return f"{n_rows:,} were rejected by {stage}, such as: {reason}"
        if self.parse_errors:
            [(reason, n_rows)] = self.parse_errors.most_common(1)
            return f"{n_rows:,} could not be read: {shown(reason, 120)}"
        return "no other rows were written"

    @property
    def rejected(self) -> pl.DataFrame:
        """Rows that were not taken, as typed rows with the columns of `MARKS` at the end."""
        if not self._rejected:
            return pl.DataFrame(schema=_TYPES)
        return pl.concat(self._rejected, how="diagonal_relaxed")

    @property
    def tokens_per_row(self) -> float | None:
        """Tokens for each row kept; None where none was."""
        return self.usage.tokens / self.n_kept if self.n_kept else None

    @property
    def cost_per_row(self) -> float | None:
        """US dollars for each row kept; None where none was or the price is not known."""
        cost = self.usage.cost
        return None if cost is None or not self.n_kept else cost / self.n_kept

    def lines(self) -> list[str]:
        """Tell it in lines of text."""
        lines = [f"{self.n_kept:,} rows kept of {self.n_proposed:,} that could be read"]
        counts = self.rejected.group_by("_stage", maintain_order=True).len()
        lines += [f"  rejected by {stage}: {n:,}" for stage, n in counts.rows()]
        lines += [f"  not read, {reason}: {n:,}" for reason, n in self.parse_errors.most_common(5)]
        lines += [
            f"  {line.role or '-'}/{line.stage or '-'}: {line.attempts:,} calls, "
            f"{line.calls:,} answered, {line.prompt_tokens:,} + {line.completion_tokens:,} tokens"
            for line in self.usage.lines
        ]
        if self.usage.tokens and self.n_kept:
            cost = self.cost_per_row
            money = "" if not cost else f", ${cost:.5f}"
            lines.append(f"  for each row kept: {self.tokens_per_row:,.0f} tokens{money}")
        if self.n_kept:
            lines.append(
                f"  equal to a real row: {self.copy_rate:.1%} "
                f"(held-out real rows: {self.copy_rate_reference:.1%})"
            )
        else:
            lines.append("  no row was kept: go on with the real rows alone")
        return [*lines, *(f"  note: {note}" for note in self.notes)]

    def __str__(self) -> str:
        return "\n".join(self.lines())
