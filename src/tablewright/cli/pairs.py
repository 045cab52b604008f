"""``tablewright pairs``: rows as preference pairs, for tuning a model of your own."""

from __future__ import annotations

from pathlib import Path

import click

from tablewright.cli import options
from tablewright.cli.progress import say
from tablewright.errors import InputError


@click.command()
@click.argument("rows", type=options.path)
@options.target
@options.written("--out", required=True, help="File for the pairs: .jsonl.")
@options.written("--validation-out", help="File for a fifth of them, kept apart.")
@options.file("--exclude", help="Rows, such as a test set, that no pair may repeat.")
@options.schema
@options.seed
@options.encoding
@options.quiet
def pairs(
    rows: Path,
    target: str | None,
    out: Path,
    validation_out: Path | None,
    exclude: Path | None,
    schema_file: Path | None,
    seed: int,
    quiet: bool,
) -> None:
    """Write ROWS as preference pairs: a row as the question, its label and a wrong one as answers.

    One JSON object a line, in the conversational form that TRL's trainers read.
    """
    from tablewright.systems.date.pairs import preference_pairs

    if validation_out == out:
        raise InputError(f"--out and --validation-out both name {out}; give them different names")
    made = preference_pairs(
        rows,
        schema_file,
        target=target,
        validation=0.2 if validation_out is not None else 0.0,
        exclude=exclude,
        random_state=seed,
    )
    made.write(out, validation_out)
    say(f"{len(made.train):,} pairs in {out}", quiet)
    if validation_out is not None:
        say(f"{len(made.validation):,} pairs in {validation_out}", quiet)
