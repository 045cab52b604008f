"""Files as other programs write them, and schema files that say how."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tablewright.errors import InputError, SchemaError
from tablewright.schema import MAX_PREAMBLE, Dialect, Schema
from tablewright.synthesizer.synthesizer import Synthesizer
from tablewright.tables.inference.infer import infer_schema
from tablewright.tables.inference.kinds import number_marks
from tablewright.tables.io.files import read_table
from tablewright.tables.io.loading import load_as_said, read_as_said
from tablewright.tables.io.writing import TableWriter, write_frame
from tablewright.tables.table import load_table


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
        "Report;;\na;b;\n1;x;\n2;y;\n",
        "Report of May,,\nby us,,\n\na,b,\n1,x,\n2,y,\n",
        "a,b,,\n1,x,,\n2,y,,\n",
        "a,b,,\n1,x,\n2,y,\n",
        "a,b,,\n1,x\n2,y\n",
        "a,b\n1,x,,\n2,y,,\n",
        "a, b\n1, x\n2, y\n",
        'a, b\n1, "x"\n"2", "y"\n',
        'a,b\n1, "x"\n2,   "y"\n',
        "a; b;\n1; x;\n2; y;\n",
        "a , b\n1 , x\n2 , y\n",
        "a, b\n1,x\n2,y\n",
        "a, b, \n1,x,\n2,y,\n",
        "a , b \n1 , x \n2 , y \n",
        ";;\na;b;\n1;x;\n2;y;\n",
        ";;\nReport;;\na;b;\n1;x;\n2;y;\n",
        "a, b\n\n1, x\n   \n2, y\n\n",
        '"a","b"\n"1","x"\n"2","y"\n',
        '\ufeff"a";"b";""\r\n"1";"x";""\r\n"2";"y";""\r\n',
    ],
)
def test_files_of_other_programs_are_read(tmp_path: Path, content: str) -> None:
    frame, _ = read_table(put(tmp_path, content))
    assert frame.to_dict(as_series=False) == {"a": ["1", "2"], "b": ["x", "y"]}


@pytest.mark.parametrize("rows", ["1{0}{0}\n2{0}{0}\n", "1\n2\n", "1{0}\n2{0}\n"])
@pytest.mark.parametrize("separator", [",", ";"])
def test_header_of_one_name_and_blanks_is_no_title(
    tmp_path: Path, separator: str, rows: str
) -> None:
    text = f"a{separator}{separator}\n" + rows.format(separator)
    frame, dialect = read_table(put(tmp_path, text))
    assert frame.to_dict(as_series=False) == {"a": ["1", "2"]}
    assert dialect == Dialect(separator=separator)


def test_one_column_without_a_name_keeps_its_cells(tmp_path: Path) -> None:
    frame, dialect = read_table(put(tmp_path, "a,b,,\n1,2,,\n3,4,x,\n"))
    assert [frame[:, at].to_list() for at in range(3)] == [["1", "3"], ["2", "4"], [None, "x"]]
    assert dialect == Dialect()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1,x,y\n2,z,w\n", "2 blank names over"),
        ("u,x,y\nu,z,w\n", "2 blank names over"),
        ("u,x,y\nv,z,w\n", "2 blank names over"),
        ("1,x,\n2,z,\n", "1 blank name over"),
        ("1,,\n2,,\n3,x,\n", "1 blank name over"),
        ("u,x,\nv,z,\n", "1 blank name over"),
    ],
)
def test_cells_under_blank_names_are_one_sentence(tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(InputError, match=f"line 1: the header has {said} columns with cells"):
        read_table(put(tmp_path, "a,,\n" + rows))


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("Sales", ["land", "2019", "2020"]),
        ("Sales", ["land", "q1", "q2"]),
        ("Sales by land", ["2018", "2019", "2020"]),
    ],
)
def test_title_with_separators_is_told_from_a_header(
    tmp_path: Path, title: str, names: list[str]
) -> None:
    text = f"{title},,\n{','.join(names)}\nx,1,2\ny,3,4\n"
    frame, dialect = read_table(put(tmp_path, text))
    assert frame.rows() == [("x", "1", "2"), ("y", "3", "4")]
    assert frame.columns == names
    assert dialect == Dialect(preamble=f"{title},,\n")


@pytest.mark.parametrize(
    "rows",
    [
        "It was fine, really\nNever go there, ever\nGood food for all, bad wine\n",
        "No, not a third\n" * 3,
    ],
)
def test_name_above_sentences_with_commas_is_no_title(tmp_path: Path, rows: str) -> None:
    with pytest.raises(InputError, match=r"line 2: 2 cells, but the header has 1; .* quote cells"):
        read_table(put(tmp_path, "remark\n" + rows))


@pytest.mark.parametrize("blank", [",,\n", ",,\n,,\n"])
def test_numbers_below_a_blank_line_are_no_names(tmp_path: Path, blank: str) -> None:
    with pytest.raises(InputError, match="header has 3 blank names"):
        read_table(put(tmp_path, blank + "1,2,3\n2,3,4\n"))


def test_cells_that_begin_with_a_blank_are_quoted(tmp_path: Path) -> None:
    frame = pl.DataFrame({" a": [" 1", "2"], " b, c": [" x", ' "y"'], " d": ["", " "]})
    write_frame(frame, tmp_path / "o.csv")
    text = '" a"," b, c"," d"\n" 1"," x",\n2," ""y"""," "\n'
    assert (tmp_path / "o.csv").read_text() == text
    again, dialect = read_table(tmp_path / "o.csv")
    assert again.rows() == [(" 1", " x", None), ("2", ' "y"', " ")]
    assert (again.columns, dialect) == (frame.columns, Dialect())


