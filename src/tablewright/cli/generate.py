"""``tablewright generate``: from a table to more rows like it, in one command."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli import options
from tablewright.cli.model_options import ModelOptions, model_options
from tablewright.cli.output import (
    check_rows_output,
    for_spreadsheets,
    origin_of,
    report_findings,
    report_reading,
    report_sample,
    spent_by,
    write_with_progress,
)
from tablewright.cli.progress import say, show
from tablewright.cli.request import Request
from tablewright.display import printable
from tablewright.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from tablewright.cli.request import Learner
    from tablewright.systems import System
    from tablewright.tables.io.databases import DatabaseTable, Query


def _report(context: click.Context, option: click.Parameter, name: Path | None) -> Path | None:
    """Check before any work that a report can be written."""
    from tablewright.tables.io.writing import check_output

    if name is not None:
        if name.suffix.lower() not in (".json", ".html"):
            raise InputError(f"{name}: the name of a report ends in .json or .html")
        check_output(name)
    return name


@click.command()
@options.train
@options.query
@options.target
@options.rows(auto=True)
@options.out
@options.method
@options.settings
@options.where
@options.balance
@options.rules
@click.option(
    "--text",
    "texts",
    multiple=True,
    metavar="COL:ATTRIBUTE",
    help="A column of texts and the column that says what they are about, for --method htdbu: "
    "rows get real texts, or with COL:ATTRIBUTE:model those that a model writes.",
)
@options.seed
@options.schema
@options.drop
@click.option(
    "--report",
    type=options.path,
    callback=_report,
    help="Set 20 % of the rows aside, judge rows made from the others, and write what was found "
    "(.json or .html); then learn all rows.",
)
@options.file("--rejected", help="File for rows that a system made and did not keep, with reasons.")
@model_options
@options.encoding
@options.spreadsheet
@options.quiet
def generate(
    train: Path | Query,
    query: str | None,
    target: str | None,
    n_rows: int | str,
    out: Path | DatabaseTable,
    method: str,
    settings: dict[str, Any],
    where: str | None,
    balance: str | dict[str, int] | None,
    rules: Path | None,
    texts: tuple[str, ...],
    seed: int,
    schema_file: Path | None,
    drop: tuple[str, ...],
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
    if texts and method != "htdbu":
        raise click.UsageError("--text goes with --method htdbu, which pairs texts with rows")
    if texts:
        settings = {**settings, "texts": list(texts)}
    check_rows_output(out, train, schema_file)
    if rejected is not None:
        check_rows_output(rejected, train, schema_file)
    from tablewright.cli.judging import MIN_ROWS, made_from_part
    from tablewright.systems import RowsWarning, System, estimator
    from tablewright.tables.io.loading import load_to_learn

    table = load_to_learn(train, schema_file, target, drop)
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
        if report is not None and rows.height >= MIN_ROWS:
            made_from_part(rows, learner_with(models), request, seed)
        for _ in request.batches(learner_with(models).fit(rows), seed):
            pass

    learner = learner_with(llm)
    if rejected is not None and not isinstance(learner, System):
        raise click.UsageError(f"--rejected goes with a system; {method} keeps every row it draws")
    if llm.only_estimates(without_a_call):
        return
    judged = None if report is None else _judge(rows, learner, request, seed, report, train, quiet)
    learner.fit(table)
    say(f"{learner.reason_}; learned from {learner.n_rows_:,} rows", quiet)
    report_sample(learner.sample_, quiet)
    report_reading(learner.schema_, quiet)
    report_findings(table.frame, schema, quiet, bool(llm))
    pieces = _or_nothing(request.batches(learner, seed), learner)
    asked = {**request.options(), "settings": settings, "drop": list(drop) or None}
    origin = origin_of(learner, seed, asked, train)
    with warnings.catch_warnings():
        if not quiet:
            warnings.simplefilter("ignore", RowsWarning)  # the notes of the result say it
        try:
            write_with_progress(
                pieces, learner.schema_, request.n_rows, out, origin,
                real=rows, after=lambda: _spent(learner, judged, llm), quiet=quiet,
                spreadsheet_safe=spreadsheet_safe,
            )  # fmt: skip
        except _NoRowsError:
            say(f"nothing was written to {out}", quiet)
    if isinstance(learner, System):
        _tell(learner, llm, rejected, quiet, spreadsheet_safe)
    request.say_audit(getattr(learner, "audit_", None), quiet)


class _NoRowsError(Exception):
    """A system was stopped before its first row."""


def _or_nothing(pieces: Iterable[Any], learner: Learner) -> Iterator[Any]:
    """Pass rows on; where none came and a model stopped them, an earlier file stays as it is."""
    n_rows = 0
    for piece in pieces:
        n_rows += len(piece)
        yield piece
    result = getattr(learner, "result_", None)
    if not n_rows and result is not None and result.stopped is not None:
        raise _NoRowsError


def _tell(
    system: System, llm: ModelOptions, rejected: Path | None, quiet: bool, safe: bool
) -> None:
    """Say what became of all rows; a cap that was reached is told last, by the exit code."""
    from tablewright.tables.io.writing import write_frame

    result = system.result_
    for line in result.lines():
        say(line, quiet)
    if rejected is not None:
        shown_rows = for_spreadsheets(result.rejected, rejected, safe, quiet)
        write_frame(shown_rows, rejected, dialect=system.schema_.dialect)
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
    train: Path | Query,
    quiet: bool,
) -> Learner:
    from tablewright.cli.judging import judge

    say("judging on 20 % of the rows, which are set aside", quiet)
    result, judged = judge(rows, learner, request, seed, train if isinstance(train, Path) else None)
    shortfall = getattr(getattr(judged, "result_", None), "shortfall", "")
    if shortfall:
        say(f"note: for the report, {shortfall}", quiet)
    (result.to_json if report.suffix.lower() == ".json" else result.to_html)(report)
    if not quiet:
        show(result.verdict.sentence)
    for alarm in result.alarms:
        click.secho(printable(f"ALARM: {alarm}"), fg="red", err=True)
    for sentence in result.privacy_warnings:
        say(f"warning: {sentence}", quiet)
    for notice in result.notices:
        say(f"note: {notice}", quiet)
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
