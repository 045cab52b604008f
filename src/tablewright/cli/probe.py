"""``tablewright probe``: whether a model knows the table by heart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tablewright.cli.model_options import ModelOptions, model_options
from tablewright.cli.progress import progress, show

if TYPE_CHECKING:
    from tablewright.llm.prompts.memorized import Memorized


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

    def work(models: ModelOptions) -> Memorized:
        return ask(models.connect(), frame, schema)

    if llm.only_estimates(work):
        return
    with progress("asking", None, "questions"):
        memorized = work(llm)
    stopped = memorized.stopped
    llm.close(finished=stopped is None)
    if memorized.unanswered:
        show(f"{memorized.unanswered} questions are without an answer")
    if memorized.header is not None:
        show(f"header completed: {100 * memorized.header:.0f} %")
    show(f"next rows exact: {_rows(memorized)}")
    if memorized.rare_values is not None:
        show(f"rare values named: {100 * memorized.rare_values:.0f} %")
    show(memorized.warning or "no sign that the model knows this table by heart")
    if stopped is not None:
        raise stopped


def _rows(memorized: Memorized) -> str:
    if memorized.rows is not None:
        return f"{100 * memorized.rows:.0f} %"
    return "no answer" if memorized.unanswered else "not asked (--share rows)"