def test_single_blank_name_over_sentences_is_kept(tmp_path: Path) -> None:
    write_frame(pl.DataFrame({"": ["so, so", None, "x"]}), tmp_path / "o.csv")
    assert (tmp_path / "o.csv").read_text() == '""\n"so, so"\n""\nx\n'


def test_value_far_down_under_the_second_blank_name_is_one_sentence(tmp_path: Path) -> None:
    rows = "1,x,,\n" * 200 + "2,y,,z\n"
    with pytest.raises(InputError, match=r"column 4 has no name, and row 200 holds 'z'"):
        read_table(put(tmp_path, "a,b,,\n" + rows))


@pytest.mark.parametrize(
    ("text", "rows", "is_spaced"),
    [
        ('a, b\n1, "say ""x"", y"\n2, "line\nbreak"\n', ['say "x", y', "line\nbreak"], True),
        ('a, b\n1, 5" x\n2, 7" y\n', ['5" x', '7" y'], True),
        ("a\t b\n1\t x\n2\t y z\n", ["x", "y z"], True),
        ("a,    b\n100, 5\n2,   30\n", ["5", "30"], True),
        ('a, b\n1, " x"\n2, y\n', [" x", "y"], True),
        ("a, b\n1,x\n2,y\n", ["x", "y"], False),
        ("a,b\n1, x\n2, y\n", [" x", " y"], False),
        ('a,b\n1,"x, y"\n2,"z, w"\n', ["x, y", "z, w"], False),
        ('a,b\n1," x"\n2," y"\n', [" x", " y"], False),
    ],
)
def test_blanks_after_separators_are_layout(
    tmp_path: Path, text: str, rows: list[str], is_spaced: bool
) -> None:
    frame, dialect = read_table(put(tmp_path, text))
    assert frame.columns == ["a", "b"]
    assert frame["b"].to_list() == rows
    assert dialect is not None
    assert dialect.spaced is is_spaced


def test_rows_are_spaced_below_a_header_that_is_not(tmp_path: Path) -> None:
    text = "age,work,pay\n39, State gov, <=50K\n40, ?, >50K\n"
    frame, dialect = read_table(put(tmp_path, text))
    assert frame["pay"].to_list() == ["<=50K", ">50K"]
    assert frame["work"].to_list() == ["State gov", "?"]
    assert dialect == Dialect(spaced=True)


def test_declared_blanks_are_cells(tmp_path: Path) -> None:
    path = put(tmp_path, 'a, b\n1, "x"\n2, y\n')
    frame, _ = read_table(path, Dialect(spaced=False))
    assert frame.to_dict(as_series=False) == {"a": ["1", "2"], " b": [' "x"', " y"]}


def test_numbers_after_blanks_are_numbers(tmp_path: Path) -> None:
    rows = "".join(f'{i}, {i}.5, "{i},25"\n' for i in range(30))
    table = load_table(put(tmp_path, "a, b, c\n" + rows))
    assert table.frame.rows()[3][1:] == (3.5, 3.25)
    write_frame(table.restore(table.frame), tmp_path / "o.csv", dialect=table.schema.dialect)
    assert (tmp_path / "o.csv").read_text() == "a, b, c\n" + rows


