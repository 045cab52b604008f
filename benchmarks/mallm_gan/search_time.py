"""CPU seconds of one structure search, by rows and columns, on numbers and categories.

    python -m benchmarks.mallm_gan.search_time [--rows 1000,10000,50000] [--columns 8,15,30]

Columns depend on up to two before them. "One search" is hill climbing on all rows; "the generator"
is `bayes-net` from a frame: bins, twenty resamples of 5,000 rows, the search, and its trees.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl

from benchmarks.mallm_gan.command import numbers
from benchmarks.measure import cpu, markdown, options
from tablewright import Synthesizer
from tablewright.generators.bayes_net import binned, search_graph
from tablewright.generators.parts.structure import hill_climb
from tablewright.tables.encoding.codec import Codec
from tablewright.tables.table import load_table
from tablewright.threads import one_thread


def world(n_rows: int, n_columns: int) -> pl.DataFrame:
    """Draw columns, every third of six categories, each after up to two before it."""
    rng = np.random.default_rng(n_columns)
    columns: dict[str, Any] = {}
    hidden: list[Any] = []
    for j in range(n_columns):
        above = rng.choice(j, min(j, 2), replace=False) if j else []
        value = rng.normal(0, 1, n_rows) + sum(0.8 * hidden[k] for k in above)
        hidden.append((value - value.mean()) / value.std())
        codes = np.clip(np.floor(1.5 * hidden[-1] + 3), 0, 5).astype(int)
        columns[f"x{j}"] = np.array([*"abcdef"])[codes] if j % 3 == 2 else hidden[-1].round(3)
    return pl.DataFrame(columns)


def results(rows: list[int], columns: list[int]) -> Iterator[dict[str, Any]]:
    for n_columns in columns:
        for n_rows in rows:
            table = load_table(world(n_rows, n_columns))
            matrix = Codec(table.schema).fit(table.frame).encode(table.frame)
            codes, binning = cpu(lambda m=matrix: binned(m.values, m.fields))
            edges, search = cpu(lambda c=codes: hill_climb(c))
            rng = np.random.default_rng(0)
            _, whole = cpu(lambda c=codes, r=rng: search_graph(c[:20_000], r, 3))
            net = Synthesizer("bayes-net", random_state=0)
            _, fit = cpu(lambda s=net, t=table: s.fit(t.frame))
            yield {
                "columns": n_columns, "rows": n_rows, "edges": len(edges), "bins": binning,
                "one search": search, "with resamples, 20,000 rows at most": whole,
                "the generator": fit,
            }  # fmt: skip


def main() -> None:
    parser = options(__doc__ or "")
    parser.add_argument("--rows", type=numbers, default=[1000, 10_000, 50_000])
    parser.add_argument("--columns", type=numbers, default=[8, 15, 30])
    asked = parser.parse_args()
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print(markdown(list(results(asked.rows, asked.columns))))


if __name__ == "__main__":
    main()
