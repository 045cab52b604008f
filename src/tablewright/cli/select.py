"""``tablewright select``: choose the groups of candidate rows that help a model, or none."""

from __future__ import annotations

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
    target_option,
)
from tablewright.cli.output import check_rows_output
from tablewright.cli.progress import say
from tablewright.errors import InputError

if TYPE_CHECKING:
    from tablewright.selection import Selection


@click.command()
@click.argument("candidates", type=path)
@click.option("--train", required=True, type=path, help="Real rows to learn from.")
@click.option(
    "--validation",
    default="cv",
    show_default=True,
    metavar="FILE|cv",
    help="Real rows that judge, or cv: the rows of --train, fold by fold.",
)
@target_option
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
@click.option("--groups", metavar="COL", help="Column that names groups; paths of a tree if none.")
@click.option(
    "--out",
    required=True,
    type=path,
    help="File for the rows that are kept; a manifest goes beside it.",
)
@schema_option
@seed_option
@encoding_option
@quiet_option
def select(
    candidates: Path,
    train: Path,
    validation: str,
    target: str | None,
    n_rows: int,
    strategy: Any,
    groups: str | None,
    out: Path,
    schema_file: Path | None,
    seed: int | None,
    quiet: bool,
) -> None:
    """Choose of CANDIDATES, rows from anywhere, the groups that make models of TRAIN better."""
    from tablewright.selection import Selector
    from tablewright.tables.io.files import read_frame, read_table
    from tablewright.tables.io.loading import read_as_said
    from tablewright.tables.io.provenance import Origin, manifest_path, write_rows
    from tablewright.tables.table import for_file

    judging = None if validation == "cv" else Path(validation)
    if judging is not None and not judging.exists():
        raise InputError(f"--validation: there is no file {validation}; give a file, or cv")
    check_rows_output(out, candidates, train, judging, schema_file)
    (rows, dialect), seed = read_table(candidates), settle_seed(seed)
    real = read_as_said(train, schema_file)
    selector = Selector(
        strategy,
        n_samples=n_rows,
        groups=groups,
        target=target,
        schema=schema_file,
        random_state=seed,
    )
    selector.fit(real, validation=None if judging is None else read_frame(judging))
    kept = for_file(selector.select(rows), selector.schema_, out)
    found = selector.selection_
    context = click.get_current_context(silent=True)
    origin = Origin(
        method="select",
        n_real_rows=selector.train_.height,
        seed=seed,
        options=_facts(found, strategy, validation, groups, rows.height, kept.height),
        command=None if context is None else context.meta.get(COMMAND_LINE),
        source=candidates.name,
    )
    write_rows([kept], out, origin, real, dialect=dialect)
    if not quiet:
        _show(found)
    for line in str(found).splitlines():
        say(line, quiet)
    say(
        f"{kept.height:,} of {rows.height:,} candidates kept in {out}, manifest in "
        f"{manifest_path(out)}",
        quiet,
    )


def _facts(
    found: Selection, strategy: str, validation: str, groups: str | None, n_in: int, n_kept: int
) -> dict[str, Any]:
    facts = {
        "strategy": strategy,
        "validation": Path(validation).name,
        "groups": groups,
        "candidates": n_in,
        "kept": n_kept,
        "belief": None if found.belief is None else found.belief.value,
        "honest estimate": None if found.honest is None else found.honest.value,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _show(found: Selection) -> None:
    from rich.table import Table

    from tablewright.display import console

    shown = Table("group", "rows", "worth", "±", "kept", title="groups")
    for row in found.arms.iter_rows(named=True):
        worth, error = row["value"], row["error"]
        shown.add_row(
            row["group"],
            f"{row['rows']:,}",
            "" if worth is None else f"{worth:+.4f}",
            "" if error is None else f"{error:.4f}",
            "yes" if row["chosen"] else "",
        )
    console().print(shown)