def test_blank_lines_beside_stray_quotes_are_left_out(tmp_path: Path) -> None:
    frame, _ = read_table(put(tmp_path, 'a,b\n1" x,\n\n2,3\n'))
    assert frame.rows() == [('1" x', None), ("2", "3")]


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
        ("koi8-r", "Привет"),
        ("cp1253", "η πρωτεύουσα της χώρας είναι η Αθήνα"),
        ("big5", "臺北市"),
        ("shift-jis", "東京都、大阪府、あいうえお"),
        ("utf-16-le", "Zürich"),
    ],
)
def test_other_encoding_is_named_and_read(tmp_path: Path, encoding: str, text: str) -> None:
    path = put(tmp_path, f"a;b\n{text};1\n{text};2\n".encode(encoding))
    with pytest.raises(InputError, match=f"--encoding {encoding}"):
        read_table(path)
    frame, dialect = read_table(path, Dialect(encoding=encoding))
    assert frame["a"].to_list() == [text, text]
    assert dialect is not None
    assert dialect.encoding == encoding


# what is read is written ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        ("a;b\n", {"separator": ";"}),
        ("a,b\r\n", {"line_end": "crlf"}),
        ("a\tb\r", {"separator": "\t", "line_end": "cr"}),
        ("sep=;\r\na;b\r\n", {"separator": ";", "line_end": "crlf", "names_separator": True}),
        ("Report of May\n\na,b\n", {"preamble": "Report of May\n\n"}),
        ("sep=|\nRaw\na|b\n", {"separator": "|", "preamble": "Raw\n", "names_separator": True}),
        ('By, for\n;;\n"a\nx";b\n', {"separator": ";", "preamble": "By, for\n;;\n"}),
        ("\ufeffa,b\n", {"encoding": "utf-8-sig"}),
        ("a, b\n", {"spaced": True}),
        ("# for: us, you\na;b\n", {"separator": ";", "preamble": "# for: us, you\n"}),
        ("Raw\na; b\n", {"separator": ";", "spaced": True, "preamble": "Raw\n"}),
        ("x" * (MAX_PREAMBLE + 1) + "\na,b\n", {}),
    ],
)
def test_dialect_is_found_and_written_again(
    tmp_path: Path, head: str, fields: dict[str, object]
) -> None:
    end = "\r\n" if "\r\n" in head else "\r" if "\r" in head else "\n"
    mark = str(fields.get("separator", ",")) + " " * bool(fields.get("spaced"))
    path = put(tmp_path, head + "".join(f"{i}{mark}x{i}{end}" for i in range(30)))
    frame, dialect = read_table(path)
    assert dialect == Dialect(**fields)  # type: ignore[arg-type]  # from a parametrized dict
    with TableWriter(tmp_path / "o.csv", dialect=dialect) as writer:
        writer.write(frame[:9])
        writer.write(frame[9:])
    again, same = read_table(tmp_path / "o.csv")
    assert again.equals(frame)
    assert same == dialect
    if len(head) < 100 and '"' not in head and fields.get("line_end") != "cr":
        assert (tmp_path / "o.csv").read_bytes() == path.read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.builds(
        Dialect,
        separator=st.sampled_from(",;\t|"),
        line_end=st.sampled_from(["lf", "crlf", "cr"]),
        encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
        names_separator=st.booleans(),
        spaced=st.booleans(),
    ),
    st.lists(st.text("ab 1,;|\t\"'é", min_size=1, max_size=6), min_size=1, max_size=6),
)
def test_cells_survive_every_dialect(tmp_path: Path, dialect: Dialect, texts: list[str]) -> None:
    frame = pl.DataFrame({"name": texts, "x,;": ["1"] * len(texts), " y": texts[::-1]})
    write_frame(frame, tmp_path / "t.csv", dialect=dialect)
    again, seen = read_table(tmp_path / "t.csv", Dialect(separator=dialect.separator))
    assert again.equals(frame)
    assert seen == dialect


def test_numbers_of_typed_columns_have_the_decimal_mark_of_the_file(tmp_path: Path) -> None:
    dialect = Dialect(separator=";", decimal=",")
    write_frame(pl.DataFrame({"x": [1.5, None], "n": [1, 2]}), tmp_path / "t.csv", dialect=dialect)
    assert (tmp_path / "t.csv").read_text() == "x;n\n1,5;1\n;2\n"


