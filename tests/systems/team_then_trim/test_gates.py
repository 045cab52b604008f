"""The gates of a team: which Trim judges, and what is returned where a pool is in doubt."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.selection.pipeline import Trimmed
from tablewright.selection.trim import Trim
from tablewright.systems import Result, RowsWarning
from tablewright.systems.team_then_trim import gates
from tablewright.systems.team_then_trim.gates import Gates
from tablewright.systems.team_then_trim.system import TeamThenTrim
from tests.people import people

SCHEMA = Schema.build({"x": "continuous", "y": "categorical"}, target="y")
REAL = pl.DataFrame({"x": [float(k) for k in range(40)], "y": ["a", "b"] * 20})


class Fixed(Trim):
    """Judges by a list of stages; what it was set to is kept."""

    stages: tuple[str, ...] = ()

    def fit_typed(self, frame: pl.DataFrame, schema: Schema) -> Fixed:
        return self

    def judge(self, frame: pl.DataFrame, batches: Any = None, **_: Any) -> Trimmed:
        stages = list(self.stages)
        n = len(stages)
        keep = np.array([not stage for stage in stages])
        notes = (
            [] if keep.any() else [f"nothing was kept of {n} candidates: use the real rows alone"]
        )
        reasons = [f"for {stage}" if stage else "" for stage in stages]
        return Trimmed(
            frame, keep, stages, reasons, np.zeros(n), frame.clear(), [], ["known", *notes]
        )


def judged(monkeypatch: pytest.MonkeyPatch, *stages: str, **options: Any) -> tuple[Any, Result]:
    monkeypatch.setattr(gates, "Trim", Fixed)
    monkeypatch.setattr(Fixed, "stages", stages)
    result = Result(len(stages))
    judge = Gates(options.get("trim", "auto"), "default", REAL, SCHEMA).judge(0, result)
    assert judge is not None
    return judge(REAL.head(len(stages)), list(range(len(stages)))), result


def test_rows_that_the_pool_alone_fails_are_returned_with_the_doubt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verdict, result = judged(monkeypatch, "sanity", "diversity", "information gain", "labels")
    assert verdict.keep.tolist() == [False, True, True, True]
    assert list(verdict.stages) == ["sanity", "", "", ""]
    assert list(verdict.reasons) == ["for sanity", "", "", ""]
    assert verdict.doubt == (
        "the checks of the whole pool keep none of its 4 rows (diversity: for diversity): whether "
        "it helps is in doubt; returned are the rows that pass the checks of single rows"
    )
    assert list(verdict.notes) == ["known"]
    assert result.details["trimmed"].n_kept == 3


@pytest.mark.parametrize(
    ("stages", "options"),
    [
        (("", "diversity"), {}),
        (("sanity", "cost band"), {}),
        (("labels", "labels"), {"trim": {"trust": "data"}}),
        (("labels", "labels"), {"trim": {"trust": "generator"}}),
    ],
    ids=["some are kept", "single rows fail", "the data are believed", "the generator is believed"],
)
def test_what_gates_say_stands_where_they_keep_rows_or_somebody_said_whom_to_trust(
    monkeypatch: pytest.MonkeyPatch, stages: tuple[str, ...], options: dict[str, Any]
) -> None:
    verdict, _ = judged(monkeypatch, *stages, **options)
    assert verdict.keep.tolist() == [not stage for stage in stages]
    assert verdict.doubt == ""
    kept_note = any(note.startswith("nothing was kept") for note in verdict.notes)
    assert kept_note is ("" not in stages)


@pytest.mark.parametrize(
    ("trim", "variant", "expected"),
    [
        ("auto", "default", ("default", None, None, "refit")),
        ("auto", "published", ("published", "percentile", 0.0, "frozen")),
        ({"c": 2.0, "update": "refit"}, "published", ("published", "percentile", 2.0, "refit")),
        ({"variant": "default"}, "published", ("default", None, None, "refit")),
        ({"variant": "published"}, "default", ("published", "percentile", 0.0, "frozen")),
        (Trim(variant="published"), "default", ("published", None, None, "refit")),
    ],
)
def test_published_gates_are_read_so_that_they_keep_something(
    trim: Any, variant: str, expected: tuple[Any, ...]
) -> None:
    made = Gates(trim, variant, REAL, SCHEMA)._trim()
    assert (made.variant, made.diversity, made.c, made.update) == expected
    assert made is not trim


@pytest.mark.parametrize(
    ("trim", "variant", "n_rows", "target", "doubtful"),
    [
        ("auto", "default", 29, "y", True),
        ("auto", "default", 30, "y", False),
        ("auto", "published", 29, "y", False),
        ("auto", "default", 29, None, False),
        ({"trust": "data"}, "default", 29, "y", False),
        (None, "default", 29, "y", False),
    ],
)
def test_below_thirty_real_rows_the_default_trusts_the_generator(
    trim: Any, variant: str, n_rows: int, target: str | None, doubtful: bool
) -> None:
    made = Gates(trim, variant, REAL.head(n_rows), SCHEMA.with_target(target))
    assert made.is_doubtful is doubtful


def test_gates_are_named_wrongly_only_once() -> None:
    with pytest.raises(InputError, match="trim is 'auto', a Trim, its parameters"):
        Gates("strict", "default", REAL, SCHEMA)
    assert Gates(None, "default", REAL, SCHEMA).judge(0, Result(1)) is None


@pytest.mark.parametrize("n_real", [10, 60])
@pytest.mark.filterwarnings("ignore::tablewright.selection.trim.TrimWarning")
def test_whoever_asks_the_published_variant_for_rows_gets_some(n_real: int) -> None:
    """The paper's own sizes; every gate passes, or the doubt is a warning and a note."""
    system = TeamThenTrim("state", variant="published", random_state=0).fit(people(n_real, seed=2))
    with pytest.warns(RowsWarning) as warned:
        rows = system.sample(40)
    assert rows.height > 0
    doubts = [str(one.message) for one in warned if "is in doubt" in str(one.message)]
    trimmed = system.result_.details["trimmed"]
    kept_by_all = trimmed.counts[-1][2]
    assert bool(doubts) is (kept_by_all == 0)
    assert set(doubts) <= set(system.result_.notes)
