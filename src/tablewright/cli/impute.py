"""``tablewright impute``: fill the empty cells of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tablewright.cli.options import (
    method_option,
    path,
    quiet_option,
    schema_option,
    seed_option,
    settings_option,
    settle_seed,
    target_option,
)
from tablewright.cli.output import check_rows_output, origin_of
from tablewright.cli.progress import say

__all__ = ["impute"]


@click.command()
@click.argument("table", type=path)
@click.option("--out", required=True, type=path, help="File to write the filled table to.")
@target_option
@method_option
@settings_option
@schema_option
@seed_option
@quiet_option
def impute(
    table: Path,
    out: Path,
    target: str | None,
    method: str,
    settings: dict[str, Any],
    schema_file: Path | None,
    seed: int | None,
    quiet: bool,
) -> None:
    """Fill the empty cells of TABLE by draws; all others stay."""
    import polars as pl

    from tablewright.synthesizer.synthesizer import Synthesizer
    from tablewright.tables.inference.casting import typed
    from tablewright.tables.io.files import read_frame
    from tablewright.tables.io.provenance import manifest_path, write_filled
    from tablewright.tables.table import for_file

    check_rows_output(out, table, schema_file)
    rows, seed = read_frame(table), settle_seed(seed)
    synthesizer = Synthesizer(
        method, target=target, schema=schema_file, options=settings or None, random_state=seed
    ).fit(rows)
    empty = typed(rows, synthesizer.schema_).select(pl.all().is_null())
    whole = for_file(synthesizer.impute(rows), synthesizer.schema_, out)
    filled = {name: n for name, n in empty.sum().row(0, named=True).items() if n}
    origin = origin_of(synthesizer, seed, {"filled": filled, "settings": settings}, table)
    write_filled(whole, empty.select(pl.any_horizontal(pl.all())).to_series(), out, origin)
    say(f"{synthesizer.reason_}; learned from {synthesizer.n_rows_:,} rows", quiet)
    n_filled, where = sum(filled.values()), ", ".join(filled) or "no column"
    say(f"{n_filled:,} cells filled ({where}) in {out}, manifest in {manifest_path(out)}", quiet)
