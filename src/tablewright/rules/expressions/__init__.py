"""The condition language: SQL boolean text as a small tree, evaluated on frames.

>>> import polars as pl
>>> from tablewright.rules.expressions import parse
>>> from tablewright.schema import Schema
>>> schema = Schema.build({"age": "integer", "salary": "categorical"})
>>> condition = parse("age BETWEEN 25 AND 34 AND salary = '>50K'", schema)
>>> condition.columns
('age', 'salary')
>>> condition.holds(pl.DataFrame({"age": [30, 40], "salary": [">50K", ">50K"]})).tolist()
[True, False]
"""

from tablewright.rules.expressions.conflicts import conflict
from tablewright.rules.expressions.domains import Domain, Interval
from tablewright.rules.expressions.expression import (
    Expression,
    Where,
    parse,
    parse_where,
)

__all__ = [
    "Domain",
    "Expression",
    "Interval",
    "Where",
    "conflict",
    "parse",
    "parse_where",
]
