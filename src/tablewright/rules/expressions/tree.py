"""The nodes an expression is made of: small, frozen, and nothing else.

A node that is not listed here cannot be in an expression. Positions are offsets in the
text that was parsed; they serve messages only and do not count when trees are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal as OneOf

Value = bool | int | float | str | date | datetime | None
"""A constant; None is SQL's NULL."""

ArithmeticOperator = OneOf["+", "-", "*", "/", "%"]
ComparisonOperator = OneOf["=", "<>", "<", "<=", ">", ">="]


@dataclass(frozen=True)
class _Placed:
    position: int = field(default=0, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class Literal(_Placed):
    """A constant."""

    value: Value

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Literal)
            and type(self.value) is type(other.value)
            and self.value == other.value
        )

    def __hash__(self) -> int:
        return hash((type(self.value), self.value))


@dataclass(frozen=True)
class Name(_Placed):
    """A column."""

    column: str


@dataclass(frozen=True)
class Negative(_Placed):
    """A number with the other sign."""

    operand: Node


@dataclass(frozen=True)
class Arithmetic(_Placed):
    """Two numbers joined by ``+ - * / %``."""

    operator: ArithmeticOperator
    left: Node
    right: Node


@dataclass(frozen=True)
class Comparison(_Placed):
    """Two values of one type, compared."""

    operator: ComparisonOperator
    left: Node
    right: Node


@dataclass(frozen=True)
class Between(_Placed):
    """``operand >= low AND operand <= high``."""

    operand: Node
    low: Node
    high: Node


@dataclass(frozen=True)
class In(_Placed):
    """Equality with one of some constants."""

    operand: Node
    values: tuple[Literal, ...]


@dataclass(frozen=True)
class Like(_Placed):
    """Text against a pattern in which ``%`` is any text and ``_`` any one character."""

    operand: Node
    pattern: str
    escape: str | None = None


@dataclass(frozen=True)
class IsNull(_Placed):
    """Whether a value is missing; never NULL itself."""

    operand: Node


@dataclass(frozen=True)
class Not(_Placed):
    """Three-valued negation."""

    operand: Node


@dataclass(frozen=True)
class And(_Placed):
    """Three-valued conjunction of two or more parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Or(_Placed):
    """Three-valued disjunction of two or more parts."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Case(_Placed):
    """The result of the first branch whose condition is true, else the default."""

    branches: tuple[tuple[Node, Node], ...]
    default: Node


@dataclass(frozen=True)
class Call(_Placed):
    """One of the listed functions."""

    function: str
    arguments: tuple[Node, ...]


Node = (
    Literal
    | Name
    | Negative
    | Arithmetic
    | Comparison
    | Between
    | In
    | Like
    | IsNull
    | Not
    | And
    | Or
    | Case
    | Call
)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes right below a node, in the order of the text."""
    match node:
        case Literal() | Name():
            return ()
        case Negative() | Like() | IsNull() | Not():
            return (node.operand,)
        case Arithmetic() | Comparison():
            return (node.left, node.right)
        case Between():
            return (node.operand, node.low, node.high)
        case In():
            return (node.operand, *node.values)
        case And() | Or():
            return node.parts
        case Case():
            return (*(part for branch in node.branches for part in branch), node.default)
        case Call():
            return node.arguments


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all nodes below it, in the order of the text."""
    yield node
    for child in children(node):
        yield from walk(child)


def columns_of(node: Node) -> tuple[str, ...]:
    """Return the columns that a node reads, each once, in the order of the text.

    Examples
    --------
    >>> columns_of(Comparison("<", Name("age"), Name("limit")))
    ('age', 'limit')
    """
    return tuple(dict.fromkeys(part.column for part in walk(node) if isinstance(part, Name)))


def rebuilt(node: Node, parts: Sequence[Node]) -> Node:
    """Return a node of the same kind over other nodes, as `children` gives them.

    Examples
    --------
    >>> rebuilt(Not(Name("a")), [Name("b")])
    Not(operand=Name(column='b'))
    """
    match node:
        case Literal() | Name():
            return node
        case Negative() | Like() | IsNull() | Not():
            return replace(node, operand=parts[0])
        case Arithmetic() | Comparison():
            return replace(node, left=parts[0], right=parts[1])
        case Between():
            return replace(node, operand=parts[0], low=parts[1], high=parts[2])
        case In():
            return replace(node, operand=parts[0])
        case And() | Or():
            return replace(node, parts=tuple(parts))
        case Case():
            branches = tuple(zip(parts[0:-1:2], parts[1:-1:2], strict=True))
            return replace(node, branches=branches, default=parts[-1])
        case Call():
            return replace(node, arguments=tuple(parts))
