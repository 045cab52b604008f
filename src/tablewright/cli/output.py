"""Write rows for a command: piece by piece, with progress and a manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli.group import COMMAND_LINE
from tablewright.cli.progress import progress, say
from tablewright.display import FORMULA, SIGNED_NUMBER
from tablewright.errors import InputError
from tablewright.progress import Advance

if TYPE_CHECKING:
    import polars as pl

    from tablewright.cli.model_options import ModelOptions
    from tablewright.cli.request import Learner
    from tablewright.schema import Schema
    from tablewright.tables.io.databases import DatabaseTable, Query
    from tablewright.tables.io.provenance import Manifest, Origin
    from tablewright.tables.io.sampling import Sample


MAX_FINDINGS = 8
"""Lines about a table that are printed where it is learned."""


def check_rows_output(out: Path | DatabaseTable, *inputs: Path | Query | None) -> None:
    """Check before any work that rows can go to `out`; a database is asked when it is opened.

    Raises
    ------
    InputError
        If the ending or the folder is no good, or `out` is one of the input files.
    """
    from tablewright.tables.io.files import format_of
    from tablewright.tables.io.writing import check_output

    if not isinstance(out, Path):
        return
    format_of(out)
    check_output(out)
    for source in inputs:
        if isinstance(source, Path) and out.exists() and source.exists() and out.samefile(source):
            raise InputError(f"{out} is the file to read; give --out another name")


def make_own_folder(folder: Path) -> None:
    """Make a folder of ours where we stand, which git is told to leave out."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".gitignore").exists():
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")


def report_reading(schema: Schema, quiet: bool) -> None:
    """Print how local numbers were read, and what a person should know of single columns."""
    from tablewright.schema import Kind

    numbers = (Kind.CONTINUOUS, Kind.INTEGER, Kind.ORDINAL, Kind.CATEGORICAL)
    formats = [
        f"{column.name} as {column.format}"
        for column in schema.each()
        if column.kind in numbers and column.format and column.format.strip("0.#") != ""
    ]
    if formats:
        more = f" and {len(formats) - 6} more" if len(formats) > 6 else ""
        say(f"numbers read: {', '.join(formats[:6])}{more}", quiet)
    for column in schema.each():
        if column.note:
            say(f"note: column {column.name!r} {column.note}", quiet)


def report_sample(sample: Sample | None, quiet: bool) -> None:
    """Say of what larger table a sample was learned, and what that misses."""
    for sentence in () if sample is None else sample.sentences():
        say(sentence, quiet)


def report_findings(
    frame: pl.DataFrame, schema: Schema, quiet: bool, written: bool = False
) -> None:
    """Print what `profile` warns of, a line each; free texts not where a model writes them."""
    if quiet:
        return
    from tablewright.evaluation.profile.profile import to_be_told

    findings = [
        finding
        for finding in to_be_told(frame, schema)
        if not (written and finding.topic == "free text")
    ]
    for finding in findings[:MAX_FINDINGS]:
        say(f"{finding.severity}: {finding.sentence}")
    if len(findings) > MAX_FINDINGS:
        say(f"and {len(findings) - MAX_FINDINGS} more: 'tablewright profile' lists all")


def origin_of(
    learner: Learner, seed: int, options: dict[str, Any], source: Path | Query | None = None
) -> Origin:
    """Return what made the rows of an estimator, for the manifest."""
    if (sample := getattr(learner, "sample_", None)) is not None:
        options = {**options, "sample": sample.sentences()}
    widened = {"classes widened from their own rows": getattr(learner, "widened_", None)}
    return origin(learner.method_, learner.n_rows_, seed, {**options, **widened}, source)


def origin(
    method: str,
    n_real_rows: int,
    seed: int,
    options: dict[str, Any],
    source: Path | Query | None = None,
) -> Origin:
    """Return what made rows, for the manifest, with the command line that was given."""
    from tablewright.tables.io.provenance import Origin

    return Origin(
        method=method,
        n_real_rows=n_real_rows,
        seed=seed,
        options=without_defaults(options),
        command=command_line(),
        source=None if source is None else source.name,
    )


def notes_of(learner: Learner) -> dict[str, Any]:
    """Return what a system notes of its rows, for the manifest."""
    result = getattr(learner, "result_", None)
    return {"notes": list(result.notes)} if result is not None and result.notes else {}


