"""``tablewright partition``: cut a table into parts that rules describe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tablewright.cli import options
from tablewright.cli.progress import say, show_table

_BAR = 24
_OPTIONS = {"max_error": "--max-error", "min_rows": "--min-rows", "method='tree'": "--by tree"}
"""What parameters that a note names are called here."""


@click.command()
@click.argument("train", type=options.path)
@options.target
@options.written("--out", help="File for the parts: .yaml, to be read and edited.")
@options.written("--html", "html_file", help="Write a page with a picture of the parts.")
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
@click.option("--no-sharing", "share", is_flag=True, flag_value=False, default=True,
              help="Give each rule a model of its own.")  # fmt: skip
@options.schema
@options.fixed_seed
@options.encoding
@options.quiet
def partition(
    train: Path,
    target: str | None,
    out: Path | None,
    html_file: Path | None,
    schema_file: Path | None,
    seed: int,
    quiet: bool,
    **settings: Any,
) -> None:
    """Cut TRAIN into parts whose target one model predicts well, each described by rules.

    Every row is in the first part of which it meets a rule. 'generate --method date --set
    parts=FILE' writes rows for them, edited or not.
    """
    from tablewright.evaluation.html.page import document
    from tablewright.markup import element
    from tablewright.systems.date.partition import partition as cut
    from tablewright.tables.io.loading import load_as_said
    from tablewright.tables.io.writing import write_text

    table = load_as_said(train, schema_file, target)
    parts = cut(table.frame, table.schema, seed=seed, **settings)
    if out is not None:
        parts.save(out)
        n_parts = sum(part.n_rows > 0 for part in parts)
        say(f"{n_parts} part{'' if n_parts == 1 else 's'} in {out}", quiet)
    if html_file is not None:
        title = f"Parts of {train.name}"
        write_text(document(title, element("h1", title), *parts.markup()), html_file)
        say(f"page in {html_file}", quiet)
    if not quiet:
        total = sum(part.n_rows for part in parts) or 1
        rows = [
            (
                part.name,
                f"{part.n_rows:,}",
                "█" * round(_BAR * part.n_rows / total),
                "" if part.error is None else f"{part.error:.3f}",
                "\nor ".join(part.rules) or "all other rows",
            )
            for part in parts
        ]
        show_table("parts", ("part", "rows", "", "error", "rules"), rows)
    note = parts.note
    for name, option in _OPTIONS.items():
        note = note.replace(name, option)
    if note:
        say(note, quiet)
