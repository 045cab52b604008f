"""``tablewright pairs``: rows as preference pairs, for tuning a model of your own."""

from __future__ import annotations

from pathlib import Path

import click

from tablewright.cli.options import (
    encoding_option,
    path,
    quiet_option,
    schema_option,
    seed_option,
    settle_seed,
    target_option,
)
from tablewright.cli.progress import say
from tablewright.errors import InputError


@click.command()
@click.argument("rows", type=path)
@target_option
@click.option("--out", required=True, type=path, help="File for the pairs: .jsonl.")
@click.option("--validation-out", type=path, help="File for a fifth of them, kept apart.")
@click.option("--exclude", type=path, help="Rows, such as a test set, that no pair may repeat.")
@schema_option
@seed_option
@encoding_option
@quiet_option
def pairs(
    rows: Path,
    target: str | None,
    out: Path,
    validation_out: Path | None,
    exclude: Path | None,
    schema_file: Path | None,
    seed: int | None,
    quiet: bool,
) -> None:
    """Write ROWS as preference pairs: a row as the question, its label and a wrong one as answers.

    One JSON object a line, in the conversational form that TRL's trainers read.
    """
    from tablewright.systems.date.pairs import preference_pairs
    from tablewright.tables.io.writing import check_output

    for output in (out, validation_out):
        if output is not None:
            check_output(output)
    if validation_out == out:
        raise InputError(f"--out and --validation-out both name {out}; give them different names")
    made = preference_pairs(
        rows,
        schema_file,
        target=target,
        validation=0.2 if validation_out is not None else 0.0,
        exclude=exclude,
        random_state=settle_seed(seed),
    )
    made.write(out, validation_out)
    say(f"{len(made.train):,} pairs in {out}", quiet)
    if validation_out is not None:
        say(f"{len(made.validation):,} pairs in {validation_out}", quiet)
