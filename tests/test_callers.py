"""Warnings point at the line that called us, from whatever depth they come."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright import DATE, EPIC, Synthesizer, Trim, generate
from tablewright.generators.parts.local import FewRowsWarning
from tablewright.selection import TrimWarning
from tablewright.synthesizer.estimator import CopiedValuesWarning
from tablewright.synthesizer.row_rules import RuleWarning


def table(n_rare: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "age": rng.integers(18, 90, 60),
            "income": rng.normal(40, 9, 60).round(2),
            "member": ["yes"] * n_rare + ["no"] * (60 - n_rare),
        }
    )


def sampled_where() -> Any:
    return Synthesizer("trees", random_state=0).fit(table()).sample(3, where="member = 'yes'")


def streamed_where() -> Any:
    model = Synthesizer("independent", random_state=0).fit(table())
    return list(model.batches(3, where="member = 'yes'"))


def sampled_by_rule() -> Any:
    model = Synthesizer("independent", random_state=0).fit(table())
    return model.sample(5, rules=["income >= 40"])


def generated_by_rule() -> Any:
    return generate(
        table(), n_samples=5, method="independent", rules=["income >= 40"], random_state=0
    )


def sampled_of_a_system() -> Any:
    return EPIC("member", random_state=0).fit(table()).sample(5, rules=["income >= 40"])


def resampled() -> Any:
    frame = table()
    return Synthesizer("independent", random_state=0).fit_resample(
        frame.drop("member"), frame["member"]
    )


def fitted_with_texts() -> Any:
    texts = [f"She said {k} words, and then went home by {k} other ways." for k in range(60)]
    return Synthesizer("independent").fit(table(20).with_columns(note=pl.Series(texts)))


def parts_of_few() -> Any:
    return (
        DATE("member", strategy="none", rounds=0, random_state=0)
        .fit(table(2))
        .sample(4, rules=["income >= 40"])
    )


def trimmed_as_published() -> Any:
    frame = table(20)
    return Trim("member", variant="published", c=0.0, random_state=0).fit(frame).transform(frame)


def judged_as_published() -> Any:
    frame = table(20)
    model = Trim("member", variant="published", c=0.0, random_state=0).fit(frame)
    return model.judge(model.train_)


@pytest.mark.parametrize(
    ("call", "category"),
    [
        (sampled_where, FewRowsWarning), (streamed_where, FewRowsWarning),
        (sampled_by_rule, RuleWarning), (generated_by_rule, RuleWarning),
        (sampled_of_a_system, RuleWarning), (resampled, FewRowsWarning),
        (fitted_with_texts, CopiedValuesWarning), (parts_of_few, RuleWarning),
        (trimmed_as_published, TrimWarning), (judged_as_published, TrimWarning),
    ],
)  # fmt: skip
def test_warning_names_the_file_of_whoever_called(
    call: Callable[[], Any], category: type[Warning]
) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    ours = [one for one in caught if issubclass(one.category, category)]
    assert ours
    assert {one.filename for one in ours} == {__file__}
    first = call.__code__.co_firstlineno
    assert all(first < one.lineno < first + 6 for one in ours)
