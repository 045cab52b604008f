"""``tablewright evaluate``: whether synthetic rows help, are faithful, and are safe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli import options
from tablewright.cli.progress import say
from tablewright.errors import CheckFailedError

if TYPE_CHECKING:
    from tablewright.evaluation.evaluate import Report

_ERRANDS = ("harms", "no-evidence", "copies")


def _holdout(context: click.Context, option: click.Parameter, name: Path | None) -> Path:
    """Offer to set rows aside where none are named."""
    if name is None:
        raise click.UsageError(
            "--holdout names real rows that nobody learned from; where there are none, "
            "'tablewright generate TRAIN --report report.html' sets rows aside and judges",
            context,
        )
    return name


@click.command()
@options.file("--train", required=True, help="Real rows that were learned from.")
@options.file("--synthetic", required=True, help="Rows to judge.")
@click.option(
    "--holdout", type=options.path, callback=_holdout, help="Real rows that nobody learned from."
)
@options.target
@click.option("--groups", metavar="COL", help="Column of groups (patients) that belong together.")
@click.option("--time", metavar="COL", help="Column of times: is the holdout later?")
@options.file("--rules", "rules_file", help="Rules that rows have to keep.")
@click.option("--text-attribute", metavar="COL", help="Attribute of a text, such as a sentiment.")
@click.option("--measure", metavar="NAME", help="What the verdict is about, such as auroc.")
@click.option("--by", "subgroups", metavar="COL", help="Break the measure down by this column.")
@options.file("--more-real", help="More real rows: what they would have brought.")
@options.schema
@options.drop
@options.encoding
@click.option("--quick", is_flag=True, help="Fewer controls, wider intervals.")
@options.written("--json", "json_file", help="Write the report as JSON.")
@options.written("--html", "html_file", help="Write the report as a page.")
@click.option(
    "--fail-on",
    type=click.Choice(_ERRANDS),
    multiple=True,
    help="Leave with exit code 1: rows harm; do not show a gain; or show signs of copying.",
)
@options.fixed_seed
@options.quiet
def evaluate(
    train: Path,
    synthetic: Path,
    holdout: Path,
    target: str | None,
    rules_file: Path | None,
    schema_file: Path | None,
    drop: tuple[str, ...],
    more_real: Path | None,
    json_file: Path | None,
    html_file: Path | None,
    fail_on: tuple[str, ...],
    quick: bool,
    seed: int,
    quiet: bool,
    **settings: Any,
) -> None:
    """Judge synthetic rows: can they be used, are they faithful, are they safe."""
    from tablewright.api import evaluate as judge
    from tablewright.display import console
    from tablewright.rules import read_rules

    made = _origin(synthetic)
    left_out = drop or (made.get("options") or {}).get("drop")
    result = judge(
        train,
        synthetic,
        holdout,
        target,
        schema=schema_file,
        drop=left_out,
        rules=None if rules_file is None else read_rules(rules_file),
        effort="quick" if quick else "full",
        more_real=more_real,
        provenance=made,
        random_state=seed,
        **settings,
    )
    for write, name in ((result.to_json, json_file), (result.to_html, html_file)):
        if name is not None:
            write(name)
            say(f"report in {name}", quiet)
    if not quiet:
        console().print(result)
    _fail(result, fail_on)


def _origin(synthetic: Path) -> dict[str, Any]:
    """Read what the manifest beside the rows says of them."""
    from tablewright.tables.io.provenance import manifest_path, read_manifest

    if not manifest_path(synthetic).exists():
        return {"Made by": "not known: no manifest beside the rows"}
    manifest = read_manifest(manifest_path(synthetic))
    declared = manifest.origin.model_dump(exclude_none=True)
    return {"program": manifest.program, "version": manifest.version, **declared}


def _fail(report: Report, fail_on: tuple[str, ...]) -> None:
    word = report.verdict.word.value.replace(" ", "-")
    # Rows that harm do not show a gain either.
    failed = {"harms": ("harms", "no-evidence"), "no-evidence": ("no-evidence",)}.get(word, ())
    for name in failed:
        if name in fail_on:
            raise CheckFailedError(f"--fail-on {name}: {report.verdict.sentence}")
    copied = report.privacy_warnings
    if copied and "copies" in fail_on:
        raise CheckFailedError(f"--fail-on copies: {copied[0]}")
