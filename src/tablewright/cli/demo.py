"""``tablewright demo``: the whole path on a real table, in under a minute."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tablewright.cli import options
from tablewright.cli.output import (
    check_rows_output,
    make_own_folder,
    origin_of,
    write_with_progress,
)
from tablewright.cli.progress import say, show
from tablewright.cli.request import Request

if TYPE_CHECKING:
    import polars as pl

TARGET = "diagnosis"
METHOD = "copula"
"""Thirty measurements and few rows are the case that its page of the documentation names."""
FOLDER = Path("tablewright-demo")
N_ROWS = 400
LEARNED = {"benign": 120, "malignant": 6}
"""Rows of each class to learn from: a clinic that has seen few of the cases it looks for."""


@click.command()
@click.option(
    "--out",
    type=options.path,
    default=FOLDER / "rows.csv",
    show_default=True,
    help="File to write the rows to.",
)
@options.fixed_seed
@options.quiet
def demo(out: Path, seed: int, quiet: bool) -> None:
    """Run the whole path on a real table and print the verdict.

    Of the 569 tumours of scikit-learn's breast cancer table, 120 benign and 6 malignant ones
    are learned; 400 rows with as many of either are written; and all other real rows, from
    which nothing was learned, tell whether a model gains by them.
    """
    from tablewright.api import evaluate
    from tablewright.synthesizer.synthesizer import Synthesizer

    if out.parent == FOLDER:
        make_own_folder(FOLDER)
    check_rows_output(out)
    learned, aside = _part(_rows(), seed)
    say(f"learning {_mix(learned)}; {_mix(aside)} are set aside", quiet)
    synthesizer = Synthesizer(METHOD, target=TARGET, random_state=seed).fit(learned)
    request = Request(N_ROWS, balance="equal")
    pieces = request.batches(synthesizer, seed)
    origin = origin_of(synthesizer, seed, request.options())
    schema = synthesizer.schema_
    write_with_progress(pieces, schema, N_ROWS, out, origin, real=learned, quiet=quiet)
    say("judging them on the rows that were set aside", quiet)
    report = evaluate(learned, out, aside, schema=schema, effort="quick", random_state=seed)
    report.to_html(out.with_name(f"{out.stem}-report.html"))
    if not quiet:
        show(report.summary())
    say(f"the same as a page: {out.with_name(f'{out.stem}-report.html')}", quiet)


def _rows() -> pl.DataFrame:
    """Load the table, with the classes by name."""
    import polars as pl
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    columns = dict(zip(data.feature_names.tolist(), data.data.T, strict=True))
    return pl.DataFrame({**columns, TARGET: data.target_names[data.target].astype(str)})


def _part(rows: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Part the rows to learn from the others, at random within each class."""
    import polars as pl

    index = pl.int_range(pl.len()).shuffle(seed).over(TARGET)
    learned = rows.select(index < pl.col(TARGET).replace_strict(LEARNED)).to_series()
    return rows.filter(learned), rows.filter(~learned)


def _mix(rows: pl.DataFrame) -> str:
    counts = rows[TARGET].value_counts().sort(TARGET).rows()
    return " and ".join(f"{n} {name}" for name, n in counts)
