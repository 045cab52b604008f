"""The command line: one group, whose commands are loaded when they are named."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from tablewright import __version__
from tablewright.cli.failures import run_guarded
from tablewright.cli.group import LazyGroup

__all__ = ["COMMANDS", "app", "main"]

COMMANDS = {
    "generate": "tablewright.cli.generate:generate",
    "fit": "tablewright.cli.fit:fit",
    "sample": "tablewright.cli.sample:sample",
    "impute": "tablewright.cli.impute:impute",
    "profile": "tablewright.cli.profile:profile",
    "trim": "tablewright.cli.trim:trim",
    "partition": "tablewright.cli.partition:partition",
    "select": "tablewright.cli.select:select",
    "pairs": "tablewright.cli.pairs:pairs",
    "evaluate": "tablewright.cli.evaluate:evaluate",
    "compare": "tablewright.cli.compare:compare",
    "rules": "tablewright.cli.rules:rules",
    "label": "tablewright.cli.label:label",
    "models": "tablewright.cli.models:models",
    "probe": "tablewright.cli.probe:probe",
    "runs": "tablewright.cli.runs:runs",
    "methods": "tablewright.cli.methods:methods",
    "studio": "tablewright.cli.studio:studio",
    "demo": "tablewright.cli.demo:demo",
}
"""Where each command is; their order is that of the help."""


@click.group(
    cls=LazyGroup,
    commands=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="tablewright", message="%(prog)s %(version)s")
def app() -> None:
    """Write synthetic rows for a table, and judge whether they help.

    Exit codes: 0 done; 1 a check that you asked for failed; 2 bad input or options;
    3 a cap on money, tokens, calls or minutes was reached; 70 a fault of tablewright itself;
    130 interrupted.
    """


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave with its exit code; what fails is told in one sentence.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        Those of the process where None.
    """
    given = None if arguments is None else list(arguments)
    sys.exit(run_guarded(lambda: app.main(given, prog_name="tablewright", standalone_mode=False)))
