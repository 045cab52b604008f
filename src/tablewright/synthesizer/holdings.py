"""What a model file holds of the real table, and whether it may be shared."""

from __future__ import annotations

from tablewright.errors import InputError
from tablewright.schema import Kind
from tablewright.tables.encoding.layout import Layout


def holdings(layout: Layout, method: str, n_rows: int) -> list[str]:
    """Say in one sentence each what of a table is kept; `n_rows` real rows at most."""
    if n_rows:
        held = [f"real rows, from which {method} draws (up to {n_rows:,})"]
    else:
        held = [f"no real row: {method} needs none"]
    listed = [c.name for c in layout.codec.columns if not c.kind.is_numeric]
    ranged = [c.name for c in layout.codec.columns if c.kind.is_numeric]
    if listed:
        held.append(f"all values that occur in {', '.join(listed)}")
    if ranged:
        held.append(f"the distribution, with single values, of {', '.join(ranged)}")
    if kept := _real_identifiers(layout):
        held.append(f"the real identifiers of {', '.join(kept)}, to leave them out")
    return held


def check_shareable(layout: Layout, method: str, keeps_rows: bool) -> None:
    """Refuse a model whose file would hold real rows, identifiers or free texts."""
    if keeps_rows:
        raise InputError(
            f"{method} keeps real rows in its model, so it cannot be shareable; take "
            "'copula' or 'independent'"
        )
    texts = [column.name for column in layout.schema.each() if column.kind is Kind.TEXT]
    if kept := [*_real_identifiers(layout), *texts]:
        raise InputError(
            f"the model would hold real values of {', '.join(kept)}, so it cannot "
            "be shareable; leave these columns out"
        )


def _real_identifiers(layout: Layout) -> list[str]:
    return [name for name, maker in layout.identifiers.items() if maker.holds_real]
