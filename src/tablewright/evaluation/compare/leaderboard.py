"""From trials to a leaderboard: means, intervals, a winner."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text
from scipy import stats

from tablewright.display import as_text
from tablewright.evaluation.evaluate.report import Report, json_text
from tablewright.evaluation.html import render_contest
from tablewright.markup import framed
from tablewright.metrics.outcomes import BOUNDS, DIRECTIONS
from tablewright.metrics.scores import Direction, label
from tablewright.metrics.verdict import PERFECT
from tablewright.tables.io.writing import write_text


@dataclass(frozen=True)
class Entry:
    """One line of the leaderboard.

    Attributes
    ----------
    method : str
    value : float or None
        Mean of the measure over splits; None where every split failed.
    gain : float or None
        Mean of the difference to adding nothing, better being positive.
    interval : tuple of two floats or None
        95 % of the gain, over splits, corrected for their overlap.
    improved : float
        Share of splits in which it was better than nothing.
    seconds, money : float
        Mean per split: process seconds and US dollars of making the rows.
    n_train : int
        Training rows of a split.
    is_control : bool
        Whether it is no generator.
    error : str
        What went wrong where there is no value.
    """

    method: str
    value: float | None
    gain: float | None
    interval: tuple[float, float] | None
    improved: float
    seconds: float
    money: float
    n_train: int
    is_control: bool
    error: str = ""


Trial = Mapping[str, Any]


def make_entries(
    trials: Sequence[Trial], measure: str, controls: Sequence[str], n_train: int, n_test: int
) -> list[Entry]:
    """Average trials by method, best gain first.

    Parameters
    ----------
    trials : sequence of mapping
        Each with ``"method"``, ``"split"`` and what `run_trial` returned.
    measure : str
    controls : sequence of str
    n_train, n_test : int
        Rows of a split: they say how far splits overlap.

    References
    ----------
    .. [1] Nadeau and Bengio, "Inference for the Generalization Error", Machine Learning 52,
       2003: the variance of the mean over splits that share rows is ``(1/k + n_test/n_train)``
       times that of a split.
    """
    by_method: dict[str, dict[int, Trial]] = {}
    for trial in trials:
        by_method.setdefault(trial["method"], {})[trial["split"]] = trial
    base = by_method.get("nothing", {})
    entries = [
        _entry(name, result, base, measure, name in controls, n_train, n_test)
        for name, result in by_method.items()
    ]
    return sorted(entries, key=lambda e: (e.gain is None, -(e.gain or 0.0), e.method != "nothing"))


def _entry(
    name: str,
    trials: Mapping[int, Trial],
    base: Mapping[int, Trial],
    measure: str,
    is_control: bool,
    n_train: int,
    n_test: int,
) -> Entry:
    values = {split: v for split, t in trials.items() if (v := _value(t, measure)) is not None}
    if not values:
        error = next((str(t["error"]) for t in trials.values() if "error" in t), "not defined")
        return Entry(name, None, None, None, 0.0, 0.0, 0.0, n_train, is_control, error)
    sign = 1.0 if DIRECTIONS[measure] is Direction.HIGHER else -1.0
    nothing = {split: v for split, t in base.items() if (v := _value(t, measure)) is not None}
    gains = np.array([sign * (v - nothing[k]) for k, v in values.items() if k in nothing])
    seconds, money = (
        float(np.mean([trials[split].get(key, 0.0) for split in values]))
        for key in ("seconds", "money")
    )
    return Entry(
        name,
        float(np.mean(list(values.values()))),
        float(gains.mean()) if len(gains) else None,
        _corrected(gains, n_test / max(n_train, 1)) if name != "nothing" else None,
        float(((gains > 0) + (gains == 0) / 2).mean()) if len(gains) else 0.0,
        seconds,
        money,
        n_train,
        is_control,
    )


def _value(trial: Trial, measure: str) -> float | None:
    value = trial.get("values", {}).get(measure)
    return None if value is None else float(value)


def _corrected(gains: np.ndarray[Any, Any], overlap: float) -> tuple[float, float] | None:
    if len(gains) < 3:
        return None
    error = float(np.sqrt((1 / len(gains) + overlap) * gains.var(ddof=1)))
    width = float(stats.t.ppf(0.975, len(gains) - 1)) * error
    return float(gains.mean()) - width, float(gains.mean()) + width


def crossing(curves: Mapping[int, Sequence[Entry]]) -> str | None:
    """Say from how many training rows on local methods are no worse than paid ones.

    Parameters
    ----------
    curves : mapping of int to sequence of Entry
        Leaderboard by number of training rows.

    Returns
    -------
    str or None
        One sentence; None where no method cost money.
    """
    leads: dict[int, float] = {}
    for size, entries in sorted(curves.items()):
        paid = [e.gain for e in entries if e.money > 0 and e.gain is not None]
        local = [e.gain for e in entries if not e.money and not e.is_control and e.gain is not None]
        if paid and local:
            leads[size] = max(local) - max(paid)
    if not leads:
        return None
    ahead = [size for size in leads if all(leads[s] >= 0 for s in leads if s >= size)]
    if not ahead:
        return f"paid rows are ahead of local ones up to {max(leads)} training rows"
    if ahead[0] == min(leads):
        return f"local rows are ahead of paid ones at every size tried, from {ahead[0]} rows on"
    return f"local rows overtake paid ones at {ahead[0]} training rows"


@dataclass(frozen=True)
class Comparison:
    """Which method helps this table.

    Attributes
    ----------
    entries : list of Entry
        Best gain first, with ``"nothing"`` and the controls among them.
    winner : str
        The best generator whose gain an interval shows, or ``"nothing"`` where there is none.
    report : Report or None
        The winner, fitted on all rows that it was chosen on, judged on rows that were set aside.
    command : str
        How to make its rows on the command line.
    measure : str
    curves : mapping of int to list of Entry
        The leaderboard at smaller training sizes, where it was asked for.
    notices : list of str
    facts : mapping
        Name of the table where it is known, target, date.
    """

    entries: Sequence[Entry]
    winner: str
    report: Report | None
    command: str
    measure: str
    curves: Mapping[int, Sequence[Entry]] = field(default_factory=dict)
    notices: Sequence[str] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def overtaking(self) -> str | None:
        """From how many rows on local methods overtake paid ones, where it can be told."""
        return crossing(self.curves)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; ``"version"`` tells its form."""
        return {
            "format": "tablewright comparison",
            "version": 1,
            "measure": self.measure,
            "winner": self.winner,
            "sentence": self._winner_line(),
            "facts": dict(self.facts),
            "command": self.command,
            "verdict": None if self.report is None else self.report.verdict.to_dict(),
            "overtaking": self.overtaking,
            "notices": list(self.notices),
            "entries": [asdict(entry) for entry in self.entries],
            "curves": {str(n): [asdict(e) for e in entries] for n, entries in self.curves.items()},
        }

    def to_html(self, path: str | Path | None = None) -> str:
        """Return contest and winner's report as one page, and write it to `path`.

        Raises
        ------
        InputError
            If the folder of `path` does not exist or cannot be written to.
        """
        report = None if self.report is None else self.report.to_dict()
        text = render_contest(self.to_dict(), report)
        if path is not None:
            write_text(text, path)
        return text

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, for notebooks."""
        return framed(self.to_html(), "tablewright comparison")

    def to_json(self, path: str | Path | None = None) -> str:
        """Return `to_dict` as JSON text, and write it to `path`."""
        return json_text(self.to_dict(), path)

    def _winner_line(self) -> str:
        if self.winner != "nothing":
            return f"winner: {self.winner}"
        nothing = next((e for e in self.entries if e.method == "nothing"), None)
        if nothing and nothing.value and self.measure not in BOUNDS and nothing.value > PERFECT:
            return (
                "winner: none, nothing left to gain: real rows alone already reach "
                f"{nothing.value:.3f} ({label(self.measure)})"
            )
        best = next((e for e in self.entries if not e.is_control and e.gain is not None), None)
        if best is None or best.interval is None:
            return "winner: none, add nothing"
        low, high = map(_signed, best.interval)
        gain = _signed(best.gain or 0.0)
        if (best.gain or 0.0) <= 0:
            return f"winner: none, add nothing; the best method is {best.method} at {gain}"
        return (
            f"winner: none, add nothing; {best.method} comes first by {gain}, and its interval, "
            f"{low} to {high}, does not show a gain"
        )

    def _without_rows(self) -> list[str]:
        """Name the controls that need no rows and gain as much as the best method."""
        gains = [e.gain for e in self.entries if not e.is_control and e.gain is not None]
        return [
            f"note: {entry.method} alone: {_signed(entry.gain)}, no less than any method, and no "
            "rows are needed"
            for entry in self.entries
            if entry.method in ("class weights", "threshold")
            and entry.gain is not None
            and entry.interval is not None
            and entry.interval[0] > 0
            and entry.gain >= max(gains, default=0.0)
        ]

    def __rich__(self) -> Group:
        """Return the terminal form."""
        measure = label(self.measure)
        table = Table(title=f"Gain in {measure} over adding nothing", title_justify="left")
        for name in ("method", measure, "gain", "95 % interval", "CPU s", "US $"):
            table.add_column(name, justify="left" if name == "method" else "right")
        for entry in self.entries:
            table.add_row(*_cells(entry), style="dim" if entry.is_control else None)
        lines = [self._winner_line()]
        if self.report is not None:
            lines.append(f"on rows set aside: {self.report.verdict.sentence}")
            lines += [f"warning: {sentence}" for sentence in self.report.privacy_warnings]
            lines += [f"note: {notice}" for notice in self.report.notices]
        lines += self._without_rows()
        lines += [self.overtaking] if self.overtaking else []
        lines += [f"note: {notice}" for notice in self.notices]
        command = Text(self.command, no_wrap=True, overflow="ignore")  # to be copied as a whole
        return Group(table, *map(Text, lines), *([command] if self.command else []))

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return as_text(self)


def _signed(value: float) -> str:
    return f"{value:+.3f}"


def _cells(entry: Entry) -> list[str]:
    if entry.value is None:
        return [entry.method, "-", "-", entry.error, "", ""]
    gain = "" if entry.gain is None else f"{entry.gain:+.3f}"
    interval = "" if entry.interval is None else " to ".join(f"{x:+.3f}" for x in entry.interval)
    cost = [f"{entry.seconds:.2f}", f"{entry.money:.4f}"] if not entry.is_control else ["", ""]
    return [entry.method, f"{entry.value:.3f}", gain, interval, *cost]


def command_line(
    source: str, target: str, method: str, n_rows: int, seed: int, options: Sequence[str] = ()
) -> str:
    """Write the command that makes the winner's rows.

    Examples
    --------
    >>> command_line("a b.csv", "y", "trees:fill", 100, 0)
    "tablewright generate 'a b.csv' --target y -n auto --out synthetic.csv --method trees \
--balance fill --seed 0"
    """
    generator, _, balance = method.partition(":")
    parts = ["tablewright", "generate", source, "--target", target]
    parts += ["-n", "auto" if balance == "fill" else str(n_rows), "--out", "synthetic.csv"]
    parts += ["--method", generator, *(["--balance", balance] if balance else [])]
    return shlex.join([*parts, *options, "--seed", str(seed)])
