"""Find a part by its name: ours and those of other packages, by entry points alone."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from tablewright.errors import InputError
from tablewright.schema import suggest


@cache
def _found(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"tablewright.{group}")}


def names(group: str) -> list[str]:
    """Names registered in a group, sorted.

    Parameters
    ----------
    group : str
        ``"generators"``, ``"llms"`` and so on: the entry-point group without its prefix.

    Examples
    --------
    >>> "trees" in names("generators")
    True
    """
    return sorted(_found(group))


_OTHER_WORDS = {
    "smotenc": "smote smote-nc smote_nc borderline_smote adasyn",
    "copula": "gaussian_copula gaussiancopula gaussian-copula gc",
    "trees": "cart synthpop decision_tree decisiontree",
    "forest": "rf random_forest randomforest arf",
    "boosted": "xgboost xgb gbt gbdt gradient_boosting forestdiffusion",
    "bayes-net": "bn bayesian_network bayes privbayes bayesnet",
}
"""For methods of ours, what others call them or are close to."""

_ELSEWHERE = ("copulagan", "ctabgan", "tabddpm", "great", "realtabformer", "tabsyn")
"""Methods of other packages, whose objects are taken."""


def no_such(what: str, name: str, known: Iterable[str]) -> InputError:
    """Return the error for a name that nothing has: with a near miss, or where to find it.

    Examples
    --------
    >>> print(no_such("method", "smote", ["smotenc"]))
    no method is called 'smote'; take 'smotenc'
    """
    known, plain = list(known), name.lower()
    for own, others in _OTHER_WORDS.items():
        if own in known and plain in others.split():
            return InputError(f"no {what} is called {name!r}; take {own!r}")
    if plain in _ELSEWHERE and what in ("generator", "method"):
        return InputError(
            f"{name!r} is a method of another package: in Python, give an object of it as method "
            "(docs/generators/plugin.md, or help(tablewright.generators.plugin), shows how)"
        )
    return InputError(f"no {what} is called {name!r}{suggest(name, known)}")


def resolve(group: str, name: str) -> Any:
    """Load what is registered under a name.

    Raises
    ------
    InputError
        If nothing has that name; the sentence names a near miss.

    Examples
    --------
    >>> resolve("generators", "tress")
    Traceback (most recent call last):
    tablewright.errors.InputError: no generator is called 'tress'; did you mean 'trees'?
    """
    result = _found(group)
    if name not in result:
        raise no_such(group.removesuffix("s"), name, result)
    return result[name].load()
