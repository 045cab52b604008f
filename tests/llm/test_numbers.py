"""Numbers as models write them: every reading, likeliest first."""

from __future__ import annotations

import pytest

from tablewright.llm.rows.csv_rows import split_line, write_line
from tablewright.llm.rows.numbers import readings


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("42", [42.0]),
        (" -.5 ", [-0.5]),
        ("1e3", [1000.0]),
        ("−7", [-7.0]),  # a typographic minus
        ("'12'", [12.0]),
        ("1,234", [1234.0, 1.234]),
        ("1,23", [1.23]),
        ("1,234,567", [1234567.0]),
        ("1.234.567", [1234567.0]),
        ("1.234,5", [1234.5]),
        ("1,234.5", [1234.5]),
        ("1 234 567", [1234567.0]),
        ("12'345.6", [12345.6]),
        ("1_000", [1000.0]),
        ("$ 45", [45.0]),
        ("-$45", []),
        ("EUR 9,50", [9.5]),
        ("12 kg", [12.0]),
        ("45K", [45000.0, 45.0]),
        ("2.5 bn", [2.5e9, 2.5]),
        ("3m", [3e6, 3.0]),
        ("30%", [30.0, 0.3]),
        ("1,23,45", []),  # no groups of three
        ("12 34", []),
        ("30 to 40", []),
        ("5 (about)", []),
        ("", []),
        ("abc", []),
        ("1e999", []),  # no finite number
        ("9" * 65, []),
        ("nan", []),
    ],
)
def test_readings_of_a_number(text: str, values: list[float]) -> None:
    assert readings(text) == pytest.approx(values)


@pytest.mark.parametrize(
    ("cells", "line"),
    [
        ([1, 2.5, None, "x"], "1,2.5,,x"),
        (["a,b", 'say "hi"'], '"a,b","say ""hi"""'),
        (["two\nlines", "tab\there"], "two lines,tab here"),
        ([True, 0.1 + 0.2], "True,0.30000000000000004"),
    ],
)
def test_a_line_of_csv(cells: list[object], line: str) -> None:
    assert write_line(cells) == line
    assert len(split_line(line)) == len(cells)


def test_blanks_around_cells_go_and_other_separators_and_quotes_are_kept_apart() -> None:
    assert split_line(' a , "b, c" ,d') == ["a", "b, c", "d"]
    assert split_line("a;b,c", ";") == ["a", "b,c"]
    assert split_line("'a, b', c", quote="'") == ["a, b", "c"]
