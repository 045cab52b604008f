"""Arguments that a call does not have, answered with the one that is meant."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

from tablewright.errors import ArgumentError
from tablewright.schema import suggest

F = TypeVar("F", bound=Callable[..., Any])

_MEANT = {
    "n_samples": "n num num_rows num_samples n_rows nrows rows size count samples num_records",
    "where": "condition conditions filter query constraints",
    "seed_data": "known_columns known seeds partial prompt_columns",
    "random_state": "seed random_seed rng",
    "target": "label labels target_column target_col label_column outcome y_column",
    "method": "model generator synthesizer algorithm sampler",
    "train": "data df frame table real real_data X",
    "data": "df frame table train real_data X",
    "X": "data df frame table train real_data",
    "synthetic": "synthetic_data generated fake rows",
    "holdout": "test test_data validation valid held_out",
    "balance": "class_counts classes quotas sampling_strategy class_balance",
    "schema": "metadata kinds dtypes discrete_columns categorical_columns categorical_features",
    "options": "params parameters settings kwargs",
    "drop": "exclude ignore skip leave_out drop_columns exclude_columns",
    "batch_size": "chunk_size chunksize",
    "rules": "constraint",
    "llm": "client language_model",
}
"""For arguments of ours, what other libraries call them."""

_LONGEST_VALUE = 60


def teaching(function: F) -> F:
    """Have an argument that a function does not have answered with the name that is meant.

    Examples
    --------
    >>> @teaching
    ... def draw(n_samples=None):
    ...     return n_samples
    >>> draw(num_rows=5)
    Traceback (most recent call last):
    tablewright.errors.ArgumentError: draw() has no argument 'num_rows'; write n_samples=5
    """
    signature = inspect.signature(function)
    known = [name for name in signature.parameters if name != "self"]

    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> Any:
        for name, value in kwargs.items():
            if name not in known:
                owner = type(args[0]) if args and "self" in signature.parameters else None
                raise ArgumentError(_answer(function.__name__, owner, known, name, value))
        _check_positions(signature, function, known, args)
        return function(*args, **kwargs)

    return cast(F, checked)


def check_names(kind: type, arguments: Mapping[str, Any]) -> None:
    """Check the names that a class is made with, as `teaching` does."""
    # Of its __init__: Python 3.11.2 has the signature of a class from an inherited __new__.
    initial = inspect.getattr_static(kind, "__init__")
    known = [name for name in inspect.signature(initial).parameters if name != "self"]
    for name, value in arguments.items():
        if name not in known:
            raise ArgumentError(_answer("__init__", kind, known, name, value))


def check_options(what: str, kind: Callable[..., Any], options: Iterable[str]) -> None:
    """Check the names of the options of a part before it is made.

    Raises
    ------
    InputError
        Names the first that it does not have, and the nearest that it has.
    """
    try:
        parameters = inspect.signature(kind).parameters
    except (TypeError, ValueError):  # a part of another package may be compiled
        return
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    for name in options:
        if name not in parameters:
            has = suggest(name, parameters) or "; it has none"
            raise ArgumentError(f"{what} has no option {name!r}{has}")


def _check_positions(
    signature: inspect.Signature, function: Any, known: list[str], args: tuple[Any, ...]
) -> None:
    """Refuse more arguments without names than there are places for."""
    by_place = [p for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    if len(args) <= len(by_place):
        return
    named = [name for name in known if name not in [p.name for p in by_place]]
    raise ArgumentError(
        f"{function.__name__}() takes {', '.join(p.name for p in by_place if p.name != 'self')} "
        f"without names, and {args[len(by_place)]!r:.60} is one too many; name the others: "
        f"{', '.join(f'{name}=' for name in named[:6])}"
    )


def _answer(function: str, owner: type | None, known: list[str], name: str, value: Any) -> str:
    called = owner.__name__ if owner and function == "__init__" else function
    says = f"{called}() has no argument {name!r}"
    if meant := _meant(name, known):
        return f"{says}; write {meant}={_shown(value)}"
    for other in ("__init__", "fit", "sample"):  # a step before or after this one may have it
        method = getattr(owner, other, None)
        if method is None or other == function:
            continue
        there = [p for p in inspect.signature(method).parameters if p != "self"]
        if meant := name if name in there else _meant(name, there):
            place = owner.__name__ if owner and other == "__init__" else f".{other}"
            return f"{says}; give it as {place}({meant}={_shown(value)})"
    return f"{says}{suggest(name, known)}"


def _meant(name: str, known: list[str]) -> str | None:
    return next(
        (own for own, others in _MEANT.items() if own in known and name in others.split()), None
    )


def _shown(value: Any) -> str:
    """Return a plain value as one would write it."""
    plain = isinstance(value, str | int | float | dict | list | tuple)
    text = repr(value) if plain else "..."
    return text if len(text) <= _LONGEST_VALUE else "..."
