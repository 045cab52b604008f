"""Files as other programs write them, texts that stand for missing, dates, large numbers."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import InputError, SchemaError
from tablewright.schema import Kind, Schema
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.tables.inference.infer import infer_schema
from tablewright.tables.inference.times import dates_to_text, find_date_format, parse_dates
from tablewright.tables.io.files import read_table
from tablewright.tables.table import load_table, structural_cells

N = 60


def put(folder: Path, content: str | bytes) -> Path:
    path = folder / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "a,b,\n1,x,\n2,y,\n",
        "a,b,\n1,x\n2,y\n",
        "a,b\n1,x,\n2,y,\n",
        "sep=,\na,b\n1,x\n2,y\n",
        "sep=;\na;b\n1;x\n2;y\n",
        "Report of May\n\na,b\n1,x\n2,y\n",
        "Report;;\nby us;;\na;b;\n1;x;\n2;y;\n",
    ],
)
def test_files_of_other_programs_are_read(tmp_path: Path, content: str) -> None:
    frame, _ = read_table(put(tmp_path, content))
    assert frame.to_dict(as_series=False) == {"a": ["1", "2"], "b": ["x", "y"]}


def test_line_break_in_a_quoted_name(tmp_path: Path) -> None:
    frame, dialect = read_table(put(tmp_path, '"Age\n(years)";"b, c"\n50;x\n65;y\n'))
    assert frame.columns == ["Age\n(years)", "b, c"]
    assert dialect is not None
    assert dialect.separator == ";"


def test_inch_sign_inside_a_cell(tmp_path: Path) -> None:
    rows = "".join(f'{i}" screen,{i}\n' for i in range(40)) + '"quoted ""x"", too",9\n'
    frame, _ = read_table(put(tmp_path, "size,n\n" + rows))
    assert frame["size"][3] == '3" screen'
    assert frame["size"][-1] == 'quoted "x", too'
    assert frame.height == 41


def test_value_under_no_name_is_one_sentence(tmp_path: Path) -> None:
    rows = "1,x,\n" * 200 + "2,y,z\n"
    with pytest.raises(InputError, match=r"last column has no name, and row 200 holds 'z'"):
        read_table(put(tmp_path, "a,b,\n" + rows))


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Zürich, Genève, Ærø, ¿Qué?, 5 €"),
        ("cp1251", "Москва, Санкт-Петербург, Новосибирск"),
        ("shift-jis", "東京都、大阪府、あいうえお"),
        ("utf-16-le", "Zürich"),
    ],
)
def test_other_encoding_is_named_and_read(tmp_path: Path, encoding: str, text: str) -> None:
    path = put(tmp_path, f"a;b\n{text};1\n{text};2\n".encode(encoding))
    with pytest.raises(InputError, match=f"--encoding {encoding}"):
        read_table(path)
    frame, dialect = read_table(path, encoding)
    assert frame["a"].to_list() == [text, text]
    assert dialect is not None
    assert dialect.encoding == encoding


# missing --------------------------------------------------------------------------------------


def one(texts: list[str | None], **fields: object) -> tuple[pl.Series, str]:
    frame = pl.DataFrame({"x": texts, "y": [i % 2 for i in range(len(texts))]})
    table = load_table(frame, overrides={"x": fields} if fields else None)
    assert table.restore(table.frame).equals(frame) or table.frame["x"].null_count()
    return table.frame["x"], table.schema["x"].note


def test_na_is_namibia_among_codes_of_countries() -> None:
    read, note = one(["NA", "ZA", "BW", "ZM", None] * 12)
    assert read.null_count() == 12
    assert "Namibia" in note


def test_doubtful_texts_are_reported() -> None:
    read, note = one(["NA", "red", "blue", "green"] * 12)
    assert read.null_count() == 12
    assert "holds 'NA', read as missing" in note


@pytest.mark.parametrize("text", ["NA", "nan", "null", "None", "N/A", "Null"])
@pytest.mark.parametrize(
    "fields",
    [{"sentinels": []}, {"kind": "categorical", "categories": ["red", "TEXT"]}],
)
def test_declared_values_win(text: str, fields: dict[str, object]) -> None:
    if "categories" in fields:
        fields = {**fields, "categories": ["red", text]}
    frame = pl.DataFrame({"x": [text, "red", None] * 20, "n": [i * 1.5 for i in range(60)]})
    result = Synthesizer("trees", random_state=0, schema={"x": fields}).fit(frame)
    assert text in (result.schema_["x"].categories or ())
    filled = result.impute(frame)
    assert filled["x"].filter(frame["x"] == text).to_list() == [text] * 20
    assert filled["x"].null_count() == 0
    assert set(result.sample(10, where=f"x = '{text}'")["x"]) == {text}


def test_only_the_named_columns_are_filled() -> None:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.normal(0, 1, N), "b": rng.normal(0, 1, N)})
    frame = frame.with_columns(
        pl.when(pl.int_range(N) % 3 == 0).then(None).otherwise(pl.all()).name.keep()
    )
    filled = Synthesizer("trees", random_state=0).fit(frame).impute(frame, columns=["a"])
    assert (filled["a"].null_count(), filled["b"].null_count()) == (0, 20)


def test_cells_empty_by_structure_can_be_left() -> None:
    rng = np.random.default_rng(0)
    married = np.where(np.arange(200) % 2 == 0, "yes", "no")
    income = pl.Series(rng.normal(50, 5, 200)).set(pl.Series(married == "no"), None)
    income = income.set(pl.Series(np.arange(200) % 10 == 0), None)
    frame = pl.DataFrame({"married": married, "income": income})
    (condition, _) = structural_cells(frame, infer_schema(frame))["income"]
    assert condition == "married = 'no'"
    filled = Synthesizer("trees", random_state=0).fit(frame).impute(frame, leave_structural=True)
    assert filled["income"].null_count() == 100
    assert filled.filter(pl.col("married") == "yes")["income"].null_count() == 0


# dates ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["2023-01-20 16:16:00+02", "2023-07-20 06:16:00+02"], "%Y-%m-%d %H:%M:%S+02"),
        (["2023-01-20T16:16:00+05:30", "2023-07-20T06:16:00+05:30"], "%Y-%m-%dT%H:%M:%S+05:30"),
        (
            ["2023-01-20 16:16:00+01", "2023-07-20 06:16:00+02"],
            "%Y-%m-%d %H:%M:%S%:::z [Europe/Berlin]",
        ),
        (
            ["2023-01-20 16:16:00-05:00", "2023-07-20 06:16:00-04:00"],
            "%Y-%m-%d %H:%M:%S%:z [America/New_York]",
        ),
        (["5/6/2023", "12/31/2023"], "%-m/%-d/%Y"),
        (["18-Jul-23", "01-Feb-24"], "%d-%b-%y"),
        (["18-JUL-23", "01-FEB-24"], "%d-%^b-%y"),
        (["2023-05-10", "2023-05-11", "23/02/2022", "24/02/2022"], "%Y-%m-%d|%d/%m/%Y"),
    ],
)
def test_dates_are_written_as_they_were_read(texts: list[str], form: str) -> None:
    values = pl.Series(texts)
    result = find_date_format(values)
    assert result is not None
    assert result.text == form
    written = dates_to_text(parse_dates(values, form), form).to_list()
    if "|" in form:
        assert written == ["2023-05-10", "2023-05-11", "2022-02-23", "2022-02-24"]
        assert "mixes dates" in result.note
    else:
        assert written == texts


def test_offsets_of_no_zone_are_one_sentence() -> None:
    values = pl.Series(["2023-01-20 16:16:00+01:00", "2023-01-20 16:16:00+09:30"] * 5)
    result = find_date_format(values)
    assert result is not None
    assert "all rows are written in UTC" in result.note


@given(st.lists(st.datetimes(dt.datetime(1970, 1, 1), dt.datetime(2037, 1, 1)), min_size=3))
def test_moments_of_a_zone_survive(moments: list[dt.datetime]) -> None:
    utc = pl.Series(moments, dtype=pl.Datetime("us")).dt.truncate("1s").dt.replace_time_zone("UTC")
    texts = utc.dt.convert_time_zone("Europe/Berlin").dt.strftime("%Y-%m-%d %H:%M:%S%:z")
    result = find_date_format(texts)
    assert result is not None
    if not result.note:
        assert dates_to_text(parse_dates(texts, result.text), result.text).equals(texts)


# large whole numbers --------------------------------------------------------------------------


@pytest.mark.parametrize("as_text", [True, False])
def test_account_numbers_keep_their_digits(as_text: bool) -> None:
    rng = np.random.default_rng(0)
    ids = [10**17 + int(i) for i in rng.choice(10**6, 200, replace=False)]
    accounts = [4 * 10**17 + int(i) for i in rng.integers(0, 10**6, 40)]
    frame = pl.DataFrame({"id": ids, "account": accounts * 5, "y": ["a", "b"] * 100})
    frame = frame.with_columns(pl.col("id", "account").cast(pl.String)) if as_text else frame
    result = Synthesizer("trees", random_state=0).fit(frame)
    assert result.schema_["id"].kind is Kind.IDENTIFIER
    assert result.schema_["account"].kind is Kind.CATEGORICAL
    rows = result.sample(200)
    assert rows.schema == frame.schema
    assert rows["id"].n_unique() == 200
    assert not set(rows["id"]) & set(frame["id"])
    assert set(rows["account"]) <= set(frame["account"])


def test_number_that_would_lose_digits_is_refused() -> None:
    frame = pl.DataFrame({"x": [10**17 + i for i in range(N)], "y": ["a", "b"] * 30})
    with pytest.raises(SchemaError, match="lose digits when they are learned as numbers"):
        infer_schema(frame, overrides={"x": "integer"})


# schema file ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("columns: {x: {decimals: 999999999}}", "'x': decimals: .* less than or equal to 15"),
        ("columns: {x: {decimals: -5}}", "'x': decimals: .* greater than or equal to 0"),
        ("columns: {x: {confidence: 7}}", "confidence"),
        ("columns: {x: {minimum: 5, maximum: 2}}", "minimum 5 is above maximum 2"),
        ("columns: {x: {minimum: .nan}}", "minimum"),
        ("columns: {x: {kinds: integer}}", "'kinds' is no field; did you mean 'kind'"),
        ("columns: {x: {kind: [1]}}", "kind is one of continuous"),
        ("columns: {x: {categories: abc}}", "categories"),
        ("columns: {x: {sentinels: {a: 1}}}", "sentinels"),
        ("columns: [x]", "holds 'columns:'"),
        ("target: [a]", "'target' is the name of one column"),
        ("version: 9", "version is 1"),
        ("columns: " + "[" * 5000, "not YAML|nested too deeply"),
        ("columns: {x: " + "{a: " * 3000, "not YAML|nested too deeply"),
    ],
)
def test_wrong_schema_file_is_one_sentence(text: str, said: str) -> None:
    with pytest.raises(SchemaError, match=said) as caught:
        Schema.overrides_from_yaml(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("target", ["nope", "''"])
def test_target_of_a_schema_file_must_be_a_column(tmp_path: Path, target: str) -> None:
    (tmp_path / "s.yaml").write_text(f"target: {target}\n")
    frame = pl.DataFrame({"x": [1.5, 2.5] * 30, "y": ["a", "b"] * 30})
    with pytest.raises(SchemaError, match="is not a column"):
        Synthesizer("trees", schema=tmp_path / "s.yaml").fit(frame)


@pytest.mark.parametrize("form", ["%Q", "HH", "nonsense"])
def test_wrong_date_format_is_one_sentence(form: str) -> None:
    frame = pl.DataFrame({"x": ["2020-01-01", "2020-01-02"] * 30, "y": ["a", "b"] * 30})
    with pytest.raises(SchemaError, match="column 'x'"):
        infer_schema(frame, overrides={"x": {"kind": "date", "format": form}})
