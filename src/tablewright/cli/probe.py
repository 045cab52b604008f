"""``tablewright probe``: whether a model knows the table by heart."""

from __future__ import annotations

from pathlib import Path

import click

from tablewright.cli.model_options import ModelOptions, model_options

__all__ = ["probe"]


@click.command()
@click.argument("train", type=click.Path(path_type=Path, dir_okay=False))
@model_options
def probe(train: Path, llm: ModelOptions) -> None:
    """Ask a model about TRAIN as about a published table: header, next rows, rare values."""
    from tablewright.llm.prompts.memorized import probe as ask
    from tablewright.tables.inference.infer import infer_schema
    from tablewright.tables.io.files import read_frame

    frame = read_frame(train)
    schema = infer_schema(frame)
    if llm.dry_run:
        click.echo(llm.estimate(lambda dry: ask(dry.connect(), frame, schema)))
        return
    found = ask(llm.connect(), frame, schema)
    llm.close(finished=True)
    rows = "not asked (--share rows)" if found.rows is None else f"{100 * found.rows:.0f} %"
    click.echo(f"header completed: {100 * (found.header or 0):.0f} %")
    click.echo(f"next rows exact: {rows}")
    if found.rare_values is not None:
        click.echo(f"rare values named: {100 * found.rare_values:.0f} %")
    click.echo(found.warning or "no sign that the model knows this table by heart")
