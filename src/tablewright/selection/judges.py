"""The models by which a selector judges rows, by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tablewright.errors import InputError
from tablewright.metrics.learners import LEARNERS
from tablewright.schema import Schema, suggest

_FOREST = {"n_estimators": 15, "min_samples_leaf": 2}
DEFAULT = (*LEARNERS, "forest")
"""The forest is the third, as log scores of boosted and linear models rise with any rows."""
NAMES = (*DEFAULT, "tree")


def names_of(learners: str | Sequence[str] | None) -> tuple[str, ...] | None:
    """Return names of models; None where none are named.

    Examples
    --------
    >>> names_of("tree, boosted trees")
    ('tree', 'boosted trees')
    """
    if learners is None:
        return None
    if isinstance(learners, str):
        learners = learners.split(",")
    listed = list(learners) if isinstance(learners, Iterable) else [learners]
    names = tuple(dict.fromkeys(name for name in (str(one).strip() for one in listed) if name))
    if not names:
        raise InputError(f"learners: name one at least of {', '.join(NAMES)}")
    for name in names:
        if name not in NAMES:
            raise InputError(f"learners: there is no {name!r}{suggest(name, NAMES)}")
    return names


def judges(names: Sequence[str] | None, schema: Schema) -> tuple[Any, ...]:
    """Return the models of some names, as a `Scorer` takes them."""
    number = schema[str(schema.target)].kind.is_numeric
    forest = RandomForestRegressor if number else RandomForestClassifier
    tree = DecisionTreeRegressor if number else DecisionTreeClassifier
    made = {"forest": forest(**_FOREST), "tree": tree()}
    return tuple(made.get(name, name) for name in names or DEFAULT)
