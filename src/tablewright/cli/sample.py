"""``tablewright sample``: rows from a model that ``fit`` wrote."""

from __future__ import annotations

from pathlib import Path

import click

from tablewright.cli.options import (
    balance_option,
    out_option,
    path,
    quiet_option,
    rows_option,
    rules_option,
    seed_option,
    settle_seed,
    spreadsheet_option,
    where_option,
)
from tablewright.cli.output import check_rows_output, origin_of, write_with_progress
from tablewright.cli.request import Request


@click.command()
@click.argument("model", type=path)
@rows_option(auto=True)
@out_option
@where_option
@balance_option
@rules_option
@seed_option
@spreadsheet_option
@quiet_option
def sample(
    model: Path,
    n_rows: int | str,
    out: Path,
    where: str | None,
    balance: str | None,
    rules: Path | None,
    seed: int | None,
    quiet: bool,
    spreadsheet_safe: bool,
) -> None:
    """Write rows from a MODEL of 'tablewright fit'."""
    from tablewright.systems import load

    request = Request.of(n_rows, where, balance, rules)
    check_rows_output(out, model)
    synthesizer = load(model)
    seed = settle_seed(seed)
    pieces = request.batches(synthesizer, seed)
    origin = origin_of(synthesizer, seed, request.options(), model)
    write_with_progress(
        pieces,
        synthesizer.schema_,
        request.n_rows,
        out,
        origin,
        quiet=quiet,
        spreadsheet_safe=spreadsheet_safe,
    )
    request.say_audit(synthesizer, quiet)
