"""How near a searched graph of Asia comes to the true one.

python -m benchmarks.mallm_gan.graphs --data DIR [--draws 20] [--out FILE]
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.mallm_gan.structure_measures import max_min_hill_climb, structural_distance
from benchmarks.mallm_gan.tables import SIZES, whole
from benchmarks.measure import markdown, options
from tablewright.generators.bayes_net import binned
from tablewright.generators.parts.structure import (
    Edge,
    Limits,
    bootstrap_edges,
    edge_prior,
    hill_climb,
)
from tablewright.schema import Schema
from tablewright.systems.mallm_gan.process import CausalGraph, Process
from tablewright.systems.mallm_gan.system import MALLMGAN
from tablewright.tables.encoding.codec import Codec
from tablewright.tables.table import load_table
from tablewright.threads import one_thread

SEARCHED = (200,)  # sizes at which the loop runs
LOOPS = 4  # draws of it

Codes = np.typing.NDArray[np.intp]


def with_prior(codes: Codes) -> set[Edge]:
    found = bootstrap_edges(codes, np.random.default_rng(0), n_resamples=30)
    return hill_climb(codes, Limits(prior=edge_prior(found)))


SEARCHES: dict[str, Callable[[Codes], set[Edge]]] = {
    "empty graph": lambda codes: set(),
    "hill climbing": hill_climb,
    "max-min hill climbing": max_min_hill_climb,
    "hill climbing, resampled prior": with_prior,
}


def codes_of(frame: pl.DataFrame, schema: Schema) -> Codes:
    matrix = Codec(schema).fit(frame).encode(frame)
    return binned(matrix.values, matrix.fields)


def loop(frame: pl.DataFrame, names: list[str], start: str, seed: int) -> set[Edge]:
    """Run the search of MALLM-GAN without a model, from the heuristic or the empty graph."""
    empty = Process(CausalGraph({name: [] for name in names}))
    system = MALLMGAN("dysp", process=empty if start == "empty" else None, random_state=seed)
    edges = system.fit(frame).process_.graph.edges
    return {(names.index(a), names.index(b)) for a, b in edges}


def results(folder: Path, draws: int) -> Iterator[dict[str, Any]]:
    frame, target, _ = whole(folder, "asia")
    truth = json.loads((folder / "mallm_gan" / "asia_true_dag.json").read_text())
    names = frame.columns
    edges = {(names.index(a), names.index(b)) for a, b in truth["edges"]}
    table = load_table(frame, target=target)
    for size in SIZES:
        row: dict[str, Any] = {"rows": size}
        orders = [
            np.random.default_rng([16, size, k]).permutation(frame.height) for k in range(draws)
        ]
        parts = [table.frame[order[:size]] for order in orders]
        for name, search in SEARCHES.items():
            far = [
                structural_distance(search(codes_of(part, table.schema)), edges, len(names))
                for part in parts
            ]
            row[name] = float(np.mean(far))
        for start in ("heuristic", "empty"):
            row[f"loop from {start}"] = None if size not in SEARCHED else float(np.mean([
                structural_distance(loop(part, names, start, k), edges, len(names))
                for k, part in enumerate(parts[:LOOPS])
            ]))  # fmt: skip
        print(row, flush=True)
        yield row


HEAD = """`python -m benchmarks.mallm_gan.graphs --data DIR`. Structural Hamming distance to the
true graph (8 edges) on equivalence classes, mean of {draws} draws; of {loops} for the
loop, which runs without a model at {sizes} rows."""


def main() -> None:
    parser = options(__doc__ or "", data=True)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--out", type=Path, default=None)
    asked = parser.parse_args()
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = list(results(asked.data, asked.draws))
    sizes = " and ".join(map(str, SEARCHED))
    head = HEAD.format(draws=asked.draws, loops=LOOPS, sizes=sizes)
    page = "\n\n".join(["# Asia: distance to the true graph", head, markdown(rows)])
    print(page)
    if asked.out is not None:
        asked.out.write_text(page + "\n")


if __name__ == "__main__":
    main()
