"""One method on one split: what a model reaches on the rows that were set aside."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.evaluation.compare.splits import Split, schema_of_training
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.learners import Design, Task
from tablewright.metrics.trials import Arm, Draw, run_trials
from tablewright.metrics.utility import control_arms, task_of, usable
from tablewright.schema import Schema
from tablewright.systems import System, estimator
from tablewright.systems.common.base import Models

CONTROLS = ("nothing", "class weights", "threshold", "copies", "balanced copies")


@dataclass(frozen=True)
class Written:
    """Rows that a writer made, and what they cost in US dollars."""

    rows: pl.DataFrame
    money: float = 0.0


Writer = Callable[[pl.DataFrame, Schema, int, int], Written]
"""From training rows, their schema, a number of rows and a seed to rows."""


def read_method(name: str) -> tuple[str, str | None]:
    """Read the name of a method: what makes the rows, and how classes are balanced.

    Raises
    ------
    InputError
        If what follows the colon is neither ``equal`` nor ``fill``.

    Examples
    --------
    >>> read_method("trees:fill"), read_method("copula")
    (('trees', 'fill'), ('copula', None))
    """
    generator, _, balance = name.partition(":")
    if balance not in ("", "equal", "fill"):
        raise InputError(f"method {name!r}: after the colon stands 'equal' or 'fill'")
    return generator, balance or None


@dataclass(frozen=True)
class Settings:
    """What all trials of a comparison share.

    Attributes
    ----------
    n_samples : int or None
        Rows that each method adds; as many as there are training rows where None.
    n_trees : int
        Rounds of boosting of the learner.
    models : str
        Which language models systems have, in words; trials with others are others.
    """

    n_samples: int | None = None
    n_trees: int = 40
    models: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)


def run_trial(
    frame: pl.DataFrame,
    schema: Schema,
    split: Split,
    method: str,
    seed: int,
    settings: Settings,
    writer: Writer | None = None,
) -> dict[str, Any]:
    """Run one method, or control, on one split.

    Returns
    -------
    dict
        ``"values"``: measures, the mean of two learners; ``"seconds"`` and ``"money"`` of making
        the rows; ``"rows"`` that were added; ``"error"`` in place of them where it failed.
    """
    train, test = frame[split.train], frame[split.test]
    encoder = FeatureEncoder.fit(train, schema)
    real, asked = (_known(encoder.rows(rows)) for rows in (train, test))
    task = task_of(real, settings.n_trees)
    if isinstance(task, str) or not len(asked):
        return {"error": task if isinstance(task, str) else "no row to judge on has a target"}
    rng = np.random.default_rng(seed)
    if method in CONTROLS:
        return _measured(_control_arm(method), real, real, asked, task, rng) | _cost(0.0, 0.0, 0)
    started = clock.process_time()
    try:
        created = (writer or method_writer(method))(
            train, schema_of_training(schema, train), settings.n_samples or train.height, seed
        )
    except InputError as error:
        return {"error": str(error)}
    seconds = clock.process_time() - started
    rows = _known(encoder.rows(created.rows))
    arm = Arm(lambda draw, _: draw.train.join(draw.synthetic))
    result = _measured(arm, real, rows, asked, task, rng)
    return result | _cost(seconds, created.money, len(rows))


def _known(rows: EncodedRows) -> EncodedRows:
    return rows.take(usable(rows))


def _cost(seconds: float, money: float, rows: int) -> dict[str, Any]:
    return {"seconds": round(seconds, 3), "money": money, "rows": rows}


def _measured(
    arm: Arm,
    real: EncodedRows,
    pool: EncodedRows,
    asked: EncodedRows,
    task: Task,
    rng: np.random.Generator,
) -> dict[str, Any]:
    trials = run_trials({"arm": arm}, real, {"synthetic": pool}, asked, task, rng, n_halves=0)
    values = {measure: trials.value("arm", measure) for measure in trials.measures}
    return {"values": {k: None if np.isnan(v) else v for k, v in values.items()}}


def _control_arm(name: str) -> Arm:
    if name == "nothing":
        return Arm(lambda draw, _: draw.train)
    return Arm(_balanced_copies) if name == "balanced copies" else control_arms({})[name]


def _balanced_copies(draw: Draw, rng: np.random.Generator) -> Design:
    """Training rows, and copies of the classes below the largest until all are as large."""
    labels, counts = np.unique(draw.train.y, return_counts=True)
    if draw.rows.features[draw.rows.encoder.target or 0].levels is None:
        return draw.train
    indices = [
        rng.choice(np.flatnonzero(draw.train.y == label), size=counts.max() - count)
        for label, count in zip(labels, counts, strict=True)
    ]
    return draw.train.join(draw.train.take(np.concatenate(indices)))


def method_writer(name: str, llm: Models = None) -> Writer:
    """Return the function that fits one of our methods and draws from it.

    Parameters
    ----------
    name : str
    llm : LLM, mapping of str to LLM or None, default=None
        Models of a system.
    """
    generator, balance = read_method(name)

    def write(train: pl.DataFrame, schema: Schema, n_rows: int, seed: int) -> Written:
        options: Mapping[str, Any] = {"balance": balance} if balance else {}
        result = estimator(generator, schema=schema, random_state=seed, llm=llm).fit(train)
        rows = result.sample(None if balance == "fill" else n_rows, **options)
        cost = result.result_.usage.cost if isinstance(result, System) else 0.0
        return Written(rows, cost or 0.0)

    return write
