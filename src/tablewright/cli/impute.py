"""``tablewright impute``: fill the empty cells of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tablewright.cli import options
from tablewright.cli.output import check_rows_output, for_spreadsheets, origin_of, report_reading
from tablewright.cli.progress import say


@click.command()
@click.argument("table", type=options.path)
@options.file("--out", required=True, help="File to write the filled table to.")
@click.option(
    "--columns",
    metavar="COL,COL",
    help="Columns to fill, divided by commas; all where it is left out.",
)
@click.option(
    "--leave-structural",
    is_flag=True,
    help="Leave cells that are empty in every row of some class of another column, such as the "
    "spouse's income of the unmarried.",
)
@options.target
@options.method
@options.settings
@click.option(
    "--rules",
    type=options.path,
    help="File of rules whose hard ones the filled cells keep, where the cells that stay allow it.",
)
@options.schema
@options.seed
@options.encoding
@options.spreadsheet
@options.quiet
def impute(
    table: Path,
    out: Path,
    columns: str | None,
    leave_structural: bool,
    target: str | None,
    method: str,
    settings: dict[str, Any],
    rules: Path | None,
    schema_file: Path | None,
    spreadsheet_safe: bool,
    seed: int,
    quiet: bool,
) -> None:
    """Fill the empty cells of TABLE by draws; all others stay.

    A cell that holds a text such as NA or ? is not empty: list the text under 'sentinels:' in the
    schema to have it filled.
    """
    from tablewright.synthesizer.synthesizer import Synthesizer
    from tablewright.tables.io.loading import load_as_said
    from tablewright.tables.io.provenance import manifest_path, write_filled
    from tablewright.tables.table import cells_to_fill, for_file, structural_cells

    check_rows_output(out, table, schema_file, rules)
    loaded = load_as_said(table, schema_file, target)
    rows, frame, schema = loaded.raw, loaded.frame, loaded.schema
    chosen = None if columns is None else _names(columns, schema.names)
    mask = cells_to_fill(rows, frame, schema, chosen, leave_structural)
    synthesizer = Synthesizer(
        method, schema=schema, options=settings or None, random_state=seed
    ).fit(rows)
    filled_rows = synthesizer.impute(
        rows, columns=chosen, leave_structural=leave_structural, rules=rules
    )
    whole = for_file(filled_rows, schema, out)
    whole = for_spreadsheets(whole, out, spreadsheet_safe, quiet)
    filled = {series.name: int(series.sum()) for series in mask if series.any()}
    options_of = {"filled": filled, "settings": settings, "rules": rules and rules.name}
    origin = origin_of(synthesizer, seed, options_of, table)
    any_filled = mask.fold(lambda one, other: one | other)
    write_filled(whole, any_filled, out, origin, schema.dialect)
    say(f"{synthesizer.reason_}; learned from {synthesizer.n_rows_:,} rows", quiet)
    report_reading(schema, quiet)
    for series in frame:
        left = series.is_null() & ~mask[series.name] & rows[series.name].is_not_null()
        if n := int(left.sum()):
            texts = ", ".join(map(repr, rows[series.name].filter(left).unique().sort()[:3]))
            say(f"{n:,} cells of {series.name} hold {texts} and stay; list the text under "
                "'sentinels:' in the schema to have it filled", quiet)  # fmt: skip
    structural = structural_cells(frame, schema)
    for name, (condition, inside) in structural.items():
        if leave_structural or (mask[name] & inside).any():
            done = "left empty" if leave_structural else "filled too; --leave-structural keeps it"
            say(f"{name} is empty wherever {condition}: {done}", quiet)
    n_filled, where = sum(filled.values()), ", ".join(filled) or "no column"
    say(f"{n_filled:,} cells filled ({where}) in {out}, manifest in {manifest_path(out)}", quiet)


def _names(text: str, known: list[str]) -> list[str]:
    """Read names divided by commas; a name that holds a comma stands alone."""
    from tablewright.schema import inner_name

    return [text] if inner_name(text) in known else [name.strip() for name in text.split(",")]
