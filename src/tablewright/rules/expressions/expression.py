"""A checked expression, bound to the schema it was checked against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tablewright.errors import ConditionError, ExpressionError
from tablewright.rules.expressions import domains
from tablewright.rules.expressions import tree as sql
from tablewright.rules.expressions.checking import QUOTED, check, constant, unquoted
from tablewright.rules.expressions.conflicts import conflict
from tablewright.rules.expressions.domains import Domain, Interval
from tablewright.rules.expressions.evaluate import as_mask, compile_tree, lengthened
from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.unparse import quote, shortened, unparse
from tablewright.schema import Column, Schema

Where = str | Mapping[str, Any]
"""A condition as a caller may give it."""


@dataclass(frozen=True)
class Expression:
    """A yes-or-no question about a row.

    Made by `parse`. Two expressions are equal if their trees are.

    Attributes
    ----------
    tree : Node
        What is asked.
    schema : Schema
        The columns it is asked of.
    """

    tree: sql.Node
    schema: Schema = field(compare=False, repr=False)

    @cached_property
    def text(self) -> str:
        """The question as SQL text, in one spelling."""
        return unparse(self.tree)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that the answer depends on, in the order of the text."""
        return sql.columns_of(self.tree)

    def conjuncts(self) -> list[Expression]:
        """Return the parts that all have to hold; itself alone where it has none."""
        return [Expression(part, self.schema) for part in _flat(self.tree)]

    def compiled(self, dtypes: pl.Schema) -> pl.Expr:
        """Return the polars expression for frames of these dtypes; compiled once."""
        known = self._compiled
        key = tuple(dtypes.get(name) for name in self.columns)
        if key not in known:
            known[key] = compile_tree(self.tree, self.schema, dtypes)
        return known[key]

    @cached_property
    def _compiled(self) -> dict[tuple[Any, ...], pl.Expr]:
        return {}

    @cached_property
    def _domains(self) -> dict[tuple[str, bool], Domain | None]:
        return {}

    def truth(self, frame: pl.DataFrame) -> pl.Series:
        """Return true, false or null for each row."""
        answers = frame.select(self.compiled(frame.schema).alias("answer")).to_series()
        return lengthened(answers, frame.height)

    def holds(self, frame: pl.DataFrame, *, null: bool = False) -> NDArray[np.bool_]:
        """Return for each row whether the answer is yes.

        Parameters
        ----------
        frame : polars DataFrame
            Holds at least the columns that are asked about.
        null : bool, default=False
            What NULL counts as: False for a condition (not met), True for a rule (not violated).

        Returns
        -------
        ndarray of bool, shape (n_rows,)
        """
        return as_mask(self.truth(frame), null=null)

    def domain(self, column: str, *, null: bool = False) -> Domain | None:
        """Return the values of one column with which the answer can be yes, or None for all."""
        if (column, null) not in self._domains:
            result = domains.domain(self.tree, column, self.schema, null=null)
            self._domains[column, null] = result
        return self._domains[column, null]

    def require_learned(self) -> None:
        """Check that some number within the range of its column in the table is allowed.

        Raises
        ------
        ConditionError
            Names the column and its range.
        """
        for name in self.columns:
            column, allowed = self.schema[name], self.domain(name)
            if allowed is None or allowed.intervals is None or allowed.null:
                continue
            if column.minimum is None or column.maximum is None:
                continue
            ends = [constant(end, column) for end in (column.minimum, column.maximum)]
            low, high = (domains.position(end.value) for end in ends)
            learned = Domain.of_numbers(Interval(low, high))
            if learned.intersect(allowed).is_empty:
                raise ConditionError(
                    f"no row can meet {shortened(self.text, 100)!r}: in the table, {quote(name)} "
                    f"lies between {ends[0].value} and {ends[1].value}"
                )

    def require_possible(self) -> None:
        """Check that some row may exist for which the answer is yes.

        Raises
        ------
        ConditionError
            Names the parts that cannot hold together.
        """
        parts = [part.tree for part in self.conjuncts()]
        result = conflict(parts, self.schema)
        if result is not None:
            named = " AND ".join(shortened(unparse(parts[i]), 100) for i in result[:4])
            raise ConditionError(f"no row can meet {named!r}: the parts exclude each other")


def parse(text: str, schema: Schema) -> Expression:
    """Read a condition on the columns of a schema.

    Parameters
    ----------
    text : str
        SQL boolean text; names with blanks or hyphens in double quotes.
    schema : Schema
        The columns there are, with their kinds and categories.

    Returns
    -------
    Expression

    Raises
    ------
    ExpressionError
        If the text is not a condition of the language on these columns; shows the place.

    Examples
    --------
    >>> schema = Schema.build({"education-num": "integer"})
    >>> parse('"education-num" > 9', schema).text
    '"education-num" > 9'
    >>> parse("education-num > 9", schema)
    Traceback (most recent call last):
    tablewright.errors.ExpressionError: unknown column 'education'; names with blanks, hyphens or
    a reserved word are quoted: "education-num"...
    """
    try:
        tree = parse_tree(text)
    except ExpressionError as error:
        bare = unquoted(schema.names, text) if isinstance(text, str) else []
        if not bare:
            if joined := _written_apart(schema.names, text):
                message = f"the column is called {joined}"
                index = text.lower().find(joined.replace("_", " ").lower())
                raise ExpressionError(message, text, index) from error
            raise
        hint = f"column {QUOTED}: {quote(bare[0])}"
        raise ExpressionError(hint, text, text.find(bare[0])) from error
    check(tree, schema, text)
    return Expression(tree, schema)


def _written_apart(names: Iterable[str], text: object) -> str | None:
    """Return the column that stands in a text with blanks in place of its underscores."""
    plain = text.lower() if isinstance(text, str) else ""
    return next((n for n in names if "_" in n and n.replace("_", " ").lower() in plain), None)


def parse_where(where: Where, schema: Schema) -> Expression:
    """Read which rows are wanted: text, or a mapping of columns to a value, several, or None.

    Examples
    --------
    >>> schema = Schema.build({"age": "integer", "born": "date"})
    >>> parse_where({"age": [30, 40], "born": None}, schema).text
    'age IN (30, 40) AND born IS NULL'
    """
    if isinstance(where, str):
        return parse(where, schema)
    if not isinstance(where, Mapping) or not where:
        what = "an empty one" if isinstance(where, Mapping) else type(where).__name__
        raise ExpressionError(
            "a condition is text such as \"age > 30 AND city = 'Rome'\" or a mapping such as "
            f"{{'city': 'Rome'}}, not {what}"
        )
    parts = tuple(_equal(schema[str(name)], value) for name, value in where.items())
    tree = parts[0] if len(parts) == 1 else sql.And(parts)
    check(tree, schema, unparse(tree))
    return Expression(tree, schema)


def _equal(column: Column, value: Any) -> sql.Node:
    """Return that a column has a value, or one of several."""
    name, listed = sql.Name(column.name), hasattr(value, "__iter__") and not isinstance(value, str)
    if not listed:
        missing = value is None or value != value
        return sql.IsNull(name) if missing else sql.Comparison("=", name, constant(value, column))
    if not len(value := list(value)):
        raise ExpressionError(f"no value of {column.name!r} is listed in the condition")
    return sql.In(name, tuple(constant(item, column) for item in value))


def _flat(tree: sql.Node) -> list[sql.Node]:
    if not isinstance(tree, sql.And):
        return [tree]
    return [part for child in tree.parts for part in _flat(child)]
