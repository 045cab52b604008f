"""What can be made of a paper: one entry a table or figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
_HERE = "benchmarks.papers."


@dataclass(frozen=True)
class Entry:
    """One table or figure.

    Attributes
    ----------
    module : str
        What ``python -m`` runs; "" where it cannot be made, and `differs` says why.
    options : str
        What the command needs beside it.
    seconds : int or None
        CPU seconds of the run whose page is committed; None where there is none.
    differs : str
        What is not as in the paper.
    """

    table: str
    module: str
    options: str = ""
    seconds: int | None = None
    differs: str = ""

    @property
    def command(self) -> str:
        """The command line; "" where there is none."""
        return f"python -m {self.module} {self.options}".strip() if self.module else ""

    @property
    def link(self) -> str:
        """The name, as a link to the committed page of a table of `benchmarks.papers`."""
        if not self.module.startswith(_HERE) or "NAME" in self.options:
            return self.table
        folder, name = self.module.removeprefix(_HERE).split(".")
        page = f"results/{name}.md"
        return f"[{self.table}]({page})" if (FOLDER / folder / page).exists() else self.table


@dataclass(frozen=True)
class Paper:
    """One paper.

    Attributes
    ----------
    folder : str
        Of this package; its README is made of the rest.
    """

    folder: str
    title: str
    source: str
    about: str
    entries: Sequence[Entry]

    def readme(self) -> str:
        """Return the page of the paper."""
        lines = [
            f"# {self.title}",
            "",
            f"{self.source}. Written by `python -m benchmarks.papers --readme`.",
            "",
            self.about,
            "",
            "| table | command | CPU seconds | what differs |",
            "|---|---|---|---|",
        ]
        for entry in self.entries:
            command = f"`{entry.command}`" if entry.command else "–"
            seconds = "–" if entry.seconds is None else f"{entry.seconds:,}"
            lines.append(f"| {entry.link} | {command} | {seconds} | {entry.differs} |")
        return "\n".join(lines) + "\n"
