"""Rows under conditions: every one complies, and they are distributed as real ones that do."""

from __future__ import annotations

import warnings

import numpy as np
import polars as pl
import pytest

from tablewright import Synthesizer
from tablewright.errors import ConditionError, ExpressionError
from tablewright.generators.parts.local import FewRowsWarning
from tests.people import ks, ks_bound, people

METHODS = ["trees", "copula", "independent", "smotenc"]

CONDITIONS = [
    "ward = 'west'",
    "state = 'ill' AND age > 60",
    "dose < 2 AND ward IN ('north', 'south')",
    "dose IS NULL",
    "ward IS NULL AND smokes",
    "stay IS NOT NULL AND state = 'well'",
    "came >= DATE '2022-01-01' AND fever > 37.5",
    "seen < TIMESTAMP '2020-01-10 12:00:00'",
    "age + dose > 75",
    "dose > age / 4",
    "age IN (30, 50, 70) OR smokes",
    "note LIKE '%doctor 7 %' AND unit = 'clinic'",
    "NOT (state = 'well' OR age BETWEEN 20 AND 70)",
]


@pytest.fixture(scope="module", params=METHODS)
def learned(request: pytest.FixtureRequest) -> Synthesizer:
    return Synthesizer(request.param, target="state", random_state=0).fit(people())


@pytest.mark.parametrize("where", CONDITIONS)
def test_every_row_complies(learned: Synthesizer, where: str) -> None:
    rows = learned.sample(150, where=where)
    assert rows.height == 150
    assert rows.schema == people().schema
    asked = pl.SQLContext(rows=rows).execute(f"SELECT COUNT(*) AS n FROM rows WHERE {where}")
    assert asked.collect()["n"][0] == 150


@pytest.fixture(scope="module")
def trees() -> Synthesizer:
    return Synthesizer("trees", target="state", random_state=0).fit(people(6000))


@pytest.mark.parametrize(
    "where",
    [
        "ward = 'west'",
        "state = 'ill' AND fever > 37.8",
        "fever > 38.2",
        "smokes AND age < 45",
        "dose > 8 AND ward = 'south'",
    ],
)
def test_the_rest_of_a_row_is_as_in_real_rows_that_comply(trees: Synthesizer, where: str) -> None:
    every = people(40_000, seed=9)
    real = pl.SQLContext(rows=every).execute(f"SELECT * FROM rows WHERE {where}").collect()
    rows = trees.sample(1000, where=where)
    # What was learned is itself a sample: as many of the 6,000 rows comply.
    n_learned = real.height * 6000 // 40_000
    bound = ks_bound(1000, real.height) + ks_bound(n_learned, real.height)
    for name in ("ward", "age", "fever", "came", "dose", "state", "smokes"):
        assert ks(real[name], rows[name]) < bound, name
        assert abs(real[name].null_count() / real.height - rows[name].null_count() / 1000) < bound


