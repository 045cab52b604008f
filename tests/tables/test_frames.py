"""Any frame in, the same kind out."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import subprocess
import sys
import textwrap
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright import Synthesizer
from tablewright.errors import InputError
from tablewright.tables.io.frames import Restore, to_polars
from tablewright.tables.table import load_table

MOMENT = dt.datetime(2020, 5, 17, 3, 4, 5)


def every_dtype() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "int": np.array([1, 2, 3, 4], "int64"),
            "small": np.array([1, 2, 3, 4], "int8"),
            "unsigned": np.array([1, 2, 3, 4], "uint16"),
            "float": [1.5, np.nan, 2.25, 4.0],
            "float32": np.array([1.5, np.nan, 2.25, 4.0], "float32"),
            "bool": [True, False, True, False],
            "bool_missing": pd.Series([True, None, True, False], dtype="object"),
            "nullable_int": pd.array([1, None, 3, 4], dtype="Int64"),
            "nullable_float": pd.array([1.5, None, 3, 4], dtype="Float64"),
            "nullable_bool": pd.array([True, None, False, True], dtype="boolean"),
            "text": ["a", None, "c", "a"],
            "string": pd.array(["a", None, "c", "a"], dtype="string"),
            "string_arrow": pd.array(["a", None, "c", "a"], dtype="string[pyarrow]"),
            "arrow": pd.array([1, None, 3, 4], dtype="int64[pyarrow]"),
            "category": pd.Categorical(["x", "y", None, "x"], categories=["x", "y", "z"]),
            "ordered": pd.Categorical(["lo", "hi", None, "lo"], ["lo", "mid", "hi"], ordered=True),
            "number_category": pd.Categorical([1, 2, None, 1]),
            "moment": pd.to_datetime([MOMENT, None, MOMENT, MOMENT]),
            "moment_s": pd.to_datetime([MOMENT, None, MOMENT, MOMENT]).astype("datetime64[s]"),
            "zone": pd.to_datetime([MOMENT, None, MOMENT, MOMENT]).tz_localize("Europe/Berlin"),
            "utc": pd.to_datetime([MOMENT, None, MOMENT, MOMENT]).tz_localize("UTC"),
            "span": pd.to_timedelta([1, None, 3, 4], unit="h"),
            "date": [dt.date(2020, 1, 1), None, dt.date(2020, 1, 3), dt.date(2020, 1, 3)],
        }
    )


def test_pandas_frame_comes_back_the_same() -> None:
    frame = every_dtype()
    inside, restore = to_polars(frame)
    pd.testing.assert_frame_equal(restore(inside), frame)


def test_what_restores_a_frame_is_plain_data() -> None:
    frame = every_dtype()
    inside, restore = to_polars(frame)
    again = Restore.from_dict(json.loads(json.dumps(restore.to_dict())))
    pd.testing.assert_frame_equal(again(inside), frame)


def test_new_rows_are_numbered_from_zero_and_own_rows_keep_their_labels() -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": [3, 4]}, index=["p", "q"])
    inside, restore = to_polars(frame)
    assert list(restore(inside).index) == [0, 1]
    assert list(restore(inside, same_rows=True).index) == ["p", "q"]


def test_names_that_are_not_text_come_back() -> None:
    frame = pd.DataFrame({0: [1, 2], 1.5: [3, 4], "x": [5, 6]})
    inside, restore = to_polars(frame)
    assert inside.columns == ["0", "1.5", "x"]
    assert list(restore(inside).columns) == [0, 1.5, "x"]


def test_integer_column_that_gets_missing_values_becomes_float() -> None:
    _, restore = to_polars(pd.DataFrame({"a": [1, 2], "b": [True, False]}))
    back = restore(pl.DataFrame({"a": [1, None], "b": [True, None]}))
    assert back["a"].dtype == "float64"
    assert back["b"].tolist() == [True, None]


def test_arrow_table_comes_back_with_its_types() -> None:
    table = pa.table(
        {
            "a": pa.array([1, None, 3], pa.int16()),
            "s": pa.array(["x", "y", None], pa.string()),
            "d": pa.array(["x", "y", "x"]).dictionary_encode(),
            "t": pa.array([MOMENT] * 3, pa.timestamp("s", "UTC")),
        }
    )
    inside, restore = to_polars(table)
    back = Restore.from_dict(json.loads(json.dumps(restore.to_dict())))(inside)
    assert back.schema.equals(table.schema)
    assert back.to_pylist() == table.to_pylist()


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ([1, "a", 2], "column 'x' mixes numbers and text: row 0 holds 1, row 1 holds 'a'"),
        ([[1], [2], [3]], "column 'x', row 0: a list is no value of a table"),
        (pd.period_range("2020", periods=3, freq="Y"), "pandas dtype period"),
    ],
)
def test_column_that_no_table_holds_is_named(column: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        to_polars(pd.DataFrame({"x": column, "y": [1, 2, 3]}))


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' more than once"),
        (pd.DataFrame([[1, 2]], columns=[1, "1"]), "'1' more than once"),
        (pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([("a", "b")])), "several levels"),
        (pl.LazyFrame({"a": [1]}), "call .collect()"),
        ({"a": [1]}, r"not builtins\.dict"),
    ],
)
def test_what_is_no_frame_is_refused(frame: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        to_polars(frame)


@given(
    st.lists(st.one_of(st.none(), st.integers(-(2**31), 2**31)), min_size=1),
    st.lists(st.one_of(st.none(), st.text(max_size=5)), min_size=1),
)
def test_any_integers_and_texts_come_back(
    numbers: list[int | None], texts: list[str | None]
) -> None:
    n = min(len(numbers), len(texts))
    frame = pd.DataFrame({"n": pd.array(numbers[:n], dtype="Int64"), "t": texts[:n]}, dtype=None)
    frame["t"] = frame["t"].astype(object)
    inside, restore = to_polars(frame)
    back = restore(inside)
    assert back["n"].tolist() == frame["n"].tolist()
    assert back["t"].where(back["t"].notna(), None).tolist() == texts[:n]


def test_typed_table_restores_pandas_dtypes() -> None:
    frame = every_dtype()
    table = load_table(frame, overrides={"moment": "date"})
    assert table.frame["float"].dtype == pl.Float64
    assert table.schema["ordered"].categories == ["lo", "mid", "hi"]
    assert (table.restore(table.frame).dtypes == frame.dtypes).all()


def run_without(blocked: str, code: str) -> str:
    """Run code in a Python that cannot import some packages."""
    block = f"""
        import sys
        for name in {blocked.split()!r}:
            sys.modules[name] = None
    """
    text = textwrap.dedent(block) + textwrap.dedent(code)
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_polars_and_files_work_without_pandas_and_pyarrow(tmp_path: object) -> None:
    code = f"""
        import polars as pl
        from tablewright.tables.table import load_table
        from tablewright.tables.io.writing import write_frame
        frame = pl.DataFrame({{"a": [1, 2, None], "b": ["x", "y", "x"]}})
        for end in ("csv", "parquet", "arrow"):
            write_frame(frame, r"{tmp_path}/t." + end)
            print(load_table(r"{tmp_path}/t." + end).frame.equals(frame))
    """
    assert run_without("pandas pyarrow", code).split() == ["True"] * 3


def test_pandas_works_without_pyarrow() -> None:
    code = """
        import pandas as pd, numpy as np
        from tablewright.tables.io.frames import to_polars
        frame = pd.DataFrame({
            "i": [1, 2], "f": [1.5, np.nan], "s": ["a", None], "b": [True, False],
            "n": pd.array([1, None], dtype="Int64"), "c": pd.Categorical(["x", None]),
            "t": pd.to_datetime(["2020-01-01", None]).tz_localize("UTC"),
            "d": pd.to_timedelta([1, 2], unit="h"),
        })
        inside, restore = to_polars(frame)
        pd.testing.assert_frame_equal(restore(inside), frame)
        print("same")
    """
    assert run_without("pyarrow", code) == "same"


# more kinds of columns ---------------------------------------------------------------------


def unusual(kind: str, n: int = 60) -> pd.Series:
    rng = np.random.default_rng(0)
    cents = [decimal.Decimal(int(c)) / 100 for c in rng.integers(100, 99999, n)]
    moments = [
        dt.datetime(2024, 1, 1) + dt.timedelta(hours=int(h)) for h in rng.integers(0, 9000, n)
    ]
    two = dt.timezone(dt.timedelta(hours=2))
    result = {
        "decimal": lambda: pd.Series(cents, dtype=object),
        "float16": lambda: pd.Series(rng.normal(0, 1, n).astype("float16")),
        "uint64": lambda: pd.Series(rng.integers(2**63, 2**64 - 1, n, dtype="uint64")),
        "ns": lambda: pd.Series(pd.to_datetime(1700000000000000000 + rng.integers(0, 10**15, n))),
        "offset": lambda: pd.Series([m.replace(tzinfo=two) for m in moments], dtype=object),
        "zone": lambda: pd.Series(
            [m.replace(tzinfo=zoneinfo.ZoneInfo("Europe/Rome")) for m in moments], dtype=object
        ),
        "arrow decimal": lambda: pd.Series(cents, dtype=pd.ArrowDtype(pa.decimal128(12, 2))),
        "arrow dictionary": lambda: pd.Series(
            pd.arrays.ArrowExtensionArray(pa.array(list("uv") * (n // 2)).dictionary_encode())
        ),
        "arrow float16": lambda: pd.Series(
            pd.arrays.ArrowExtensionArray(pa.array(rng.normal(0, 1, n).astype("float16")))
        ),
        "ordered": lambda: pd.Series(
            pd.Categorical(["lo", "hi", "mid"] * (n // 3), ["lo", "mid", "hi"], ordered=True)
        ),
    }
    return result[kind]()


KINDS = (
    *("decimal", "float16", "uint64", "ns", "offset", "zone", "arrow decimal"),
    *("arrow dictionary", "arrow float16", "ordered"),
)


@pytest.mark.parametrize("kind", KINDS)
def test_unusual_columns_keep_their_kind(kind: str) -> None:
    column = unusual(kind)
    frame = pd.DataFrame({"x": column, "n": np.arange(len(column)) * 1.5})
    frame.loc[::5, "n"] = np.nan
    result = Synthesizer("trees", random_state=0).fit(frame)
    rows = result.sample(20)
    assert (rows.dtypes == frame.dtypes).all()
    assert {type(v) for v in rows["x"]} == {
        type(v) for v in result.restore_(to_polars(frame)[0])["x"]
    }
    filled = result.impute(frame)
    assert filled["x"].equals(frame["x"])
    assert [type(v) for v in filled["x"]] == [type(v) for v in frame["x"]]
    assert filled["n"].notna().all()
    if kind in ("offset", "zone"):
        assert rows["x"][0].utcoffset() in (dt.timedelta(hours=1), dt.timedelta(hours=2))
    if kind == "uint64":
        assert rows["x"].is_unique
        assert not set(rows["x"]) & set(column)


def test_ordered_arrow_dictionary_keeps_its_order() -> None:
    codes = pa.array([0, 1, 2] * 20, pa.int8())
    column = pa.DictionaryArray.from_arrays(codes, pa.array(["lo", "mid", "hi"]), ordered=True)
    table = pa.table({"x": column, "n": [float(i) for i in range(60)]})
    result = Synthesizer("trees", random_state=0).fit(table)
    assert result.schema_["x"].categories == ["lo", "mid", "hi"]
    assert result.sample(5).schema.equals(table.schema)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([MOMENT, MOMENT.replace(tzinfo=dt.UTC)], "mixes moments with and without a time zone"),
        ([decimal.Decimal(10) ** 45, decimal.Decimal(1)], "decimals of more than 38 digits"),
    ],
)
def test_objects_that_cannot_be_kept_are_one_sentence(values: list[object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        to_polars(pd.DataFrame({"x": pd.Series(values, dtype=object), "y": [1, 2]}))


def test_duplicate_names_in_features_are_one_sentence() -> None:
    features = pd.DataFrame(np.ones((20, 2)), columns=["a", "a"])
    with pytest.raises(InputError, match="'a' more than once"):
        Synthesizer("trees").fit_resample(features, [0, 1] * 10)
