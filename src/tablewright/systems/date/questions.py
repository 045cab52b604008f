"""Yes-or-no questions about a table's columns, that trees ask and that our rules can say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tablewright.rules.expressions.unparse import quote, value_text
from tablewright.schema import Column, Kind, Schema

MAX_VALUES = 30
"""Values of a categorical column that are asked about, the most frequent ones."""

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, order=True)
class Predicate:
    """One side of one split: a column of the question matrix is at most a threshold, or above."""

    question: int
    threshold: float
    above: bool


@dataclass(frozen=True)
class Question:
    """One column of the matrix that trees are grown on.

    Attributes
    ----------
    column : Column
        Which column of the table is asked about.
    value : object
        The category asked for; None where the number itself is asked.
    missing : bool
        Whether it is asked if the cell is empty.
    fill : float
        What an empty cell counts as where the number is asked.
    emptied : bool
        Whether a cell of the column was empty; only then a condition speaks of it.
    """

    column: Column
    value: object = None
    missing: bool = False
    fill: float = math.nan
    emptied: bool = True

    @property
    def numeric(self) -> bool:
        """Whether the answer is a number."""
        return self.value is None and not self.missing

    def answers(self, cells: pl.Series) -> NDArray[np.float64]:
        """Return the answer of each cell of the column."""
        if self.missing:
            return cells.is_null().to_numpy().astype(float)
        if self.value is not None:
            return (cells == self.value).fill_null(False).to_numpy().astype(float)
        fill = 0.0 if math.isnan(self.fill) else self.fill
        return cells.cast(pl.Float64).fill_null(fill).to_numpy()


class Questions:
    """A table as numbers that a tree can split on, each split of which is an expression.

    Numbers are asked as they are, an empty cell counting as the median; categories are asked one
    by one, and so is whether a cell is empty.

    Parameters
    ----------
    frame : DataFrame of shape (n_rows, n_columns)
        Typed rows.
    schema : Schema
    columns : sequence of str
        The columns to ask about; identifiers, texts and the target are not among them.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "city": "categorical"})
    >>> frame = pl.DataFrame({"age": [20, 30, None], "city": ["Ulm", "Bonn", "Ulm"]})
    >>> questions = Questions(frame, schema, ["age", "city"])
    >>> questions.matrix.shape
    (3, 3)
    >>> questions.text([Predicate(0, 25.0, above=False)])
    '(age <= 25 OR age IS NULL)'
    """

    def __init__(self, frame: pl.DataFrame, schema: Schema, columns: Sequence[str]) -> None:
        self.questions = [one for name in columns for one in _ask(schema[name], frame[name])]
        self.matrix = self.answers(frame)
        self._sorted: dict[int, NDArray[np.float64]] = {}

    def answers(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """Return the answers of any rows with these columns, a column for each question.

        Where nothing is asked there is one column of zeros, which no tree splits.
        """
        parts = [question.answers(frame[question.column.name]) for question in self.questions]
        return np.column_stack(parts) if parts else np.zeros((frame.height, 1))

    def holds(self, predicates: Iterable[Predicate]) -> Mask:
        """Return the rows for which all predicates hold."""
        mask = np.ones(len(self.matrix), dtype=np.bool_)
        for predicate in predicates:
            above = self.matrix[:, predicate.question] > predicate.threshold
            mask &= above == predicate.above
        return mask

    def predicate(self, tree: Any, node: int, above: bool) -> Predicate:
        """Return one side of a split of a tree that was grown on the matrix."""
        question = int(tree.feature[node])
        return Predicate(question, self.split(question, float(tree.threshold[node])), above)

    def paths(self, tree: Any) -> dict[int, tuple[Predicate, ...]]:
        """Return the predicates on the way to each leaf."""
        result: dict[int, tuple[Predicate, ...]] = {}
        todo: list[tuple[int, tuple[Predicate, ...]]] = [(0, ())]
        while todo:
            node, path = todo.pop()
            if tree.children_left[node] < 0:
                result[int(node)] = path
                continue
            todo.append((tree.children_right[node], (*path, self.predicate(tree, node, True))))
            todo.append((tree.children_left[node], (*path, self.predicate(tree, node, False))))
        return result

    def split(self, question: int, threshold: float) -> float:
        """Return the shortest number that cuts a question's answers where the threshold does."""
        if not self.questions[question].numeric:
            return 0.5
        if question not in self._sorted:
            self._sorted[question] = np.unique(self.matrix[:, question])
        values = self._sorted[question]
        n_below = int(np.searchsorted(values, threshold, side="right"))
        if n_below in (0, len(values)):
            return threshold
        return shortest_between(float(values[n_below - 1]), float(values[n_below]))

    def text(self, predicates: Iterable[Predicate]) -> str:
        """Write predicates as one expression, without what others of them say already."""
        tightest: dict[tuple[int, bool], Predicate] = {}
        for predicate in predicates:
            key = (predicate.question, predicate.above)
            other = tightest.get(key)
            if other is None or (predicate.threshold > other.threshold) == predicate.above:
                tightest[key] = predicate
        ordered = [tightest[key] for key in sorted(tightest)]
        said = dict.fromkeys(self._one(predicate, ordered) for predicate in ordered)
        return " AND ".join(text for text in said if text)

    def _one(self, predicate: Predicate, others: Sequence[Predicate]) -> str:
        """Write one predicate, with those that rule out other values of its column."""
        question = self.questions[predicate.question]
        name = quote(question.column.name)
        if not question.numeric and not predicate.above and self._is_known(question, others):
            return ""
        if question.missing:
            return f"{name} IS {'' if predicate.above else 'NOT '}NULL"
        if not question.numeric:
            if predicate.above:
                return f"{name} = {_value(question)}"
            denied = [self.questions[one.question] for one in others if not one.above]
            values = [
                _value(one)
                for one in denied
                if one.column.name == question.column.name and one.value is not None
            ]
            other = f"<> {values[0]}" if len(values) == 1 else f"NOT IN ({', '.join(values)})"
            return f"({name} {other} OR {name} IS NULL)" if question.emptied else f"{name} {other}"
        bound = f"{name} {'>' if predicate.above else '<='} {_number(predicate.threshold)}"
        known = not math.isnan(question.fill)
        empty_counts = known and (question.fill > predicate.threshold) == predicate.above
        return f"({bound} OR {name} IS NULL)" if empty_counts else bound

    def _is_known(self, question: Question, others: Sequence[Predicate]) -> bool:
        """Return whether the column has another value by one of the predicates."""
        return any(
            one.above
            and (asked := self.questions[one.question]).column.name == question.column.name
            and asked.value not in (None, question.value)
            for one in others
        )


