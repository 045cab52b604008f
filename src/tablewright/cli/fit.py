"""``tablewright fit``: learn a table and keep what was learned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli import options
from tablewright.cli.output import origin_of, report_findings, report_reading, report_sample
from tablewright.cli.progress import say
from tablewright.errors import InputError

if TYPE_CHECKING:
    from tablewright.tables.io.databases import Query


@click.command()
@options.train
@options.query
@options.written("--out", required=True, help="File to write the model to.")
@click.option(
    "--shareable",
    is_flag=True,
    help="Refuse methods and columns whose model would hold real rows, identifiers or texts.",
)
@options.target
@options.method
@options.settings
@options.schema
@options.drop
@options.seed
@options.encoding
@options.quiet
def fit(
    train: Path | Query,
    query: str | None,
    out: Path,
    shareable: bool,
    target: str | None,
    method: str,
    settings: dict[str, Any],
    schema_file: Path | None,
    drop: tuple[str, ...],
    seed: int,
    quiet: bool,
) -> None:
    """Learn the table TRAIN and keep what was learned.

    The model holds real values of the table, 'tablewright profile MODEL' tells which: keep it as
    you keep the table.
    """
    from tablewright.systems import estimator
    from tablewright.tables.io.loading import load_to_learn
    from tablewright.tables.io.provenance import write_model_manifest

    table = load_to_learn(train, schema_file, target, drop)
    synthesizer = estimator(method, schema=table.schema, options=settings, random_state=seed)
    if not hasattr(synthesizer, "save"):
        raise InputError(f"{method} keeps no model; write its rows with 'tablewright generate'")
    if shareable and not hasattr(synthesizer, "holdings"):
        raise InputError(f"a model of {method} holds real rows; take copula or independent")
    synthesizer.fit(table).save(out, **({"shareable": True} if shareable else {}))
    say(f"{synthesizer.reason_}; learned from {synthesizer.n_rows_:,} rows", quiet)
    report_sample(synthesizer.sample_, quiet)
    report_reading(synthesizer.schema_, quiet)
    report_findings(table.frame, table.schema, quiet)
    held = synthesizer.holdings() if hasattr(synthesizer, "holdings") else ["real rows"]
    asked = {"settings": settings, "drop": list(drop) or None}
    origin = origin_of(synthesizer, seed, asked, train)
    write_model_manifest(out, origin, held)
    say(f"model in {out}, manifest beside it; readable by you alone", quiet)
    for sentence in held:
        say(f"it holds {sentence}", quiet)
