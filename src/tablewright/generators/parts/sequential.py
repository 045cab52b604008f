"""Column after column from real rows: what all generators that draw donors have in common.

Reiter, J. P. (2005), Using CART to generate partially synthetic public use microdata, section 2;
Nowok, Raab and Dibben (2016), synthpop, section 2. The order starts with the target, values
come from real rows of a leaf ("donors"), and continuous ones are spread between neighbouring
donors so that rare real values do not come back.

Conditions are met by restricting the donors: at every column only real rows that comply give
values, from the leaf or from the smallest part of the tree above it that holds enough of them.
What is fixed per row leads the order, with conditionals learned for that pattern when it is
first asked.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from tablewright.generators.base import Bools, Condition, Floats, Given, State
from tablewright.generators.parts.association import correlations, strongest
from tablewright.generators.parts.class_model import ClassModel
from tablewright.generators.parts.conditioning import condition_from_rows
from tablewright.generators.parts.disjunction import share_out
from tablewright.generators.parts.donors import Conditional, Donors, Questions
from tablewright.generators.parts.local import LocalGenerator
from tablewright.generators.parts.marginals import includes
from tablewright.generators.parts.rank_transform import RankTransform
from tablewright.generators.parts.rounding import RoundingGrid
from tablewright.generators.parts.row_conditions import all_hold
from tablewright.generators.parts.training_rows import TrainingRowIndex
from tablewright.progress import each
from tablewright.tables.encoding.codec import Field, Matrix

Ints = NDArray[np.intp]

MANY_LEVELS = 64
"""Codes up to which a model classifies; above, it predicts level profiles."""

_ROUNDS = 8  # draws of a whole row before the columns of a condition are drawn jointly
_CANDIDATES = 4  # rows drawn for one that is made for a class
_SWEEPS = 4  # passes over the open cells of the remaining patterns
_INERTIA = 1.0  # leaves that a parent's share of complying rows counts for


class Sequential(LocalGenerator):
    """Draws column after column, each from donors that a model of the columns before it names.

    A subclass learns that model for one column (`_grow`), reads it back (`_read`), and lists
    the names of its options. It may overwrite what is set as a class attribute here.
    """

    _options: ClassVar[tuple[str, ...]]
    _patterns: ClassVar[int] = 16
    """Patterns of fixed cells that get models of their own in one call."""
    _reach: ClassVar[int] = 0
    """See `RankTransform.smooth`."""

    _most: ClassVar[int | None] = None
    """Columns that a column is drawn from, at most; the target is always among them."""

    max_rows: int | None

    def _fit(self, matrix: Matrix, rng: np.random.Generator) -> None:
        """Learn one model per column."""
        if self.max_rows is not None and len(matrix.values) > self.max_rows:
            keep = np.sort(rng.choice(len(matrix.values), self.max_rows, replace=False))
            matrix = matrix.take(keep)
        self._learn(matrix, int(rng.integers(2**31)))
        columns = self.sequence(self.order_)
        for j, features in each(columns, "learning", len(self.order_), "columns"):
            self.conditional(j, features)

    def _learn(self, matrix: Matrix, seed: int) -> None:
        self.fields_, self.values_, self.seed_ = matrix.fields, matrix.values, seed
        self.leaf_ = self._least(len(self.values_))
        self.scale_ = [RankTransform(self.values_[:, j], f) for j, f in enumerate(self.fields_)]
        self.ranks_ = np.column_stack(
            [scale.ranks(self.values_[:, j]) for j, scale in enumerate(self.scale_)]
        )
        self.order_ = _order(self.ranks_, matrix)
        self.index_ = TrainingRowIndex.learn(self.values_)
        self._conditionals: dict[tuple[int, frozenset[int]], Conditional] = {}
        self._class_model: ClassModel | None = None
        self._correlations: Floats | None = None
        self._room = (self._patterns + 2) * len(self.fields_)

    @abstractmethod
    def _least(self, n_rows: int) -> int:
        """Fewest real rows that a value is drawn from."""

    @abstractmethod
    def _grow(self, j: int, features: frozenset[int]) -> Conditional:
        """Learn one column from some others."""

    @abstractmethod
    def _read(
        self, j: int, features: frozenset[int], arrays: Mapping[str, NDArray[Any]]
    ) -> Conditional:
        """Make what `_grow` gave again from its arrays."""

    def conditional(self, column: int, features: frozenset[int]) -> Conditional:
        """Return the model of a column given some others, learned when first asked for."""
        key = (column, features)
        model = self._conditionals.pop(key, None) or self._grow(column, features)
        self._conditionals[key] = model  # the one used last stands last
        if len(self._conditionals) > self._room:
            del self._conditionals[next(iter(self._conditionals))]
        return model

    def sequence(
        self, columns: Sequence[int], known: Sequence[int] = ()
    ) -> Iterator[tuple[int, frozenset[int]]]:
        """Give each column with what it is drawn from of those that are there when it is due."""
        before = np.zeros(len(self.fields_), dtype=np.bool_)
        before[list(known)] = True
        for j in columns:
            yield j, self._screened(j, before)
            before[j] = True

    def _screened(self, j: int, before: Bools) -> frozenset[int]:
        """Take the columns that tell most of one, where there are more than it may ask about."""
        candidates = np.flatnonzero(before)
        if self._most is None or len(candidates) <= self._most:
            return frozenset(candidates.tolist())
        if self._correlations is None:
            rng = np.random.default_rng(self.seed_)
            self._correlations = correlations(self.ranks_, self._levels, rng)
            targets = [k for k, f in enumerate(self.fields_) if f.target]
            self._correlations[:, targets] = np.inf
        return frozenset(strongest(self._correlations[j], candidates, self._most))

    @property
    def _levels(self) -> dict[int, int]:
        """Number of codes of each discrete column, missing included."""
        return {k: f.levels + 1 for k, f in enumerate(self.fields_) if f.discrete}

    def _questions(
        self,
        j: int,
        features: Iterable[int],
        rows: Ints | slice = slice(None),
        groups: Floats | None = None,
    ) -> Questions:
        """Lay out what trees of one column ask, and of which training rows."""
        ranks, classify = self.ranks_[rows], 0 < self.fields_[j].levels <= MANY_LEVELS
        response = ranks[:, j] if classify else self.scale_[j].response(ranks, j)
        asked = np.array(sorted(features), dtype=np.intp)
        return Questions.of(ranks, response, self._levels, asked, classify, groups)

    def _classes(self, features: Iterable[int]) -> Floats | None:
        """Return the classes of the rows, where a model may ask about a target of classes."""
        for j in features:
            if self.fields_[j].target and 0 < self.fields_[j].levels <= MANY_LEVELS:
                return self.ranks_[:, j]
        return None

    # sampling -----------------------------------------------------------------

    @property
    def order(self) -> list[int]:
        """Columns in the order in which they are drawn."""
        return self.order_

    @property
    def _training_rows(self) -> Floats:
        return self.values_

    @property
    def _grids(self) -> list[RoundingGrid]:
        return [scale.grid for scale in self.scale_]

    def _sample(
        self,
        n_rows: int,
        rng: np.random.Generator,
        given: Given | None,
        condition: Condition | None,
        complete: bool,
    ) -> Floats:
        """Draw rows from the models.

        Where all that is given is the class, more rows are drawn than wanted and those are
        taken whose class is plain to see: each column is drawn for itself, which blurs the
        border of a rare class, and rows on the wrong side of it do harm.
        """
        if condition is None and given is not None and self._only_classes(given.known):
            return self._sample_classes(given, rng, complete)
        draw = _Draw(self, rng, condition, complete)
        if given is None:
            values = np.full((n_rows, len(self.fields_)), np.nan)
            known = np.zeros(values.shape, dtype=np.bool_)
        else:
            values, known = given.values.copy(), given.known
        draw.fill(values, known)
        return values

    def _only_classes(self, known: Bools) -> bool:
        targets = np.array([field.target and field.discrete for field in self.fields_])
        return bool(targets.any() and not targets.all() and (known == targets).all())

    def _sample_classes(self, given: Given, rng: np.random.Generator, complete: bool) -> Floats:
        """Take one of some rows by the chance of its class (Rubin 1987, resampling)."""
        values: Floats = np.repeat(given.values, _CANDIDATES, axis=0)
        known = np.repeat(given.known, _CANDIDATES, axis=0)
        _Draw(self, rng, None, complete).fill(values, known)
        if self._class_model is None:
            self._class_model = ClassModel(Matrix(self.values_, self.fields_), self.seed_)
        probabilities = self._class_model.chances(values).reshape(-1, _CANDIDATES).cumsum(axis=1)
        pick = (
            rng.random((len(probabilities), 1)) * probabilities[:, -1:] >= probabilities[:, :-1]
        ).sum(axis=1)
        taken: Floats = values[np.arange(len(probabilities)) * _CANDIDATES + pick]
        return taken

    def redraw(
        self,
        values: Floats,
        column: int,
        rng: np.random.Generator,
        condition: Condition | None = None,
        complete: bool = False,
    ) -> Floats:
        """Draw one column anew given all others: one Gibbs step.

        Returns
        -------
        ndarray of shape (n_rows,)
        """
        return _Draw(self, rng, condition, complete).step(values, column)

    def to_ranks(self, values: Floats) -> Floats:
        """Put rows on the scale that trees ask on."""
        columns = [scale.ranks(values[:, j]) for j, scale in enumerate(self.scale_)]
        return np.column_stack(columns)

    # storing ------------------------------------------------------------------

    def _state(self) -> State:
        """Return the training rows and the models of the order; others are learned again."""
        arrays: dict[str, NDArray[np.generic]] = {"values": self.values_}
        for j, features in self.sequence(self.order_):
            for name, array in self.conditional(j, features).arrays().items():
                arrays[f"tree{j}/{name}"] = array
        facts = {name: getattr(self, name) for name in self._options}
        return State({**facts, "seed": self.seed_, "order": self.order_}, arrays)

    @classmethod
    def _restore(cls, fields: tuple[Field, ...], state: State) -> Self:
        """Make the fitted generator again."""
        facts, arrays = state.facts, state.arrays
        result = cls(**{name: facts[name] for name in cls._options})
        result._learn(Matrix(np.asarray(arrays["values"]), tuple(fields)), int(facts["seed"]))
        result.order_ = list(facts["order"])
        for j, features in result.sequence(result.order_):
            prefix = f"tree{j}/"
            parts = {n[len(prefix) :]: a for n, a in arrays.items() if n.startswith(prefix)}
            result._conditionals[j, features] = result._read(j, features, parts)
        return result


class _Draw:
    """One call of `sample`: what it may draw from, and the filling of rows."""

    def __init__(
        self,
        trees: Sequential,
        rng: np.random.Generator,
        condition: Condition | None,
        complete: bool,
    ) -> None:
        self.trees, self.rng, self.condition, self.complete = trees, rng, condition, complete

    def fill(self, values: Floats, known: Bools) -> None:
        """Fill the open cells of `values` in place; every row meets the condition after."""
        if not known.any() and self._fill_by_alternative(values, known):
            return
        rows = np.arange(len(values))
        some_comply = self._some_comply()
        for _ in range(_ROUNDS if some_comply else 0):
            self._fill_by_pattern(values, known, rows)
            rows = rows[self._refused(values[rows], known[rows])]
            if len(rows) == 0:
                return
        if self.condition is not None:
            broken = ~self.condition.holds(values[rows]) | (not some_comply)
            self._fill_jointly(values, known, rows[broken])

    def _fill_by_alternative(self, values: Floats, known: Bools) -> bool:
        """Fill the branches of an OR one by one, where the condition has one that rows meet."""
        branches = () if self.condition is None else self.condition.alternatives
        if len(branches) < 2:
            return False
        apart, taken = share_out(branches, self.trees.values_, len(values), self.rng)
        for k, branch in enumerate(apart if len(taken) else ()):
            part, mine = values[taken == k], taken == k
            _Draw(self.trees, self.rng, branch, self.complete).fill(part, known[mine])
            values[mine] = part
        return len(taken) > 0

    def _some_comply(self) -> bool:
        return self.condition is None or bool(self.condition.holds(self.trees.values_).any())

    def _refused(self, values: Floats, known: Bools) -> Bools:
        """Tell which rows break the condition, or equal a real row without being told to."""
        refused: Bools = self.trees.index_.contains(values) & (known.mean(axis=1) < 0.5)
        if self.condition is not None:
            refused |= ~self.condition.holds(values)
        return refused

    def _fill_jointly(self, values: Floats, known: Bools, rows: Ints) -> None:
        """Take the condition's columns together from real rows, then draw the rest."""
        assert self.condition is not None
        trees = self.trees
        given = Given(values[rows], known[rows]) if known[rows].any() else None
        matrix = Matrix(trees.values_, trees.fields_)
        cells = condition_from_rows(
            matrix, self.condition, len(rows), self.rng, given=given, complete=self.complete
        )
        values[rows] = trees._sample(len(rows), self.rng, cells, None, self.complete)

    def _fill_by_pattern(self, values: Floats, known: Bools, rows: Ints) -> None:
        patterns, member, sizes = _patterns(known[rows])
        often = set(np.argsort(-sizes, kind="stable")[: self.trees._patterns].tolist())
        for p, pattern in enumerate(patterns):
            inside = rows[member == p]
            part = values[inside]
            if p in often:
                self._fill_in_order(part, np.flatnonzero(pattern).tolist())
            else:
                self._fill_by_sweeps(part, pattern)
            values[inside] = part

    def _fill_in_order(self, part: Floats, known: list[int]) -> None:
        """Draw column after column, what is known first among what trees ask about."""
        trees = self.trees
        ranks = np.zeros_like(part)
        for j in known:
            ranks[:, j] = trees.scale_[j].ranks(part[:, j])
        for step in self._steps(known):
            leaves = step.donors.reach(ranks, self.rng)
            part[:, step.column] = self._values(step, leaves)
            self._mend(part, step, leaves)
            ranks[:, step.column] = trees.scale_[step.column].ranks(part[:, step.column])

    def _steps(self, known: list[int]) -> list[_Step]:
        """Plan the open columns, last to first, since the weights look ahead.

        A real row gives at a column as readily as rows like it will meet the parts of the
        condition that are still open there: backwards, the mean over the leaves of the tree
        where a part falls due of who meets it, times what comes after.
        """
        trees = self.trees
        columns = [j for j in trees.order_ if j not in set(known)]
        due = self._due(columns)
        ahead: Floats | None = None
        steps = []
        for j, features in reversed(list(trees.sequence(columns, known))):
            model = trees.conditional(j, features)
            weights = ahead
            if due[j]:
                weights = self._meeting(due[j]) * (1.0 if ahead is None else ahead)
                ahead = model.means(weights, _INERTIA * trees.leaf_)
            weights = self._present(j, weights)
            steps.append(_Step(j, model.donors(weights, trees.leaf_), due[j]))
        return steps[::-1]

    def _due(self, columns: list[int]) -> dict[int, list[Condition]]:
        """Parts of the condition by the column that completes them."""
        due: dict[int, list[Condition]] = {j: [] for j in columns}
        for part in self.condition.parts if self.condition else ():
            last = [j for j in columns if j in part.columns]
            if last:
                due[last[-1]].append(part)
        return due

    def _meeting(self, parts: list[Condition]) -> Floats:
        return all_hold(parts, self.trees.values_).astype(np.float64)

    def _present(self, j: int, weights: Floats | None) -> Floats | None:
        """Leave out donors whose value is missing where it must not be, if any has one."""
        present = (~np.isnan(self.trees.values_[:, j])).astype(np.float64)
        if not self.complete or not present.any():
            return weights
        both = present if weights is None else present * weights
        return both if both.any() else present

    def _fill_by_sweeps(self, part: Floats, pattern: Bools) -> None:
        """Start from the trees of the order, then redraw each open cell given all others."""
        fixed = part.copy()
        self._fill_in_order(part, [])
        part[:, pattern] = fixed[:, pattern]
        for _ in range(_SWEEPS):
            for j in np.flatnonzero(~pattern).tolist():
                part[:, j] = self.step(part, j)

    def step(self, part: Floats, j: int) -> Floats:
        """Draw one column given all others."""
        trees = self.trees
        others = np.arange(part.shape[1]) != j
        model = trees.conditional(j, trees._screened(j, others))
        weights = self._present(j, None)
        if self.condition is not None:
            allowed = includes(self.condition.allowed(j), trees.values_[:, j]).astype(np.float64)
            weights = allowed if weights is None else weights * allowed
        step = _Step(j, model.donors(weights, trees.leaf_), [])
        return self._values(step, step.donors.reach(trees.to_ranks(part), self.rng))

    def _values(self, step: _Step, leaves: Ints) -> Floats:
        at = step.donors.draw(leaves, self.rng)
        scale, values = self.trees.scale_[step.column], self.trees.values_[:, step.column]
        return scale.smooth(step.donors, leaves, at, values, self.rng, self.trees._reach)

    def _mend(self, part: Floats, step: _Step, leaves: Ints) -> None:
        """Draw again where a part that falls due is broken, from ever larger nodes."""
        rows = np.arange(len(part))
        for attempt in range(_ROUNDS if step.due else 0):
            broken = ~all_hold(step.due, part[rows])
            rows, leaves = rows[broken], leaves[broken]
            if len(rows) == 0:
                return
            if attempt > 1:
                leaves = step.donors.model.parent[leaves]
            part[rows, step.column] = self._values(step, leaves)


@dataclass(frozen=True)
class _Step:
    """One column's turn: who gives values, and what has to hold once it is filled."""

    column: int
    donors: Donors
    due: list[Condition]


def _patterns(known: Bools) -> tuple[Bools, Ints, Ints]:
    """Find the patterns of known cells, which of them each row has, and how many rows have it."""
    if (known == known[:1]).all():
        return known[:1], np.zeros(len(known), dtype=np.intp), np.array([len(known)])
    result = np.unique(known, axis=0, return_inverse=True, return_counts=True)
    return result[0], result[1].reshape(-1), result[2]


def _order(ranks: Floats, matrix: Matrix) -> list[int]:
    """Target first, then the table's own order, columns of very many levels last."""
    target = matrix.target
    many = [f.levels > MANY_LEVELS for f in matrix.fields]
    others = [j for j in range(len(matrix.fields)) if j != target]
    others.sort(key=lambda j: many[j])
    return ([] if target is None else [target]) + others
