"""Which candidates a call of DATE returns: by the bandit, or as the paper's program does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from tablewright.errors import InputError
from tablewright.random_state import Stream
from tablewright.selection.selector import Selection, Selector, cut_groups
from tablewright.systems.common.request import SampleRequest
from tablewright.systems.common.result import Result
from tablewright.systems.date.published import chosen_as_published

if TYPE_CHECKING:
    from tablewright.systems.date.system import DATE


def choose(
    system: DATE, rows: pl.DataFrame, groups: list[str], request: SampleRequest, result: Result
) -> pl.DataFrame:
    """Return the candidates that are kept; the result has the others, with the reason.

    Where classes are asked for by number, all candidates come back, the worthiest group first.
    """
    real, schema = system.known_, system.writable_
    if system.variant == "published" and request.quotas is None:
        taken = chosen_as_published(real, rows, groups, schema, system.seed_, request.n_rows)
        return _kept(rows, taken, groups, result, "its group raised no tree's accuracy")
    seed = int(request.rng(Stream.DATE_SELECT).integers(2**31))
    selector = Selector(
        system.strategy, n_samples=request.n_rows, learners=system.learners, random_state=seed
    )
    try:
        selector.fit_typed(real, schema)
    except InputError as error:
        result.note(f"rows were taken as they came: {error}")
        return rows
    selection = selector.choose(rows, groups, request.n_rows)
    result.details["selection"] = selection
    for line in str(selection).splitlines():
        result.note(line)
    if request.quotas is not None:
        result.note("classes were asked for by number, so groups were ranked and none refused")
        return rows[_by_worth(selection, groups)]
    taken = selection.chosen.tolist()
    return _kept(rows, taken, groups, result, "its group adds nothing sure")


def _kept(
    rows: pl.DataFrame, taken: Sequence[int], groups: list[str], result: Result, why: str
) -> pl.DataFrame:
    kept = np.zeros(rows.height, dtype=bool)
    kept[np.asarray(taken, dtype=np.intp)] = True
    reasons = [f"{why} ({group})" for group, one in zip(groups, kept, strict=True) if not one]
    result.reject(rows.filter(~kept), "selection", reasons)
    return rows.filter(kept)


def _by_worth(selection: Selection, groups: list[str]) -> list[int]:
    """Return all rows, those of the worthiest groups first."""
    values = selection.arms["value"].fill_null(0.0).to_numpy()
    _, arm_of = cut_groups(groups)
    return [int(row) for row in np.argsort(-values[arm_of], kind="stable")]
