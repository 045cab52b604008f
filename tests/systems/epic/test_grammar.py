"""The form of a set as a grammar: what it lets pass, read as a regular expression."""

from __future__ import annotations

import re

import polars as pl
import pytest

from tablewright.schema import Column, Kind
from tablewright.systems.epic.grammar import cell_grammar, literal, set_grammar


def pattern_of(grammar: str) -> re.Pattern[str]:
    """Put the rules of a grammar into each other; it has no recursion."""
    rules = dict(line.split(" ::= ", 1) for line in grammar.split("\n"))

    def body(rule: str) -> str:
        parts = re.findall(r'"(?:\\.|[^"\\])*"|\[[^\]]*\]|\w+|\{[^}]*\}|[()|?]', rule)
        return "".join(map(part, parts))

    def part(text: str) -> str:
        if text.startswith('"'):
            return re.escape(text[1:-1].replace("\\n", "\n").replace('\\"', '"'))
        if text[0].isalpha():
            return f"(?:{body(rules[text])})"
        return text

    return re.compile(body("root"))


def town(texts: list[str], **more: object) -> str:
    column = Column(name="town", kind=Kind.CATEGORICAL)
    return cell_grammar(column, pl.Series([*texts, *more.values()]), texts)


def age(values: list[object], kind: Kind = Kind.CONTINUOUS) -> str:
    return cell_grammar(Column(name="age", kind=kind), pl.Series(values), [])


@pytest.mark.parametrize(
    ("reply", "fits"),
    [
        ("\nA.\nno,31,Ulm\nno,47.5,Bonn\n\nB.\nyes,-2,Ulm\n", True),
        ("\nA.\nno,31,Ulm\n\nB.\nyes,2,Ulm\n", False),  # a row of the first group is missing
        ("\nA.\nno,31,Ulm\nyes,47,Bonn\n\nB.\nyes,2,Ulm\n", False),  # the label of another group
        ("\nA.\nno,31,Ulm\nno,47,Paris\n\nB.\nyes,2,Ulm\n", False),  # no town of the table
        ("\nA.\nno,31,Ulm\nno,47,Bonn,1\n\nB.\nyes,2,Ulm\n", False),
        ("\nA.\nno,31,Ulm\nno,old,Bonn\n\nB.\nyes,2,Ulm\n", False),
        ("\nA.\nno,31,Ulm\nno,47,Bonn\n\nB.\nyes,2,Ulm\n\nHere is", False),
    ],
)
def test_a_grammar_lets_whole_sets_pass_and_nothing_else(reply: str, fits: bool) -> None:
    cells = [age([1.5, -3.0]), town(["Ulm", "Bonn"])]
    grammar = set_grammar({"A": 2, "B": 1}, {"A": '"no"', "B": '"yes"'}, cells, begun=False)
    assert bool(pattern_of(grammar).fullmatch(reply)) is fits


def test_a_set_that_is_begun_goes_on_below_its_first_letter() -> None:
    grammar = set_grammar({"B": 1, "C": 1}, {"B": '"b"', "C": '"c"'}, ["[0-9]"], begun=True)
    assert pattern_of(grammar).fullmatch("b,1\n\nC.\nc,2\n")


@pytest.mark.parametrize(
    ("expression", "passing", "failing"),
    [
        (age([1, 2], Kind.INTEGER), ["0", "31"], ["-1", "2.5", "", "x"]),
        (age([1, None], Kind.INTEGER), ["31", ""], ["x"]),
        (age([-1.0, 2.0]), ["-0.5", "3"], ["1.2.3", "--1"]),
        (town(["Ulm", "Halle, S."]), ["Ulm", '"Halle, S."'], ["Halle", ""]),
        (town(["Ulm"], missing=None), ["Ulm", ""], ["Bonn"]),
        (town([f"t{k}" for k in range(300)]), ["anything at all"], ["a,b", 'a"b', "a\nb"]),
    ],
)
def test_a_cell_is_a_value_of_its_column(
    expression: str, passing: list[str], failing: list[str]
) -> None:
    pattern = pattern_of(f"root ::= {expression}")
    assert [bool(pattern.fullmatch(text)) for text in passing] == [True] * len(passing)
    assert [bool(pattern.fullmatch(text)) for text in failing] == [False] * len(failing)


def test_quotes_and_backslashes_are_escaped() -> None:
    assert literal('5" \\') == '"\\"5\\"\\" \\\\\\""'
