"""The page on tables: its Python runs, its schema file is read."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from tablewright.schema import Dialect, Schema
from tablewright.tables.inference.infer import infer_schema

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_python_on_the_page_runs() -> None:
    for block in blocks("python"):
        exec(compile(block, str(PAGE), "exec"), {})


def test_schema_file_on_the_page_is_read() -> None:
    overrides, target, dialect = Schema.overrides_from_yaml(blocks("yaml")[0])
    n = 20
    frame = pl.DataFrame(
        {
            "sick": ["y", "n"] * 10,
            "zip": range(n),
            "grade": ["low", "high"] * 10,
            "income": [*map(str, range(n - 1)), "refused"],
            "day": ["01/02/2020"] * n,
            "patient": [f"P-{i:06d}" for i in range(n)],
        }
    )
    schema = infer_schema(frame, overrides, target, dialect)
    assert schema.dialect == Dialect(separator=";", decimal=",", line_end="crlf")
    assert {name: schema[name].kind.value for name in overrides} == {
        "zip": "categorical",
        "grade": "ordinal",
        "income": "integer",
        "day": "date",
        "patient": "identifier",
    }
    assert (schema["day"].minimum, schema["zip"].categories) == ("2020-02-01", list(range(n)))