def chained(n_rows: int = 8000) -> pl.DataFrame:
    """Three columns of three values, each as the one before it with chance 0.8."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 3, n_rows)
    second = np.where(rng.random(n_rows) < 0.8, first, rng.integers(0, 3, n_rows))
    third = np.where(rng.random(n_rows) < 0.8, second, rng.integers(0, 3, n_rows))
    letters = np.array(["a", "b", "c"])
    return pl.DataFrame({"p": letters[first], "q": letters[second], "r": letters[third]})


@pytest.mark.parametrize("where", ["p = 'a'", "q = 'a'", "r = 'a'", "p = 'a' AND r = 'b'"])
def test_a_condition_reaches_back_to_columns_that_are_drawn_before_it(where: str) -> None:
    table = chained()
    rows = Synthesizer("trees", random_state=0).fit(table).sample(4000, where=where)
    real = pl.SQLContext(rows=table).execute(f"SELECT * FROM rows WHERE {where}").collect()
    for name in table.columns:
        assert ks(real[name], rows[name]) < ks_bound(4000, real.height)


@pytest.mark.filterwarnings("ignore::tablewright.generators.parts.local.FewRowsWarning")
@pytest.mark.parametrize("method", METHODS)
def test_a_condition_that_two_rows_in_20_000_meet_returns_all_rows(method: str) -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({f"c{j}": rng.normal(size=20_000) for j in range(4)})
    rare = pl.int_range(20_000) % 10_000 == 0
    table = table.with_columns(kind=pl.when(rare).then(pl.lit("odd")).otherwise(pl.lit("even")))
    result = Synthesizer(method, random_state=0).fit(table)
    rows = result.sample(2000, where="kind = 'odd' AND c2 > -9")
    assert rows.height == 2000
    assert rows["kind"].unique().to_list() == ["odd"]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("age > 150", "no row can meet 'age > 150': in the table, age lies between 3 and 96"),
        (
            "smokes AND age < 0",
            "no row can meet 'smokes AND age < 0': in the table, age lies between 3",
        ),
        ("age > 90 AND smokes AND age < 20", "'age > 90 AND age < 20': the parts exclude each"),
        ("age IS NULL", "no row can meet age IS NULL"),
        ("unit = 'other' OR FALSE", "'unit' is always 'clinic'|no row"),
        ("unit <> 'clinic' AND age > 3", "'unit' is always 'clinic'"),
        ("patient_id = 'P-00003'", "'patient_id' holds identifiers"),
        ("dose > fever", "dose > fever"),
        ("FALSE", "no row can meet"),
    ],
)
def test_what_cannot_hold_is_named(learned: Synthesizer, where: str, said: str) -> None:
    with pytest.raises(ConditionError, match=said):
        learned.sample(20, where=where)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("wards = 'west'", "unknown column 'wards'; did you mean 'ward'"),
        ("ward = 'east'", "'east' is not a value of ward; did you mean 'west'"),
        ("ward =", "."),
        ("age > 'old'", "."),
    ],
)
def test_text_that_is_no_condition_shows_the_place(
    learned: Synthesizer, where: str, said: str
) -> None:
    with pytest.raises(ExpressionError, match=said):
        learned.sample(20, where=where)


def test_conditions_hold_together_with_given_cells(learned: Synthesizer) -> None:
    seeds = people(80, seed=4).select("age", "smokes")
    rows = learned.sample(seed_data=seeds, where="state = 'ill' AND ward = 'west'")
    assert rows["age"].equals(seeds["age"])
    assert rows["smokes"].equals(seeds["smokes"])
    assert (rows["state"] == "ill").all()
    assert (rows["ward"] == "west").all()


def test_given_cells_that_break_the_condition_are_named(learned: Synthesizer) -> None:
    seeds = pl.DataFrame({"age": [70, 20], "smokes": [True, None]})
    with pytest.raises(ConditionError, match=r"row 1: .*'age' contradicts age > 50"):
        learned.sample(seed_data=seeds, where="age > 50")


def test_classes_and_conditions_go_together(learned: Synthesizer) -> None:
    rows = learned.sample(100, where="age > 40", balance="equal")
    assert (rows["age"] > 40).all()
    assert rows["state"].value_counts(sort=True)["count"].to_list() == [50, 50]


@pytest.mark.parametrize("method", ["trees", "copula"])
@pytest.mark.parametrize(
    ("where", "says"),
    [
        ("x > 80 AND kind = 'a'", None),
        ("x > 99", "one real row has what was asked for"),
        ("x > 96 AND x < 99", "only 3 real rows have what was asked for"),
        ("x > 60 AND kind = 'b'", "no real row has what was asked for"),
    ],
)
def test_few_real_rows_behind_a_condition_are_said(
    method: str, where: str, says: str | None
) -> None:
    table = pl.DataFrame(
        {"x": [i + 0.5 for i in range(100)], "kind": ["b"] * 50 + ["a"] * 50, "y": [0.5, 1.5] * 50}
    )
    synthesizer = Synthesizer(method, random_state=0).fit(table)
    if says is None:
        assert synthesizer.sample(10, where=where).height == 10
        return
    with pytest.warns(FewRowsWarning, match=says) as caught:
        assert synthesizer.sample(10, where=where).height == 10
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    "also", ["d = 'u'", "e > 8", "e BETWEEN 7 AND 8 AND d <> 'w'", "(d = 'u' OR e = 9)"]
)
def test_few_rows_of_a_class_stay_on_its_side_whatever_else_is_asked(also: str) -> None:
    rng = np.random.default_rng(0)
    n = 200
    frame = pl.DataFrame(
        {
            "a": rng.normal(60, 10, n).round(1) + 80 * (np.arange(n) < 3),
            "d": ["w"] * 3 + rng.choice(list("uvw"), n - 3).tolist(),
            "e": [1, 2, 3, *rng.integers(0, 10, n - 3).tolist()],
            "y": ["bad"] * 3 + ["ok"] * (n - 3),
        }
    )
    fitted = Synthesizer("trees", target="y", random_state=0).fit(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that no real row is of the kind
        rows = fitted.sample(40, where=f"y = 'bad' AND {also}")
    assert (rows["a"] > 100).all()
    assert rows.n_unique() > 20
