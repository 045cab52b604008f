"""Fill the cells that a condition speaks of, so that a generator can complete the rest.

A `Proposal` draws candidates for those cells; candidates that do not comply are dropped.
`draw_condition` takes the first proposal that succeeds, and says which part of the
condition cannot be met if none does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tablewright.errors import ConditionError
from tablewright.generators.base import Bools, Condition, Given
from tablewright.generators.parts.marginals import Marginal, includes, learn
from tablewright.generators.parts.proposals import Proposal, blank, from_marginals, from_rows
from tablewright.tables.encoding.codec import Field, Floats, Matrix

_ROUNDS = 9
_PATIENCE = 2
_ENOUGH = 500
_AT_ONCE = 2**22


def condition_from_rows(
    matrix: Matrix,
    condition: Condition,
    n_rows: int,
    rng: np.random.Generator,
    *,
    given: Given | None = None,
    complete: bool = False,
    weights: Floats | None = None,
) -> Given:
    """Fill the cells of a condition from real rows that comply, smoothed where numeric.

    If no real row complies, values are drawn from the marginals, cut to what the
    condition allows.

    Parameters
    ----------
    matrix : Matrix
        Rows to draw from, as a rule those of the training table.
    condition : Condition
        What the rows have to meet.
    n_rows : int
        Rows wanted; every one is returned.
    rng : numpy Generator
        The only source of chance.
    given : Given or None
        Cells fixed beforehand. They are kept, and the rows drawn from are near them.
    complete : bool, default=False
        Whether drawn cells must not be missing.
    weights : ndarray of shape (n_matrix_rows,) or None
        How many rows each row of the matrix stands for.

    Returns
    -------
    Given
        What was given and, as known cells, the columns of the condition.

    Raises
    ------
    ConditionError
        If no row can meet the condition, or given cells contradict it.
    """
    marginals = {j: learn(matrix.values[:, j], matrix.fields[j]) for j in condition.columns}
    proposals = [
        from_rows(matrix, condition, complete=complete, weights=weights),
        from_marginals(marginals, condition, complete=complete),
    ]
    return draw_condition(condition, n_rows, rng, proposals, marginals, matrix.fields, given)


def draw_condition(
    condition: Condition,
    n_rows: int,
    rng: np.random.Generator,
    proposals: Sequence[Proposal | None],
    marginals: Mapping[int, Marginal],
    fields: Sequence[Field],
    given: Given | None = None,
) -> Given:
    """Fill the cells of a condition from the first proposal that can.

    Parameters
    ----------
    condition, n_rows, rng, given
        As for `condition_from_rows`.
    proposals : sequence of Proposal or None
        In order of preference; None stands for one that cannot help here.
    marginals : mapping of int to Marginal
        Of the columns of the condition, to explain a failure.
    fields : sequence of Field
        Of the whole matrix.

    Raises
    ------
    ConditionError
        If no row can meet the condition, or given cells contradict it.
    """
    start = blank(n_rows, len(fields)) if given is None else given
    check_given(condition, start, fields)
    columns = list(condition.columns)
    values = start.values.copy()
    todo: Bools = np.logical_not(start.known[:, columns].all(axis=1))
    for propose in proposals:
        if propose is not None and todo.any():
            rows = Given(start.values[todo], start.known[todo])
            fill = _fill_each if start.known.any() else _fill_alike
            result, done = fill(propose, condition, rows, rng, fields)
            at = np.flatnonzero(todo)[done]
            values[at], todo[at] = result[done], False
    if todo.any():
        index = "" if given is None else f"row {int(todo.argmax())}: with the values given, "
        raise ConditionError(index + _explain(condition, marginals, fields))
    known = start.known.copy()
    known[:, columns] = True
    return Given(np.where(known, values, np.nan), known)


def _fill_alike(
    propose: Proposal,
    condition: Condition,
    rows: Given,
    rng: np.random.Generator,
    fields: Sequence[Field],
) -> tuple[Floats, Bools]:
    """Fill rows of which nothing is known: candidates serve any row.

    Where few candidates comply, they are the donors of smoothed copies.
    """
    n_rows, maximum = len(rows.values), max(_AT_ONCE // len(fields), 1)
    pool, result, size = [], 0, max(n_rows, 64)
    for attempt in range(_ROUNDS):
        candidates = propose(blank(size, len(fields)), rng)
        pool.append(candidates[condition.holds(candidates)])
        result += len(pool[-1])
        if result >= n_rows or (attempt >= _PATIENCE and result >= _ENOUGH):
            break
        size = max(min(4 * size, maximum), n_rows)
    complying = np.concatenate(pool)
    if result < n_rows:
        again = from_rows(Matrix(complying, tuple(fields)), condition)
        if again is None:
            return rows.values, np.zeros(n_rows, dtype=bool)
        complying = again(rows, rng)
    return complying[:n_rows], np.ones(n_rows, dtype=bool)


def _fill_each(
    propose: Proposal,
    condition: Condition,
    rows: Given,
    rng: np.random.Generator,
    fields: Sequence[Field],
) -> tuple[Floats, Bools]:
    """Fill rows that have given cells, each from candidates of its own."""
    values, done = rows.values.copy(), np.zeros(len(rows.values), dtype=bool)
    for attempt in range(_ROUNDS - 2):
        tries = 4**attempt
        todo = np.flatnonzero(~done)
        size = max(1, _AT_ONCE // (tries * len(fields)))
        for start in range(0, len(todo), size):
            part = todo[start : start + size]
            at = np.repeat(part, tries)
            candidates = propose(Given(rows.values[at], rows.known[at]), rng)
            holds = condition.holds(candidates).reshape(-1, tries)
            first = np.arange(len(part)) * tries + holds.argmax(axis=1)
            good = holds.any(axis=1)
            values[part[good]] = candidates[first[good]]
            done[part[good]] = True
    return values, done


def check_given(condition: Condition, given: Given, fields: Sequence[Field]) -> None:
    """Refuse given cells that contradict a part of the condition.

    Raises
    ------
    ConditionError
        Names the row, the columns and the part.
    """
    for part in condition.parts:
        columns = list(part.columns)
        known = given.known[:, columns]
        bad = np.zeros(len(known), dtype=bool)
        whole = np.flatnonzero(known.all(axis=1))
        bad[whole] = ~part.holds(given.values[whole])
        for index, j in enumerate(columns):
            rows = np.flatnonzero(known[:, index])
            bad[rows] |= ~includes(part.allowed(j), given.values[rows, j])
        if bad.any():
            names = ", ".join(repr(fields[j].name) for j in columns)
            raise ConditionError(
                f"row {int(bad.argmax())}: the value given for {names} contradicts {part}; "
                "change the value or leave the cell open"
            )


def _explain(
    condition: Condition, marginals: Mapping[int, Marginal], fields: Sequence[Field]
) -> str:
    """Say which part of a condition no row can meet."""
    for part in condition.parts:
        for j in part.columns:
            if from_marginals({j: marginals[j]}, part, [j]) is None:
                return (
                    f"no row can meet {part}: no value of {fields[j].name!r} that was "
                    "learned, nor any between them, is allowed"
                )
    probe, rng = blank(4096, len(fields)), np.random.default_rng(0)
    for part in condition.parts:
        propose = from_marginals(marginals, part)
        if propose is None or not part.holds(propose(probe, rng)).any():
            return f"no row was found that meets {part}"
    return f"no row was found that meets all parts of it together: {condition}"
