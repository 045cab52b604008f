"""One table under work: its profile, what a condition and rules say of it, and the command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import yaml
from pydantic import BaseModel, BeforeValidator, Field

from tablewright.errors import InputError
from tablewright.evaluation.profile import profile
from tablewright.evaluation.profile.models import Profile
from tablewright.registry import names
from tablewright.rules import CheckReport, check_rules
from tablewright.rules.expressions import parse_where
from tablewright.rules.files import parse_rules
from tablewright.schema import Kind
from tablewright.studio.runs import Run
from tablewright.tables.io.files import read_frame
from tablewright.tables.table import Table, load_table

MAX_ROWS = 100_000
"""Real rows that the page looks at; what is generated is learned from all of them."""

METHODS = ["auto", *names("generators"), *names("systems")]

Blank = BeforeValidator(lambda value: value or None)


class Settings(BaseModel):
    """What the forms of the page hold; an empty field is one that was not filled in."""

    target: Annotated[str | None, Blank] = None
    method: str = "auto"
    n_rows: Annotated[int, Field(ge=1, le=100_000_000)] = 1000
    balance: Annotated[str | None, Blank] = None
    where: str = ""
    rules: str = ""
    seed: Annotated[int, Field(ge=0)] = 0
    report: bool = False
    kinds: dict[str, Kind] = {}


class Workspace:
    """A table, a sample of its rows to look at, and the folder of its runs.

    Parameters
    ----------
    path : path
        Table to learn.
    folder : path
        Where runs are kept; made with the first one.
    """

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.folder = path.resolve(), folder.resolve()
        rows = read_frame(self.path)
        self.n_rows = rows.height
        self.raw = rows.sample(MAX_ROWS, seed=0) if rows.height > MAX_ROWS else rows

    def table(self, settings: Settings) -> Table:
        """Read the sample with the kinds that a person settled."""
        return load_table(self.raw, dict(settings.kinds), settings.target)

    def profile(self, settings: Settings) -> Profile:
        """Say what the columns hold and what looks wrong."""
        table = self.table(settings)
        return profile(table.frame, table.schema)

    def count(self, settings: Settings) -> tuple[int, int]:
        """Return how many of the rows looked at meet the condition, and how many those are."""
        table = self.table(settings)
        condition = parse_where(settings.where, table.schema)
        return int(condition.holds(table.frame).sum()), table.frame.height

    def check(self, settings: Settings) -> CheckReport:
        """Check the rows looked at against the rules."""
        table = self.table(settings)
        return check_rules(table.frame, parse_rules(settings.rules), table.schema)

    def examples(self, n_rows: int = 8) -> pl.DataFrame:
        """Return a few rows as the file has them."""
        return self.raw.sample(min(n_rows, self.raw.height), seed=1)

    def options(self, settings: Settings) -> dict[str, Any]:
        """Return the options of `tablewright generate` for these settings."""
        given: dict[str, Any] = {
            "--target": settings.target,
            "--method": settings.method,
            "--rows": settings.n_rows,
            "--balance": settings.balance,
            "--where": settings.where.strip() or None,
            "--rules": "rules.yaml" if settings.rules.strip() else None,
            "--schema": "schema.yaml" if settings.kinds else None,
            "--seed": settings.seed,
            "--report": "report.html" if settings.report else None,
            "--out": "rows.csv",
        }
        return {name: value for name, value in given.items() if value is not None}

    def command(self, settings: Settings) -> list[str]:
        """Return the command that does the same without the page."""
        # "--name=value", so that a value with a leading dash is no option
        options = [f"{name}={value}" for name, value in self.options(settings).items()]
        return ["tablewright", "generate", str(self.path), *options]

    def start(self, settings: Settings) -> Run:
        """Write the files that the command reads, and start it in a folder of its own.

        Raises
        ------
        InputError
            If the condition or a rule cannot be read, or the method is none.
        """
        if settings.method not in METHODS:
            raise InputError(f"no method is called {settings.method!r}: {', '.join(METHODS)}")
        if settings.where.strip():
            self.count(settings)
        files = {}
        if settings.rules.strip():
            self.check(settings)
            files["rules.yaml"] = settings.rules
        if settings.kinds:
            kinds = {name: {"kind": kind.value} for name, kind in settings.kinds.items()}
            files["schema.yaml"] = yaml.safe_dump({"columns": kinds}, allow_unicode=True)
        command = self.command(settings)
        return Run.start(self.folder, command, [sys.executable, "-m", *_module(command)], files)

    def runs(self) -> list[Run]:
        """Return all runs of this table, the newest first; those before a restart are there too."""
        return sorted(Run.all(self.folder), key=lambda run: run.folder.name, reverse=True)


def _module(command: list[str]) -> list[str]:
    return ["tablewright.cli", *command[1:]]
