"""``tablewright methods``: what can make rows here."""

from __future__ import annotations

import click

from tablewright.cli.progress import show
from tablewright.errors import MissingExtraError

GROUPS = ("generators", "systems")


@click.command()
def methods() -> None:
    """List what can make rows: the names that --method takes."""
    from tablewright.registry import names

    show("auto: trees; the blend under 200 rows; the copula where rows are few against columns")
    show("    and nearly all columns are numbers, if its rows are harder to tell from real ones")
    for group in GROUPS:
        if group == "systems" and names(group):
            show("systems, which take a language model (--model) and do without:")
        for name in names(group):
            show(f"{name}: {_line(group, name)}")


def _line(group: str, name: str) -> str:
    """First line of what a method says of itself, or why it cannot be used here."""
    import inspect

    from tablewright.registry import resolve

    try:
        result = resolve(group, name)
    except (MissingExtraError, ImportError) as error:
        return f"cannot be used here: {error}"
    return (inspect.getdoc(result) or "no description").splitlines()[0]
