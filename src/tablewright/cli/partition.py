"""``tablewright partition``: cut a table into parts that rules describe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli.options import (
    encoding_option,
    path,
    quiet_option,
    schema_option,
    seed_option,
    target_option,
)
from tablewright.cli.progress import say

if TYPE_CHECKING:
    from tablewright.systems.date.partition import Parts

_BAR = 24


@click.command()
@click.argument("train", type=path)
@target_option
@click.option("--out", type=path, help="File for the parts: .yaml, to be read and edited.")
@click.option(
    "--by",
    "method",
    type=click.Choice(["rules", "tree"]),
    default="rules",
    show_default=True,
    help="A search for rules that share models, or the leaves of one tree, which is quicker.",
)
@click.option(
    "--max-error",
    type=click.FloatRange(min=0, min_open=True),
    help="Error that the model of a part may have; 0.9 of that of one model for all rows if none.",
)
@click.option(
    "--min-rows",
    type=click.IntRange(min=2),
    default=30,
    show_default=True,
    help="Rows of a part at least.",
)
@click.option(
    "--max-parts",
    type=click.IntRange(min=2),
    default=8,
    show_default=True,
    help="Leaves of the tree at most.",
)
@click.option("--no-sharing", is_flag=True, help="Give each rule a model of its own.")
@schema_option
@seed_option
@encoding_option
@quiet_option
def partition(
    train: Path,
    target: str | None,
    out: Path | None,
    method: Any,
    max_error: float | None,
    min_rows: int,
    max_parts: int,
    no_sharing: bool,
    schema_file: Path | None,
    seed: int | None,
    quiet: bool,
) -> None:
    """Cut TRAIN into parts whose target one model predicts well, each described by rules.

    Every row is in the first part of which it meets a rule. 'generate --method date --set
    parts=FILE' writes rows for them, edited or not.
    """
    from tablewright.systems.date.partition import partition as cut
    from tablewright.tables.io.loading import load_as_said
    from tablewright.tables.io.writing import check_output

    if out is not None:
        check_output(out)
    table = load_as_said(train, schema_file, target)
    parts = cut(
        table.frame,
        table.schema,
        method=method,
        max_error=max_error,
        min_rows=min_rows,
        max_parts=max_parts,
        share=not no_sharing,
        seed=seed or 0,
    )
    if out is not None:
        parts.save(out)
        say(f"{len(parts)} parts in {out}", quiet)
    if not quiet:
        _show(parts)


def _show(parts: Parts) -> None:
    """Print the parts with a bar for their share of the rows."""
    from rich.table import Table

    from tablewright.display import console

    total = sum(part.n_rows for part in parts) or 1
    shown = Table("part", "rows", "", "error", "rules", title="parts")
    for part in parts:
        bar = "█" * round(_BAR * part.n_rows / total)
        error = "" if part.error is None else f"{part.error:.3f}"
        rules = "\nor ".join(part.rules) or "all other rows"
        shown.add_row(part.name, f"{part.n_rows:,}", bar, error, rules)
    console().print(shown)
