"""``tablewright rules``: find rules in a table, and check a table against rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

__all__ = ["rules"]

_TABLE = click.Path(path_type=Path)


@click.group()
def rules() -> None:
    """Find rules that a table keeps, and check tables against rules."""


@rules.command()
@click.argument("train", type=_TABLE)
@click.option("--out", required=True, type=_TABLE, help="Rules file to write (.yaml or .json).")
@click.option("--schema", "schema_file", type=_TABLE, help="schema.yaml that settles kinds.")
@click.option("--confidence", default=0.97, show_default=True, type=click.FloatRange(0.5, 1.0),
              help="Least share of held-out rows that keep a rule.")  # fmt: skip
@click.option("--fdr", default=0.05, show_default=True, type=click.FloatRange(0.0, 1.0),
              help="Expected share of rules between unrelated columns.")  # fmt: skip
@click.option("--max-rules", default=200, show_default=True, type=click.IntRange(1),
              help="Rules kept, those with most evidence first.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, help="Seed of the split into two parts.")
@click.option("--quiet", is_flag=True, help="Print nothing.")
def mine(
    train: Path,
    out: Path,
    schema_file: Path | None,
    confidence: float,
    fdr: float,
    max_rules: int,
    seed: int,
    quiet: bool,
) -> None:
    """Find rules in TRAIN, test each on held-out rows, and write them to a file."""
    import numpy as np

    from tablewright.rules import to_json, to_yaml
    from tablewright.rules.mining import mine_rules
    from tablewright.tables.writing import check_output, write_text

    check_output(out)
    table = _load(train, schema_file)
    found = mine_rules(
        table.frame,
        table.schema,
        np.random.default_rng(seed),
        confidence=confidence,
        false_discovery_rate=fdr,
        max_rules=max_rules,
    )
    write_text(to_json(found) if out.suffix.lower() == ".json" else to_yaml(found), out)
    if not quiet:
        _print_rules(found)


@rules.command()
@click.argument("table", type=_TABLE)
@click.option("--rules", "rules_file", required=True, type=_TABLE, help="Rules file.")
@click.option("--train", type=_TABLE, help="Real rows that dependencies are learned from.")
@click.option("--schema", "schema_file", type=_TABLE, help="schema.yaml that settles kinds.")
@click.option("--json", "json_file", type=_TABLE, help="Write the report as JSON.")
@click.option("--fail-on", type=click.Choice(["any", "hard"]),
              help="Exit with 1 where any rule, or a hard one, does not pass.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="Print nothing.")
def check(
    table: Path,
    rules_file: Path,
    train: Path | None,
    schema_file: Path | None,
    json_file: Path | None,
    fail_on: str | None,
    quiet: bool,
) -> None:
    """Check every row of TABLE against every rule."""
    import json

    from tablewright.errors import CheckFailedError
    from tablewright.rules import check_rules, read_rules
    from tablewright.tables.writing import check_output, write_text

    if json_file is not None:
        check_output(json_file)
    loaded = _load(table, schema_file)
    schema = loaded.schema if schema_file is not None else _open_categories(loaded.schema)
    real = None if train is None else _load(train, schema_file).frame
    report = check_rules(loaded.frame, read_rules(rules_file), schema, real=real)
    if json_file is not None:
        write_text(json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n", json_file)
    if not quiet:
        _print_report(report)
    failed = [found.name for found in report.broken if fail_on == "any" or found.severity == "hard"]
    if fail_on is not None and failed:
        raise CheckFailedError(f"{len(failed)} rules do not pass: {', '.join(failed[:10])}")


def _load(path: Path, schema_file: Path | None) -> Any:
    from tablewright.tables.sdv_metadata import read_schema_file
    from tablewright.tables.table import load_table

    overrides, target = read_schema_file(schema_file) if schema_file else ({}, None)
    return load_table(path, overrides, target)


def _open_categories(schema: Any) -> Any:
    """Let rules name values that do not occur in the table; only an order needs its list."""
    from tablewright.schema import Kind

    for column in schema.each():
        if column.kind is not Kind.ORDINAL and column.categories is not None:
            schema = schema.replace(column.model_copy(update={"categories": None}))
    return schema


def _print_rules(found: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table("rule", "kind", "severity", "support", "broken", "held out", title="mined rules")
    for rule in found:
        shown.add_row(
            rule.described(),
            rule.kind,
            rule.severity.value,
            f"{rule.support:,}",
            f"{rule.violation_rate:.2%}",
            f"{rule.held_out:.2%}",
        )
    Console().print(shown if len(found) else "no rules were found")


def _print_report(report: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    shown = Table("rule", "severity", "says", "support", "broken", "rows", "", title="rules")
    for found in report.results:
        rows = ", ".join(map(str, found.rows)) + (", ..." if found.violations > 5 else "")
        shown.add_row(
            found.name,
            found.severity,
            found.text,
            f"{found.support:,}",
            f"{found.violations:,} ({found.rate:.2%})",
            rows,
            "ok" if found.ok else "broken",
        )
    Console().print(shown)
