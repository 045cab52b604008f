"""``tablewright rules``: find rules in a table, have them written, check a table against them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tablewright.cli.model_options import ModelOptions, model_options
from tablewright.cli.options import target_option
from tablewright.cli.progress import say, show

_TABLE = click.Path(path_type=Path)


@click.group()
def rules() -> None:
    """Find rules that a table keeps, have them written, and check tables against rules."""


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
    from tablewright.tables.io.writing import check_output, write_text

    check_output(out)
    table = _load(train, schema_file)
    result = mine_rules(
        table.frame,
        table.schema,
        np.random.default_rng(seed),
        confidence=confidence,
        false_discovery_rate=fdr,
        max_rules=max_rules,
    )
    write_text(to_json(result) if out.suffix.lower() == ".json" else to_yaml(result), out)
    if not quiet:
        _print_rules(result)


@rules.command()
@click.argument("train", type=_TABLE)
@click.option("--out", required=True, type=_TABLE, help="Rules file to write (.yaml or .json).")
@target_option
@click.option("--schema", "schema_file", type=_TABLE, help="schema.yaml that settles kinds.")
@click.option("--samples", default=3, show_default=True, type=click.IntRange(1, 25),
              help="Replies asked for; rules that most of them imply are kept.")  # fmt: skip
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0),
              help="Seed of the requests.")  # fmt: skip
@model_options
@click.option("--quiet", is_flag=True, help="Print nothing but errors and notes.")
def write(
    train: Path,
    out: Path,
    target: str | None,
    schema_file: Path | None,
    samples: int,
    seed: int,
    llm: ModelOptions,
    quiet: bool,
) -> None:
    """Have a language model write rules for TRAIN, and measure each on its rows.

    It is shown names and kinds of columns, and with --share summary or rows also frequent
    values, quantiles and associations; never a row. 'rules mine' finds rules without a model.
    """
    import numpy as np

    from tablewright.errors import InputError
    from tablewright.rules import to_json, to_yaml
    from tablewright.systems.common.rule_writing.writer import ModelRules, WrittenRules
    from tablewright.tables.io.writing import check_output, write_text

    if not llm:
        raise InputError(
            "rules are written by a language model: say --model NAME; "
            "'tablewright rules mine' finds rules without one"
        )
    check_output(out)
    table = _load(train, schema_file, target)

    def work(options: ModelOptions) -> WrittenRules:
        writer = ModelRules(options.connect("rules"), samples)
        return writer.write(table.frame, table.schema, np.random.default_rng(seed))

    if llm.dry_run:
        show(llm.estimate(work))
        return
    llm.announce(work)
    try:
        written = work(llm)
        result = written.rules
        write_text(to_json(result) if out.suffix.lower() == ".json" else to_yaml(result), out)
        llm.close(finished=True)
    finally:
        llm.close()
    if not quiet:
        _print_written(written)
    for note in written.notes:
        say(f"note: {note}")
    if written.stopped is not None:
        raise written.stopped


@rules.command()
@click.argument("table", type=_TABLE)
@click.option("--rules", "rules_file", required=True, type=_TABLE, help="Rules file.")
@click.option("--train", type=_TABLE, help="Real rows that dependencies are learned from.")
@click.option("--schema", "schema_file", type=_TABLE, help="schema.yaml that settles kinds.")
@click.option("--json", "json_file", type=_TABLE, help="Write the report as JSON.")
@click.option("--fail-on", type=click.Choice(["any", "hard", "none"]), default="hard",
              show_default=True, help="Which rules, where broken, end in exit code 1.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="Print nothing.")
def check(
    table: Path,
    rules_file: Path,
    train: Path | None,
    schema_file: Path | None,
    json_file: Path | None,
    fail_on: str,
    quiet: bool,
) -> None:
    """Check every row of TABLE against every rule; exit code 1 where a hard one is broken."""
    import json

    from tablewright.errors import CheckFailedError
    from tablewright.rules import check_rules, read_rules
    from tablewright.tables.io.writing import check_output, write_text

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
    counted = {"any": ("hard", "soft"), "hard": ("hard",), "none": ()}[fail_on]
    failed = [result.name for result in report.broken if result.severity in counted]
    if failed:
        raise CheckFailedError(f"{len(failed)} rules do not pass: {', '.join(failed[:10])}")


def _load(path: Path, schema_file: Path | None, target: str | None = None) -> Any:
    from tablewright.tables.io.loading import load_as_said

    return load_as_said(path, schema_file, target)


def _open_categories(schema: Any) -> Any:
    """Let rules name values that do not occur in the table; only an order needs its list."""
    from tablewright.schema import Kind

    for column in schema.each():
        if column.kind is not Kind.ORDINAL and column.categories is not None:
            schema = schema.replace(column.model_copy(update={"categories": None}))
    return schema


def _print_rules(found: Any) -> None:
    from rich.table import Table

    from tablewright.display import console

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
    console().print(shown if len(found) else "no rules were found")


def _print_written(written: Any) -> None:
    from rich.table import Table

    from tablewright.display import console, shown

    title = f"rules of {written.n_samples} replies"
    table = Table("rule", "severity", "support", "broken", "votes", "why, or why not", title=title)
    for result in written.proposals:
        rule = result.rule
        kept = not result.dropped
        table.add_row(
            shown(rule.described(), 200),
            rule.severity.value if kept else "-",
            f"{rule.support:,}" if kept else "-",
            f"{rule.violation_rate:.2%}" if kept else "-",
            str(result.votes),
            rule.why if kept else f"dropped: {shown(result.dropped, 200)}",
        )
    terminal = console()
    terminal.print(table if written.proposals else "no rule was proposed")
    for refused in written.refused:
        terminal.print(f"not a rule of this table: {refused.text}: {refused.reason}")
    bill = written.bill
    terminal.print(
        f"{len(written.rules)} rules kept; {bill.attempts} calls, {bill.tokens:,} tokens, "
        "whatever the number of rows made under them"
    )


def _print_report(report: Any) -> None:
    from rich.table import Table

    from tablewright.display import console

    shown = Table("rule", "severity", "says", "support", "broken", "rows", "", title="rules")
    for result in report.results:
        rows = ", ".join(map(str, result.rows)) + (", ..." if result.violations > 5 else "")
        shown.add_row(
            result.name,
            result.severity,
            result.text,
            f"{result.support:,}",
            f"{result.violations:,} ({result.rate:.2%})",
            rows,
            "ok" if result.ok else "broken",
        )
    console().print(shown)
