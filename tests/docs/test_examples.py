"""Every example in the README and the documentation runs."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tablewright.cli import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, *languages: str) -> list[tuple[int, str]]:
    """Line and text of each code block of a page in one of some languages."""
    text = page.read_text(encoding="utf-8")
    return [
        (text[: result.start(2)].count("\n"), result[2])
        for result in BLOCK.finditer(text)
        if result[1] in languages
    ]


def name(page: object) -> str:
    return str(page.relative_to(ROOT)) if isinstance(page, Path) else str(page)


def people(n: int = 240) -> pl.DataFrame:
    """The table that the pages call `df`."""
    rng = np.random.default_rng(0)
    age = rng.integers(18, 80, n)
    income = (20_000 + 600 * age + rng.normal(0, 5_000, n)).round(2)
    y = np.where(income + rng.normal(0, 8_000, n) > 52_000, "high", "low")
    city = rng.choice(["Rome", "Oslo", "Lima"], n)
    return pl.DataFrame({"age": age, "income": income, "city": city, "y": y})


def run(shown: str) -> None:
    """Run the command lines of a block in this folder; each has to end well."""
    for line in shown.replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ "), comments=True)
        result = CliRunner().invoke(app, words[1:], catch_exceptions=False)
        assert result.exit_code == 0, f"{line}\n{result.output}"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=name)
def test_python(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    df = people()
    df.write_csv("train.csv")
    known: dict[str, Any] = {"df": df}
    # a tutorial is run from top to bottom, with its command lines
    languages = ("python", "console") if page.parent.name == "tutorials" else ("python",)
    for line, block in blocks(page, *languages):
        if block.startswith("$ "):
            run(block)
        else:
            exec(compile("\n" * line + block, str(page), "exec"), known)


def commands() -> list[tuple[Path, int, str]]:
    """Every command line of ours that a page shows; a backslash goes on with the next line."""
    return [
        (page, line, shown)
        for page in PAGES
        for line, block in blocks(page, "console", "sh", "bash", "shell")
        for shown in block.replace("\\\n", " ").splitlines()
        if shown.removeprefix("$ ").startswith("tablewright ")
    ]


@pytest.mark.parametrize(("page", "line", "shown"), commands(), ids=name)
def test_command_lines_are_understood(page: Path, line: int, shown: str) -> None:
    words = shlex.split(shown.removeprefix("$ "), comments=True)[1:]
    command: click.Command = app
    context = click.Context(app, info_name="tablewright")
    while isinstance(command, click.Group):
        result = command.get_command(context, words[0])
        assert result is not None, f"{page}, line {line}: no command {words[0]}"
        command, words = result, words[1:]
    command.make_context(command.name, words, parent=context)


def test_pages_link_to_pages_that_are_there() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            if "benchmarks/" not in target:
                assert (page.parent / target).exists(), f"{name(page)} links to {target}"
