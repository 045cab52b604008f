"""What is taken in beside a table: features and targets apart, seeds, other rows, cells to fill."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse

from tablewright.errors import InputError
from tablewright.schema import Schema
from tablewright.tables.encoding.codec import Codec
from tablewright.tables.encoding.identifiers import Identifiers
from tablewright.tables.encoding.row_digests import RowSketch, Sighting, row_digests
from tablewright.tables.io.arrays import join, put_below, read_target, take
from tablewright.tables.io.loading import load_as_said, load_seeds, with_all
from tablewright.tables.table import cells_to_fill, for_file, load_table, structural_cells

SCHEMA = Schema.build({"n": "integer", "sex": {"kind": "categorical", "dtype": "String"}}, "sex")


# features and targets -------------------------------------------------------------------------

ROWS = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]
FEATURES: dict[str, Any] = {
    "array": np.array(ROWS),
    "float32": np.array(ROWS, dtype=np.float32),
    "list": ROWS,
    "tuples": tuple((one, other) for one, other in ROWS),
    "csr": sparse.csr_matrix(np.array(ROWS)),
    "csc": sparse.csc_array(np.array(ROWS)),
    "pandas": pd.DataFrame(ROWS, columns=["x0", "x1"], index=[7, 8, 9]),
    "polars": pl.DataFrame(ROWS, schema=["x0", "x1"], orient="row"),
    "pyarrow": pa.table({"x0": [1.0, 3.0, 5.0], "x1": [2.0, 4.0, 6.0]}),
}


@pytest.mark.parametrize("name", FEATURES)
def test_new_rows_lie_below_in_the_kind_that_was_given(name: str) -> None:
    features = FEATURES[name]
    frame, restore, target = join(features, read_target(["a", "b", "a"]), None)
    assert frame.columns == ["x0", "x1", "target"]
    assert target == "target"
    both = put_below(features, frame.drop("target")[[2, 0]], restore)
    assert type(both) is type(features)
    if name in ("list", "tuples"):
        assert [list(row) for row in both] == [*ROWS, ROWS[2], ROWS[0]]
        return
    dense = both.toarray() if sparse.issparse(both) else np.asarray(both)
    assert dense.tolist() == [*ROWS, ROWS[2], ROWS[0]]
    if hasattr(features, "dtype"):
        assert both.dtype == features.dtype
    if name == "pandas":
        assert list(both.index) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (["a", "b"], "target"),
        (np.array([["a"], ["b"]]), "target"),
        (pl.Series("y", ["a", "b"]), "y"),
        (pl.DataFrame({"y": ["a", "b"]}), "y"),
        (pd.Series(["a", "b"], name="y"), "y"),
        (pd.Series(["a", "b"]), "target"),
        (pd.Series(["a", "b"], name="x0"), "x0_"),
    ],
)
def test_targets_of_every_kind_are_joined(target: Any, name: str) -> None:
    frame, _, joined = join(np.array([[1.0], [2.0]]), read_target(target), None)
    assert joined == name
    assert frame[name].to_list() == ["a", "b"]
    assert join(np.array([[1.0], [2.0]]), read_target(target), "z")[2] == "z"


@pytest.mark.parametrize(
    ("features", "target", "said"),
    [
        (np.array([1.0, 2.0]), [0, 1], r"not an array of shape \(2,\)"),
        (np.zeros((3, 1)), [0, 1], "X has 3 rows and y has 2"),
        (np.zeros((2, 1)), np.zeros((2, 2)), "y has 2 columns; a target has one"),
        (np.zeros((2, 1)), pd.DataFrame({"a": [1, 2], "b": [1, 2]}), "y has 2 columns"),
        ([[1, "a"], ["b", 2]], [0, 1], "column 'x0' mixes kinds of values"),
    ],
)
def test_what_is_no_table_of_features_is_one_sentence(
    features: Any, target: Any, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        join(features, read_target(target), None)


def test_missing_numbers_of_arrays_are_missing_and_come_back_as_nan() -> None:
    features = np.array([[1.5, "a"], [np.nan, None]], dtype=object)
    frame, restore, _ = join(features, read_target([0, 1]), None)
    assert frame["x0"].to_list() == [1.5, None]
    assert frame["x1"].to_list() == ["a", None]
    below = put_below(features, frame.drop("target")[[1]], restore)[2]
    assert np.isnan(below[0])
    assert below[1] is None


def test_sparse_columns_of_pandas_are_filled() -> None:
    frame = pd.DataFrame({"a": pd.arrays.SparseArray([0, 0, 3]), "b": [1.5, 2.5, 3.5]})
    joined, restore, _ = join(frame, read_target([0, 1, 0]), None)
    assert joined["a"].to_list() == [0, 0, 3]
    both = put_below(frame, joined.drop("target")[[2]], restore)
    assert both["a"].dtype == frame["a"].dtype
    assert both["a"].tolist() == [0, 0, 3, 3]


def test_rows_are_taken_and_numbered_anew() -> None:
    at = np.array([2, 0])
    assert take([5, 6, 7], at) == [7, 5]
    assert take(np.array([5, 6, 7]), at).tolist() == [7, 5]
    taken = take(pd.Series([5, 6, 7], index=["a", "b", "c"]), at)
    assert (taken.tolist(), list(taken.index)) == ([7, 5], [0, 1])


# other rows of a table ------------------------------------------------------------------------


def test_rows_are_put_in_the_order_of_the_schema() -> None:
    raw = pl.DataFrame({"sex": ["f"], "n": [1]})
    assert with_all(raw, SCHEMA, "the table").columns == ["n", "sex"]
    with pytest.raises(InputError, match="has a column 'age' that the schema does not name"):
        with_all(raw.with_columns(age=1), SCHEMA, "the table")
    with pytest.raises(InputError, match="the holdout has no column 'sex'; there are 'n'"):
        with_all(raw[["n"]], SCHEMA, "the holdout")


def test_seeds_may_lack_columns_but_not_have_others() -> None:
    seeds = load_seeds(pl.DataFrame({"sex": ["f", None]}), SCHEMA)
    assert seeds.to_dict(as_series=False) == {"n": [None, None], "sex": ["f", None]}
    with pytest.raises(
        InputError, match="seed_data: the table has no column 'sx'; did you mean 'sex'"
    ):
        load_seeds(pl.DataFrame({"sx": ["f"]}), SCHEMA)
    with pytest.raises(InputError, match="seed_data has no rows"):
        load_seeds(pl.DataFrame({"sex": pl.Series([], dtype=pl.String)}), SCHEMA)


def test_the_target_that_is_asked_for_wins_over_that_of_the_schema(tmp_path: Path) -> None:
    frame = pl.DataFrame({"n": [1, 5, 9] * 4, "sex": ["f", "m", "f"] * 4})
    (tmp_path / "s.yaml").write_text("target: sex\n")
    assert load_as_said(frame, tmp_path / "s.yaml", None).schema.target == "sex"
    assert load_as_said(frame, tmp_path / "s.yaml", "n").schema.target == "n"
    assert load_as_said(frame, SCHEMA, None).schema.target == "sex"
    assert load_as_said(frame, SCHEMA, "n").schema.target == "n"
    assert load_as_said(frame, {"n": "ordinal"}, None).schema.target is None
    assert load_as_said(frame[["sex", "n"]], SCHEMA, None).raw.columns == ["n", "sex"]


def test_errors_name_the_file_that_was_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n1,\n2,\n3,\n")
    with pytest.raises(InputError, match=r"t\.csv: column 'b' has no value in any row"):
        load_table(tmp_path / "t.csv")


@pytest.mark.parametrize(("name", "value"), [("o.csv", "39"), ("o.tsv", "39"), ("o.parquet", 39)])
def test_rows_of_text_are_typed_for_binary_files(name: str, value: Any) -> None:
    schema = Schema.build({"age": {"kind": "integer", "dtype": "String"}})
    assert for_file(pl.DataFrame({"age": ["39"]}), schema, name)["age"][0] == value
    mixed = Schema.build(
        {"age": {"kind": "integer", "dtype": "String"}, "n": {"kind": "integer", "dtype": "Int64"}}
    )
    assert for_file(pl.DataFrame({"age": ["39"], "n": [1]}), mixed, name)["age"][0] == "39"


# empty cells ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_inside", "n_filled_inside", "n_empty_outside", "found"),
    [(10, 0, 0, True), (9, 0, 0, False), (10, 1, 0, False), (10, 0, 10, True), (10, 0, 11, False)],
)
def test_cells_that_are_empty_by_structure(
    n_inside: int, n_filled_inside: int, n_empty_outside: int, found: bool
) -> None:
    inside = [None] * (n_inside - n_filled_inside) + [5.5] * n_filled_inside
    outside = [None] * n_empty_outside + [1.5 * i for i in range(20 - n_empty_outside)]
    frame = pl.DataFrame({"wed": ["no"] * n_inside + ["yes"] * 20, "pay": [*inside, *outside]})
    schema = Schema.build({"wed": "categorical", "pay": "continuous"})
    result = structural_cells(frame, schema)
    assert list(result) == (["pay"] if found else [])
    if found:
        condition, cells = result["pay"]
        assert condition == "wed = 'no'"
        assert cells.to_list() == [True] * n_inside + [False] * 20


@pytest.mark.parametrize(
    ("options", "n_cells"),
    [
        ({}, (2, 1)),
        ({"columns": ["n"]}, (2, 0)),
        ({"columns": ["sex"]}, (0, 1)),
        ({"columns": []}, (0, 0)),
    ],
)
def test_only_empty_cells_of_the_named_columns_are_filled(
    options: dict[str, Any], n_cells: tuple[int, int]
) -> None:
    raw = pl.DataFrame({"n": [1.0, None, float("nan")], "sex": ["NA", "", "f"]})
    mask = cells_to_fill(raw, raw, SCHEMA, **options)
    assert tuple(int(series.sum()) for series in mask) == n_cells
    with pytest.raises(InputError, match="no column 'sx'; did you mean 'sex'"):
        cells_to_fill(raw, raw, SCHEMA, ["sx"])


# digests --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells",
    [
        [39, 39.0, "39", " 39 ", "+39", "39.0"],
        ["Ulm", "ULM", " ulm"],
        [None, "", "NA", "?", float("nan")],
        [True, "true", "TRUE"],
        [dt.date(2021, 3, 7), "2021-03-07", "7.3.2021", "07.03.2021", dt.datetime(2021, 3, 7)],
        [
            dt.datetime(2021, 3, 7, 5, 6),
            "2021-03-07 05:06",
            "2021-03-07T05:06:00Z",
            "2021-03-07 05:06:00.000",
        ],
        [0.1 + 0.2, 0.3, "0.3", "3e-1"],
        [dt.timedelta(seconds=2), dt.timedelta(milliseconds=2000)],
    ],
    ids=lambda cells: str(cells[0]),
)
def test_one_value_in_many_spellings_has_one_digest(cells: list[Any]) -> None:
    digests = {int(row_digests(pl.DataFrame({"x": [cell]}))[0]) for cell in cells}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("007", "7"), ("a", "b"), (1, 2), ("1,5", "1.5"), (2**60, 2**60 + 1), ("", "a"), (True, 1.5)],
)
def test_other_values_have_other_digests(one: Any, other: Any) -> None:
    first, second = (int(row_digests(pl.DataFrame({"x": [cell]}))[0]) for cell in (one, other))
    assert first != second
    assert int(row_digests(pl.DataFrame({"x": [one]}), b"salt" * 4)[0]) != first


def test_cells_do_not_run_into_each_other() -> None:
    one, other = pl.DataFrame({"a": ["x"], "b": ["yz"]}), pl.DataFrame({"a": ["xy"], "b": ["z"]})
    assert row_digests(one)[0] != row_digests(other)[0]
    assert row_digests(one[["b", "a"]])[0] == row_digests(one)[0], (
        "the order of columns is no matter"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_zero_bits": 41},
        {"n_zero_bits": -1},
        {"n_real_alike": 1},
        {"salt": "00"},
        {"digests": "!"},
        {"digests": "AAAA"},
    ],
)
def test_a_sketch_that_does_not_fit_is_refused(wrong: dict[str, Any]) -> None:
    sketch = RowSketch(b"0" * 16)
    sketch.add(pl.DataFrame({"a": [1, 2, 3]}))
    data = sketch.to_dict()
    assert RowSketch.from_dict(data).to_dict() == data
    with pytest.raises(ValueError, match=r".+"):
        RowSketch.from_dict({**data, **wrong})


def test_rows_known_from_anywhere_are_counted_once() -> None:
    def sighting(looked_up: list[int], known: list[int]) -> Sighting:
        return Sighting(np.array(looked_up, bool), np.array(known, bool))

    both = Sighting.any_of(
        [sighting([1, 1, 1, 0], [1, 0, 0, 0]), sighting([1, 1, 0, 1], [1, 1, 0, 1])]
    )
    assert both.looked_up.tolist() == [True, True, False, False]
    assert both.share == 1.0
    assert np.isnan(sighting([0], [0]).share)


# numbers for generators -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "values", "step"),
    [
        ({"kind": "continuous"}, [1.5, 2.5], 0.0),
        ({"kind": "continuous", "decimals": 2}, [1.5, 2.5], 0.01),
        ({"kind": "integer"}, [5, 10], 1.0),
        ({"kind": "date"}, [dt.date(2021, 1, 1), dt.date(2021, 1, 8)], 1.0),
        ({"kind": "timedelta"}, [dt.timedelta(minutes=m) for m in (15, 45, 90)], 900e6),
        ({"kind": "timedelta"}, [dt.timedelta(minutes=15)], 1.0),
        ({"kind": "timedelta"}, [dt.timedelta(minutes=15)] * 2, 1.0),
        ({"kind": "datetime"}, [dt.datetime(2021, 1, 1, h) for h in (3, 9)], 21_600e6),
    ],
)
def test_the_step_of_a_column(kind: dict[str, Any], values: list[Any], step: float) -> None:
    codec = Codec(Schema.build({"x": kind})).fit(pl.DataFrame({"x": values}))
    assert codec.fields[0].step == pytest.approx(step)


@pytest.mark.parametrize(
    ("real", "fresh"),
    [
        (["C-08", "C-09"], ["C-10", "C-11"]),
        (["C-98", "C-99"], ["C-100", "C-101"]),
        (["7", "8", "10"], ["11", "12"]),
        ([10, 20, 30, 50], [60, 70]),
        (["x1y", "x2y"], ["x3y", "x4y"]),
    ],
)
def test_identifiers_count_on(real: list[Any], fresh: list[Any]) -> None:
    assert Identifiers(pl.Series("id", real)).make(2, np.random.default_rng(0)).to_list() == fresh


@pytest.mark.parametrize(
    ("counts", "written"), [({"?": 5, "NA": 3, None: 2}, "?"), ({"?": 2, "NA": 3, None: 5}, None)]
)
def test_new_rows_say_missing_as_most_real_ones_do_and_a_note_says_so(
    counts: dict[str | None, int], written: str | None
) -> None:
    missing = [text for text, n in counts.items() for _ in range(n)]
    raw = pl.DataFrame({"lab": [*missing, *(f"{i}.5" for i in range(40))]}).with_row_index("n")
    table = load_table(raw)
    assert table.restore(table.frame)["lab"][:10].to_list() == [written] * 10
    assert "says missing in 3 ways" in table.schema["lab"].note
    assert f"new rows have {'an empty cell' if written is None else repr(written)}" in (
        table.schema["lab"].note
    )
