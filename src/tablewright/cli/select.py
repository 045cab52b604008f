"""``tablewright select``: choose the groups of candidate rows that help a model, or none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tablewright.cli import options
from tablewright.cli.output import check_rows_output, for_spreadsheets, origin
from tablewright.cli.progress import say, show_table
from tablewright.errors import InputError

_ARM = ("group", "rows", "value", "error", "chosen")


@click.command()
@click.argument("candidates", type=options.path)
@options.file("--train", required=True, help="Real rows to learn from.")
@click.option(
    "--validation",
    default="cv",
    show_default=True,
    metavar="FILE|cv",
    help="Real rows that judge, or cv: the rows of --train, fold by fold.",
)
@options.target
@click.option(
    "-n",
    "--rows",
    "n_rows",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="Rows to keep at most.",
)
@click.option(
    "--strategy",
    type=click.Choice(["bandit", "greedy", "label-check", "none"]),
    default="bandit",
    show_default=True,
    help="How groups are chosen; the bandit may keep none.",
)
@click.option(
    "--groups",
    metavar="COL|clusters|FILE",
    help="Column that names groups, clusters of like rows, or a file of 'partition', whose parts "
    "are the groups; paths of a tree if none.",
)
@click.option(
    "--learners",
    metavar="NAMES",
    help="Models that judge, with commas between: boosted trees, linear, forest, tree; all but "
    "tree if none.",
)
@options.file(
    "--out", required=True, help="File for the rows that are kept; a manifest goes beside it."
)
@options.schema
@options.spreadsheet
@options.seed
@options.encoding
@options.quiet
def select(
    candidates: Path,
    train: Path,
    validation: str,
    target: str | None,
    n_rows: int,
    strategy: Any,
    groups: str | None,
    learners: str | None,
    out: Path,
    schema_file: Path | None,
    spreadsheet_safe: bool,
    seed: int,
    quiet: bool,
) -> None:
    """Choose of CANDIDATES, rows from anywhere, the groups that make models of TRAIN better."""
    from tablewright.selection import Selector
    from tablewright.tables.io.files import read_frame, read_table
    from tablewright.tables.io.loading import read_as_said
    from tablewright.tables.io.provenance import manifest_path, write_rows
    from tablewright.tables.table import for_file

    judging = None if validation == "cv" else Path(validation)
    if judging is not None and not judging.exists():
        raise InputError(f"--validation: there is no file {validation}; give a file, or cv")
    check_rows_output(out, candidates, train, judging, schema_file)
    rows, dialect = read_table(candidates)
    real = read_as_said(train, schema_file)
    selector = Selector(
        strategy,
        n_samples=n_rows,
        groups=groups,
        target=target,
        schema=schema_file,
        learners=learners,
        random_state=seed,
    )
    selector.fit(real, validation=None if judging is None else read_frame(judging))
    labels = None
    if groups is not None and groups.endswith((".yaml", ".yml")) and groups not in rows.columns:
        labels, selector.groups = part_names(Path(groups), rows, selector), None
    kept = for_file(selector.select(rows, labels=labels), selector.schema_, out)
    kept = for_spreadsheets(kept, out, spreadsheet_safe, quiet)
    chosen = selector.selection_
    facts = {
        "strategy": strategy,
        "validation": Path(validation).name,
        "groups": groups,
        **({} if learners is None else {"learners": learners}),
        "candidates": rows.height,
        "kept": kept.height,
        "belief": None if chosen.belief is None else chosen.belief.value,
        "honest estimate": None if chosen.honest is None else chosen.honest.value,
    }
    made_of = origin("select", selector.train_.height, seed, facts, candidates)
    write_rows([kept], out, made_of, real, dialect=dialect)
    if not quiet:
        listed = chosen.arms.sort("chosen", "value", descending=True, nulls_last=True)
        arms = map(_cells, listed.select(_ARM).iter_rows())
        show_table("groups", ("group", "rows", "worth", "±", "kept"), arms)
    for line in str(chosen).splitlines():
        say(line, quiet)
    say(
        f"{kept.height:,} of {rows.height:,} candidates kept in {out}, manifest in "
        f"{manifest_path(out)}",
        quiet,
    )


def part_names(path: Path, rows: Any, selector: Any) -> list[str]:
    """Return the part of each candidate."""
    from tablewright.selection.candidates import read_candidates
    from tablewright.systems.date.partition import Parts

    if not path.exists():
        raise InputError(f"--groups: there is no file {path}; give one of 'partition', or a column")
    parts = Parts.load(path, selector.schema_)
    typed = read_candidates(rows, selector.schema_, selector.train_).frame
    names = [*(part.name for part in parts), "in no part"]
    return [names[index] for index in parts.of(typed, selector.schema_)]


def _cells(arm: tuple[str, int, float | None, float | None, bool]) -> list[str]:
    group, n_rows, worth, error, is_kept = arm
    numbers = ["" if worth is None else f"{worth:+.4f}", "" if error is None else f"{error:.4f}"]
    return [group, f"{n_rows:,}", *numbers, "yes" if is_kept else ""]
