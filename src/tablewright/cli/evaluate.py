"""``tablewright evaluate``: whether synthetic rows help, are faithful, and are safe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli.options import (
    encoding_option,
    path,
    quiet_option,
    schema_option,
    target_option,
)
from tablewright.cli.progress import say
from tablewright.errors import CheckFailedError

if TYPE_CHECKING:
    from tablewright.evaluation.evaluate import Report

_ERRANDS = ("harms", "no-evidence", "copies")


@click.command()
@click.option("--train", required=True, type=path, help="Real rows that were learned from.")
@click.option("--synthetic", required=True, type=path, help="Rows to judge.")
@click.option("--holdout", required=True, type=path, help="Real rows that nobody learned from.")
@target_option
@click.option("--groups", metavar="COL", help="Column of groups (patients) that belong together.")
@click.option("--time", metavar="COL", help="Column of times: is the holdout later?")
@click.option("--rules", "rules_file", type=path, help="Rules that rows have to keep.")
@click.option("--text-attribute", metavar="COL", help="Attribute of a text, such as a sentiment.")
@click.option("--measure", metavar="NAME", help="What the verdict is about, such as auroc.")
@click.option("--by", "subgroups", metavar="COL", help="Break the measure down by this column.")
@click.option("--more-real", type=path, help="More real rows: what they would have brought.")
@schema_option
@encoding_option
@click.option("--quick", is_flag=True, help="Fewer controls, wider intervals.")
@click.option("--json", "json_file", type=path, help="Write the report as JSON.")
@click.option("--html", "html_file", type=path, help="Write the report as a page.")
@click.option(
    "--fail-on",
    type=click.Choice(_ERRANDS),
    multiple=True,
    help="Leave with exit code 1: rows harm; do not show a gain; or show signs of copying.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed.")
@quiet_option
def evaluate(
    train: Path,
    synthetic: Path,
    holdout: Path,
    target: str | None,
    rules_file: Path | None,
    schema_file: Path | None,
    more_real: Path | None,
    json_file: Path | None,
    html_file: Path | None,
    fail_on: tuple[str, ...],
    quick: bool,
    seed: int,
    quiet: bool,
    **options: Any,
) -> None:
    """Judge synthetic rows: can they be used, are they faithful, are they safe."""
    from tablewright.api import evaluate as judge
    from tablewright.display import console
    from tablewright.rules import read_rules
    from tablewright.tables.io.writing import check_output

    for output in (json_file, html_file):
        if output is not None:
            check_output(output)
    result = judge(
        train,
        synthetic,
        holdout,
        target,
        schema=schema_file,
        rules=None if rules_file is None else read_rules(rules_file),
        effort="quick" if quick else "full",
        more_real=more_real,
        provenance=_origin(synthetic),
        random_state=seed,
        **options,
    )
    if json_file is not None:
        result.to_json(json_file)
        say(f"report in {json_file}", quiet)
    if html_file is not None:
        result.to_html(html_file)
        say(f"report in {html_file}", quiet)
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
    names = {score.name for score in report.sections.get("privacy", ())}
    copied = [finding.sentence for finding in report.findings if finding.score in names]
    if copied and "copies" in fail_on:
        raise CheckFailedError(f"--fail-on copies: {copied[0]}")
