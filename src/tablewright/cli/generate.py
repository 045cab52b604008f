"""``tablewright generate``: from a table to more rows like it, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli.options import (
    balance_option,
    method_option,
    out_option,
    path,
    quiet_option,
    rows_option,
    rules_option,
    schema_option,
    seed_option,
    settings_option,
    settle_seed,
    target_option,
    where_option,
)
from tablewright.cli.output import check_rows_output, origin_of, write_with_progress
from tablewright.cli.progress import say
from tablewright.cli.reports import check_report_output, write_report
from tablewright.cli.request import Request

if TYPE_CHECKING:
    import polars as pl

    from tablewright.synthesizers import Synthesizer

__all__ = ["generate"]


@click.command()
@click.argument("train", type=path)
@target_option
@rows_option(auto=True)
@out_option
@method_option
@settings_option
@where_option
@balance_option
@rules_option
@seed_option
@schema_option
@click.option(
    "--report",
    type=path,
    help="Set 20 % of the rows aside, judge rows made from the others, and write what was found "
    "(.json or .html); then learn all rows.",
)
@quiet_option
def generate(
    train: Path,
    target: str | None,
    n_rows: int | str,
    out: Path,
    method: str,
    settings: dict[str, Any],
    where: str | None,
    balance: str | None,
    rules: Path | None,
    seed: int | None,
    schema_file: Path | None,
    report: Path | None,
    quiet: bool,
) -> None:
    """Learn the table TRAIN and write rows like it."""
    request = Request.of(n_rows, where, balance, rules)
    check_rows_output(out, train, schema_file)
    if report is not None:
        check_report_output(report, train, out)
    from tablewright.synthesizers import Synthesizer, load_as_said
    from tablewright.tables.files import read_frame

    rows = read_frame(train)
    seed = settle_seed(seed)
    learner = Synthesizer(
        method,
        schema=load_as_said(rows, schema_file, target).schema,
        options=settings or None,
        random_state=seed,
    )
    if report is not None:
        _judge(rows, learner, request, seed, report, quiet)
    learner.fit(rows)
    say(f"{learner.reason_}; learned from {learner.n_rows_:,} rows", quiet)
    pieces = request.batches(learner, seed)
    origin = origin_of(learner, seed, {**request.options(), "settings": settings}, train)
    schema = learner.schema_
    write_with_progress(pieces, schema, request.n_rows, out, origin, real=rows, quiet=quiet)
    request.say_audit(learner, quiet)


def _judge(
    rows: pl.DataFrame,
    learner: Synthesizer,
    request: Request,
    seed: int,
    report: Path,
    quiet: bool,
) -> None:
    from tablewright.cli.judging import judge

    say("judging on 20 % of the rows, which are set aside", quiet)
    found = judge(rows, learner, request, seed)
    write_report(found, report)
    if not quiet:
        click.echo(found.verdict.sentence)
    say(f"report in {report}", quiet)