def without_defaults(options: dict[str, Any]) -> dict[str, Any]:
    """Leave out what was not asked for."""
    return {name: value for name, value in options.items() if value not in (None, {})}


def command_line() -> str | None:
    """Return the command line that was given, without secrets."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(COMMAND_LINE)


def spent_by(learner: Learner, llm: ModelOptions) -> dict[str, Any]:
    """Say what a system notes of its rows, and what language models had part in them."""
    result, notes = getattr(learner, "result_", None), notes_of(learner)
    if not llm or result is None:
        return notes
    return {
        **notes,
        "models": dict(llm.models),
        "cells sent": llm.cells_sent(),
        "calls": result.usage.attempts,
        "tokens": result.usage.tokens,
        "tokens counted": result.usage.counted,
        "cost": result.usage.cost,
    }


def write_with_progress(
    pieces: Iterable[Any],
    schema: Schema,
    total: int | None,
    out: Path | DatabaseTable,
    origin: Origin,
    *,
    real: Any = None,
    after: Callable[[], dict[str, Any]] | None = None,
    quiet: bool = False,
    spreadsheet_safe: bool = False,
) -> Manifest:
    """Write pieces of rows to a file or a database as they come; see `write_rows`."""
    from tablewright.tables.io.files import format_of
    from tablewright.tables.io.provenance import manifest_path, write_rows, write_rows_to_database
    from tablewright.tables.table import for_file

    formulas: Counter[str] = Counter()
    with progress("writing", total, quiet=quiet) as advance:
        if not isinstance(out, Path):
            rows = (for_file(frame, schema, None) for frame in _counted(pieces, advance))
            manifest = write_rows_to_database(rows, out, origin, real, after)
        else:
            rows = (for_file(frame, schema, out) for frame in _counted(pieces, advance))
            if format_of(out) in ("csv", "tsv"):
                rows = (count_formulas(frame, formulas, spreadsheet_safe) for frame in rows)
            manifest = write_rows(rows, out, origin, real, after, schema.dialect)
    place = manifest_path(out) if isinstance(out, Path) else "the table tablewright_manifest"
    say(f"{manifest.n_rows:,} rows in {out}, manifest in {place}", quiet)
    report_formulas(formulas, spreadsheet_safe, quiet)
    return manifest


def report_formulas(counts: Counter[str], safe: bool, quiet: bool) -> None:
    """Say which columns have cells that a spreadsheet would run."""
    for name, n_cells in counts.items():
        written = "an apostrophe stands before them" if safe else (
            "--spreadsheet-safe writes an apostrophe before them"
        )  # fmt: skip
        say(f"note: {n_cells:,} cells of {name!r} are formulas to a spreadsheet; {written}", quiet)


def for_spreadsheets(frame: pl.DataFrame, out: Path, safe: bool, quiet: bool) -> pl.DataFrame:
    """Return a whole frame as it is written to a file, and report its formulas."""
    from tablewright.tables.io.files import format_of

    counts: Counter[str] = Counter()
    if format_of(out) in ("csv", "tsv"):
        frame = count_formulas(frame, counts, safe)
    report_formulas(counts, safe, quiet)
    return frame


def count_formulas(frame: pl.DataFrame, counts: Counter[str], safe: bool) -> pl.DataFrame:
    """Count the cells that a spreadsheet would run, and write them as text if asked to."""
    import polars as pl

    for column in frame.get_columns():
        if column.dtype != pl.String:
            continue
        cells = column.alias("cells")  # the name of the column may be a pattern to polars
        runs = cells.str.contains(FORMULA) & ~cells.str.contains(SIGNED_NUMBER)
        if n_cells := int(runs.sum()):
            counts[column.name] += n_cells
            if safe:
                quoted = pl.Series("cells", ["'"], dtype=pl.String) + cells
                written = quoted.zip_with(runs.fill_null(False), cells).rename(column.name)
                frame = frame.with_columns(written)
    return frame


def _counted(pieces: Iterable[Any], advance: Advance) -> Iterator[Any]:
    from tablewright.tables.io.frames import to_polars

    for piece in pieces:
        frame, _ = to_polars(piece)
        yield frame
        advance(frame.height)
