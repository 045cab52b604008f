"""The estimator: what it learns, writes, completes and imputes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from threadpoolctl import threadpool_limits

from tablewright import Schema, Synthesizer
from tablewright.errors import InputError, SchemaError
from tests.people import people

METHODS = ["trees", "copula", "independent", "smotenc"]


@pytest.fixture(scope="module", params=METHODS)
def learned(request: pytest.FixtureRequest) -> Synthesizer:
    return Synthesizer(request.param, target="state", random_state=0).fit(people())


@pytest.fixture(scope="module")
def trees() -> Synthesizer:
    return Synthesizer("trees", target="state", random_state=0).fit(people())


def test_rows_have_the_columns_and_types_of_the_table(learned: Synthesizer) -> None:
    real, rows = people(), learned.sample(300)
    assert rows.schema == real.schema
    assert rows.height == 300
    assert rows["unit"].unique().to_list() == ["clinic"]
    for name in ("ward", "note", "state", "smokes"):
        assert set(rows[name].drop_nulls()) <= set(real[name])
    for name in ("age", "fever", "came", "seen", "stay"):
        assert rows[name].min() >= real[name].min()
        assert rows[name].max() <= real[name].max()
    assert (rows["fever"] == rows["fever"].round(1)).all()
    assert rows["dose"].null_count() > 0


def test_identifiers_are_fresh_and_unique(learned: Synthesizer) -> None:
    rows = learned.sample(700)
    assert rows["patient_id"].n_unique() == 700
    assert not set(rows["patient_id"]) & set(people()["patient_id"])
    assert rows["patient_id"].str.contains(r"^P-\d{5}$").all()


def test_as_many_rows_as_were_learned_where_no_number_is_said(trees: Synthesizer) -> None:
    assert trees.sample().height == 600


@pytest.mark.parametrize("n_samples", [0, -3, 2.5, True, "many"])
def test_a_number_of_rows_that_is_none_is_refused(trees: Synthesizer, n_samples: Any) -> None:
    with pytest.raises(InputError, match=f"whole number of at least 1, not {n_samples!r}"):
        trees.sample(n_samples)


def test_nothing_is_written_before_fit(tmp_path: Path) -> None:
    blank = Synthesizer()
    calls: list[Callable[[], Any]] = [
        lambda: blank.sample(3),
        lambda: blank.impute(people(20)),
        lambda: blank.save(tmp_path / "x.tw"),
        lambda: list(blank.batches(3)),
        lambda: blank.get_feature_names_out(),
    ]
    for call in calls:
        with pytest.raises(NotFittedError, match="not fitted yet"):
            call()
    assert not list(tmp_path.iterdir())


# scikit-learn's manners ---------------------------------------------------------------


def test_parameters_are_kept_untouched_and_cloned() -> None:
    result = Synthesizer("trees", target="state", options={"min_samples_leaf": 9}, random_state=5)
    before = dict(result.get_params())
    result.fit(people(100))
    assert result.get_params() == before
    assert clone(result).get_params() == before
    assert not hasattr(clone(result), "generator_")
    assert result.set_params(method="copula").method == "copula"


def test_learned_state_ends_in_an_underscore() -> None:
    result = Synthesizer(target="state", random_state=0)
    given = set(vars(result))
    learned = set(vars(result.fit(people(100)))) - given
    assert learned
    assert all(name.endswith("_") for name in learned)


@pytest.mark.parametrize(
    "make", [lambda: 3, lambda: np.random.RandomState(3), lambda: np.random.default_rng(3)]
)
def test_the_same_seed_gives_the_same_rows(make: Callable[[], Any]) -> None:
    first, again = (Synthesizer("trees", random_state=make()).fit(people(200)) for _ in range(2))
    assert first.sample(50).equals(again.sample(50))
    assert first.sample(50, random_state=4).equals(again.sample(50, random_state=4))
    assert not first.sample(50, random_state=5).equals(first.sample(50, random_state=4))


def test_successive_calls_give_other_rows_and_can_be_repeated() -> None:
    first, again = (Synthesizer("trees", random_state=3).fit(people(200)) for _ in range(2))
    parts = [first.sample(50), first.sample(50, where="age > 20"), first.sample(50)]
    assert not parts[0].equals(parts[2])
    assert parts[0].equals(again.sample(50))
    again.sample(50)  # as many, so that identifiers go on from the same number
    assert parts[2].equals(again.sample(50))


def test_a_copy_goes_on_where_the_original_stands() -> None:
    original = Synthesizer("trees", random_state=3).fit(people(200))
    first = original.sample(50)
    copied = pickle.loads(pickle.dumps(original))  # written a line before
    second = original.sample(50)
    assert copied.sample(50).equals(second)
    assert not first.equals(second)


def test_a_refit_starts_again() -> None:
    synthesizer = Synthesizer("trees", random_state=3).fit(people(200))
    first = synthesizer.sample(50)
    assert synthesizer.fit(people(200)).sample(50).equals(first)


def test_no_seed_gives_other_rows_each_time_and_leaves_the_global_one_alone() -> None:
    np.random.seed(0)  # noqa: NPY002
    state = np.random.get_state()[1].tolist()  # type: ignore[index]  # noqa: NPY002
    first, other = (Synthesizer("independent").fit(people(100)).sample(30) for _ in range(2))
    assert not first.equals(other)
    assert np.random.get_state()[1].tolist() == state  # type: ignore[index]  # noqa: NPY002


@pytest.mark.parametrize("random_state", [-1, 1.5, "today", True])
def test_what_is_no_seed_is_refused(random_state: Any) -> None:
    with pytest.raises(InputError, match="random_state is"):
        Synthesizer("trees", random_state=random_state).fit(people(100))


@pytest.mark.parametrize("method", METHODS)
def test_rows_do_not_depend_on_threads_or_pieces(method: str) -> None:
    drawn = []
    for threads, size in ((1, 20_000), (2, 7_001), (2, 50_000)):
        with threadpool_limits(threads):
            result = Synthesizer(method, target="state", random_state=0).fit(people(300))
            pieces = list(result.batches(45_000, where="age > 30", batch_size=size))
        assert {piece.height for piece in pieces[:-1]} <= {size}
        drawn.append(pl.concat(pieces))
    assert drawn[0].equals(drawn[1])
    assert drawn[0].equals(drawn[2])
    assert drawn[0]["patient_id"].n_unique() == 45_000


def test_a_piece_has_at_least_one_row(trees: Synthesizer) -> None:
    with pytest.raises(InputError, match="batch_size is at least 1, not 0"):
        next(trees.batches(10, batch_size=0))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"method": "tress"}, "did you mean 'trees'"),
        ({"method": "trees", "options": {"leaf": 3}}, "method 'trees'.*'leaf'"),
        ({"target": "stat"}, "did you mean 'state'"),
        ({"schema": {"agee": "ordinal"}}, "did you mean 'age'"),
        ({"schema": {"age": "whole"}}, "'age'.*'whole'"),
    ],
)
def test_options_that_do_not_fit_are_named(options: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        Synthesizer(**options).fit(people(60))


# schema ---------------------------------------------------------------------------------


def test_the_schema_is_overridden_in_one_line() -> None:
    result = Synthesizer("trees", schema={"age": "ordinal"}, random_state=0).fit(people(100))
    assert result.schema_["age"].kind.value == "ordinal"
    assert set(result.sample(50)["age"]) <= set(people(100)["age"])


def test_a_whole_schema_is_taken_as_it_is(trees: Synthesizer) -> None:
    result = Synthesizer("trees", schema=trees.schema_, random_state=0).fit(people())
    assert result.sample(40, random_state=1).equals(trees.sample(40, random_state=1))
    with pytest.raises(InputError, match="has no column 'ward'"):
        Synthesizer(schema=trees.schema_).fit(people().drop("ward"))
    with pytest.raises(SchemaError, match="'nope'"):
        Synthesizer(schema=Schema.build({"age": "integer"}), target="nope").fit(people())


def test_a_schema_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "schema.yaml"
    path.write_text("target: state\ncolumns:\n  age: ordinal\n")
    result = Synthesizer("independent", schema=path).fit(people(100))
    assert result.schema_.target == "state"
    assert result.schema_["age"].kind.value == "ordinal"


def test_a_file_is_learned_like_its_frame(tmp_path: Path, trees: Synthesizer) -> None:
    path = tmp_path / "people.parquet"
    people().write_parquet(path)
    result = Synthesizer("trees", target="state", random_state=0).fit(path)
    assert result.sample(40, random_state=1).equals(trees.sample(40, random_state=1))


# seed_data --------------------------------------------------------------------------------


def test_seeds_are_completed_in_every_pattern(learned: Synthesizer) -> None:
    rng = np.random.default_rng(1)
    seeds = people(120, seed=7)
    masks = {name: pl.Series(rng.random(120) < 0.5) for name in seeds.columns}
    seeds = seeds.with_columns(
        pl.when(mask).then(None).otherwise(pl.col(name)).alias(name) for name, mask in masks.items()
    )
    rows = learned.sample(seed_data=seeds)
    assert rows.schema == seeds.schema
    for name in seeds.columns:
        kept = seeds[name].is_not_null()
        assert rows[name].filter(kept).equals(seeds[name].filter(kept)), name
    assert rows["age"].null_count() == rows["state"].null_count() == 0
    assert rows["patient_id"].n_unique() == 120


def test_a_given_column_leads_the_others(trees: Synthesizer) -> None:
    rows = trees.sample(seed_data=pl.DataFrame({"state": ["ill"] * 400 + ["well"] * 400}))
    ill, well = rows[:400]["fever"].mean(), rows[400:]["fever"].mean()
    assert ill - well > 1.0


def test_seeds_may_be_of_another_kind_of_frame(trees: Synthesizer, tmp_path: Path) -> None:
    seeds = pl.DataFrame({"age": [30, None, 50], "ward": ["west", "north", None]})
    seeds.write_csv(tmp_path / "seeds.csv")
    from_file = trees.sample(seed_data=tmp_path / "seeds.csv", random_state=1)
    assert from_file.equals(trees.sample(seed_data=seeds.to_pandas(), random_state=1))
    assert from_file["age"][0] == 30


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ({"wards": ["west"]}, "seed_data: the table has no column 'wards'; did you mean 'ward'"),
        ({"ward": ["west", "wets"]}, "'ward', row 1: the value 'wets' is not one .*'west'"),
        ({"age": ["old"]}, "'age'"),
        ({"age": []}, "seed_data has no rows"),
    ],
)
def test_seeds_that_do_not_fit_are_named(
    learned: Synthesizer, seeds: dict[str, list[Any]], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        learned.sample(seed_data=pl.DataFrame(seeds))


def test_requests_that_contradict_each_other_are_refused(trees: Synthesizer) -> None:
    seeds = pl.DataFrame({"age": [30, 40]})
    with pytest.raises(InputError, match="seed_data has 2 rows"):
        trees.sample(5, seed_data=seeds)
    with pytest.raises(InputError, match="seed_data and balance"):
        trees.sample(seed_data=seeds, balance="equal")
    assert trees.sample(2, seed_data=seeds).height == 2


# impute -----------------------------------------------------------------------------------


def test_imputation_fills_every_gap_and_nothing_else(learned: Synthesizer) -> None:
    holed = people(150, seed=3).with_columns(
        age=pl.when(pl.int_range(150) % 4 == 0).then(None).otherwise("age"),
        came=pl.when(pl.int_range(150) % 5 == 0).then(None).otherwise("came"),
        patient_id=pl.when(pl.int_range(150) % 6 == 0).then(None).otherwise("patient_id"),
        unit=pl.when(pl.int_range(150) % 7 == 0).then(None).otherwise("unit"),
    )
    filled = learned.impute(holed)
    assert filled.schema == holed.schema
    assert sum(filled.null_count().row(0)) == 0
    for name in holed.columns:
        kept = holed[name].is_not_null()
        assert filled[name].filter(kept).equals(holed[name].filter(kept)), name


def test_imputation_keeps_index_and_types_of_pandas() -> None:
    frame = people(100).to_pandas().set_index(np.arange(100) * 2 + 7)
    frame.loc[frame.index[::5], "age"] = np.nan
    filled = Synthesizer("trees", random_state=0).fit(frame).impute(frame)
    assert filled.index.equals(frame.index)
    assert filled.dtypes.equals(frame.dtypes)
    assert filled["age"].notna().all()
    kept = frame["age"].notna()
    pd.testing.assert_series_equal(filled["age"][kept], frame["age"][kept])


def test_cells_keep_their_spelling_where_nothing_is_imputed() -> None:
    text = pl.DataFrame({"n": ["1.50", "2", "03.0", "?"] * 10, "k": ["a", "b", "a", ""] * 10})
    result = Synthesizer("trees", random_state=0, schema={"n": {"sentinels": ["?"]}}).fit(text)
    filled = result.impute(text)
    assert filled["n"].to_list()[:3] == ["1.50", "2", "03.0"]
    assert "?" not in filled["n"].to_list()
    plain = Synthesizer("trees", random_state=0).fit(text).impute(text)
    assert plain["n"].to_list() == text["n"].to_list()
    assert filled["k"].to_list()[:3] == ["a", "b", "a"]


def test_rows_of_another_table_are_not_imputed(trees: Synthesizer) -> None:
    with pytest.raises(InputError, match="has no column 'age'"):
        trees.impute(people(20).drop("age"))
    with pytest.raises(InputError, match="has a column 'extra'"):
        trees.impute(people(20).with_columns(extra=1))


# balance ----------------------------------------------------------------------------------


def graded(counts: dict[str, int]) -> pl.DataFrame:
    labels = [name for name, count in counts.items() for _ in range(count)]
    return pl.DataFrame({"x": np.random.default_rng(0).normal(size=len(labels)), "grade": labels})


@pytest.mark.parametrize(
    ("balance", "n_samples", "expected"),
    [
        ("equal", 10, {"a": 4, "b": 3, "c": 3}),
        ("equal", None, {"a": 30, "b": 30, "c": 30}),
        ("fill", None, {"b": 40, "c": 50}),
        ("fill", 9, {"b": 4, "c": 5}),
        ("fill", 1, {"c": 1}),
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_classes_are_balanced_to_the_row(
    method: str, balance: Any, n_samples: int | None, expected: dict[str, int]
) -> None:
    result = Synthesizer(method, target="grade", random_state=0)
    result.fit(graded({"a": 60, "b": 20, "c": 10}))
    rows = result.sample(n_samples, balance=balance)
    assert dict(sorted(rows["grade"].value_counts().rows())) == expected


def test_balanced_rows_are_not_sorted_by_class() -> None:
    result = Synthesizer("independent", target="grade", random_state=0)
    grades = result.fit(graded({"a": 60, "b": 20})).sample(60, balance="equal")["grade"].to_list()
    assert grades != sorted(grades)


@pytest.mark.parametrize(
    ("target", "balance", "n_samples", "said"),
    [
        ("x", "equal", None, "with classes, and 'x' is continuous: name another"),
        (None, "fill", None, "balance needs a target with classes: name it"),
        ("grade", "even", None, "'equal', 'fill' or rows by class .* not 'even'"),
        ("grade", "equal", 0, "at least 1, not 0"),
        ("same", "fill", None, "nothing to fill"),
    ],
)
def test_balance_that_makes_no_sense_is_refused(
    target: str | None, balance: Any, n_samples: int | None, said: str
) -> None:
    table = graded({"a": 40, "b": 20}).with_columns(same=pl.Series(["u", "v"] * 30))
    result = Synthesizer("independent", target=target, random_state=0).fit(table)
    with pytest.raises(InputError, match=said):
        result.sample(n_samples, balance=balance)


# tables that are small, wide, long or lopsided -----------------------------------------------


@pytest.mark.filterwarnings("ignore::tablewright.generators.parts.local.FewRowsWarning")
@pytest.mark.parametrize("n_rows", [2, 3, 5, 10])
@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_tiny_tables_are_learned(method: str, n_rows: int) -> None:
    random = np.random.default_rng(n_rows)
    table = pl.DataFrame(
        {
            "x": random.normal(size=n_rows),
            "n": random.integers(0, 50, n_rows),
            "c": list("abcdefghij")[:n_rows],
            "y": (["u", "v"] * 5)[:n_rows],
        }
    )
    result = Synthesizer(method, target="y", random_state=0).fit(table)
    assert result.sample(20).schema == table.schema
    assert result.sample(6, balance="equal")["y"].to_list().count("u") == 3
    assert (result.sample(5, where="y = 'v'")["y"] == "v").all()
    assert result.impute(table).equals(table)


@pytest.mark.parametrize("method", METHODS)
def test_a_wide_table_of_few_rows_is_learned(method: str) -> None:
    values = np.random.default_rng(0).normal(size=(60, 200))
    table = pl.DataFrame(values, schema=[f"c{j}" for j in range(200)])
    result = Synthesizer(method, random_state=0).fit(table)
    assert result.sample(100).shape == (100, 200)
    assert (result.sample(50, where="c150 > 0.5")["c150"] > 0.5).all()


@pytest.mark.parametrize("method", METHODS)
def test_a_column_of_50_000_values_neither_explodes_nor_vanishes(method: str) -> None:
    random = np.random.default_rng(0)
    codes = [f"k{code}" for code in random.integers(0, 50_000, 100_000)]
    table = pl.DataFrame({"code": codes, "x": random.normal(size=100_000)})
    table = table.with_columns(y=pl.Series(random.random(100_000) < 0.5))
    result = Synthesizer(method, target="y", schema={"code": "categorical"}, random_state=0)
    rows = result.fit(table).sample(5000)
    assert set(rows["code"]) <= set(codes)
    # 5,000 draws from 50,000 equal values give about 4,758 different ones.
    assert rows["code"].n_unique() > (2500 if method == "smotenc" else 4500)


@pytest.mark.parametrize("method", METHODS)
def test_a_table_of_categories_alone_is_learned(method: str) -> None:
    random = np.random.default_rng(0)
    table = pl.DataFrame({name: random.choice(list(name), 200) for name in ("abc", "pq", "uvwx")})
    rows = Synthesizer(method, target="pq", random_state=0).fit(table).sample(400)
    for name in table.columns:
        assert set(rows[name]) == set(name)


@pytest.mark.parametrize("method", METHODS)
def test_one_column_is_enough_to_learn(method: str) -> None:
    table = pl.DataFrame({"id": [f"A{i}" for i in range(50)], "x": np.linspace(0, 1, 50)})
    rows = Synthesizer(method, random_state=0).fit(table.with_columns(u=pl.lit("k"))).sample(5)
    assert rows["id"].to_list() == [f"A{i}" for i in range(50, 55)]
    assert rows["x"].is_between(0, 1).all()
    assert rows["u"].to_list() == ["k"] * 5


def test_no_column_to_learn_is_said() -> None:
    table = pl.DataFrame({"id": [f"A{i}" for i in range(50)], "u": ["k"] * 50})
    with pytest.raises(InputError, match="every column is constant or an identifier"):
        Synthesizer().fit(table)


@pytest.mark.parametrize("method", METHODS)
def test_missing_classes_and_empty_columns_are_kept(method: str) -> None:
    table = pl.DataFrame(
        {
            "x": np.random.default_rng(0).normal(size=90),
            "empty": pl.Series([None] * 90, dtype=pl.Float64),
            "y": ["a", "b", None] * 30,
        }
    )
    schema = {"empty": "continuous"}
    result = Synthesizer(method, target="y", schema=schema, random_state=0).fit(table)
    rows = result.sample(900)
    assert rows["empty"].null_count() == 900
    assert 200 < rows["y"].null_count() < 400
    assert result.sample(10, balance="equal")["y"].to_list().count("a") == 5
    filled = result.impute(table)
    assert filled["y"].null_count() == 0
    assert filled["empty"].null_count() == 90


@pytest.mark.parametrize("method", ["trees", "copula", "independent"])
def test_no_real_row_of_a_continuous_table_comes_back(method: str) -> None:
    values = np.random.default_rng(0).normal(size=(300, 4))
    table = pl.DataFrame(values, schema=["a", "b", "c", "d"])
    rows = Synthesizer(method, random_state=0).fit(table).sample(5000)
    assert rows.join(table, on=table.columns, how="inner").height == 0


def test_what_a_table_cannot_be_learned_from_is_said() -> None:
    for table, declared in (
        (pl.DataFrame({"a": [1, 2]}), "at least two"),
        (people(1), "one row"),
        (people(30).with_columns(dose=float("inf")), "'dose', row 0: the value is infinite"),
        (people(30).with_columns(dose=pl.lit(None, pl.String)), "'dose' has no value"),
        (people(30).lazy(), "call .collect"),
        ([[1, 2], [3, 4]], "not list"),
    ):
        with pytest.raises(InputError, match=declared):
            Synthesizer().fit(table)
    with pytest.raises(InputError, match="the target 'unit' has the same value in every row"):
        Synthesizer(target="unit").fit(people(30))
