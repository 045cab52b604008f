"""Rules from SQL: the constraints of ``CREATE TABLE``."""

from __future__ import annotations

from typing import Any

from sqlglot import exp, parse
from sqlglot.errors import SqlglotError

from tablewright.errors import ExpressionError, RuleError
from tablewright.rules.expressions.parsing import parse_tree
from tablewright.rules.expressions.unparse import quote, unparse
from tablewright.rules.language import Check, Rule, Rules, Unique

__all__ = ["looks_like_sql", "read_sql"]

MAX_CHARACTERS = 200_000


def looks_like_sql(text: str) -> bool:
    """Return whether text starts like a ``CREATE TABLE``."""
    return text.lstrip().lower().startswith("create")


def read_sql(text: str) -> Rules:
    """Read CHECK, NOT NULL, UNIQUE and PRIMARY KEY of one ``CREATE TABLE``; nothing is run.

    Raises
    ------
    RuleError
        If the text is not one CREATE TABLE, or a constraint is not of our language.

    Examples
    --------
    >>> rules = read_sql("CREATE TABLE t (age INT CHECK (age >= 18), id INT PRIMARY KEY)")
    >>> [rule.described() for rule in rules]
    ['age >= 18', 'no two rows have the same id', 'id IS NOT NULL']
    """
    if len(text) > MAX_CHARACTERS:
        raise RuleError(f"the SQL is longer than {MAX_CHARACTERS:,} characters")
    try:
        statements = [part for part in parse(text) if part is not None]
    except (SqlglotError, RecursionError) as error:
        raise RuleError(f"the SQL is not understood: {error}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Create):
        raise RuleError("an SQL rules file holds one CREATE TABLE and nothing else")
    definition = statements[0].this
    if not isinstance(definition, exp.Schema):
        raise RuleError("the CREATE TABLE lists no columns")
    rules = [rule for part in definition.expressions for rule in _constraints(part)]
    return Rules(rules=rules)


def _constraints(part: Any) -> list[Rule]:
    """Return the rules of a column definition or of a table constraint."""
    if isinstance(part, exp.ColumnDef):
        column = str(part.this.this)
        found = (constraint.args.get("kind") for constraint in part.constraints)
        return [rule for kind in found for rule in _of_column(column, kind)]
    if isinstance(part, exp.Constraint):
        made = [rule for inner in part.expressions for rule in _constraints(inner)]
        return [rule.model_copy(update={"name": str(part.this.this)}) for rule in made[:1]] + made[
            1:
        ]
    if isinstance(part, exp.CheckColumnConstraint):
        return [_check(part.this)]
    if isinstance(part, exp.PrimaryKey):
        return _key([_column_name(item) for item in part.expressions])
    if isinstance(part, exp.UniqueColumnConstraint) and isinstance(part.this, exp.Schema):
        return [Unique(columns=[_column_name(item) for item in part.this.expressions])]
    return []


def _of_column(column: str, kind: Any) -> list[Rule]:
    if isinstance(kind, exp.CheckColumnConstraint):
        return [_check(kind.this)]
    if isinstance(kind, exp.NotNullColumnConstraint) and not kind.args.get("allow_null"):
        return [Check(expression=f"{quote(column)} IS NOT NULL")]
    if isinstance(kind, exp.PrimaryKeyColumnConstraint):
        return _key([column])
    if isinstance(kind, exp.UniqueColumnConstraint):
        return [Unique(columns=[column])]
    return []


def _key(columns: list[str]) -> list[Rule]:
    missing = [Check(expression=f"{quote(column)} IS NOT NULL") for column in columns]
    return [Unique(columns=columns), *missing]


def _column_name(node: Any) -> str:
    found = node.find(exp.Identifier) if not isinstance(node, exp.Identifier) else node
    return str(found.this)


def _check(node: exp.Expression) -> Rule:
    text = node.sql()
    try:
        return Check(expression=unparse(parse_tree(text)))
    except ExpressionError as error:
        raise RuleError(f"CHECK ({text}) is not a rule of our language: {error.message}") from error
