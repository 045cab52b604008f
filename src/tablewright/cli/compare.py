"""``tablewright compare``: which method helps this table, with nothing among them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli import options
from tablewright.cli.model_options import ModelOptions, model_options
from tablewright.cli.output import make_own_folder
from tablewright.cli.progress import progress, say
from tablewright.progress import steps

if TYPE_CHECKING:
    from tablewright.evaluation.compare import Comparison
    from tablewright.evaluation.compare.compare import Progress
    from tablewright.progress import Advance


TRIALS = Path("tablewright-runs") / "compare"


def _numbers(context: click.Context, option: click.Parameter, text: str | None) -> tuple[int, ...]:
    """Read numbers of rows, separated by commas."""
    parts = [part.strip() for part in (text or "").split(",") if part.strip()]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise click.BadParameter(f"sizes are numbers of rows such as 50,100,200, not {text!r}")
    return tuple(int(part) for part in parts)


def _listed(context: click.Context, option: click.Parameter, text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


@click.command()
@click.argument("train", type=options.path)
@click.option("--target", required=True, metavar="COL", help="Column that a model is to predict.")
@click.option(
    "--methods",
    metavar="A,B,C",
    callback=_listed,
    help="Methods to compare, such as trees,copula,trees:fill,epic; by default trees, forest, "
    "boosted, blend, copula, bayes-net, independent, smotenc, and trees:fill and smotenc:fill "
    "where classes are unequal.",
)
@click.option("-n", "--rows", "n_samples", type=click.IntRange(min=1), help="Rows that each adds.")
@click.option("--groups", metavar="COL", help="Column of groups that stay on one side of a split.")
@click.option("--time", metavar="COL", help="Column of times: later rows are predicted.")
@click.option("--measure", metavar="NAME", help="What is compared, such as auroc.")
@click.option(
    "--sizes", metavar="N,N,...", callback=_numbers, help="Also with so many training rows."
)
@click.option("--folds", "n_splits", type=click.IntRange(min=3), default=5, show_default=True,
              help="Folds.")  # fmt: skip
@click.option("--repeats", "n_repeats", type=click.IntRange(min=1), default=2, show_default=True,
              help="Draws of folds.")  # fmt: skip
@options.schema
@options.drop
@options.encoding
@click.option("--jobs", "n_jobs", type=click.IntRange(min=1), default=1, show_default=True,
              help="Processes.")  # fmt: skip
@options.written(
    "--resume",
    help="File of finished trials: written, and read again. One in tablewright-runs/compare "
    "where none is named.",
)
@options.written("--json", "json_file", help="Write the leaderboard as JSON.")
@options.written("--html", "html_file", help="Write the contest and the winner's report as a page.")
@options.fixed_seed
@model_options
@options.quiet
def compare(
    train: Path,
    target: str,
    methods: list[str] | None,
    schema_file: Path | None,
    drop: tuple[str, ...],
    json_file: Path | None,
    html_file: Path | None,
    seed: int,
    llm: ModelOptions,
    quiet: bool,
    **settings: Any,
) -> None:
    """Find the method whose rows help a model of TRAIN most, if any does."""
    from tablewright.display import console
    from tablewright.evaluation.compare import compare as run
    from tablewright.tables.io.loading import load_as_said

    table = load_as_said(train, schema_file, target, drop)
    generators = [name.partition(":")[0] for name in methods or ()]

    def contest(models: ModelOptions, tell: Progress | None = None) -> Comparison:
        return run(
            table.frame,
            table.schema,
            methods=methods,
            random_state=seed,
            source=str(train),
            progress=tell,
            llm=models.of_methods(generators),
            models=str(sorted(models.models.items())) if models else "",
            options=lambda method: [
                *options.of_table(schema_file, drop),
                *models.arguments(method),
            ],
            dry_run=models.dry_run,
            **settings,
        )

    settings["resume"] = settings["resume"] or _trials_of(train)
    if llm.only_estimates(contest, _rows_of_winner(table, generators, seed, settings)):
        return
    with ExitStack() as stack:
        result = contest(llm, _teller(stack, settings["resume"], quiet))
    llm.close(finished=True)
    if json_file is not None:
        result.to_json(json_file)
    if html_file is not None:
        result.to_html(html_file)
    if not quiet:
        console().print(result, crop=False)


def _trials_of(train: Path) -> Path:
    """Return where the finished trials of a table are kept, so that a kill loses none."""
    return TRIALS / f"{train.stem}.jsonl"


def _teller(stack: ExitStack, kept: Path, quiet: bool) -> Progress:
    """Return what is told of every trial: it shows a bar as soon as their number is known."""

    def begin(done: int, total: int) -> Advance:
        if kept.parent == TRIALS:
            make_own_folder(TRIALS)
        stood = f"{done:,} of {total:,} trials stood in" if done else "finished trials go to"
        say(f"{stood} {kept}; if this is stopped, the same command goes on there", quiet)
        return stack.enter_context(progress("comparing", total - done, "trials", quiet))

    return steps(begin)


def _rows_of_winner(
    table: Any, generators: list[str], seed: int, settings: dict[str, Any]
) -> dict[str, Callable[[ModelOptions], object]]:
    """Return for each system what it does once more if it wins: rows for the report."""
    from tablewright.evaluation.compare.splits import outer_split
    from tablewright.evaluation.compare.trial import method_writer
    from tablewright.registry import names

    groups, time = settings["groups"], settings["time"]
    inside = outer_split(table.frame, table.schema, seed, groups=groups, time=time).train
    columns = [column for column in table.schema.each() if column.name != groups]
    schema = table.schema.model_copy(update={"columns": columns})
    rows = table.frame[inside].select(schema.names)

    def work(name: str) -> Callable[[ModelOptions], object]:
        n_rows = settings["n_samples"] or rows.height
        return lambda models: method_writer(name, models.of_methods([name]))(
            rows, schema, n_rows, seed
        )

    systems = [name for name in dict.fromkeys(generators) if name in names("systems")]
    return {f"if {name} wins, its rows for the report": work(name) for name in systems}
