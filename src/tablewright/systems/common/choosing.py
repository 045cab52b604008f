"""From the name of a method, or a model file, to an estimator: a system or a synthesizer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tablewright.arguments import check_options
from tablewright.errors import InputError
from tablewright.registry import names, no_such, resolve
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.tables.io.model_file import reading

if TYPE_CHECKING:
    from tablewright.systems.common.base import Models, System


def estimator(
    method: Any,
    *,
    target: str | None = None,
    schema: Any = None,
    options: Mapping[str, Any] | None = None,
    random_state: Any = None,
    llm: Models = None,
    rules: Any = None,
) -> Synthesizer | System:
    """Make the estimator that a method stands for.

    Parameters
    ----------
    method : str or generator
        ``"auto"``, a generator or a system.
    target, schema, random_state
        See `Synthesizer`.
    options : mapping or None, default=None
        Parameters of the generator, or of the system.
    llm : LLM, mapping of str to LLM or None, default=None
        Models of a system, one for all roles or by role.
    rules : path, list, mapping, Rules or None, default=None
        For systems that want to know them before they learn.

    Raises
    ------
    InputError
        If there is no such method, it has no such option, or it uses no language model.

    Examples
    --------
    >>> estimator("trees", target="y").method
    'trees'
    >>> estimator("tree")
    Traceback (most recent call last):
    tablewright.errors.InputError: no method is called 'tree'; did you mean 'trees'?
    """
    known = ["auto", *names("generators"), *names("systems")]
    if isinstance(method, str) and method not in known:
        raise no_such("method", method, known)
    if method in names("systems"):
        kind = resolve("systems", method)
        if rules is not None and kind.learns_rules:
            options = {"rules": rules, **(options or {})}
        check_options(f"method {method!r}", kind, options or {})
        try:
            result: System = kind(
                target=target, schema=schema, random_state=random_state, llm=llm, **(options or {})
            )
        except TypeError as error:
            raise InputError(f"method {method!r}: {error}") from error
        return result
    if llm is not None:
        raise InputError(
            f"method {method!r} uses no language model; leave the model out, or take one of "
            f"{', '.join(names('systems'))}"
        )
    return Synthesizer(
        method, target=target, schema=schema, options=options, random_state=random_state
    )


def load(path: str | Path) -> Any:
    """Read what `save` of a synthesizer or of a system wrote; nothing in the file is run.

    Raises
    ------
    InputError
        If the file is not one, or the system that wrote it is not installed.
    """
    with reading(path) as file:
        name = file.facts.get("system")
        if name is None:
            return Synthesizer.restore(file)
    if name not in names("systems"):
        raise InputError(f"{path} was written by the system {name!r}, which is not installed")
    return resolve("systems", name).load(path)
