"""A group of commands that imports a command only when it is named."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from tablewright.display import public_arguments

COMMAND_LINE = "tablewright.command_line"
"""Where a context keeps the command line as it was given."""


class LazyGroup(click.Group):
    """A group whose commands are named by module and attribute.

    Parameters
    ----------
    commands : mapping of str to str
        For each name ``"module:attribute"``, in the order of the help.
    **settings
        As for `click.Group`.
    """

    def __init__(self, commands: Mapping[str, str], **settings: Any) -> None:
        super().__init__(**settings)
        self.modules = dict(commands)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options of the group; keep the command line for manifests."""
        ctx.meta[COMMAND_LINE] = shlex.join(["tablewright", *public_arguments(args)])
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the help."""
        return list(self.modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or None where there is none of that name."""
        if cmd_name not in self.modules:
            return None
        module, _, attribute = self.modules[cmd_name].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is told with its nearest neighbour."""
        name = args[0]
        if name not in self.modules and not name.startswith("-") and not ctx.resilient_parsing:
            from tablewright.schema import suggest

            raise click.UsageError(
                f"there is no command {name!r}{suggest(name, self.modules)}", ctx
            )
        return super().resolve_command(ctx, args)
