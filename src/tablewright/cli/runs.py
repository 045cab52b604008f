"""``tablewright runs``: what was asked of language models, and what it cost."""

from __future__ import annotations

import os
import shlex
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tablewright.cli.progress import say, show
from tablewright.display import public_url
from tablewright.errors import InputError

if TYPE_CHECKING:
    from tablewright.llm.endpoint.runs import RunSummary

_FOLDER = click.Path(path_type=Path, file_okay=False, exists=True)


@click.group()
def runs() -> None:
    """List, show, resume and export runs of language models."""


@runs.command("list")
@click.argument("root", type=_FOLDER, default=Path())
def list_runs(root: Path) -> None:
    """List the runs below ROOT (default: here)."""
    from tablewright.llm.endpoint.runs import find_runs, summarise

    folders = find_runs(root)
    if not folders:
        show(f"no runs below {root}")
    for folder in folders:
        try:
            run = summarise(folder)
        except InputError as error:
            say(f"skipped: {error}")
            continue
        cost = run.spending.cost
        money = "cost not known" if cost is None else f"${cost:.4f}"
        show(f"{folder}  {run.status}  {run.spending.calls} calls  {money}  {run.started}")


@runs.command("show")
@click.argument("folder", type=_FOLDER)
def show_run(folder: Path) -> None:
    """Show what a run cost, by role and stage, and what of the table was sent."""
    from tablewright.cli.spending_text import spending_text
    from tablewright.llm.endpoint.runs import summarise

    run = summarise(folder)
    show(f"{folder}: {run.status}, begun {run.started or 'without a call'}")
    if run.command:
        show(f"  command: tablewright {shlex.join(run.command)}")
    if run.command and not run.own:
        show("  the command is not yours: another user or machine gave it, or an older version")
    if run.record == "metadata":
        show("  recorded without prompts and replies: cannot be replayed")
    if run.in_flight:
        show(f"  {run.in_flight} calls without an answer: they may have been billed")
    show(spending_text(run.spending))


@runs.command()
@click.argument("folder", type=_FOLDER)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--base-url", metavar="URL", help="Endpoint, in the place of the command's.")
@click.option("--key-env", metavar="NAME", help="Variable of the key, likewise.")
@click.pass_context
def resume(
    context: click.Context, folder: Path, yes: bool, base_url: str | None, key_env: str | None
) -> None:
    """Give the command of a run again; what was answered is not paid for twice.

    Only a command that you gave on this machine is given again: that of another's folder could
    send your rows and your key elsewhere.
    """
    from tablewright.llm.endpoint.runs import summarise

    run = summarise(folder)
    command = _own_command(run)
    command = _with(command, "--run", str(folder))
    command = _with(command, "--base-url", base_url)
    command = _with(command, "--key-env", key_env)
    say(f"tablewright {shlex.join(command)}")
    say(f"  in {Path.cwd()}, with the endpoint {_endpoint(command)}")
    if run.directory not in (None, str(Path.cwd())):
        say(f"  note: it was given in {run.directory}; its paths may mean other files here")
    if not yes:
        click.confirm("Give this command again?", abort=True, err=True)
    context.find_root().command.main(args=command, standalone_mode=False)


@runs.command()
@click.argument("folder", type=_FOLDER)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def export(folder: Path, out: Path) -> None:
    """Write all calls of a run to OUT, as JSON lines."""
    from tablewright.llm.endpoint.runs import export_run

    show(f"{export_run(folder, out)} calls written to {out}")


def _own_command(run: RunSummary) -> list[str]:
    if not run.command or run.command[:1] == ["runs"]:
        raise InputError(f"{run.folder} was not made by a command; go on with it from Python: run=")
    if not run.own:
        raise InputError(
            f"the command of {run.folder} was not given by you on this machine (or by an older "
            f"version): look at it with 'tablewright runs show {shlex.quote(str(run.folder))}', "
            "and give it yourself with --run if you mean it"
        )
    return run.command


def _with(command: list[str], option: str, value: str | None) -> list[str]:
    """Return the command with an option set; None leaves it as it is."""
    if value is None:
        return command
    kept, parts = [], iter(command)
    for part in parts:
        if part == option:
            next(parts, None)
        elif not part.startswith(f"{option}="):
            kept.append(part)
    return [*kept, option, value]


def _endpoint(command: list[str]) -> str:
    """Say where the command's calls would go."""
    values = dict(pairwise(command))
    values |= dict(part.split("=", 1) for part in command if part.startswith("--base-url="))
    url = values.get("--base-url") or os.environ.get("OPENAI_BASE_URL")
    return public_url(url) if url else "that its models name (by default https://api.openai.com)"
