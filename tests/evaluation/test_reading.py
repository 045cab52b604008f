"""Rows that are read to be judged, and what weakens their numbers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tablewright.errors import InputError
from tablewright.evaluation.evaluate.evaluate import read_leniently
from tablewright.evaluation.evaluate.findings import findings_of
from tablewright.evaluation.evaluate.tables import Tables
from tablewright.evaluation.evaluate.warnings import MANY_ROWS, sampled, unjudged, warnings_of
from tablewright.metrics.encoder import EncodedRows, FeatureEncoder
from tablewright.metrics.scores import Direction, Score
from tablewright.schema import Schema

SCHEMA = Schema.build(
    {"id": "identifier", "n": "integer", "x": "continuous", "y": "categorical"}, target="y"
)


def frame(n: int) -> pl.DataFrame:
    values = {
        "id": [f"k{i}" for i in range(n)],
        "n": list(range(n)),
        "x": [i / 2 for i in range(n)],
    }
    return pl.DataFrame({**values, "y": [("a", "b")[i % 2] for i in range(n)]})


def encoded(rows: pl.DataFrame, real: pl.DataFrame | None = None) -> EncodedRows:
    return FeatureEncoder.fit(frame(120) if real is None else real, SCHEMA).rows(rows)


def test_cells_of_another_kind_stay_and_extra_columns_come_last() -> None:
    rows = pl.DataFrame({"more": [1, 2], "n": ["3", "four"], "x": ["0.5", "1"], "y": ["a", "b"]})
    read, n_rows = read_leniently(rows, SCHEMA)
    assert n_rows == 2
    assert read.columns == ["n", "x", "y", "more"]
    assert read["n"].to_list() == ["3", "four"]
    assert read["x"].to_list() == [0.5, 1.0]


def test_scores_of_a_sample_are_named_with_their_rows() -> None:
    scores = [Score(name, 0.5, Direction.HIGHER, rows=n) for name, n in (("a", 50), ("b", 60))]
    scores += [Score("c", 0.5, Direction.HIGHER, rows=50), Score("all", 0.5, Direction.HIGHER)]
    (sentence,) = sampled(MANY_ROWS + 1, {"fidelity": scores[:2], "privacy": scores[2:]})
    assert "20,001 generated rows" in sentence
    assert sentence.endswith("50 rows: a, c; 60 rows: b")
    assert sampled(MANY_ROWS, {"fidelity": scores}) == []


def test_few_holdout_rows_unreadable_cells_and_fractions_are_noted() -> None:
    real = encoded(frame(120))
    result = encoded(frame(40).with_columns(n=pl.Series(["old"] * 10 + ["1.5"] * 10 + ["2"] * 20)))
    notes = warnings_of(real, result, encoded(frame(99)), frame(120), frame(99), None, None)
    assert [note.split(":")[0] for note in notes] == [
        "the holdout has 99 rows",
        "25% of the generated cells of 'n' cannot be read as integer and count as missing",
        "25% of the generated cells of 'n' are no whole numbers, and all real ones are",
    ]
    unreadable = warnings_of(real, real, result, frame(120), frame(40), None, None)
    assert unreadable[1].startswith("25% of the holdout cells of 'n' cannot be read as integer")
    assert warnings_of(real, real, encoded(frame(100)), frame(120), frame(100), None, None) == []


def test_groups_on_both_sides_and_early_times_are_noted() -> None:
    train, held = frame(120), frame(120).with_columns(id=pl.col("id").str.replace("k1", "z1"))
    tables = encoded(train), encoded(train), encoded(held)
    both = warnings_of(*tables, train, held, "id", "n")
    shared = len(set(train["id"]) & set(held["id"]))
    assert both[0].startswith(f"{shared} groups of 'id' have training and holdout rows")
    assert both[1].startswith("120 of 120 holdout rows are no later in 'n'")
    later = held.with_columns(pl.col("n") + 1000)
    assert warnings_of(*tables, train, later, None, "n") == []
    with pytest.raises(InputError, match="no column 'city' to group by"):
        warnings_of(*tables, train, held, "city", None)


def test_identifiers_and_extra_columns_are_named() -> None:
    extra = frame(3).with_columns(seen=pl.lit(1), house=pl.lit(2))
    assert unjudged(SCHEMA, "house", {"holdout": extra, "synthetic": frame(2)}) == [
        "not judged: 'id' (identifiers)",
        "not judged: 'seen' of the holdout table, which the training rows do not have",
    ]


def test_rows_are_cut_to_the_real_class_mix() -> None:
    real = encoded(frame(120).with_columns(y=pl.Series(["a"] * 90 + ["b"] * 30)))
    result = encoded(frame(60).with_columns(y=pl.Series(["a"] * 30 + ["b"] * 30)))
    cut = Tables(real, result, real).in_real_mix(np.random.default_rng(0))
    assert cut is not None
    target = real.encoder.target
    labels = [real.features[3 - 1].levels[int(c)] for c in cut.synthetic.values[:, target]]  # type: ignore[index]
    assert sorted(labels) == ["a"] * 30 + ["b"] * 10


def test_a_mix_without_one_class_is_judged_on_the_others() -> None:
    real = encoded(frame(120))
    result = encoded(frame(20).with_columns(y=pl.lit("b")))
    cut = Tables(real, result, real).in_real_mix(np.random.default_rng(0))
    assert cut is not None
    assert [len(rows) for rows in cut.three] == [60, 20, 60]
    strange = encoded(frame(20).with_columns(y=pl.lit("z")))
    assert Tables(real, strange, real).in_real_mix(np.random.default_rng(0)) is None


@pytest.mark.parametrize(
    ("score", "is_worse"),
    [
        (Score("coverage", 0.5, Direction.HIGHER, "", (0.4, 0.6), {"real": 0.7}), True),
        (Score("coverage", 0.5, Direction.HIGHER, "", (0.4, 0.7), {"real": 0.7}), False),
        (Score("coverage", 0.5, Direction.HIGHER, "", None, {"real": 0.7}), False),
        (Score("coverage", 0.5, Direction.HIGHER, "", (0.4, 0.6), {}), False),
        (Score("exact_copies", 0.1, Direction.LOWER, "", (0.05, 0.2), {"real": 0.04}), True),
        (Score("exact_copies", 0.1, Direction.LOWER, "", (0.03, 0.2), {"real": 0.04}), False),
        (
            Score("detection_linear", 0.6, Direction.TARGET, "", (0.55, 0.7), {"real": 0.5}, 0.5),
            True,
        ),
        (
            Score("detection_linear", 0.6, Direction.TARGET, "", (0.55, 0.7), {"real": 0.58}, 0.5),
            False,
        ),
        (Score("tstr_auroc", 0.1, Direction.HIGHER, "", (0.0, 0.2), {"real": 0.9}), False),
        (Score.undefined("coverage", Direction.HIGHER, "too few rows"), False),
    ],
)
def test_a_finding_has_its_whole_interval_on_the_bad_side(score: Score, is_worse: bool) -> None:
    assert bool(findings_of([score])) is is_worse


def test_classes_that_a_holdout_cannot_test_and_unknown_ones_are_named() -> None:
    def labelled(*labels: str) -> pl.DataFrame:
        return frame(len(labels)).with_columns(y=pl.Series(labels))

    train = labelled(*["a"] * 100, *["b"] * 12, *["c"] * 5)
    real = encoded(train, train)
    held = encoded(labelled(*["a"] * 100, *["b"] * 2, *["c"] * 3, "d"), train)
    made = encoded(labelled(*["a"] * 30, "e", "f"), train)
    assert warnings_of(real, made, held, train, train, None, None) == [
        "class 'b' has 12 training rows and 2 holdout rows: whether generated rows help it cannot "
        "be tested",
        "2 generated rows have a class that no training row has: left out",
        "1 holdout rows have a class that no training row has: left out",
    ]
