"""``tablewright trim``: keep what is worth keeping of rows from anywhere."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import click

from tablewright.cli import options
from tablewright.cli.output import check_rows_output, for_spreadsheets, origin
from tablewright.cli.progress import say, show_table
from tablewright.errors import InputError


@click.command()
@click.argument("candidates", type=options.path)
@options.file("--train", required=True, help="Real rows that candidates are held to.")
@options.target
@options.file(
    "--out", required=True, help="File for the rows that are kept; a manifest goes beside it."
)
@options.file(
    "--rejected", help="File for the other rows, with the columns _stage, _reason and _score."
)
@options.file("--rules", help="File of rules that rows keep; see 'tablewright rules'.")
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
@click.option(
    "--diversity",
    metavar="RULE",
    help="Reading of the published 30 % of diversity: relative, percentile, headroom, absolute, "
    "non_negative or no_harm.",
)
@click.option("--c", type=float, help="Margin of the published gain of information.")
@click.option(
    "--update",
    type=click.Choice(["refit", "frozen"]),
    default="refit",
    show_default=True,
    help="Whether the published gain of information fits its model anew with each batch.",
)
@click.option(
    "--estimator",
    type=click.Choice(["linear", "boosted trees"]),
    default="linear",
    show_default=True,
    help="Downstream model of the published line.",
)
@options.schema
@options.encoding
@options.spreadsheet
@options.seed
@options.quiet
def trim(
    candidates: Path,
    train: Path,
    target: str | None,
    out: Path,
    rejected: Path | None,
    rules: Path | None,
    schema_file: Path | None,
    spreadsheet_safe: bool,
    seed: int,
    quiet: bool,
    **settings: Any,
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
    rows, dialect = read_table(candidates)
    real = read_as_said(train, schema_file)
    judge = Trim(target, rules=rules, schema=schema_file, random_state=seed, **settings).fit(real)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrimWarning)  # the notes say it
        kept = for_file(judge.transform(rows), judge.schema_, out)
    result = judge.result_
    facts = {
        **settings,
        "rules": None if rules is None else rules.name,
        "trusted": result.trust or None,
        "candidates": len(result.keep),
        "kept": result.n_kept,
        "real rows among them": result.added.height or None,
    }
    kept = for_spreadsheets(kept, out, spreadsheet_safe, quiet)
    made_of = origin("trim", judge.n_rows_, seed, facts, candidates)
    write_rows([kept], out, made_of, real, dialect=dialect)
    if rejected is not None:
        declared = result.frame().select("_stage", "_reason", "_score")
        others = rows.hstack(declared).filter(~result.keep)
        others = for_spreadsheets(others, rejected, spreadsheet_safe, quiet)
        write_frame(others, rejected, dialect=dialect)
        say(f"{int((~result.keep).sum()):,} rejected rows in {rejected}", quiet)
    if not quiet:
        heads = ("stage", "in", "out", "most frequent reasons")
        steps = result.summary().iter_rows()
        show_table("candidates", heads, [(a, f"{b:,}", f"{c:,}", d) for a, b, c, d in steps])
    for note in result.notes:
        say(note, quiet)
    say(
        f"{result.n_kept:,} of {len(result.keep):,} candidates kept in {out}, manifest in "
        f"{manifest_path(out)}",
        quiet,
    )
