"""Numbers in local dress: read as what they mean, written as they were."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.errors import SchemaError
from tablewright.schema import Dialect
from tablewright.tables.inference.cells import (
    NumberFormat,
    numbers_to_text,
    plain_format,
    read_number_format,
)
from tablewright.tables.inference.infer import infer_schema
from tablewright.tables.io.writing import write_frame
from tablewright.tables.table import load_table

FORMATS = [
    *("#.##0,00", "#,##0.00", "#,##,##0", "#'##0.00", "# ##0", "#\u00a0##0,0", "0,000", "0,0##"),
    *("$#,##0.00", "R$ #.##0,00", "#,##0.00 EUR", "EUR 0,00", "0,0%", "#.##0 kr", "₹#,##,##0.00"),
    *("#,##0.00;(#,##0.00)", "$#,##0.00;($#,##0.00)", "€#.##0,00;€-#.##0,00", "0,00;0,00-"),
    "0.00 EUR;\u22120.00 EUR",
]


@pytest.mark.parametrize(
    ("texts", "numbers", "form"),
    [
        (["29.253,38", "412,49"], [29253.38, 412.49], "#.##0,00"),
        (["$1,229.85", "$501.80"], [1229.85, 501.8], "$#,##0.00"),
        (["12,5%", "3,0%"], [12.5, 3.0], "0,0%"),
        (["33\u00a0153", "980"], [33153, 980], "#\u00a0##0"),
        (["33 153", "980"], [33153, 980], "# ##0"),
        (["5,48,428", "1,200"], [548428, 1200], "#,##,##0"),
        (["45.98 EUR", "7.10 EUR"], [45.98, 7.1], "0.00 EUR"),
        (["(19.22)", "5.00"], [-19.22, 5.0], "0.00;(0.00)"),
        (["R$ 2.142,49", "R$ 3,00"], [2142.49, 3.0], "R$ #.##0,00"),
        (["1'234.50", "9.75"], [1234.5, 9.75], "#'##0.00"),
        (["0,339", "0,880"], [0.339, 0.88], "0,000"),
        (["1,234", "999"], [1234, 999], "#,##0"),
        (["-$5.00", "$1,000.25"], [-5.0, 1000.25], "$#,##0.00"),
        (["5,00-", "7,25"], [-5.0, 7.25], "0,00;0,00-"),
        (["\u22125,5", "7,25"], [-5.5, 7.25], "0,0#;\u22120,0#"),
        (["\u22125.5", "7.25"], [-5.5, 7.25], "0.0#;\u22120.0#"),
        (["-5,5", "7,25"], [-5.5, 7.25], "0,0#"),
        (["3,14E+10", "-4,50E-03"], [3.14e10, -0.0045], "0,00E+00"),
        (["3,5e7", "4,5e-3"], [3.5e7, 0.0045], "0,0e-0"),
    ],
)
def test_local_numbers_are_read(texts: list[str], numbers: list[float], form: str) -> None:
    frame = pl.DataFrame({"x": texts * 12, "y": ["a", "b"] * 12})
    table = load_table(frame, overrides={"x": {"kind": "continuous"}})
    assert table.schema["x"].format == form
    assert table.frame["x"][:2].to_list() == numbers
    assert table.restore(table.frame).equals(frame)


@pytest.mark.parametrize(
    ("others", "separator", "numbers", "form"),
    [
        (["0,5", "7,25"], ",", [3e10, -0.2125], "0,000E+00"),
        (["a", "b"], ";", [3e10, -0.2125], "0,000E+00"),
        (["0.5", "7.25"], ",", [3e13, -212.5], "#,##0.#"),
        (["a", "b"], ",", [3e13, -212.5], "#,##0.#"),
    ],
)
def test_exponents_after_three_digits_follow_the_marks_of_the_file(
    tmp_path: Path, others: list[str], separator: str, numbers: list[float], form: str
) -> None:
    frame = pl.DataFrame({"x": ["3,000E+10", "-2,125E-01"] * 12, "y": others * 12})
    write_frame(frame, tmp_path / "t.csv", dialect=Dialect(separator=separator))
    table = load_table(tmp_path / "t.csv", overrides={"x": {"kind": "continuous"}})
    assert table.frame["x"][:2].to_list() == numbers
    assert table.schema["x"].format == form
    again = table.restore(table.frame)["x"]
    assert form != "0,000E+00" or again.equals(frame["x"])
    assert NumberFormat.parse(form).to_plain(again).cast(pl.Float64)[:2].to_list() == numbers


@pytest.mark.parametrize(
    ("texts", "numbers", "written"),
    [
        (["3,14E+10", "4,5E-11"], [3.14e10, 4.5e-11], ["31400000000", "0,000000000045"]),
        (["1.234,5E+3", "12,5"], [1234500.0, 12.5], ["1.234.500", "12,5"]),
        (["3,0e10 EUR", "2,15e-1 EUR"], [3e10, 0.215], ["30000000000 EUR", "0,215 EUR"]),
        (["\u22123,0E+2", "1,2E-3"], [-300.0, 0.0012], ["\u2212300", "0,0012"]),
        (["1,234E-4", "5,678E-4"], [0.1234, 0.5678], ["0.1234", "0.5678"]),
    ],
)
def test_exponents_of_different_shape_lose_no_digit(
    texts: list[str], numbers: list[float], written: list[str]
) -> None:
    reading = read_number_format(pl.Series(texts))
    assert reading is not None
    plain = reading.form.to_plain(pl.Series(texts)).cast(pl.Float64)
    assert plain.to_list() == pytest.approx(numbers, rel=1e-12)
    assert numbers_to_text(pl.Series(numbers), str(reading.form)).to_list() == written


def test_digits_in_groups_with_a_letter_are_no_number() -> None:
    assert read_number_format(pl.Series(["12 345E6", "12 346E6"])) is None


@given(st.sampled_from(FORMATS), st.lists(st.integers(-(10**9), 10**9), min_size=1))
def test_what_a_format_writes_it_reads(text: str, cents: list[int]) -> None:
    form = NumberFormat.parse(text)
    assert str(form) == text
    numbers = pl.Series([round(cent / 100, min(2, form.max_digits)) for cent in cents])
    plain = form.to_plain(numbers_to_text(numbers, text)).cast(pl.Float64)
    assert plain.to_list() == pytest.approx(numbers.to_list())


@pytest.mark.parametrize("text", ["", "%.2f", "x", "#,##0,00", "0.0.0", "#"])
def test_wrong_format_is_one_sentence(text: str) -> None:
    with pytest.raises(SchemaError, match="is no format of numbers"):
        NumberFormat.parse(text)


@pytest.mark.parametrize(
    "texts",
    [
        ["+49 151 006 335", "+49 151 006 336"],
        ["$5.00", "7.25"],
        ["$5.00", "€7.25"],
        ["12.05.2020", "13.05.2020"],
        ["192.168.0.1", "10.0.0.1"],
        ["5 kg", "7 kg"],
        ["٣", "١٠"],
        ["٣,٥", "١,٠"],
        ["٠٩:٣٠", "١٧:٠٠"],
        ["1,2,3", "4,5"],
        ["007,5", "x"],
    ],
)
def test_what_is_no_number_stays_text(texts: list[str]) -> None:
    frame = pl.DataFrame({"x": texts * 12, "y": ["a", "b"] * 12})
    assert infer_schema(frame)["x"].kind.value not in ("continuous", "integer")


@pytest.mark.parametrize(
    ("separator", "other", "meant"),
    [
        (";", "x", 1.234),  # a semicolon divides cells where the comma is taken
        (";", "1.234,50", 1.234),
        (";", "1,234.50", 1234),
        (",", '"8,46"', 1.234),
        (",", "8.46", 1234),
        (",", "x", 1234),
    ],
)
def test_one_file_has_one_decimal_mark(
    tmp_path: Path, separator: str, other: str, meant: float
) -> None:
    path = tmp_path / "t.csv"
    cells = [f'"{i},{i}34"' if separator == "," else f"{i},{i}34" for i in (1, 2, 3, 4) * 6]
    cells[0] = cells[0].replace("1,134", "1,234")
    lines = [f"{cell}{separator}{other}{separator}{i % 2}" for i, cell in enumerate(cells)]
    path.write_text("\n".join([f"a{separator}b{separator}c", *lines]))
    table = load_table(path, overrides={"b": "constant"} if other == "x" else None)
    assert table.frame["a"][0] == meant


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_dialect_is_restored(tmp_path: Path, separator: str, encoding: str) -> None:
    from tablewright.tables.io.files import ENCODING

    path, out = tmp_path / "t.csv", tmp_path / "out.csv"
    rows = [f"Zürich{separator}{i},5\n" for i in range(3)]
    text = f"Ort{separator}Größe\n" + "".join(rows)
    if separator == ",":
        text = text.replace(",5", ".5")
    path.write_bytes(text.encode(encoding))
    token = ENCODING.set("cp1252" if encoding == "cp1252" else None)
    try:
        table = load_table(path, overrides={"Ort": "constant"})
    finally:
        ENCODING.reset(token)
    write_frame(table.restore(table.frame), out, dialect=table.schema.dialect)
    assert out.read_bytes() == path.read_bytes()


@pytest.mark.parametrize("texts", [["3", "\\N", "5", "7"], ["a", "\\N", "b", "c"]])
def test_the_marker_of_databases_is_missing(texts: list[str]) -> None:
    frame = pl.DataFrame({"x": texts * 6, "y": ["a", "b"] * 12})
    table = load_table(frame)
    assert table.frame["x"].null_count() == 6
    assert table.restore(table.frame).equals(frame)


@given(st.sampled_from([".", ","]), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5))
def test_plain_numbers_have_no_format_of_their_own(mark: str, numbers: list[float]) -> None:
    texts = pl.Series([f"{number:.2f}" for number in numbers])
    assert read_number_format(texts, mark) is None


@pytest.mark.parametrize(
    ("texts", "mark", "form"),
    [
        (["1.234", "2.500"], ",", "#.##0"),
        (["1.234", "2.500"], ".", None),
        (["1.234", "0.500"], ",", None),
        (["1.234.567", "2.500.000"], ".", "#.##0"),
        (["12.345", "-1.000"], ",", "#.##0"),
        ([], ".", None),
    ],
)
def test_points_between_thousands(texts: list[str], mark: str, form: str | None) -> None:
    reading = read_number_format(pl.Series(texts, dtype=pl.String), mark)
    assert (None if reading is None else str(reading.form)) == form


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["1.50", "2.25"], "0.00"),
        (["1.5", "2"], "0.#"),
        (["1.5", "2.25"], None),
        (["2.934E-09", "1.084E-08"], "0.000E-00"),
        (["2.9e+05", "1.0e-08"], "0.0e+00"),
    ],
)
def test_spelling_of_plain_numbers_is_kept(texts: list[str], form: str | None) -> None:
    assert plain_format(pl.Series(texts)) == form
    assert numbers_to_text(pl.Series(texts).cast(pl.Float64), form).to_list() == texts


@pytest.mark.parametrize("first", [-(10**18), -(2**63)])
def test_whole_numbers_of_19_digits_keep_every_digit(tmp_path: Path, first: int) -> None:
    keys = [str(first + at * 12345678901) for at in range(40)]
    path = tmp_path / "t.csv"
    path.write_text("key,v\n" + "".join(f"{key},{at % 7}\n" for at, key in enumerate(keys)))
    table = load_table(path)
    assert table.schema["key"].kind == "identifier"
    assert table.frame["key"].cast(pl.String).to_list() == keys
