"""How a decision tree reads rows: their path in it, and where a second tree parts from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.metrics.outcomes import proper_scores
from tablewright.schema import Schema
from tablewright.systems.date.partition import asked_columns
from tablewright.systems.date.questions import Floats, Questions, grow

N_REPEATS, N_FOLDS = 3, 3
MAX_ROWS = 1000
"""Rows of a part that trees are grown on: the gain of few rows is asked for many times."""
TOLERANCE = 0.02
"""Share of a column's range within which two thresholds count as the same."""


@dataclass(frozen=True)
class Group:
    """Rows of an answer that take the same path in their part's tree.

    Attributes
    ----------
    path : str
        The condition that leads to the leaf; "" where the tree asks nothing.
    columns : frozenset of str
        What the path is about.
    rows : ndarray of int
        Which rows of the answer.
    label : object
        What the tree predicts there.
    n_other : int
        Rows with another label than that.
    gain, error : float
        What they add to the tree's proper score on rows it did not see, with standard error over
        repeated splits.
    change : str
        Where the tree that learned them too first does something else, in words.
    """

    path: str
    columns: frozenset[str]
    rows: NDArray[np.intp]
    label: Any
    n_other: int
    gain: float
    error: float
    change: str


class PartReader:
    """The rows of one part, and the tree that reads others by them.

    Parameters
    ----------
    frame : DataFrame
        Typed rows of the part; the target is known in each.
    schema : Schema
    seed : int
    without : sequence of str, default=()
        Columns that are not asked about.
    """

    def __init__(
        self, frame: pl.DataFrame, schema: Schema, seed: int, without: Sequence[str] = ()
    ) -> None:
        self.target, self.seed = str(schema.target), seed
        frame = frame.sample(min(frame.height, MAX_ROWS), seed=seed)
        columns = [name for name in asked_columns(schema) if name not in without]
        self.questions = Questions(frame, schema, columns)
        self.classes = schema[self.target].kind.is_discrete
        self.labels = frame[self.target].unique().sort().to_list() if self.classes else []
        self.y = self._codes(frame[self.target])
        self.tree = self._grow(self.questions.matrix, self.y)
        self.paths = self.questions.paths(self.tree.tree_)
        rng = np.random.default_rng([seed, frame.height])
        self.folds = [rng.permutation(frame.height) % N_FOLDS for _ in range(N_REPEATS)]
        self.base = self._scores(np.zeros((0, self.questions.matrix.shape[1])), np.zeros(0))

    def read(self, rows: pl.DataFrame) -> list[Group]:
        """Group rows by their path, the group that gains most first."""
        rows = rows.with_row_index("").filter(pl.col(self.target).is_not_null())
        if not rows.height:
            return []
        matrix, y = self.questions.answers(rows), self._codes(rows[self.target])
        leaves = self.tree.apply(matrix)
        groups = []
        for leaf in np.unique(leaves):
            own = np.flatnonzero(leaves == leaf)
            predicates = self.paths[int(leaf)]
            gain, error = self.gain(matrix[own], y[own])
            code = float(self.tree.predict(matrix[own[:1]])[0])
            wrong = y[own] != code if self.classes else np.abs(y[own] - code) > self._spread
            groups.append(Group(
                self.questions.text(predicates),
                frozenset(self.questions.questions[p.question].column.name for p in predicates),
                rows[""].to_numpy()[own].astype(np.intp),
                self._label(code), int(wrong.sum()), gain, error,
                self.change(matrix[own], y[own]),
            ))  # fmt: skip
        return sorted(groups, key=lambda group: -group.gain)

    def gain(self, matrix: Floats, y: Floats) -> tuple[float, float]:
        """Return what rows add to the proper score of a tree, and its standard error."""
        differences = self._scores(matrix, y) - self.base
        by_row = differences.mean(axis=0)
        error = float(by_row.std(ddof=1) / len(by_row) ** 0.5) if len(by_row) > 1 else np.inf
        return float(by_row.mean()), error

    def change(self, matrix: Floats, y: Floats) -> str:
        """Say where the tree that learned rows too first does something else with them."""
        other = self._grow(np.vstack([self.questions.matrix, matrix]), np.concatenate([self.y, y]))
        return self._divergence(other, matrix[0])

    def _divergence(self, other: Any, row: Floats) -> str:
        first, second = self.tree.tree_, other.tree_
        a = b = depth = 0
        while first.children_left[a] >= 0 and second.children_left[b] >= 0:
            depth += 1
            if not self._alike(first, a, second, b):
                return f"question {depth} was {self._ask(first, a)} and becomes " + (
                    self._ask(second, b)
                )
            a, b = _step(first, a, row), _step(second, b, row)
        if first.children_left[a] >= 0:
            return f"question {depth + 1} was {self._ask(first, a)} and is not asked any more"
        if second.children_left[b] >= 0:
            return f"a new question {depth + 1}: {self._ask(second, b)}"
        before, after = (float(t.predict(row[None])[0]) for t in (self.tree, other))
        if self.classes and before != after:
            return f"the same questions, but the answer changes from {self._label(before)} to " + (
                f"{self._label(after)}"
            )
        return ""

    def _alike(self, first: Any, a: int, second: Any, b: int) -> bool:
        question = int(first.feature[a])
        if question != int(second.feature[b]):
            return False
        spread = float(np.ptp(self.questions.matrix[:, question])) or 1.0
        return abs(float(first.threshold[a] - second.threshold[b])) <= TOLERANCE * spread

    def _ask(self, tree: Any, node: int) -> str:
        return self.questions.text([self.questions.predicate(tree, node, True)])

    def _scores(self, matrix: Floats, y: Floats) -> Floats:
        """Return the proper score of each row by trees that did not see it, for each repeat."""
        made = np.zeros((N_REPEATS, len(self.y)))
        for repeat, folds in enumerate(self.folds):
            for fold in range(N_FOLDS):
                seen, judged = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
                if not len(seen) or not len(judged):
                    continue
                tree = self._grow(
                    np.vstack([self.questions.matrix[seen], matrix]),
                    np.concatenate([self.y[seen], y]),
                )
                made[repeat, judged] = self._score(tree, judged)
        return made

    def _score(self, tree: Any, judged: NDArray[np.intp]) -> Floats:
        matrix, y = self.questions.matrix[judged], self.y[judged]
        if not self.classes:
            return np.asarray(-(((y - tree.predict(matrix)) / self._spread) ** 2) / 2)
        known = np.zeros((len(judged), len(self.labels) + 1))
        known[:, tree.classes_.astype(int)] = tree.predict_proba(matrix)
        return proper_scores(y, known)

    def _grow(self, matrix: Floats, y: Floats) -> Any:
        least = max(3, len(self.questions.matrix) // 30)
        options = {"max_leaf_nodes": 8, "min_samples_leaf": least}
        return grow(matrix, y, self.classes, random_state=self.seed % 2**31, **options)

    @property
    def _spread(self) -> float:
        return float(self.y.std()) or 1.0

    def _codes(self, values: pl.Series) -> Floats:
        """Return numbers, or codes of classes; a class that the part lacks has the last code."""
        if not self.classes:
            return values.cast(pl.Float64).to_numpy()
        index = {label: code for code, label in enumerate(self.labels)}
        codes = [index.get(label, len(self.labels)) for label in values.to_list()]
        return np.array(codes, dtype=float)

    def _label(self, code: float) -> Any:
        if not self.classes:
            return float(f"{code:.4g}")
        return self.labels[int(code)] if int(code) < len(self.labels) else None


def _step(tree: Any, node: int, row: Floats) -> int:
    below = row[tree.feature[node]] <= tree.threshold[node]
    return int((tree.children_left if below else tree.children_right)[node])
