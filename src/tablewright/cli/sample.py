"""``tablewright sample``: rows from a model that ``fit`` wrote."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli import options
from tablewright.cli.output import (
    check_rows_output,
    command_line,
    notes_of,
    origin_of,
    without_defaults,
    write_with_progress,
)
from tablewright.cli.progress import progress, say
from tablewright.cli.request import Request

if TYPE_CHECKING:
    from tablewright.tables.io.databases import DatabaseTable


@click.command()
@click.argument("model", type=options.path)
@options.rows(auto=True)
@options.parts_out
@options.engine
@options.workers
@options.engine_address
@options.where
@options.balance
@options.rules
@options.seed
@options.spreadsheet
@options.quiet
def sample(
    model: Path,
    n_rows: int | str,
    out: Path | DatabaseTable,
    engine: str | None,
    workers: int | None,
    engine_address: str | None,
    where: str | None,
    balance: str | dict[str, int] | None,
    rules: Path | None,
    seed: int,
    quiet: bool,
    spreadsheet_safe: bool,
) -> None:
    """Write rows from a MODEL of 'tablewright fit'."""
    request = Request.of(n_rows, where, balance, rules)
    by_workers = {"engine": engine, "workers": workers, "address": engine_address}
    settings = {name: value for name, value in by_workers.items() if value is not None}
    if isinstance(out, Path) and not out.suffix:
        _write_parts(model, request, out, settings, seed, quiet)
        return
    if settings:
        raise click.UsageError(
            "--engine, --workers and --engine-address go with a folder: give --out a name without "
            "an ending"
        )
    from tablewright.systems import RowsWarning, load

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
    request.say_audit(getattr(synthesizer, "audit_", None), quiet)


def _write_parts(
    model: Path, request: Request, out: Path, settings: dict[str, Any], seed: int, quiet: bool
) -> None:
    from tablewright.engines import write_parts
    from tablewright.tables.io.provenance import manifest_path

    context = click.get_current_context()
    is_given = context.get_parameter_source("seed") is not click.core.ParameterSource.DEFAULT
    origin = {
        "options": without_defaults(request.options()),
        "command": command_line(),
        "source": model.name,
    }
    with progress("writing", request.n_rows, quiet=quiet) as advance:
        written = write_parts(
            model,
            request.n_rows,
            out,
            where=request.where,
            balance=request.balance,
            rules=request.rules,
            random_state=seed if is_given else None,
            origin=origin,
            on_rows=advance,
            **settings,
        )
    manifest, n_parts = written.manifest, len(written.manifest.parts or ())
    stood = n_parts - written.n_written
    went_on = f", {stood:,} of which stood there" if stood else ""
    say(
        f"{manifest.n_rows:,} rows in {n_parts:,} files in {out}{went_on}; manifest in "
        f"{manifest_path(out)}",
        quiet,
    )
    request.say_audit(written.audit, quiet)
