"""What is good in a reply is kept, and nothing is invented."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tablewright.llm.rows.lenient_json import find_containers
from tablewright.llm.rows.parser import FORMATS, parse_rows
from tablewright.llm.rows.raw_rows import NUMBER
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
    {NUMBER: 1, NAMES[0]: "Ulm", NAMES[1]: 1.5, NAMES[2]: 31, NAMES[3]: True},
    {NUMBER: 2, NAMES[0]: "O'Fallon", NAMES[1]: 1250.0, NAMES[2]: None, NAMES[3]: False},
    {NUMBER: 3, NAMES[0]: "a,b", NAMES[1]: 0.25, NAMES[2]: 7, NAMES[3]: True},
]
CSV = FORMATS["csv"].write(ROWS, NAMES)
JSON = FORMATS["json"].write(ROWS, NAMES)


def cells(*places: int) -> list[dict[str, Any]]:
    return [{name: ROWS[place][name] for name in NAMES} for place in places]


def read(text: str, form: str = "csv", numbers: tuple[int, ...] = (1, 2, 3)) -> list[Any]:
    return [row.cells for row in parse_rows(text, SCHEMA, form, numbers).rows]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("numbered", [True, False])
def test_rows_survive_writing_and_reading(form: str, numbered: bool) -> None:
    rows = ROWS if numbered else cells(0, 1, 2)
    text = FORMATS[form].write(rows, NAMES)
    parsed = parse_rows(text, SCHEMA, form, (1, 2, 3) if numbered else None)
    assert [row.cells for row in parsed.rows] == cells(0, 1, 2)
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
        (CSV.replace("1,Ulm,1.5,31", "1,ulm,1.50 kg,31"), [0, 1, 2]),
        (CSV.replace("1250.0", '"1,250"'), [0, 1, 2]),
        (CSV.replace("1250.0", "1,250.0"), [0, 1, 2]),
        (CSV.replace("Ulm", "Paris"), [1, 2]),
        (CSV.replace("1250.0", "99999"), [0, 2]),
        (f"{CSV}\n1,Ulm,2.5,44,True\n9,Ulm,2.5,44,True", [0, 1, 2]),
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
        ("_row,city,age,pay\n1,Ulm,31", "3 fields instead of 4"),
        ("_row,city,age,pay\n1,Ulm,31,2,5,7", "6 fields instead of 4"),
        ("_row,city,age\n1,Ulm,31", "column 'pay' is missing"),
        ("_row,city,age,pay\nx,Ulm,31,2.5", "no row number"),
        ("_row,city,age,pay\n4,Ulm,31,2.5", "row number 4 was not asked for, or came twice"),
        ("_row,city,age,pay\n1,Rom,31,2.5", "column 'city': 'Rom' is not among its values"),
        ('{"rows": [{"_row": 1, "city": "Ulm"', "the object is cut off or broken"),
        ('{"rows": [{"_row": 1, "city": "Ulm"}]}', "column 'age' is missing"),
    ],
)
def test_every_lost_row_says_why(text: str, reason: str) -> None:
    parsed = parse_rows(text, PLAIN, "csv", numbers=[1, 2])
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
    parsed = parse_rows("city,age,pay\nA.\nUlm,31,2.5\n\nB.\nBonn,3,2", PLAIN)
    assert [row.group for row in parsed.rows] == ["A", "B"]


def test_prose_is_not_taken_for_rows_of_words() -> None:
    words = Schema.build({"first": "text", "last": "text"})
    assert parse_rows("Sure, here you go\nfirst,last\nAda,Lovelace", words).rows[0].cells == {
        "first": "Ada",
        "last": "Lovelace",
    }
    assert parse_rows("Sure, here you go", words).rows == []


def test_a_bad_cell_can_be_missing_instead() -> None:
    parsed = parse_rows("_row,city,age,pay\n1,Rom,31,2.5", PLAIN, numbers=[1], bad_cells="missing")
    assert parsed.rows[0].cells == {"city": None, "age": 31, "pay": 2.5}


@given(st.text(max_size=300))
def test_any_text_is_read_without_error(text: str) -> None:
    for form in FORMATS:
        parsed = parse_rows(text, PLAIN, form, numbers=[1])
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
    assert [found for found, _, _ in find_containers(text)] == [value]


def test_hostile_nesting_is_bounded() -> None:
    assert list(find_containers("[" * 5000 + "{'a':" * 5000)) == []
