"""``tablewright fit``: learn a table and keep what was learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tablewright.cli.options import (
    encoding_option,
    method_option,
    path,
    quiet_option,
    schema_option,
    seed_option,
    settings_option,
    settle_seed,
    target_option,
)
from tablewright.cli.progress import say
from tablewright.errors import InputError


@click.command()
@click.argument("train", type=path)
@click.option("--out", required=True, type=path, help="File to write the model to.")
@target_option
@method_option
@settings_option
@schema_option
@seed_option
@encoding_option
@quiet_option
def fit(
    train: Path,
    out: Path,
    target: str | None,
    method: str,
    settings: dict[str, Any],
    schema_file: Path | None,
    seed: int | None,
    quiet: bool,
) -> None:
    """Learn the table TRAIN and keep what was learned.

    The model holds real values of the table: keep it as you keep the table.
    """
    from tablewright.systems import estimator
    from tablewright.tables.io.writing import check_output

    check_output(out)
    seed = settle_seed(seed)
    synthesizer = estimator(
        method, target=target, schema=schema_file, options=settings, random_state=seed
    )
    if not hasattr(synthesizer, "save"):
        raise InputError(f"{method} keeps no model; write its rows with 'tablewright generate'")
    synthesizer.fit(train).save(out)
    say(f"{synthesizer.reason_}; learned from {synthesizer.n_rows_:,} rows", quiet)
    say(f"model in {out}; it holds real values: keep it as you keep the table", quiet)
