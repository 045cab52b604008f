"""Any frame in, the same kind out."""

from __future__ import annotations

import datetime as dt
import decimal
import json
import subprocess
import sys
import textwrap
import zoneinfo
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright import Synthesizer
from tablewright.errors import InputError
from tablewright.tables.io.frames import Restore, keep_cells, to_polars
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
        ({"a": [1]}, r"not dict"),
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


N = 30
MOMENTS = [MOMENT + dt.timedelta(hours=7 * i) for i in range(N)]
ARROW: list[tuple[pa.DataType, Sequence[object]]] = [
    (pa.decimal128(10, 2), [decimal.Decimal(i) / 4 for i in range(N)]),
    (pa.decimal256(50, 3), [decimal.Decimal(i) / 8 for i in range(N)]),
    (pa.uint64(), [2**63 + 977 * i for i in range(N)]),
    (pa.float16(), [np.float16(i / 4) for i in range(N)]),
    (pa.timestamp("ns", "Asia/Kolkata"), list(MOMENTS)),
    (pa.timestamp("us", "+05:30"), list(MOMENTS)),
    (pa.time64("ns"), [moment.time() for moment in MOMENTS]),
    (pa.date32(), [moment.date() for moment in MOMENTS]),
    (pa.duration("ms"), [dt.timedelta(minutes=i) for i in range(N)]),
    (pa.string_view(), ["a", "b", "c"] * (N // 3)),
    (pa.dictionary(pa.int8(), pa.large_string()), ["a", "b", "c"] * (N // 3)),
    (pa.dictionary(pa.int32(), pa.int64()), [4, 9, 7] * (N // 3)),
    (pa.dictionary(pa.int8(), pa.timestamp("us")), MOMENTS[:3] * (N // 3)),
]


def arrow_column(kind: pa.DataType, values: Sequence[object]) -> pa.ChunkedArray:
    """Make a column of two chunks with gaps."""
    gaps = [None if i % 7 == 3 else value for i, value in enumerate(values)]
    is_dictionary = pa.types.is_dictionary(kind)
    plain = pa.array(gaps, kind.value_type if is_dictionary else kind)
    plain = plain.dictionary_encode().cast(kind) if is_dictionary else plain
    return pa.chunked_array([plain[:10], plain[10:]])


@pytest.mark.parametrize(("kind", "values"), ARROW, ids=lambda value: str(value)[:30])
@pytest.mark.parametrize("library", ["pyarrow", "pandas"])
def test_arrow_types_come_back_and_cells_that_stay_are_untouched(
    library: str, kind: pa.DataType, values: Sequence[object]
) -> None:
    column = arrow_column(kind, values)
    frame: Any = pa.table({"x": column})
    if library == "pandas":
        frame = pd.DataFrame({"x": pd.Series(pd.arrays.ArrowExtensionArray(column))})
    inside, restore = to_polars(frame)
    assert inside["x"].null_count() == column.null_count
    filled = restore(inside.with_columns(pl.all().forward_fill()))
    kept = keep_cells(frame, filled, inside.select(pl.all().is_null()))
    cells = kept["x"].to_pylist() if library == "pyarrow" else pa.array(kept["x"]).to_pylist()
    expected = [column[i - 1 if i % 7 == 3 else i].as_py() for i in range(N)]
    assert cells == expected
    if library == "pyarrow":
        assert kept.schema.equals(frame.schema)
    else:
        assert kept["x"].dtype == frame["x"].dtype


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (pa.array([[1]] * N), "List"),
        (pa.array([pa.MonthDayNano([1, 2, 3])] * N), "the Arrow type month_day_nano_interval"),
        (pa.array([decimal.Decimal(10) ** 45] * N, pa.decimal256(50, 0)), "the Arrow type decimal"),
    ],
)
def test_arrow_types_that_no_table_holds_are_one_sentence(column: pa.Array, said: str) -> None:
    with pytest.raises(InputError, match=f"column 'x'.*{said}"):
        load_table(pa.table({"x": column, "y": list(range(N))}))


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize(
    "values",
    [
        [0.0, 0.5, 2.0],
        [3, 10, 2],
        [True, False, True],
        MOMENTS[:3],
        [dt.timedelta(3), MOMENT - MOMENT],
    ],
    ids=["floats", "ints", "truths", "moments", "spans"],
)
def test_categories_of_any_kind_are_categories(values: list[object], ordered: bool) -> None:
    column = pd.Categorical([values[i % len(values)] for i in range(60)], ordered=ordered)
    frame = pd.DataFrame({"x": column, "n": np.arange(60) * 1.5})
    result = Synthesizer("copula", random_state=0).fit(frame)
    assert result.schema_["x"].kind.value == ("ordinal" if ordered else "categorical")
    rows = result.sample(40)
    assert rows["x"].dtype == frame["x"].dtype
    assert set(rows["x"]) == set(frame["x"])


@pytest.mark.parametrize(
    "values",
    [
        [MOMENT.date() + dt.timedelta(i % 3) for i in range(60)],
        [dt.time(i % 3, 5, 0, 7) for i in range(60)],
        [dt.timedelta(i % 3, microseconds=1) for i in range(60)],
        [MOMENT + dt.timedelta(microseconds=i % 3) for i in range(60)],
        [(MOMENT + dt.timedelta(hours=i % 3)).replace(tzinfo=dt.UTC) for i in range(60)],
    ],
    ids=["dates", "times", "spans", "moments", "zone"],
)
def test_times_may_be_declared_categories(values: list[object]) -> None:
    frame = pl.DataFrame({"x": values, "n": [i * 1.5 for i in range(60)]})
    result = Synthesizer("copula", random_state=0, schema={"x": "categorical"}).fit(frame)
    rows = result.sample(40)
    assert rows.schema == frame.schema
    assert set(rows["x"]) == set(values)


@pytest.mark.parametrize(
    ("value", "step"),
    [(pd.Timestamp(MOMENT), pd.Timedelta(days=1)), (pd.Timedelta(hours=1), pd.Timedelta(hours=2))],
)
def test_objects_of_pandas_stay_objects_of_pandas(value: Any, step: pd.Timedelta) -> None:
    frame = pd.DataFrame({"x": pd.Series([value, value + step, None], dtype=object)})
    inside, restore = to_polars(frame)
    assert [type(cell) for cell in restore(inside)["x"][:2]] == [type(value)] * 2
    assert restore(inside)["x"][:2].tolist() == [value, value + step]


def test_infinite_decimals_are_one_sentence() -> None:
    with pytest.raises(InputError, match="'x' holds infinite decimals"):
        to_polars(pd.DataFrame({"x": [decimal.Decimal("Infinity"), decimal.Decimal(1)]}))
