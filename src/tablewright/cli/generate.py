"""``tablewright generate``: from a table to more rows like it, in one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli.model_options import ModelOptions, model_options
from tablewright.cli.options import (
    balance_option,
    encoding_option,
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
    spreadsheet_option,
    target_option,
    where_option,
)
from tablewright.cli.output import (
    check_rows_output,
    origin_of,
    report_reading,
    spent_by,
    write_with_progress,
)
from tablewright.cli.progress import say, show
from tablewright.cli.reports import check_report_output, write_report
from tablewright.cli.request import Request

if TYPE_CHECKING:
    import polars as pl

    from tablewright.cli.request import Learner
    from tablewright.systems import System


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
@click.option(
    "--rejected", type=path, help="File for rows that a system made and did not keep, with reasons."
)
@model_options
@encoding_option
@spreadsheet_option
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
    rejected: Path | None,
    llm: ModelOptions,
    quiet: bool,
    spreadsheet_safe: bool,
) -> None:
    """Learn the table TRAIN and write rows like it.

    Methods that are systems (see 'tablewright methods') take a language model with --model, and
    do without one, on this machine alone, where none is named.
    """
    request = Request.of(n_rows, where, balance, rules)
    check_rows_output(out, train, schema_file)
    if report is not None:
        check_report_output(report, train, out)
    if rejected is not None:
        check_rows_output(rejected, train, schema_file)
    from tablewright.cli.judging import rehearse
    from tablewright.systems import System, estimator
    from tablewright.tables.io.loading import load_as_said

    table, seed = load_as_said(train, schema_file, target), settle_seed(seed)
    rows, schema = table.raw, table.schema

    def learner_with(models: ModelOptions) -> Learner:
        return estimator(
            method,
            schema=schema,
            options=settings,
            random_state=seed,
            llm=models.of_methods([method]),
            rules=rules,
        )

    def without_a_call(models: ModelOptions) -> None:
        if report is not None:
            rehearse(rows, learner_with(models), request, seed)
        for _ in request.batches(learner_with(models).fit(rows), seed):
            pass

    if llm and llm.dry_run:
        show(llm.estimate(without_a_call))
        return
    learner = learner_with(llm)
    if rejected is not None and not isinstance(learner, System):
        raise click.UsageError(f"--rejected goes with a system; {method} keeps every row it draws")
    if llm:
        llm.announce(without_a_call)
    judged = None if report is None else _judge(rows, learner, request, seed, report, quiet)
    learner.fit(rows)
    say(f"{learner.reason_}; learned from {learner.n_rows_:,} rows", quiet)
    report_reading(learner.schema_, quiet)
    pieces = request.batches(learner, seed)
    origin = origin_of(learner, seed, {**request.options(), "settings": settings}, train)
    write_with_progress(
        pieces, learner.schema_, request.n_rows, out, origin,
        real=rows, after=lambda: _spent(learner, judged, llm), quiet=quiet,
        spreadsheet_safe=spreadsheet_safe,
    )  # fmt: skip
    if isinstance(learner, System):
        _tell(learner, llm, rejected, quiet)
    request.say_audit(learner, quiet)


def _tell(system: System, llm: ModelOptions, rejected: Path | None, quiet: bool) -> None:
    """Say what became of all rows; a cap that was reached is told last, by the exit code."""
    from tablewright.tables.io.writing import write_frame

    result = system.result_
    for line in result.lines():
        say(line, quiet)
    if rejected is not None:
        write_frame(result.rejected, rejected, dialect=system.schema_.dialect)
        say(f"{result.rejected.height:,} rejected rows in {rejected}", quiet)
    llm.close(finished=result.stopped is None, rows_kept=result.n_kept)
    if result.stopped is not None:
        raise result.stopped


def _judge(
    rows: pl.DataFrame,
    learner: Learner,
    request: Request,
    seed: int,
    report: Path,
    quiet: bool,
) -> Learner:
    from tablewright.cli.judging import judge

    say("judging on 20 % of the rows, which are set aside", quiet)
    result, judged = judge(rows, learner, request, seed)
    write_report(result, report)
    if not quiet:
        show(result.verdict.sentence)
    for alarm in result.alarms:
        click.secho(f"ALARM: {alarm}", fg="red", err=True)
    say(f"report in {report}", quiet)
    usage = getattr(getattr(judged, "result_", None), "usage", None)
    if usage is not None and usage.tokens:
        say(f"  the report's own rows took {usage.tokens:,} tokens, beside those below", quiet)
    return judged


def _spent(learner: Learner, judged: Learner | None, llm: ModelOptions) -> dict[str, Any]:
    """Say what both fits took: that of the rows, and that of the rows of the report."""
    spent, extra = spent_by(learner, llm), {} if judged is None else spent_by(judged, llm)
    if "cost" not in spent or "cost" not in extra:
        return spent
    costs = [spent["cost"], extra["cost"]]
    cost = None if None in costs else sum(costs)
    tokens = spent["tokens"] + extra["tokens"]
    return {**spent, "tokens": tokens, "cost": cost, "tokens of the report": extra["tokens"]}
