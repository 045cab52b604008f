"""One-liners for frames of any library and for files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tablewright.arguments import teaching
from tablewright.evaluation import compare as comparing
from tablewright.evaluation import profile as profiling
from tablewright.evaluation.evaluate import evaluate
from tablewright.progress import bar, steps
from tablewright.rules.expressions import Where
from tablewright.synthesizer.quotas import Balance
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.systems import estimator
from tablewright.systems.common.base import Models
from tablewright.tables.io.loading import load_as_said, load_to_learn

__all__ = ["compare", "evaluate", "generate", "impute", "profile"]


@teaching
def generate(
    train: Any,
    target: str | None = None,
    n_samples: int | None = None,
    *,
    method: str = "auto",
    where: Where | None = None,
    balance: Balance | None = None,
    rules: Any = None,
    schema: Any = None,
    drop: Sequence[str] | None = None,
    options: Mapping[str, Any] | None = None,
    random_state: Any = None,
    llm: Models = None,
) -> Any:
    """Learn a table and write rows like it.

    Parameters
    ----------
    train : frame or path
        Real rows.
    target : str or None, default=None
        The column that a model is to predict.
    n_samples : int or None, default=None
        Rows wanted; as many as there are real ones where None, or as many as the smaller
        classes lack with ``balance="fill"``.
    method, schema, options
        See `Synthesizer`; `method` may be a system too, such as ``"cllm"``.
    drop : sequence of str or None, default=None
        Columns that are left out: not learned, and not in the rows.
    random_state : int, RandomState or None, default=None
        Seed: the same call with the same seed gives the same rows. Fresh rows at every call
        where None.
    where, balance, rules
        See `Synthesizer.sample`.
    llm : LLM, mapping of str to LLM or None, default=None
        Models of a system, one for all roles or by role; see `tablewright.llm.connect`.

    Returns
    -------
    frame of shape (n_samples, n_columns)
        Of the kind of `train`; polars where that is a file.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"age": list(range(20, 60)), "member": ["yes", "no"] * 20})
    >>> generate(table, "member", 3, where="age < 30").shape
    (3, 2)
    """
    table = load_to_learn(train, schema, target, drop)
    learner = estimator(
        method,
        schema=table.schema,
        options=options,
        random_state=random_state,
        llm=llm,
        rules=rules,
    )
    return learner.fit(table).sample(n_samples, where=where, balance=balance, rules=rules)


@teaching
def profile(data: Any, target: str | None = None, *, schema: Any = None) -> profiling.Profile:
    """Say what a table holds, and what looks wrong with it.

    Parameters
    ----------
    data : frame or path
    target : str or None, default=None
        The column that a model is to predict; a likely one is named where None.
    schema
        See `Synthesizer`.

    Returns
    -------
    Profile
        Plain data; prints as a table.
    """
    table = load_as_said(data, schema, target)
    path = data if isinstance(data, str | Path) else None
    return profiling.profile(table.frame, table.schema, path)


@teaching
def compare(
    train: Any,
    target: str | None = None,
    *,
    schema: Any = None,
    drop: Sequence[str] | None = None,
    methods: Sequence[str] | None = None,
    n_samples: int | None = None,
    n_splits: int = 5,
    n_repeats: int = 2,
    resume: str | Path | None = None,
    random_state: int = 0,
    llm: Models = None,
) -> comparing.Comparison:
    """Find the method whose rows help a model of a table most, nothing added among them.

    Parameters
    ----------
    train : frame or path
        Real rows.
    target : str or None, default=None
        The column that a model is to predict.
    schema
        See `Synthesizer`.
    drop : sequence of str or None, default=None
        Columns that are left out.
    methods : sequence of str or None, default=None
        Generators and systems by name, ``"trees:equal"`` or ``"trees:fill"`` for balanced rows.
        Where None: trees, forest, boosted trees (with XGBoost), blend, copula, Bayesian network,
        independent and SMOTE-NC, and the first and last with ``:fill`` where classes are unequal.
    n_samples : int or None, default=None
        Rows that each method adds; as many as it learns from where None.
    n_splits, n_repeats : int, default=5 and 2
        Folds, and how often they are drawn.
    resume : path or None, default=None
        File of finished trials, one a line: the same call goes on there after a stop.
    random_state : int, default=0
        Random seed.
    llm : LLM, mapping of str to LLM or None, default=None
        Models of systems among the methods.

    Returns
    -------
    Comparison
        A leaderboard; prints as a table.

    Raises
    ------
    InputError
        If there is no target, or a method has no such name.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"x": [float(i % 7) for i in range(80)], "y": ["a", "b"] * 40})
    >>> found = compare(table, "y", methods=["independent"], n_splits=2, n_repeats=1)
    >>> "independent" in str(found)
    True
    """
    table = load_as_said(train, schema, target, drop)
    with ExitStack() as shown:
        return comparing.compare(
            table.frame,
            table.schema,
            methods=methods,
            n_samples=n_samples,
            n_splits=n_splits,
            n_repeats=n_repeats,
            resume=resume,
            random_state=random_state,
            llm=llm,
            progress=steps(
                lambda done, total: shown.enter_context(bar("comparing", total - done, "trials"))
            ),
        )


@teaching
def impute(
    data: Any,
    target: str | None = None,
    *,
    method: str = "auto",
    schema: Any = None,
    options: Mapping[str, Any] | None = None,
    rules: Any = None,
    random_state: Any = None,
) -> Any:
    """Fill the empty cells of a table by draws given the rest of each row.

    Parameters
    ----------
    data : frame or path
        Rows to learn from and to fill.
    target, method, schema, options, random_state
        See `Synthesizer`.
    rules : path, list, mapping, Rules or None, default=None
        Rules whose hard ones the filled cells keep; see `Synthesizer.impute`.

    Returns
    -------
    frame
        The same rows, of the same kind; polars where `data` is a file.

    Raises
    ------
    InputError
        If the data, the schema or an option cannot be used.
    RuleError
        If the rules do not fit the table or exclude each other.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"age": [20, None, 40, 50] * 10, "member": ["yes", "no"] * 20})
    >>> impute(table)["age"].null_count()
    0
    """
    synthesizer = Synthesizer(
        method, target=target, schema=schema, options=options, random_state=random_state
    )
    return synthesizer.fit(data).impute(data, rules=rules)