def _value(question: Question) -> str:
    return value_text(question.value)  # type: ignore[arg-type]  # a cell of a category


def _ask(column: Column, values: pl.Series) -> Iterable[Question]:
    if column.kind in (Kind.CONTINUOUS, Kind.INTEGER):
        median = values.cast(pl.Float64).median()
        fill = float(median) if isinstance(median, int | float) else 0.0
        yield Question(column, fill=fill if values.null_count() else math.nan)
    else:
        counts = values.drop_nulls().value_counts(sort=True)
        listed = sorted(counts[values.name].to_list()[:MAX_VALUES], key=str)
        emptied = bool(values.null_count())
        yield from (
            Question(column, value, emptied=emptied)
            for value in (listed if len(listed) > 2 else listed[:1])
        )
    if values.null_count():
        yield Question(column, missing=True)


def grow(matrix: Floats, y: Floats, classes: bool, **options: Any) -> Any:
    """Fit a decision tree for classes or numbers."""
    return (DecisionTreeClassifier if classes else DecisionTreeRegressor)(**options).fit(matrix, y)


def shortest_between(low: float, high: float) -> float:
    """Return a number of few digits that is at least `low` and below `high`.

    Examples
    --------
    >>> shortest_between(24.0, 31.0), shortest_between(0.1234, 0.1298), shortest_between(3, 4)
    (30.0, 0.125, 3.5)
    """
    middle = (low + high) / 2
    for digits in range(-3, 12):
        for step in (5, 1):
            unit = step * 10.0**-digits
            candidate = round(round(middle / unit) * unit, max(digits, 0))
            if low < candidate < high:
                return candidate
    return low


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
