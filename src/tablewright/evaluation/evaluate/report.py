"""What an evaluation found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from tablewright.display import as_text
from tablewright.evaluation.evaluate.findings import Finding, findings_of
from tablewright.evaluation.html import render, summarize
from tablewright.markup import framed
from tablewright.metrics.scores import Score, label
from tablewright.metrics.verdict import Verdict
from tablewright.tables.io.writing import write_text

FORMAT_VERSION = 2
"""Version of the JSON form; it grows by one when a key changes its meaning or goes."""


@dataclass(frozen=True)
class Report:
    """The verdict, and every number beside its reference.

    Attributes
    ----------
    verdict : Verdict
        Helps, no evidence, or harms, in one line.
    sections : mapping of str to list of Score
        ``"utility"``, ``"fidelity"``, ``"privacy"``.
    arms : list of dict
        What models reached with each set of training rows.
    facts : mapping
        Rows, target, seed, and what made the rows.
    notices : list of str
        What weakens the numbers.
    subgroups : list of dict
        The measure of the verdict within parts of the holdout rows, by arm.
    pictures : mapping
        Plain data that pictures are drawn from.
    alarms : list of str
        Why the numbers cannot be believed: a holdout that is none, arguments that look swapped.
    """

    verdict: Verdict
    sections: Mapping[str, Sequence[Score]]
    arms: Sequence[Mapping[str, Any]]
    facts: Mapping[str, Any]
    notices: Sequence[str]
    subgroups: Sequence[Mapping[str, Any]] = ()
    pictures: Mapping[str, Any] = field(default_factory=dict)
    alarms: Sequence[str] = ()

    @property
    def scores(self) -> list[Score]:
        """All scores, in order."""
        return [score for section in self.sections.values() for score in section]

    @property
    def findings(self) -> list[Finding]:
        """What is worse than in real rows, beyond chance."""
        return findings_of(self.scores)

    @property
    def privacy_warnings(self) -> list[str]:
        """Those of them that tell of rows which come close to training rows."""
        names = {score.name for score in self.sections.get("privacy", ())}
        return [finding.sentence for finding in self.findings if finding.score in names]

    def to_html(self, path: str | Path | None = None) -> str:
        """Return the report as one page that needs nothing else, and write it to `path`.

        Parameters
        ----------
        path : str, Path or None, default=None
            File to write; its folder has to exist.

        Raises
        ------
        InputError
            If the folder does not exist or cannot be written to.
        """
        text = render(summarize(self.to_dict()))
        if path is not None:
            write_text(text, Path(path))
        return text

    def to_json(self, path: str | Path | None = None) -> str:
        """Return `to_dict` as JSON text, and write it to `path`."""
        return json_text(self.to_dict(), path)

    def _repr_html_(self) -> str:
        """Return the page in a frame of its own, for notebooks."""
        return framed(self.to_html(), "tablewright report")

    def __getitem__(self, name: str) -> Score:
        for score in self.scores:
            if name in (score.name, label(score.name)):
                return score
        raise KeyError(f"no score {name!r}; there are {', '.join(s.name for s in self.scores)}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; ``"version"`` tells its form."""
        return {
            "format": "tablewright evaluation",
            "version": FORMAT_VERSION,
            "verdict": self.verdict.to_dict(),
            "findings": [asdict(finding) for finding in self.findings],
            "facts": dict(self.facts),
            "alarms": list(self.alarms),
            "notices": list(self.notices),
            "arms": [dict(arm) for arm in self.arms],
            "sections": {
                name: [score.to_dict() for score in section]
                for name, section in self.sections.items()
            },
            "subgroups": [dict(part) for part in self.subgroups],
            "pictures": dict(self.pictures),
        }

    def __rich__(self) -> Group:
        """Return the terminal form."""
        alarms = [Text(f"ALARM: {alarm}", style="bold red") for alarm in self.alarms]
        worse = [Text(f"worse than real rows: {result.sentence}") for result in self.findings]
        notes = [Text(f"note: {notice}") for notice in self.notices]
        return Group(*alarms, self._table(), *worse, *notes)

    def _table(self) -> Table:
        table = Table(title=self.verdict.sentence, title_justify="left", title_style="bold")
        for name in ("", "value", "95 % interval", "real rows", "best"):
            table.add_column(name, justify="left" if not name else "right")
        for name, section in self.sections.items():
            table.add_section()
            table.add_row(Text(name, style="bold"))
            for score in section:
                table.add_row(*_cells(score))
        return table

    def summary(self, width: int = 100) -> str:
        """Return the terminal form as plain text."""
        return as_text(self, width)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        return self.summary()


def json_text(data: Mapping[str, Any], path: str | Path | None) -> str:
    """Return plain data as JSON text, and write it to `path`."""
    text = json.dumps(data, indent=1, allow_nan=False) + "\n"
    if path is not None:
        write_text(text, path)
    return text


def _cells(score: Score) -> list[str]:
    if score.value is None:
        return [label(score.name), "-", "", "", score.reason]
    interval = (
        "" if score.interval is None else f"{score.interval[0]:.3f} to {score.interval[1]:.3f}"
    )
    real = score.reference.get("real")
    best = f"{score.ideal:g}" if score.ideal is not None else score.direction.value
    known = "" if real is None else f"{real:.3f}"
    return [label(score.name), f"{score.value:.3f}", interval, known, best]
