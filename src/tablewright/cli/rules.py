"""``tablewright rules``: find rules in a table, have them written, check a table against them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tablewright.cli import options
from tablewright.cli.model_options import ModelOptions, model_options
from tablewright.cli.progress import say, show, show_table
from tablewright.display import shown
from tablewright.errors import CheckFailedError, InputError

if TYPE_CHECKING:
    from tablewright.rules import Rules
    from tablewright.systems.common.rule_writing.writer import WrittenRules

_out = options.written("--out", required=True, help="Rules file to write (.yaml or .json).")


@click.group()
def rules() -> None:
    """Find rules that a table keeps, have them written, and check tables against rules."""


@rules.command()
@click.argument("train", type=options.path)
@_out
@options.schema
@click.option("--confidence", default=0.97, show_default=True, type=click.FloatRange(0.5, 1.0),
              help="Least share of held-out rows that keep a rule.")  # fmt: skip
@click.option("--fdr", "false_discovery_rate", default=0.05, show_default=True,
              type=click.FloatRange(0.0, 1.0),
              help="Expected share of rules between unrelated columns.")  # fmt: skip
@click.option("--max-rules", default=200, show_default=True, type=click.IntRange(1),
              help="Rules kept, those with most evidence first.")  # fmt: skip
@options.fixed_seed
@options.quiet
def mine(
    train: Path, out: Path, schema_file: Path | None, seed: int, quiet: bool, **settings: Any
) -> None:
    """Find rules in TRAIN, test each on held-out rows, and write them to a file."""
    import numpy as np

    from tablewright.rules.mining import mine_rules
    from tablewright.tables.io.loading import load_as_said

    table = load_as_said(train, schema_file, None)
    mined = mine_rules(table.frame, table.schema, np.random.default_rng(seed), **settings)
    _write(mined, out)
    if quiet:
        return
    if not len(mined):
        show("no rules were found")
        return
    heads = ("rule", "kind", "severity", "support", "broken", "held out")
    rows = [
        (
            rule.described(),
            rule.kind,
            rule.severity.value,
            f"{rule.support:,}",
            f"{rule.violation_rate:.2%}",
            f"{rule.held_out:.2%}",
        )
        for rule in mined
    ]
    show_table("mined rules", heads, rows)


@rules.command()
@click.argument("train", type=options.path)
@_out
@options.target
@options.schema
@click.option("--samples", default=3, show_default=True, type=click.IntRange(1, 25),
              help="Replies asked for; rules that most of them imply are kept.")  # fmt: skip
@options.fixed_seed
@model_options
@options.quiet
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

    from tablewright.systems.common.rule_writing.writer import ModelRules
    from tablewright.tables.io.loading import load_as_said

    if not llm:
        raise InputError(
            "rules are written by a language model: say --model NAME; "
            "'tablewright rules mine' finds rules without one"
        )
    table = load_as_said(train, schema_file, target)

    def work(models: ModelOptions) -> WrittenRules:
        writer = ModelRules(models.connect("rules"), samples)
        return writer.write(table.frame, table.schema, np.random.default_rng(seed))

    if llm.only_estimates(work):
        return
    try:
        written = work(llm)
        _write(written.rules, out)
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
@click.argument("table", type=options.path)
@options.file("--rules", "rules_file", required=True, help="Rules file.")
@options.file("--train", help="Real rows that dependencies are learned from.")
@options.schema
@options.written("--json", "json_file", help="Write the report as JSON.")
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

    from tablewright.rules import check_rules, read_rules
    from tablewright.rules.check import open_categories
    from tablewright.tables.io.loading import load_as_said
    from tablewright.tables.io.writing import write_text

    loaded = load_as_said(table, schema_file, None)
    schema = loaded.schema if schema_file is not None else open_categories(loaded.schema)
    real = None if train is None else load_as_said(train, schema_file, None).frame
    report = check_rules(loaded.frame, read_rules(rules_file), schema, real=real)
    if json_file is not None:
        write_text(json.dumps(report.to_dict(), indent=2, ensure_ascii=False) + "\n", json_file)
    if not report.results:
        say(f"{rules_file} holds no rules: nothing was checked", quiet)
    elif not quiet:
        heads = ("rule", "severity", "says", "support", "broken", "rows", "")
        show_table("rules", heads, map(_checked, report.results))
    counted = {"any": ("hard", "soft"), "hard": ("hard",), "none": ()}[fail_on]
    failed = [result.name for result in report.broken if result.severity in counted]
    if failed:
        verdict = "1 rule does not pass" if len(failed) == 1 else f"{len(failed)} rules do not pass"
        raise CheckFailedError(f"{verdict}: {', '.join(failed[:10])}")


def _write(rules: Rules, out: Path) -> None:
    from tablewright.rules import to_json, to_yaml
    from tablewright.tables.io.writing import write_text

    write_text(to_json(rules) if out.suffix.lower() == ".json" else to_yaml(rules), out)


def _print_written(written: WrittenRules) -> None:
    heads = ("rule", "severity", "support", "broken", "votes", "why, or why not")
    rows = [
        (
            shown(proposal.rule.described(), 200),
            "-" if proposal.dropped else proposal.rule.severity.value,
            "-" if proposal.dropped else f"{proposal.rule.support:,}",
            "-" if proposal.dropped else f"{proposal.rule.violation_rate:.2%}",
            str(proposal.votes),
            f"dropped: {shown(proposal.dropped, 200)}" if proposal.dropped else proposal.rule.why,
        )
        for proposal in written.proposals
    ]
    if rows:
        show_table(f"rules of {written.n_samples} replies", heads, rows)
    else:
        show("no rule was proposed")
    for refused in written.refused:
        show(f"not a rule of this table: {refused.text}: {refused.reason}")
    usage = written.usage
    show(
        f"{len(written.rules)} rules kept; {usage.attempts} calls, {usage.tokens:,} tokens, "
        "whatever the number of rows made under them"
    )


def _checked(result: Any) -> tuple[str, ...]:
    more = ", ..." if result.violations > 5 else ""
    return (
        result.name,
        result.severity,
        result.text,
        f"{result.support:,}",
        f"{result.violations:,} ({result.rate:.2%})",
        ", ".join(map(str, result.rows)) + more,
        "ok" if result.ok else "broken",
    )
