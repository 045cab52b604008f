"""Write docs/cli.md from the help of the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from tablewright.cli import app

PAGE = Path(__file__).with_name("cli.md")
HEAD = """\
# Command line

<!-- Written by `make docs`; a test fails when it differs from the program. -->
"""


def reference() -> str:
    """Return the page: every command with its help, in the order of the program's own list."""
    context = click.Context(app, info_name="tablewright", **app.context_settings)
    return "\n".join([HEAD, *_sections(app, context)])


def _sections(command: click.Command, context: click.Context) -> Iterator[str]:
    context.terminal_width = context.max_content_width = 96
    level = "##" if context.parent is None else "###"
    yield f"{level} `{context.command_path}`\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from _sections(child, click.Context(child, info_name=name, parent=context))


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
