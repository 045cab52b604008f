"""What is good in a reply is kept, and nothing is invented."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.llm.rows.lenient_json import Broken, _Exhausted, _Reader, find_containers
from tablewright.llm.rows.parser import FORMATS, parse_rows
from tablewright.schema import Schema

NAMES = ['home, "town"', "Größe", "年齢", "is ok"]
SCHEMA = Schema.build(
    {
        NAMES[0]: {"kind": "categorical", "categories": ["Ulm", "Bad Urach", "O'Fallon", "a,b"]},
        NAMES[1]: {"kind": "continuous", "minimum": 0, "maximum": 3000, "decimals": 2},
        NAMES[2]: {"kind": "integer", "nullable": True},
        NAMES[3]: {"kind": "boolean", "categories": [False, True]},
    }
)
ROWS: list[dict[str, Any]] = [
    {NAMES[0]: "Ulm", NAMES[1]: 1.5, NAMES[2]: 31, NAMES[3]: True},
    {NAMES[0]: "O'Fallon", NAMES[1]: 1250.0, NAMES[2]: None, NAMES[3]: False},
    {NAMES[0]: "a,b", NAMES[1]: 0.25, NAMES[2]: 7, NAMES[3]: True},
]
CSV = FORMATS["csv"].write(ROWS, NAMES)
JSON = FORMATS["json"].write(ROWS, NAMES)


def cells(*indices: int) -> list[dict[str, Any]]:
    return [ROWS[index] for index in indices]


def read(text: str, form: str = "csv") -> list[Any]:
    return [row.cells for row in parse_rows(text, SCHEMA, form).rows]


@pytest.mark.parametrize("form", FORMATS)
def test_rows_survive_writing_and_reading(form: str) -> None:
    parsed = parse_rows(FORMATS[form].write(ROWS, NAMES), SCHEMA, form)
    assert [row.cells for row in parsed.rows] == ROWS
    assert [row.index for row in parsed.rows] == [0, 1, 2]
    assert parsed.lost == []


HEAD, *LINES = CSV.splitlines()
PLAIN = Schema.build(
    {
        "city": {"kind": "categorical", "categories": ["Ulm", "Bonn"]},
        "age": "integer",
        "pay": "continuous",
    }
)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (f"Here you are, as asked:\n```csv\n{CSV}\n```\nAnything else?", [0, 1, 2]),
        (f"{HEAD}\n{LINES[0]}\n{HEAD}\n{LINES[1]}\n\n{LINES[2]}", [0, 1, 2]),
        ("\n".join(LINES), [0, 1, 2]),
        (CSV[:-6], [0, 1]),
        (CSV.replace("Ulm,1.5,31", "ulm,1.50 kg,31"), [0, 1, 2]),
        (CSV.replace("1250.0", '"1,250"'), [0, 1, 2]),
        (CSV.replace("1250.0", "1,250.0"), [0, 1, 2]),
        (CSV.replace("Ulm", "Paris"), [1, 2]),
        (CSV.replace("1250.0", "99999"), [0, 2]),
        ("- " + "\n- ".join(CSV.splitlines()), [0, 1, 2]),
        (JSON, [0, 1, 2]),
        (f"<think>{{hm</think>```json\n{JSON}\n```", [0, 1, 2]),
        (JSON[: JSON.rindex("{") + 20], [0, 1]),
        (JSON.replace('"Ulm"', "'Ulm'").replace("true", "True").replace("null", "None"), [0, 1, 2]),
        (JSON.replace("}\n]", "},\n]"), [0, 1, 2]),
        (JSON.replace("1250.0", "1,250.0"), [0, 1, 2]),
        (JSON.replace("0.25", "0.25 m"), [0, 1, 2]),
        ("\n".join(json.dumps(row) for row in ROWS), [0, 1, 2]),
        ("I cannot write rows about people.", []),
        ("", []),
    ],
)
def test_good_rows_are_kept(text: str, kept: list[int]) -> None:
    for form in FORMATS:
        assert read(text, form) == cells(*kept)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("city,age,pay\nUlm,31", "2 fields instead of 3"),
        ("city,age,pay\nUlm,31,2,5,7", "5 fields instead of 3"),
        ("city,age\nUlm,31", "column 'pay' is missing"),
        ("city,age,pay\nRom,31,2.5", "column 'city': 'Rom' is not among its values"),
        ('{"rows": [{"city": "Ulm"', "the object is cut off or broken"),
        ('{"rows": [{"city": "Ulm"}]}', "column 'age' is missing"),
    ],
)
def test_every_lost_row_says_why(text: str, reason: str) -> None:
    parsed = parse_rows(text, PLAIN, "csv")
    assert parsed.rows == []
    assert [row.reason for row in parsed.lost] == [reason]


@pytest.mark.parametrize(
    "text",
    [
        "city;age;pay\nUlm;31;2,5",
        "| pay | city | age |\n|---|---|---|\n| 2.5 | Ulm | 31 |",
        "age\tpay\tcity\n31\t2.5\tUlm",
        "AGE,Pay,City,remark\n31,2.5,Ulm,fine",
        '[["city", "age", "pay"], ["Ulm", 31, 2.5]]',
        "A.\nUlm,31,2.5",
    ],
)
def test_other_layouts_are_read(text: str) -> None:
    parsed = parse_rows(text, PLAIN, "csv")
    assert [row.cells for row in parsed.rows] == [{"city": "Ulm", "age": 31, "pay": 2.5}]


def test_groups_are_kept() -> None:
    parsed = parse_rows("city,age,pay\nA.\nUlm,31,2.5\n\nB.\nBonn,3,2", PLAIN, "csv")
    assert [row.group for row in parsed.rows] == ["A", "B"]


def test_prose_is_not_taken_for_rows_of_words() -> None:
    words = Schema.build({"first": "text", "last": "text"})
    assert parse_rows("Sure, here you go\nfirst,last\nAda,Lovelace", words).rows[0].cells == {
        "first": "Ada",
        "last": "Lovelace",
    }
    assert parse_rows("Sure, here you go", words).rows == []


def test_a_bad_cell_can_be_missing_instead() -> None:
    parsed = parse_rows("city,age,pay\nRom,31,2.5", PLAIN, bad_cells="missing")
    assert parsed.rows[0].cells == {"city": None, "age": 31, "pay": 2.5}


@given(st.text(max_size=300))
def test_any_text_is_read_without_error(text: str) -> None:
    for form in FORMATS:
        parsed = parse_rows(text, PLAIN, form, known=["town"])
        assert all(row.text.isprintable() for row in parsed.lost)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(JSON_VALUES, min_size=1, max_size=4), st.booleans())
def test_json_is_read_as_json_is(value: list[Any], ascii_only: bool) -> None:
    text = f"So: {json.dumps(value, ensure_ascii=ascii_only)} Done."
    assert [result for result, _, _ in find_containers(text)] == [value]


def test_hostile_nesting_is_bounded() -> None:
    assert list(find_containers("[" * 5000 + "{'a':" * 5000)) == []


def test_cells_that_a_reply_repeats_are_told_from_its_own() -> None:
    text = '{"rows": [{"Age": "31", "CITY": "ulm", "pay": 2.5, "remark": "fine"}]}'
    row = parse_rows(text, PLAIN.model_copy(update={"columns": PLAIN.columns[:1]}), known=["age"])
    assert (row.rows[0].cells, row.rows[0].given) == ({"city": "Ulm"}, {"age": "31"})


def test_compact_lists_of_numbers_are_no_thousands() -> None:
    schema = Schema.build({"a": "integer", "b": "integer", "c": "integer"})
    assert parse_rows("[[1,200,300],[2,400,500]]", schema, "lists").rows[0].cells == {
        "a": 1, "b": 200, "c": 300,
    }  # fmt: skip


def test_lone_halves_of_characters_become_text() -> None:
    schema = Schema.build({"note": "text"})
    for text in ('[{"note": "a\\ud800b"}]', '[{"note": "a\ud800b"}]'):
        note = str(parse_rows(text, schema).rows[0].cells["note"])
        assert note.encode("utf-8")


HOSTILE = {
    "blanks in a cell": lambda n: "city,age,pay\nUlm,1" + " " * n + "x,2",
    "blanks between digits": lambda n: '{"city": "Ulm", "age": "' + "1 " * n + '", "pay": 2}',
    "an open typographic quote": lambda n: "[“" * n,
    "a typographic quote closed at the end": lambda n: "[“" * n + "”",
    "an open quote after a comment": lambda n: '[/* "' * n,
    "open lists": lambda n: "[" * n,
    "open objects": lambda n: '{"a":' * n,
    "apostrophes": lambda n: "{'it's" * n,
    "a broken end": lambda n: "[" + '{"city": "Ulm"},' * n + "x",
    "nested and broken": lambda n: ("[" * 30 + '"x",' * 30) * (n // 30),
    "separators": lambda n: "city,age,pay\nUlm" + "," * n,
    "open CSV quotes": lambda n: "city,age,pay\n" + '"\n' * n,
    "three digits": lambda n: "[" + "100," * n + "x",
    "braces": lambda n: "{" * n + '"city":' + "}" * n,
}
"""Texts that a reader with loops inside of loops over them never comes back from."""


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_no_reply_takes_more_than_its_length(make: Any) -> None:
    text = make(10_000)
    for form in FORMATS.values():
        assert len(list(form.read(text, PLAIN.names))) < len(text)
    parse_rows(text, PLAIN)


@pytest.mark.parametrize("make", HOSTILE.values(), ids=HOSTILE)
def test_the_work_of_finding_json_grows_with_the_text(make: Any) -> None:
    works = []
    for n in (2_000, 4_000, 8_000):
        reader = _Reader(make(n))
        with suppress(Broken, _Exhausted):
            reader.container(max(reader.text.find("["), 0))
        works.append(reader.work)
        assert sum(len(str(value)) for value, _, _ in find_containers(reader.text)) <= 3 * n * 20
    assert works[2] <= 4 * works[0] + 100_000
