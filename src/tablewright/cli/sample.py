"""``tablewright sample``: rows from a model that ``fit`` wrote."""

from __future__ import annotations

import warnings
from pathlib import Path

import click

from tablewright.cli import options
from tablewright.cli.output import check_rows_output, notes_of, origin_of, write_with_progress
from tablewright.cli.progress import say
from tablewright.cli.request import Request


@click.command()
@click.argument("model", type=options.path)
@options.rows(auto=True)
@options.out
@options.where
@options.balance
@options.rules
@options.seed
@options.spreadsheet
@options.quiet
def sample(
    model: Path,
    n_rows: int | str,
    out: Path,
    where: str | None,
    balance: str | None,
    rules: Path | None,
    seed: int,
    quiet: bool,
    spreadsheet_safe: bool,
) -> None:
    """Write rows from a MODEL of 'tablewright fit'."""
    from tablewright.systems import RowsWarning, load

    request = Request.of(n_rows, where, balance, rules)
    check_rows_output(out, model)
    synthesizer = load(model)
    pieces = request.batches(synthesizer, seed)
    origin = origin_of(synthesizer, seed, request.options(), model)
    with warnings.catch_warnings():
        if not quiet:
            warnings.simplefilter("ignore", RowsWarning)  # the notes say it
        write_with_progress(
            pieces, synthesizer.schema_, request.n_rows, out, origin,
            after=lambda: notes_of(synthesizer), quiet=quiet, spreadsheet_safe=spreadsheet_safe,
        )  # fmt: skip
    for note in notes_of(synthesizer).get("notes", []):
        say(f"note: {note}", quiet)
    request.say_audit(synthesizer, quiet)
