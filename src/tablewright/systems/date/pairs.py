"""Preference pairs: a row as a question, its label as the good answer, another as the bad one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.llm.prompts.sharing import Sharing
from tablewright.random_state import seed_of
from tablewright.selection.candidates import read_candidates
from tablewright.tables.encoding.row_digests import row_digests
from tablewright.tables.io.loading import load_as_said
from tablewright.tables.io.writing import write_text
from tablewright.tables.table import load_raw

Message = dict[str, str]
Pair = dict[str, list[Message]]


@dataclass(frozen=True)
class Pairs:
    """Pairs in the conversational form that TRL reads, in two splits.

    Attributes
    ----------
    train, validation : list of dict
        Each with ``prompt``, ``chosen`` and ``rejected``, lists of messages.
    """

    train: list[Pair]
    validation: list[Pair]

    def write(self, path: str | Path, validation: str | Path | None = None) -> None:
        """Write the splits as JSON Lines."""
        for place, pairs in ((path, self.train), (validation, self.validation)):
            if place is not None:
                lines = [json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs]
                write_text("".join(lines), Path(place))


def preference_pairs(
    rows: Any,
    schema: Any = None,
    *,
    target: str | None = None,
    validation: float = 0.2,
    exclude: Any = None,
    random_state: Any = None,
) -> Pairs:
    """Make a preference pair of each row.

    Parameters
    ----------
    rows : frame or path
        Generated or real rows, the target among the columns.
    schema : Schema, mapping, path or None, default=None
    target : str or None, default=None
        The label; that of the schema where None.
    validation : float, default=0.2
        Share of the rows for validation. Rows with equal features are on one side.
    exclude : frame, path or None, default=None
        Rows, such as those of a test set, whose features no pair may have.
    random_state : int, RandomState or None, default=None
        Seed of the split and of wrong answers.

    Returns
    -------
    Pairs

    Raises
    ------
    InputError
        If there is no target, it has one value alone, or the share is not below 1.

    Examples
    --------
    >>> rows = pl.DataFrame({"dose": [k / 7 for k in range(20)], "ill": ["no", "yes"] * 10})
    >>> pairs = preference_pairs(rows, target="ill", random_state=0)
    >>> len(pairs.train), len(pairs.validation), pairs.train[0]["chosen"][0]["role"]
    (16, 4, 'assistant')
    """
    if not 0 <= validation < 1:
        raise InputError(f"validation is a share from 0 to below 1, not {validation}")
    table = load_as_said(rows, schema, target)
    name = table.schema.target
    if name is None:
        raise InputError("preference pairs need the column that is asked for: name the target")
    features = [column.name for column in table.schema.modelled if column.name != name]
    if not features:
        raise InputError("preference pairs need columns to ask by; there are identifiers alone")
    frame = table.frame.drop_nulls(name)
    keys = row_digests(frame.select(features))
    if exclude is not None:
        raw, _ = load_raw(exclude)
        others = read_candidates(raw, table.schema, frame).frame
        fresh = ~np.isin(keys, row_digests(others.select(features)))
        frame, keys = frame.filter(fresh), keys[fresh]
    labels = _written(frame, [name])
    rng = np.random.default_rng(seed_of(random_state))
    wrong = _wrong([label[name] for label in labels], table.schema[name].kind.is_discrete, rng)
    pairs = list(_paired(_written(frame, features), name, labels, wrong))
    different = np.unique(keys)
    held = rng.permutation(different)[: round(len(different) * validation)]
    asked = np.isin(keys, held)
    return Pairs(
        [pair for pair, out in zip(pairs, asked, strict=True) if not out],
        [pair for pair, out in zip(pairs, asked, strict=True) if out],
    )


def _written(frame: pl.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    return [dict(row) for row in Sharing("rows").cells(frame.select(names))]


def _wrong(labels: list[Any], classes: bool, rng: np.random.Generator) -> list[Any]:
    """Return a wrong answer for each row: another class, or a number a good way off."""
    different = list(dict.fromkeys(labels))
    if len(different) < 2:
        raise InputError("the target has one value alone, so there is no wrong answer")
    if classes:
        far = [[k for k, other in enumerate(different) if other != label] for label in different]
    else:  # no value is nearer than half a standard deviation to all others
        numbers, least = np.array(different, dtype=float), np.std(np.array(labels, dtype=float)) / 2
        far = [np.flatnonzero(abs(numbers - number) >= least).tolist() for number in numbers]
    others = dict(zip(different, far, strict=True))
    return [different[rng.choice(others[label])] for label in labels]


def _paired(
    rows: list[dict[str, Any]], name: str, labels: list[dict[str, Any]], wrong: list[Any]
) -> Iterator[Pair]:
    for row, label, other in zip(rows, labels, wrong, strict=True):
        facts = "\n".join(f"{column}: {_text(cell)}" for column, cell in row.items())
        question = f"{facts}\n\nWhat is {name}? Answer with its value alone."
        yield {
            "prompt": [{"role": "user", "content": question}],
            "chosen": [{"role": "assistant", "content": _text(label[name])}],
            "rejected": [{"role": "assistant", "content": _text(other)}],
        }


def _text(cell: Any) -> str:
    return "unknown" if cell is None else str(cell)
