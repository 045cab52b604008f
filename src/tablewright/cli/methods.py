"""``tablewright methods``: what can make rows here."""

from __future__ import annotations

import click

from tablewright.errors import MissingExtraError

__all__ = ["methods"]

GROUPS = ("generators", "systems")


@click.command()
def methods() -> None:
    """List what can make rows: the names that --method takes."""
    from tablewright.registry import names

    click.echo("auto: trees; the copula where rows are few against columns and nearly all columns")
    click.echo("    are numbers, or the blend under 200 rows, if its rows are harder to tell from")
    click.echo("    real ones; the blend under 60 rows")
    for group in GROUPS:
        if group == "systems" and names(group):
            click.echo("systems, which take a language model (--model) and do without:")
        for name in names(group):
            click.echo(f"{name}: {_line(group, name)}")


def _line(group: str, name: str) -> str:
    """First line of what a method says of itself, or why it cannot be used here."""
    import inspect

    from tablewright.registry import resolve

    try:
        found = resolve(group, name)
    except (MissingExtraError, ImportError) as error:
        return f"cannot be used here: {error}"
    return (inspect.getdoc(found) or "no description").splitlines()[0]
