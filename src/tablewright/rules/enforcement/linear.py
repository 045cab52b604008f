"""Linear rules on written values: numbers are moved the least that is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from scipy.optimize import LinearConstraint, milp

from tablewright.rules.bound import RowRule
from tablewright.rules.enforcement.computing import step_of
from tablewright.rules.expressions.conflicts import Bound, linear_bounds
from tablewright.rules.expressions.domains import pushed
from tablewright.rules.expressions.tree import And
from tablewright.schema import Kind, Schema

MARGINS = (1e-9, 1e-5)
"""How far inside a bound to stay: the solver's own tolerance may need the second."""


def bounds_of(rule: RowRule) -> list[Bound] | None:
    """Return the linear bounds that a rule consists of, or None where it is more than that."""
    pending, result = [pushed(rule.tree, False)], list[Bound]()
    while pending:
        node = pending.pop()
        if isinstance(node, And):
            pending.extend(node.parts)
            continue
        bounds = linear_bounds(node, rule.schema)
        if not bounds:
            return None
        result += bounds
    return result


def project(
    frame: pl.DataFrame,
    rules: Sequence[RowRule],
    free: Sequence[str],
    schema: Schema,
    scales: Mapping[str, float],
) -> pl.DataFrame:
    """Return rows whose free numbers are moved so that the linear ones of the rules hold.

    For each row the sum of movements, each in units of its column's scale, is least, by a mixed
    integer program on the grid that values are written on. Rows for which there is no solution
    stay as they are.

    Parameters
    ----------
    frame : polars DataFrame
        Rows that break some of the rules.
    rules : sequence of RowRule
        All rules that have to hold; those that are not linear are left alone.
    free : sequence of str
        Columns that may move.
    schema : Schema
        The columns.
    scales : mapping of str to float
        Spread of each free column.
    """
    bounds = [bound for rule in rules for bound in bounds_of(rule) or []]
    movable = [name for name in free if name in scales and _touched(name, bounds)]
    if not movable:
        return frame
    columns = {name: frame[name].to_physical().to_list() for name in movable}
    for row, cells in enumerate(frame.iter_rows(named=True)):
        moved = _moved_row(_physical(cells), bounds, movable, schema, scales)
        for name, value in (moved or {}).items():
            columns[name][row] = value
    return frame.with_columns(
        pl.Series(name, cells, dtype=frame[name].to_physical().dtype).cast(frame.schema[name])
        for name, cells in columns.items()
    )


def _touched(name: str, bounds: Sequence[Bound]) -> bool:
    return any(name in bound.weights for bound in bounds)


def _physical(cells: Mapping[str, Any]) -> dict[str, float | None]:
    series = (pl.Series(name, [cell]) for name, cell in cells.items())
    plain = {
        s.name: s.to_physical() for s in series if s.dtype.is_numeric() or s.dtype.is_temporal()
    }
    return {name: None if s[0] is None else float(s[0]) for name, s in plain.items()}


def _moved_row(
    cells: Mapping[str, float | None],
    bounds: Sequence[Bound],
    movable: Sequence[str],
    schema: Schema,
    scales: Mapping[str, float],
) -> dict[str, Any] | None:
    """Return new values for a row's movable columns, or None where there are none."""
    names = [name for name in movable if cells.get(name) is not None]
    active = [b for b in bounds if all(cells.get(name) is not None for name in b.weights)]
    if not names or not active:
        return None
    steps = [step_of(schema[name]) for name in names]
    for margin in MARGINS:
        moves = _least_moves(cells, active, names, steps, scales, margin)
        if moves is None:
            continue
        result = {
            name: _written(float(cells[name] or 0.0) + (step or 1.0) * move, step, schema, name)
            for name, step, move in zip(names, steps, moves, strict=True)
        }
        if all(_meets(bound, {**cells, **result}) for bound in active):
            return result
    return None


def _least_moves(
    cells: Mapping[str, float | None],
    bounds: Sequence[Bound],
    names: Sequence[str],
    steps: Sequence[float],
    scales: Mapping[str, float],
    margin: float,
) -> list[float] | None:
    """Return by how many steps (or how much, without a step) each column moves."""
    units = np.array([step or 1.0 for step in steps])
    rows, limits = [], []
    for bound in bounds:
        scaled = units * [bound.weights.get(name, 0.0) for name in names]
        total = sum(w * float(cells[name] or 0.0) for name, w in bound.weights.items())
        size = max(1.0, abs(bound.limit), *map(abs, bound.weights.values()))
        inside = _strict_margin(bound, names, steps, size) if bound.strict else margin * size
        # Each move is up - down, both not negative.
        rows.append([*scaled, *(-scaled)])
        limits.append(bound.limit - inside - total)
    cost = units / [scales[name] for name in names]
    result = milp(
        c=[*cost, *cost],
        constraints=LinearConstraint(np.array(rows), ub=np.array(limits)),
        integrality=[float(step > 0) for step in steps] * 2,
        options={"time_limit": 2.0},
    )
    if result.x is None:
        return None
    moves = result.x[: len(names)] - result.x[len(names) :]
    return [round(m) if step else float(m) for m, step in zip(moves, steps, strict=True)]


def _meets(bound: Bound, cells: Mapping[str, float | None]) -> bool:
    total = sum(w * float(cells[name] or 0.0) for name, w in bound.weights.items())
    return total < bound.limit if bound.strict else total <= bound.limit


def _strict_margin(
    bound: Bound, names: Sequence[str], steps: Sequence[float], size: float
) -> float:
    """Return how far inside a strict bound to stay: half a step where there is one."""
    grid = [
        abs(bound.weights[name]) * step
        for name, step in zip(names, steps, strict=True)
        if name in bound.weights and step > 0
    ]
    return min(grid) * 0.5 if grid else 1e-6 * size


def _written(value: float, step: float, schema: Schema, name: str) -> Any:
    column = schema[name]
    if column.kind is Kind.CONTINUOUS:
        return value if column.decimals is None else round(value, column.decimals)
    return round(value)
