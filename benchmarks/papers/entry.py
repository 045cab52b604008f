"""What can be made of a paper: one entry a table or figure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent
BENCHMARKS = FOLDER.parent
_HERE = "benchmarks.papers."
_SHOWN = re.compile(r"--(?:part|pool|table) (\S+)")
"""Options that choose what a page shows."""


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
        """The name, as a link to the committed page, where there is one."""
        *folders, name = self.module.split(".")[1:] or [""]
        if self.module.startswith(_HERE):
            home, back = FOLDER / folders[-1] / "results", "results"
            pages = [f"{name}.md", *sorted(path.name for path in home.glob(f"{name}_*.md"))]
        else:
            home, back = BENCHMARKS, "../.."
            pages = _pages("/".join(folders), name, _SHOWN.findall(self.options))
        there = [page for page in pages if (home / page).is_file()]
        return f"[{self.table}]({back}/{there[0]})" if there else self.table


def _pages(folder: str, name: str, parts: Sequence[str]) -> list[str]:
    """Return where a benchmark may have its page, that of a part of it first."""
    own = [f"results/{folder}_{name}_{part}.md" for part in parts] + [
        f"{folder}/{part}.md" for part in parts
    ]
    rest = [f"{folder}/{name}.md", f"{folder}/results/{name}.md", f"results/{folder}_{name}.md"]
    return [*own, *rest, f"results/{name}.md"]


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
