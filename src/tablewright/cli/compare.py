"""``tablewright compare``: which method helps this table, with nothing among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tablewright.cli.model_options import ModelOptions, model_options
from tablewright.cli.options import encoding_option, path, quiet_option, schema_option
from tablewright.cli.progress import progress, show

if TYPE_CHECKING:
    from tablewright.evaluation.compare import Comparison


def _numbers(context: click.Context, option: click.Parameter, text: str | None) -> tuple[int, ...]:
    """Read numbers of rows, separated by commas."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise click.BadParameter(f"sizes are numbers of rows such as 50,100,200, not {text!r}")
    return tuple(int(part) for part in parts)


def _kept_options(schema_file: Path | None, llm: ModelOptions) -> list[str]:
    """Options of this command that the one that is printed needs too."""
    options = [] if schema_file is None else ["--schema", str(schema_file)]
    for role, name in llm.models.items():
        options += ["--model", f"{role}={name}" if role else name]
    return [*options, *(["--base-url", llm.base_url] if llm.base_url else [])]


@click.command()
@click.argument("train", type=path)
@click.option("--target", required=True, metavar="COL", help="Column that a model is to predict.")
@click.option(
    "--methods",
    metavar="A,B,C",
    help="Methods to compare, such as trees,copula,trees:fill; by default all local ones.",
)
@click.option("-n", "--rows", "n_rows", type=click.IntRange(min=1), help="Rows that each adds.")
@click.option("--groups", metavar="COL", help="Column of groups that stay on one side of a split.")
@click.option("--time", metavar="COL", help="Column of times: later rows are predicted.")
@click.option("--measure", metavar="NAME", help="What is compared, such as auroc.")
@click.option(
    "--sizes", metavar="N,N,...", callback=_numbers, help="Also with so many training rows."
)
@click.option("--folds", type=click.IntRange(min=3), default=5, show_default=True, help="Folds.")
@click.option(
    "--repeats", type=click.IntRange(min=1), default=2, show_default=True, help="Draws of folds."
)
@schema_option
@encoding_option
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Processes.")
@click.option("--resume", type=path, help="File of finished trials: written, and read again.")
@click.option("--json", "json_file", type=path, help="Write the leaderboard as JSON.")
@click.option("--html", "html_file", type=path, help="Write the winner's report as a page.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Random seed.",
)
@model_options
@quiet_option
def compare(
    train: Path,
    target: str,
    methods: str | None,
    n_rows: int | None,
    groups: str | None,
    time: str | None,
    measure: str | None,
    sizes: tuple[int, ...],
    folds: int,
    repeats: int,
    schema_file: Path | None,
    jobs: int,
    resume: Path | None,
    json_file: Path | None,
    html_file: Path | None,
    seed: int,
    llm: ModelOptions,
    quiet: bool,
) -> None:
    """Find the method whose rows help a model of TRAIN most, if any does."""
    from tablewright.display import console
    from tablewright.evaluation.compare import compare as run
    from tablewright.tables.io.loading import load_as_said
    from tablewright.tables.io.writing import check_output

    for output in (json_file, html_file, resume):
        if output is not None:
            check_output(output)
    table = load_as_said(train, schema_file, target)
    chosen = None if methods is None else [m.strip() for m in methods.split(",") if m]

    def contest(models: ModelOptions, tell: Callable[[int, int], None] | None = None) -> Comparison:
        return run(
            table.frame,
            table.schema,
            methods=chosen,
            groups=groups,
            time=time,
            measure=measure,
            n_samples=n_rows,
            sizes=sizes,
            n_splits=folds,
            n_repeats=repeats,
            random_state=seed,
            n_jobs=jobs,
            resume=None if models.dry_run else resume,
            source=str(train),
            progress=tell,
            llm=models.of_methods([name.partition(":")[0] for name in chosen or ()]),
            models=str(sorted(models.models.items())) if models else "",
            options=_kept_options(schema_file, models),
        )

    if llm and llm.dry_run:
        show(llm.estimate(contest))
        return
    if llm:
        llm.announce(contest)
    with progress("comparing", None, "trials", quiet) as advance:
        reported = 0

        def tell(done: int, total: int) -> None:
            nonlocal reported
            advance(done - reported)
            reported = done

        result = contest(llm, tell)
    llm.close(finished=True)
    if json_file is not None:
        result.to_json(json_file)
    if html_file is not None and result.report is not None:
        result.report.to_html(html_file)
    if not quiet:
        console().print(result)
