"""Parts are rules of the language, cover every row once, and find planted parts."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.rules.expressions import parse
from tablewright.schema import Schema
from tablewright.systems.date.partition import Part, Parts, partition
from tablewright.systems.date.questions import Predicate, Questions, shortest_between

SCHEMA = Schema.build(
    {
        "x": "continuous",
        "count": "integer",
        "group": {"kind": "categorical", "categories": ["a", "b'", "c"]},
        "y": {"kind": "categorical", "categories": ["no", "yes"]},
    },
    target="y",
)


def planted(n_rows: int = 900, seed: int = 0) -> pl.DataFrame:
    """Group "a" wants a large x, the others a small one."""
    rng = np.random.default_rng(seed)
    x, group = rng.normal(size=n_rows).round(3), rng.choice(["a", "b'", "c"], n_rows)
    yes = np.where(group == "a", x > 0, x < 0)
    count = rng.integers(0, 9, n_rows).astype(object)
    count[rng.random(n_rows) < 0.1] = None
    return pl.DataFrame(
        {"x": x, "count": pl.Series(count.tolist(), dtype=pl.Int64), "group": group,
         "y": np.where(yes, "yes", "no")}
    )  # fmt: skip


FRAME = planted(300)
QUESTIONS = Questions(FRAME, SCHEMA, ["x", "count", "group"])


@given(
    st.lists(
        st.tuples(
            st.integers(0, len(QUESTIONS.questions) - 1),
            st.floats(-3, 9, allow_nan=False),
            st.booleans(),
        ),
        min_size=1, max_size=5,
    )
)  # fmt: skip
@settings(max_examples=80)
def test_text_of_predicates_holds_for_the_same_rows(drawn: list[tuple[int, float, bool]]) -> None:
    predicates = [
        Predicate(q, t if QUESTIONS.questions[q].numeric else 0.5, above) for q, t, above in drawn
    ]
    expression = parse(QUESTIONS.text(predicates), SCHEMA)
    assert expression.holds(FRAME).tolist() == QUESTIONS.holds(predicates).tolist()


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_short_number_lies_between(low: float, width: float) -> None:
    high = low + width
    if low < high:
        assert low <= shortest_between(low, high) < high


@pytest.mark.parametrize("method", ["rules", "tree"])
def test_every_row_is_in_one_part_and_counts_agree(method: str) -> None:
    frame = planted()
    parts = partition(frame, SCHEMA, method=method, max_error=0.1)  # type: ignore[arg-type]
    result = parts.of(frame, SCHEMA)
    assert (result >= 0).all()
    assert np.bincount(result, minlength=len(parts)).tolist() == [part.n_rows for part in parts]


def test_rule_search_describes_planted_heterogeneity() -> None:
    frame = planted(3000)
    parts = partition(frame, SCHEMA, method="tree", max_parts=4)
    # Rules about x alone leave two thirds of a leaf in one class; with the group, nearly all.
    labels = frame["y"].to_numpy() == "yes"
    result = parts.of(frame, SCHEMA)
    purity = [max(share, 1 - share) for k in range(4) for share in [labels[result == k].mean()]]
    assert min(purity) > 0.9
    assert all("group" in part.rules[0] and "x" in part.rules[0] for part in parts.parts[:4])


def test_every_part_keeps_its_error_bound() -> None:
    rng = np.random.default_rng(0)
    noisy = planted(2000).with_columns(
        y=pl.when(pl.Series(rng.random(2000) < 0.4) & (pl.col("group") == "c"))
        .then(pl.lit("yes"))
        .otherwise(pl.col("y"))
    )
    parts = partition(noisy, SCHEMA, max_error=0.04)
    described = [part for part in parts if part.rules]
    assert described
    assert all(part.upper_error is not None and part.upper_error <= 0.04 for part in described)


def test_sharing_needs_no_more_models_than_one_a_rule() -> None:
    frame = planted(2000)
    shared = partition(frame, SCHEMA, max_error=0.05, share=True)
    alone = partition(frame, SCHEMA, max_error=0.05, share=False)
    assert len(shared) <= len(alone)


def test_same_seed_gives_the_same_parts() -> None:
    assert partition(planted(), SCHEMA, seed=3) == partition(planted(), SCHEMA, seed=3)


def test_number_is_a_target_too_and_its_error_has_no_scale() -> None:
    frame = planted().with_columns(y=(pl.col("x") * 1e6).cast(pl.Float64))
    schema = SCHEMA.replace(
        SCHEMA["y"].model_copy(update={"kind": "continuous", "categories": None})
    )
    schema = Schema.build({"x": "continuous", "count": "integer", "y": "continuous"}, target="y")
    parts = partition(frame.drop("group"), schema, max_error=0.2)
    assert parts.parts[0].error is not None
    assert parts.parts[0].error < 0.2


def test_saved_parts_are_read_back(tmp_path: Path) -> None:
    parts = partition(planted(), SCHEMA, method="tree")
    parts.save(tmp_path / "parts.yaml")
    again = Parts.load(tmp_path / "parts.yaml", SCHEMA)
    assert [part.rules for part in again] == [part.rules for part in parts]


def test_first_part_that_fits_takes_a_row() -> None:
    parts = Parts((Part("one", ("x > 0",), 0), Part("two", ("x > -1", "group = 'c'"), 0)))
    frame = pl.DataFrame({"x": [1.0, -0.5, -2.0, -2.0], "group": ["a", "a", "a", "c"]})
    assert parts.of(frame, SCHEMA).tolist() == [0, 1, -1, 1]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("parts: {", "not YAML"),
        ("rules: []", "a list of parts"),
        ("parts: [{name: a, rules: 'x > 1'}]", "part 1: give a name and a list of rules"),
        ("parts: [{name: a, rules: ['z > 1']}]", "unknown column 'z'"),
        ("parts: [{name: a, rules: [], rows: many}]", "rows and error are numbers"),
    ],
)
def test_wrong_file_of_parts_is_one_sentence(tmp_path: Path, text: str, match: str) -> None:
    path = tmp_path / "parts.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=match):
        Parts.load(path, SCHEMA)


def test_table_without_a_target_is_refused() -> None:
    with pytest.raises(InputError, match="name the target"):
        partition(planted(), Schema(columns=SCHEMA.columns))
