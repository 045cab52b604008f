"""Files in: every bad one gets one sentence that names the place and the remedy."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tablewright.errors import InputError
from tablewright.tables.io.files import read_frame
from tablewright.tables.io.loading import load_as_said
from tablewright.tables.io.writing import write_frame
from tablewright.tables.table import load_table


def put(folder: Path, content: bytes, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,x\n2,\n",
        b"\xef\xbb\xbfa,b\n1,x\n2,\n",
        b"a,b\r\n1,x\r\n2,\r\n",
        b"a;b\n1;x\n2;\n",
        b"a\tb\n1\tx\n2\t\n",
        b"a|b\n1|x\n2|\n",
        b'"a","b"\n"1","x"\n"2",""\n',
        b"\n\na,b\n1,x\n2,\n",
        b"a,b\n1,x\n\n2,\n\n",
        b"a,b\r1,x\r2,\r",
        "a,b\n1,x\n2,\n".encode("utf-16"),
        "a,b\n1,x\n2,\n".encode("utf-32"),
        b"sep=;\na,b\n1,x\n2,\n",
    ],
)
def test_the_same_table_in_many_spellings(tmp_path: Path, content: bytes) -> None:
    frame = read_frame(put(tmp_path, content))
    assert frame.to_dict(as_series=False) == {"a": ["1", "2"], "b": ["x", None]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty; it must hold a header"),
        (b" \n\n", "is empty"),
        (b"a,b\n", "has a header and no rows"),
        (b"a,b,a\n1,2,3\n", "has 'a' more than once; rename"),
        (b"a,b\n1,2\n3,4,5\n", "line 3: 3 cells, but the header has 2"),
        (b"a,b\n1,2\n3\n", "line 3: 1 cell, but the header has 2"),
        (
            b"a,b\n1,2\n3,\xe9\n",
            "line 3: not UTF-8 text but probably cp1252; read it with --encoding cp1252",
        ),
        (b"a,b\n1,2\n\x00\x01\x02\n", "is a binary file"),
        (b"PK\x03\x04...", "is a ZIP or Excel file"),
        (b"PAR1 nonsense", "is a damaged parquet file"),
        (b"ARROW1 nonsense", "is a damaged arrow file"),
        (b'a,b\n1,"x\n2,y\n', r"(cells, but the header|is no CSV file)"),
    ],
)
def test_bad_file_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_frame(put(tmp_path, content))
    assert "\n" not in str(caught.value)
    assert "t.csv" in str(caught.value)


def test_cells_may_be_longer_than_the_csv_reader_of_python_takes(tmp_path: Path) -> None:
    long = "y" * 140_000
    frame = read_frame(put(tmp_path, f'a,b\n5" pipe,{long}\n6" pipe,x\n'.encode()))
    assert frame["b"].to_list() == [long, "x"]


def test_another_separator_is_offered_to_be_named(tmp_path: Path) -> None:
    path = put(tmp_path, b"a^b\n1^x\n2^y\n")
    with pytest.raises(InputError, match=r"say in the schema file: 'dialect: {separator: \"\^\"}'"):
        load_table(path)
    (tmp_path / "s.yaml").write_text('dialect: {separator: "^"}')
    assert load_as_said(path, tmp_path / "s.yaml", None).frame.columns == ["a", "b"]


def test_absent_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_frame(tmp_path / "no.csv")
    with pytest.raises(InputError, match="is a folder"):
        read_frame(tmp_path)


@pytest.mark.parametrize("end", ["parquet", "arrow"])
def test_duplicate_names_in_a_binary_file(tmp_path: Path, end: str) -> None:
    table = pa.table([pa.array([1, 2]), pa.array([3, 4])], names=["a", "a"])
    path = tmp_path / f"t.{end}"
    if end == "parquet":
        pq.write_table(table, path)
    else:
        pa.feather.write_feather(table, path, compression="uncompressed")
    with pytest.raises(InputError, match=r"two columns (of|have) one name"):
        read_frame(path)


def test_text_named_parquet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="though its name says so"):
        read_frame(put(tmp_path, b"a,b\n1,2\n", "t.parquet"))


def test_content_counts_more_than_the_name(tmp_path: Path) -> None:
    frame = pl.DataFrame({"a": [1, 2]})
    frame.write_parquet(tmp_path / "t.csv")
    assert read_frame(tmp_path / "t.csv").equals(frame)


@pytest.mark.parametrize("end", ["parquet", "arrow", "feather"])
def test_binary_files_keep_types(tmp_path: Path, end: str) -> None:
    frame = pl.DataFrame(
        {"a": [1, None], "d": [dt.date(2020, 1, 1), None], "s": ["", "x"]},
        schema_overrides={"a": pl.Int8},
    )
    write_frame(frame, tmp_path / f"t.{end}")
    assert read_frame(tmp_path / f"t.{end}").equals(frame)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.tuples(cells.filter(bool), cells.filter(bool)), min_size=1, max_size=6))
def test_any_text_survives_csv(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    frame = pl.DataFrame(rows, schema=["a,b", 'c"d'], orient="row")
    write_frame(frame, tmp_path / "t.csv")
    assert read_frame(tmp_path / "t.csv").equals(frame)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.one_of(
        st.binary(max_size=60),
        st.text('ab1,;|"\n\r\t ', max_size=40).map(str.encode),
        st.text("ab,\n", max_size=9).map(lambda text: text.encode("utf-16")),
        st.binary(max_size=9).map(lambda octets: b"\xff\xfe" + octets),
    )
)
def test_any_bytes_are_a_table_or_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = put(tmp_path, content)
    with suppress(InputError):
        assert read_frame(path).width
