"""Are planted relations found, and do rows keep them? With relations, and without.

    python -m benchmarks.rddg.relations [--data DIR] [--rows 1000] [--generated 300]

With `--data` also Sick, where FTI is TT4 / T4U in every measured row, within 2 % + 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.measure import RESULTS, cpu, markdown, options, write_page
from benchmarks.rddg.arms import with_numbers
from benchmarks.rddg.simulators import SIMULATORS
from benchmarks.tables import SICK_TRAIN, read
from tablewright import RDDG, Rules, Synthesizer
from tablewright.rules import check_rules
from tablewright.schema import Schema

FTI = (
    "FTI_measured = 'f' OR TT4_measured = 'f' OR T4U_measured = 'f' OR "
    "abs(FTI - TT4 / T4U) <= 1 + 0.02 * TT4 / T4U",
    "TSH_measured = 't' OR TSH = 5.087820399764845",
    "T3_measured = 't' OR T3 = 2.013504330446369",
)


def kept(rows: pl.DataFrame, relation: str, schema: Schema) -> float:
    """Share of rows that keep a relation."""
    report = check_rules(rows, Rules(rules=[relation]), schema)
    return 1 - report["r1"].violations / rows.height


def compared(
    name: str, table: pl.DataFrame, target: str, relations: tuple[str, ...], n_rows: int
) -> Iterator[dict[str, Any]]:
    """Give a row for each relation."""
    system, fit = cpu(lambda: RDDG(target, random_state=0).fit(table))
    rows, wrote = cpu(lambda: system.sample(n_rows))
    trees = Synthesizer("trees", target=target, random_state=0).fit(table).sample(
        n_rows, balance="equal"
    )  # fmt: skip
    print(name, f"{fit:.0f} s to fit, {wrote:.0f} s for {rows.height} rows", flush=True)
    for relation in relations:
        yield {
            "table": name,
            "planted": relation,
            "real rows": kept(table, relation, system.schema_),
            "rddg": kept(rows, relation, system.schema_),
            "trees": kept(trees, relation, system.schema_),
            "relations held": len(system.relations_.rules),
        }


def main() -> None:
    parser = options(__doc__ or "")
    parser.add_argument("--data", default=None)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--generated", type=int, default=300)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    found = []
    for name, one in SIMULATORS.items():
        table = one.draw(args.rows, np.random.default_rng(0))
        found += compared(name, table, one.target, one.relations, args.generated)
    if args.data is not None:
        table = with_numbers(read(Path(args.data), SICK_TRAIN))
        found += compared("Sick", table, "Class", FTI, args.generated)
    text = (
        f"Share of {args.generated} rows, as many of each class, that keep a relation; learned "
        f"from {args.rows} rows of a simulator (Sick: all 2,968). Seed 0. `rddg` has the miner and "
        "a calibrated generator; `trees` is the default generator without rules."
    )
    write_page("rddg_relations", "Relations found and held", [text, markdown(found)], args.out)


if __name__ == "__main__":
    main()
