"""Tokens for each accepted row, by format and batch size: a simulation.

The stand-in model writes rows (`--rows`) of a narrow table (5 columns) and of a wide one (30),
with 3 % useless replies, 2 % cut off and 2 % of the rows with an invented category; ten rows
are shown as examples in each call. Tokens are characters / 4, prompts and replies together;
rows that are lost are asked for again, so their tokens count.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import polars as pl

from benchmarks.llm.report import write_table
from benchmarks.llm.tables import narrow, wide
from tablewright.llm import RowTask, connect, request_rows
from tablewright.testing import Faults, StandIn, serve

FAULTS = Faults(invalid=0.03, truncated=0.02, hallucinated=0.02)


def ten_of(frame: pl.DataFrame) -> Callable[[int], pl.DataFrame]:
    return lambda batch: frame[10 * batch % 90 :][:10]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200)
    options = parser.parse_args()
    rows = []
    for name, (frame, schema) in {"narrow": narrow(2_000, 0), "wide": wide(2_000, 1)}.items():
        task = RowTask(schema, "Rows of a table.", table=frame.head(100), examples=ten_of(frame))
        for form in ("csv", "json", "lists"):
            for size in (5, 10, 20, 50):
                with serve(StandIn(frame, schema=schema, faults=FAULTS)) as endpoint:
                    client = connect("stand-in", endpoint.url)
                    written = request_rows(
                        client, task, options.rows, batch_size=size, row_format=form, rounds=6
                    )
                    spent = client.spending()
                    client.close()
                read = sum(line["prompt_tokens"] for line in spent.lines)
                rows.append(
                    {
                        "table": name,
                        "format": form,
                        "rows a call": size,
                        "calls": spent.calls,
                        "rows": len(written.rows),
                        "read a row": f"{read / len(written.rows):.0f}",
                        "written a row": f"{(spent.tokens - read) / len(written.rows):.0f}",
                        "in all a row": f"{spent.tokens / len(written.rows):.0f}",
                    }
                )
    write_table("tokens_per_row", "Tokens for each accepted row (simulation)", rows,
                __doc__.split("\n\n", 1)[1])  # fmt: skip


if __name__ == "__main__":
    main()
