"""``tablewright trim``: keep what is worth keeping of rows from anywhere."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli.group import COMMAND_LINE
from tablewright.cli.options import (
    encoding_option,
    path,
    quiet_option,
    schema_option,
    seed_option,
    settle_seed,
    spreadsheet_option,
    target_option,
)
from tablewright.cli.output import check_rows_output, for_spreadsheets
from tablewright.cli.progress import say
from tablewright.errors import InputError

if TYPE_CHECKING:
    from tablewright.selection import Trim, Trimmed
    from tablewright.tables.io.provenance import Origin


@click.command()
@click.argument("candidates", type=path)
@click.option("--train", required=True, type=path, help="Real rows that candidates are held to.")
@target_option
@click.option(
    "--out",
    required=True,
    type=path,
    help="File for the rows that are kept; a manifest goes beside it.",
)
@click.option(
    "--rejected",
    type=path,
    help="File for the other rows, with the columns _stage, _reason and _score.",
)
@click.option("--rules", type=path, help="File of rules that rows keep; see 'tablewright rules'.")
@click.option(
    "--variant",
    type=click.Choice(["default", "published"]),
    default="default",
    show_default=True,
    help="What works, or the line of checks of the Team-then-Trim paper.",
)
@click.option(
    "--trust",
    type=click.Choice(["auto", "data", "generator"]),
    default="auto",
    show_default=True,
    help="Whom to believe on labels: the real rows, or the candidates' own majority.",
)
@schema_option
@encoding_option
@spreadsheet_option
@seed_option
@quiet_option
def trim(
    candidates: Path,
    train: Path,
    target: str | None,
    out: Path,
    rejected: Path | None,
    rules: Path | None,
    variant: Any,
    trust: Any,
    schema_file: Path | None,
    spreadsheet_safe: bool,
    seed: int | None,
    quiet: bool,
) -> None:
    """Judge CANDIDATES, rows from anywhere, against real rows, and keep the good ones."""
    from tablewright.selection import Trim, TrimWarning
    from tablewright.tables.io.files import read_table
    from tablewright.tables.io.loading import read_as_said
    from tablewright.tables.io.provenance import manifest_path, write_rows
    from tablewright.tables.io.writing import write_frame
    from tablewright.tables.table import for_file

    for output in (out, rejected):
        if output is not None:
            check_rows_output(output, candidates, train, schema_file, rules)
    if rejected == out:
        raise InputError(f"--out and --rejected both name {out}; give them different names")
    (rows, dialect), seed = read_table(candidates), settle_seed(seed)
    real = read_as_said(train, schema_file)
    judge = Trim(
        target, variant=variant, trust=trust, rules=rules, schema=schema_file, random_state=seed
    ).fit(real)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrimWarning)  # the notes say it
        kept = for_file(judge.transform(rows), judge.schema_, out)
    result = judge.result_
    options = {"variant": variant, "trust": trust, "rules": None if rules is None else rules.name}
    kept = for_spreadsheets(kept, out, spreadsheet_safe, quiet)
    origin = _origin(judge, seed, options, candidates)
    write_rows([kept], out, origin, real, dialect=dialect)
    if rejected is not None:
        declared = result.frame().select("_stage", "_reason", "_score")
        others = rows.hstack(declared).filter(~result.keep)
        others = for_spreadsheets(others, rejected, spreadsheet_safe, quiet)
        write_frame(others, rejected, dialect=dialect)
        say(f"{int((~result.keep).sum()):,} rejected rows in {rejected}", quiet)
    if not quiet:
        _show(result)
    for note in result.notes:
        say(note, quiet)
    say(
        f"{result.n_kept:,} of {len(result.keep):,} candidates kept in {out}, manifest in "
        f"{manifest_path(out)}",
        quiet,
    )


def _origin(judge: Trim, seed: int, options: dict[str, Any], candidates: Path) -> Origin:
    from tablewright.tables.io.provenance import Origin

    context = click.get_current_context(silent=True)
    result = judge.result_
    facts = {"trusted": result.trust or None, "candidates": len(result.keep), "kept": result.n_kept}
    if result.added.height:
        facts["real rows among them"] = result.added.height
    return Origin(
        method="trim",
        n_real_rows=judge.n_rows_,
        seed=seed,
        options={name: value for name, value in {**options, **facts}.items() if value is not None},
        command=None if context is None else context.meta.get(COMMAND_LINE),
        source=candidates.name,
    )


def _show(found: Trimmed) -> None:
    from rich.table import Table

    from tablewright.display import console

    shown = Table("stage", "in", "out", "most frequent reasons", title="candidates")
    for row in found.summary().iter_rows(named=True):
        shown.add_row(row["stage"], f"{row['in']:,}", f"{row['out']:,}", row["reasons"])
    console().print(shown)
