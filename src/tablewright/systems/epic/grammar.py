"""The form of a set of groups as a grammar (GBNF), for servers that hold a completion to one.

Once its set is complete a small model goes on with an explanation or with code. A grammar ends the
reply there, and has every row in form: a coder's model of 1.5B lost up to a fourth of its lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from tablewright.llm.rows.csv_rows import write_line
from tablewright.schema import Column

_MAX_VALUES = 200
_TEXT = '[^,"\\n\\r]{1,200}'
_WHOLE = "[0-9]{1,15}"


def set_grammar(
    wanted: Mapping[str, int],
    labels: Mapping[str, str],
    cells: Sequence[str],
    *,
    begun: bool,
) -> str:
    r"""Return the grammar of a set: for each group a line with its letter, and its rows.

    Parameters
    ----------
    wanted : mapping of str to int
        Rows of each group, by its letter.
    labels : mapping of str to str
        Expression of the first cell of a row, by the letter of its group.
    cells : sequence of str
        Expressions of the other cells.
    begun : bool
        Whether the prompt ends below the letter of the first group.

    Examples
    --------
    >>> print(set_grammar({"A": 2, "B": 1}, {"A": '"no"', "B": '"yes"'}, ["[0-9]"], begun=False))
    root ::= "\nA.\n" rowA{2} "\nB.\n" rowB{1}
    rowA ::= ("no") others
    rowB ::= ("yes") others
    others ::= "," cell0 "\n"
    cell0 ::= [0-9]
    """
    heads = [f'"\\n{letter}.\\n" ' for letter in wanted]
    heads[0] = "" if begun else heads[0]
    groups = [
        f"{head}row{letter}{{{n_rows}}}"
        for head, (letter, n_rows) in zip(heads, wanted.items(), strict=True)
    ]
    names = [f"cell{k}" for k in range(len(cells))]
    others = "".join(f'"," {name} ' for name in names)
    return "\n".join(
        [
            f"root ::= {' '.join(groups)}",
            *(f"row{letter} ::= ({labels[letter]}) others" for letter in wanted),
            f'others ::= {others}"\\n"',
            *(f"{name} ::= {cell}" for name, cell in zip(names, cells, strict=True)),
        ]
    )


def cell_grammar(column: Column, real: pl.Series, texts: Sequence[str]) -> str:
    r"""Return the expression of a cell: a value of a closed list, a number, or a text.

    Parameters
    ----------
    column : Column
    real : Series
        Its typed real cells.
    texts : sequence of str
        The values as they stand in prompts, where the column is discrete.

    Examples
    --------
    >>> column = Column(name="town", kind="categorical")
    >>> cell_grammar(column, pl.Series(["Ulm", None]), ["Ulm", "Halle, S."])
    '("Ulm" | "\\"Halle, S.\\"")?'
    """
    if column.kind.is_discrete and 0 < len(texts) <= _MAX_VALUES:
        result = " | ".join(literal(text) for text in texts)
    elif column.kind.is_numeric:
        sign = '"-"? ' if (low := real.min()) is not None and float(low) < 0 else ""  # type: ignore[arg-type]  # a number
        result = sign + _WHOLE + ("" if real.dtype.is_integer() else f' ("." {_WHOLE})?')
    else:
        result = _TEXT
    return f"({result}){'?' if real.null_count() else ''}"


def literal(text: str) -> str:
    """Quote a cell, as CSV and then as GBNF has it."""
    escaped = write_line([text]).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