@pytest.mark.parametrize(
    ("columns", "separator", "marks"),
    [
        ({"x": ["1.234,5", "7,25"]}, ",", (",", ".")),
        ({"x": ["1,234.5", "7.25"]}, ",", (".", ",")),
        ({"x": ["0,339", "1,250"]}, ";", (",", None)),
        ({"x": ["0,339", "1,250"]}, ",", (",", None)),
        ({"x": ["1,339", "1,250"]}, ",", (None, ",")),
        ({"x": ["1,339", "1,250"]}, ";", (",", None)),
        ({"x": ["33 153", "1 002"], "y": ["0,5", "7,25"]}, ",", (",", " ")),
        ({"x": ["1,234", "2,500"], "y": ["0,5", "7,25"]}, ",", (",", None)),
        ({"x": ["1'234", "2'500"], "y": ["4.5", "7.25"]}, ",", (".", "'")),
        ({"x": ["0,5", "7,25"], "y": ["$1,234.5", "$2,345.7"]}, ";", (",", None)),
        ({"x": ["12", "7"], "y": ["a.b", "c,d"]}, ",", (None, None)),
        ({"x": [1.5, 2.5]}, ",", (None, None)),
    ],
)
def test_marks_of_numbers_are_those_of_all_columns(
    columns: dict[str, list[str]], separator: str, marks: tuple[str | None, str | None]
) -> None:
    dialect = number_marks(pl.DataFrame(columns), Dialect(separator=separator))
    assert (dialect.decimal, dialect.grouping) == marks


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("{}", [1234.0, 2500.0]),
        ("{decimal: ','}", [1.234, 2.5]),
        ("{grouping: '.'}", [1.234, 2.5]),
        ("{grouping: ','}", [1234.0, 2500.0]),
    ],
)
def test_declared_marks_decide_how_numbers_are_read(
    tmp_path: Path, said: str, values: list[float]
) -> None:
    path = put(tmp_path, "x\ty\n" + "1,234\ta\n2,500\tb\n" * 10)
    (tmp_path / "s.yaml").write_text(f"dialect: {said}\n")
    table = load_as_said(path, tmp_path / "s.yaml", None)
    assert table.frame["x"][:2].to_list() == values
    assert table.restore(table.frame).equals(table.raw)


def test_declared_dialect_wins_over_the_file(tmp_path: Path) -> None:
    path = put(tmp_path, "Titel: ä\r\na#b,c\r\n1#2,3\r\n4#5,6\r\n".encode("cp1252"))
    (tmp_path / "s.yaml").write_text(
        "dialect: {separator: '#', encoding: cp1252, line_end: lf, preamble: ''}\n"
    )
    table = load_as_said(path, tmp_path / "s.yaml", None)
    assert table.frame.columns == ["a", "b,c"]
    assert table.schema.dialect == Dialect(
        separator="#", encoding="cp1252", line_end="lf", preamble="", decimal=","
    )
    assert read_as_said(path, tmp_path / "s.yaml").equals(table.raw)


def test_schema_file_holds_the_dialect(tmp_path: Path) -> None:
    content = "sep=;\r\nTitle\r\na;b\r\n" + "1.234,5;x\r\n7,25;y\r\n" * 10
    schema = load_table(put(tmp_path, content)).schema
    read = Schema.overrides_from_yaml(schema.to_yaml())
    assert read.dialect == schema.dialect
    assert str(schema.dialect) == (
        "separator ';', decimal mark ',', thousands mark '.', utf-8, lines end in CRLF, "
        "the first line names the separator, 1 line above the header"
    )
    assert Schema.overrides_from_yaml("columns: {}").dialect is None


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_rows_of_another_format_are_written_in_a_declared_dialect(
    tmp_path: Path, ending: str
) -> None:
    frame = pl.DataFrame({"x": [i + 0.5 for i in range(40)], "y": ["a", "b"] * 20})
    write_frame(frame, tmp_path / f"t.{ending}")
    (tmp_path / "s.yaml").write_text("dialect: {line_end: crlf}\n")
    schema = load_as_said(tmp_path / f"t.{ending}", tmp_path / "s.yaml", None).schema
    assert schema.dialect is not None
    assert schema.dialect.line_end == "crlf"


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
        ("dialect: [x]", "'dialect' holds fields such as"),
        ("dialect: {seperator: ','}", "no field 'seperator'; did you mean 'separator'"),
        ("dialect: {separator: ';;'}", "dialect: separator: .* at most 1 character"),
        ("dialect: {separator: '\"'}", "dialect: separator: a separator is a comma"),
        ("dialect: {decimal: ',', grouping: ','}", "the mark of decimals and of thousands"),
        ("dialect: {encoding: klingon}", "no text encoding 'klingon'"),
        ("dialect: {line_end: CR}", "dialect: line_end"),
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
