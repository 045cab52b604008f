"""``tablewright runs``: what was asked of language models, and what it cost."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from tablewright.errors import InputError

__all__ = ["runs"]

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
        click.echo(f"no runs below {root}")
    for folder in folders:
        run = summarise(folder)
        cost = run.spending.cost
        money = "cost not known" if cost is None else f"${cost:.4f}"
        click.echo(f"{folder}  {run.status}  {run.spending.calls} calls  {money}  {run.started}")


@runs.command()
@click.argument("folder", type=_FOLDER)
def show(folder: Path) -> None:
    """Show what a run cost, by role and stage, and what of the table was sent."""
    from tablewright.cli.spending_text import spending_text
    from tablewright.llm.endpoint.runs import summarise

    run = summarise(folder)
    click.echo(f"{folder}: {run.status}, begun {run.started or 'without a call'}")
    if run.command:
        click.echo(f"  command: tablewright {shlex.join(run.command)}")
    if run.record == "metadata":
        click.echo("  recorded without prompts and replies: cannot be replayed")
    if run.in_flight:
        click.echo(f"  {run.in_flight} calls without an answer: they may have been billed")
    click.echo(spending_text(run.spending))


@runs.command()
@click.argument("folder", type=_FOLDER)
@click.pass_context
def resume(context: click.Context, folder: Path) -> None:
    """Give the command of a run again; what was answered is not paid for twice."""
    from tablewright.llm.endpoint.runs import summarise

    command = summarise(folder).command
    if not command or command[:1] == ["runs"]:
        raise InputError(f"{folder} was not made by a command; go on with it from Python: run=")
    if "--run" not in command:
        command = [*command, "--run", str(folder)]
    click.echo(f"tablewright {shlex.join(command)}", err=True)
    context.find_root().command.main(args=command, standalone_mode=False)


@runs.command()
@click.argument("folder", type=_FOLDER)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True)
def export(folder: Path, out: Path) -> None:
    """Write all calls of a run to OUT, as JSON lines."""
    from tablewright.llm.endpoint.runs import export_run

    click.echo(f"{export_run(folder, out)} calls written to {out}")
