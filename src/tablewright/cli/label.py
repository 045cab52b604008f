"""``tablewright label``: how probable each label is for the rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tablewright.cli import options
from tablewright.cli.model_options import ModelOptions, model_options
from tablewright.cli.output import check_rows_output, for_spreadsheets, origin
from tablewright.cli.progress import say
from tablewright.errors import InputError, ModelError, ReplayError

if TYPE_CHECKING:
    import polars as pl

    from tablewright.llm.endpoint.base import LLM
    from tablewright.llm.prompts.memorized import Memorized
    from tablewright.schema import Schema
    from tablewright.selection.label_model import Labels

_QUESTIONS = 4
"""Stretches of rows that a model is asked to continue, to see whether it knows the table."""


@click.command()
@click.argument("table", type=options.path)
@options.file("--train", help="Real rows with their labels; none: the model alone.")
@click.option("--target", required=True, metavar="COL", help="Column to give probabilities of.")
@options.file("--out", required=True, help="File to write TABLE and its labels to.")
@click.option("--about", default="", metavar="TEXT", help="What the table is about, for the model.")
@click.option(
    "--question",
    default="",
    metavar="TEXT",
    help="What to ask of each row, in your words; with two classes Yes means the second.",
)
@click.option(
    "--classes", metavar="A,B", help="Classes of the target, where no training rows name them."
)
@click.option("--draw", is_flag=True, help="Also write a label drawn from the probabilities.")
@options.schema
@options.encoding
@options.spreadsheet
@options.seed
@options.quiet
@model_options
def label(
    table: Path,
    train: Path | None,
    target: str,
    out: Path,
    about: str,
    question: str,
    classes: str | None,
    draw: bool,
    schema_file: Path | None,
    spreadsheet_safe: bool,
    seed: int,
    quiet: bool,
    llm: ModelOptions,
) -> None:
    """Write the rows of TABLE with a probability for each class of a column.

    A language model is asked one closed question a row; its answers are a prior that the rows
    of --train update. Column Y with the classes a and b gives the columns Y=a and Y=b; a
    number gives its expected value as Y=expected and shares of five levels.
    """
    import numpy as np
    import polars as pl

    from tablewright.selection.label_model import LabelModel
    from tablewright.tables.inference.casting import typed
    from tablewright.tables.io.files import read_table
    from tablewright.tables.io.loading import read_as_said
    from tablewright.tables.io.provenance import manifest_path, write_filled

    check_rows_output(out, table, train, schema_file)
    if not llm and train is None:
        raise InputError("labels come from --train FILE, from --model NAME, or from both")
    rows, dialect = read_table(table)
    real = None if train is None else read_as_said(train, schema_file)
    schema = _schema(rows, real, target, classes, schema_file)

    known = None if real is None else typed(real, schema)
    columns = [column for column in schema.each() if column.name != target]
    features = schema.model_copy(update={"columns": columns, "target": None})
    asked = typed(_features(rows, features), features)

    def work(models: ModelOptions) -> tuple[Labels, ModelError | None, Memorized | None]:
        model = models.connect() if models else None
        judge = LabelModel(schema, target, model, about, seed, question).fit(known)
        labels, by_heart = judge.predict(asked), None
        if model is not None and judge.stopped_ is None:
            by_heart = _memorized(model, rows if real is None else real, schema)
        return labels, judge.stopped_ if by_heart is None else by_heart.stopped, by_heart

    if llm.only_estimates(work):
        return
    labels, stopped, by_heart = work(llm)
    whole = _with_labels(rows, labels, target)
    if draw:
        drawn = labels.draw(np.random.default_rng(seed)).tolist()
        whole = whole.with_columns(pl.Series(f"{target}=drawn", drawn, strict=False))
    llm.close(finished=stopped is None, rows_kept=whole.height)
    whole = for_spreadsheets(whole, out, spreadsheet_safe, quiet)
    filled = pl.repeat(draw, whole.height, eager=True)
    facts = {
        "weight of the model": round(labels.weight, 3),
        "models": dict(llm.models) or None,
        "memorized": None if by_heart is None else by_heart.as_facts(),
    }
    n_real = 0 if real is None else real.height
    made_of = origin("label", n_real, seed, facts, table)
    write_filled(whole, filled, out, made_of, dialect)
    say(_summary(labels, whole.height, target), quiet)
    if by_heart is not None:
        say(by_heart.warning or "no sign that the model knows this table by heart", quiet)
    say(f"{whole.height:,} rows in {out}, manifest in {manifest_path(out)}", quiet)
    if stopped is not None:
        raise stopped


def _schema(
    rows: pl.DataFrame, real: pl.DataFrame | None, target: str, classes: str | None,
    schema_file: Path | None,
) -> Schema:  # fmt: skip
    from tablewright.schema import suggest
    from tablewright.tables.inference.infer import infer_schema
    from tablewright.tables.io.sdv_metadata import read_schema_file

    if real is not None and target not in real.columns:
        raise InputError(f"--train has no column {target!r}{suggest(target, real.columns)}")
    overrides = {} if schema_file is None else dict(read_schema_file(schema_file).columns)
    if classes is not None:
        known = [name.strip() for name in classes.split(",") if name.strip()]
        overrides = {**overrides, target: {"kind": "categorical", "categories": known}}
    if real is None:
        if target not in overrides:
            raise InputError(
                f"without --train nobody knows the classes of {target!r}; name them: --classes A,B"
            )
        import polars as pl

        known = list(overrides[target].get("categories") or ["", ""])
        labels = pl.Series(target, [known[i % len(known)] for i in range(rows.height)])
        real = rows.drop(target, strict=False).with_columns(labels)
    return infer_schema(real, overrides, target)


def _memorized(model: LLM, table: pl.DataFrame, schema: Schema) -> Memorized | None:
    """Ask whether the model knows the table by heart; None where nothing can be asked."""
    from tablewright.llm.prompts.memorized import probe

    there = [column for column in schema.each() if column.name in table.columns]
    columns = schema.model_copy(update={"columns": there, "target": None})
    try:
        return probe(model, table, columns, n_questions=_QUESTIONS)
    except (InputError, ReplayError):  # too few rows; a run of a time when nobody asked
        return None


def _features(rows: pl.DataFrame, features: Schema) -> pl.DataFrame:
    from tablewright.schema import suggest

    for name in features.names:
        if name not in rows.columns:
            raise InputError(
                f"the table lacks the column {name!r} of the training rows"
                f"{suggest(name, rows.columns)}"
            )
    return rows.select(features.names)


def _with_labels(rows: pl.DataFrame, labels: Labels, target: str) -> pl.DataFrame:
    import polars as pl

    names = [f"{target}={name}" for name in labels.classes]
    values = labels.probabilities.round(6)
    columns = [pl.Series(name, values[:, j]) for j, name in enumerate(names)]
    if labels.scores is not None and len(labels.values):
        columns.insert(0, pl.Series(f"{target}=expected", labels.expected()))
    return rows.with_columns(columns)


def _summary(labels: Labels, n_rows: int, target: str) -> str:
    means = labels.probabilities.mean(axis=0)
    shares = ", ".join(
        f"{name} {100 * mean:.0f} %" for name, mean in zip(labels.classes, means, strict=True)
    )
    unanswered = f"; no answer for {labels.unanswered:,} rows" if labels.unanswered else ""
    return f"{target}: {shares}; weight of the model {labels.weight:.2f}{unanswered}"
