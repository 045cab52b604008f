"""SMOTE-NC: new rows between neighbours of one class, for mixed and incomplete tables."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Bools, Condition, Given, State
from tablewright.generators.parts.conditioning import condition_from_rows
from tablewright.generators.parts.local import LocalGenerator
from tablewright.generators.parts.marginals import learn
from tablewright.generators.parts.neighbours import Space
from tablewright.generators.parts.proposals import blank, patterns
from tablewright.generators.parts.rounding import find_spikes, is_spike, learn_grids
from tablewright.tables.encoding.codec import Field, Floats, Matrix

_CHUNK = 2**15


class SmoteNC(LocalGenerator):
    """Interpolates between a row and one of its nearest neighbours of the same class.

    Numbers lie on the line between the two rows. A code is the one that most neighbours
    have, and so is whether a number is missing. Without a discrete target all rows are
    one class.

    Parameters
    ----------
    k_neighbors : int, default=5
        Neighbours of a row.
    max_base : int, default=3000
        Rows per class that are kept to interpolate between, chosen at random.

    References
    ----------
    .. [1] Chawla et al., "SMOTE: Synthetic Minority Over-sampling Technique", JAIR 16,
       2002, section 6.1.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rows = np.column_stack([rng.normal(size=100), rng.integers(0, 2, 100)])
    >>> fields = (Field("x"), Field("y", levels=2, target=True))
    >>> SmoteNC().fit(Matrix(rows, fields), rng).sample(3, rng).shape
    (3, 2)
    """

    def __init__(self, *, k_neighbors: int = 5, max_base: int = 3000) -> None:
        self.k_neighbors = k_neighbors
        self.max_base = max_base

    def _fit(self, matrix: Matrix, rng: np.random.Generator) -> None:
        """Choose the base rows and find the neighbours of each."""
        classes = _classes(matrix)
        chosen, weights = [], []
        for rows in _split(classes):
            few = rows
            if len(rows) > self.max_base:
                few = np.sort(rng.choice(rows, self.max_base, replace=False))
            chosen.append(few)
            weights.append(np.full(len(few), len(rows) / len(few)))
        base = np.concatenate(chosen)
        self._set_base(matrix.take(base), classes[base], np.concatenate(weights))
        self.neighbours_ = self._find_neighbours()

    def _set_base(self, base: Matrix, classes: NDArray[np.intp], weights: Floats) -> None:
        self.base_, self.classes_, self.weights_ = base, classes, weights
        self._space = Space.learn(base)
        self._members = {int(classes[rows[0]]): rows for rows in _split(classes)}
        self._grids_of_base = learn_grids(base)
        self._is_spike = is_spike(base.values, find_spikes(base))

    def _find_neighbours(self) -> NDArray[np.intp]:
        """Positions in the base, shape (n_base, k_neighbors); -1 where a class has too few."""
        values, columns = self.base_.values, self._features
        result = np.full((len(values), self.k_neighbors), -1)
        for rows in self._members.values():
            # A class of one row has no line to lie on but that to rows of other classes.
            pool = rows if len(rows) > 1 else np.arange(len(values))
            k = min(self.k_neighbors, len(pool) - 1)
            if k and len(rows) > 1:
                near = self._space.nearest(values[rows], values[rows], k, columns, skip_self=True)
                result[rows, :k] = rows[near]
            elif k:
                others = np.delete(pool, rows)
                result[rows, :k] = others[
                    self._space.nearest(values[rows], values[others], k, columns)
                ]
            else:
                result[rows, 0] = rows
        return result

    @property
    def _features(self) -> NDArray[np.intp]:
        """Columns to compare rows by: all but a discrete target."""
        target = self.base_.target
        columns = np.arange(len(self.base_.fields))
        discrete = target is not None and self.base_.fields[target].discrete
        return columns[columns != target] if discrete and len(columns) > 1 else columns

    def _sample(
        self,
        n_rows: int,
        rng: np.random.Generator,
        given: Given | None,
        condition: Condition | None,
        complete: bool,
    ) -> Floats:
        """Draw rows from the model.

        Where cells other than the class are given, the row to start from is one of those
        nearest to them.

        Raises
        ------
        ConditionError
            If no row can meet the condition.
        """
        known = blank(n_rows, len(self.base_.fields)) if given is None else given
        if condition is not None:
            known = condition_from_rows(
                self.base_,
                condition,
                n_rows,
                rng,
                given=given,
                complete=complete,
                weights=self.weights_,
            )
        rows = np.empty((n_rows, len(self.base_.fields)))
        for start in range(0, n_rows, _CHUNK):
            part = slice(start, start + _CHUNK)
            seeds = self._seeds(Given(known.values[part], known.known[part]), rng)
            rows[part] = self._interpolate(seeds, rng, complete)
        return np.where(known.known, known.values, rows)

    @property
    def _training_rows(self) -> Floats:
        return self.base_.values

    def _seeds(self, given: Given, rng: np.random.Generator) -> NDArray[np.intp]:
        """Choose a base row for each row to be made."""
        seeds = np.empty(len(given.values), dtype=np.intp)
        features = self._features
        classes = _classes(Matrix(given.values, self.base_.fields))
        for rows, known in patterns(given.known):
            fixed = features[known[features]]
            target = self.base_.target
            if target is None or target in features or not known[target]:
                everything = np.arange(len(self.base_.values))
                seeds[rows] = self._choose(everything, given.values[rows], fixed, rng)
                continue
            for part in _split(classes[rows]):
                label = int(classes[rows[part[0]]])
                members = self._members.get(label, np.arange(len(self.base_.values)))
                seeds[rows[part]] = self._choose(members, given.values[rows[part]], fixed, rng)
        return seeds

    def _choose(
        self,
        members: NDArray[np.intp],
        values: Floats,
        fixed: NDArray[np.intp],
        rng: np.random.Generator,
    ) -> NDArray[np.intp]:
        """Choose among base rows by weight: all, or those nearest in the fixed columns."""
        weights = self.weights_[members]
        if not len(fixed):
            return rng.choice(members, len(values), p=weights / weights.sum())
        base = self.base_.values[members]
        chosen = self._space.choose_near(values, base, self.k_neighbors, fixed, weights, rng)
        return np.asarray(members[chosen])

    def _interpolate(
        self, seeds: NDArray[np.intp], rng: np.random.Generator, complete: bool
    ) -> Floats:
        """Make one row from each seed and its neighbours."""
        near = self.neighbours_[seeds]
        valid = near >= 0
        mate = near[np.arange(len(near)), rng.integers(0, valid.sum(axis=1))]
        gap = rng.random(len(seeds))
        rows = np.empty((len(seeds), len(self.base_.fields)))
        for j, field in enumerate(self.base_.fields):
            column = self.base_.values[:, j]
            if field.discrete and field.target:
                values = column[seeds]
            elif field.discrete:
                votes = valid & ~np.isnan(column[near]) if complete else valid
                values = _vote(column[near], votes, rng)
            else:
                spike = self._is_spike[seeds, j] | self._is_spike[mate, j]
                values = _between(column[seeds], column[mate], np.where(spike, gap.round(), gap))
                if np.isnan(column).any():
                    values = _with_gaps(values, column[near], valid, rng, complete)
                values = self._grids_of_base[j].round(values)
            if complete and np.isnan(values).any():
                dropped = np.flatnonzero(np.isnan(values))
                values[dropped] = learn(column, field).quantile(rng.random(len(dropped)))
            rows[:, j] = values
        return rows

    def _state(self) -> State:
        """Return all that `restore` needs; it holds the base rows themselves."""
        facts = {"k_neighbors": self.k_neighbors, "max_base": self.max_base}
        arrays = {
            "base": self.base_.values,
            "classes": self.classes_,
            "weights": self.weights_,
            "neighbours": self.neighbours_,
        }
        return State(facts, arrays)

    @classmethod
    def _restore(cls, fields: tuple[Field, ...], state: State) -> Self:
        """Make the fitted generator again."""
        self, arrays = cls(**state.facts), state.arrays
        base = Matrix(arrays["base"], tuple(fields))
        self._set_base(base, arrays["classes"], arrays["weights"])
        self.neighbours_ = arrays["neighbours"]
        return self


def _classes(matrix: Matrix) -> NDArray[np.intp]:
    """Class of each row: the code of a discrete target, one more for a missing one, else 0."""
    target = matrix.target
    if target is None or not matrix.fields[target].discrete:
        return np.zeros(len(matrix.values), dtype=np.intp)
    codes = matrix.values[:, target]
    return np.where(np.isnan(codes), matrix.fields[target].levels, codes).astype(np.intp)


def _split(classes: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    """Positions of the rows of each class that occurs."""
    order = np.argsort(classes, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(classes[order])) + 1)


def _between(start: Floats, end: Floats, gap: Floats) -> Floats:
    """Points on the line; where one end is missing, the other."""
    middle = start + gap * (end - start)
    return np.where(np.isnan(middle), np.where(np.isnan(start), end, start), middle)


def _vote(codes: Floats, valid: Bools, rng: np.random.Generator) -> Floats:
    """Code that most neighbours have, of shape (n_rows,); ties go to chance."""
    marks = np.nan_to_num(codes, nan=-1.0)
    votes = np.zeros(codes.shape)
    for k in range(codes.shape[1]):
        votes += (marks == marks[:, [k]]) & valid[:, [k]]
    votes = np.where(valid, votes + 0.5 * rng.random(votes.shape), -1.0)
    return np.asarray(codes[np.arange(len(codes)), votes.argmax(axis=1)])


def _with_gaps(
    values: Floats, near: Floats, valid: Bools, rng: np.random.Generator, complete: bool
) -> Floats:
    """Leave out numbers that most neighbours lack; fill in those that most have."""
    present = valid & ~np.isnan(near)
    total = np.where(present, near, 0.0).sum(axis=1)
    count = present.sum(axis=1)
    mean = np.divide(total, count, out=np.full(len(near), np.nan), where=count > 0)
    filled = np.where(np.isnan(values), mean, values)
    if complete:
        return filled
    dropped = _vote(np.where(present, 1.0, 0.0), valid, rng) == 0.0
    return np.where(dropped, np.nan, filled)
